"""Days without use, from the use diary."""

from datetime import date, timedelta

from app.trends.abstinence import FirstUse, abstinence, first_use_after
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
