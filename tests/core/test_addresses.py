"""The route that is looked up is the one that trying all of them in order finds."""

from collections.abc import Iterator
from typing import Any

import hypothesis
from fastapi import APIRouter, FastAPI
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match, Mount

from app.core.addresses import Addresses
from tests.factories import an_id

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "")
ODD_PATHS = (
    "",
    "/",
    "//",
    "/v1",
    "/v1/",
    "/v1//",
    "/v1/me/",
    "/v1/me\n",
    "/v1/patients//trends",
    "/../v1/me",
    "/v1/me/%2F",
)


def _scope(method: str, path: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}


def _tried(routes: list[BaseRoute], method: str, path: str) -> tuple[BaseRoute, dict[str, Any]] | None:
    for route in routes:
        match, child = route.matches(_scope(method, path))
        if match is Match.FULL:
            return route, child.get("path_params", {})
    return None


def _looked_up(addresses: Addresses, method: str, path: str) -> tuple[BaseRoute, dict[str, Any]] | None:
    parts = path.split("/")
    place = addresses._find(_scope(method, path), parts)
    if place is None:
        return None
    return place.route, {name: parts[number] for name, number in place.names}


def _paths(app: FastAPI) -> Iterator[str]:
    for route in app.router.routes:
        for given in (str(an_id()), "batch", "chart.svg", "me", ""):
            path: str = getattr(route, "path", "")
            names = getattr(route, "param_convertors", ())
            for name in names:
                path = path.replace("{" + name + "}", given).replace("{" + name + ":path}", f"{given}/{given}")
            yield path
            yield path + "/"
    yield from ODD_PATHS


class TestOurRoutes:
    def test_are_those_that_trying_all_of_them_finds(self, app: FastAPI) -> None:
        addresses = Addresses(app.router)

        for path in dict.fromkeys(_paths(app)):
            for method in METHODS:
                found = _looked_up(addresses, method, path)
                assert found is None or found == _tried(app.router.routes, method, path), (method, path)

    def test_are_nearly_all_looked_up(self, app: FastAPI) -> None:
        addresses = Addresses(app.router)
        _looked_up(addresses, "GET", "/")

        assert len(addresses._odd) < len(app.router.routes) / 20
        assert max(len(shapes) for shapes in addresses._shapes.values()) <= 12


parts_of_templates = st.lists(st.sampled_from(["a", "b", "{x}", "{y}", "c{z}"]), min_size=1, max_size=4).filter(
    lambda parts: all(parts.count(part) < 2 for part in parts if "{" in part)
)
templates = st.builds(lambda parts: "/" + "/".join(parts), parts_of_templates)


class TestAnyRoutes:
    @hypothesis.settings(max_examples=60)
    @hypothesis.given(
        st.lists(st.tuples(templates, st.sampled_from(["GET", "PUT"])), max_size=8),
        st.lists(st.sampled_from(["a", "b", "d", "ca", "c", ""]), max_size=4),
    )
    def test_are_those_that_trying_all_of_them_finds(self, declared: list[tuple[str, str]], parts: list[str]) -> None:
        router = APIRouter()
        for path, method in declared:
            router.add_route(path, lambda _: None, methods=[method])  # type: ignore[arg-type,return-value]
        path = "/" + "/".join(parts)

        for method in ("GET", "HEAD", "PUT"):
            found = _looked_up(Addresses(router), method, path)
            assert found is None or found == _tried(router.routes, method, path)

    def test_may_be_added_later(self) -> None:
        router = APIRouter()
        addresses = Addresses(router)
        assert _looked_up(addresses, "GET", "/late") is None

        router.add_route("/late", lambda _: None)  # type: ignore[arg-type,return-value]

        assert _looked_up(addresses, "GET", "/late") is not None

    def test_behind_a_mount_are_left_to_it(self) -> None:
        router = APIRouter()
        router.routes.append(Mount("/a", app=APIRouter()))
        router.add_route("/a/b", lambda _: None)  # type: ignore[arg-type,return-value]

        assert _looked_up(Addresses(router), "GET", "/a/b") is None
