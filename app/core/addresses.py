"""Finding the route of an address by its parts, instead of trying one route after the other.

FastAPI asks each route in turn whether it is meant, which for the last of some hundred costs as much as all the rest of
a request. Nearly all of our addresses are words and ids between slashes: these are looked up, and the first that was
registered wins, as if all had been tried. Whatever is not found so, an address or a method that there is not above all,
is left to FastAPI.
"""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette._utils import get_route_path
from starlette.convertors import StringConvertor
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

Parts = tuple[str | None, ...]
"""The parts of an address between slashes; None where any is meant."""


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    """How many routes were registered before it."""
    route: Route
    names: tuple[tuple[str, int], ...]
    """The names of the parts that are any, and where they stand."""


class Addresses:
    """Stands before the router of an application, to which routes may still be added."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._known = 0
        self._places: dict[tuple[str, Parts], _Place] = {}
        self._shapes: dict[int, list[frozenset[int]]] = {}
        """By the number of parts: which of them are any, in every way that occurs."""
        self._odd: list[tuple[int, BaseRoute]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._router.app(scope, receive, send)
            return
        parts = get_route_path(scope).split("/")
        place = self._find(scope, parts)
        if place is None:
            await self._router.app(scope, receive, send)
            return
        route = place.route
        scope["router"], scope["route"], scope["endpoint"] = self._router, route, route.endpoint
        scope["path_params"] = {name: parts[number] for name, number in place.names}
        await route.app(scope, receive, send)

    def _find(self, scope: Scope, parts: list[str]) -> _Place | None:
        if self._known != len(self._router.routes):
            self._learn()
        found: _Place | None = None
        for shape in self._shapes.get(len(parts), ()):
            key = tuple([None if number in shape else part for number, part in enumerate(parts)])
            place = self._places.get((scope["method"], key))
            if place is not None and (found is None or place.number < found.number):
                found = place
        if found is None or not all(parts[number] for _, number in found.names):
            return None
        for number, route in self._odd:
            if number > found.number:
                break
            if route.matches(scope)[0] is not Match.NONE:
                return None
        return found

    def _learn(self) -> None:
        self._places.clear()
        self._shapes.clear()
        self._odd.clear()
        for number, route in enumerate(self._router.routes):
            if not isinstance(route, Route) or not _is_plain(route):
                self._odd.append((number, route))
                continue
            parts = tuple(None if part[:1] == "{" else part for part in route.path.split("/"))
            shape = frozenset(number for number, part in enumerate(parts) if part is None)
            if shape not in self._shapes.setdefault(len(parts), []):
                self._shapes[len(parts)].append(shape)
            names = tuple((part[1:-1], place) for place, part in enumerate(route.path.split("/")) if part[:1] == "{")
            for method in route.methods or ():
                self._places.setdefault((method, parts), _Place(number, route, names))
        self._known = len(self._router.routes)


def _is_plain(route: Route) -> bool:
    """Whether its address is words, and names of whatever stands between two slashes."""
    texts = all(type(convertor) is StringConvertor for convertor in route.param_convertors.values())
    named = {"{" + name + "}" for name in route.param_convertors}
    parts = route.path.split("/")
    return texts and all(part in named or not {"{", "}"} & set(part) for part in parts)
