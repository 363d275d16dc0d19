"""What is unusual about a dose, on, at and beside each figure."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.core.errors import InvalidRequest
from app.dosing.dose_rules import (
    NoDosePerKilogram,
    Pause,
    Weight,
    check_pause,
    check_resumption,
    clearance_warnings,
    dose_warnings,
    infusion_minutes,
    infusion_warnings,
    mg_per_kg,
    plan_warnings,
    unconfirmed,
)
from app.dosing.rules import DoseRoute
from app.protocols.session_figures import Dosing

FIGURES = Dosing()
TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, TICK, TOLERANCE = timedelta(minutes=1), timedelta(microseconds=1), timedelta(minutes=5)


def per_kg(dose_mg: float, kg: float, days_ago: int = 0) -> tuple[float | None, NoDosePerKilogram | None]:
    return mg_per_kg(dose_mg, Weight(kg, TODAY - timedelta(days=days_ago)), TODAY, FIGURES)


class TestMgPerKg:
    @pytest.mark.parametrize(("days_ago", "known"), [(0, True), (30, True), (31, False), (-1, False)])
    def test_takes_a_weight_of_the_last_days(self, days_ago: int, known: bool) -> None:
        assert (per_kg(40, 80, days_ago)[0] == 0.5) is known

    def test_says_why_there_is_none(self) -> None:
        assert per_kg(40, 80, 31) == (None, NoDosePerKilogram.WEIGHT_TOO_OLD)
        assert mg_per_kg(40, None, TODAY, FIGURES) == (None, NoDosePerKilogram.NO_WEIGHT)


class TestDoseWarnings:
    @pytest.mark.parametrize(
        ("route", "dose_mg", "kg", "warned"),
        [
            ("IV", 8.1, 81, []),
            ("IV", 8.09, 81, ["mg_per_kg_outside"]),
            ("IV", 80, 80, []),
            ("IV", 80.1, 80, ["mg_per_kg_outside"]),
            ("IM", 16, 80, []),
            ("IM", 15.9, 80, ["mg_per_kg_outside"]),
            ("IM", 160, 80, []),
            ("IM", 160.1, 80, ["mg_per_kg_outside"]),
            ("IN_esketamine", 28, 80, []),
            ("IN_esketamine", 56, 80, []),
            ("IN_esketamine", 84, 80, []),
            ("IN_esketamine", 57, 80, ["spray_mg_unusual"]),
            ("SC", 500, 30, []),
            ("SL", 500, 30, []),
            ("PO", 500, 30, []),
        ],
    )
    def test_holds_a_dose_against_the_range_of_its_route(
        self, route: str, dose_mg: float, kg: float, warned: list[str]
    ) -> None:
        found = dose_warnings(DoseRoute(route), dose_mg, per_kg(dose_mg, kg), FIGURES)

        assert [each.code.value for each in found] == warned

    @pytest.mark.parametrize("route", ["IV", "IM"])
    def test_a_dose_that_cannot_be_held_against_its_range_is_unusual(self, route: str) -> None:
        (found,) = dose_warnings(DoseRoute(route), 40, per_kg(40, 80, 31), FIGURES)

        assert (found.code, found.inputs["why"]) == ("mg_per_kg_unknown", "weight_too_old")

    def test_another_route_or_substance_than_the_one_cleared_is_unusual(self) -> None:
        assert plan_warnings(("ketamine", "IV"), ("ketamine", "IV")) == []
        for given in (("ketamine", "IM"), ("esketamine", "IV")):
            assert [each.code for each in plan_warnings(given, ("ketamine", "IV"))] == ["other_than_cleared"]

    @pytest.mark.parametrize(
        ("at", "outside"),
        [(-5 * MINUTE, False), (-5 * MINUTE - TICK, True), (60 * MINUTE, False), (60 * MINUTE + TICK, True)],
    )
    def test_a_corrected_begin_outside_of_the_clearance_is_unusual(self, at: timedelta, outside: bool) -> None:
        assert bool(clearance_warnings(NOON + at, NOON, FIGURES, TOLERANCE)) is outside

    def test_each_warning_needs_its_own_reason(self) -> None:
        found = [*dose_warnings(DoseRoute.IV, 100, per_kg(100, 80), FIGURES), *plan_warnings(("k", "IV"), ("k", "IM"))]

        assert [each.code for each in unconfirmed(found, {"mg_per_kg_outside": "So."})] == ["other_than_cleared"]


class TestInfusion:
    @pytest.mark.parametrize(
        ("minutes", "warned"), [(1.99, ["infusion_short"]), (2, []), (120, []), (120.01, ["infusion_long"])]
    )
    def test_only_its_length_in_a_vein_is_looked_at(self, minutes: float, warned: list[str]) -> None:
        end = NOON + minutes * MINUTE

        assert [each.code.value for each in infusion_warnings(DoseRoute.IV, NOON, end, [], FIGURES)] == warned
        assert infusion_warnings(DoseRoute.IM, NOON, end, [], FIGURES) == []

    @pytest.mark.parametrize(
        ("pauses", "minutes"),
        [
            ([], 40),
            ([(10, 15)], 35),
            ([(10, 15), (20, 30)], 25),
            ([(30, None)], 30),
            ([(38, 50)], 38),
            ([(50, 60)], 40),
        ],
    )
    def test_pauses_do_not_count(self, pauses: list[tuple[int, int | None]], minutes: float) -> None:
        stood = [Pause(NOON + a * MINUTE, None if b is None else NOON + b * MINUTE) for a, b in pauses]

        assert infusion_minutes(NOON, NOON + 40 * MINUTE, stood) == minutes


class TestPauses:
    def refused(self, check: Any, *facts: Any) -> str | None:
        try:
            check(*facts, now=NOON, tolerance=TOLERANCE)
        except InvalidRequest as problem:
            return problem.errors[0].code
        return None

    def test_begin_while_it_runs(self) -> None:
        begun = NOON - 30 * MINUTE
        before = [Pause(NOON - 20 * MINUTE, NOON - 10 * MINUTE)]

        assert self.refused(check_pause, begun, begun, []) is None
        assert self.refused(check_pause, begun - TICK, begun, []) == "before_it_ran"
        assert self.refused(check_pause, NOON - 10 * MINUTE, begun, before) is None
        assert self.refused(check_pause, NOON - 10 * MINUTE - TICK, begun, before) == "before_it_ran"
        assert self.refused(check_pause, NOON + TOLERANCE + TICK, begun, []) == "in_the_future"

    def test_end_after_they_began(self) -> None:
        assert self.refused(check_resumption, NOON, NOON) is None
        assert self.refused(check_resumption, NOON - TICK, NOON) == "before_the_pause"
        assert self.refused(check_resumption, NOON + TOLERANCE + TICK, NOON) == "in_the_future"
