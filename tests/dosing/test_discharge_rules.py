from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.dosing.discharge_rules import (
    SOURCES,
    Criterion,
    DischargeCriterion,
    DischargeInputs,
    Values,
    computed,
    said,
    unmet,
)
from app.protocols.session_figures import Discharge

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE = timedelta(microseconds=1)
BEFORE = Values(at=NOON - 10 * MINUTE, systolic=120, diastolic=70, moaas=5, aldrete=10, dissociation=1)
NOW = NOON + 160 * MINUTE
FIGURES = Discharge()


def found(*readings: Values, code: str = "", **but: Any) -> Criterion:
    inputs: dict[str, Any] = {
        "now": NOW,
        "oldest": NOW - 30 * MINUTE,
        "is_spray": False,
        "dose_started_at": NOON,
        "dose_ended_at": NOON + 40 * MINUTE,
        "readings": readings,
    }
    criteria = computed(DischargeInputs(**inputs | but), FIGURES)
    return next(each for each in criteria if each.code == code)


def later(minutes_ago: float = 5, **values: int) -> Values:
    return Values(at=NOW - minutes_ago * MINUTE, **values)


class TestObservationTime:
    @pytest.mark.parametrize(
        ("ago", "met"), [(119, False), (120, True), (121, True)]
    )  # fmt: skip
    def test_counts_from_the_end_of_a_dose(self, ago: int, met: bool) -> None:
        criterion = found(code="observation_time", dose_ended_at=NOW - ago * MINUTE)

        assert (criterion.met, criterion.inputs) == (met, {"minutes": ago, "counted_from": "end_of_dose"})
        assert criterion.limit == {"at_least_minutes": 120}

    def test_is_not_met_a_moment_too_early(self) -> None:
        assert found(code="observation_time", dose_ended_at=NOW - 120 * MINUTE + ONE).met is False

    @pytest.mark.parametrize(
        ("is_spray", "started", "ended", "met"),
        [
            (True, 120, None, True),
            (True, 119, None, False),
            (True, 140, 119, False),
            (True, 140, 120, True),
            (False, 200, None, None),
            (False, None, None, None),
            (True, None, None, None),
        ],
    )
    def test_of_a_spray_from_its_last_device_else_its_begin_and_of_others_only_from_an_end(
        self, is_spray: bool, started: int | None, ended: int | None, met: bool | None
    ) -> None:
        moments = [None if ago is None else NOW - ago * MINUTE for ago in (started, ended)]

        criterion = found(
            code="observation_time", is_spray=is_spray, dose_started_at=moments[0], dose_ended_at=moments[1]
        )

        assert criterion.met is met

    def test_an_end_that_lies_ahead_is_no_time_at_all(self) -> None:
        assert found(code="observation_time", dose_ended_at=NOW + MINUTE).met is False


class TestRecovery:
    @pytest.mark.parametrize(
        ("before", "total", "met"),
        [
            (None, 8, False),
            (None, 9, True),
            (None, 10, True),
            (8, 8, True),
            (8, 7, False),
            (10, 9, True),
            (10, 8, False),
        ],
    )
    def test_is_nine_of_ten_or_as_before_the_dose(self, before: int | None, total: int, met: bool) -> None:
        criterion = found(Values(at=BEFORE.at, aldrete=before), later(aldrete=total), code="recovery")

        assert criterion.met is met
        assert criterion.inputs == {"aldrete": total, "aldrete_before_dose": before, "minutes_old": 5}


class TestAlertness:
    @pytest.mark.parametrize(("moaas", "met"), [(3, False), (4, False), (5, True)])
    def test_is_five(self, moaas: int, met: bool) -> None:
        assert found(BEFORE, later(moaas=moaas), code="alertness").met is met


