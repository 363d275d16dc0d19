"""Kinds, statuses and attendance of appointments.

Statuses and participant statuses are the codes of FHIR R4 (value sets `appointmentstatus` and `participationstatus`).
The list of reasons for a miss follows those that addiction trials record (NIDA CTN-0094).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from app.appointments.errors import TooLateToCancel
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import instant_text
from app.core.moves import IllegalMove, Moves
from app.protocols.day_figures import Booking


class AppointmentKind(StrEnum):
    """What an appointment is for: the modality of therapy or care."""

    CBT = "cbt"
    MINDFULNESS = "mindfulness"
    MBRP = "mbrp"
    MET = "met"
    RELAPSE_PREVENTION = "relapse_prevention"
    INTEGRATION = "integration"
    PREPARATION = "preparation"
    SUPPORT_GROUP = "support_group"
    TWELVE_STEP = "twelve_step"
    CONTINGENCY_MANAGEMENT = "contingency_management"
    FAMILY = "family"
    MEDICATION_FOR_SUD = "medication_for_sud"
    PEER_SUPPORT = "peer_support"
    MEDICAL_REVIEW = "medical_review"
    KETAMINE_SESSION = "ketamine_session"


class AppointmentFormat(StrEnum):
    """Who meets."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    FAMILY = "family"


class AppointmentChannel(StrEnum):
    """How they meet."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"


class AppointmentStatus(StrEnum):
    """The ten codes of FHIR R4. `fulfilled` and `noshow` only come from recorded attendance."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"
    CHECKED_IN = "checked-in"
    WAITLIST = "waitlist"


class AppointmentAction(StrEnum):
    """What people do with an appointment; the names are those of the addresses. `move` is the `PUT` that replans it."""

    MOVE = "move"
    ARRIVAL = "arrival"
    ATTENDANCE = "attendance"
    CANCELLATION = "cancellation"


class Attendance(StrEnum):
    """Whether the patient took part."""

    ATTENDED = "attended"
    LATE = "late"
    LEFT_EARLY = "left_early"
    CANCELLED_PATIENT = "cancelled_patient"
    CANCELLED_CLINIC = "cancelled_clinic"
    NO_SHOW = "no_show"


class AttendanceReason(StrEnum):
    """Why an appointment was missed, cut short or cancelled."""

    ILLNESS = "illness"
    HOSPITAL = "hospital"
    JAIL = "jail"
    FORGOT = "forgot"
    TRANSPORT = "transport"
    WORK_OR_FAMILY = "work_or_family"
    VACATION = "vacation"
    MOVED_AWAY = "moved_away"
    DROPPED_OUT = "dropped_out"
    FOURTEEN_MISSED = "fourteen_missed"
    STAFF_UNAVAILABLE = "staff_unavailable"
    RESCHEDULED = "rescheduled"
    ENTERED_IN_ERROR = "entered_in_error"
    OTHER = "other"
    UNKNOWN = "unknown"


OWN_REASONS: Final = (
    AttendanceReason.ILLNESS,
    AttendanceReason.HOSPITAL,
    AttendanceReason.TRANSPORT,
    AttendanceReason.WORK_OR_FAMILY,
    AttendanceReason.VACATION,
    AttendanceReason.MOVED_AWAY,
    AttendanceReason.OTHER,
    AttendanceReason.UNKNOWN,
)
"""What patients give as a reason themselves; the others are the clinic's to say."""


class AppointmentOrigin(StrEnum):
    """Whether an appointment was planned with this service, or entered as history from elsewhere."""

    CLINIC = "clinic"
    IMPORTED = "imported"


class ParticipantRole(StrEnum):
    """Who a participant is. A guest is somebody without an account, such as a relative."""

    PATIENT = "patient"
    STAFF = "staff"
    GUEST = "guest"


