"""Where a moment of a patient belongs: which dosing session, which appointment, and which phase around the dose.

Pure functions of a moment and the patient's anchors (the dosing sessions and appointments on the timeline). No clock,
no database, no memory of an earlier answer: whenever an anchor moves, starts, ends or is cancelled, the same function
is run again for the moments that the change can reach (`affected_span`) and for those that name the anchor.

How a link is found, strongest first:

1. A clinician's correction decides both halves of the link, also when it says "belongs to none".
2. The client's word decides the half it speaks of. A client that names an appointment says nothing about the dose, so
   the dosing session is still found by time, and the other way round. A named thing that is not on the timeline is
   passed over.
3. Time decides the rest, unless the device's clock is suspect.

Every window includes its first instant and excludes its last, to the microsecond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.protocols.rules import Linking

A_DAY: Final = timedelta(hours=24)
THREE_DAYS: Final = timedelta(hours=72)
A_MINUTE: Final = timedelta(minutes=1)


class AnchorKind(StrEnum):
    """What holds a place on a patient's timeline."""

    DOSING_SESSION = "dosing_session"
    APPOINTMENT = "appointment"


class Phase(StrEnum):
    """Where a moment lies around a dose, counted from the start of the dose.

    `before`: up to the clinic's limit before it (72 h). `during`: until the recorded end, or the clinic's default
    length. `0_24h`, `24_72h`, `72h_14d`: afterwards, up to the clinic's limit (14 days).
    """

    BEFORE = "before"
    DURING = "during"
    FIRST_DAY = "0_24h"
    SECOND_AND_THIRD_DAY = "24_72h"
    TO_TWO_WEEKS = "72h_14d"


class How(StrEnum):
    """Who said that a moment belongs where it does: the client, the clock, or a clinician's correction."""

    CLIENT = "client"
    TIME = "time"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True)
