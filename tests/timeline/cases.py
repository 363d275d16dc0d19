"""Anchors and moments for tests of linking."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.protocols.rules import Linking
from app.timeline.rules import (
    Anchor,
    AnchorKind,
    Link,
    LinkingWindows,
    Moment,
    link,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WINDOWS = LinkingWindows.of(Linking())
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_dose(number: int = 1, at: datetime = NOON, **but: object) -> Anchor:
    """Make a session whose dose started at `at` and ended 40 minutes later."""
    facts = {"scheduled_at": at, "started_at": at, "ended_at": at + 40 * MINUTE} | but
    return Anchor(id=UUID(int=number), kind=AnchorKind.DOSING_SESSION, **facts)  # type: ignore[arg-type]


def a_plan(number: int = 1, at: datetime = NOON, **but: object) -> Anchor:
    """Make a session that is scheduled and has not started."""
    return a_dose(number, at, started_at=None, ended_at=None, **but)


def an_appointment(number: int = 100, at: datetime = NOON, **but: object) -> Anchor:
    facts = {"scheduled_at": at, "ends_at": at + HOUR} | but
    return Anchor(id=UUID(int=number), kind=AnchorKind.APPOINTMENT, **facts)  # type: ignore[arg-type]


def linked(at: datetime, *anchors: Anchor, windows: LinkingWindows = WINDOWS, **moment: object) -> Link:
    return link(Moment(at, **moment), anchors, windows)  # type: ignore[arg-type]
