from typing import Any

import pytest

from app.check_in_plans.plan_checks import plan_faults
from app.protocols.day_figures import Asking
from tests.check_in_plans.plans import AFTER_SIX_HOURS, BY_CHANCE, FORTNIGHTLY, MORNING, WHENEVER, content


def windows(*spans: tuple[str, str, int]) -> dict[str, Any]:
    return {"windows": [{"from_time": a, "until_time": b, "prompts": n} for a, b, n in spans]}


def found(*items: dict[str, Any], figures: Asking | None = None) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in plan_faults(content(*items), figures or Asking())]


class TestPlanFaults:
    def test_finds_none_in_a_plan_of_every_kind(self) -> None:
        assert found(MORNING, BY_CHANCE, FORTNIGHTLY, AFTER_SIX_HOURS, WHENEVER) == []

    @pytest.mark.parametrize(
        ("items", "faults"),
        [
            ([MORNING, MORNING | {"kind": "fixed"}], [("/content/items/1/key", "key_taken")]),
            ([MORNING | {"instruments": ["nope"]}], [("/content/items/0/instruments/0", "unknown_instrument")]),
            ([MORNING | {"instruments": ["ciwa_ar"]}], [("/content/items/0/instruments/0", "clinician_only")]),
            (
                [MORNING | {"instruments": ["phq9", "phq9"]}],
                [("/content/items/0/instruments/1", "asked_twice")],
            ),
            ([MORNING | {"local_times": ["09:00", "09:00"]}], [("/content/items/0/local_times", "asked_twice")]),
            (
                [MORNING | {"starts_on": "2026-12-01", "ends_on": "2026-11-30"}],
                [("/content/items/0/ends_on", "ends_before_start")],
            ),
            (
                [BY_CHANCE | windows(("10:00", "10:00", 1))],
                [("/content/items/0/windows/0/until_time", "not_after_from")],
            ),
            (
                [BY_CHANCE | windows(("10:00", "10:59", 2))],
                [("/content/items/0/windows/0/prompts", "no_room")],
            ),
            ([BY_CHANCE | windows(("10:00", "11:00", 2))], []),
            (
                [BY_CHANCE | windows(("10:00", "12:00", 1), ("11:00", "13:00", 1))],
                [("/content/items/0/windows/0", "windows_overlap"), ("/content/items/0/windows/1", "windows_overlap")],
            ),
            (
                [BY_CHANCE | windows(("10:00", "12:00", 1), ("12:30", "12:59", 1))],
                [("/content/items/0/windows/1/prompts", "no_room")],
            ),
            (
                [
                    BY_CHANCE | windows(("10:00", "12:00", 1)) | {"weekdays": ["mon"]},
                    BY_CHANCE | windows(("11:00", "13:00", 1)) | {"weekdays": ["tue"], "key": "tuesdays"},
                ],
                [],
            ),
        ],
    )
    def test_names_each_with_its_place(self, items: list[dict[str, Any]], faults: list[tuple[str, str]]) -> None:
        assert found(*items) == faults

    def test_counts_the_fullest_day_against_the_limit_of_the_clinic(self) -> None:
        figures = Asking(most_a_day=6)
        full = [MORNING, BY_CHANCE, FORTNIGHTLY]
        elsewhere = MORNING | {"key": "sundays", "weekdays": ["sun"]}

        assert found(*full, figures=figures) == []
        assert found(*full, elsewhere, figures=figures) == [("/content/items", "too_many_a_day")]
        assert found(*full, AFTER_SIX_HOURS, WHENEVER, figures=figures) == []
