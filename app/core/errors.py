"""What can go wrong, in the one shape that every error has: `application/problem+json` (RFC 9457).

An error is a class with a status, a stable `code` (the key an app translates by), a title and a docstring, which
is the page that the problem's `type` leads to. Raise it anywhere; nothing else in the application knows HTTP statuses.
Values that a caller sent are never repeated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


_OUR_NAME = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: `pointer` is an RFC 6901 JSON pointer into the body (or `/query/name`)."""

    pointer: str
    code: str
    detail: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Problem(Exception):  # noqa: N818  the field's standard term is "problem"
    """Something a caller can be told. Subclasses say what."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side."
    registered: ClassVar[str | None] = None
    """The registered `type` where the whole web has one for this; otherwise it is the address of our own page."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        keeps_writes: bool = False,
        **members: Any,  # noqa: ANN401  extension members of RFC 9457, JSON values
    ) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.keeps_writes = keeps_writes
        self.members = members

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": self.registered or f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail or self.title,
            "request_id": request_id,
            "errors": [
                {"pointer": _named_by_us(e.pointer), "code": e.code, "detail": e.detail, "params": dict(e.params)}
                for e in self.errors
            ],
            **self.members,
        }


def _named_by_us(pointer: str) -> str:
    """The pointer as far as its steps look like names of ours: the name of a field can be somebody's words too."""
    first, *steps = pointer.split("/")
    return pointer if steps[:1] == ["header"] else "/".join([first, *takewhile(_OUR_NAME.fullmatch, steps)])


class ProblemFieldError(BaseModel):
    """One thing wrong with one field of the request."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the field.", examples=["/responses/0/answers/now"])
    code: str = Field(description="Stable name of the fault, to translate by.", examples=["less_than_equal"])
    detail: str = Field(description="The fault in English, for developers. Never repeats what was sent.")
    params: dict[str, Any] = Field(
        description="Figures that belong to the fault, such as `max`.", examples=[{"le": 10}]
    )


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 describes it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Address of the page that explains this error.", examples=["/problems/not_found"])
    title: str = Field(description="What went wrong, the same for every occurrence.")
    status: int = Field(description="The HTTP status.", examples=[404])
    code: str = Field(description="Stable name of the error, to translate by.", examples=["not_found"])
    detail: str = Field(description="What went wrong this time, in English, for developers.")
    request_id: str | None = Field(description="Quote this when you ask for help.")
    errors: list[ProblemFieldError] = Field(description="The fields at fault; empty when no single field is.")


class MalformedJson(Problem):
    """The body cannot be read as strict JSON.

    Refused are: broken syntax, bytes that are not UTF-8, NaN and infinities, numbers too large to hold, the same key
    twice in one object, half a surrogate pair, the NUL character, and nesting deeper than 32 levels. Sending the same
    bytes again cannot succeed.
    """

    status = 400
    code = "malformed_json"
    title = "The body is not strict JSON."


class MalformedRequest(Problem):
    """Something about the request itself cannot be understood, such as a header or the path."""

    status = 400
    code = "malformed_request"
    title = "The request cannot be understood."


class InvalidRequest(Problem):
    """The request can be read, but breaks a rule. `errors` points at each field; what was sent is not repeated."""

    status = 422
    code = "invalid_request"
    title = "The request breaks a rule."


class Unauthenticated(Problem):
    """There is no valid access token: it is missing, expired, or its device was signed out.

    Get a new access token with the refresh token (`POST /oauth/token`); if that is refused too, sign in again.
    """

    status = 401
    code = "unauthenticated"
    title = "A valid access token is needed."


class Forbidden(Problem):
    """The caller is known and may know of the thing, but their role does not allow this."""

    status = 403
    code = "forbidden"
    title = "Your role does not allow this."


class NotFound(Problem):
    """There is no such thing, or the caller may not know that there is. The two answers are the same on purpose."""

    status = 404
    code = "not_found"
    title = "There is no such thing."


class MethodNotAllowed(Problem):
    """The address exists, but not with this method; the `Allow` header lists the methods it has."""

    status = 405
    code = "method_not_allowed"
    title = "This address does not take this method."


class PreconditionFailed(Problem):
    """The thing changed since the version in `If-Match`. `current` is how it is now: merge and send again."""

    status = 412
    code = "precondition_failed"
    title = "It changed since you read it."


class BodyTooLarge(Problem):
    """The body is larger than 1 MiB. Split a batch into smaller ones."""

    status = 413
    code = "body_too_large"
    title = "The body is too large."


class BodyTooSlow(Problem):
    """The body did not arrive in time (`AFTERGLOW_BODY_SECONDS`). Nothing was stored; send the same again."""

    status = 408
    code = "body_too_slow"
    title = "The body took too long to arrive."


class HttpsRequired(Problem):
    """The request came as plain http, where anybody on the way can read it. Use https; a token that was sent is known.

    Operators: this is also what you see when TLS ends at a proxy that is not in `AFTERGLOW_TRUSTED_PROXIES`, or that
    does not send `X-Forwarded-Proto`.
    """

    status = 421
    code = "https_required"
    title = "Only https is answered here."


class HeadersTooLarge(Problem):
    """The address and headers together are larger than 32 KiB."""

    status = 431
    code = "headers_too_large"
    title = "The headers are too large."


class UnsupportedMediaType(Problem):
    """The body must be `application/json`."""

    status = 415
    code = "unsupported_media_type"
    title = "The body must be JSON."


class PreconditionRequired(Problem):
    """Changing something that exists needs `If-Match` with the version you read, so that nobody's change is lost."""

    status = 428
    code = "precondition_required"
    title = "Say which version you are changing."


class TooManyRequests(Problem):
    """Too many requests of this kind; try again after the seconds in `Retry-After`. Nothing was done.

    `violated-policies` names what was used up, and `RateLimit-Policy` says how much there is of it: `q` requests in `w`
    seconds. An answer that was not refused says in `RateLimit` how many are left (`r`), and that all of them are back
    after `t` seconds.
    """

    status = 429
    code = "too_many_requests"
    title = "Too many requests."
    registered = "https://iana.org/assignments/http-problem-types#quota-exceeded"


class InternalError(Problem):
    """A fault on our side. Nothing was stored. Quote `request_id` when you ask for help; sending again is safe."""

    status = 500
    code = "internal_error"
    title = "Something went wrong on our side."


class Unavailable(Problem):
    """The service cannot answer just now. Nothing was stored; send the same again after `Retry-After` seconds."""

    status = 503
    code = "unavailable"
    title = "The service cannot answer just now."


def problems(*classes: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each problem it can answer with, beside those that every route can."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    for problem in classes:
        by_status.setdefault(problem.status, []).append(problem)
    return {status: response(*group) for status, group in by_status.items()}


def response(*classes: type[Problem]) -> dict[str, Any]:
    """One entry of an OpenAPI `responses` object for problems that share a status."""
    return {
        "description": " ".join(f"`{problem.code}`: {problem.title}" for problem in classes),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def every_problem() -> dict[str, type[Problem]]:
    """All problems of the application by their code."""
    found: dict[str, type[Problem]] = {}
    queue = list(Problem.__subclasses__())
    while queue:
        problem = queue.pop()
        queue.extend(problem.__subclasses__())
        found[problem.code] = problem
    return dict(sorted(found.items()))
