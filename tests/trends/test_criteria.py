"""Published criteria and recovery."""

import pytest

from app.instruments.measures import MEASURES
from app.protocols.rules import Trends
from app.trends import rules, statistics
from app.trends.criteria import CaseScore, CriterionKey, criteria_of, recovery_of
from app.trends.days import Latest

PHQ9, GAD7 = MEASURES["phq9_total"], MEASURES["gad7_total"]


def verdicts(key: str, baseline: float | None, current: float | None) -> dict[str, object]:
    measure = MEASURES[key]
    percent = None
    if baseline is not None and current is not None:
        percent = rules.percent_change(baseline, current, rules.Scale.of(measure), Trends())
    return {
        one.key: one.met if one.label is None else one.label for one in criteria_of(measure, baseline, current, percent)
    }


class TestCriteria:
    def test_of_the_phq9_stand_with_their_figures_and_rules(self) -> None:
        found = {one.key: one for one in criteria_of(PHQ9, 16, 4, -75)}

        assert {key: (one.figure, one.unit) for key, one in found.items()} == {
            "response": (50, "percent"), "remission": (5, "points"), "mcid": (5, "points"),
            "reliable_change": (6, "points"), "mdc95": (6.93, "points"), "clinically_significant": (10, "points"),
        }  # fmt: skip
        assert all(one.rule.name and one.rule.version == "1" for one in found.values())
        source = found[CriterionKey.MDC95].source or ""
        assert "Loewe 2004" in source

    def test_the_published_mdc95_is_that_of_its_standard_error(self) -> None:
        assert PHQ9.change is not None
        assert PHQ9.change.sem == 2.5
        assert PHQ9.change.mdc95 == pytest.approx(statistics.reliable_change(2.5), abs=0.005)

    @pytest.mark.parametrize(
        ("current", "response", "remission", "mcid", "reliable", "mdc95", "significant"),
        [
            (16, False, False, "unchanged", "unchanged", "unchanged", "unchanged"),
            (11, False, False, "improved", "unchanged", "unchanged", "unchanged"),
            (10, False, False, "improved", "improved", "unchanged", "unchanged"),
            (9, False, False, "improved", "improved", "improved", "improved"),
            (8, True, False, "improved", "improved", "improved", "improved"),
            (4, True, True, "improved", "improved", "improved", "improved"),
            (23, False, False, "worse", "worse", "worse", "unchanged"),
        ],
    )
    def test_of_the_phq9_from_sixteen(
        self, current: int, *, response: bool, remission: bool, mcid: str, reliable: str, mdc95: str, significant: str
    ) -> None:
        assert list(verdicts("phq9_total", 16, current).values()) == [
            response, remission, mcid, reliable, mdc95, significant,
        ]  # fmt: skip

    def test_crossing_the_cut_off_the_wrong_way_is_worse(self) -> None:
        assert verdicts("phq9_total", 9, 15)["clinically_significant"] == "worse"
        assert verdicts("phq9_total", 9, 11)["clinically_significant"] == "unchanged"

    def test_of_the_gad7_take_the_published_share_for_want_of_points(self) -> None:
        assert verdicts("gad7_total", 10, 8)["mcid_percent"] == "improved"
        assert verdicts("gad7_total", 10, 9)["mcid_percent"] == "unchanged"
        assert "mcid" not in verdicts("gad7_total", 10, 8)
        assert "mcid_percent" not in verdicts("phq9_total", 10, 8)

    def test_the_pacs_has_a_response_and_nothing_else(self) -> None:
        assert verdicts("pacs_total", 20, 10) == {"response": True}
        assert verdicts("pacs_total", 20, 11) == {"response": False}
        assert rules.change_from(20, Latest(10, 1), MEASURES["pacs_total"], Trends()).responder

    @pytest.mark.parametrize("key", ["craving", "craving_vas", "mood", "cows_total", "bam_use", "dissociation"])
    def test_are_not_made_up(self, key: str) -> None:
        assert verdicts(key, 7, 2) == {}

    def test_read_a_scale_where_higher_is_better_the_other_way(self) -> None:
        assert verdicts("who5_total", 40, 50) == {"mcid": "improved"}
        assert verdicts("who5_total", 50, 40) == {"mcid": "worse"}

    def test_say_nothing_without_a_baseline(self) -> None:
        assert verdicts("phq9_total", None, 3) == dict.fromkeys(verdicts("phq9_total", 16, 4)) | {"remission": True}
        assert set(verdicts("phq9_total", 16, None).values()) == {None}


class TestRecovery:
    @pytest.mark.parametrize(
        ("phq9", "gad7", "was", "now", "recovered", "reliably"),
        [
            ((16, 9), (12, 7), True, False, True, True),
            ((16, 10), (12, 7), True, True, False, False),
            ((16, 9), (12, 8), True, True, False, False),
            ((10, 9), (7, 7), True, False, True, False),
            ((9, 2), (12, 7), True, False, True, True),
            ((16, 9), (2, 7), True, False, True, False),  # one improved reliably, the other became reliably worse
            ((9, 2), (7, 1), False, False, None, None),
            ((16, 9), (12, None), True, None, None, None),
            ((16, 12), (12, None), True, True, False, None),
            ((None, 9), (12, 7), True, False, True, None),
            ((None, 9), (7, 7), None, False, None, None),
            ((None, None), (None, None), None, None, None, None),
        ],
    )
    def test_asks_both_scales(
        self,
        phq9: tuple[int | None, int | None],
        gad7: tuple[int | None, int | None],
        *,
        was: bool | None,
        now: bool | None,
        recovered: bool | None,
        reliably: bool | None,
    ) -> None:
        found = recovery_of([CaseScore(PHQ9, *phq9), CaseScore(GAD7, *gad7)])

        assert (found.was_case, found.is_case, found.recovered, found.reliably) == (was, now, recovered, reliably)
        assert (found.rule.name, found.rule.version) == ("iapt_recovery", "1")
