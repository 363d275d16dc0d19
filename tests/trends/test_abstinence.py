"""Days without use, from the use diary."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.trends.abstinence import FirstUse, Origin, TimeTo, UseDay, abstinence, first_use_after, times_to
from app.trends.buckets import by_day

FIRST = date(2026, 9, 1)


def reports(*used: tuple[int, int]) -> list[tuple[date, float]]:
    return [(FIRST + timedelta(days=day), float(value)) for day, value in used]


class TestAbstinence:
    def test_counts_a_day_with_any_use_as_a_day_of_use(self) -> None:
        found = abstinence(by_day(reports((0, 0), (1, 0), (1, 1), (2, 0))), period_days=10)

        assert (found.abstinent_days, found.days_with_values, found.days) == (2, 3, 10)
        assert found.percent == 100 * 2 / 3

    def test_counts_silence_as_use_in_the_worst_case_only(self) -> None:
        assert abstinence(by_day(reports((0, 0), (1, 0))), period_days=10).worst_case_percent == 20

    def test_says_nothing_without_a_report(self) -> None:
        found = abstinence([], period_days=10)

        assert (found.percent, found.worst_case_percent) == (None, 0)
        assert abstinence([], period_days=0).worst_case_percent is None


class TestFirstUseAfter:
    def test_counts_days_to_the_first_use(self) -> None:
        assert first_use_after(FIRST, by_day(reports((-1, 1), (0, 1), (2, 0), (5, 1)))) == FirstUse(5, censored=False)

    def test_reaches_to_the_last_report_without_use(self) -> None:
        assert first_use_after(FIRST, by_day(reports((2, 0), (9, 0)))) == FirstUse(9, censored=True)

    def test_says_nothing_without_a_report_after_the_dose(self) -> None:
        assert first_use_after(FIRST, by_day(reports((-2, 0), (0, 0)))) is None


USE_DAYS = st.dictionaries(
    st.integers(-5, 40), st.tuples(st.booleans(), st.none() | st.integers(0, 12)), max_size=30
).map(lambda days: [UseDay(FIRST + timedelta(days=day), *said) for day, said in sorted(days.items())])


def found(days: list[UseDay], drinks_above: int | None = 4) -> list[TimeTo]:
    return times_to([(Origin.FIRST_DOSE, FIRST)], days, drinks_above)


class TestTimesTo:
    def test_the_first_use_and_the_first_heavy_day_are_counted_apart(self) -> None:
        said = [(1, False, 0), (3, True, 2), (4, True, None), (9, True, 7)]
        use, heavy = found([UseDay(FIRST + timedelta(days=day), used, drinks) for day, used, drinks in said])

        assert (use.days, use.censored, use.unreported_days) == (3, False, 1)
        assert (heavy.days, heavy.censored, heavy.unreported_days) == (9, False, 6)  # of day 4 nobody knows how much
        assert (use.rule.name, use.rule.version) == ("first_report_after_the_day", "1")

    def test_what_was_not_reported_is_censored_at_the_last_report(self) -> None:
        (use,) = found([UseDay(FIRST + timedelta(days=day), used=day < 1, drinks=None) for day in (-1, 0, 2, 8)], None)

        assert (use.days, use.censored, use.unreported_days) == (8, True, 6)

    def test_there_is_none_without_a_report_after_the_day(self) -> None:
        assert [(one.days, one.censored) for one in found([UseDay(FIRST, used=True, drinks=9)])] == [(None, None)] * 2

    @given(USE_DAYS)
    def test_a_heavy_day_is_never_before_the_first_use(self, days: list[UseDay]) -> None:
        honest = [day for day in days if day.used or not day.drinks]
        use, heavy = found(honest)

        if heavy.days is not None and heavy.censored is False:
            assert use.days is not None
            assert use.days <= heavy.days
        for one in (use, heavy):
            assert one.days is None or 0 <= one.unreported_days < one.days

    @given(USE_DAYS, st.integers(-200, 200))
    def test_another_date_reads_the_same(self, days: list[UseDay], later: int) -> None:
        move = timedelta(days=later)
        moved = times_to(
            [(Origin.FIRST_DOSE, FIRST + move)], [UseDay(day.day + move, day.used, day.drinks) for day in days], 4
        )

        assert [(one.days, one.censored, one.unreported_days) for one in moved] == [
            (one.days, one.censored, one.unreported_days) for one in found(days)
        ]
