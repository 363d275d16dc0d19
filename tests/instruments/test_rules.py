"""Scoring, as tables and as laws."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.instruments.definitions import Instrument
from app.instruments.rules import SafetyFlag, definition, score, validate_answers
from tests.instruments.answers import (
    ANSWERABLE,
    SUMMED,
    vectors,
)


def answers_of(instrument: Instrument, values: list[int]) -> dict[str, int]:
    return {item.key: value for item, value in zip(instrument.items, values, strict=False)}


class TestVectors:
    @pytest.mark.parametrize(("key", "version", "number", "vector"), vectors())
    def test_come_out_as_published(self, key: str, version: str, number: int, vector: Mapping[str, Any]) -> None:
        instrument = definition(key, version)

        found = score(instrument, answers_of(instrument, vector["answers"]))

        if "total" in vector:
            assert (found.total, found.band) == (vector["total"], vector["band"])
        if "subscales" in vector:
            assert found.subscales == vector["subscales"]
        assert found.complete

    def test_are_all_there(self) -> None:
        assert len(vectors()) == 47


class TestTotals:
    def test_a_reversed_item_counts_as_its_mirror_image(self) -> None:
        dast = definition("dast10")
        all_yes = {item.key: 1 for item in dast.items}

        assert score(dast, all_yes).total == 9
        assert score(dast, all_yes | {"able_to_stop": 0}).total == 10

    def test_a_reversed_item_of_a_scale_without_sums_is_shown_as_answered(self) -> None:
        assert score(definition("craving_nrs"), {"now": 7, "resist": 2}).measures == {"craving": 7, "craving_resist": 2}

    def test_who5_is_four_times_the_sum(self) -> None:
        who5 = definition("who5")

        assert score(who5, answers_of(who5, [3, 3, 3, 2, 2])).measures == {"who5_total": 52}

    def test_the_primary_item_is_the_total_of_a_single_scale(self) -> None:
        found = score(definition("craving_nrs"), {"now": 7, "peak": 9, "resist": 4})

        assert found.total == 7
        assert found.measures == {"craving": 7, "craving_peak": 9, "craving_resist": 4}

    def test_items_beside_the_primary_one_are_optional(self) -> None:
        assert score(definition("craving_nrs"), {"now": 7}).complete
        alone = score(definition("craving_nrs"), {"peak": 9, "now": None})
        assert (alone.total, alone.complete, alone.measures) == (None, False, {"craving_peak": 9})

    def test_an_unscored_item_changes_nothing(self) -> None:
        phq9 = definition("phq9")
        answers = answers_of(phq9, [1] * 9)

        assert score(phq9, answers | {"functional_difficulty": 3}) == score(phq9, answers)

    def test_a_scale_without_a_total_still_has_measures(self) -> None:
        found = score(definition("affect_grid"), {"valence": -2, "arousal": 3})

        assert found.total is None
        assert found.measures == {"affect_valence": -2, "affect_arousal": 3}

    @pytest.mark.parametrize(("answered", "total"), [(8, 50), (6, 50), (5, None), (0, None)])
    def test_a_mean_forgives_the_gaps_its_definition_allows(self, answered: int, total: int | None) -> None:
        edi = definition("edi")

        found = score(edi, answers_of(edi, [50] * answered))

        assert (found.total, found.answered_n, found.complete) == (total, answered, answered == 8)
        assert not found.prorated

    def test_each_subscale_needs_its_own_items_only(self) -> None:
        bam = definition("bam")
        answers = {item.key: 4 for item in bam.scored_items} | {"drug_days": None}

        found = score(bam, answers)

        assert found.subscales == {"use": None, "risk": 24, "protective": 24}
        assert found.measures == {"bam_risk": 24, "bam_protective": 24}
        assert not found.complete

    def test_bam_is_complete_without_the_items_that_no_subscale_uses(self) -> None:
        bam = definition("bam")

        found = score(bam, {item.key: 0 for item in bam.scored_items})

        assert (found.complete, found.total, found.scored_n) == (True, None, 15)

    def test_cadss_has_a_total_and_subscales(self) -> None:
        cadss = definition("cadss")

        found = score(cadss, {item.key: 4 for item in cadss.items})

        assert found.total == 92
        assert found.subscales == {"depersonalisation": 32, "derealisation": 48, "amnesia": 12}


class TestMissingAnswers:
    @pytest.mark.parametrize("instrument", SUMMED, ids=lambda found: found.key)
    def test_one_gap_leaves_a_sum_without_a_total(self, instrument: Instrument) -> None:
        answers: dict[str, int | None] = {item.key: item.minimum for item in instrument.scored_items}
        last = instrument.scored_items[-1].key

        for gap in (answers | {last: None}, {key: answer for key, answer in answers.items() if key != last}):
            found = score(instrument, gap)
            assert (found.total, found.band, found.band_set, found.complete) == (None, None, None, False)

    def test_nothing_answered_comes_to_nothing(self) -> None:
        for instrument in ANSWERABLE:
            found = score(instrument, {})
            assert (found.total, found.band, found.measures, found.complete) == (None, None, {}, False)


class TestProration:
    PHQ9 = definition("phq9")

    def test_is_off_unless_asked_for(self) -> None:
        answers = answers_of(self.PHQ9, [1] * 9) | {"sleep": None}

        assert score(self.PHQ9, answers).total is None
        assert score(self.PHQ9, answers, prorate=True).total == 9

    @pytest.mark.parametrize(
        ("answered", "missing", "total"),
        [
            ([1, 1, 0, 1, 0, 0, 0, 0, 0], ["fatigue", "appetite"], 3),  # 2 of 7: 2.57
            ([0, 1, 1, 1, 1, 0, 0, 0, 0], ["anhedonia"], 5),  # 4 of 8: 4.5, halves go up
            ([3, 3, 3, 3, 3, 3, 3, 3, 3], ["anhedonia", "sleep"], 27),
            ([3, 3, 3, 3, 3, 3, 3, 3, 3], ["anhedonia", "sleep", "fatigue"], None),
            ([3, 3, 3, 3, 3, 3, 3, 3, 3], ["self_harm_thoughts"], None),
        ],
    )
    def test_takes_the_mean_of_what_was_answered(
        self, answered: list[int], missing: list[str], total: int | None
    ) -> None:
        answers = {key: value for key, value in answers_of(self.PHQ9, answered).items() if key not in missing}

        found = score(self.PHQ9, answers, prorate=True)

        assert (found.total, found.prorated, found.complete) == (total, total is not None, False)
        assert found.answered_n == 9 - len(missing)

    def test_a_complete_form_is_not_prorated(self) -> None:
        answers = answers_of(self.PHQ9, [1] * 9)

        assert score(self.PHQ9, answers, prorate=True) == score(self.PHQ9, answers)

    def test_is_never_done_to_a_scale_that_does_not_allow_it(self) -> None:
        for instrument in SUMMED:
            if instrument.key != "phq9":
                answers = {item.key: item.maximum for item in instrument.scored_items[1:]}
                assert score(instrument, answers, prorate=True).total is None


class TestBands:
    @pytest.mark.parametrize(
        ("total", "asam", "camcops"),
        [
            (0, "mild", "mild"),
            (8, "mild", "moderate"),
            (10, "moderate", "moderate"),
            (18, "moderate", "severe"),
            (19, "severe", "severe"),
        ],
    )
    def test_another_set_can_be_chosen_by_name(self, total: int, asam: str, camcops: str) -> None:
        ciwa = definition("ciwa_ar")
        answers = answers_of(ciwa, [min(7, max(0, total - 7 * index)) for index in range(10)])

        default, other = score(ciwa, answers), score(ciwa, answers, band_set="ciwa_ar.camcops")

        assert (default.total, default.band, default.band_set) == (total, asam, "ciwa_ar.default/1")
        assert (other.total, other.band, other.band_set) == (total, camcops, "ciwa_ar.camcops/1")
        assert score(ciwa, answers, band_set="ciwa_ar.camcops/1") == other

    def test_an_unknown_set_is_an_error(self) -> None:
        with pytest.raises(LookupError):
            score(definition("phq9"), {}, band_set="phq9.other")

    @pytest.mark.parametrize(
        ("yes", "no", "level"),
        [
            ([], ["wish_dead", "thoughts", "behaviour_lifetime"], "none"),
            (["wish_dead"], ["thoughts", "behaviour_lifetime"], "low"),
            (["wish_dead", "thoughts"], ["method", "intent", "plan_intent", "behaviour_lifetime"], "low"),
            (["thoughts", "method"], ["intent", "plan_intent", "behaviour_lifetime"], "moderate"),
            (["behaviour_lifetime"], ["wish_dead", "thoughts", "behaviour_3mo"], "moderate"),
            (["behaviour_lifetime", "behaviour_3mo"], ["wish_dead", "thoughts"], "high"),
            (["thoughts", "intent"], [], "high"),  # a yes is enough, whatever was left out
            (["plan_intent"], ["thoughts"], "high"),
            ([], ["wish_dead", "thoughts"], None),
            (["wish_dead"], ["behaviour_lifetime"], None),  # item 2 could have led to a more serious one
            (["behaviour_lifetime"], ["wish_dead", "thoughts"], None),
            (["wish_dead", "thoughts"], ["intent", "plan_intent", "behaviour_lifetime"], None),
            ([], [], None),
        ],
    )
    def test_a_triage_level_is_only_lowered_by_answers(self, yes: list[str], no: list[str], level: str | None) -> None:
        answers = dict.fromkeys(yes, 1) | dict.fromkeys(no, 0)

        found = score(definition("cssrs_screener"), answers)

        assert (found.band, found.total) == (level, None)
        assert found.band_set == (level and "cssrs_screener.triage/1")


class TestSafety:
    @pytest.mark.parametrize(
        ("key", "answers", "flags"),
        [
            ("phq9", {"self_harm_thoughts": 1}, [SafetyFlag("SUI-1", "self_harm_thoughts")]),
            ("phq9", {"self_harm_thoughts": 0}, []),
            ("dissociation_brief", {"distress": 3}, [SafetyFlag("DIS-2", "distress")]),
            ("dissociation_brief", {"distress": 2}, []),
            ("moaa_s", {"level": 4}, []),
            ("moaa_s", {"level": 3}, [SafetyFlag("SED-1", None)]),
            ("moaa_s", {"level": 1}, [SafetyFlag("SED-1", None), SafetyFlag("SED-2", None)]),
            ("ctcae_grade", {"grade": 3}, [SafetyFlag("AE-1", None)]),
            ("ctcae_grade", {"grade": 2}, []),
            ("urinary_check", {"blood": 1}, [SafetyFlag("TOX-1", "blood")]),
            ("cssrs_screener", {"intent": 1}, [SafetyFlag("SUI-2", "intent")]),
            ("mood_nrs", {"now": 0}, []),
        ],
    )
    def test_flags_what_a_clinician_should_hear_of(
        self, key: str, answers: dict[str, int], flags: list[SafetyFlag]
    ) -> None:
        assert list(score(definition(key), answers).safety_flags) == flags

    @pytest.mark.parametrize(("total", "flags"), [(9, []), (10, ["WD-1"]), (19, ["WD-1", "WD-1b"])])
    def test_flags_totals(self, total: int, flags: list[str]) -> None:
        ciwa = definition("ciwa_ar")
        answers = answers_of(ciwa, [min(7, max(0, total - 7 * index)) for index in range(10)])

        assert [flag.rule for flag in score(ciwa, answers).safety_flags] == flags

    def test_names_the_safety_items_that_were_left_out(self) -> None:
        phq9 = definition("phq9")

        assert score(phq9, {"sleep": 1}).safety_unanswered == ("self_harm_thoughts",)
        assert score(phq9, {"self_harm_thoughts": 0}).safety_unanswered == ()

    def test_items_that_were_not_to_be_asked_are_not_left_out(self) -> None:
        answers = {"wish_dead": 0, "thoughts": 0, "behaviour_lifetime": 0}

        found = score(definition("cssrs_screener"), answers)

        assert (found.safety_unanswered, found.complete) == ((), True)

    def test_leaves_a_comparison_with_an_earlier_total_to_the_alert_rules(self) -> None:
        brief = definition("dissociation_brief")

        assert score(brief, {"unreal": 4, "detached": 4, "time": 4, "distress": 0}).safety_flags == ()


class TestValidateAnswers:
    @pytest.mark.parametrize(
        ("answers", "pointer", "code", "params"),
        [
            ({"now": 7, "later": 1}, "/later", "unknown_item", {}),
            ({"now": True}, "/now", "not_a_whole_number", {}),
            ({"now": False}, "/now", "not_a_whole_number", {}),
            ({"now": 4.0}, "/now", "not_a_whole_number", {}),
            ({"now": "4"}, "/now", "not_a_whole_number", {}),
            ({"now": [4]}, "/now", "not_a_whole_number", {}),
            ({"now": 11}, "/now", "value_not_permitted", {"permitted": list(range(11))}),
            ({"now": -1}, "/now", "value_not_permitted", {"permitted": list(range(11))}),
            ({}, "", "no_answers", {}),
            ({"now": None, "peak": None}, "", "no_answers", {}),
        ],
    )
    def test_names_the_answer_at_fault(
        self, answers: dict[str, Any], pointer: str, code: str, params: dict[str, Any]
    ) -> None:
        faults = validate_answers(definition("craving_nrs"), answers, pointer="/responses/0/answers")

        assert [(fault.pointer, fault.code, fault.params) for fault in faults] == [
            (f"/responses/0/answers{pointer}", code, params)
        ]

    def test_gives_the_range_of_a_long_scale(self) -> None:
        (fault,) = validate_answers(definition("craving_vas"), {"now": 101})

        assert fault.params == {"minimum": 0, "maximum": 100}

    @pytest.mark.parametrize(("item", "value"), [("pulse", 3), ("restlessness", 4), ("gooseflesh", 1), ("pupils", 4)])
    def test_refuses_values_between_those_of_a_list_with_holes(self, item: str, value: int) -> None:
        (fault,) = validate_answers(definition("cows"), {item: value})

        assert fault.code == "value_not_permitted"

    def test_accepts_an_incomplete_form(self) -> None:
        assert validate_answers(definition("phq9"), {"sleep": 1, "fatigue": None}) == []

    def test_lists_every_fault_up_to_a_limit(self) -> None:
        phq9 = definition("phq9")

        assert len(validate_answers(phq9, {item.key: 9 for item in phq9.items})) == 10
        assert len(validate_answers(phq9, {f"item{number}": 1 for number in range(1000)})) == 20

    def test_does_not_repeat_a_key_that_may_be_what_somebody_wrote(self) -> None:
        (fault,) = validate_answers(definition("phq9"), {"I feel / dreadful": 1}, pointer="/answers")

        assert fault.pointer == "/answers"

    def test_refuses_answers_to_an_instrument_without_item_keys(self) -> None:
        (fault,) = validate_answers(definition("kset"), {"now": 1})

        assert fault.code == "not_answerable"

    @pytest.mark.parametrize("answers", [{"now": True}, {"now": 11}, {"later": 1}])
    def test_nothing_that_is_refused_can_be_scored(self, answers: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="craving_nrs"):
            score(definition("craving_nrs"), answers)
