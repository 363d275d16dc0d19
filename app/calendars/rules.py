"""What stands in a calendar feed: which words, which status, how far back and ahead. Pure: no clock, no database.

Calendar programs belong to others: what a feed says is shown on lock screens, in cars, and to everybody with whom a
calendar is shared. So a feed says no more than "Appointment" until its owner wants more, and never a patient's name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.appointments.rules import AppointmentFormat, AppointmentKind, AppointmentStatus
from app.dosing.rules import SessionStage

NEUTRAL_TITLE: Final = "Appointment"
NEUTRAL_NAME: Final = "Appointments"
DOSING_TITLE: Final = "Dosing session"
KEPT_BEHIND: Final = timedelta(days=31)
"""Calendar programs drop what a feed does not hold any more; so the last month can still be looked up there."""
ASK_AGAIN: Final = timedelta(hours=1)
"""How often a calendar program is asked to look. Many look less often: a feed is no way to tell of a late change."""


class Titles(StrEnum):
    """What a feed says of an appointment."""

    NEUTRAL = "neutral"
    PLAIN = "plain"


class EventStatus(StrEnum):
    """The statuses that an event of a calendar can have (RFC 5545, 3.8.1.11)."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


IN_PLAIN_WORDS: Final[Mapping[AppointmentKind, str]] = {
    AppointmentKind.CBT: "Cognitive behavioural therapy",
    AppointmentKind.MINDFULNESS: "Mindfulness",
    AppointmentKind.MBRP: "Mindfulness-based relapse prevention",
    AppointmentKind.MET: "Motivational therapy",
    AppointmentKind.RELAPSE_PREVENTION: "Relapse prevention",
    AppointmentKind.INTEGRATION: "Integration",
    AppointmentKind.PREPARATION: "Preparation",
    AppointmentKind.SUPPORT_GROUP: "Support group",
    AppointmentKind.TWELVE_STEP: "Twelve-step meeting",
    AppointmentKind.CONTINGENCY_MANAGEMENT: "Contingency management",
    AppointmentKind.FAMILY: "Family session",
    AppointmentKind.MEDICATION_FOR_SUD: "Medication",
    AppointmentKind.PEER_SUPPORT: "Peer support",
    AppointmentKind.MEDICAL_REVIEW: "Medical review",
    AppointmentKind.KETAMINE_SESSION: DOSING_TITLE,
}
"""What an appointment is for, in the words of a feed whose owner wants to read it there."""

SHOWN_AS: Final[Mapping[AppointmentStatus, EventStatus]] = {
    AppointmentStatus.PROPOSED: EventStatus.TENTATIVE,
    AppointmentStatus.PENDING: EventStatus.TENTATIVE,
    AppointmentStatus.WAITLIST: EventStatus.TENTATIVE,
    AppointmentStatus.BOOKED: EventStatus.CONFIRMED,
    AppointmentStatus.ARRIVED: EventStatus.CONFIRMED,
    AppointmentStatus.CHECKED_IN: EventStatus.CONFIRMED,
    AppointmentStatus.FULFILLED: EventStatus.CONFIRMED,
    AppointmentStatus.NOSHOW: EventStatus.CONFIRMED,
    AppointmentStatus.CANCELLED: EventStatus.CANCELLED,
    AppointmentStatus.ENTERED_IN_ERROR: EventStatus.CANCELLED,
}
"""Whether somebody came is nobody's business in a calendar: a missed appointment looks like any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a feed. `uid` and `sequence` are what a calendar program knows it again by.

    `sequence` is 0 at first and rises with every change; `changed_at` is when it last did.
    """

    uid: UUID
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    title: str
    status: EventStatus
    location: str | None = None


def title_of(kind: str, format_: str) -> str:
    """What an appointment is called where the owner of the feed wants to read it."""
    words = IN_PLAIN_WORDS[AppointmentKind(kind)]
    in_group = format_ == AppointmentFormat.GROUP and "group" not in words.lower()
    return f"{words} (group)" if in_group else words


def status_of_session(stage: str) -> EventStatus:
    """How a dosing session is shown."""
    return EventStatus.CANCELLED if stage == SessionStage.CANCELLED else EventStatus.CONFIRMED


def neutral(entry: Entry) -> Entry:
    """The same event, without a word about what it is for or where."""
    return replace(entry, title=NEUTRAL_TITLE, location=None)


def meeting(members: Iterable[Entry]) -> Entry:
    """One event out of those of each member of a group: whoever leads it goes there once.

    It is cancelled when it is for everybody. Its sequence is the sum of theirs, which rises whenever one of them does.
    """
    every = list(members)
    held = [each for each in every if each.status is not EventStatus.CANCELLED] or every
    newest = max(held, key=lambda each: each.changed_at)
    return replace(
        newest,
        sequence=sum(each.sequence for each in every),
        changed_at=max(each.changed_at for each in every),
    )
