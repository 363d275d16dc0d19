from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.care_plans.contingency_rules import (
    ContingencyOutcome,
    Incentive,
    earned,
    next_incentive,
    standing_after,
)

MET, NOT_MET, EXCUSED = ContingencyOutcome.MET, ContingencyOutcome.NOT_MET, ContingencyOutcome.EXCUSED
LETTERS = {"+": MET, "-": NOT_MET, "o": EXCUSED}
PLAIN = Incentive(first_cents=200, step_cents=100, most_cents=500)

OUTCOMES = st.lists(st.sampled_from(ContingencyOutcome), max_size=40)
FIGURES = st.builds(
    lambda first, more, **others: Incentive(first_cents=first, most_cents=first + more, **others),
    first=st.integers(0, 500),
    more=st.integers(0, 2000),
    step_cents=st.integers(0, 300),
    bonus_every=st.integers(0, 4),
    bonus_cents=st.integers(0, 1000),
    steps_back=st.none() | st.integers(0, 4),
    restored_after=st.none() | st.integers(1, 4),
    most_in_all_cents=st.none() | st.integers(0, 20_000),
)


def run(outcomes: list[ContingencyOutcome], figures: Incentive) -> list[int]:
    """What each of these earns, one after another."""
    amounts: list[int] = []
    for number, outcome in enumerate(outcomes):
        amounts.append(earned(outcome, outcomes[:number], sum(amounts), figures))
    return amounts


class TestIncentives:
    @pytest.mark.parametrize(
        ("but", "outcomes", "expected"),
        [
            ({}, "", []),
            ({}, "+++++", [200, 300, 400, 500, 500]),
            ({}, "++-++", [200, 300, 0, 200, 300]),
            ({}, "++o+", [200, 300, 0, 400]),
            ({"step_cents": 0}, "++-+", [200, 200, 0, 200]),
            ({"step_cents": 120}, "++++", [200, 320, 440, 500]),
            ({"steps_back": 1}, "+++-+", [200, 300, 400, 0, 400]),
            ({"steps_back": 0}, "++-+", [200, 300, 0, 400]),
            ({"steps_back": 9}, "++-+", [200, 300, 0, 200]),
            # what lies beyond the top is not kept up one's sleeve
            ({"steps_back": 1}, "++++++-+", [200, 300, 400, 500, 500, 500, 0, 400]),
            ({"restored_after": 2}, "+++-++++", [200, 300, 400, 0, 200, 300, 500, 500]),
            # what was lost is not forgotten by losing again
            ({"restored_after": 2}, "+++--+++", [200, 300, 400, 0, 0, 200, 300, 500]),
            ({"restored_after": 2}, "++-+-+++", [200, 300, 0, 200, 0, 200, 300, 400]),
            ({"restored_after": 2}, "+++-+o++", [200, 300, 400, 0, 200, 0, 300, 500]),
            ({"bonus_every": 3, "bonus_cents": 1000}, "+++-+++", [200, 300, 1400, 0, 200, 300, 1400]),
            ({"bonus_every": 1, "bonus_cents": 50}, "++", [250, 350]),
            ({"most_in_all_cents": 750}, "++++", [200, 300, 250, 0]),
            ({"most_in_all_cents": 0}, "++", [0, 0]),
        ],
    )
    def test_grow_fall_back_and_come_back(self, but: dict[str, Any], outcomes: str, expected: list[int]) -> None:
        figures = Incentive(**({"first_cents": 200, "step_cents": 100, "most_cents": 500} | but))

        assert run([LETTERS[letter] for letter in outcomes], figures) == expected

    @given(OUTCOMES, FIGURES)
    def test_stay_within_the_plans_figures(self, outcomes: list[ContingencyOutcome], figures: Incentive) -> None:
        amounts = run(outcomes, figures)

        assert all(0 <= amount <= figures.most_cents + figures.bonus_cents for amount in amounts)
        assert all(amount == 0 for amount, outcome in zip(amounts, outcomes, strict=True) if outcome is not MET)
        if figures.most_in_all_cents is not None:
            assert sum(amounts) <= figures.most_in_all_cents

    @given(OUTCOMES, OUTCOMES, FIGURES)
    def test_are_not_touched_by_what_was_excused(
        self, before: list[ContingencyOutcome], after: list[ContingencyOutcome], figures: Incentive
    ) -> None:
        assert next_incentive([*before, EXCUSED, *after], 0, figures) == next_incentive(before + after, 0, figures)

    @given(OUTCOMES, FIGURES)
    def test_never_grow_after_one_that_was_not_met(
        self, outcomes: list[ContingencyOutcome], figures: Incentive
    ) -> None:
        before, after = (standing_after(each, figures) for each in (outcomes, [*outcomes, NOT_MET]))

        assert after.step <= before.step
        assert after.in_a_row == 0
        if figures.steps_back is None:
            assert after.step == 0

    @given(OUTCOMES, FIGURES)
    def test_never_shrink_while_all_are_met(self, outcomes: list[ContingencyOutcome], figures: Incentive) -> None:
        steps = [standing_after([*outcomes, *[MET] * number], figures).step for number in range(6)]

        assert steps == sorted(steps)

    @given(OUTCOMES, st.integers(1, 4))
    def test_come_back_to_at_least_where_they_were(self, outcomes: list[ContingencyOutcome], after: int) -> None:
        figures = Incentive(first_cents=100, step_cents=50, most_cents=800, restored_after=after)
        lost = standing_after(outcomes, figures).step

        assert standing_after([*outcomes, NOT_MET, *[MET] * after], figures).step >= lost

    def test_of_a_plan_with_a_ceiling_below_its_first_step_is_the_ceiling(self) -> None:
        assert next_incentive([MET] * 3, 0, Incentive(first_cents=300, step_cents=10, most_cents=300)) == 300
