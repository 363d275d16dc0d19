from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.appointments.rules import AppointmentKind
from app.care_plans import rules
from app.care_plans.errors import PhaseCannotFollow
from app.care_plans.rules import CarePhase, Modality, PlanChange, Stay
from app.instruments.measures import MEASURES
from tests.care_plans.plans import ASSIGNMENT, GOAL, a_goal, a_phase, a_plan, an_assignment

OWNER = "01890000-0000-7000-8000-000000000001"
NEXT = {
    None: "screening preparation induction integration maintenance follow_up",
    "screening": "screening preparation withdrawn",
    "preparation": "screening preparation induction withdrawn",
    "induction": "preparation induction integration maintenance follow_up withdrawn",
    "integration": "preparation induction integration maintenance follow_up withdrawn",
    "maintenance": "preparation induction integration maintenance follow_up withdrawn",
    "follow_up": "screening preparation integration maintenance follow_up completed withdrawn",
    "completed": "screening preparation follow_up completed",
    "withdrawn": "screening preparation induction integration maintenance follow_up withdrawn",
}
START = datetime(2026, 3, 1, tzinfo=UTC)


def content(**but: Any) -> dict[str, Any]:
    """A plan as it is kept."""
    plan = a_plan(OWNER, **but)
    del plan["reason"]
    return plan


def faults(**but: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in rules.faults(content(**but), MEASURES, {OWNER})]


class TestPhases:
    @pytest.mark.parametrize("current", [None, *CarePhase])
    @pytest.mark.parametrize("wanted", CarePhase)
    def test_follow_each_other_as_the_table_says(self, current: CarePhase | None, wanted: CarePhase) -> None:
        if wanted.value in NEXT[current].split():
            rules.check_phase(current, wanted)
            return
        with pytest.raises(PhaseCannotFollow) as refused:
            rules.check_phase(current, wanted)
        assert refused.value.members == {"current": current, "may_follow": NEXT[current].split()}

    @pytest.mark.parametrize("phase", sorted(rules.FIRST))
    def test_a_wrong_step_can_be_taken_back(self, phase: CarePhase) -> None:
        for wrong in rules.MAY_FOLLOW[phase]:
            one_step = rules.MAY_FOLLOW[wrong]
            assert phase in one_step.union(*(rules.MAY_FOLLOW[then] for then in one_step)), wrong

    @pytest.mark.parametrize("phase", CarePhase)
    def test_nobody_comes_to_a_dose_without_having_been_treated_or_prepared(self, phase: CarePhase) -> None:
        if phase in {CarePhase.SCREENING, CarePhase.FOLLOW_UP, CarePhase.COMPLETED}:
            assert CarePhase.INDUCTION not in rules.MAY_FOLLOW[phase]

    def test_make_a_course_with_repeats(self) -> None:
        days = [START + timedelta(days=number) for number in range(5)]
        phases = ["preparation", "induction", "induction", "integration", "induction"]

        assert rules.course(list(zip(phases, days, strict=True))) == [
            Stay(CarePhase.PREPARATION, days[0], days[1]),
            Stay(CarePhase.INDUCTION, days[1], days[3]),
            Stay(CarePhase.INTEGRATION, days[3], days[4]),
            Stay(CarePhase.INDUCTION, days[4], None),
        ]
        assert rules.course([]) == []


class TestModalities:
    def test_are_the_kinds_of_appointments(self) -> None:
        assert {each.value for each in Modality} == {each.value for each in AppointmentKind}


class TestFaults:
    def test_a_plan_as_it_should_be_has_none(self) -> None:
        assert faults() == []

    @pytest.mark.parametrize(
        ("but", "expected"),
        [
            ({"phases": []}, [("/phase", "phase_not_described")]),
            ({"phase": "withdrawn", "phases": []}, []),
            ({"phases": [a_phase(OWNER), a_phase(OWNER)]}, [("/phases/1/phase", "repeated")]),
            ({"phases": [a_phase(GOAL)]}, [("/phases/0/owner_id", "unknown_staff")]),
            ({"modalities": ["cbt", "cbt"]}, [("/modalities/1", "repeated")]),
            ({"goals": [a_goal(), a_goal()]}, [("/goals/1/id", "repeated")]),
            ({"practice": [an_assignment(), an_assignment()]}, [("/practice/1/id", "repeated")]),
            ({"goals": [a_goal(target=None)]}, [("/goals/0/target", "measure_and_target")]),
            ({"goals": [a_goal(measure=None)]}, [("/goals/0/measure", "measure_and_target")]),
            ({"goals": [a_goal(measure=None, target=None)]}, []),
            ({"goals": [a_goal(measure="happiness")]}, [("/goals/0/measure", "unknown_measure")]),
            ({"goals": [a_goal(measure="edi_total")]}, [("/goals/0/measure", "unknown_measure")]),
            ({"goals": [a_goal(target=11)]}, [("/goals/0/target", "out_of_range")]),
            ({"goals": [a_goal(target=-1)]}, [("/goals/0/target", "out_of_range")]),
            ({"goals": [a_goal(target=10)]}, []),
            ({"goals": [a_goal(substance=None)]}, [("/goals/0/substance", "substance_needed")]),
            ({"goals": [a_goal(measure="phq9_total", substance=None)]}, []),
            ({"goals": [a_goal(quit_on="2026-09-01")]}, []),
            ({"goals": [a_goal(quit_on="2026-09-01", kind="reduction")]}, []),
            ({"goals": [a_goal(quit_on="2026-09-01", kind="mood")]}, [("/goals/0/quit_on", "not_applicable")]),
            ({"practice": [an_assignment(modality="twelve_step")]}, [("/practice/0/modality", "not_assignable")]),
            ({"practice": [an_assignment(ends_on="2025-12-31")]}, [("/practice/0/ends_on", "too_soon")]),
            ({"practice": [an_assignment(window_days=7, ends_on="2026-01-06")]}, [("/practice/0/ends_on", "too_soon")]),
            ({"practice": [an_assignment(window_days=7, ends_on="2026-01-07")]}, []),
        ],
    )
    def test_are_pointed_at(self, but: dict[str, Any], expected: list[tuple[str, str]]) -> None:
        assert faults(**but) == expected


