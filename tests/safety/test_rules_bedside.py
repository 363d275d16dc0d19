"""Rules of a session: on, at and beside every threshold. Cases name what differs from an uneventful reading."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.day_figures import Integration
from app.protocols.safety_figures import Safety
from app.protocols.session_figures import Dosing
from app.safety import rules
from app.safety.findings import Finding, Severity
from app.safety.rules import PreDoseInputs, ReadingInputs

FIGURES, DOSING = Safety(), Dosing()
CALM: dict[str, Any] = {
    "before_dose": False, "minutes_from_dose": 40, "systolic": 124, "diastolic": 78, "heart_rate": 72, "spo2": 98,
    "respiratory_rate": 14, "temperature": 36.6, "moaas": 5, "dissociation": 3, "distress": 0,
    "baseline_systolic": 120, "baseline_diastolic": 76, "baseline_dissociation": 0,
}  # fmt: skip


def found(findings: list[Finding]) -> list[str]:
    return [f"{finding.rule} {finding.severity}" for finding in findings]


def reading(**but: Any) -> list[str]:
    return found(rules.judge_reading(ReadingInputs(**CALM | but), FIGURES))


class TestReading:
    def test_an_uneventful_one_finds_nothing(self) -> None:
        assert reading() == []

    def test_what_was_not_measured_is_no_sign(self) -> None:
        assert rules.judge_reading(ReadingInputs(before_dose=True), FIGURES) == []
        assert rules.judge_reading(ReadingInputs(before_dose=False), FIGURES) == []

    @pytest.mark.parametrize(
        ("but", "expected"),
        [
            ({"systolic": 140}, []),
            ({"systolic": 141}, ["BP-1 urgent"]),
            ({"diastolic": 90}, []),
            ({"diastolic": 91}, ["BP-1 urgent"]),
            ({"systolic": None, "diastolic": 91}, ["BP-1 urgent"]),
            ({"systolic": 141, "before_dose": False}, []),
        ],
    )
    def test_bp1_before_the_dose(self, but: dict[str, Any], expected: list[str]) -> None:
        without_baseline = {"baseline_systolic": None, "baseline_diastolic": None}

        assert reading(**{"before_dose": True} | without_baseline | but) == expected

    @pytest.mark.parametrize(
        ("but", "expected"),
        [
            ({"systolic": 180, "baseline_systolic": 141}, []),
            ({"systolic": 181, "baseline_systolic": 142}, ["BP-2 urgent"]),
            ({"diastolic": 110, "baseline_diastolic": 86}, []),
            ({"diastolic": 111, "baseline_diastolic": 87}, ["BP-2 urgent"]),
            ({"systolic": 159}, []),
            ({"systolic": 160}, ["BP-2 urgent"]),
            ({"diastolic": 100}, []),
            ({"diastolic": 101}, ["BP-2 urgent"]),
            ({"systolic": 160, "baseline_systolic": None}, []),
            ({"systolic": None, "diastolic": 101}, ["BP-2 urgent"]),
            ({"systolic": 160, "minutes_since_over": 0.0}, ["BP-2 critical"]),
            ({"systolic": 160, "minutes_since_over": 15.0}, ["BP-2 critical"]),
            ({"systolic": 160, "minutes_since_over": 15.1}, ["BP-2 urgent"]),
            ({"systolic": 160, "minutes_since_over": -0.1}, ["BP-2 urgent"]),
            ({"systolic": 159, "minutes_since_over": 5.0}, []),
            ({"systolic": 200}, ["BP-2 urgent"]),
            ({"systolic": 201}, ["BP-2 critical"]),
            ({"diastolic": 120}, ["BP-2 urgent"]),
            ({"diastolic": 121}, ["BP-2 critical"]),
            ({"systolic": 201, "before_dose": True}, ["BP-2 critical", "BP-1 urgent"]),
        ],
    )
    def test_bp2_is_confirmed_by_a_second_reading_or_by_its_height(
        self, but: dict[str, Any], expected: list[str]
    ) -> None:
        assert reading(**but) == expected
        judged = rules.judge_reading(ReadingInputs(**CALM | but), FIGURES)
        told = [finding.inputs["confirmed"] for finding in judged if finding.rule == "BP-2"]
        assert told == [each == "BP-2 critical" for each in expected if each.startswith("BP-2")]

    @pytest.mark.parametrize(
        ("pressures", "over"),
        [
            ((180, 110, None, None), False),
            ((181, None, None, None), True),
            ((None, 111, None, None), True),
            ((160, 78, 120, 76), True),
            ((159, 100, 120, 76), False),
            ((None, None, 120, 76), False),
        ],
    )
    def test_is_over_bp2(self, pressures: tuple[int | None, int | None, int | None, int | None], over: bool) -> None:
        assert rules.is_over_bp2(*pressures, FIGURES) is over

    @pytest.mark.parametrize(
        ("spo2", "expected"), [(94, []), (93, ["O2-1 urgent"]), (90, ["O2-1 urgent"]), (89, ["O2-1 critical"])]
    )
    def test_o21(self, spo2: int, expected: list[str]) -> None:
        assert reading(spo2=spo2) == expected

    @pytest.mark.parametrize(
        ("moaas", "expected"),
        [
            (5, []),
            (4, []),
            (3, ["SED-1 urgent"]),
            (2, ["SED-1 urgent"]),
            (1, ["SED-2 critical"]),
            (0, ["SED-2 critical"]),
        ],
    )
    def test_sedation(self, moaas: int, expected: list[str]) -> None:
        assert reading(moaas=moaas) == expected

    @pytest.mark.parametrize(
        ("minutes", "total", "baseline", "expected"),
        [
            (119, 16, 0, []),
            (120, 4, 0, ["DIS-1 urgent"]),
            (120, 3, 0, []),
            (120, 6, 3, []),
            (120, 7, 3, ["DIS-1 urgent"]),
            (120, 4, None, ["DIS-1 urgent"]),
            (120, 3, None, []),
            (120, None, 0, []),
            (None, 16, 0, []),
            (-30, 16, 0, []),
            (18 * 60 - 1, 4, 2, []),
            (18 * 60, 4, 2, ["DIS-1 urgent"]),
            (18 * 60, 3, 2, []),
        ],
    )
    def test_dis1(self, minutes: int | None, total: int | None, baseline: int | None, expected: list[str]) -> None:
        assert reading(minutes_from_dose=minutes, dissociation=total, baseline_dissociation=baseline) == expected

    def test_dis1_says_when_nothing_was_asked_before_the_dose(self) -> None:
        inputs = ReadingInputs(before_dose=False, minutes_from_dose=120, dissociation=4)

        (finding,) = rules.judge_reading(inputs, FIGURES)

        assert finding.inputs == {"total": 4, "before_dose": None, "minutes_from_dose": 120}
        assert finding.within is None

    @pytest.mark.parametrize(("distress", "expected"), [(2, []), (3, ["DIS-2 urgent"]), (4, ["DIS-2 urgent"])])
    def test_dis2(self, distress: int, expected: list[str]) -> None:
        assert reading(distress=distress) == expected

    def test_the_most_severe_comes_first(self) -> None:
        assert reading(distress=4, moaas=1, spo2=92) == ["SED-2 critical", "O2-1 urgent", "DIS-2 urgent"]


class TestRealDissociation:
    """Published CADSS totals (0-92) as a share of the brief scale (0-16): peaks are no sign, what outlasts them is.

    noamgoldway/ketamine-pain-dissociation, data/CADSS.csv: session 2 "post" median 22 (IQR 16.5-34.5, highest 48) and
    "end" median 13 (3-18, highest 44); session 1 "post" median 1 (highest 18). WilliamsPanLab/Ketamine-FEET-Mediation:
    after the infusion medians 3, 6, 4, highest 14; before it up to 19.
    """

    @staticmethod
    def brief(cadss: float) -> int:
        return round(cadss * 16 / 92)

    @pytest.mark.parametrize("cadss", [1, 3, 4, 6, 14, 16.5, 18, 22, 34.5, 48])
    def test_nothing_that_was_measured_after_an_infusion_is_a_sign_in_itself(self, cadss: float) -> None:
        assert reading(minutes_from_dose=40, dissociation=self.brief(cadss)) == []

    @pytest.mark.parametrize(
        ("later", "before", "expected"),
        [
            (13, 0, []),
            (18, 0, []),
            (44, 0, ["DIS-1 urgent"]),
            (34.5, 19, []),
            (44, 19, ["DIS-1 urgent"]),
            (18, 19, []),
        ],
    )
    def test_what_is_left_at_the_end_counts_from_what_was_there_before(
        self, later: float, before: float, expected: list[str]
    ) -> None:
        totals = {"dissociation": self.brief(later), "baseline_dissociation": self.brief(before)}

        assert reading(minutes_from_dose=120, **totals) == expected


RANK = {None: 0, Severity.ROUTINE: 1, Severity.URGENT: 2, Severity.CRITICAL: 3}
FAMILY = {"SED-2": "SED-1", "WD-1b": "WD-1", "SUI-3": "SUI-2"}
"""A rule that takes the place of another counts as the same."""


def worst(findings: list[Finding]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for finding in findings:
        family = FAMILY.get(finding.rule, finding.rule)
        ranks[family] = max(RANK[finding.severity], ranks.get(family, 0))
    return ranks


def no_less(before: list[Finding], after: list[Finding]) -> bool:
    """Whether everything that was found is still found, at least as severe."""
    now = worst(after)
    return all(now.get(family, 0) >= rank for family, rank in worst(before).items())


WORSE_UP = ("systolic", "diastolic", "dissociation", "distress")
WORSE_DOWN = ("spo2", "moaas")
READINGS = st.builds(
    ReadingInputs,
    before_dose=st.booleans(),
    minutes_from_dose=st.none() | st.integers(-60, 3000),
    systolic=st.none() | st.integers(50, 250),
    diastolic=st.none() | st.integers(10, 200),
    spo2=st.none() | st.integers(50, 100),
    moaas=st.none() | st.integers(0, 5),
    dissociation=st.none() | st.integers(0, 16),
    distress=st.none() | st.integers(0, 4),
    baseline_systolic=st.none() | st.integers(50, 250),
    baseline_diastolic=st.none() | st.integers(10, 200),
    baseline_dissociation=st.none() | st.integers(0, 16),
    minutes_since_over=st.none() | st.floats(0, 60),
)


@given(READINGS, st.sampled_from(WORSE_UP + WORSE_DOWN), st.integers(1, 60))
def test_a_worse_number_never_finds_less(inputs: ReadingInputs, name: str, by: int) -> None:
    values = {field: getattr(inputs, field) for field in ReadingInputs.__slots__}
    if values[name] is None:
        return
    worse = ReadingInputs(**values | {name: values[name] + (by if name in WORSE_UP else -by)})

    assert no_less(rules.judge_reading(inputs, FIGURES), rules.judge_reading(worse, FIGURES))


class TestBeforeADose:
    @pytest.mark.parametrize(
        ("but", "expected", "hard_stop"),
        [
            ({}, [], False),
            ({"hours_since_last_dose": 23.9}, ["FREQ-1 urgent"], True),
            ({"hours_since_last_dose": 24.0}, ["FREQ-1 urgent"], False),
            ({"hours_since_last_dose": 47.9}, ["FREQ-1 urgent"], False),
            ({"hours_since_last_dose": 48.0}, [], False),
            ({"doses_7d": 1}, [], False),
            ({"doses_7d": 2}, ["FREQ-1 urgent"], False),
            ({"doses_28d": 7}, [], False),
            ({"doses_28d": 8}, ["FREQ-1 urgent"], False),
            ({"doses_total": 7}, [], False),
            ({"doses_total": 8}, ["FREQ-1 urgent"], False),
            ({"doses_total": 8, "reviewed_after_induction": True}, [], False),
            ({"pregnancy_test": "pos", "had_a_dose": True}, ["PREG-1 urgent"], False),
            ({"pregnancy_test": "pos", "had_a_dose": False}, [], False),
            ({"pregnancy_test": "neg", "had_a_dose": True}, [], False),
            ({"pregnancy_test": "declined", "had_a_dose": True}, [], False),
            ({"ketamine_on_uds_outside_plan": True}, ["TOX-2 urgent"], False),
            ({"extra_requests": 1}, [], False),
            ({"extra_requests": 2}, ["TOX-2 urgent"], False),
        ],
    )
    def test_the_dose_to_come_counts_as_well(self, but: dict[str, Any], expected: list[str], hard_stop: bool) -> None:
        findings = rules.judge_pre_dose(PreDoseInputs(**but), DOSING, FIGURES)

        assert found(findings) == expected
        assert [bool(each.inputs.get("hard_stop")) for each in findings] == [hard_stop for _ in expected]

    @pytest.mark.parametrize(("requests", "expected"), [(1, []), (2, ["TOX-2 urgent"])])
    def test_requests_for_extra_doses(self, requests: int, expected: list[str]) -> None:
        assert found(rules.judge_extra_requests(requests, FIGURES)) == expected


class TestWhatWentWrong:
    @pytest.mark.parametrize(
        ("grade", "serious", "expected"),
        [(2, False, []), (3, False, ["AE-1 critical"]), (1, True, ["AE-1 critical"]), (5, True, ["AE-1 critical"])],
    )
    def test_ae1(self, grade: int, serious: bool, expected: list[str]) -> None:
        assert found(rules.judge_adverse_event(grade=grade, serious=serious, figures=FIGURES)) == expected

    @pytest.mark.parametrize(
        ("hours", "answered", "expected"), [(29.9, False, []), (30.0, False, ["MISS-1 urgent"]), (99.0, True, [])]
    )
    def test_miss1(self, hours: float, answered: bool, expected: list[str]) -> None:
        assert (
            found(rules.judge_missed_day_after(hours_since_dose=hours, answered=answered, figures=FIGURES)) == expected
        )

    @pytest.mark.parametrize(
        ("missed", "induction", "expected"),
        [
            (2, True, []),
            (3, True, ["MISS-2 routine"]),
            (3, False, []),
            (6, False, []),
            (7, False, ["MISS-2 routine"]),
        ],
    )
    def test_miss2(self, missed: int, induction: bool, expected: list[str]) -> None:
        assert (
            found(rules.judge_missed_check_ins(missed_in_a_row=missed, induction=induction, figures=FIGURES))
            == expected
        )

    @pytest.mark.parametrize(
        ("hours", "no_show", "expected"),
        [(1.9, False, []), (2.0, False, ["MISS-3 routine"]), (0.0, True, ["MISS-3 routine"])],
    )
    def test_miss3(self, hours: float, no_show: bool, expected: list[str]) -> None:
        assert found(rules.judge_missed_session(hours_late=hours, no_show=no_show, dosing=DOSING)) == expected

    @pytest.mark.parametrize(
        ("hours", "attended", "but", "expected"),
        [
            (71.99, False, {}, []),
            (72.0, False, {}, ["INT-1 routine"]),
            (500.0, True, {}, []),
            (48.0, False, {"therapy_within_hours": 48}, ["INT-1 routine"]),
            (500.0, False, {"raises_a_task": False}, []),
        ],
    )
    def test_int1(self, hours: float, attended: bool, but: dict[str, Any], expected: list[str]) -> None:
        judged = rules.judge_missed_therapy(hours_since_dose=hours, attended=attended, figures=Integration(**but))

        assert found(judged) == expected

    @pytest.mark.parametrize(("days", "expected"), [(-1.0, []), (0.0, []), (0.01, ["REMS-1 routine"])])
    def test_rems1(self, days: float, expected: list[str]) -> None:
        assert found(rules.judge_rems_overdue(days_overdue=days)) == expected
