"""Answering alerts: looking at them, acknowledging, handing over, resolving."""

from typing import Any
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, NotFound, PreconditionFailed, PreconditionRequired
from app.core.etags import matches
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess
from app.identity.permissions import Role
from app.safety import alerts, crisis, queries, rosters, schemas, telling
from app.safety.answer_rules import MOVES, AlertAction
from app.safety.catalogue import RULES
from app.safety.errors import CannotTakeOver
from app.safety.findings import Notify
from app.safety.ladder import Level
from app.safety.models import Alert
from app.safety.recipients import CLINICAL
from app.safety.schemas import AlertStage

FOR_COORDINATORS = tuple(rule.id for rule in RULES.values() if Notify.COORDINATOR in rule.notify)
"""The rules whose alerts a coordinator works on; of others they know nothing."""


async def alert_of(db: Database, access: PatientAccess, alert_id: UUID) -> Alert:
    """An alert of the patient that the caller may know of, or `NotFound`."""
    alert = await db.get(Alert, alert_id)
    hidden = access.caller.role is Role.COORDINATOR and alert is not None and alert.rule not in FOR_COORDINATORS
    if alert is None or alert.patient_id != access.patient.id or hidden:
        raise NotFound
    return alert


def shown(access: ClinicAccess, alert: Alert) -> dict[str, Any]:
    """An alert as this caller reads it: coordinators read no figures of a patient."""
    rule, stage = RULES.get(alert.rule), AlertStage(alert.status)
    figures = ("inputs", "threshold")
    values = {name: getattr(alert, name, None) for name in schemas.Alert.model_fields}
    if not reads_figures(access):
        values |= dict.fromkeys(figures)
    return values | {
        "title": rule.title if rule else alert.rule,
        "overdue": stage is AlertStage.OPEN and alert.acknowledge_by < clock.now(),
        "open_moves": [str(move) for move in MOVES.open(stage)],
    }


def own(alert: Any) -> schemas.MyAlert:  # noqa: ANN401  an alert, or a row of it
    """An alert as its patient reads it."""
    return schemas.MyAlert(
        id=alert.id,
        at=alert.raised_at,
        text=crisis.patient_text(alert.rule),
        seen=alert.acknowledged_at is not None,
        seen_at=alert.acknowledged_at,
        closed=alert.resolved_at is not None,
        closed_at=alert.resolved_at,
    )


async def record_of(db: Database, access: PatientAccess, alert: Alert) -> dict[str, Any]:
    """Everything that is known of an alert."""
    rule = RULES.get(alert.rule)
    steps = [schemas.AlertStepRecord.model_validate(step) for step in await queries.steps(db, alert)]
    if not reads_figures(access):
        steps = [step.model_copy(update={"inputs": None}) for step in steps]
    return shown(access, alert) | {
        "text": rule.text if rule else "",
        "source": rule.source if rule else "",
        "patient_text": rule.patient_text if rule else None,
        "resolution_note": alert.resolution_note,
        "steps": steps,
        "notices": await queries.notices(db, alert),
    }


def reads_figures(access: ClinicAccess) -> bool:
    """Whether the caller reads what a rule saw."""
    return access.caller.role in CLINICAL


async def acknowledge(
    db: Database, access: PatientAccess, alert_id: UUID, answer: schemas.AlertAcknowledgementWrite, if_match: str | None
) -> Alert:
    """Somebody has it in hand: nobody else is asked any more."""
    alert = await _may(db, access, alert_id, if_match, AlertAction.ACKNOWLEDGEMENT)
    alert.status = AlertStage.ACKNOWLEDGED.value
    alert.acknowledged_at, alert.acknowledged_by = clock.now(), access.caller.membership_id
    alert.owner_id, alert.next_step_at = access.caller.membership_id, None
    await telling.stop_telling(db, alert)
    return await _step(db, access, alert, "acknowledged", EventType.ALERT_ACKNOWLEDGED, note=answer.note)


async def resolve(
    db: Database, access: PatientAccess, alert_id: UUID, answer: schemas.AlertResolutionWrite, if_match: str | None
) -> Alert:
    """It is done. Resolving what nobody had acknowledged acknowledges it."""
    alert = await _may(db, access, alert_id, if_match, AlertAction.RESOLUTION)
    now, me = clock.now(), access.caller.membership_id
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = now, me
    alert.status = AlertStage.RESOLVED.value
    alert.resolved_at, alert.resolved_by, alert.next_step_at = now, me, None
    alert.owner_id = alert.owner_id or me
    alert.outcome, alert.resolution_note = answer.outcome.value, answer.note
    await telling.stop_telling(db, alert)
    return await _step(db, access, alert, "resolved", EventType.ALERT_RESOLVED)


async def hand_over(
    db: Database, access: PatientAccess, alert_id: UUID, answer: schemas.AlertHandOverWrite, if_match: str | None
) -> Alert:
    """Somebody else has it from now on, and is told. Raises `CannotTakeOver` when they could not open it."""
    alert = await _may(db, access, alert_id, if_match, AlertAction.HAND_OVER)
    now, to_id = clock.now(), answer.to_staff_id
    may = CLINICAL | ({Role.COORDINATOR} if alert.rule in FOR_COORDINATORS else set())
    if not any(each.id == to_id and each.role in may for each in await telling.colleagues(db, alert, now)):
        raise CannotTakeOver(
            errors=[FieldError("/to_staff_id", "unknown_staff", "Nobody of this id works here who may open it.")]
        )
    alert.owner_id = to_id
    standing = await rosters.standing(db, access.clinic)
    await telling.tell(db, alert, [to_id], Level.OWNER, standing, now)
    return await _step(db, access, alert, "handed_over", EventType.ALERT_REASSIGNED, note=answer.note, to_id=to_id)


async def _may(db: Database, access: PatientAccess, alert_id: UUID, if_match: str | None, action: AlertAction) -> Alert:
    """The alert, if the caller has seen what people and rules did to it, and it can be answered like this.

    That others were asked meanwhile is no reason to refuse who answers: they need not have seen that.
    """
    alert = await alert_of(db, access, alert_id)
    if if_match is None:
        raise PreconditionRequired
    seen = await queries.last_step_of_people(db, alert)
    if not any(matches(if_match, version) for version in range(seen, alert.version + 1)):
        raise PreconditionFailed(current=schemas.Alert.model_validate(shown(access, alert)).model_dump(mode="json"))
    MOVES.check(AlertStage(alert.status), action)
    return alert


async def _step(
    db: Database,
    access: PatientAccess,
    alert: Alert,
    action: str,
    event_type: EventType,
    *,
    note: str | None = None,
    to_id: UUID | None = None,
) -> Alert:
    alert.version += 1
    alert.revision = access.patient.revise(db, alerts.OF_ALERTS)
    alerts.add_step(db, alert, action, clock.now(), actor_id=access.caller.membership_id, note=note, to_id=to_id)
    events.record(
        db,
        event_type,
        clinic_id=alert.clinic_id,
        patient_id=alert.patient_id,
        subject_id=alert.id,
        version=alert.version,
    )
    await db.flush()
    return alert
