"""The pages that a problem's `type` leads to: what it means, from the docstring of its class."""

import inspect
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from app.core import errors
from app.core.errors import every_problem, problems
from app.core.guards import public
from app.core.routing import Route
from app.core.schemas import Outgoing

router = APIRouter(tags=["running"], route_class=Route)


class ProblemMeaning(Outgoing):
    """What an error means and what to do about it."""

    code: Annotated[str, Field(description="Stable name of the error.", examples=["check_in_conflict"])]
    title: Annotated[str, Field(description="What went wrong, in one line.")]
    status: Annotated[int, Field(description="The HTTP status it comes with.", examples=[409])]
    meaning: Annotated[str, Field(description="What it means and what to do.")]


@router.get("/problems/{code}", summary="What does this error mean?", responses=problems(errors.NotFound))
async def read_problem(
    code: Annotated[str, Path(max_length=80, description="The `code` of a problem.", examples=["check_in_conflict"])],
    _: Annotated[None, public()],
) -> ProblemMeaning:
    """The page behind the `type` of a problem."""
    problem = every_problem().get(code)
    if problem is None:
        raise errors.NotFound
    return ProblemMeaning(
        code=problem.code, title=problem.title, status=problem.status, meaning=inspect.cleandoc(problem.__doc__ or "")
    )