class ParticipantStatus(StrEnum):
    """Whether a participant will come (FHIR R4)."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    NEEDS_ACTION = "needs-action"


PLANNED: Final = frozenset(
    {AppointmentStatus.PROPOSED, AppointmentStatus.PENDING, AppointmentStatus.WAITLIST, AppointmentStatus.BOOKED}
)
"""Statuses that planning may give, and from which it may be replanned."""

TOOK_PART: Final = frozenset({Attendance.ATTENDED, Attendance.LATE, Attendance.LEFT_EARLY})

RECORDED_AFTERWARDS: Final = TOOK_PART | {Attendance.NO_SHOW}
"""What the attendance of an appointment can be recorded as; the rest comes from cancelling it."""

TAKES_NO_PLACE: Final = frozenset(
    {
        AppointmentStatus.PROPOSED,
        AppointmentStatus.WAITLIST,
        AppointmentStatus.CANCELLED,
        AppointmentStatus.NOSHOW,
        AppointmentStatus.ENTERED_IN_ERROR,
    }
)
"""An appointment with one of these is no place in time to which a check-in could belong by the clock."""

LONGEST: Final = timedelta(hours=24)
"""No appointment is planned to last longer; a later end is taken for a slip."""

_ENDINGS: Final = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.ENTERED_IN_ERROR})
_RECORDED: Final = frozenset({AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW})

MAY_FOLLOW: Final[dict[AppointmentStatus, frozenset[AppointmentStatus]]] = {
    AppointmentStatus.PROPOSED: PLANNED | _ENDINGS,
    AppointmentStatus.PENDING: PLANNED | _ENDINGS,
    AppointmentStatus.WAITLIST: PLANNED | _ENDINGS,
    AppointmentStatus.BOOKED: PLANNED
    | _ENDINGS
    | _RECORDED
    | {AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN},
    AppointmentStatus.ARRIVED: _ENDINGS | {AppointmentStatus.CHECKED_IN, AppointmentStatus.FULFILLED},
    AppointmentStatus.CHECKED_IN: _ENDINGS | {AppointmentStatus.FULFILLED},
    AppointmentStatus.FULFILLED: _RECORDED | {AppointmentStatus.ENTERED_IN_ERROR},
    AppointmentStatus.NOSHOW: _RECORDED | {AppointmentStatus.ENTERED_IN_ERROR},
    AppointmentStatus.CANCELLED: frozenset({AppointmentStatus.ENTERED_IN_ERROR}),
    AppointmentStatus.ENTERED_IN_ERROR: frozenset(),
}
"""Which status may follow which. Recorded attendance may be corrected; what was entered in error stays so."""

LEADS_TO: Final[dict[AppointmentAction, frozenset[AppointmentStatus]]] = {
    AppointmentAction.MOVE: PLANNED,
    AppointmentAction.ARRIVAL: frozenset({AppointmentStatus.ARRIVED}),
    AppointmentAction.ATTENDANCE: _RECORDED,
    AppointmentAction.CANCELLATION: _ENDINGS,
}

MOVES: Final = Moves(MAY_FOLLOW, LEADS_TO)


@cache
def open_moves(status: AppointmentStatus) -> tuple[AppointmentAction, ...]:
    """List what can be done with an appointment in this status."""
    return tuple(MOVES.open(status))


def check_planning(status: AppointmentStatus, wanted: AppointmentStatus) -> None:
    """Raise `IllegalMove` unless an appointment in this status may be replanned as `wanted`."""
    MOVES.check(status, AppointmentAction.MOVE, wanted)


def check_arrival(status: AppointmentStatus) -> None:
    """Raise `IllegalMove` unless the patient's arrival can be recorded."""
    MOVES.check(status, AppointmentAction.ARRIVAL)


def status_after_attendance(
    status: AppointmentStatus, attendance: Attendance, *, scheduled_at: datetime, now: datetime
) -> AppointmentStatus:
    """Return the status that recorded attendance leads to, or raise `IllegalMove`.

    Before its planned time an appointment has no attendance, unless the patient has arrived.
    """
    wanted = AppointmentStatus.FULFILLED if attendance in TOOK_PART else AppointmentStatus.NOSHOW
    MOVES.check(status, AppointmentAction.ATTENDANCE, wanted)
    if status is AppointmentStatus.BOOKED and now < scheduled_at:
        others = [move for move in open_moves(status) if move is not AppointmentAction.ATTENDANCE]
        raise IllegalMove(current=status, open_moves=others, missing=[AppointmentAction.ARRIVAL])
    return wanted


