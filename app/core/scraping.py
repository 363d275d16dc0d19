"""The page that Prometheus asks for, which only who knows its token may read."""

import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import errors, metrics
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.errors import problems
from app.core.guards import public
from app.core.logging import describe, log
from app.core.metrics import Gauge
from app.core.routing import Route
from app.core.settings import Settings

Reading = Callable[[Database], Awaitable[Iterable[Gauge]]]
"""Reads how something stands, across clinics, with statements that an index answers. `app.state.readings` has them."""

router = APIRouter(tags=["running"], route_class=Route)
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "In Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get(
    "/metrics",
    summary="How does the process do?",
    response_class=Response,
    responses=_PAGE | problems(errors.Unauthenticated, errors.NotFound),
)
async def read_metrics(request: Request, _: Annotated[None, public()]) -> Response:
    """For Prometheus: requests, webhooks, the audit and the process itself, without anything of a patient.

    It needs `Authorization: Bearer` with the token of `AFTERGLOW_METRICS_TOKEN`; where none is set there is no such
    page. What is counted is counted by this process alone. What is read from the database is the same in all.
    """
    state: Any = request.app.state
    _require_token(state.settings, request)
    return Response(metrics.text(await _gauges(state.engine, state.readings)), media_type=metrics.MEDIA_TYPE)


def _require_token(settings: Settings, request: Request) -> None:
    if settings.metrics_token is None:
        raise errors.NotFound
    scheme, sent = get_authorization_scheme_param(request.headers.get("authorization"))
    token = settings.metrics_token.get_secret_value()
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), token.encode()):
        raise errors.Unauthenticated(
            "Send the token that the operator set for this page.", headers={"WWW-Authenticate": "Bearer"}
        )


async def _gauges(engine: AsyncEngine, readings: Iterable[Reading]) -> list[Gauge]:
    """What the database says; that it does not answer is a figure too."""
    about = "Whether the database answered."
    try:
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            read = [gauge for reading in readings for gauge in await reading(db)]
    except Exception as error:  # noqa: BLE001  whatever it is, what was counted is told, now more than ever
        log.error("metrics_not_read", **describe(error))
        return [Gauge("afterglow_database_up", about, values={(): 0})]
    return [Gauge("afterglow_database_up", about, values={(): 1}), *read]
