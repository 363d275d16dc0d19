"""Rules about answers: on, at and beside every threshold. A case names what was answered; the rest was not."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.safety_figures import Safety
from app.safety import rules
from app.safety.findings import Severity
from app.safety.rules import AnswerInputs, CravingInputs, TakenBack, UseInputs
from tests.safety.test_rules_bedside import found, no_less

FIGURES = Safety()
USUAL = (3, 4, 3, 5, 4, 4, 3)
"""Facts of one patient: median 4, median absolute deviation 1, so that a spike starts at 4 + max(3, 2.97) = 7."""


def judged(figures: Safety = FIGURES, **answers: Any) -> list[str]:
    return found(rules.judge_answers(AnswerInputs(**answers), figures))


def test_no_answers_are_no_signs() -> None:
    assert judged() == []


class TestSuicidality:
    @pytest.mark.parametrize(
        ("now", "before", "expected"),
        [
            (None, None, []),
            (None, 3, []),
            (0, None, []),
            (0, 3, []),
            (1, None, ["SUI-1 urgent"]),
            (1, 0, ["SUI-1 urgent"]),
            (2, None, ["SUI-1 urgent"]),
            (2, 1, ["SUI-1 urgent"]),
            (2, 0, ["SUI-1 critical"]),
            (3, 3, ["SUI-1 critical"]),
            (3, None, ["SUI-1 critical"]),
        ],
    )
    def test_sui1(self, now: int | None, before: int | None, expected: list[str]) -> None:
        assert judged(self_harm=now, self_harm_before=before) == expected

    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            ({}, []),
            ({"wish_dead": 1, "thoughts": 1, "method": 0, "intent": 0, "plan_intent": 0}, []),
            ({"thoughts": 1, "method": 1}, ["SUI-3 urgent"]),
            ({"behaviour_lifetime": 1, "behaviour_3mo": 0}, ["SUI-3 urgent"]),
            ({"behaviour_lifetime": 1, "behaviour_3mo": 1}, ["SUI-2 critical"]),
            ({"thoughts": 1, "method": 1, "intent": 1}, ["SUI-2 critical"]),
            ({"plan_intent": 1}, ["SUI-2 critical"]),
        ],
    )
    def test_sui2_and_sui3(self, items: dict[str, int], expected: list[str]) -> None:
        assert judged(cssrs=items) == expected

    def test_sui4_is_the_button(self) -> None:
        assert (rules.HELP.rule, rules.HELP.severity) == ("SUI-4", Severity.CRITICAL)


class TestDissociation:
    @pytest.mark.parametrize(
        ("minutes", "total", "before", "expected"),
        [
            (119, 16, 0, []),
            (240, 3, 0, []),
            (240, 4, 0, ["DIS-1 urgent"]),
            (240, 4, 1, []),
            (1440, 4, 2, ["DIS-1 urgent"]),
            (None, 16, None, []),
        ],
    )
    def test_dis1_on_the_phone_may_wait_longer(
        self, minutes: int | None, total: int, before: int | None, expected: list[str]
    ) -> None:
        inputs = AnswerInputs(minutes_from_dose=minutes, dissociation=total, dissociation_before_dose=before)

        findings = rules.judge_answers(inputs, FIGURES)

        assert found(findings) == expected
        assert {finding.within for finding in findings} <= {"4_hours"}

    @pytest.mark.parametrize(("distress", "expected"), [(2, []), (3, ["DIS-2 urgent"])])
    def test_dis2(self, distress: int, expected: list[str]) -> None:
        assert judged(distress=distress) == expected


class TestCraving:
    @pytest.mark.parametrize(
        ("value", "usual", "uses", "expected"),
        [
            (6, USUAL, (), []),
            (7, USUAL, (), ["CRV-1 routine"]),
            (8, USUAL, (), ["CRV-1 urgent"]),
            (7, USUAL[:4], (), []),
            (7, (4, 4, 4, 4), (), []),
            (7, (4, 4, 4, 4, 4), (), ["CRV-1 routine"]),
            (6, (4, 4, 4, 4, 4), (), []),
            (8, (1, 1, 4, 7, 7), (), []),  # deviation 3: 4 + 8.9 is more than the scale has
            (8, (2, 3, 4, 6, 6), (), []),  # deviation 2: from 9.93 on
            (10, (2, 3, 4, 6, 6), (), ["CRV-1 urgent"]),
            (7, USUAL, (UseInputs(used=False),), ["CRV-1 routine"]),
            (7, USUAL, (UseInputs(used=True),), ["CRV-1 urgent"]),
            (0, (), (), []),
        ],
    )
    def test_crv1(self, value: int, usual: tuple[int, ...], uses: tuple[UseInputs, ...], expected: list[str]) -> None:
        figures = Safety(abstinence_is_the_goal=False)

        assert judged(figures, cravings=[CravingInputs(value=value, usual=usual)], uses=uses) == expected

    def test_crv1_keeps_what_it_was_held_against(self) -> None:
        inputs = AnswerInputs(cravings=[CravingInputs(value=7, substance="alcohol", usual=USUAL)])

        (finding,) = rules.judge_answers(inputs, FIGURES)

        assert finding.threshold["from"] == 7
        assert finding.inputs == {
            "value": 7, "of": 10, "substance": "alcohol", "usual": 4, "n": 7, "used_after": False,
        }  # fmt: skip

    @pytest.mark.parametrize(("value", "expected"), [(69, []), (70, ["CRV-1 routine"]), (80, ["CRV-1 urgent"])])
    def test_crv1_on_the_line_of_100(self, value: int, expected: list[str]) -> None:
        usual = [10 * each for each in USUAL]

        assert judged(cravings=[CravingInputs(value=value, of=100, usual=usual)]) == expected

    @pytest.mark.parametrize(
        ("value", "days", "expected"),
        [
            (7, {1: 7, 2: 7}, ["CRV-2 urgent"]),
            (7, {1: 10, 2: 10}, ["CRV-2 urgent"]),
            (6, {0: 9, 1: 7, 2: 7}, []),
            (7, {1: 6, 2: 7}, []),
            (7, {2: 7, 3: 7}, []),
            (7, {1: 7}, []),
            (10, {}, []),
        ],
    )
    def test_crv2(self, value: int, days: dict[int, float], expected: list[str]) -> None:
        assert judged(cravings=[CravingInputs(value=value, highest_by_day=days)]) == expected

    def test_of_several_substances_the_most_severe_counts(self) -> None:
        cravings = [
            CravingInputs(value=7, substance="alcohol", usual=USUAL),
            CravingInputs(value=9, substance="cocaine", usual=USUAL),
        ]

        (finding,) = rules.judge_answers(AnswerInputs(cravings=cravings), FIGURES)

        assert (finding.severity, finding.inputs["substance"]) == (Severity.URGENT, "cocaine")


class TestUse:
    @pytest.mark.parametrize(
        ("answers", "expected"),
        [
            ({"uses": [UseInputs(used=False)]}, []),
            ({"uses": [UseInputs()]}, []),
            ({"uses": [UseInputs(used=True)]}, ["USE-1 routine"]),
            ({"uses": [UseInputs(drinks=0)]}, []),
            ({"uses": [UseInputs(drinks=1)]}, ["USE-1 routine"]),
            ({"uses": [UseInputs(drinks=3)]}, ["USE-1 routine"]),
            ({"uses": [UseInputs(drinks=4)]}, ["USE-2 urgent", "USE-1 routine"]),
            ({"uses": [UseInputs(drinks=4)], "sex": "female"}, ["USE-2 urgent", "USE-1 routine"]),
            ({"uses": [UseInputs(drinks=4)], "sex": "male"}, ["USE-1 routine"]),
            ({"uses": [UseInputs(drinks=5)], "sex": "male"}, ["USE-2 urgent", "USE-1 routine"]),
            ({"uses": [UseInputs(used=True)], "use_days": frozenset({6})}, ["USE-2 urgent", "USE-1 routine"]),
            ({"uses": [UseInputs(used=True)], "use_days": frozenset({7})}, ["USE-1 routine"]),
            ({"uses": [UseInputs(used=True)], "use_days": frozenset({0})}, ["USE-1 routine"]),
            ({"uses": [UseInputs(used=False)], "use_days": frozenset({1, 2})}, []),
        ],
    )
    def test_use1_and_use2(self, answers: dict[str, Any], expected: list[str]) -> None:
        assert judged(**answers) == expected

    def test_use1_is_about_abstinence(self) -> None:
        assert judged(Safety(abstinence_is_the_goal=False), uses=[UseInputs(used=True)]) == []

    @pytest.mark.parametrize("clinic", [True, False])
    @pytest.mark.parametrize(
        ("plan", "threshold"),
        [(None, {"abstinence_goal": True}), (True, {"abstinence_goal": True, "by_care_plan": True}), (False, None)],
    )
    def test_use1_follows_the_care_plan_and_without_one_the_clinic(
        self, clinic: bool, plan: bool | None, threshold: dict[str, bool] | None
    ) -> None:
        inputs = AnswerInputs(uses=[UseInputs(used=True)], abstinence_is_the_goal=plan)
        found = rules.judge_answers(inputs, Safety(abstinence_is_the_goal=clinic))
        expected = [] if threshold is None or (plan is None and not clinic) else [("USE-1", threshold)]

        assert [(finding.rule, finding.threshold) for finding in found] == expected

    @pytest.mark.parametrize(
        ("substance", "days", "fires"),
        [
            ("heroin", 2, False),
            ("heroin", 3, True),
            ("opioid", 30, True),
            ("heroin", None, False),
            ("alcohol", 30, False),
            (None, 30, False),
        ],
    )
    def test_use3(self, substance: str | None, days: int | None, fires: bool) -> None:
        use = UseInputs(used=True, substance=substance)

        assert ("USE-3 critical" in judged(uses=[use], opioid_abstinent_days=days)) is fires


class TestWithdrawal:
    @pytest.mark.parametrize(
        ("answers", "expected"),
        [
            ({"ciwa": 9}, []),
            ({"ciwa": 10}, ["WD-1 urgent"]),
            ({"ciwa": 18}, ["WD-1 urgent"]),
            ({"ciwa": 19}, ["WD-1b critical"]),
            ({"withdrawal": 7}, []),
            ({"withdrawal": 7, "last_drink_hours": 5}, []),
            ({"withdrawal": 7, "last_drink_hours": 6}, ["WD-1 urgent"]),
            ({"withdrawal": 7, "last_drink_hours": 72}, ["WD-1 urgent"]),
            ({"withdrawal": 7, "last_drink_hours": 73}, []),
            ({"withdrawal": 6, "last_drink_hours": 24}, []),
            ({"withdrawal": 7, "last_drink_hours": 24, "ciwa": 19}, ["WD-1b critical"]),
            ({"cows": 12}, []),
            ({"cows": 13}, ["WD-2 urgent"]),
            ({"cows": 24}, ["WD-2 urgent"]),
            ({"cows": 25}, ["WD-2 critical"]),
        ],
    )
    def test_wd1_and_wd2(self, answers: dict[str, Any], expected: list[str]) -> None:
        assert judged(**answers) == expected

    def test_real_pairs_before_and_after_an_induction(self) -> None:
        """Grades 0-3 of a public trial (CTN-0094), each at the top and the bottom of its band of the COWS.

        The published bands are none 0-4, mild 5-12, moderate 13-24 and from 25 on.
        """
        extract = Path(rules.__file__).parents[1] / "imports" / "data" / "ctn_extract" / "withdrawal_pre_post.csv"
        expected = {0: [], 1: [], 2: ["WD-2 urgent"], 3: ["WD-2 critical"]}
        bands = {0: (0, 4), 1: (5, 12), 2: (13, 24), 3: (25, 48)}
        with extract.open(encoding="utf-8") as lines:
            grades = [int(row["withdrawal"]) for row in csv.DictReader(lines)]

        assert len(grades) > 50
        for grade in set(grades):
            assert [judged(cows=cows) for cows in bands[grade]] == [expected[grade]] * 2


class TestOthers:
    @pytest.mark.parametrize(
        ("answers", "fires"),
        [
            ({"urinary_blood": 0, "urinary_total": 3}, False),
            ({"urinary_blood": 1}, True),
            ({"urinary_total": 3}, False),
            ({"urinary_total": 4}, True),
            ({"urinary_total": 3, "urinary_before": (1, 2)}, True),
            ({"urinary_total": 3, "urinary_before": (9, 1, 2)}, True),
            ({"urinary_total": 3, "urinary_before": (2, 2)}, False),
            ({"urinary_total": 2, "urinary_before": (1, 2)}, False),
            ({"urinary_total": 3, "urinary_before": (2,)}, False),
            ({"urinary_total": None, "urinary_before": (1, 2)}, False),
        ],
    )
    def test_tox1(self, answers: dict[str, Any], fires: bool) -> None:
        assert judged(**answers) == (["TOX-1 urgent"] if fires else [])

    @pytest.mark.parametrize(
        ("total", "first", "fires"),
        [(14, 10, False), (15, 10, True), (19, None, False), (20, None, True), (20, 27, True), (None, 0, False)],
    )
    def test_mood1(self, total: int | None, first: float | None, fires: bool) -> None:
        assert judged(phq9_total=total, phq9_first=first) == (["MOOD-1 urgent"] if fires else [])

    @pytest.mark.parametrize(
        ("minutes", "now", "fires"),
        [(0.0, 0, True), (5.0, 0, True), (5.1, 0, False), (None, 0, False), (1, None, True)],
    )
    def test_prom1(self, minutes: float | None, now: int | None, fires: bool) -> None:
        taken = TakenBack(item="phq9.self_harm_thoughts", before=2, now=now)

        assert judged(taken_back=[taken], minutes_since_said=minutes) == (["PROM-1 routine"] if fires else [])
        assert judged(taken_back=[], minutes_since_said=minutes) == []


def maybe(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(low, high)


TOPS = {
    "self_harm": 3, "dissociation": 16, "distress": 4, "ciwa": 67, "cows": 48, "withdrawal": 10, "urinary_blood": 3,
    "urinary_total": 15, "phq9_total": 27,
}  # fmt: skip
ANSWERS = st.fixed_dictionaries(
    {name: maybe(0, top) for name, top in TOPS.items()}
    | {
        "self_harm_before": maybe(0, 3),
        "minutes_from_dose": maybe(-60, 3000),
        "dissociation_before_dose": maybe(0, 16),
        "last_drink_hours": maybe(0, 100),
        "urinary_before": st.lists(st.integers(0, 15), max_size=3),
        "phq9_first": maybe(0, 27),
    }
)


@given(ANSWERS, st.sampled_from(sorted(TOPS)), st.integers(1, 10))
def test_a_worse_answer_never_finds_less(answers: dict[str, Any], name: str, by: int) -> None:
    if answers[name] is None:
        return
    before = rules.judge_answers(AnswerInputs(**answers), FIGURES)

    after = rules.judge_answers(AnswerInputs(**answers | {name: answers[name] + by}), FIGURES)

    assert no_less(before, after)


@given(
    st.integers(0, 9),
    st.integers(1, 10),
    st.lists(st.integers(0, 10), max_size=20),
    st.dictionaries(st.integers(0, 4), st.integers(0, 10)),
    maybe(0, 99),
)
def test_stronger_craving_or_more_drinks_never_find_less(
    value: int, by: int, usual: list[int], days: dict[int, float], drinks: int | None
) -> None:
    def judge(craving: int, more: int) -> list[Any]:
        inputs = AnswerInputs(
            cravings=[CravingInputs(value=craving, usual=usual, highest_by_day=days)],
            uses=[UseInputs(drinks=None if drinks is None else drinks + more)],
        )
        return rules.judge_answers(inputs, FIGURES)

    assert no_less(judge(value, 0), judge(min(value + by, 10), by))
