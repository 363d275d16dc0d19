"""Local days, the latest of them, and gaps."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.trends.days import Gap, LocalDay, gaps, latest_after, whole_weeks

FIRST = date(2026, 9, 1)


def a_day(after: int, *values: float) -> LocalDay:
    return LocalDay(FIRST + timedelta(days=after), sum(values), min(values), max(values), len(values))


class TestLatestAfter:
    def test_weighs_values_not_days(self) -> None:
        latest = latest_after(FIRST, [a_day(1, 8, 8, 8), a_day(2, 4)], 7)

        assert (latest.mean, latest.n) == (7, 4)
        assert (latest.first_day, latest.last_day) == (FIRST + timedelta(days=1), FIRST + timedelta(days=2))

    def test_leaves_out_the_day_of_the_dose_and_those_before(self) -> None:
        latest = latest_after(FIRST, [a_day(-3, 9), a_day(0, 9), a_day(1, 2)], 7)

        assert (latest.mean, latest.n) == (2, 1)

    def test_takes_seven_days_up_to_the_last_value_however_old(self) -> None:
        latest = latest_after(None, [a_day(0, 9), a_day(1, 5), a_day(7, 3)], 7)

        assert (latest.mean, latest.n) == (4, 2)

    def test_has_nothing_to_say_without_a_value_after_the_dose(self) -> None:
        latest = latest_after(FIRST, [a_day(-1, 9), a_day(0, 9)], 7)

        assert (latest.mean, latest.n) == (None, 0)


class TestGaps:
    def test_starts_at_the_shortest_length(self) -> None:
        days = [FIRST, FIRST + timedelta(days=3), FIRST + timedelta(days=7)]
        found = gaps(days, until=FIRST + timedelta(days=7), shortest=3)

        assert found == [Gap(FIRST + timedelta(days=4), FIRST + timedelta(days=6))]
        assert found[0].days == 3

    def test_reaches_to_the_end_of_the_period(self) -> None:
        assert gaps([FIRST], until=FIRST + timedelta(days=10), shortest=3) == [
            Gap(FIRST + timedelta(days=1), FIRST + timedelta(days=10))
        ]

    def test_does_not_run_backwards_when_the_last_value_is_later_than_the_end(self) -> None:
        assert gaps([FIRST], until=FIRST - timedelta(days=1), shortest=1) == []

    def test_has_none_before_the_first_value_or_without_any(self) -> None:
        assert gaps([], until=FIRST, shortest=1) == []

    @given(st.sets(st.integers(0, 60), min_size=1), st.integers(0, 10), st.integers(1, 6))
    def test_covers_exactly_the_long_runs_without_values(self, offsets: set[int], more: int, shortest: int) -> None:
        days = [FIRST + timedelta(days=offset) for offset in sorted(offsets)]
        until = days[-1] + timedelta(days=more)
        found = gaps(days, until=until, shortest=shortest)

        inside = {gap.first_day + timedelta(days=n) for gap in found for n in range(gap.days)}
        assert not inside & set(days)
        assert all(gap.days >= shortest for gap in found)
        empty = {days[0] + timedelta(days=n) for n in range((until - days[0]).days + 1)} - set(days)
        for day in empty - inside:
            run = 1
            for step in (timedelta(days=1), timedelta(days=-1)):
                near = day + step
                while near in empty:
                    run, near = run + 1, near + step
            assert run < shortest


class TestWholeWeeks:
    def test_keeps_monday_to_sunday(self) -> None:
        friday, thursday = date(2026, 11, 6), date(2026, 11, 26)

        assert whole_weeks([Gap(friday, thursday)]) == [Gap(date(2026, 11, 9), date(2026, 11, 22))]
        assert whole_weeks([Gap(date(2026, 11, 9), date(2026, 11, 15))]) == [Gap(date(2026, 11, 9), date(2026, 11, 15))]

    def test_drops_what_holds_no_whole_week(self) -> None:
        assert whole_weeks([Gap(date(2026, 11, 10), date(2026, 11, 21)), Gap(FIRST, FIRST)]) == []
