from datetime import UTC, datetime, timedelta

import pytest

from app.check_in_plans.rules import DueState, Kept, missed_in_a_row, state_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPENS, CLOSES = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
ONE = timedelta(microseconds=1)


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

    @pytest.mark.parametrize(
        ("kept", "state"),
        [(Kept.WAITING, DueState.EXPECTED), (Kept.ANSWERED, DueState.ANSWERED), (Kept.CANCELLED, DueState.WITHDRAWN)],
    )
    def test_waits_for_a_dose_that_is_late(self, kept: Kept, state: DueState) -> None:
        late = CLOSES + ONE

        found = state_of(kept, opens_at=OPENS, closes_at=CLOSES, answered_at=None, now=late, awaits_dose=True)
        assert found is state


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
