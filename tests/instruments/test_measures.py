"""The registry of measures."""

import pytest

from app.instruments.catalogue import current_definitions
from app.instruments.definitions import Instrument
from app.instruments.errors import UnknownInstrument
from app.instruments.measures import MEASURES, measures_of


class TestRegistry:
    @pytest.mark.parametrize(
        "expected",
        [
            ("craving", "craving_nrs", "now", 0, 10, "worse", True),
            ("craving_peak", "craving_nrs", "peak", 0, 10, "worse", True),
            ("craving_resist", "craving_nrs", "resist", 0, 10, "better", True),
            ("craving_vas", "craving_vas", "now", 0, 100, "worse", True),
            ("mood", "mood_nrs", "now", 0, 10, "better", False),
            ("dissociation", "dissociation_brief", None, 0, 16, "worse", False),
            ("withdrawal", "withdrawal_nrs", "severity", 0, 10, "worse", False),
            ("ctn_withdrawal", "ctn_withdrawal", "severity", 0, 3, "worse", False),
            ("phq9_total", "phq9", None, 0, 27, "worse", False),
            ("gad7_total", "gad7", None, 0, 21, "worse", False),
            ("pacs_total", "pacs", None, 0, 30, "worse", False),
            ("cows_total", "cows", None, 0, 48, "worse", False),
            ("ciwa_ar_total", "ciwa_ar", None, 0, 67, "worse", False),
            ("who5_total", "who5", None, 0, 100, "better", False),
            ("moaa_s_total", "moaa_s", None, 0, 5, "better", False),
            ("edi_total", "edi", None, 0, 100, "neutral", False),
            ("bam_use", "bam", "use", 0, 12, "worse", False),
            ("bam_risk", "bam", "risk", 0, 24, "worse", False),
            ("bam_protective", "bam", "protective", 0, 24, "better", False),
            ("affect_valence", "affect_grid", "valence", -4, 4, "better", False),
            ("affect_arousal", "affect_grid", "arousal", -4, 4, "neutral", False),
            ("used", "use_diary", "used", 0, 1, "worse", True),
        ],
        ids=lambda expected: expected[0],
    )
    def test_knows_where_a_measure_comes_from_and_which_way_is_worse(self, expected: tuple[object, ...]) -> None:
        found = MEASURES[str(expected[0])]

        assert expected == (
            found.key,
            found.instrument,
            found.name,
            found.minimum,
            found.maximum,
            found.higher_is,
            found.per_substance,
        )

    @pytest.mark.parametrize("instrument", current_definitions(), ids=lambda found: found.key)
    def test_covers_every_scored_instrument(self, instrument: Instrument) -> None:
        of_total = [
            measure
            for measure in instrument.measures
            if measure.of == "total" or measure.name == instrument.scoring.primary
        ]
        of_subscales = [measure.name for measure in instrument.measures if measure.of == "subscale"]

        assert len(of_total) == (0 if instrument.minimum is None else 1)
        assert of_subscales == [subscale.name for subscale in instrument.scoring.subscales]
        for measure in instrument.measures:
            assert MEASURES[measure.key] is measure
            assert measure.title
            assert measure.minimum < measure.maximum

    def test_names_no_measure_twice(self) -> None:
        every = [measure.key for instrument in current_definitions() for measure in instrument.measures]

        assert len(every) == len(set(every)) == len(MEASURES)
        assert list(MEASURES) == every

    def test_has_published_change_figures_where_there_are_some(self) -> None:
        phq9, gad7, who5 = (MEASURES[key] for key in ("phq9_total", "gad7_total", "who5_total"))

        assert phq9.change is not None
        assert (phq9.change.mcid_points, phq9.change.reliable_change_points_gte, phq9.change.sem) == (5, 6, 2.5)
        assert phq9.change.mdc95 == pytest.approx(1.96 * 2**0.5 * 2.5, abs=0.005)
        assert (phq9.remission_below, phq9.response_pct) == (5, 50)
        assert gad7.change is not None
        assert (gad7.change.mcid_points, gad7.change.reliable_change_points_gte) == (None, 4)
        assert who5.change is not None
        assert who5.change.mcid_points == 10
        assert MEASURES["craving_peak"].change is None

    def test_every_figure_about_change_names_its_source(self) -> None:
        for measure in MEASURES.values():
            change = measure.change
            if change is not None:
                assert change.mcid_points is None or change.mcid_source
                assert change.mcid_pct is None or change.mcid_pct_source
                assert change.reliable_change_points_gte is None or change.reliable_change_source

    def test_an_unknown_measure_is_a_key_error(self) -> None:
        assert MEASURES.get("nothing") is None
        with pytest.raises(KeyError):
            MEASURES["nothing"]


class TestMeasuresOf:
    def test_lists_those_of_one_instrument(self) -> None:
        assert [measure.key for measure in measures_of("craving_nrs")] == ["craving", "craving_peak", "craving_resist"]
        assert measures_of("kset") == ()

    def test_refuses_an_unknown_instrument(self) -> None:
        with pytest.raises(UnknownInstrument):
            measures_of("nothing")
