"""Rows of sessions and appointments, with times that the source told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.appointments.history import AppointmentHistory
from app.appointments.rules import AppointmentKind, Attendance, AttendanceReason
from app.check_ins.service import Report
from app.dosing.rules import DoseRoute, Substance
from app.dosing.service import SessionHistory
from app.imports.maps import Kind, Map, make_map
from app.imports.records import Record, column_at, read
from app.imports.rules import Fault

PATIENT = UUID("0199f3d2-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BASE: dict[str, Any] = {
    "source": "riverside",
    "person": {"column": "who", "name": "R {person}"},
    "time": {
        "column": "from",
        "format": "%Y-%m-%d %H:%M",
        "reads": "wall_clock",
        "zone": "Europe/Berlin",
        "end_column": "to",
    },
}
SESSIONS = make_map(
    BASE
    | {
        "substance": {"column": "drug", "values": {"ket": "ketamine", "esket": "esketamine", "none": ""}},
        "route": "route",
        "dose_mg": "mg",
    },
    Kind.DOSING_SESSIONS,
)
VISITS = make_map(
    BASE | {"kind": "kind", "attendance": "came", "reason": "why", "attended_minutes": "minutes"}, Kind.APPOINTMENTS
)
CHECK_INS = make_map(
    BASE
    | {
        "row": ["from"],
        "instruments": [
            {"instrument": "craving_nrs", "substance": "drug", "answers": {"now": "craving", "peak": "worst"}},
            {"instrument": "mood_nrs", "answers": {"now": "mood"}},
        ],
        "dosing_session": {"records": "dosing-sessions", "row": ["dose"]},
    },
    Kind.CHECK_INS,
)
DOSE = {"who": "7", "from": "2024-05-01 10:00", "to": "2024-05-01 10:45", "drug": "ket", "route": "IM", "mg": "62.5"}
VISIT = {
    "who": "7",
    "from": "2024-05-02 10:00",
    "to": "2024-05-02 10:50",
    "kind": "cbt",
    "came": "attended",
    "why": "",
    "minutes": "48",
}
REPORT = {
    "who": "7",
    "from": "2024-05-01 20:00",
    "to": "",
    "drug": "alcohol",
    "craving": "3",
    "worst": "",
    "mood": "6",
    "dose": "1",
}


def record(kind: Kind, mapping: Map, row: dict[str, str]) -> Record:
    return read(kind, mapping, row, 1, PATIENT, NOW)


class TestDosingSessions:
    def test_are_read_with_begin_end_and_dose(self) -> None:
        history = record(Kind.DOSING_SESSIONS, SESSIONS, DOSE).content

        assert isinstance(history, SessionHistory)
        assert (history.scheduled_at, history.dose_started_at) == (datetime(2024, 5, 1, 8, tzinfo=UTC),) * 2
        assert history.dose_ended_at == datetime(2024, 5, 1, 8, 45, tzinfo=UTC)
        assert (history.substance, history.route, history.dose_mg) == (Substance.KETAMINE, DoseRoute.IM, 62.5)
        assert history.remark is None

    def test_may_lack_what_the_source_does_not_say(self) -> None:
        history = record(
            Kind.DOSING_SESSIONS, SESSIONS, DOSE | {"to": "", "drug": "none", "route": "", "mg": ""}
        ).content

        assert isinstance(history, SessionHistory)
        assert (history.dose_ended_at, history.substance, history.route, history.dose_mg) == (None,) * 4

    @pytest.mark.parametrize(
        ("but", "reason", "column"),
        [
            ({"mg": "6250"}, "dose_out_of_range", "mg"),
            ({"mg": "0"}, "dose_out_of_range", "mg"),
            ({"mg": "-5"}, "dose_out_of_range", "mg"),
            ({"mg": "forty"}, "not_a_number", "mg"),
            ({"drug": "lsd"}, "unknown_value", "drug"),
            ({"route": "by mouth"}, "unknown_value", "route"),
            ({"route": "IN_esketamine"}, "route_needs_esketamine", "route"),
            ({"from": "2026-11-23 10:00", "to": ""}, "in_the_future", "from"),
            ({"to": "2024-05-01 09:59"}, "ends_before_start", "to"),
            ({"to": "2024-05-02 10:01"}, "too_long", "to"),
        ],
    )
    def test_are_refused_when_they_cannot_be_true(self, but: dict[str, str], reason: str, column: str) -> None:
        with pytest.raises(Fault) as fault:
            record(Kind.DOSING_SESSIONS, SESSIONS, DOSE | but)

        assert (fault.value.reason, fault.value.column, fault.value.skips) == (reason, column, False)


class TestAppointments:
    def test_are_read_with_attendance(self) -> None:
        history = record(Kind.APPOINTMENTS, VISITS, VISIT).content

        assert isinstance(history, AppointmentHistory)
        assert (history.kind, history.attendance, history.attended_minutes) == (
            AppointmentKind.CBT,
            Attendance.ATTENDED,
            48,
        )
        assert history.ends_at == datetime(2024, 5, 2, 8, 50, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("came", "reason", "remarks"),
        [
            ("no_show", AttendanceReason.JAIL, ()),
            ("left_early", AttendanceReason.JAIL, ()),
            ("cancelled_clinic", AttendanceReason.JAIL, ()),
            ("attended", None, ("reason_without_a_miss",)),
            ("", None, ("reason_without_a_miss",)),
        ],
    )
    def test_have_a_reason_only_beside_a_miss(
        self, came: str, reason: AttendanceReason | None, remarks: tuple[str, ...]
    ) -> None:
        found = record(Kind.APPOINTMENTS, VISITS, VISIT | {"came": came, "why": "jail", "minutes": ""})

        assert isinstance(found.content, AppointmentHistory)
        assert (found.content.reason, found.remarks) == (reason, remarks)

    def test_have_minutes_only_for_those_who_came(self) -> None:
        history = record(Kind.APPOINTMENTS, VISITS, VISIT | {"came": "no_show"}).content

        assert isinstance(history, AppointmentHistory)
        assert history.attended_minutes is None

    def test_may_lie_ahead_while_nobody_attended_them(self) -> None:
        ahead = VISIT | {"from": "2027-01-01 10:00", "to": "2027-01-01 10:00", "came": ""}

        history = record(Kind.APPOINTMENTS, VISITS, ahead).content

        assert isinstance(history, AppointmentHistory)
        assert (history.attendance, history.ends_at) == (None, None)

    @pytest.mark.parametrize(
        ("but", "reason", "column"),
        [
            ({"kind": ""}, "no_kind", "kind"),
            ({"kind": "yoga"}, "unknown_value", "kind"),
            ({"came": "perhaps"}, "unknown_value", "came"),
            ({"minutes": "1441"}, "value_not_permitted", "minutes"),
            ({"minutes": "long"}, "not_a_whole_number", "minutes"),
            ({"to": "2024-05-03 10:01"}, "too_long", "to"),
            ({"from": "2027-01-01 10:00", "to": ""}, "in_the_future", "from"),
        ],
    )
    def test_are_refused_when_they_cannot_be_true(self, but: dict[str, str], reason: str, column: str) -> None:
        with pytest.raises(Fault) as fault:
            record(Kind.APPOINTMENTS, VISITS, VISIT | but)

        assert (fault.value.reason, fault.value.column) == (reason, column)


class TestCheckIns:
    def test_hold_a_response_for_each_instrument_that_was_answered(self) -> None:
        both = record(Kind.CHECK_INS, CHECK_INS, REPORT).content
        one = record(Kind.CHECK_INS, CHECK_INS, REPORT | {"craving": ""}).content

        assert isinstance(both, Report)
        assert isinstance(one, Report)
        assert [response.answers for response in both.content.responses] == [{"now": 3, "peak": None}, {"now": 6}]
        assert both.content.responses[0].substance == "alcohol"
        assert [response.instrument for response in one.content.responses] == ["mood_nrs"]
        assert both.content.note is None

    def test_name_the_session_that_the_source_names_by_the_id_of_its_import(self) -> None:
        by_number = make_map(BASE | {"substance": {"is": "ketamine"}, "row": ["dose"]}, Kind.DOSING_SESSIONS)
        session = record(Kind.DOSING_SESSIONS, by_number, DOSE | {"dose": "1"}).content
        report = record(Kind.CHECK_INS, CHECK_INS, REPORT).content
        unnamed = record(Kind.CHECK_INS, CHECK_INS, REPORT | {"dose": ""}).content

        assert isinstance(report, Report)
        assert isinstance(unnamed, Report)
        assert report.content.dosing_session_id == session.id
        assert unnamed.content.dosing_session_id is None

    @pytest.mark.parametrize(
        ("but", "reason", "column", "skips"),
        [
            ({"craving": "", "mood": ""}, "unanswered", None, True),
            ({"drug": "Red Wine"}, "substance_name", "drug", False),
            ({"mood": "fine"}, "not_a_whole_number", "mood", False),
            ({"from": ""}, "no_time", "from", False),
        ],
    )
    def test_are_left_out_or_refused(
        self, but: dict[str, str], reason: str, column: str | None, *, skips: bool
    ) -> None:
        with pytest.raises(Fault) as fault:
            record(Kind.CHECK_INS, CHECK_INS, REPORT | but)

        assert (fault.value.reason, fault.value.column, fault.value.skips) == (reason, column, skips)

    @pytest.mark.parametrize(
        ("pointer", "column"),
        [
            ("/responses/0/answers/now", "craving"),
            ("/responses/1/answers/now", "mood"),
            ("/responses/0/substance", "drug"),
            ("/responses/1/substance", None),
            ("/responses/0", None),
            ("/recorded_at", None),
        ],
    )
    def test_have_their_faults_named_by_column(self, pointer: str, column: str | None) -> None:
        assert column_at(CHECK_INS, pointer) == column