class LinkingWindows:
    """The clinic's limits, from its protocol. Each of them is a default that the clinic's medical lead signs off."""

    before: timedelta
    """How long before a dose a moment counts as `before`."""
    dosing_session: timedelta
    """Length of a dose without a recorded end."""
    after: timedelta
    """How long after the start of a dose a moment still belongs to it. Nothing is linked by time past this."""
    appointment: timedelta
    """Length of an appointment without a planned end."""
    appointment_after: timedelta
    """How long after its end a moment still belongs to an appointment."""

    @classmethod
    def of(cls, linking: Linking) -> "LinkingWindows":
        """Take the limits from a protocol."""
        return cls(
            before=timedelta(hours=linking.before_hours),
            dosing_session=timedelta(minutes=linking.dosing_session_minutes),
            after=timedelta(days=linking.after_days),
            appointment=timedelta(minutes=linking.appointment_minutes),
            appointment_after=timedelta(hours=linking.appointment_after_hours),
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A dosing session or an appointment, as far as linking needs to know it.

    `cancelled` means that it does not take place: a cancelled or aborted session without a dose, a cancelled or missed
    appointment. `started_at` and `ended_at` are the recorded start and end of the dose; an appointment has neither.
    `ends_at` is the planned end of an appointment.
    """

    id: UUID
    kind: AnchorKind
    scheduled_at: datetime
    ends_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled: bool = False

    @property
    def begins_at(self) -> datetime:
        """The start of the dose, or the planned start until there is one."""
        return self.started_at or self.scheduled_at


@dataclass(frozen=True, slots=True)
class Moment:
    """Something a patient reported, as far as linking needs to know it.

    `placeable` is False when the device's clock is suspect. `corrected` is True when a clinician has decided; the two
    `corrected_` ids then count, also when both are None, which means that the moment belongs to none.
    """

    at: datetime
    placeable: bool = True
    named_dosing_session_id: UUID | None = None
    named_appointment_id: UUID | None = None
    corrected: bool = False
    corrected_dosing_session_id: UUID | None = None
    corrected_appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What a moment belongs to.

    `phase` and `minutes_from_dose` speak of the linked dosing session. `minutes_from_dose` counts whole minutes from
    the recorded start of the dose, rounded down and negative before it; None until a dose has started. `phase` is None
    when a session was named from outside its windows, or named although it was cancelled.
    `how` names the strongest voice of the two halves; None when there is no link at all.
    """

    dosing_session_id: UUID | None = None
    appointment_id: UUID | None = None
    phase: Phase | None = None
    minutes_from_dose: int | None = None
    how: How | None = None


NO_LINK: Final = Link()

WHEN_WINDOWS_OVERLAP: Final[tuple[frozenset[Phase], ...]] = (
    frozenset({Phase.DURING}),
    frozenset({Phase.FIRST_DAY}),
    frozenset({Phase.BEFORE}),
    frozenset({Phase.SECOND_AND_THIRD_DAY, Phase.TO_TWO_WEEKS}),
)
"""Which session wins when a moment lies in the windows of several: the first line that has one. Within a line the
latest dose wins, except before a dose, where the next one does."""


def link(moment: Moment, anchors: Sequence[Anchor], windows: LinkingWindows) -> Link:
    """Say what a moment belongs to. The order of the anchors does not matter."""
    if moment.corrected:
        return _by_clinician(moment, anchors, windows)
    if not anchors:
        return NO_LINK
    near = _near(moment.at, anchors, windows) if moment.placeable else ()
    if moment.named_dosing_session_id is None and moment.named_appointment_id is None:
        return _by_time(moment, near, windows)
    return _by_client(moment, anchors, near, windows)


def phase_of(at: datetime, session: Anchor, windows: LinkingWindows) -> Phase | None:
    """Say in which phase of this session a moment lies; None outside all of them.

    Before a dose has started only the planned start is known: up to it the moment is `before`, and after it nothing can
    be said until the dose starts (the moment is then linked again).
    """
    if session.cancelled:
        return None
    since = at - session.begins_at
    if since < timedelta(0):
        return Phase.BEFORE if since >= -windows.before else None
    if session.started_at is None or since >= windows.after:
        return None
    if at < (session.ended_at or session.started_at + windows.dosing_session):
        return Phase.DURING
    if since < A_DAY:
        return Phase.FIRST_DAY
    return Phase.SECOND_AND_THIRD_DAY if since < THREE_DAYS else Phase.TO_TWO_WEEKS


def minutes_from_dose(at: datetime, session: Anchor) -> int | None:
    """Count whole minutes from the start of the dose, rounded down; None while there is no dose."""
    if session.started_at is None or session.cancelled:
        return None
    return (at - session.started_at) // A_MINUTE


def affected_span(old: Anchor | None, new: Anchor | None, windows: LinkingWindows) -> tuple[datetime, datetime] | None:
    """Say which moments may be linked otherwise by time when `old` becomes `new`; None when there are none.

    The first instant is included, the second is not. Moments that name the anchor, or were corrected to it, must be
    linked again as well, whenever they were.
    """
    reaches = [_reach(anchor, windows) for anchor in (old, new) if anchor is not None and not anchor.cancelled]
    if not reaches or old == new:
        return None
    return min(first for first, _ in reaches), max(last for _, last in reaches)


def _reach(anchor: Anchor, windows: LinkingWindows) -> tuple[datetime, datetime]:
    """From when until when a moment can be linked to this anchor by time."""
    if anchor.kind == AnchorKind.APPOINTMENT:
        return anchor.scheduled_at, _end_of(anchor, windows) + windows.appointment_after
    until = anchor.scheduled_at if anchor.started_at is None else anchor.started_at + windows.after
    return anchor.begins_at - windows.before, until


def _by_clinician(moment: Moment, anchors: Sequence[Anchor], windows: LinkingWindows) -> Link:
    session = _called(moment.corrected_dosing_session_id, AnchorKind.DOSING_SESSION, anchors)
    appointment = _called(moment.corrected_appointment_id, AnchorKind.APPOINTMENT, anchors)
    return _linked(moment, session, appointment, How.CLINICIAN, windows)


def _by_client(moment: Moment, anchors: Sequence[Anchor], near: Sequence[Anchor], windows: LinkingWindows) -> Link:
    session = _called(moment.named_dosing_session_id, AnchorKind.DOSING_SESSION, anchors)
    appointment = _called(moment.named_appointment_id, AnchorKind.APPOINTMENT, anchors)
    if session is None and appointment is None:
        return _by_time(moment, near, windows)
    return _linked(
        moment,
        session or _session_by_time(moment.at, near, windows),
        appointment or _appointment_by_time(moment.at, near, windows),
        How.CLIENT,
        windows,
    )


def _by_time(moment: Moment, near: Sequence[Anchor], windows: LinkingWindows) -> Link:
    session = _session_by_time(moment.at, near, windows)
    appointment = _appointment_by_time(moment.at, near, windows)
    if session is None and appointment is None:
        return NO_LINK
    return _linked(moment, session, appointment, How.TIME, windows)


def _linked(
    moment: Moment, session: Anchor | None, appointment: Anchor | None, how: How, windows: LinkingWindows
) -> Link:
    in_time = session is not None and moment.placeable
    return Link(
        dosing_session_id=session.id if session else None,
        appointment_id=appointment.id if appointment else None,
        phase=phase_of(moment.at, session, windows) if session and in_time else None,
        minutes_from_dose=minutes_from_dose(moment.at, session) if session and in_time else None,
        how=how,
    )


def _called(anchor_id: UUID | None, kind: AnchorKind, anchors: Sequence[Anchor]) -> Anchor | None:
    if anchor_id is None:
        return None
    return next((anchor for anchor in anchors if anchor.id == anchor_id and anchor.kind == kind), None)


def _near(at: datetime, anchors: Sequence[Anchor], windows: LinkingWindows) -> list[Anchor]:
    """Keep the few anchors that can matter: this loop sees all of a patient's, the rest only what it leaves."""
    earliest, latest = at - windows.after, at + windows.before
    return [
        anchor
        for anchor in anchors
        if earliest < (anchor.started_at or anchor.scheduled_at) <= latest and not anchor.cancelled
    ]


def _session_by_time(at: datetime, near: Sequence[Anchor], windows: LinkingWindows) -> Anchor | None:
    sessions = [anchor for anchor in near if anchor.kind == AnchorKind.DOSING_SESSION]
    if len(sessions) == 1:
        return sessions[0] if phase_of(at, sessions[0], windows) else None
    phases = [(phase_of(at, session, windows), session) for session in sessions]
    for line in WHEN_WINDOWS_OVERLAP:
        fitting = [session for phase, session in phases if phase in line]
        if fitting:
            pick = min if Phase.BEFORE in line else max
            return pick(fitting, key=lambda session: (session.begins_at, session.id))
    return None


def _appointment_by_time(at: datetime, near: Sequence[Anchor], windows: LinkingWindows) -> Anchor | None:
    """Find the appointment that is on, else the one that ended last; of several that are on, the one begun last."""
    begun = [anchor for anchor in near if anchor.kind == AnchorKind.APPOINTMENT and anchor.scheduled_at <= at]
    fitting = [anchor for anchor in begun if at < _end_of(anchor, windows) + windows.appointment_after]
    if not fitting:
        return None
    return max(fitting, key=lambda anchor: (min(_end_of(anchor, windows), at), anchor.scheduled_at, anchor.id))


def _end_of(appointment: Anchor, windows: LinkingWindows) -> datetime:
    return appointment.ends_at or appointment.scheduled_at + windows.appointment
