"""What is missed after worse values, against a plain second reading and against scipy."""

from statistics import median

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.rules import Trends
from app.trends.missed import Missed, MissedLabel, Prompt, Share, fisher_exact, missed_after
from app.trends.rules import HOUR, Scale
from tests.trends.cases import AROUSAL, CRAVING, MOOD

PROTOCOL = Trends()
HOURS = st.dictionaries(st.integers(0, 90), st.integers(0, 10), max_size=40)
PROMPTS = st.lists(st.tuples(st.integers(0, 120), st.booleans()), max_size=40)


def read(values: dict[int, int], prompts: list[tuple[int, bool]], scale: Scale = CRAVING, later: int = 0) -> Missed:
    series = sorted(values.items())
    return missed_after(
        [Prompt((hour + later) * HOUR, missed) for hour, missed in prompts],
        [(hour + later) * HOUR for hour, _ in series],
        [float(value) for _, value in series],
        own=[float(value) for _, value in series],
        scale=scale,
        protocol=PROTOCOL,
    )


class TestFisher:
    @given(st.integers(0, 40), st.integers(0, 40), st.data())
    def test_agrees_with_scipy(self, n: int, m: int, data: st.DataObject) -> None:
        one, other = Share(n, data.draw(st.integers(0, n))), Share(m, data.draw(st.integers(0, m)))
        table = [[one.missed, one.n - one.missed], [other.missed, other.n - other.missed]]

        assert fisher_exact(one, other) == pytest.approx(scipy.stats.fisher_exact(table).pvalue, abs=1e-12)


class TestMissed:
    @given(HOURS, PROMPTS)
    def test_is_read_the_same_twice(self, values: dict[int, int], prompts: list[tuple[int, bool]]) -> None:
        middle = median(values.values()) if values else None
        worse, others, without = [], [], 0
        for hour, was_missed in prompts:
            before = [at for at in values if hour - 24 <= at < hour]
            if not before:
                without += 1
            elif middle is not None and values[max(before)] > middle:
                worse.append(was_missed)
            else:
                others.append(was_missed)

        found = read(values, prompts)

        assert (found.after_worse, found.after_others) == (
            Share(len(worse), sum(worse)), Share(len(others), sum(others)),
        )  # fmt: skip
        assert found.without_value == without
        assert (found.label is None) == (found.p_value is None) == (min(len(worse), len(others)) < 5)

    @given(HOURS, PROMPTS, st.integers(-1000, 1000))
    def test_neither_the_date_nor_the_side_of_the_scale_matters(
        self, values: dict[int, int], prompts: list[tuple[int, bool]], later: int
    ) -> None:
        here = read(values, prompts)
        there = read({hour: 10 - value for hour, value in values.items()}, prompts, MOOD, later)

        assert (there.after_worse, there.after_others, there.p_value, there.label) == (
            here.after_worse, here.after_others, here.p_value, here.label,
        )  # fmt: skip

    @given(HOURS, PROMPTS, st.randoms(use_true_random=False))
    def test_the_order_of_the_check_ins_does_not_matter(
        self, values: dict[int, int], prompts: list[tuple[int, bool]], random: object
    ) -> None:
        shuffled = list(prompts)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        assert read(values, shuffled) == read(values, prompts)

    @pytest.mark.parametrize(
        ("worse_missed", "label"), [(True, MissedLabel.MORE_AFTER_WORSE), (False, MissedLabel.FEWER_AFTER_WORSE)]
    )
    def test_names_the_side_of_a_clear_difference(self, *, worse_missed: bool, label: MissedLabel) -> None:
        values = {24 * day: 9 if day % 2 else 2 for day in range(20)}
        found = read(values, [(24 * day + 1, worse_missed is bool(day % 2)) for day in range(20)])

        assert found.label is label

    def test_names_no_side_where_both_are_missed_alike(self) -> None:
        values = {24 * day: 9 if day % 2 else 2 for day in range(20)}

        assert read(values, [(24 * day + 1, day % 4 < 2) for day in range(20)]).label is MissedLabel.NO_CLEAR_DIFFERENCE
        assert read(values, [(24 * day + 1, True) for day in range(20)], AROUSAL).label is None
