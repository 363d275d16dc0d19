"""Refusals of the token endpoints, in the shape of RFC 6749 that every OAuth library expects: `{"error": ...}`.

What is no fault of the request (a body that is too large, a fault on our side) is a problem document as everywhere.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import Field
from starlette.exceptions import HTTPException

from app.core.schemas import Outgoing


class OAuthError(Outgoing):
    """An error of a token endpoint (RFC 6749, section 5.2)."""

    error: Annotated[str, Field(examples=["invalid_grant"], description="What is wrong, as RFC 6749 names it.")]
    error_description: Annotated[str, Field(description="The same in English, for developers.")]


REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "The token counts no longer, or the request is not a proper one."}
}


def refusal(error: str, description: str) -> Response:
    """The answer that says so."""
    return JSONResponse(OAuthError(error=error, error_description=description).model_dump(), status_code=400)


class OAuthRoute(APIRoute):
    """A route that takes a form and refuses a wrong one as RFC 6749 says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with its refusals translated."""
        handle = super().get_route_handler()

        async def translate(request: Request) -> Response:
            await request.body()  # a body that is too large says so; FastAPI would call it unreadable
            try:
                return await handle(request)
            except RequestValidationError as error:
                if any(
                    fault["loc"][-1] == "grant_type" and fault["type"] == "literal_error" for fault in error.errors()
                ):
                    return refusal("unsupported_grant_type", "This kind of grant is not offered.")
                return refusal("invalid_request", "A field of the form is missing, too long or not a text.")
            except HTTPException:
                return refusal("invalid_request", "The form cannot be read.")

        return translate
