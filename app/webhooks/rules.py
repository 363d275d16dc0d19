"""When a delivery is tried again, when an endpoint is given up, what it hears of, and what that is about.

Times are the Standard Webhooks schedule: ten attempts over three days, each gap shifted by up to a fifth so that a
receiver that comes back is not met by everything at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.consents.kinds import Category, Purpose
from app.events.types import EventType

SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait after each failed attempt; after the last of them the delivery has failed."""
JITTER: Final = 0.2
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
GIVEN_UP_AFTER: Final = timedelta(days=5)
GIVEN_UP_ATTEMPTS: Final = 10
EVERYTHING: Final = "*"


class Outcome(StrEnum):
    """How an attempt ended. All but `delivered` are tried again, save `gone`, `withheld` and `too_late`."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    GONE = "gone"
    REDIRECTED = "redirected"
    TIMED_OUT = "timed_out"
    NOT_CONNECTED = "not_connected"
    UNTRUSTED = "untrusted"
    BLOCKED_ADDRESS = "blocked_address"
    BROKEN_OFF = "broken_off"
    WITHHELD = "withheld"
    LOST = "lost"
    TOO_LATE = "too_late"


class Reason(StrEnum):
    """Why an endpoint is disabled."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


def outcome_of(status: int) -> Outcome:
    """What the status of an answer means."""
    if 200 <= status < 300:  # noqa: PLR2004  HTTP
        return Outcome.DELIVERED
    if 300 <= status < 400:  # noqa: PLR2004  HTTP
        return Outcome.REDIRECTED
    return Outcome.GONE if status == 410 else Outcome.REFUSED  # noqa: PLR2004  HTTP


def wait(attempts: int, jitter: float, retry_after: timedelta | None) -> timedelta | None:
    """How long to wait after this many failed attempts; None when it is given up.

    `jitter` is a random number from -1 to 1. A receiver that names a time gets it, up to an hour, but never more often
    than the schedule: it must not use up three days of patience in a minute.
    """
    if attempts > len(SCHEDULE):
        return None
    planned = SCHEDULE[attempts - 1] * (1 + JITTER * jitter)
    return planned if retry_after is None else max(planned, min(retry_after, LONGEST_RETRY_AFTER))


@dataclass(frozen=True, slots=True)
class Health:
    """How it has been going with an endpoint: since when nothing arrived, and how often that was tried."""

    failing_since: datetime | None = None
    failures: int = 0

    def after(self, *, success: bool, at: datetime) -> "Health":
        """The health after one more attempt."""
        return Health() if success else Health(self.failing_since or at, self.failures + 1)

    def is_given_up(self, now: datetime) -> bool:
        """Whether it failed for so long, and so often, that somebody has to look."""
        since = self.failing_since
        return since is not None and now - since >= GIVEN_UP_AFTER and self.failures >= GIVEN_UP_ATTEMPTS


def hears(filters: Iterable[str], event_type: str) -> bool:
    """Whether an endpoint with these filters hears of this type: its name, `noun.*`, or `*`."""
    noun = event_type.partition(".")[0]
    return any(each in {EVERYTHING, event_type, f"{noun}.*"} for each in filters)


def is_filter(text: str) -> bool:
    """Whether this is a filter that hears of anything."""
    return any(hears([text], each) for each in EventType)


_ABOUT: Final[dict[str, Category]] = {
    "patient": Category.PROFILE,
    "patient_account": Category.PROFILE,
    "care_team": Category.PROFILE,
    "emergency_access": Category.PROFILE,
    "check_in": Category.CHECK_INS,
    "dosing_session": Category.DOSING_SESSIONS,
    "extra_session": Category.DOSING_SESSIONS,
    "adverse_event": Category.DOSING_SESSIONS,
    "rems_report": Category.DOSING_SESSIONS,
    "due_check_in": Category.CARE_PLAN,
    "check_in_plan": Category.CARE_PLAN,
    "care_plan": Category.CARE_PLAN,
    "practice": Category.CARE_PLAN,
    "safety_plan": Category.CARE_PLAN,
    "contingency": Category.CARE_PLAN,
    "appointment_series": Category.APPOINTMENTS,
    "alert": Category.ALERTS,
    "appointment": Category.APPOINTMENTS,
    "consent": Category.CONSENTS,
}
_ABOUT_NO_PATIENT: Final = frozenset(
    {
        "staff",
        "staff_account",
        "on_call_roster",
        "protocol",
        "instrument",
        "consent_document",
        "endpoint",
        "check_in_template",
        "room",
        "group",
        "group_session",
    }
)


def category(event_type: str) -> Category | None:
    """What kind of information about a patient it is that such a thing happened; None if it is about no patient.

    A type that nobody thought of here is a `KeyError`: nothing leaves by oversight.
    """
    noun = event_type.partition(".")[0]
    return None if noun in _ABOUT_NO_PATIENT else _ABOUT[noun]


def is_pseudonymous(purpose: str) -> bool:
    """Whether an endpoint learns no id of ours: research gets pseudonyms of its own, and no address to fetch."""
    return purpose == Purpose.RESEARCH


@dataclass(frozen=True, slots=True)
class Window:
    """How many deliveries a lane may hold: as many as are sent at once, and more while all goes well and fast.

    Each success makes room for one more, up to eight times as many while answers are fast; one failure brings it down
    to a single one, so that an endpoint that hangs holds one connection, and not four.
    """

    concurrency: int
    size: int

    @classmethod
    def opening(cls, concurrency: int) -> "Window":
        """The window of a lane that was just taken."""
        return cls(concurrency, concurrency)

    def after(self, *, success: bool, fast: bool) -> "Window":
        """The window after one more attempt. What waits behind a slow receiver would outlast its leave."""
        if not success:
            return Window(self.concurrency, 1)
        return Window(self.concurrency, min(self.size + 1, self.concurrency * (8 if fast else 1)))
