from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.appointments.rules import AppointmentKind, AppointmentStatus
from app.calendars import rules
from app.calendars.rules import Entry, EventStatus
from tests.factories import an_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GROUP = an_id()


def a_place(sequence: int = 0, status: EventStatus = EventStatus.CONFIRMED, **but: datetime) -> Entry:
    times = {"changed_at": NOON, "starts_at": NOON, "ends_at": NOON + HOUR} | but
    return Entry(uid=GROUP, sequence=sequence, title="Mindfulness (group)", status=status, location="Room 2", **times)


def test_every_kind_and_every_status_is_known() -> None:
    assert set(rules.IN_PLAIN_WORDS) == set(AppointmentKind)
    assert set(rules.SHOWN_AS) == set(AppointmentStatus)


def test_a_feed_never_tells_whether_somebody_came() -> None:
    shown = {rules.SHOWN_AS[status] for status in (AppointmentStatus.NOSHOW, AppointmentStatus.FULFILLED)}

    assert shown == {EventStatus.CONFIRMED}


def test_neutral_events_say_neither_what_nor_where() -> None:
    assert rules.neutral(a_place()) == Entry(
        uid=GROUP,
        sequence=0,
        changed_at=NOON,
        starts_at=NOON,
        ends_at=NOON + HOUR,
        title="Appointment",
        status=EventStatus.CONFIRMED,
    )


@pytest.mark.parametrize(
    ("kind", "format_", "title"),
    [
        ("cbt", "individual", "Cognitive behavioural therapy"),
        ("mindfulness", "group", "Mindfulness (group)"),
        ("support_group", "group", "Support group"),
        ("family", "family", "Family session"),
    ],
)
def test_plain_titles_say_what_it_is_for(kind: str, format_: str, title: str) -> None:
    assert rules.title_of(kind, format_) == title


class TestMeeting:
    def test_is_one_event_whose_sequence_rises_with_each_change_of_a_member(self) -> None:
        moved: dict[str, Any] = {"starts_at": NOON + HOUR, "ends_at": NOON + 2 * HOUR}

        before = rules.meeting([a_place(2, EventStatus.CANCELLED), a_place(0), a_place(0)])
        after = rules.meeting(
            [a_place(2, EventStatus.CANCELLED), *(a_place(1, changed_at=NOON + HOUR, **moved) for _ in range(2))]
        )

        assert (before.sequence, before.starts_at, before.status) == (2, NOON, EventStatus.CONFIRMED)
        assert (after.sequence, after.starts_at, after.changed_at) == (4, NOON + HOUR, NOON + HOUR)

    def test_is_cancelled_when_it_is_for_everybody(self) -> None:
        off = EventStatus.CANCELLED

        assert rules.meeting([a_place(1, off), a_place(1, off)]).status is off
        assert rules.meeting([a_place(1, off), a_place()]).status is EventStatus.CONFIRMED


class TestStatusOfSession:
    @pytest.mark.parametrize(
        ("stage", "expected"),
        [("scheduled", "CONFIRMED"), ("closed", "CONFIRMED"), ("aborted", "CONFIRMED"), ("cancelled", "CANCELLED")],
    )
    def test_is_confirmed_unless_it_was_called_off(self, stage: str, expected: str) -> None:
        assert rules.status_of_session(stage) == expected
