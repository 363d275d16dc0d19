"""What is decided about a report before it is stored, as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from app.check_ins.rules import clock_is_suspect, fingerprint, local_time, score_responses
from app.core.errors import FieldError
from app.protocols.rules import Protocol

PROTOCOL = Protocol()
NOW = datetime(2026, 11, 22, 17, 30, 12, tzinfo=UTC)
SESSION = UUID("0199f3d2-7c1e-7a54-9b1d-3f6a1c2d4e5f")


@dataclass(frozen=True)
class Answered:
    instrument: str
    answers: Mapping[str, int | None]
    version: str = "1"
    substance: str | None = None


CRAVING = Answered("craving_nrs", {"now": 7, "peak": 9, "resist": 4}, substance="alcohol")
MOOD = Answered("mood_nrs", {"now": 4})
SCALE_OF_ALCOHOL = Answered(
    "pacs", {"frequency": 1, "peak_strength": 2, "time_spent": 1, "resist_difficulty": 0, "average": 1}
)


@dataclass(frozen=True)
class Report:
    recorded_at: datetime = NOW
    time_zone: str = "Europe/Berlin"
    due_check_in_id: UUID | None = None
    dosing_session_id: UUID | None = None
    appointment_id: UUID | None = None
    responses: Sequence[Answered] = field(default=(CRAVING, MOOD))
    note: str | None = None


def faults_of(*responses: Answered, by_patient: bool = True, imported: bool = False) -> list[tuple[str, str]]:
    _, faults = score_responses(responses, PROTOCOL, by_patient=by_patient, imported=imported)
    return [(fault.pointer, fault.code) for fault in faults]


class TestLocalTime:
    @pytest.mark.parametrize(
        ("at", "time_zone", "day", "offset"),
        [
            (NOW, "Europe/Berlin", date(2026, 11, 22), 60),
            (datetime(2026, 11, 23, 7, 30, tzinfo=UTC), "America/Los_Angeles", date(2026, 11, 22), -480),
            (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 7, 2), 120),
            (datetime(2026, 11, 22, 18, 14, tzinfo=UTC), "Asia/Kathmandu", date(2026, 11, 22), 345),
            (datetime(2026, 11, 22, 18, 15, tzinfo=UTC), "Asia/Kathmandu", date(2026, 11, 23), 345),
        ],
    )
    def test_is_what_the_patients_own_calendar_says(self, at: datetime, time_zone: str, day: date, offset: int) -> None:
        local = local_time(at, time_zone)

        assert (local.day, local.utc_offset_minutes) == (day, offset)


class TestClockIsSuspect:
    @pytest.mark.parametrize(
        ("ahead", "suspect"),
        [
            (timedelta(days=-400), False),
            (timedelta(), False),
            (timedelta(minutes=5), False),
            (timedelta(minutes=5, milliseconds=1), True),
            (timedelta(days=365), True),
        ],
    )
    def test_only_when_it_is_further_ahead_than_the_clinic_forgives(self, ahead: timedelta, suspect: bool) -> None:
        assert clock_is_suspect(NOW + ahead, NOW, PROTOCOL) is suspect


class TestFingerprint:
    def test_is_the_same_however_the_same_is_said(self) -> None:
        again = replace(MOOD, answers={"now": 4, "later": None})

        assert fingerprint(Report()) == fingerprint(Report(responses=(CRAVING, again)))

    @pytest.mark.parametrize(
        "other",
        [
            Report(note="after group"),
            Report(dosing_session_id=SESSION),
            Report(appointment_id=SESSION),
            Report(due_check_in_id=SESSION),
            Report(time_zone="Europe/Paris"),
            Report(recorded_at=NOW + timedelta(milliseconds=1)),
            Report(responses=(CRAVING,)),
            Report(responses=(replace(CRAVING, substance="cocaine"), MOOD)),
            Report(responses=(CRAVING, replace(MOOD, answers={"now": 0}))),
            Report(responses=(CRAVING, replace(MOOD, answers={"now": None}))),
        ],
    )
    def test_is_another_for_anything_else_that_was_said(self, other: Report) -> None:
        assert fingerprint(Report()) != fingerprint(other)


class TestScoreResponses:
    def test_gives_the_measures_of_each_and_keeps_substances_apart(self) -> None:
        cocaine = replace(CRAVING, substance="cocaine", answers={"now": 2})
        scored, faults = score_responses([CRAVING, cocaine, MOOD], PROTOCOL, by_patient=True, imported=False)

        assert faults == []
        assert [(one.substance, one.measures) for one in scored] == [
            ("alcohol", {"craving": 7, "craving_peak": 9, "craving_resist": 4}),
            ("cocaine", {"craving": 2}),
            ("", {"mood": 4}),
        ]

    def test_leaves_out_what_is_missing_and_never_counts_it_as_zero(self) -> None:
        partly = replace(CRAVING, answers={"now": None, "peak": 9})
        scored, _ = score_responses([partly], PROTOCOL, by_patient=True, imported=False)

        assert scored[0].measures == {"craving_peak": 9}
        assert scored[0].response["answers"] == {"peak": 9}

    @pytest.mark.parametrize(
        ("responses", "fault"),
        [
            ([replace(MOOD, instrument="mood_ring")], ("/responses/0/instrument", "unknown_instrument")),
            ([replace(MOOD, version="99")], ("/responses/0/version", "unknown_instrument_version")),
            ([CRAVING, MOOD, MOOD], ("/responses/2", "answered_twice")),
            ([CRAVING, CRAVING], ("/responses/1", "answered_twice")),
            ([replace(MOOD, substance="alcohol")], ("/responses/0/substance", "substance_fixed")),
            ([replace(SCALE_OF_ALCOHOL, substance="cocaine")], ("/responses/0/substance", "substance_fixed")),
            ([Answered("cows", {"tremor": 1})], ("/responses/0/instrument", "clinician_only")),
            ([Answered("ctn_withdrawal", {"severity": 1})], ("/responses/0/instrument", "import_only")),
        ],
    )
    def test_points_at_what_does_not_fit(self, responses: list[Answered], fault: tuple[str, str]) -> None:
        assert fault in faults_of(*responses)

    def test_lets_a_fixed_substance_be_said(self) -> None:
        assert faults_of(replace(SCALE_OF_ALCOHOL, substance="alcohol")) == []

    def test_takes_from_a_clinician_and_from_an_import_what_a_patient_may_not_send(self) -> None:
        assert faults_of(Answered("cows", {"tremor": 1}), by_patient=False) == []
        assert faults_of(Answered("ctn_withdrawal", {"severity": 1}), by_patient=False, imported=True) == []

    def test_goes_on_after_a_fault_and_tells_all_of_them(self) -> None:
        scored, faults = score_responses(
            [replace(MOOD, version="99"), CRAVING, replace(MOOD, answers={"now": 11})],
            PROTOCOL,
            by_patient=True,
            imported=False,
        )

        assert [one.response["instrument"] for one in scored] == ["craving_nrs"]
        assert [fault.pointer for fault in faults] == ["/responses/0/version", "/responses/2/answers/now"]
        assert all(isinstance(fault, FieldError) for fault in faults)
