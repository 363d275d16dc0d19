"""Which therapy followed a dose, and when: the windows after a dose, and which appointments count. Pure.

The hours are the clinic's own figures (`protocol.integration`). What counts as therapy is the table below; a clinician
can read it. Times are those at which an appointment begins, counted from the begin of the dose.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from app.appointments.rules import TOOK_PART, AppointmentKind, AppointmentStatus, Attendance
from app.protocols.day_figures import Integration

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)

COUNTS: Final[Mapping[AppointmentKind, tuple[bool, str]]] = {
    AppointmentKind.CBT: (True, "Therapy of the clinic."),
    AppointmentKind.MINDFULNESS: (True, "Therapy of the clinic."),
    AppointmentKind.MBRP: (True, "Therapy of the clinic."),
    AppointmentKind.MET: (True, "Therapy of the clinic."),
    AppointmentKind.RELAPSE_PREVENTION: (True, "Therapy of the clinic."),
    AppointmentKind.INTEGRATION: (True, "It is held for what came up in the session."),
    AppointmentKind.FAMILY: (True, "Therapy of the clinic, with those close to the patient."),
    AppointmentKind.SUPPORT_GROUP: (True, "Led by the clinic."),
    AppointmentKind.PREPARATION: (False, "It is about the next dose."),
    AppointmentKind.KETAMINE_SESSION: (False, "It is a dose."),
    AppointmentKind.MEDICAL_REVIEW: (False, "It is about medical findings."),
    AppointmentKind.MEDICATION_FOR_SUD: (False, "It is about a medicine."),
    AppointmentKind.CONTINGENCY_MANAGEMENT: (False, "It checks a goal and rewards it."),
    AppointmentKind.PEER_SUPPORT: (False, "Not led by a therapist."),
    AppointmentKind.TWELVE_STEP: (False, "Mutual help is the patient's to tell; nobody is asked to show attendance."),
}
"""For each kind of appointment: whether it counts as therapy after a dose, and why. Ours; clinicians confirm."""

THERAPY: Final = frozenset(kind for kind, (counts, _) in COUNTS.items() if counts)

_BOOKED: Final = frozenset(
    {
        AppointmentStatus.BOOKED,
        AppointmentStatus.ARRIVED,
        AppointmentStatus.CHECKED_IN,
        AppointmentStatus.FULFILLED,
        AppointmentStatus.NOSHOW,
    }
)
HERE: Final = frozenset({AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN})
"""The patient came; whether they took part is recorded afterwards."""


class WindowKey(StrEnum):
    """The three windows after a dose. The names are those of the proposed hours; the clinic's own may differ."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"


class WindowState(StrEnum):
    """Where a window stands by the clock."""

    AHEAD = "ahead"
    OPEN = "open"
    OVER = "over"


class TherapyOutcome(StrEnum):
    """What came of the time in which therapy has to happen after a dose."""

    ATTENDED = "attended"
    WAITING = "waiting"
    """There is still time."""
    NOT_RECORDED = "not_recorded"
    """The time is over; therapy was offered, and nobody has written down whether the patient took part."""
    MISSED = "missed"
    """The time is over; therapy was offered, and the patient did not take part."""
    NOT_OFFERED = "not_offered"


@dataclass(frozen=True, slots=True)
class Window:
    """Hours from the begin of a dose, the second not included."""

    key: WindowKey
    from_hours: int
    until_hours: int


@dataclass(frozen=True, slots=True)
class Therapy:
    """An appointment that counts as therapy."""

    id: UUID
    kind: str
    format: str
    scheduled_at: datetime
    status: str
    attendance: str | None
    attended_minutes: int | None

    @property
    def offered(self) -> bool:
        """Whether the patient could have come: what the clinic called off, or never confirmed, was not offered."""
        return is_offered(self.status, self.attendance)

    @property
    def attended(self) -> bool | None:
        """Whether they took part; None where that was not recorded."""
        return took_part(self.status, self.attendance)


