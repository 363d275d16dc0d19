"""Appointments that repeat: planned by a rule, each of them an appointment like any other.

The day of the rule names an instance, and its id follows from series and day. So a plan that is sent again makes
nothing twice, and one that moves the time of the day moves the appointments that are there instead of making others.
What somebody did to one of them (moved it, cancelled it, gave it another room) stays when the plan of all changes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.appointments import holding, queries, recurrence, schemas, series_errors, series_rules, series_views, service
from app.appointments.models import Appointment, AppointmentSeries
from app.appointments.recurrence import Instance
from app.appointments.rules import AttendanceReason
from app.appointments.series_plans import Plan, checked, day_of, kept
from app.appointments.series_schemas import (
    AppointmentSeriesBrief,
    AppointmentSeriesCancellationWrite,
    AppointmentSeriesWrite,
    SeriesStatus,
)
from app.appointments.service import Belongs, New
from app.bookings import service as bookings
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.fields import wall_time_text, zone
from app.core.moves import IllegalMove
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView
from app.protocols.rules import Protocol
from app.timeline.errors import IdTaken

RESCHEDULED: Final = schemas.AppointmentCancellationWrite(by="clinic", reason=AttendanceReason.RESCHEDULED)


class Who(NamedTuple):
    """For whom something is planned, by which figures, and who plans it (None: the service itself)."""

    patient: PatientView
    protocol: Protocol
    actor_id: UUID | None


async def plan(
    db: Database, access: PatientAccess, series_id: UUID, asked: AppointmentSeriesWrite, if_match: str | None
) -> tuple[AppointmentSeries, bool]:
    """Plan a series, or plan it anew; the series, and whether it is new. The same again changes nothing."""
    series = await db.get(AppointmentSeries, (access.clinic.id, series_id))
    if series is not None and series.patient_id != access.patient.id:
        raise IdTaken
    wanted = checked(asked, access.clinic.time_zone, access.protocol)
    who = Who(access.patient, access.protocol, access.caller.membership_id)
    if series is None:
        return await _begin(db, who, series_id, wanted), True
    if series.content == wanted.content:
        return series, False
    _require_match(series, if_match)
    if series.ended_at is not None:
        raise IllegalMove(current=SeriesStatus.ENDED, open_moves=())
    before = kept(series)
    if before.asked.continues != asked.continues:
        fault = FieldError("/continues", "cannot_change", "A series takes over another one when it begins.")
        raise InvalidRequest(errors=[fault])
    await _carry_out(db, who, series, before, wanted, {}, is_new=False)
    _changed(db, who, series)
    return series, False


async def end(
    db: Database,
    access: PatientAccess,
    series_id: UUID,
    ending: AppointmentSeriesCancellationWrite,
    if_match: str | None,
) -> AppointmentSeries:
    """Let a series end with a day, or now, and cancel what was planned after it."""
    series = await read(db, access, series_id)
    _require_match(series, if_match)
    if series.ended_at is not None:
        raise IllegalMove(current=SeriesStatus.ENDED, open_moves=())
    who = Who(access.patient, access.protocol, access.caller.membership_id)
    now = clock.now()
    today = now.astimezone(zone(series.time_zone)).date()
    last_day = ending.last_day or today
    by = schemas.AppointmentCancellationWrite(by=ending.by, reason=ending.reason)
    theirs = await _by_day(db, who.patient, series)
    later = [a for day, a in theirs.items() if ending.last_day is None or day > last_day]
    left = [appointment for appointment in later if series_rules.is_open(appointment, now)]
    await service.call_off_all(db, *who, left, by)
    _stop(series, last_day)
    _changed(db, who, series)
    return series


async def extend(db: Database, who: Who, series: AppointmentSeries) -> int:
    """Book further ahead what has no end; how many were booked. Days on which something is taken are left out."""
    wanted, known = kept(series), series.left_out
    asked = wanted.asked.model_copy(update={"clashes": "leave_out"})
    made = await _carry_out(db, who, series, wanted, replace(wanted, asked=asked), {}, is_new=False, extends=True)
    if made or series.left_out != known:
        _changed(db, who, series)
    return made


async def read(db: Database, access: PatientAccess, series_id: UUID) -> AppointmentSeries:
    """Read one series of the patient, or raise `NotFound`."""
    series = await db.get(AppointmentSeries, (access.clinic.id, series_id))
    if series is None or series.patient_id != access.patient.id:
        raise NotFound
    return series


async def _begin(db: Database, who: Who, series_id: UUID, wanted: Plan) -> AppointmentSeries:
    series = AppointmentSeries(
        clinic_id=who.patient.clinic_id, id=series_id, patient_id=who.patient.id, version=0, left_out=[]
    )
    before, taken_over = wanted, dict[date, Appointment]()
    if wanted.asked.continues is not None:
        before, taken_over = await _take_over(db, who, wanted, series_id)
    await _carry_out(db, who, series, before, wanted, taken_over, is_new=True)
    db.add(series)
    _changed(db, who, series)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' series under one id at the same moment
        raise IdTaken from error
    return series


async def _take_over(db: Database, who: Who, wanted: Plan, series_id: UUID) -> tuple[Plan, dict[date, Appointment]]:
    """End another series before this one begins; its plan, and what it had planned from there on."""
    earlier = await db.get(AppointmentSeries, (who.patient.clinic_id, wanted.asked.continues))
    if earlier is None or earlier.patient_id != who.patient.id or earlier.id == series_id:
        fault = FieldError("/continues", "unknown_series", "The patient has no such series.")
        raise InvalidRequest(errors=[fault])
    if earlier.ended_at is not None:
        raise IllegalMove(current=SeriesStatus.ENDED, open_moves=())
    before = kept(earlier)
    first_day = wanted.asked.first_at.date()
    theirs = await _by_day(db, who.patient, earlier)
    taken_over = {day: appointment for day, appointment in theirs.items() if day >= first_day}
    for appointment in taken_over.values():
        appointment.series_id = series_id
    _stop(earlier, first_day - timedelta(days=1))
    _changed(db, who, earlier)
    return before, taken_over


async def _carry_out(
    db: Database,
    who: Who,
    series: AppointmentSeries,
    before: Plan,
    wanted: Plan,
    taken_over: dict[date, Appointment],
    *,
    is_new: bool,
    extends: bool = False,
) -> int:
    """Bring the appointments in line with a plan, and keep the plan; how many were added."""
    now = clock.now()
    instances, planned_until = wanted.instances(now, who.protocol)
    existing = taken_over if is_new else await _by_day(db, who.patient, series)
    left_out = set(wanted.asked.left_out)
    clashed = {date.fromisoformat(day) for day in series.left_out} if extends else set[date]()
    open_days = [i for i in instances if i.day not in left_out and i.day not in clashed]
    sorted_out = series_rules.sort_out(open_days, existing, now=now, is_new=is_new)
    await _drop(db, who, [] if extends else sorted_out.drop)
    changes = [] if extends else await _changes(db, who, sorted_out.keep, before.asked, wanted.asked)
    additions = await _additions(db, who.patient, series, sorted_out.add, wanted.asked)
    clashing = await _clashing(db, who, wanted.asked, additions, changes)
    for appointment, instance, _ in changes:
        appointment.series_id, appointment.recurrence_at = series.id, instance.at
    await _drop(db, who, [appointment for appointment, _, _ in changes if appointment.id in clashing])
    moved = [(a, new) for a, _, new in changes if new is not None and a.id not in clashing]
    await service.replan_all(db, *who, moved)
    fresh = [new for _, new in additions if new.id not in clashing]
    await service.add_all(db, *who, fresh)
    days = {instance.day for instance in clashing.values()} | clashed
    _keep_plan(series, before if extends else wanted, sorted(left_out | days), planned_until)
    return len(fresh)


def _keep_plan(series: AppointmentSeries, wanted: Plan, left_out: list[date], planned_until: datetime | None) -> None:
    series.rule = str(wanted.rule)
    series.first_at = wall_time_text(wanted.asked.first_at)
    series.time_zone = wanted.time_zone
    series.minutes = wanted.asked.minutes
    series.left_out = [day.isoformat() for day in left_out]
    series.planned_until = planned_until
    series.content = wanted.content


async def _drop(db: Database, who: Who, appointments: Sequence[Appointment]) -> None:
    """Cancel what the rule does not give any more. They are no instances from now on; the days can have others."""
    await service.call_off_all(db, *who, appointments, RESCHEDULED)
    for appointment in appointments:
        appointment.recurrence_at = None


async def _changes(
    db: Database,
    who: Who,
    keep: Sequence[tuple[Appointment, Instance]],
    before: AppointmentSeriesWrite,
    wanted: AppointmentSeriesWrite,
) -> list[tuple[Appointment, Instance, schemas.AppointmentWrite | None]]:
    """The plans of those that stay; None where somebody gave one a plan of its own, or it is as it should be."""
    whole = await queries.with_participants(db, who.patient.clinic_id, [appointment for appointment, _ in keep])
    changes: list[tuple[Appointment, Instance, schemas.AppointmentWrite | None]] = []
    for (appointment, instance), columns in zip(keep, whole, strict=True):
        fields = set(schemas.AppointmentWrite.model_fields)
        current = schemas.Appointment.model_validate(columns).model_dump(include=fields)
        put_there = appointment.recurrence_at or appointment.scheduled_at
        by_plan = current == series_rules.plan_of(before, put_there).model_dump()
        new = series_rules.plan_of(wanted, instance.at)
        changes.append((appointment, instance, new if by_plan and current != new.model_dump() else None))
    return changes


async def _additions(
    db: Database,
    patient: PatientView,
    series: AppointmentSeries,
    instances: Sequence[Instance],
    asked: AppointmentSeriesWrite,
) -> list[tuple[Instance, New]]:
    """What is to be made. Where the id of a day is used up, by one that was cancelled, the version makes another."""
    ids = {instance.day: series_rules.instance_id(series.id, instance.day) for instance in instances}
    used = await db.scalars(
        sa.select(Appointment.id).where(Appointment.clinic_id == patient.clinic_id, Appointment.id.in_(ids.values()))
    )
    gone = frozenset(used) if ids else frozenset[UUID]()
    found = []
    for instance in instances:
        this = ids[instance.day]
        if this in gone:
            this = series_rules.instance_id(series.id, instance.day, series.version)
        belongs = Belongs(series_id=series.id, recurrence_at=instance.at)
        found.append((instance, New(this, series_rules.plan_of(asked, instance.at), belongs)))
    return found


async def _clashing(
    db: Database,
    who: Who,
    asked: AppointmentSeriesWrite,
    additions: Sequence[tuple[Instance, New]],
    changes: Sequence[tuple[Appointment, Instance, schemas.AppointmentWrite | None]],
) -> dict[UUID, Instance]:
    """Those that cannot have what they need, by the ids of their appointments; refused unless they may be left out."""
    plans = {new.id: (instance, new.plan) for instance, new in additions}
    plans |= {appointment.id: (instance, new) for appointment, instance, new in changes if new is not None}
    if asked.override_reason is not None or not plans:
        return {}
    holds = [
        holding.held_by(new, who.protocol, appointment_id=this, patient_id=who.patient.id, in_group=False)
        for this, (_, new) in plans.items()
    ]
    await db.flush()
    taken = await bookings.find_taken(db, who.patient.clinic_id, holds)
    instances = {this: instance for this, (instance, _) in plans.items()}
    if asked.clashes == "refuse":
        series_errors.refuse_clashes(instances, holds, taken)
    return {each.holder_id: instances[each.holder_id] for each in taken}


async def _by_day(db: Database, patient: PatientView, series: AppointmentSeries) -> dict[date, Appointment]:
    found = await series_views.appointments_of(db, patient, series.id)
    return {day_of(series, a.recurrence_at): a for a in found if a.recurrence_at is not None}


def _stop(series: AppointmentSeries, last_day: date) -> None:
    """Let its rule say that it ended."""
    rule = replace(recurrence.read(series.rule), count=None, until=last_day)
    series.rule = str(rule)
    series.content = Plan(kept(series).asked, rule, series.time_zone).content
    series.planned_until = None
    series.ended_at = clock.now()


def _require_match(series: AppointmentSeries, if_match: str | None) -> None:
    current = AppointmentSeriesBrief.model_validate(series_views.as_shown(series))
    etags.require_match(if_match, series.version, lambda: current.model_dump(mode="json"))


def _changed(db: Database, who: Who, series: AppointmentSeries) -> None:
    series.version += 1
    series.revision = who.patient.revise(db)
    events.record(
        db,
        EventType.APPOINTMENT_SERIES_CHANGED,
        clinic_id=series.clinic_id,
        patient_id=series.patient_id,
        subject_id=series.id,
        version=series.version,
    )
