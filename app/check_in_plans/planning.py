"""Planning ahead: what a patient is asked for by the calendar, as far ahead as the clinic wants.

A plan that changes is planned in the same transaction. The worker plans on, each minute for whoever needs it: another
day has come, the clinic published a template, a consent was withdrawn.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import around_dose, plan_queries
from app.check_in_plans.models import CheckInPlanning, DueCheckIn
from app.check_in_plans.placing import Placing, place_by_the_calendar, tell
from app.check_in_plans.plan_queries import Held
from app.check_in_plans.plan_rules import ONE_DAY, Occurrence, by_the_calendar, end_of, last_planned_day
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.fields import zone
from app.core.logging import describe, log
from app.identity.access import PatientView, patient_for_writing
from app.identity.models import Clinic
from app.protocols import service as protocols
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.rules import AnchorKind

LONGEST = timedelta(days=3)
"""Nothing by the calendar is open longer than this: a day before it is due, and a day after; and zones differ."""

SPARE = timedelta(hours=2)
"""So much less than a whole day may be planned before more is: days on which clocks move are not as long as others."""


async def plan(db: Database, patient: PatientView, protocol: Protocol) -> int:
    """Plan what a patient is asked for from now on; how many check-ins changed. Planning again changes nothing.

    What is open already stays as it is. Around doses it is looked at again when something else says what is asked for.
    """
    held = await plan_queries.held(db, patient.clinic_id, patient.id)
    state = await plan_queries.planning_of(db, patient.clinic_id, patient.id)
    now = clock.now()
    placing = Placing(db, patient, held)
    asked, planned_until = _asked(patient, held, protocol, now)
    place_by_the_calendar(placing, await _rows(db, patient, now), asked, now)
    await db.flush()
    if placing.changed:
        tell(db, patient, patient.id)
    changed = placing.changed
    stopped = patient.app_consent_withdrawn_at is not None
    if state is None or stopped or _says(state) != _now(held, patient):
        changed += await _around_doses(db, patient, held, protocol, now)
    await _keep(db, patient, held, state, planned_until)
    return changed


def _asked(
    patient: PatientView, held: Held, protocol: Protocol, now: datetime
) -> tuple[Sequence[Occurrence], datetime]:
    """What is asked for by the calendar, and until when that is all; nothing of whoever withdrew their consent."""
    if patient.app_consent_withdrawn_at is not None:
        return [], now
    today = now.astimezone(zone(patient.time_zone)).date()
    last = last_planned_day(now, patient.time_zone, protocol.asking)
    asked = by_the_calendar(held.content, patient.id, patient.time_zone, today, last, protocol.asking)
    return asked, end_of(last, patient.time_zone)


async def _rows(db: Database, patient: PatientView, now: datetime) -> Sequence[DueCheckIn]:
    """What was planned by the calendar and may still matter."""
    found = await db.scalars(
        sa.select(DueCheckIn)
        .where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.dosing_session_id.is_(None),
            DueCheckIn.due_at > now - LONGEST,
        )
        .order_by(DueCheckIn.due_at, DueCheckIn.id)
        .execution_options(populate_existing=True)  # answers are written past the objects
    )
    return found.all()


async def _around_doses(db: Database, patient: PatientView, held: Held, protocol: Protocol, now: datetime) -> int:
    """Look again at what is asked for around the sessions to come, and around those that it is asked around now.

    A dose that nothing was asked around when it began stays so: it may be somebody's history from elsewhere.
    """
    asked_around = set(
        await db.scalars(
            sa.select(DueCheckIn.dosing_session_id)
            .where(
                DueCheckIn.clinic_id == patient.clinic_id,
                DueCheckIn.patient_id == patient.id,
                DueCheckIn.dosing_session_id.is_not(None),
            )
            .distinct()
        )
    )
    changed = 0
    for anchor in await timeline.anchors_of(db, patient):
        if anchor.kind is not AnchorKind.DOSING_SESSION:
            continue
        to_come = anchor.started_at is None and not anchor.cancelled and anchor.scheduled_at > now
        if not to_come and anchor.id not in asked_around:
            continue
        changed += await around_dose.place(
            db,
            patient,
            anchor.id,
            scheduled_at=anchor.scheduled_at,
            dose_started_at=anchor.started_at,
            wanted=not anchor.cancelled,
            protocol=protocol,
            held=held,
            keep_open=True,
        )
    return changed


def _says(state: CheckInPlanning) -> tuple[object, ...]:
    return (state.plan_version, state.template_key, state.template_version, state.time_zone)


def _now(held: Held, patient: PatientView) -> tuple[object, ...]:
    return (held.plan_version, held.template_key, held.template_version, patient.time_zone)


async def _keep(
    db: Database, patient: PatientView, held: Held, state: CheckInPlanning | None, planned_until: datetime
) -> None:
    """Note how far is planned, and by what."""
    if state is None:
        state = CheckInPlanning(clinic_id=patient.clinic_id, patient_id=patient.id)
        db.add(state)
    state.planned_until = planned_until
    state.plan_version, state.template_key, state.template_version, state.time_zone = (
        held.plan_version,
        held.template_key,
        held.template_version,
        patient.time_zone,
    )
    await db.flush()


async def extend(engine: AsyncEngine) -> int:
    """Plan on for everybody who needs it; how many patients were planned. The worker calls it each minute.

    One that fails is logged and keeps nobody else from being planned; it is found again at the next call.
    """
    now = clock.now()
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        known: dict[UUID, Protocol] = {}
        together: dict[int, list[UUID]] = {}
        for clinic in await db.scalars(sa.select(Clinic).order_by(Clinic.id)):
            protocol = known[clinic.id] = await protocols.at_version(db, clinic.id, clinic.protocol_version)
            together.setdefault(protocol.asking.planned_days, []).append(clinic.id)
        found = [
            row
            for days, ids in together.items()
            for row in await plan_queries.to_plan(db, ids, now + days * ONE_DAY - SPARE, now)
        ]
    planned = 0
    for clinic_id, patient_id in found:
        try:
            async with unit_of_work(engine, clinic_id) as db:
                await plan(db, await patient_for_writing(db, clinic_id, patient_id), known[clinic_id])
            planned += 1
        except Exception as error:  # noqa: BLE001  whatever it is, the others must not wait for this one
            log.error("check_ins_not_planned", clinic_id=str(clinic_id), **describe(error))
    return planned
