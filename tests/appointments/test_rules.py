from datetime import UTC, datetime, timedelta

import pytest

from app.appointments.errors import TooLateToCancel
from app.appointments.rules import (
    LEADS_TO,
    MAY_FOLLOW,
    PLANNED,
    AppointmentAction,
    AppointmentStatus,
    Attendance,
    AttendanceReason,
    ParticipantRole,
    check_arrival,
    check_attendance,
    check_own_cancellation,
    check_participants,
    check_planning,
    check_times,
    is_late,
    open_moves,
    status_after_attendance,
    status_after_cancellation,
    status_of_history,
)
from app.core.errors import InvalidRequest
from app.core.moves import IllegalMove
from app.protocols.day_figures import Booking

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def attended(
    status: AppointmentStatus, attendance: Attendance = Attendance.ATTENDED, *, since_start: timedelta = HOUR
) -> AppointmentStatus:
    return status_after_attendance(status, attendance, scheduled_at=NOW - since_start, now=NOW)


class TestStatuses:
    def test_are_the_ten_of_fhir_and_each_has_its_line(self) -> None:
        assert len(AppointmentStatus) == 10
        assert set(MAY_FOLLOW) == set(AppointmentStatus)
        assert set(LEADS_TO) == set(AppointmentAction)

    @pytest.mark.parametrize(
        ("status", "moves"),
        [
            (AppointmentStatus.PROPOSED, ["move", "cancellation"]),
            (AppointmentStatus.PENDING, ["move", "cancellation"]),
            (AppointmentStatus.WAITLIST, ["move", "cancellation"]),
            (AppointmentStatus.BOOKED, ["move", "arrival", "attendance", "cancellation"]),
            (AppointmentStatus.ARRIVED, ["attendance", "cancellation"]),
            (AppointmentStatus.CHECKED_IN, ["attendance", "cancellation"]),
            (AppointmentStatus.FULFILLED, ["attendance", "cancellation"]),
            (AppointmentStatus.NOSHOW, ["attendance", "cancellation"]),
            (AppointmentStatus.CANCELLED, ["cancellation"]),
            (AppointmentStatus.ENTERED_IN_ERROR, []),
        ],
    )
    def test_each_offers_its_moves(self, status: AppointmentStatus, moves: list[str]) -> None:
        assert list(open_moves(status)) == moves

    @pytest.mark.parametrize("status", AppointmentStatus)
    def test_only_a_plan_can_be_replanned(self, status: AppointmentStatus) -> None:
        for wanted in PLANNED:
            if status in PLANNED:
                check_planning(status, wanted)
            else:
                with pytest.raises(IllegalMove):
                    check_planning(status, wanted)

    def test_only_who_is_booked_arrives(self) -> None:
        check_arrival(AppointmentStatus.BOOKED)
        with pytest.raises(IllegalMove) as refused:
            check_arrival(AppointmentStatus.WAITLIST)
        assert refused.value.members["missing"] == ["move"]

    def test_fulfilled_comes_from_attendance_only(self) -> None:
        ways = {
            action
            for action, targets in LEADS_TO.items()
            if targets & {AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW}
        }

        assert ways == {AppointmentAction.ATTENDANCE}


class TestAttendance:
    @pytest.mark.parametrize("attendance", [Attendance.ATTENDED, Attendance.LATE, Attendance.LEFT_EARLY])
    def test_taking_part_fulfils(self, attendance: Attendance) -> None:
        assert attended(AppointmentStatus.BOOKED, attendance) is AppointmentStatus.FULFILLED
        assert attended(AppointmentStatus.ARRIVED, attendance) is AppointmentStatus.FULFILLED

    def test_not_coming_is_a_no_show(self) -> None:
        assert attended(AppointmentStatus.BOOKED, Attendance.NO_SHOW) is AppointmentStatus.NOSHOW

    def test_who_has_arrived_cannot_have_stayed_away(self) -> None:
        with pytest.raises(IllegalMove):
            attended(AppointmentStatus.ARRIVED, Attendance.NO_SHOW)

    def test_can_be_corrected(self) -> None:
        assert attended(AppointmentStatus.NOSHOW, Attendance.LATE) is AppointmentStatus.FULFILLED
        assert attended(AppointmentStatus.FULFILLED, Attendance.NO_SHOW) is AppointmentStatus.NOSHOW

    def test_begins_with_the_planned_begin(self) -> None:
        assert attended(AppointmentStatus.BOOKED, since_start=timedelta(0)) is AppointmentStatus.FULFILLED
        with pytest.raises(IllegalMove) as refused:
            attended(AppointmentStatus.BOOKED, since_start=-TICK)
        assert refused.value.members == {
            "current": "booked",
            "open_moves": ["move", "arrival", "cancellation"],
            "missing": ["arrival"],
        }

    def test_may_come_sooner_for_who_has_arrived(self) -> None:
        assert attended(AppointmentStatus.ARRIVED, since_start=-HOUR) is AppointmentStatus.FULFILLED

    @pytest.mark.parametrize(
        "status",
        [
            AppointmentStatus.PROPOSED,
            AppointmentStatus.WAITLIST,
            AppointmentStatus.CANCELLED,
            AppointmentStatus.ENTERED_IN_ERROR,
        ],
    )
    def test_of_what_does_not_take_place_there_is_none(self, status: AppointmentStatus) -> None:
        with pytest.raises(IllegalMove):
            attended(status)

    @pytest.mark.parametrize(
        ("attendance", "minutes", "reason", "pointers"),
        [
            (Attendance.ATTENDED, 50, None, []),
            (Attendance.LATE, 30, AttendanceReason.TRANSPORT, []),
            (Attendance.NO_SHOW, None, AttendanceReason.JAIL, []),
            (Attendance.NO_SHOW, 0, None, ["/minutes"]),
            (Attendance.ATTENDED, None, AttendanceReason.ILLNESS, ["/reason"]),
            (Attendance.NO_SHOW, 5, AttendanceReason.ENTERED_IN_ERROR, ["/minutes", "/reason"]),
        ],
    )
    def test_minutes_and_reasons_must_make_sense(
        self, attendance: Attendance, minutes: int | None, reason: AttendanceReason | None, pointers: list[str]
    ) -> None:
        if not pointers:
            check_attendance(attendance, minutes, reason)
            return
        with pytest.raises(InvalidRequest) as refused:
            check_attendance(attendance, minutes, reason)
        assert [fault.pointer for fault in refused.value.errors] == pointers


