"""Routes that are built when they are first asked for.

FastAPI works out at once what each route takes and answers, and again when its router is included in an application.
That is most of what a start costs and a good part of the memory of a process, for routes of which a process may never
see a request. Here a route knows its address and methods from the start, and the rest from its first request on, or
from when the OpenAPI document is made. The routes themselves are put into the application, not their routers, so that
a request is matched once.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, get_args

from fastapi import APIRouter, FastAPI
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.routing import compile_path


def operation_id(route: APIRoute) -> str:
    """`read_check_in` becomes `readCheckIn`, which is the method's name in generated clients."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@contextmanager
def aliases_are_of_fields() -> Iterator[None]:
    """Without pydantic's warning that an alias says nothing of a type by itself: FastAPI knows, and it reads both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
        yield


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
        with aliases_are_of_fields():
            for field in (self.response_field, *_taken(self.dependant)):
                if field is not None:
                    _complete(field.field_info.annotation)
                    field._type_adapter.rebuild()  # noqa: SLF001  FastAPI has no other name for it
        return getattr(self, name)


def _taken(dependant: Dependant) -> Iterator[ModelField]:
    yield from dependant.body_params
    yield from dependant.query_params
    for below in dependant.dependencies:
        yield from _taken(below)


def _complete(shape: Any, *around: Any) -> None:  # noqa: ANN401  annotations
    """Build what checks a shape, those inside it first: they are shared by all that hold them."""
    for inner in get_args(shape):
        _complete(inner, *around)
    if (
        isinstance(shape, type)
        and issubclass(shape, BaseModel)
        and not (shape.__pydantic_complete__ or shape in around)
    ):
        for field in shape.model_fields.values():
            _complete(field.annotation, shape, *around)
        shape.model_rebuild()


def include(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put the routes of these routers into the application, in this order."""
    app.router.routes.extend(route for router in routers for route in router.routes)