def status_after_cancellation(status: AppointmentStatus, reason: AttendanceReason) -> AppointmentStatus:
    """Return the status that cancelling leads to, or raise `IllegalMove`.

    With the reason `entered_in_error` the appointment never existed, whatever became of it since.
    """
    wanted = (
        AppointmentStatus.ENTERED_IN_ERROR
        if reason is AttendanceReason.ENTERED_IN_ERROR
        else AppointmentStatus.CANCELLED
    )
    MOVES.check(status, AppointmentAction.CANCELLATION, wanted)
    return wanted


def is_late(scheduled_at: datetime, booking: Booking, *, now: datetime) -> bool:
    """Tell whether an appointment is cancelled so late that nobody else can be given the time."""
    return now > scheduled_at - timedelta(hours=booking.late_cancellation_hours)


def check_own_cancellation(status: AppointmentStatus, scheduled_at: datetime, booking: Booking, now: datetime) -> None:
    """Raise unless the patient can cancel it in the app: `IllegalMove` once it has begun, `TooLateToCancel` before.

    What holds no time (it is only proposed, or waits for a place) can be let go of until it would begin.
    """
    if status not in PLANNED:
        raise IllegalMove(current=status, open_moves=())
    hours = 0 if status in TAKES_NO_PLACE else booking.patient_cancels_until_hours
    until = scheduled_at - timedelta(hours=hours)
    if now > until:
        raise TooLateToCancel(until=instant_text(until))


def status_of_history(attendance: Attendance | None) -> AppointmentStatus:
    """Return the status of an appointment of the past, of which nothing but the attendance is known."""
    if attendance is None:
        return AppointmentStatus.BOOKED
    if attendance in TOOK_PART:
        return AppointmentStatus.FULFILLED
    return AppointmentStatus.NOSHOW if attendance is Attendance.NO_SHOW else AppointmentStatus.CANCELLED


def check_times(scheduled_at: datetime, ends_at: datetime | None) -> None:
    """Refuse an end that cannot be meant; raises `InvalidRequest` with a pointer."""
    if ends_at is None or scheduled_at < ends_at <= scheduled_at + LONGEST:
        return
    code = "ends_before_start" if ends_at <= scheduled_at else "too_long"
    fault = FieldError("/ends_at", code, "It must end after it begins, and within a day.")
    raise InvalidRequest(errors=[fault])


def check_attendance(attendance: Attendance, minutes: int | None, reason: AttendanceReason | None) -> None:
    """Refuse minutes of somebody who was not there, and reasons without a miss; raises `InvalidRequest`."""
    faults = []
    if attendance is Attendance.NO_SHOW and minutes is not None:
        faults.append(FieldError("/minutes", "not_for_no_show", "Somebody who was not there took part for no minutes."))
    if attendance is Attendance.ATTENDED and reason is not None:
        faults.append(FieldError("/reason", "not_for_attended", "There is nothing to give a reason for."))
    if reason is AttendanceReason.ENTERED_IN_ERROR:
        faults.append(FieldError("/reason", "only_for_cancellation", "Cancel what was entered in error."))
    if faults:
        raise InvalidRequest(errors=faults)


def check_participants(participants: Sequence[tuple[ParticipantRole, bool, bool]]) -> None:
    """Refuse participants who do not say who they are; raises `InvalidRequest` with pointers.

    Each is a role, whether a member of staff is named, and whether a name is given.
    """
    faults = []
    for index, (role, has_staff_id, has_name) in enumerate(participants):
        if has_staff_id != (role is ParticipantRole.STAFF):
            pointer = f"/participants/{index}/staff_id"
            faults.append(FieldError(pointer, "staff_only", "Needed for `staff`, and for nobody else."))
        if has_name != (role is ParticipantRole.GUEST):
            pointer = f"/participants/{index}/name"
            faults.append(FieldError(pointer, "guest_only", "Needed for `guest`, and for nobody else."))
    if sum(role is ParticipantRole.PATIENT for role, _, _ in participants) > 1:
        faults.append(FieldError("/participants", "one_patient", "An appointment is one patient's."))
    if faults:
        raise InvalidRequest(errors=faults)
