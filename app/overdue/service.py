"""Looking for what should have happened by now. The worker calls `look` each minute; so may several workers.

What is found is raised in a transaction of its own, under the lock of its patient, after looking once more: of two
workers one raises and the other finds that it is told.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.care_plans import service as care_plans
from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import missed_in_a_row
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.logging import describe, log
from app.dosing import exposure
from app.identity.access import ClinicView, PatientView, patient_for_writing
from app.identity.models import Clinic
from app.overdue import queries
from app.overdue.queries import Found
from app.overdue.rules import Deadlines, is_induction
from app.protocols import service as protocols
from app.protocols.rules import Protocol
from app.safety.alerts import raise_alerts
from app.safety.findings import Finding, Subject, SubjectKind
from app.safety.rules import (
    judge_missed_check_ins,
    judge_missed_day_after,
    judge_missed_session,
    judge_missed_therapy,
    judge_rems_overdue,
)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """A clinic with its figures."""

    clinic: ClinicView
    protocol: Protocol
    deadlines: Deadlines


Find = Callable[[Database, Sequence[UUID], Deadlines, datetime, UUID | None], Awaitable[list[Found]]]


@dataclass(frozen=True, slots=True)
class Sought:
    """One kind of what may be overdue of a session: how it is found, when it was due, and which rule judges it."""

    find: Find
    within: Callable[[Deadlines], timedelta]
    judge: Callable[[timedelta, Protocol], list[Finding]]
    """By how long ago the dose began, or the session was planned."""


def _day_after(since: timedelta, protocol: Protocol) -> list[Finding]:
    return judge_missed_day_after(hours_since_dose=since / HOUR, answered=False, figures=protocol.safety)


def _no_session(since: timedelta, protocol: Protocol) -> list[Finding]:
    return judge_missed_session(hours_late=since / HOUR, no_show=False, dosing=protocol.dosing)


def _no_therapy(since: timedelta, protocol: Protocol) -> list[Finding]:
    return judge_missed_therapy(hours_since_dose=since / HOUR, attended=False, figures=protocol.integration)


def _no_report(since: timedelta, protocol: Protocol) -> list[Finding]:
    return judge_rems_overdue(days_overdue=since / DAY - protocol.discharge.rems_due_days)


SOUGHT: Final = (
    Sought(queries.day_after_missing, lambda deadlines: deadlines.day_after_until, _day_after),
    Sought(queries.sessions_missed, lambda deadlines: deadlines.missed_session, _no_session),
    Sought(queries.therapy_missing, lambda deadlines: deadlines.therapy or timedelta(), _no_therapy),
    Sought(queries.reports_missing, lambda deadlines: deadlines.report, _no_report),
)


async def look(engine: AsyncEngine) -> int:
    """Look once for everything that is overdue; how many things were raised or noted as missed.

    One that fails is logged and keeps no other from being raised; it is found again at the next call.
    """
    now = clock.now()
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        known = await _clinics(db)
        waiting = await queries.with_closed_check_ins(db, now)
        found = [
            (sought, each)
            for deadlines, ids in _together(known.values())
            for sought in SOUGHT
            for each in await sought.find(db, ids, deadlines, now, None)
        ]
    noted = 0
    for row in waiting:
        noted += await _try(_close(engine, known[row.clinic_id], row.patient_id, now), "due_check_ins", row.clinic_id)
    for sought, each in found:
        noted += await _try(_raise(engine, known[each.clinic_id], sought, each, now), "session", each.clinic_id)
    return noted


async def _try(work: Awaitable[int], what: str, clinic_id: UUID) -> int:
    try:
        return await work
    except Exception as error:  # noqa: BLE001  whatever it is, the others must not wait for this one
        log.error("overdue_not_raised", what=what, clinic_id=str(clinic_id), **describe(error))
        return 0


async def _clinics(db: Database) -> dict[UUID, Known]:
    known = {}
    for clinic in await db.scalars(sa.select(Clinic).order_by(Clinic.id)):
        protocol = await protocols.at_version(db, clinic.id, clinic.protocol_version)
        view = ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)
        known[clinic.id] = Known(view, protocol, Deadlines.of(protocol))
    return known


def _together(known: Iterable[Known]) -> list[tuple[Deadlines, list[UUID]]]:
    """Clinics by their figures, which most of them share."""
    groups: dict[Deadlines, list[UUID]] = {}
    for each in known:
        groups.setdefault(each.deadlines, []).append(each.clinic.id)
    return list(groups.items())


async def _raise(engine: AsyncEngine, known: Known, sought: Sought, found: Found, now: datetime) -> int:
    """Raise what is overdue of a session, unless somebody was faster or it happened meanwhile."""
    async with unit_of_work(engine, known.clinic.id) as db:
        patient = await patient_for_writing(db, known.clinic.id, found.patient_id)
        still = await sought.find(db, [known.clinic.id], known.deadlines, now, found.session_id)
        if not still:
            return 0
        (this,) = still
        due_at = this.at + sought.within(known.deadlines)
        subject = Subject(
            SubjectKind.DOSING_SESSION, this.session_id, due_at, this.session_id, this.session_clinician_id
        )
        late = known.deadlines.is_late(due_at, now)
        findings = sought.judge(now - this.at, known.protocol)
        return len(await raise_alerts(db, known.clinic, patient, known.protocol, findings, subject, late=late))


async def _close(engine: AsyncEngine, known: Known, patient_id: UUID, now: datetime) -> int:
    """Note of each check-in that closed whether it was missed, however many; a few at once, so that others can work."""
    noted = some = await _close_some(engine, known, patient_id, now)
    while some == due.AT_ONCE:
        some = await _close_some(engine, known, patient_id, now)
        noted += some
    return noted


async def _close_some(engine: AsyncEngine, known: Known, patient_id: UUID, now: datetime) -> int:
    """Do so with the oldest of them, and look whether too many were in a row."""
    async with unit_of_work(engine, known.clinic.id) as db:
        patient = await patient_for_writing(db, known.clinic.id, patient_id)
        missed: list[DueCheckIn] = []
        closed = await due.closed(db, patient, now)
        for each in closed:
            answer = await queries.check_in_for(db, each)
            if answer is None:
                missed.append(each)
            else:
                await due.answered(db, patient, each.id, *answer)
        due.miss(db, patient, missed)
        await db.flush()
        if missed:
            await _missed_in_a_row(db, known, patient, missed[-1], now)
        return len(closed)


async def _missed_in_a_row(db: Database, known: Known, patient: PatientView, last: DueCheckIn, now: datetime) -> None:
    """Raise MISS-2 once for each row of missed check-ins; its subject is the first of the row."""
    figures = known.protocol.safety
    rows = await queries.answers_until(db, last, timedelta(minutes=figures.miss2_from_minutes))
    missed = missed_in_a_row(row.state for row in rows)
    if missed < min(figures.miss2_induction, figures.miss2_maintenance):
        return
    plan = await care_plans.goal_and_phase(db, patient)
    given = await exposure.of_patient(db, patient, now)
    induction = is_induction(plan.phase, given.sessions_total, known.protocol.dosing.induction_sessions)
    findings = judge_missed_check_ins(missed_in_a_row=missed, induction=induction, figures=figures)
    if not findings:
        return
    first = rows[missed - 1].id
    if await queries.is_told(db, known.clinic.id, patient.id, "MISS-2", first):
        return
    subject = Subject(SubjectKind.DUE_CHECK_IN, first, last.closes_at, last.dosing_session_id)
    late = known.deadlines.is_late(last.closes_at, now)
    await raise_alerts(db, known.clinic, patient, known.protocol, findings, subject, late=late)
