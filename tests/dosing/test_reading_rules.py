from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.dosing import reading_rules
from app.dosing.reading_rules import Baseline, flags, placed, total
from app.dosing.reading_schemas import ReadingWrite
from app.protocols.rules import Protocol
from tests.factories import an_id

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
USUAL = Protocol()


def sent(**values: Any) -> dict[str, Any]:
    whole = {"id": str(an_id()), "taken_at": "2026-11-22T10:00:00Z"} | values
    return ReadingWrite.model_validate(whole).model_dump()


def stored(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(reading_rules.VALUES) | {"dissociation_items": None} | values


class TestFaults:
    @pytest.mark.parametrize(
        ("values", "codes"),
        [
            ({"systolic": 120, "diastolic": 119}, []),
            ({"systolic": 120, "diastolic": 120}, [("/diastolic", "not_below_systolic")]),
            ({"systolic": 80, "diastolic": 120}, [("/diastolic", "not_below_systolic")]),
            ({"systolic": 120}, [("/diastolic", "both_or_none")]),
            ({"diastolic": 80}, [("/systolic", "both_or_none")]),
            ({"spo2": 70}, []),
            ({"spo2": 69}, [("/spo2", "needs_confirmation")]),
            ({"spo2": 50, "confirmed": ["spo2"]}, []),
            ({"confirmed": ["spo2"]}, [("", "no_values")]),
            ({"dissociation": {"unreal": None}, "aldrete": {}, "note": "calm"}, [("", "no_values")]),
            ({"dissociation": {"unreal": 0}}, []),
            ({"aldrete": {"oxygen": 2}}, []),
            ({"moaas": 0}, []),
        ],
    )
    def test_are_found_in_what_goes_together(self, values: dict[str, Any], codes: list[tuple[str, str]]) -> None:
        assert [(fault.pointer, fault.code) for fault in reading_rules.faults(sent(**values))] == codes


class TestTotal:
    def test_is_the_instruments_own(self) -> None:
        assert total(reading_rules.DISSOCIATION, {"unreal": 2, "detached": 2, "time": 1, "distress": 0}) == 5
        aldrete = {"activity": 2, "respiration": 2, "circulation": 1, "consciousness": 2, "oxygen": 1}
        assert total(reading_rules.ALDRETE, aldrete) == 8

    def test_is_missing_while_an_answer_is(self) -> None:
        assert total(reading_rules.DISSOCIATION, {"unreal": 2, "detached": 2, "time": 1}) is None
        assert total(reading_rules.DISSOCIATION, None) is None


class TestFingerprint:
    def test_does_not_tell_a_missing_value_from_a_null_one_or_37_from_37_0(self) -> None:
        at = {"id": str(an_id())}
        one = sent(**at, temperature=37, dissociation={"unreal": 1})
        other = sent(**at, temperature=37.0, systolic=None, dissociation={"unreal": 1, "time": None}, aldrete=None)

        assert reading_rules.fingerprint(one) == reading_rules.fingerprint(other)

    @pytest.mark.parametrize(
        "but",
        [
            {"taken_at": "2026-11-22T10:00:01Z"},
            {"heart_rate": 71},
            {"spo2": 98},
            {"note": "restless"},
            {"dissociation": {"unreal": 0}},
            {"aldrete": {"oxygen": 0}},
            {"confirmed": ["spo2"]},
        ],
    )
    def test_tells_everything_that_is_said(self, but: dict[str, Any]) -> None:
        assert reading_rules.fingerprint(sent(heart_rate=70)) != reading_rules.fingerprint(
            sent(**{"heart_rate": 70} | but)
        )


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


class TestPlaced:
    @pytest.mark.parametrize(
        ("ago", "skew", "at", "suspect", "late"),
        [
            (3, None, 3, False, False),
            (15, None, 15, False, False),
            (15.1, None, 15.1, False, True),
            (-5, None, -5, False, False),  # as far ahead as a clock may be
            (-5.1, None, 0, True, False),
            (3, 5, 3, False, False),  # a clock that is off, but not by more than the tolerance
            (65, 62, 3, True, False),  # an hour behind
            (-57, -60, 3, True, False),  # an hour ahead
            (-20, -10, 0, True, False),  # put right, and still ahead of us
            (2000, 1900, 100, True, True),
        ],
    )
    def test_puts_the_tablets_clock_right(
        self, ago: float, skew: float | None, at: float, suspect: bool, late: bool
    ) -> None:
        device_time = None if skew is None else NOW - minutes(skew)
        found = placed(NOW - minutes(ago), device_time=device_time, received_at=NOW, protocol=USUAL)

        assert found.at == NOW - minutes(at)
        assert (found.clock_suspect, found.received_late) == (suspect, late)

    def test_finds_what_is_history(self) -> None:
        for days, codes in ((7, []), (7.1, ["too_long_ago"])):
            when = placed(NOW - timedelta(days=days), device_time=None, received_at=NOW, protocol=USUAL)
            assert [fault.code for fault in reading_rules.time_faults(when, NOW)] == codes


class TestFlags:
    @pytest.mark.parametrize(
        ("values", "found"),
        [
            ({"systolic": 140, "diastolic": 90}, []),
            ({"systolic": 141, "diastolic": 91}, [("systolic", "amber", "above"), ("diastolic", "amber", "above")]),
            ({"systolic": 180, "diastolic": 110}, [("systolic", "amber", "above"), ("diastolic", "amber", "above")]),
            ({"systolic": 181, "diastolic": 111}, [("systolic", "red", "above"), ("diastolic", "red", "above")]),
            ({"heart_rate": 50}, []),
            ({"heart_rate": 49}, [("heart_rate", "amber", "below")]),
            ({"heart_rate": 39}, [("heart_rate", "red", "below")]),
            ({"heart_rate": 131}, [("heart_rate", "red", "above")]),
            ({"spo2": 94}, []),
            ({"spo2": 93}, [("spo2", "amber", "below")]),
            ({"spo2": 89}, [("spo2", "red", "below")]),
            ({"respiratory_rate": 24}, []),
            ({"respiratory_rate": 25}, [("respiratory_rate", "amber", "above")]),
            ({"respiratory_rate": 7}, [("respiratory_rate", "red", "below")]),
            ({"temperature": 37.9}, []),
            ({"temperature": 38.0}, [("temperature", "amber", "above")]),
            ({"temperature": 40.0}, [("temperature", "red", "above")]),
            ({"moaas": 4}, []),
            ({"moaas": 3}, [("moaas", "amber", "below")]),
            ({"moaas": 1}, [("moaas", "red", "below")]),
            ({"dissociation_items": {"distress": 2}}, []),
            ({"dissociation_items": {"distress": 3}}, [("distress", "amber", "above")]),
        ],
    )
    def test_come_beyond_the_clinics_figures(self, values: dict[str, Any], found: list[tuple[str, str, str]]) -> None:
        seen = flags(stored(**values), Baseline(), USUAL)

        assert [(flag["name"], flag["level"], flag["because"]) for flag in seen] == found

    @pytest.mark.parametrize(
        ("systolic", "diastolic", "found"),
        [(134, 79, []), (135, 80, ["systolic", "diastolic"]), (135, 79, ["systolic"]), (134, 80, ["diastolic"])],
    )
    def test_come_with_a_rise_over_the_pressure_before_the_dose(
        self, systolic: int, diastolic: int, found: list[str]
    ) -> None:
        seen = flags(stored(systolic=systolic, diastolic=diastolic), Baseline(95, 55), USUAL)

        assert [flag["name"] for flag in seen] == found
        assert {flag["because"] for flag in seen} <= {"rise"}

    def test_are_the_clinics_own(self) -> None:
        strict = Protocol.model_validate({"readings": {"heart_rate": {"amber_above": 70.0}}})

        assert flags(stored(heart_rate=71), Baseline(), strict)[0]["limit"] == 70
