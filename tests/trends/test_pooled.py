"""All doses laid on one another: the definitions read twice, and what holds for every patient."""

from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.protocols.rules import Trends
from app.trends import pooled
from app.trends.pooled import Pooled, Stretch
from app.trends.rules import HOUR
from tests.trends.cases import EXAMPLE, NEVER, PROTOCOL, Case, series_of
from tests.trends.test_relief_laws import CASES, LIVELY

THREE = Case(
    {dose + hour: value + extra for dose, extra in ((0, 0), (600, 1), (1200, 3)) for hour, value in EXAMPLE.items()},
    [0, 600, 1200],
)


def pool(case: Case, protocol: Trends = PROTOCOL, until: int = NEVER) -> Pooled:
    return pooled.pooled_of(series_of(case.hours, until), case.curves(), protocol)


def at(found: Pooled, hour: int) -> Stretch:
    return next(one for one in found.stretches if one.from_minutes == hour * 60)


def by_hand(case: Case, span: tuple[int, int], protocol: Trends = PROTOCOL) -> tuple[Any, ...]:
    """Read the definition a second time, in hours, as plainly as it is written."""
    horizon, found, n_values = protocol.horizon_days * 24, [], 0
    wide = protocol.dose_baseline_hours
    for dose in case.doses:
        nexts = [other - dose for other in case.doses if other > dose]
        since = {hour - dose: value for hour, value in case.hours.items()}
        if sum(-wide <= hour < 0 for hour in since) < protocol.baseline_min_values:
            wide_here = protocol.dose_baseline_wide_days * 24
        else:
            wide_here = wide
        own = [
            value
            for hour, value in since.items()
            if span[0] <= hour
            and (hour < span[1] or hour == horizon == span[1])
            and -wide_here <= hour <= horizon
            and all(hour < following for following in nexts)
        ]
        n_values += len(own)
        found += [median(own)] if own else []
    return len(found), n_values, median(found) if found else None


class TestPooled:
    def test_is_the_middle_of_the_doses_with_their_quartiles(self) -> None:
        found = at(pool(THREE), 24)

        assert found == Stretch(24 * 60, 48 * 60, 3, 3, 3, 4, 3.5, 5)

    def test_counts_a_dose_once_however_often_it_was_asked_about(self) -> None:
        often = Case(
            {dose + hour: 2 for dose in (0, 600) for hour in (24,)} | dict.fromkeys(range(25, 47), 8), [0, 600]
        )

        found = at(pool(often), 24)

        assert (found.n, found.n_values, found.median) == (2, 24, 5)

    def test_gives_no_quartiles_of_two_doses(self) -> None:
        two = Case(dict.fromkeys((30, 630), 4), [0, 600])

        found = at(pool(two), 24)

        assert (found.median, found.lower_quartile, found.upper_quartile) == (4, None, None)

    def test_gives_them_where_the_clinic_says_so(self) -> None:
        one = Case({30: 4}, [0])

        found = at(pool(one, Trends(pooled_min_sessions=1)), 24)

        assert (found.lower_quartile, found.upper_quartile) == (4, 4)

    def test_leaves_to_the_next_dose_what_came_after_it(self) -> None:
        close = Case({30: 1, 50: 9, 60: 9}, [0, 49])

        found = pool(close)

        assert (at(found, 24).n, at(found, 24).n_followed, at(found, 24).median) == (1, 2, 1)
        assert (at(found, 72).n, at(found, 72).n_followed) == (0, 1)
        assert (at(found, 0).median, at(found, 6).median) == (9, 9)

    def test_follows_no_dose_into_the_future(self) -> None:
        found = pool(Case({30: 1}, [0]), until=60 * HOUR)

        assert [at(found, hour).n_followed for hour in (24, 48, 72)] == [1, 1, 0]

    def test_says_nothing_where_nothing_was_reported(self) -> None:
        found = at(pool(THREE), 12)

        assert (found.n, found.median, found.lower_quartile) == (0, None, None)
        assert found.n_followed == 3

    def test_counts_a_value_at_the_horizon(self) -> None:
        assert pool(Case({336: 5}, [0])).stretches[-1].n == 1

    def test_ends_with_the_horizon_of_the_clinic(self) -> None:
        spans = pooled.stretches_of(Trends(horizon_days=2))

        assert spans[-1] == (24 * 60, 48 * 60)

    @given(CASES | LIVELY)
    def test_is_read_the_same_twice(self, case: Case) -> None:
        for one in pool(case).stretches:
            assert (one.n, one.n_values, one.median) == by_hand(case, (one.from_minutes // 60, one.until_minutes // 60))

    @given(CASES | LIVELY)
    def test_holds_together(self, case: Case) -> None:
        found = pool(case)

        assert found.n_sessions == len(case.doses)
        for one in found.stretches:
            assert one.n <= min(one.n_followed, one.n_values)
            assert (one.median is None) == (one.n == 0)
            assert (
                (one.lower_quartile is None) == (one.upper_quartile is None) == (one.n < PROTOCOL.pooled_min_sessions)
            )
            if one.lower_quartile is not None and one.upper_quartile is not None and one.median is not None:
                assert one.lower_quartile <= one.median <= one.upper_quartile

    @given(CASES | LIVELY, st.integers(-5, 5), st.integers(-500, 500))
    def test_moves_with_the_scale_and_not_with_the_calendar(self, case: Case, up: int, later: int) -> None:
        moved = Case(
            {hour + later: value + up for hour, value in case.hours.items()}, [dose + later for dose in case.doses]
        )

        for one, other in zip(pool(case).stretches, pool(moved).stretches, strict=True):
            assert (one.n, one.n_followed, one.n_values) == (other.n, other.n_followed, other.n_values)
            assert other.median == (None if one.median is None else one.median + up)