class TestBloodPressure:
    @pytest.mark.parametrize(
        ("pressure", "met"),
        [
            ((140, 90), True),
            ((141, 90), True),
            ((140, 91), False),
            ((139, 95), False),
            ((141, 91), False),
            ((80, 40), True),
        ],
    )
    def test_is_within_twenty_of_the_one_before_or_at_most_the_threshold(
        self, pressure: tuple[int, int], met: bool
    ) -> None:
        """The one before was 121/70: 141 is within 20 of it, 91 is not within 20 of 70."""
        before = Values(at=BEFORE.at, systolic=121, diastolic=70)

        assert found(before, later(systolic=pressure[0], diastolic=pressure[1]), code="blood_pressure").met is met

    @pytest.mark.parametrize(
        ("pressure", "met"),
        [((180, 100), True), ((181, 100), False), ((180, 101), False), ((160, 110), False), ((140, 60), True)],
    )
    def test_may_be_high_when_it_was_high_before(self, pressure: tuple[int, int], met: bool) -> None:
        before = Values(at=BEFORE.at, systolic=160, diastolic=80)

        assert found(before, later(systolic=pressure[0], diastolic=pressure[1]), code="blood_pressure").met is met

    @pytest.mark.parametrize(("pressure", "met"), [((140, 90), True), ((141, 90), None), ((140, 91), None)])
    def test_without_one_before_it_is_below_the_threshold_or_not_known(
        self, pressure: tuple[int, int], met: bool | None
    ) -> None:
        assert found(later(systolic=pressure[0], diastolic=pressure[1]), code="blood_pressure").met is met


class TestDissociation:
    @pytest.mark.parametrize(
        ("before", "total", "met"),
        [(0, 3, True), (0, 4, False), (1, 4, True), (1, 5, False), (6, 9, True), (6, 10, False), (5, 0, True),
         (None, 3, True), (None, 4, None)],
    )  # fmt: skip
    def test_is_less_than_four_above_the_total_before(self, before: int | None, total: int, met: bool | None) -> None:
        criterion = found(Values(at=BEFORE.at, dissociation=before), later(dissociation=total), code="dissociation")

        assert criterion.met is met


class TestWhichReadingCounts:
    @pytest.mark.parametrize(("ago", "met"), [(30, True), (30.01, None), (120, None), (0, True), (-3, True)])
    def test_only_one_that_is_recent(self, ago: float, met: bool | None) -> None:
        assert found(BEFORE, later(ago, moaas=5), code="alertness").met is met

    def test_the_newest_with_that_value_by_its_time_whatever_the_order(self) -> None:
        criterion = found(later(1, aldrete=9), later(2, moaas=5), later(20, moaas=2), BEFORE, code="alertness")

        assert (criterion.met, criterion.inputs["minutes_old"]) == (True, 2)

    def test_an_old_one_is_not_replaced_by_none(self) -> None:
        criterion = found(BEFORE, later(45, moaas=5), later(3, systolic=120, diastolic=70), code="alertness")

        assert (criterion.met, criterion.inputs) == (None, {"moaas": None, "minutes_old": 45})

    def test_none_from_before_the_dose(self) -> None:
        young = Values(at=NOW - 11 * MINUTE, moaas=5, aldrete=10, systolic=110, diastolic=70, dissociation=0)

        for code in ("recovery", "alertness", "blood_pressure", "dissociation"):
            assert found(young, code=code, dose_started_at=NOW - 10 * MINUTE).met is None

    def test_half_a_blood_pressure_is_none(self) -> None:
        assert found(BEFORE, later(systolic=120), code="blood_pressure").met is None


class TestUnmet:
    def test_is_what_is_false_or_not_known_and_not_set_aside(self) -> None:
        code = DischargeCriterion
        criteria = said({code.WALKS_UNAIDED: True, code.TOLERATES_FLUIDS: None, code.ESCORT_PRESENT: False})

        assert [each.code for each in unmet(criteria, [])] == [code.TOLERATES_FLUIDS, code.ESCORT_PRESENT]
        assert [each.code for each in unmet(criteria, [code.ESCORT_PRESENT])] == [code.TOLERATES_FLUIDS]

    def test_every_criterion_has_a_source(self) -> None:
        assert set(SOURCES) == set(DischargeCriterion)
        assert all(SOURCES.values())
