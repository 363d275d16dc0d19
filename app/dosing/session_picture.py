"""A session as a picture: what was read, in the terms of `app.charts`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.charts.pictures import AlignedPoint, Size
from app.charts.session_pictures import AlertMark, Bounds, Given, PlanMark, SessionPicture, StepMark, Vital
from app.core.db import Database
from app.core.fields import zone
from app.dosing.models import DosePause, DosingSessionStep
from app.dosing.observation import Observed
from app.dosing.observation_schemas import SessionLook
from app.dosing.reading_queries import GONE
from app.dosing.rules import SessionStage
from app.identity.access import PatientAccess
from app.protocols.rules import Protocol
from app.safety.models import Alert

VITALS: Final[tuple[Vital, ...]] = ("systolic", "diastolic", "heart_rate", "spo2", "dissociation", "moaas")
LEAST_BEFORE, LEAST_AFTER, AIR = -30.0, 120.0, 10.0
FURTHEST: Final = 12 * 60.0
"""A chart shows half a day before and after the begin at most, in minutes."""
NAMED: Final = frozenset(
    {
        SessionStage.CHECKED_IN,
        SessionStage.CLEARED,
        SessionStage.HELD,
        SessionStage.ABORTED,
        SessionStage.TRANSFERRED,
        SessionStage.DISCHARGE_READY,
        SessionStage.DISCHARGED,
    }
)
_OVER: Final = GONE | {SessionStage.CLOSED, SessionStage.CANCELLED}


async def picture(
    db: Database, access: PatientAccess, seen: Observed, look: SessionLook, now: datetime
) -> SessionPicture:
    """Read what the picture shows besides the readings, and put it together."""
    session = seen.session
    whose = {"clinic_id": access.clinic.id, "session_id": session.id}
    steps = await db.scalars(sa.select(DosingSessionStep).filter_by(**whose).order_by(DosingSessionStep.version))
    pauses = await db.scalars(sa.select(DosePause).filter_by(**whose).order_by(DosePause.paused_at))
    alerts = await db.scalars(
        sa.select(Alert).where(
            Alert.clinic_id == access.clinic.id,
            Alert.patient_id == access.patient.id,
            Alert.dosing_session_id == session.id,
        )
    )
    begins_at = seen.span.begins_at
    marks = _steps(steps.all(), begins_at)
    given = _given(seen, pauses.all())
    planned = tuple(PlanMark(float(point.planned.minutes), point.state.value) for point in seen.plan.points)
    values = _values(seen.readings, begins_at)
    elapsed = None if SessionStage(session.status) in _OVER else _minutes(now, begins_at)
    times = [mark.minutes for mark in marks] + [mark.minutes for mark in planned]
    times += [point.minutes for points in values.values() for point in points]
    times += [given.until] if given is not None and given.until is not None else []
    return SessionPicture(
        begins_at=begins_at,
        zone=zone(access.clinic.time_zone),
        start=max(min([LEAST_BEFORE, *times]) - AIR, -FURTHEST),
        end=min(max([LEAST_AFTER, *times]) + AIR, FURTHEST),
        gap_minutes=seen.protocol.readings.chart_gap_minutes,
        counted_from=seen.counted_from,
        values=values,
        bounds=_bounds(seen.protocol),
        given=given,
        steps=marks,
        alerts=tuple(
            AlertMark(_minutes(alert.found_at, begins_at), alert.rule, alert.severity)  # type: ignore[arg-type]
            for alert in alerts
        ),
        planned=planned,
        now=elapsed,
        locale=access.clinic.locale,
        theme=look.theme,
        size=Size(look.width, look.height),
    )


def _minutes(at: datetime, begins_at: datetime) -> float:
    return (at - begins_at) / timedelta(minutes=1)


def _values(rows: Sequence[Mapping[str, Any]], begins_at: datetime) -> dict[Vital, tuple[AlignedPoint, ...]]:
    """What was measured, and nothing else: a value that is missing has no point."""
    return {
        vital: tuple(AlignedPoint(_minutes(row["at"], begins_at), row[vital]) for row in rows if row[vital] is not None)
        for vital in VITALS
    }


def _steps(steps: Sequence[DosingSessionStep], begins_at: datetime) -> tuple[StepMark, ...]:
    """The steps that came to another stage; falling back from `discharge_ready` is one that is named as well."""
    found = []
    for step in steps:
        fell_back = step.from_status == SessionStage.DISCHARGE_READY and step.to_status == SessionStage.MONITORING
        if step.from_status != step.to_status and (step.to_status in NAMED or fell_back):
            found.append(StepMark(_minutes(step.at, begins_at), step.to_status))
    return tuple(found)


def _given(seen: Observed, pauses: Sequence[DosePause]) -> Given | None:
    session, begins_at = seen.session, seen.span.begins_at
    if session.dose_started_at is None:
        return None
    return Given(
        substance=session.substance,
        amount=session.dose_mg,
        route=session.route,
        until=None if session.dose_ended_at is None else _minutes(session.dose_ended_at, begins_at),
        pauses=tuple(
            (
                _minutes(pause.paused_at, begins_at),
                None if pause.resumed_at is None else _minutes(pause.resumed_at, begins_at),
            )
            for pause in pauses
        ),
    )


def _bounds(protocol: Protocol) -> dict[Vital, Bounds]:
    """The clinic's limits. A scale of whole steps has its line between the last step that is fine and the next."""
    limits, safety = protocol.readings, protocol.safety
    named: tuple[tuple[Vital, Any], ...] = (
        ("systolic", limits.systolic),
        ("diastolic", limits.diastolic),
        ("heart_rate", limits.heart_rate),
        ("spo2", limits.spo2),
    )
    found = {vital: Bounds(**limit.model_dump()) for vital, limit in named}
    found["moaas"] = Bounds(amber_below=safety.sed1_up_to + 0.5, red_below=safety.sed2_up_to + 0.5)
    return found
