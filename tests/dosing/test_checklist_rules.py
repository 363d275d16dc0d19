"""Every check before a dose, on, at and beside its figure."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.dosing.checklist_rules import Before, Check, Vitals, ketamine_outside_plan, look, not_passed
from app.dosing.checklist_schemas import Checklist
from app.dosing.rules import Contraindication, ToReview
from app.protocols.rules import Protocol
from tests.dosing.sessions import a_checklist

TODAY = date(2026, 11, 23)
FIGURES = Protocol()
CALM = Vitals(systolic=124, diastolic=78, heart_rate=68, spo2=98, respiratory_rate=14, temperature=36.6)
USED: dict[str, Any] = {"used": True}
SPRAY = {"planned_substance": "esketamine", "planned_route": "IN_esketamine", "nasal_steroid": {"used": False}}


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def every(
    content: dict[str, Any] | None = None,
    *,
    vitals: Vitals = CALM,
    before: Before | None = None,
    lacking: list[dict[str, str]] | None = None,
    figures: Protocol = FIGURES,
) -> dict[str, Check]:
    checklist = Checklist() if content is None else Checklist.model_validate(content)
    checks = look(checklist, vitals, before or Before(), lacking or [], figures, today=TODAY)
    assert len({check.code for check in checks}) == len(checks)
    return {check.code: check for check in checks}


def good(**but: Any) -> dict[str, Any]:
    return a_checklist(**{"weighed_on": ago(2)} | but)


def takes(code: str, **but: Any) -> str:
    """What one check takes when everything else is as it should be, and that nothing else takes anything."""
    found = every(good(**but))
    others = {each.code for each in found.values() if each.takes != "ok"} - {code}
    assert others == set()
    return found[code].takes.value


class TestChecklist:
    def test_a_good_one_takes_nothing(self) -> None:
        assert not_passed(list(every(good()).values())) == ([], [])
        assert not_passed(list(every(good(**SPRAY)).values())) == ([], [])

    def test_nothing_that_was_not_looked_at_counts_as_no(self) -> None:
        found = every(None, vitals=Vitals())
        ok = {each.code for each in found.values() if each.takes == "ok"}

        assert {each.takes.value for each in found.values()} == {"ok", "missing"}
        assert ok == {
            "consents",
            "urine_drug_screen",
            "interval",
            "doses_in_7_days",
            "doses_in_28_days",
            "induction_review",
        }

    def test_says_what_it_looked_at_and_what_it_rests_on(self) -> None:
        for check in every(good()).values():
            assert check.inputs
            assert check.source
            assert check.detail.endswith(".")

    @pytest.mark.parametrize(
        ("code", "but", "expected"),
        [
            ("identity", {"identity_two_factors": True}, "ok"),
            ("identity", {"identity_two_factors": False}, "blocked"),
            ("identity", {"identity_two_factors": None}, "missing"),
            ("planned_dose", {"planned_route": None}, "missing"),
            ("planned_dose", {"planned_substance": None}, "missing"),
            ("weight", {"weighed_on": ago(30)}, "ok"),
            ("weight", {"weighed_on": ago(31)}, "missing"),
            ("weight", {"weight_kg": None, "weighed_on": None}, "missing"),
            ("solids", {"solids_hours": 6}, "ok"),
            ("solids", {"solids_hours": 5.99}, "review"),
            ("solids", {"solids_hours": None}, "missing"),
            ("solids", SPRAY | {"solids_hours": 2}, "ok"),
            ("solids", SPRAY | {"solids_hours": 1.99}, "review"),
            ("clear_fluids", {"clear_fluids_hours": 2}, "ok"),
            ("clear_fluids", {"clear_fluids_hours": 1.99}, "review"),
            ("clear_fluids", SPRAY | {"clear_fluids_hours": 0.5}, "ok"),
            ("clear_fluids", SPRAY | {"clear_fluids_hours": 0.49}, "review"),
            ("nasal_steroid", SPRAY | {"nasal_steroid": USED | {"hours_ago": 1}}, "ok"),
            ("nasal_steroid", SPRAY | {"nasal_steroid": USED | {"hours_ago": 0.99}}, "review"),
            ("nasal_steroid", SPRAY | {"nasal_steroid": USED}, "missing"),
            ("nasal_steroid", SPRAY | {"nasal_steroid": None}, "missing"),
            ("escort", {"escort": None}, "missing"),
            ("no_self_drive", {"no_self_drive": False}, "blocked"),
            ("no_self_drive", {"no_self_drive": None}, "missing"),
            ("pregnancy_test", {"pregnancy_test": {"result": "neg", "tested_on": ago(31)}}, "ok"),
            ("pregnancy_test", {"pregnancy_test": {"result": "neg", "tested_on": ago(32)}}, "review"),
            ("pregnancy_test", {"pregnancy_test": {"result": "pos", "tested_on": ago(0)}}, "review"),
            ("pregnancy_test", {"pregnancy_test": {"result": "declined"}}, "review"),
            ("pregnancy_test", {"pregnancy_test": None}, "missing"),
            ("breath_alcohol", {"breath_alcohol": 0.0}, "ok"),
            ("breath_alcohol", {"breath_alcohol": 0.001}, "stop"),
            ("breath_alcohol", {"breath_alcohol": None}, "missing"),
            ("last_drink", {"alcohol": USED | {"hours_ago": 24}}, "ok"),
            ("last_drink", {"alcohol": USED | {"hours_ago": 23.99}}, "review"),
            ("last_drink", {"alcohol": {"used": False}}, "ok"),
            ("last_drink", {"alcohol": USED}, "missing"),
            ("sedatives", {"sedatives": USED | {"hours_ago": 20}}, "review"),
            ("opioids", {"opioids": USED}, "review"),
            ("stimulants", {"stimulants": None}, "missing"),
            ("maoi", {"maoi": USED}, "review"),
            ("withdrawal", {"withdrawal": {"scale": "cows", "total": 12}}, "ok"),
            ("withdrawal", {"withdrawal": {"scale": "cows", "total": 13}}, "review"),
            ("withdrawal", {"withdrawal": {"scale": "ciwa_ar", "total": 9}}, "ok"),
            ("withdrawal", {"withdrawal": {"scale": "ciwa_ar", "total": 10}}, "review"),
            ("withdrawal", {"withdrawal": {"scale": "not_applicable"}}, "ok"),
            ("withdrawal", {"withdrawal": None}, "missing"),
            ("psychosis", {"psychosis": True}, "stop"),
            ("mania", {"mania": True}, "stop"),
            ("delirium", {"delirium": True}, "stop"),
            ("delirium", {"delirium": None}, "missing"),
            ("suicide_risk", {"suicide_risk": {"reviewed": "cssrs", "decision": "hold"}}, "stop"),
            ("suicide_risk", {"suicide_risk": None}, "missing"),
            ("capacity", {"capacity_confirmed": False}, "blocked"),
            ("capacity", {"capacity_confirmed": None}, "missing"),
            *((each.value, {"contraindications": [each.value]}, "stop") for each in Contraindication),
            *((each.value, {"conditions": [each.value]}, "review") for each in ToReview),
        ],
    )
    def test_each_field_takes_what_it_takes(self, code: str, but: dict[str, Any], expected: str) -> None:
        assert takes(code, **but) == expected

    def test_a_list_that_nobody_went_through_is_missing_item_by_item(self) -> None:
        found = every(good(contraindications=None, conditions=None))

        assert {found[each.value].takes.value for each in (*Contraindication, *ToReview)} == {"missing"}

    @pytest.mark.parametrize(
        ("line", "expected", "from_elsewhere"),
        [
            ({"substance": "cocaine", "result": "neg"}, "ok", False),
            ({"substance": "methadone", "result": "pos", "in_plan": True}, "ok", False),
            ({"substance": "cocaine", "result": "pos"}, "review", False),
            ({"substance": "ketamine", "result": "pos", "in_plan": True}, "ok", False),
            ({"substance": "ketamine", "result": "pos"}, "review", True),
        ],
    )
    def test_a_screen_is_looked_at_for_what_was_not_expected(
        self, line: dict[str, Any], expected: str, from_elsewhere: bool
    ) -> None:
        screen = {"tested_on": ago(0), "results": [line]}

        assert takes("urine_drug_screen", urine_drug_screen=screen) == expected
        assert ketamine_outside_plan(Checklist.model_validate(good(urine_drug_screen=screen))) is from_elsewhere

    def test_figures_are_the_clinics(self) -> None:
        figures = FIGURES.model_copy(
            update={"dosing": FIGURES.dosing.model_copy(update={"solids_hours": 12.0, "breath_alcohol_limit": 0.02})}
        )
        found = every(good(breath_alcohol=0.02), figures=figures)

        assert (found["solids"].takes, found["solids"].limit) == ("review", {"hours": 12.0})
        assert found["breath_alcohol"].takes == "ok"


class TestConsents:
    def test_what_is_lacking_blocks_and_is_named(self) -> None:
        check = every(good(), lacking=[{"type": "part2_tpo", "reason": "expired"}])["consents"]

        assert (check.takes, check.inputs) == ("blocked", {"lacking": {"part2_tpo": "expired"}})


class TestVitalSigns:
    @pytest.mark.parametrize(
        ("code", "but", "expected"),
        [
            ("blood_pressure", {"systolic": 140, "diastolic": 90}, "ok"),
            ("blood_pressure", {"systolic": 141}, "review"),
            ("blood_pressure", {"diastolic": 91}, "review"),
            ("blood_pressure", {"systolic": 180, "diastolic": 110}, "review"),
            ("blood_pressure", {"systolic": 181}, "stop"),
            ("blood_pressure", {"diastolic": 111}, "stop"),
            ("blood_pressure", {"systolic": None}, "missing"),
            ("heart_rate", {"heart_rate": 50}, "ok"),
            ("heart_rate", {"heart_rate": 110}, "ok"),
            ("heart_rate", {"heart_rate": 49}, "review"),
            ("heart_rate", {"heart_rate": 111}, "review"),
            ("heart_rate", {"heart_rate": 39}, "stop"),
            ("heart_rate", {"heart_rate": 131}, "stop"),
            ("heart_rate", {"heart_rate": None}, "missing"),
            ("spo2", {"spo2": 94}, "ok"),
            ("spo2", {"spo2": 93}, "review"),
            ("spo2", {"spo2": 90}, "review"),
            ("spo2", {"spo2": 89}, "stop"),
            ("respiratory_rate", {"respiratory_rate": 10}, "ok"),
            ("respiratory_rate", {"respiratory_rate": 9}, "review"),
            ("respiratory_rate", {"respiratory_rate": 7}, "stop"),
            ("respiratory_rate", {"respiratory_rate": 25}, "review"),
            ("temperature", {"temperature": 37.9}, "ok"),
            ("temperature", {"temperature": 38.0}, "review"),
            ("temperature", {"temperature": 40.0}, "stop"),
        ],
    )
    def test_amber_asks_for_a_reason_and_red_stops(self, code: str, but: dict[str, Any], expected: str) -> None:
        known = {name: getattr(CALM, name) for name in Vitals.__slots__}

        assert every(good(), vitals=Vitals(**known | but))[code].takes == expected


class TestDosesBefore:
    @pytest.mark.parametrize(
        ("hours", "expected"),
        [(None, "ok"), (23.999, "blocked"), (24, "review"), (47.999, "review"), (48, "ok"), (500, "ok")],
    )
    def test_the_interval_blocks_and_then_asks_for_a_reason(self, hours: float | None, expected: str) -> None:
        assert every(good(), before=Before(hours_since_last_dose=hours))["interval"].takes == expected

    @pytest.mark.parametrize(
        ("code", "before", "expected"),
        [
            ("doses_in_7_days", {"doses_7d": 1}, "ok"),
            ("doses_in_7_days", {"doses_7d": 2}, "review"),
            ("doses_in_28_days", {"doses_28d": 7}, "ok"),
            ("doses_in_28_days", {"doses_28d": 8}, "review"),
            ("induction_review", {"doses_total": 7}, "ok"),
            ("induction_review", {"doses_total": 8}, "review"),
            ("induction_review", {"doses_total": 8, "reviewed_on": TODAY}, "ok"),
        ],
    )
    def test_the_next_dose_counts(self, code: str, before: dict[str, Any], expected: str) -> None:
        assert every(good(), before=Before(**before))[code].takes == expected


class TestShape:
    @pytest.mark.parametrize(
        "but",
        [
            {"weight_kg": 29.9},
            {"weight_kg": 300.1},
            {"weight_kg": True},
            {"weighed_on": None},
            {"breath_alcohol": 1.1},
            {"solids_hours": -1},
            {"identity_two_factors": 1},
            {"alcohol": {"used": False, "hours_ago": 3}},
            {"pregnancy_test": {"result": "neg"}},
            {"withdrawal": {"scale": "cows", "total": 49}},
            {"withdrawal": {"scale": "cows"}},
            {"withdrawal": {"scale": "not_applicable", "total": 0}},
            {"urine_drug_screen": {"tested_on": "2026-11-20", "results": []}},
            {"planned_route": "IN_esketamine"},
            {"contraindications": ["asthma"]},
            {"blood_pressure": "120/80"},
        ],
    )
    def test_refuses_what_cannot_be(self, but: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="validation error"):
            Checklist.model_validate(good(**but))
