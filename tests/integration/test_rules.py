"""Which therapy followed a dose, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.appointments.rules import AppointmentKind, AppointmentStatus, Attendance
from app.integration import rules
from app.integration.rules import Therapy, TherapyOutcome, WindowState, after_dose, is_offered, took_part
from app.protocols.day_figures import Integration
from tests.factories import an_id

DOSE = datetime(2026, 11, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FIGURES = Integration()
LATER = DOSE + 400 * HOUR


def therapy(hours: float, status: str = "fulfilled", attendance: str | None = "attended") -> Therapy:
    return Therapy(
        id=an_id(),
        kind="cbt",
        format="individual",
        scheduled_at=DOSE + hours * HOUR,
        status=status,
        attendance=attendance,
        attended_minutes=None,
    )


def hours_of(figures: Integration) -> list[tuple[int, int]]:
    return [(each.from_hours, each.until_hours) for each in rules.windows(figures)]


class TestKinds:
    def test_every_kind_is_decided_with_a_reason(self) -> None:
        assert set(rules.COUNTS) == set(AppointmentKind)
        assert all(why.endswith(".") for _, why in rules.COUNTS.values())

    def test_what_counts(self) -> None:
        assert {kind.value for kind in rules.THERAPY} == {
            "cbt", "mindfulness", "mbrp", "met", "relapse_prevention", "integration", "family", "support_group",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "attendance", "offered", "attended"),
    [
        ("booked", None, True, None),
        ("arrived", None, True, None),
        ("checked-in", None, True, None),
        ("fulfilled", "attended", True, True),
        ("fulfilled", "late", True, True),
        ("fulfilled", "left_early", True, True),
        ("noshow", "no_show", True, False),
        ("noshow", None, True, False),
        ("cancelled", "cancelled_patient", True, False),
        ("cancelled", "cancelled_clinic", False, False),
        ("cancelled", None, False, None),
        ("entered-in-error", "cancelled_patient", False, False),
        ("proposed", None, False, None),
        ("pending", None, False, None),
        ("waitlist", None, False, None),
    ],
)
def test_what_was_offered_and_attended(
    status: str, attendance: str | None, offered: bool, attended: bool | None
) -> None:
    assert is_offered(status, attendance) is offered
    assert took_part(status, attendance) is attended


def test_every_status_and_attendance_is_in_the_table_or_told_by_it() -> None:
    for status in AppointmentStatus:
        for attendance in (None, *Attendance):
            assert is_offered(status, attendance) in {True, False}
            assert took_part(status, attendance) in {True, False, None}


class TestWindows:
    def test_are_the_proposed_hours(self) -> None:
        assert [(each.from_hours, each.until_hours) for each in rules.windows(FIGURES)] == [
            (0, 24),
            (24, 72),
            (72, 168),
        ]

    def test_are_the_figures_of_the_clinic(self) -> None:
        figures = Integration(first_until_hours=12, second_until_hours=36, third_until_days=3)

        assert hours_of(figures) == [(0, 12), (12, 36), (36, 72)]

    @pytest.mark.parametrize(
        ("hours", "place"),
        [(-0.01, None), (0, 0), (23.99, 0), (24, 1), (71.99, 1), (72, 2), (167.99, 2), (168, None), (500, None)],
    )
    def test_an_appointment_is_in_the_window_in_which_it_begins(self, hours: float, place: int | None) -> None:
        found = after_dose(DOSE, [therapy(hours)], FIGURES, now=LATER)

        assert [each.count.attended for each in found.windows] == [int(n == place) for n in range(3)]
        assert [len(each.therapies) for each in found.windows] == [int(n == place) for n in range(3)]

    @pytest.mark.parametrize(
        ("hours", "states"),
        [
            (0, "open ahead ahead"),
            (23.99, "open ahead ahead"),
            (24, "over open ahead"),
            (72, "over over open"),
            (168, "over over over"),
        ],
    )
    def test_stand_where_the_clock_is(self, hours: float, states: str) -> None:
        found = after_dose(DOSE, [], FIGURES, now=DOSE + hours * HOUR)

        assert [each.state for each in found.windows] == [WindowState(state) for state in states.split()]

    def test_count_what_was_offered_attended_and_not_recorded(self) -> None:
        happened = [
            therapy(25),
            therapy(26, "noshow", "no_show"),
            therapy(27, "booked", None),
            therapy(28, "cancelled", "cancelled_clinic"),
            therapy(29, "cancelled", "cancelled_patient"),
        ]

        count = after_dose(DOSE, happened, FIGURES, now=LATER).windows[1].count
        assert (count.offered, count.attended, count.not_recorded) == (4, 1, 1)

    @given(st.lists(st.integers(-100, 300), max_size=30))
    def test_each_appointment_is_in_one_window_at_most(self, hours: list[int]) -> None:
        happened = [therapy(hour) for hour in sorted(hours)]
        found = after_dose(DOSE, happened, FIGURES, now=LATER)

        inside = [each for filled in found.windows for each in filled.therapies]
        assert inside == [each for each in happened if 0 <= (each.scheduled_at - DOSE) / HOUR < 168]


class TestOutcome:
    @pytest.mark.parametrize(
        ("happened", "hours", "outcome"),
        [
            ([], 71.99, TherapyOutcome.WAITING),
            ([], 72, TherapyOutcome.NOT_OFFERED),
            ([therapy(80)], 100, TherapyOutcome.NOT_OFFERED),
            ([therapy(-5)], 100, TherapyOutcome.NOT_OFFERED),
            ([therapy(30)], 31, TherapyOutcome.ATTENDED),
            ([therapy(71.99)], 100, TherapyOutcome.ATTENDED),
            ([therapy(30, "booked", None)], 71, TherapyOutcome.WAITING),
            ([therapy(30, "booked", None)], 72, TherapyOutcome.NOT_RECORDED),
            ([therapy(20, "noshow", "no_show"), therapy(30, "booked", None)], 72, TherapyOutcome.NOT_RECORDED),
            ([therapy(20, "noshow", "no_show")], 72, TherapyOutcome.MISSED),
            ([therapy(20, "cancelled", "cancelled_patient")], 72, TherapyOutcome.MISSED),
            ([therapy(20, "cancelled", "cancelled_clinic")], 72, TherapyOutcome.NOT_OFFERED),
            ([therapy(20, "noshow", "no_show"), therapy(30, "fulfilled", "late")], 72, TherapyOutcome.ATTENDED),
        ],
    )
    def test_is_what_came_of_the_hours_in_which_therapy_is_wanted(
        self, happened: list[Therapy], hours: float, outcome: TherapyOutcome
    ) -> None:
        assert after_dose(DOSE, happened, FIGURES, now=DOSE + hours * HOUR).outcome is outcome

    def test_goes_by_the_hours_of_the_clinic(self) -> None:
        figures = Integration(therapy_within_hours=24)

        assert after_dose(DOSE, [therapy(30)], figures, now=DOSE + 40 * HOUR).outcome is TherapyOutcome.NOT_OFFERED

    def test_the_first_therapy_they_took_part_in_is_told(self) -> None:
        happened = [therapy(-3), therapy(5, "noshow", "no_show"), therapy(90), therapy(100)]

        assert after_dose(DOSE, happened, FIGURES, now=LATER).first_attended_at == DOSE + 90 * HOUR
        assert after_dose(DOSE, happened[:2], FIGURES, now=LATER).first_attended_at is None