class TestCancellation:
    @pytest.mark.parametrize("status", [*PLANNED, AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN])
    def test_ends_what_has_not_been_recorded(self, status: AppointmentStatus) -> None:
        assert status_after_cancellation(status, AttendanceReason.ILLNESS) is AppointmentStatus.CANCELLED

    @pytest.mark.parametrize(
        "status", [AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW, AppointmentStatus.CANCELLED]
    )
    def test_cannot_undo_what_was_recorded_except_as_an_error(self, status: AppointmentStatus) -> None:
        with pytest.raises(IllegalMove):
            status_after_cancellation(status, AttendanceReason.ILLNESS)
        assert (
            status_after_cancellation(status, AttendanceReason.ENTERED_IN_ERROR) is AppointmentStatus.ENTERED_IN_ERROR
        )


class TestHistory:
    @pytest.mark.parametrize(
        ("attendance", "status"),
        [
            (None, AppointmentStatus.BOOKED),
            (Attendance.LATE, AppointmentStatus.FULFILLED),
            (Attendance.NO_SHOW, AppointmentStatus.NOSHOW),
            (Attendance.CANCELLED_PATIENT, AppointmentStatus.CANCELLED),
            (Attendance.CANCELLED_CLINIC, AppointmentStatus.CANCELLED),
        ],
    )
    def test_has_the_status_of_its_attendance(self, attendance: Attendance | None, status: AppointmentStatus) -> None:
        assert status_of_history(attendance) is status


class TestPlans:
    def test_end_after_they_begin_and_within_a_day(self) -> None:
        check_times(NOW, None)
        check_times(NOW, NOW + TICK)
        check_times(NOW, NOW + 24 * HOUR)
        for ends_at, code in ((NOW, "ends_before_start"), (NOW + 24 * HOUR + TICK, "too_long")):
            with pytest.raises(InvalidRequest) as refused:
                check_times(NOW, ends_at)
            assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/ends_at", code)]

    @pytest.mark.parametrize(
        ("participants", "pointers"),
        [
            ([], []),
            ([("patient", False, False), ("staff", True, False), ("guest", False, True)], []),
            ([("staff", False, False)], ["/participants/0/staff_id"]),
            ([("staff", True, True)], ["/participants/0/name"]),
            ([("patient", False, False), ("guest", True, False)], ["/participants/1/staff_id", "/participants/1/name"]),
            ([("patient", False, False), ("patient", False, False)], ["/participants"]),
        ],
    )
    def test_participants_say_who_they_are(
        self, participants: list[tuple[str, bool, bool]], pointers: list[str]
    ) -> None:
        given = [(ParticipantRole(role), has_id, has_name) for role, has_id, has_name in participants]
        if not pointers:
            check_participants(given)
            return
        with pytest.raises(InvalidRequest) as refused:
            check_participants(given)
        assert [fault.pointer for fault in refused.value.errors] == pointers


class TestOwnCancellation:
    @pytest.mark.parametrize(
        ("status", "before"),
        [("booked", 24 * HOUR), ("pending", 24 * HOUR), ("proposed", 0 * HOUR), ("waitlist", 0 * HOUR)],
    )
    def test_is_open_until_the_clinics_hours_before_or_the_begin_of_what_holds_no_time(
        self, status: str, before: timedelta
    ) -> None:
        check_own_cancellation(AppointmentStatus(status), NOW + before, Booking(), NOW)
        with pytest.raises(TooLateToCancel):
            check_own_cancellation(AppointmentStatus(status), NOW + before - TICK, Booking(), NOW)

    @pytest.mark.parametrize("status", sorted(set(AppointmentStatus) - PLANNED))
    def test_of_what_has_begun_or_is_over_is_no_move(self, status: AppointmentStatus) -> None:
        with pytest.raises(IllegalMove):
            check_own_cancellation(status, NOW + 48 * HOUR, Booking(), NOW)


class TestIsLate:
    @pytest.mark.parametrize(("before", "expected"), [(24 * HOUR, False), (24 * HOUR - TICK, True), (-HOUR, True)])
    def test_counts_from_the_clinics_hours_before(self, before: timedelta, expected: bool) -> None:
        assert is_late(NOW + before, Booking(), now=NOW) is expected