class Count(NamedTuple):
    """How much therapy there was in one window."""

    offered: int
    attended: int
    not_recorded: int
    """Of those offered, of how many it is not known (yet) whether the patient took part."""


@dataclass(frozen=True, slots=True)
class Filled:
    """One window after a dose."""

    window: Window
    state: WindowState
    count: Count
    therapies: Sequence[Therapy]
    """In order of time, whatever became of them."""


@dataclass(frozen=True, slots=True)
class AfterDose:
    """Which therapy followed a dose."""

    windows: Sequence[Filled]
    first_attended_at: datetime | None
    within_hours: int
    """The hours in which therapy has to happen."""
    outcome: TherapyOutcome


def windows(figures: Integration) -> tuple[Window, Window, Window]:
    """The three windows of a clinic."""
    first, second, third = figures.first_until_hours, figures.second_until_hours, figures.third_until_days * 24
    return (
        Window(WindowKey.FIRST, 0, first),
        Window(WindowKey.SECOND, first, second),
        Window(WindowKey.THIRD, second, third),
    )


def longest(figures: Integration) -> timedelta:
    """How long after a dose an appointment may still matter."""
    return max(figures.third_until_days * DAY, figures.therapy_within_hours * HOUR)


def is_offered(status: str, attendance: str | None) -> bool:
    """Whether somebody was offered an appointment: it was booked, and nobody but they themselves called it off."""
    cancelled_by_patient = status == AppointmentStatus.CANCELLED and attendance == Attendance.CANCELLED_PATIENT
    return status in _BOOKED or cancelled_by_patient


def took_part(status: str, attendance: str | None) -> bool | None:
    """Whether they took part in it; None where that is not recorded."""
    if attendance is not None:
        return attendance in TOOK_PART
    return False if status == AppointmentStatus.NOSHOW else None


def after_dose(dose_at: datetime, therapies: Sequence[Therapy], figures: Integration, *, now: datetime) -> AfterDose:
    """Tell which therapy followed a dose. `therapies` are the patient's, in order of time."""
    times = [each.scheduled_at for each in therapies]

    def between(since: timedelta, until: timedelta) -> Sequence[Therapy]:
        return therapies[bisect_left(times, dose_at + since) : bisect_left(times, dose_at + until)]

    filled = []
    for window in windows(figures):
        inside = between(window.from_hours * HOUR, window.until_hours * HOUR)
        filled.append(Filled(window, _state(dose_at, window, now), count(_outcomes(inside)), inside))
    until = figures.therapy_within_hours * HOUR
    later = between(timedelta(), longest(figures))
    return AfterDose(
        windows=filled,
        first_attended_at=next((each.scheduled_at for each in later if each.offered and each.attended), None),
        within_hours=figures.therapy_within_hours,
        outcome=_outcome(_outcomes(between(timedelta(), until)), is_over=now >= dose_at + until),
    )


def count(offered: Sequence[bool | None]) -> Count:
    """Count the therapies that were offered in a window, of each whether the patient took part."""
    return Count(len(offered), offered.count(True), offered.count(None))


def _outcomes(therapies: Sequence[Therapy]) -> list[bool | None]:
    """Of each that was offered, whether the patient took part."""
    return [each.attended for each in therapies if each.offered]


def _state(dose_at: datetime, window: Window, now: datetime) -> WindowState:
    if now < dose_at + window.from_hours * HOUR:
        return WindowState.AHEAD
    return WindowState.OPEN if now < dose_at + window.until_hours * HOUR else WindowState.OVER


def _outcome(offered: Sequence[bool | None], *, is_over: bool) -> TherapyOutcome:
    if True in offered:
        return TherapyOutcome.ATTENDED
    if not is_over:
        return TherapyOutcome.WAITING
    if None in offered:
        return TherapyOutcome.NOT_RECORDED
    return TherapyOutcome.MISSED if offered else TherapyOutcome.NOT_OFFERED
