"""Routes that are built when they are first asked for.

FastAPI works out at once what each route takes and answers, and again when its router is included in an application.
That is most of what a start costs and a good part of the memory of a process, for routes of which a process may never
see a request. Here a route knows its address and methods from the start, and the rest from its first request on, or
from when the OpenAPI document is made. The routes themselves are put into the application, not their routers, so that
a request is matched once.
"""

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import compile_path


def operation_id(route: APIRoute) -> str:
    """`read_check_in` becomes `readCheckIn`, which is the method's name in generated clients."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Route(APIRoute):
    """A route of which only what finds it is made at once."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401  FastAPI's own
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.path, self.endpoint = path, endpoint
        self.methods = {method.upper() for method in options["methods"]}
        self.name = options["name"] or endpoint.__name__
        self.include_in_schema = options["include_in_schema"]
        self._options = options | {"generate_unique_id_function": operation_id}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever is asked for first
        """Build the rest: Python asks here for what is not there yet."""
        options = self.__dict__.pop("_options", None)
        if options is None:
            raise AttributeError(name)
        super().__init__(self.path, self.endpoint, **options)
        return getattr(self, name)


def include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put the routes of these routers into the application, in this order."""
    app.router.routes.extend(route for router in routers for route in router.routes)
