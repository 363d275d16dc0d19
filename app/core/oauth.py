"""Refusals of the token endpoints, in the shape of RFC 6749 that every OAuth library expects: `{"error": ...}`.

What is no fault of the request (a body that is too large, a fault on our side) is a problem document as everywhere.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from app.core.routing import Route
from app.core.schemas import Outgoing


class OAuthError(Outgoing):
    """An error of a token endpoint (RFC 6749, section 5.2)."""

    error: Annotated[str, Field(examples=["invalid_grant"], description="What is wrong, as RFC 6749 names it.")]
    error_description: Annotated[str, Field(description="The same in English, for developers.")]


REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "The token counts no longer, or the request is not a proper one."}
}
NOT_PROVEN: dict[int | str, dict[str, Any]] = {
    401: {"model": OAuthError, "description": "`invalid_client`: the client did not prove who it is."}
}


class TokenRefusedError(Exception):
    """The token endpoint says no, and why as RFC 6749 names it. What was written so far stays: it tells of the attempt.

    The endpoint catches it before the transaction can see it.
    """

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer that says so."""
        body = OAuthError(error=self.error, error_description=self.description).model_dump()
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def refusal(error: str, description: str) -> Response:
    """The answer that says so, with the status 400."""
    return TokenRefusedError(error, description).response()


class OAuthRoute(Route):
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
                    fault["loc"][-1] == "grant_type" and fault["type"] in {"literal_error", "enum"}
                    for fault in error.errors()
                ):
                    return refusal("unsupported_grant_type", "This kind of grant is not offered.")
                return refusal("invalid_request", "A field of the form is missing, too long or not a text.")
            except HTTPException:
                return refusal("invalid_request", "The form cannot be read.")

        return translate
