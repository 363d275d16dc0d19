from datetime import UTC, datetime, timedelta

import pytest

from app.check_in_plans.rules import DueState, Kept, after_dose, missed_in_a_row, state_of
from app.protocols.rules import Protocol
from app.protocols.session_figures import TimePoint

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPENS, CLOSES = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
ONE = timedelta(microseconds=1)


class TestAfterDose:
    def test_asks_for_the_moments_of_the_protocol_that_are_the_patients(self) -> None:
        asked = after_dose(Protocol().readings.time_points, NOON)

        assert [(each.time_point, (each.due_at - NOON) / timedelta(minutes=1)) for each in asked] == [
            ("plus_4h", 240), ("plus_24h", 1440), ("plus_72h", 4320), ("plus_7d", 10080), ("plus_14d", 20160)
        ]  # fmt: skip
        assert [(each.closes_at - each.due_at) / timedelta(minutes=1) for each in asked] == [60, 360, 720, 1440, 2880]
        assert asked[0].instruments == ("craving_nrs", "mood_nrs", "dissociation_brief")
        assert asked[2].instruments == ("craving_nrs", "mood_nrs")

    def test_asks_a_patient_for_nothing_that_staff_record_or_that_lies_before_the_dose(self) -> None:
        points = [
            TimePoint(key="a", minutes=40, tolerance_minutes=10, by="staff", wants=("mood",)),
            TimePoint(key="b", minutes=-30, tolerance_minutes=10, by="patient", wants=("mood",)),
            TimePoint(key="c", minutes=40, tolerance_minutes=10, by="patient", wants=("vitals", "moaas")),
        ]

        assert after_dose(points, NOON) == []

    def test_opens_nothing_before_the_dose(self) -> None:
        (asked,) = after_dose(
            [TimePoint(key="soon", minutes=10, tolerance_minutes=60, by="patient", wants=("vitals", "mood"))], NOON
        )

        assert (asked.opens_at, asked.instruments) == (NOON, ("mood_nrs",))


class TestStateOf:
    @pytest.mark.parametrize(
        ("kept", "answered_at", "now", "state"),
        [
            (Kept.WAITING, None, OPENS - ONE, DueState.EXPECTED),
            (Kept.WAITING, None, OPENS, DueState.OPEN),
            (Kept.WAITING, None, CLOSES, DueState.OPEN),
            (Kept.WAITING, None, CLOSES + ONE, DueState.MISSED),
            (Kept.MISSED, None, CLOSES + ONE, DueState.MISSED),
            (Kept.ANSWERED, CLOSES, CLOSES + ONE, DueState.ANSWERED),
            (Kept.ANSWERED, CLOSES + ONE, CLOSES + ONE, DueState.LATE),
            (Kept.ANSWERED, OPENS - ONE, CLOSES + ONE, DueState.ANSWERED),
            (Kept.CANCELLED, None, NOON, DueState.WITHDRAWN),
        ],
    )
    def test_follows_from_what_is_kept_and_the_clock(
        self, kept: Kept, answered_at: datetime | None, now: datetime, state: DueState
    ) -> None:
        assert state_of(kept, opens_at=OPENS, closes_at=CLOSES, answered_at=answered_at, now=now) is state


class TestMissedInARow:
    @pytest.mark.parametrize(
        ("newest_first", "run"),
        [
            ("", 0), ("M", 1), ("MMM", 3), ("MMA", 2), ("AMM", 0), ("WMM", 2), ("WWMCM", 2), ("MCCMA", 2), ("CAM", 0),
        ],
    )  # fmt: skip
    def test_counts_from_the_newest_to_the_last_answer(self, newest_first: str, run: int) -> None:
        kept = {"M": Kept.MISSED, "A": Kept.ANSWERED, "W": Kept.WAITING, "C": Kept.CANCELLED}

        assert missed_in_a_row(kept[each] for each in newest_first) == run
