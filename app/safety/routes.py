"""Alerts over HTTP, for those who answer them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import errors
from app.core.db import Db
from app.core.errors import PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch, composed_tag, not_modified, stamp, unchanged, version_tag
from app.core.moves import IllegalMove
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic
from app.identity.permissions import Permission, Role
from app.safety import models, queries, schemas, service
from app.safety.catalogue import RULES
from app.safety.errors import CannotTakeOver
from app.safety.findings import Severity
from app.safety.rule_figures import figures_of

router = APIRouter(prefix="/v1", tags=["safety"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
OF_ALERT: dict[str, Any] = {"of": models.Alert, "named": "alert_id"}
ANSWERING = problems(errors.NotFound, IllegalMove, PreconditionFailed, PreconditionRequired)


@router.get("/alerts", summary="What waits to be looked at", responses=problems(CursorInvalid))
async def list_alerts(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ALERTS_READ)],
    page: Paging,
    db: Db,
    *,
    status: Annotated[
        schemas.AlertStatus | None, Query(description="Only of this status. Left out: all that are not resolved.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only of this severity.")] = None,
    patient_id: Annotated[UUID | None, Query(description="Only of this patient.")] = None,
    mine: Annotated[bool, Query(description="Only those that you have in hand, or were told of.")] = False,
) -> schemas.AlertPage:
    """List alerts about the patients whom you look after: the most severe first, of those the oldest.

    A coordinator reads those whose rule is for coordinators, without the figures of the patient.
    """
    rows, next_cursor = await queries.of_clinic(
        db,
        access,
        page,
        rules=service.FOR_COORDINATORS if access.caller.role is Role.COORDINATOR else None,
        status=status,
        severity=severity,
        patient_id=patient_id,
        mine=mine,
    )
    return schemas.AlertPage.model_validate(
        {"items": [service.shown(access, alert) for alert in rows], "next_cursor": next_cursor}
    )


@router.get(
    "/alerts/{alert_id}",
    summary="Everything about one alert",
    response_model=schemas.AlertRecord,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_alert(
    alert_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.ALERTS_READ, **OF_ALERT)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.AlertRecord | Response:
    """Read which rule found what in which version, the figures it held that against, every step, and who was told.

    An alert is as late as what it was found in: readings are typed by people. It never replaces the bedside monitor.
    """
    alert = await service.alert_of(db, access, alert_id)
    record = schemas.AlertRecord.model_validate(await service.record_of(db, access, alert))
    sent = sum(notice.attempts + (notice.state != "pending") for notice in record.notices)
    tag = version_tag(alert.version, sent)
    if unchanged(request, tag) and not record.overdue:
        return not_modified(tag)
    stamp(response, tag)
    return record


@router.post("/alerts/{alert_id}/acknowledgement", summary="Say that you have it in hand", responses=ANSWERING)
async def acknowledge_alert(
    alert_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.ALERTS_ANSWER, **OF_ALERT)],
    db: Db,
    response: Response,
    *,
    answer: schemas.AlertAcknowledgementWrite | None = None,
    if_match: IfMatch = None,
) -> schemas.Alert:
    """Put your name on it. Nobody else is asked from now on, and what is still on its way to others is not sent.

    That others were asked since you read it does not stand in your way; that it was found again does.
    """
    answer = answer or schemas.AlertAcknowledgementWrite()
    return _answer(access, response, await service.acknowledge(db, access, alert_id, answer, if_match))


@router.post("/alerts/{alert_id}/resolution", summary="Say what came of it", responses=ANSWERING)
async def resolve_alert(
    alert_id: UUID,
    answer: schemas.AlertResolutionWrite,
    access: Annotated[PatientAccess, allow(Permission.ALERTS_ANSWER, **OF_ALERT)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Alert:
    """Close it, with what came of it. Only people do; what nobody had acknowledged is acknowledged by this too."""
    return _answer(access, response, await service.resolve(db, access, alert_id, answer, if_match))


@router.post(
    "/alerts/{alert_id}/hand-over",
    summary="Give it to somebody else",
    responses=problems(CannotTakeOver) | ANSWERING,
)
async def hand_over_alert(
    alert_id: UUID,
    answer: schemas.AlertHandOverWrite,
    access: Annotated[PatientAccess, allow(Permission.ALERTS_ANSWER, **OF_ALERT)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Alert:
    """Hand it to a colleague, who is told and can open the record for a day.

    An open alert stays open, and others are asked as before until somebody acknowledges it.
    """
    return _answer(access, response, await service.hand_over(db, access, alert_id, answer, if_match))


@router.get(
    "/alert-rules",
    summary="The rules, with the clinic's figures",
    response_model=schemas.AlertRules,
    responses=UNCHANGED,
)
async def list_alert_rules(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PROTOCOL_READ)], request: Request, response: Response
) -> schemas.AlertRules | Response:
    """Read every rule that raises alerts: what it looks for, on what it rests, who hears of it, and how soon."""
    version = access.clinic.protocol_version
    tag = composed_tag(access.clinic.id, version, *(f"{rule.id}.{rule.version}" for rule in RULES.values()))
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    rules = [
        {name: getattr(rule, name, None) for name in schemas.AlertRule.model_fields}
        | {"figures": figures_of(rule.id, access.protocol), "within": dict(rule.within)}
        for rule in RULES.values()
    ]
    return schemas.AlertRules.model_validate({"protocol_version": version, "items": rules})


def _answer(access: PatientAccess, response: Response, alert: models.Alert) -> schemas.Alert:
    stamp(response, version_tag(alert.version))
    return schemas.Alert.model_validate(service.shown(access, alert))
