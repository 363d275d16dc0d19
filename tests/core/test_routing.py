"""Routes that are built at their first request are found, answer and are described as FastAPI's own are."""

from collections.abc import Iterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Path, Query
from fastapi.exceptions import FastAPIError
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from starlette.routing import Match

from app.core import openapi, routing
from app.core.routing import Route, aliases_are_of_fields
from app.core.schemas import Incoming, Outgoing
from tests.conftest import BASE_URL


class Leaf(Incoming):
    """What is inside."""

    weight: int = 1


class Tree(Incoming):
    """What holds its own kind."""

    leaves: tuple[Leaf, ...] = ()
    branches: "tuple[Tree, ...]" = ()


class Planted(Outgoing):
    """What came of it."""

    weight: int


class Asked(Incoming):
    """What is asked of a list."""

    limit: int = 5


def _caller(x_caller: Annotated[str, Header()] = "nobody") -> str:
    return x_caller


def _router(route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["trees"], route_class=route_class, dependencies=[Depends(_caller)], responses={409: {}}
    )

    @router.get("/trees/{tree_id}", summary="A tree", deprecated=True)
    async def read_tree(tree_id: Annotated[int, Path(ge=1)], caller: Annotated[str, Depends(_caller)]) -> Tree:
        """Read one."""
        return Tree(leaves=(Leaf(weight=tree_id),), branches=(Tree(leaves=(Leaf(weight=len(caller)),)),))

    @router.put("/trees/{tree_id}", status_code=201, response_model=Planted, responses={200: {"model": Tree}})
    async def plant_tree(tree_id: int, tree: Tree) -> Any:
        """Plant one."""
        return {"weight": len(tree.branches) + tree_id, "unknown": True}

    @router.delete("/trees/{tree_id}", status_code=204)
    async def fell_tree(tree_id: int) -> None:
        """Fell one."""

    @router.post("/trees/search", response_class=PlainTextResponse, tags=["search"])
    async def find_trees(words: Annotated[list[str], Body()], query: Annotated[Asked, Query()]) -> str:
        """Find some."""
        return ",".join(words[: query.limit])

    @router.get("/files/{path:path}", include_in_schema=False)
    async def read_file(path: str) -> str:
        return path

    return router


def _plain() -> FastAPI:
    app = FastAPI(openapi_url=None, generate_unique_id_function=routing.operation_id)
    app.include_router(_router(APIRoute))
    return app


def _late() -> FastAPI:
    app = FastAPI(openapi_url=None, generate_unique_id_function=routing.operation_id)
    routing.include(app, [_router(Route)])
    return app


def _routes(app: FastAPI) -> Iterator[Route]:
    return (route for route in app.router.routes if isinstance(route, Route))


def _built(app: FastAPI) -> list[str]:
    return [route.name for route in _routes(app) if "dependant" in vars(route)]


async def _ask(app: FastAPI, method: str, path: str, **sent: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE_URL) as caller:
        return await caller.request(method, path, **sent)


REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/v1/trees/3", {"headers": {"x-caller": "anna"}}),
    ("GET", "/v1/trees/0", {}),
    ("GET", "/v1/trees/oak", {}),
    ("PUT", "/v1/trees/2", {"json": {"leaves": [{"weight": 2}], "branches": [{"branches": [{}]}]}}),
    ("PUT", "/v1/trees/2", {"json": {"branches": [{"branches": [{"leaves": [{"weight": "heavy"}]}]}]}}),
    ("PUT", "/v1/trees/2", {"json": {"unknown": 1}}),
    ("PUT", "/v1/trees/2", {"content": b"{"}),
    ("DELETE", "/v1/trees/2", {}),
    ("POST", "/v1/trees/search?limit=1", {"json": ["a", "b"]}),
    ("POST", "/v1/trees/search?limit=many", {"json": ["a", "b"]}),
    ("GET", "/v1/files/a/b", {}),
    ("PATCH", "/v1/trees/2", {}),
    ("GET", "/v1/trees", {}),
)


class TestRoute:
    @pytest.mark.parametrize(("method", "path", "sent"), REQUESTS, ids=str)
    async def test_answers_as_a_plain_one_does(self, method: str, path: str, sent: dict[str, Any]) -> None:
        late = await _ask(_late(), method, path, **sent)
        with aliases_are_of_fields():  # which plain routes complain of where shapes are built later
            plain = await _ask(_plain(), method, path, **sent)

        assert (late.status_code, late.content, late.headers) == (plain.status_code, plain.content, plain.headers)

    async def test_is_built_by_its_first_request_and_no_other(self) -> None:
        app = _late()
        assert _built(app) == []

        await _ask(app, "DELETE", "/v1/trees/2")

        assert _built(app) == ["fell_tree"]

    def test_is_found_before_it_is_built(self) -> None:
        app = _late()
        scope = {"type": "http", "method": "GET", "path": "/v1/trees/7", "headers": []}

        found = [(route.name, match) for route in _routes(app) if (match := route.matches(scope)[0]) is not Match.NONE]

        assert found == [("read_tree", Match.FULL), ("plant_tree", Match.PARTIAL), ("fell_tree", Match.PARTIAL)]
        assert _built(app) == []

    def test_has_nothing_that_a_plain_one_has_not(self) -> None:
        late, plain = next(_routes(_late())), _router(APIRoute).routes[0]

        with pytest.raises(AttributeError, match="colour"):
            _ = late.colour
        with pytest.raises(AttributeError, match="colour"):
            _ = late.colour
        assert late.dependant.path == "/v1/trees/{tree_id}"
        assert vars(late).keys() == vars(plain).keys()

    def test_that_cannot_be_built_says_so_when_it_is_asked(self) -> None:
        router = APIRouter(route_class=Route)

        @router.get("/broken")
        async def broken() -> Match | APIRouter:
            return Match.NONE

        with pytest.raises(FastAPIError, match="APIRouter"):
            _ = next(route for route in router.routes if isinstance(route, Route)).dependant


class TestDocument:
    def test_is_the_same_as_with_plain_routes(self) -> None:
        late = _late().openapi()
        with aliases_are_of_fields():
            plain = _plain().openapi()

        assert late == plain

    def test_names_operations_as_generated_clients_do(self) -> None:
        assert _late().openapi()["paths"]["/v1/trees/{tree_id}"]["get"]["operationId"] == "readTree"


class TestOurRoutes:
    def test_can_all_be_built(self, app: FastAPI) -> None:
        """One that cannot be would be noticed by its first caller."""
        late = list(_routes(app))

        assert len(late) > 200
        for route in late:
            assert route.dependant.path == route.path
            assert route.response_field is None or route.response_field._type_adapter.validator is not None

    def test_are_all_late(self, app: FastAPI) -> None:
        plain = [each.path for each in openapi.routes(app) if not isinstance(each.original_route, Route)]

        assert plain == []
