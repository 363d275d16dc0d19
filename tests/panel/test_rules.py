from datetime import UTC, datetime, timedelta

import pytest

from app.panel.rules import ReliefState, need, percent, relief_after, relief_now
from app.protocols.rules import Protocol
from app.trends.buckets import HOUR, microseconds
from app.trends.rules import Scale

DOSE = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = DOSE + timedelta(hours=1)
FIGURES = Protocol().trends
CRAVING = Scale(0, 10, "worse")


class TestNeed:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (("critical", LATER, 0), ("urgent", DOSE, 9)),
            (("critical", None, 0), ("urgent", DOSE, 0)),
            (("urgent", LATER, 0), ("urgent", None, 9)),
            (("urgent", DOSE, 0), ("urgent", LATER, 9)),
            (("routine", None, 0), (None, None, 9)),
            (("urgent", DOSE, 3), ("urgent", DOSE, 2)),
            ((None, None, 1), (None, None, 0)),
            ((None, None, 99999), (None, None, 9998)),
        ],
    )
    def test_who_comes_first(
        self, first: tuple[str | None, datetime | None, int], second: tuple[str | None, datetime | None, int]
    ) -> None:
        assert need(*first) < need(*second)

    def test_fits_into_64_bits(self) -> None:
        assert 0 < need("critical", datetime(1970, 1, 2, tzinfo=UTC), 10**6) < need(None, None, 0) < 2**63


class TestReliefAfter:
    @pytest.mark.parametrize(
        ("before", "after", "state", "since_hours"),
        [
            ([8, 8], [2, 2], ReliefState.UNKNOWN, None),
            ([1, 1, 1], [0, 0], ReliefState.NO_ROOM, None),
            ([8, 8, 8], [2], ReliefState.NOT_BEGUN, None),
            ([8, 8, 8], [7, 2, 2], ReliefState.RELIEVED, 2),
            ([8, 8, 8], [2, 2, 8], ReliefState.RELIEVED, 1),
            ([8, 8, 8], [2, 2, 8, 8], ReliefState.RETURNED, 3),
        ],
    )
    def test_what_the_values_say(
        self, before: list[int], after: list[int], state: ReliefState, since_hours: int | None
    ) -> None:
        at = microseconds(DOSE)
        values = [(at - (10 - n) * HOUR, value) for n, value in enumerate(before)]
        values += [(at + (n + 1) * HOUR, value) for n, value in enumerate(after)]

        found = relief_after(DOSE, "alcohol", values, CRAVING, FIGURES)

        assert (found.state, found.substance) == (state, "alcohol")
        assert found.since == (None if since_hours is None else DOSE + timedelta(hours=since_hours))


class TestReliefNow:
    @pytest.mark.parametrize(
        ("state", "days", "now"),
        [
            (None, 1, None),
            ("relieved", 14, "relieved"),
            ("relieved", 15, "over"),
            ("not_begun", 15, "over"),
            ("unknown", 15, "over"),
            ("returned", 15, "returned"),
        ],
    )
    def test_what_goes_on_is_over_when_the_dose_is_no_longer_followed(
        self, state: str | None, days: int, now: str | None
    ) -> None:
        assert relief_now(state, DOSE, DOSE + timedelta(days=days), FIGURES) == now

    def test_there_is_none_without_a_dose(self) -> None:
        assert relief_now(None, None, DOSE, FIGURES) is None


class TestPercent:
    def test_is_null_where_nothing_was_asked(self) -> None:
        assert percent(0, 0) is None
        assert percent(3, 4) == 75
