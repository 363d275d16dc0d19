"""Therapy: preparation before the first dose, an hour every week, integration in the days after a dose, a group."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.appointments.rules import Attendance, AttendanceReason
from app.demo.acts import Act, AppointmentArrived, AppointmentCancelled, Attended, Booked
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.people import NOT_HERS, PATIENTS, THERAPISTS, Story
from app.demo.sessions import Session

ROOMS = {"therapist": "Room 2", "therapist2": "Room 3"}
WEEKLY = ("cbt", "mindfulness", "relapse_prevention", "mbrp")
LENGTH = timedelta(minutes=50)
GROUP_LENGTH = timedelta(minutes=90)
BOOKED_AHEAD = timedelta(days=10)
INTEGRATION_HOURS = (10, 12, 14, 15, 16, 17)
WEDNESDAY, GROUP_HOUR = 2, 18
EVERY_OTHER = 2
CAME = (
    (0.80, Attendance.ATTENDED, 50, None),
    (0.86, Attendance.LATE, 35, AttendanceReason.TRANSPORT),
    (0.90, Attendance.LEFT_EARLY, 25, AttendanceReason.ILLNESS),
)
MISSED = (AttendanceReason.FORGOT, AttendanceReason.ILLNESS, AttendanceReason.UNKNOWN, AttendanceReason.WORK_OR_FAMILY)
CALLED_OFF = (AttendanceReason.ILLNESS, AttendanceReason.WORK_OR_FAMILY, AttendanceReason.VACATION)
NO_SHOW_UNTIL = 0.96
ARRIVALS_SINCE = timedelta(days=2)
"""Who arrived when is of no interest later."""


class Diary:
    """Which hours of the therapists are taken, so that nobody is booked twice."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, datetime]] = set()

    def take(self, therapist: str, at: datetime) -> bool:
        """Take this hour; False when it is taken already."""
        if (therapist, at) in self._taken:
            return False
        self._taken.add((therapist, at))
        return True


def visits_of(story: Story, sessions: Sequence[Session], calendar: Calendar, diary: Diary, chance: Chance) -> list[Act]:
    """Everything about a patient's appointments, those of the coming two weeks too."""
    number = PATIENTS.index(story)
    if story.hidden and THERAPISTS[number % len(THERAPISTS)] in NOT_HERS:
        number += 1  # as if she had come one later: the other therapist's next free hour
    therapist = THERAPISTS[number % len(THERAPISTS)]
    last_day = calendar.days_ago(-13) if story.stays_days is None else _leaves(story, calendar) + timedelta(days=14)
    found: list[Act] = []
    for kind, at in _hours(story, number, sessions, calendar, last_day, therapist, diary):
        drawn = chance.of("visit", kind, (at - calendar.on(calendar.enrolment(story), 0)).days)
        gone = story.stays_days is not None and calendar.on(_leaves(story, calendar), 0) < at
        found += _visit(story, kind, at, calendar, therapist, drawn, gone=gone)
    return found


def _leaves(story: Story, calendar: Calendar) -> date:
    return calendar.enrolment(story) + timedelta(days=story.stays_days or 0)


def _hours(
    story: Story,
    number: int,
    sessions: Sequence[Session],
    calendar: Calendar,
    last_day: date,
    therapist: str,
    diary: Diary,
) -> Iterator[tuple[str, datetime]]:
    """What takes place when. The weekly hours are everybody's own; the rest is found around them."""
    for week, day in enumerate(_weekdays(calendar.enrolment(story), last_day, _place(number) % 5)):
        at = calendar.on(day, 9 + 2 * (_place(number) // 5))
        diary.take(therapist, at)
        yield ("preparation" if week == 0 else WEEKLY[(week + number) % len(WEEKLY)]), at
    if number % EVERY_OTHER:
        for day in _weekdays(calendar.enrolment(story), last_day, WEDNESDAY):
            yield "support_group", calendar.on(day, GROUP_HOUR)
    for session in sessions:
        if session.dose_at is not None or session.scheduled_at > calendar.now:
            hour = _free_hour(session.dose_at or session.scheduled_at, calendar, therapist, diary)
            if hour is not None and hour.date() <= last_day:
                yield "integration", hour


def _place(number: int) -> int:
    """Which of the therapist's patients somebody is: it gives them an hour of the week that is theirs."""
    return number // len(THERAPISTS)


def _weekdays(first: date, last: date, weekday: int) -> Iterator[date]:
    """Every such day of the week after the first day."""
    day = first + timedelta(days=1 + (weekday - first.weekday() - 1) % 7)
    while day <= last:
        yield day
        day += timedelta(days=7)


def _free_hour(dose: datetime, calendar: Calendar, therapist: str, diary: Diary) -> datetime | None:
    """An hour of the therapist's between one and three days after the dose."""
    for days in (2, 1, 3):
        for hour in INTEGRATION_HOURS:
            at = calendar.on(dose.date() + timedelta(days=days), hour)
            if timedelta(hours=25) < at - dose < timedelta(hours=70) and diary.take(therapist, at):
                return at
    return None


def _visit(
    story: Story, kind: str, at: datetime, calendar: Calendar, therapist: str, chance: Chance, *, gone: bool
) -> Iterator[Act]:
    group = kind == "support_group"
    booked_on = max(calendar.on(calendar.enrolment(story), 10.7), at - BOOKED_AHEAD)
    visit_id = chance.of("id").id_at(booked_on)
    plan: dict[str, Any] = {
        "kind": kind,
        "format": "group" if group else "individual",
        "channel": "video" if story.travels and chance.happens(0.3) else "in_person",
        "scheduled_at": at,
        "ends_at": at + (GROUP_LENGTH if group else LENGTH),
        "location": "Group room" if group else None,
    }
    with_whom, where = (None, None) if group else (therapist, ROOMS[therapist])
    yield Booked(booked_on, story.key, visit_id, plan, with_whom, where)
    after = plan["ends_at"] + timedelta(minutes=chance.whole(2, 25))
    drawn = chance.between(0, 1)
    if gone:
        yield Attended(after, story.key, visit_id, therapist, Attendance.NO_SHOW, None, AttendanceReason.DROPPED_OUT)
        return
    if drawn > NO_SHOW_UNTIL:
        called_off = max(booked_on, at - timedelta(hours=chance.between(3, 30)))
        yield AppointmentCancelled(called_off, story.key, visit_id, by_patient=True, reason=chance.one_of(CALLED_OFF))
        return
    for limit, attendance, minutes, reason in CAME:
        if drawn <= limit:
            if at > calendar.now - ARRIVALS_SINCE:
                yield AppointmentArrived(at - timedelta(minutes=chance.whole(0, 6)), story.key, visit_id)
            yield Attended(after, story.key, visit_id, therapist, attendance, minutes, reason)
            return
    yield Attended(after, story.key, visit_id, therapist, Attendance.NO_SHOW, None, chance.one_of(MISSED))
