"""Looking for times at which a member of staff, a room and a patient are free together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from app.bookings import hours, queries, schemas
from app.bookings.rules import Span, free_times, meeting, open_spans, usual_week, without
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import zone
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import ClinicAccess
from app.identity.permissions import Permission, reach
from app.identity.queries import staff_among
from app.safety import rosters

AHEAD: Final = timedelta(days=14)
"""So far is looked when nobody says how far."""
FURTHEST: Final = timedelta(days=62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who and what has to be free, all of them, and how long."""

    staff_ids: tuple[UUID, ...] = ()
    room_id: UUID | None = None
    patient_id: UUID | None = None
    minutes: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    in_place_of: UUID | None = None
    """An appointment, or a meeting of a group, that is to be moved: what it holds counts as free."""


async def search(db: Database, access: ClinicAccess, wanted: Wanted, page: PageRequest) -> schemas.FreeTimePage:
    """Find times within working hours at which all of them are free, none of them past.

    Raises `InvalidRequest` for who and what the clinic does not have, or the caller may not know of.
    """
    span = _span(wanted, clock.now())
    await _must_be_known(db, access, wanted)
    figures, place = access.protocol.booking, access.clinic.time_zone
    minutes = wanted.minutes or access.protocol.linking.appointment_minutes
    ids = {*wanted.staff_ids, *(this for this in (wanted.room_id, wanted.patient_id) if this is not None)}
    filters = ("availability", access.caller.membership_id, sorted(ids), minutes, wanted.since, wanted.until)
    after = page.after(*filters, wanted.in_place_of)
    if after is not None:
        span = Span(max(after[0] + timedelta(minutes=1), span.begins), span.ends)
    closed_on = (await rosters.standing(db, access.clinic)).roster.closed_on
    weeks = await hours.weeks_of(db, access.clinic.id, wanted.staff_ids, access.protocol) or [usual_week(figures)]
    left = [span]
    for week in weeks:
        left = meeting(left, open_spans(week, closed_on, span, place))
    taken = await db.read(
        queries.held_by_others(access.clinic.id, ids, *span, [wanted.in_place_of] if wanted.in_place_of else [])
    )
    left = without(left, [Span(row.starts_at, row.ends_at) for row in taken])
    step = figures.search_step_minutes
    found = list(islice(free_times(left, timedelta(minutes=minutes), step, place), page.limit + 1))
    shown = found[: page.limit]
    cursor = make_cursor([shown[-1].begins], *filters, wanted.in_place_of) if len(found) > page.limit else None
    return schemas.FreeTimePage(
        time_zone=place,
        minutes=minutes,
        step_minutes=step,
        items=[
            schemas.FreeTime(
                starts_at=each.begins,
                ends_at=each.ends,
                local_time=each.begins.astimezone(zone(place)).replace(tzinfo=None),
            )
            for each in shown
        ],
        next_cursor=cursor,
    )


def _span(wanted: Wanted, now: datetime) -> Span:
    since = max(wanted.since or now, now)
    until = wanted.until or since + AHEAD
    if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
        raise InvalidRequest(errors=[FieldError("/query/to", "not_after_from", "Must be later than `from`.")])
    if until - since > FURTHEST:
        words = "No further than 62 days after `from`."
        raise InvalidRequest(errors=[FieldError("/query/to", "too_long", words, {"max_days": FURTHEST.days})])
    return Span(since, max(until, since))


async def _must_be_known(db: Database, access: ClinicAccess, wanted: Wanted) -> None:
    if not (wanted.staff_ids or wanted.room_id or wanted.patient_id):
        words = "Name a member of staff, a room or a patient."
        raise InvalidRequest(errors=[FieldError("/query/staff_id", "nobody_named", words)])
    faults: list[FieldError] = []
    if not set(wanted.staff_ids) <= await staff_among(db, access.clinic.id, wanted.staff_ids):
        words = "The clinic has no member of staff with this id."
        faults.append(FieldError("/query/staff_id", "unknown_staff", words))
    if wanted.room_id and not await queries.rooms_among(db, access.clinic.id, [wanted.room_id]):
        faults.append(FieldError("/query/room_id", "unknown_room", "The clinic has no room in use with this id."))
    if wanted.patient_id and not await _may_know(db, access, wanted.patient_id):
        faults.append(FieldError("/query/patient_id", "unknown_patient", "You look after no patient with this id."))
    if faults:
        raise InvalidRequest(errors=faults)


async def _may_know(db: Database, access: ClinicAccess, patient_id: UUID) -> bool:
    """Whether the caller may read this patient's appointments: when somebody has time says something of them."""
    reached = reach(Permission.APPOINTMENTS_READ, access.caller.role)
    return await queries.is_visible(db, access, patient_id, reached)