class TestGoals:
    @pytest.mark.parametrize(
        ("kinds", "expected"),
        [([], False), (["mood", "reduction"], False), (["mood", "abstinence"], True)],
    )
    def test_say_whether_abstinence_is_one(self, kinds: list[str], expected: bool) -> None:
        assert rules.is_abstinence_the_goal(content(goals=[a_goal(kind=kind) for kind in kinds])) is expected

    def test_hold_from_the_latest_day_that_is_named_for_a_substance(self) -> None:
        goals = [
            a_goal(quit_on="2026-09-05"),
            a_goal(quit_on="2026-09-12", substance="cocaine"),
            a_goal(quit_on="2026-09-03", substance=None),
            a_goal(),
        ]

        assert rules.quit_day(content(goals=goals), "alcohol") == date(2026, 9, 5)
        assert rules.quit_day(content(goals=goals), "nicotine") == date(2026, 9, 3)
        assert rules.quit_day(content(goals=[a_goal()]), "alcohol") is None

    @pytest.mark.parametrize(("measure", "side"), [("craving", "at_most"), ("mood", "at_least")])
    def test_are_reached_where_it_is_better(self, measure: str, side: str) -> None:
        assert rules.target_side(MEASURES[measure]) == side


_ITEMS = st.lists(
    st.builds(lambda name, text: {"id": name, "text": text}, st.sampled_from("abcd"), st.sampled_from(["x", "y"])),
    unique_by=lambda each: each["id"],
)
_CONTENTS = st.builds(
    lambda phase, phases, modalities, goals, practice: {
        "phase": phase,
        "phases": [{"phase": each["id"], "exit": each["text"]} for each in phases],
        "modalities": modalities,
        "goals": goals,
        "practice": practice,
    },
    st.sampled_from(["induction", "maintenance"]),
    _ITEMS,
    st.lists(st.sampled_from(["cbt", "met", "mbrp"]), unique=True),
    _ITEMS,
    _ITEMS,
)


def _patched(before: dict[str, Any], after: dict[str, Any], found: list[PlanChange]) -> dict[str, Any]:
    """What comes of `before` when exactly the listed differences are carried over from `after`."""
    keys = {"phases": "phase", "modalities": None, "goals": "id", "practice": "id"}
    made: dict[str, Any] = {"phase": before["phase"]}
    for section, key in keys.items():
        old, new = [
            {(each if key is None else each[key]): each for each in content[section]} for content in (before, after)
        ]
        for change in (each for each in found if each.section == section):
            if change.what == "removed":
                del old[change.named]
            elif change.what == "added":
                old[change.named] = new[change.named]
            else:
                old[change.named] = {**old[change.named], **{name: new[change.named][name] for name in change.fields}}
        made[section] = old
    if any(change.section == "phase" for change in found):
        made["phase"] = after["phase"]
    return made


class TestChanges:
    def test_name_what_was_removed_added_and_changed_in_each_section(self) -> None:
        before = content()
        after = content(
            phase="maintenance",
            phases=[a_phase(OWNER, exit_criteria="Eight sessions."), a_phase(OWNER, "maintenance")],
            modalities=["met", "cbt"],
            goals=[a_goal(target=2, words="No drink at all.")],
            practice=[],
        )

        assert rules.changes(before, after) == [
            PlanChange("phase", "changed", "maintenance", ("phase",)),
            PlanChange("phases", "changed", "induction", ("exit_criteria",)),
            PlanChange("phases", "added", "maintenance"),
            PlanChange("modalities", "removed", "mindfulness"),
            PlanChange("modalities", "added", "met"),
            PlanChange("goals", "changed", GOAL, ("words", "target")),
            PlanChange("practice", "removed", ASSIGNMENT),
        ]

    def test_of_the_first_version_are_all_that_it_says(self) -> None:
        assert rules.changes(None, content()) == [
            PlanChange("phase", "added", "induction"),
            PlanChange("phases", "added", "induction"),
            PlanChange("modalities", "added", "cbt"),
            PlanChange("modalities", "added", "mindfulness"),
            PlanChange("goals", "added", GOAL),
            PlanChange("practice", "added", ASSIGNMENT),
        ]

    @given(_CONTENTS, _CONTENTS)
    def test_lead_from_any_version_to_any_other_and_name_nothing_else(
        self, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        found = rules.changes(before, after)

        assert _patched(before, after, found) == _patched(after, after, [])
        assert len({(each.section, each.named) for each in found}) == len(found)
        assert rules.changes(after, after) == []


class TestOwners:
    def test_are_those_of_every_phase_once(self) -> None:
        phases = [{"owner_id": "a"}, {"owner_id": "b"}, {"owner_id": "a"}]

        assert rules.owners({"phases": phases}) == {"a", "b"}
