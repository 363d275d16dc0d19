"""The stages of a supervised dosing session, and what may be written down about a dose.

Pure tables and functions. The order of stages is a proposal of ours, to be corrected by a clinician.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from app.core.errors import FieldError, InvalidRequest
from app.core.moves import IllegalMove, Moves


class SessionStage(StrEnum):
    """How far a session has come.

    `scheduled`: planned. `checked_in`: the patient is here. `cleared`: a prescriber said that the dose may be given.
    `dosing`: it is being given. `monitoring`: it was given, the patient is watched. `discharge_ready`: every criterion
    is met. `discharged`: the patient went home. `closed`: the record is complete. Beside the way: `held` (waits for a
    prescriber), `cancelled` (will not take place), `aborted` (the dose was stopped), `transferred` (emergency).
    """

    SCHEDULED = "scheduled"
    CHECKED_IN = "checked_in"
    CLEARED = "cleared"
    DOSING = "dosing"
    MONITORING = "monitoring"
    DISCHARGE_READY = "discharge_ready"
    DISCHARGED = "discharged"
    CLOSED = "closed"
    HELD = "held"
    CANCELLED = "cancelled"
    ABORTED = "aborted"
    TRANSFERRED = "transferred"


class SessionAction(StrEnum):
    """What people do with a session; the names are those of the addresses. `move` plans it for another time."""

    MOVE = "move"
    ARRIVAL = "arrival"
    CLEARANCE = "clearance"
    DOSE = "dose"
    DOSE_END = "dose-end"
    READINESS = "readiness"
    DISCHARGE = "discharge"
    CLOSURE = "closure"
    HOLD = "hold"
    ABORT = "abort"
    TRANSFER = "transfer"
    CANCELLATION = "cancellation"


MAY_FOLLOW: Final[dict[SessionStage, frozenset[SessionStage]]] = {
    SessionStage.SCHEDULED: frozenset({SessionStage.SCHEDULED, SessionStage.CHECKED_IN, SessionStage.CANCELLED}),
    SessionStage.CHECKED_IN: frozenset(
        {SessionStage.CLEARED, SessionStage.HELD, SessionStage.CANCELLED, SessionStage.TRANSFERRED}
    ),
    SessionStage.HELD: frozenset({SessionStage.CLEARED, SessionStage.CANCELLED, SessionStage.TRANSFERRED}),
    SessionStage.CLEARED: frozenset(
        {
            SessionStage.DOSING,
            SessionStage.CLEARED,
            SessionStage.HELD,
            SessionStage.CANCELLED,
            SessionStage.TRANSFERRED,
        }
    ),
    SessionStage.DOSING: frozenset({SessionStage.MONITORING, SessionStage.ABORTED, SessionStage.TRANSFERRED}),
    SessionStage.ABORTED: frozenset({SessionStage.DISCHARGE_READY, SessionStage.TRANSFERRED}),
    SessionStage.MONITORING: frozenset({SessionStage.DISCHARGE_READY, SessionStage.TRANSFERRED}),
    SessionStage.DISCHARGE_READY: frozenset(
        {SessionStage.DISCHARGED, SessionStage.DISCHARGE_READY, SessionStage.TRANSFERRED}
    ),
    SessionStage.DISCHARGED: frozenset({SessionStage.CLOSED}),
    SessionStage.TRANSFERRED: frozenset({SessionStage.CLOSED}),
    SessionStage.CLOSED: frozenset(),
    SessionStage.CANCELLED: frozenset(),
}
"""Which stage may follow which. Once a dose has begun there is no cancelling, only stopping.

A stage that may follow itself can be entered again: a plan is moved, a clearance renewed, readiness looked at anew.
"""

FALLS_BACK: Final[dict[SessionStage, SessionStage]] = {
    SessionStage.CHECKED_IN: SessionStage.HELD,
    SessionStage.CLEARED: SessionStage.HELD,
    SessionStage.DISCHARGE_READY: SessionStage.MONITORING,
}
"""Where a session goes without anybody having asked for it: what was written down says that something is not so."""

LEADS_TO: Final[dict[SessionAction, frozenset[SessionStage]]] = {
    SessionAction.MOVE: frozenset({SessionStage.SCHEDULED}),
    SessionAction.ARRIVAL: frozenset({SessionStage.CHECKED_IN}),
    SessionAction.CLEARANCE: frozenset({SessionStage.CLEARED}),
    SessionAction.DOSE: frozenset({SessionStage.DOSING}),
    SessionAction.DOSE_END: frozenset({SessionStage.MONITORING}),
    SessionAction.READINESS: frozenset({SessionStage.DISCHARGE_READY}),
    SessionAction.DISCHARGE: frozenset({SessionStage.DISCHARGED}),
    SessionAction.CLOSURE: frozenset({SessionStage.CLOSED}),
    SessionAction.HOLD: frozenset({SessionStage.HELD}),
    SessionAction.ABORT: frozenset({SessionStage.ABORTED}),
    SessionAction.TRANSFER: frozenset({SessionStage.TRANSFERRED}),
    SessionAction.CANCELLATION: frozenset({SessionStage.CANCELLED}),
}

MOVES: Final = Moves(MAY_FOLLOW, LEADS_TO, frozenset({SessionAction.HOLD, SessionAction.ABORT, SessionAction.TRANSFER}))

BEFORE_DOSE: Final = frozenset(
    {SessionStage.SCHEDULED, SessionStage.CHECKED_IN, SessionStage.HELD, SessionStage.CLEARED}
)
WATCHED: Final = frozenset(
    {SessionStage.DOSING, SessionStage.ABORTED, SessionStage.MONITORING, SessionStage.DISCHARGE_READY}
)
"""Stages in which the drug is at work and somebody is with the patient."""

OPEN: Final = frozenset(SessionStage) - {SessionStage.SCHEDULED, SessionStage.CLOSED, SessionStage.CANCELLED}
"""Stages in which the patient signs nothing: from the arrival until the record is closed or the session cancelled."""


@cache
def open_moves(stage: SessionStage) -> tuple[SessionAction, ...]:
    """List what can be done with a session at this stage."""
    return tuple(MOVES.open(stage))


def check_move(stage: SessionStage, action: SessionAction) -> SessionStage:
    """Return the stage that the action leads to, or raise `IllegalMove`."""
    MOVES.check(stage, action)
    (target,) = LEADS_TO[action]
    return target


CHECKLIST_OPEN: Final = frozenset({SessionStage.CHECKED_IN, SessionStage.HELD, SessionStage.CLEARED})
"""Stages in which the checklist is written down: the patient is here, and nothing was given yet."""


def check_no_show(stage: SessionStage, scheduled_at: datetime, *, now: datetime) -> None:
    """Refuse to say that nobody came when somebody did, or may still come; raises `InvalidRequest` with a pointer."""
    if stage is not SessionStage.SCHEDULED:
        fault = FieldError("/no_show", "somebody_came", "The patient arrived.")
    elif now < scheduled_at:
        fault = FieldError("/no_show", "may_still_come", "The session has not begun by its plan.")
    else:
        return
    raise InvalidRequest(errors=[fault])


def check_fall(stage: SessionStage, to_stage: SessionStage) -> None:
    """Raise `IllegalMove` unless the session may fall back to this stage."""
    if FALLS_BACK.get(stage) is not to_stage:
        raise IllegalMove(current=stage, open_moves=open_moves(stage))


def check_is_being_given(stage: SessionStage) -> None:
    """Raise `IllegalMove` unless a dose is being given now."""
    if stage is not SessionStage.DOSING:
        missing = MOVES.missing(stage, frozenset({SessionStage.MONITORING}))
        raise IllegalMove(current=stage, open_moves=open_moves(stage), missing=missing)


def check_is_open_to_checklist(stage: SessionStage) -> None:
    """Raise `IllegalMove` unless the checklist can be written down now."""
    if stage not in CHECKLIST_OPEN:
        missing = [SessionAction.ARRIVAL] if stage is SessionStage.SCHEDULED else []
        raise IllegalMove(current=stage, open_moves=open_moves(stage), missing=missing)


class Substance(StrEnum):
    """What was given. Sessions run here give ketamine or esketamine; the others occur in imported history."""

    KETAMINE = "ketamine"
    ESKETAMINE = "esketamine"
    BUPRENORPHINE = "buprenorphine"
    METHADONE = "methadone"


class SessionOrigin(StrEnum):
    """Whether a session was run with this service, or entered as history from elsewhere."""

    CLINIC = "clinic"
    IMPORTED = "imported"


class DoseRoute(StrEnum):
    """The way into the body.

    `IV` into a vein, `IM` into a muscle, `SC` under the skin, `IN_esketamine` the nasal spray, `SL` under the tongue,
    `PO` swallowed.
    """

    IV = "IV"
    IM = "IM"
    SC = "SC"
    IN_ESKETAMINE = "IN_esketamine"
    SL = "SL"
    PO = "PO"


class Contraindication(StrEnum):
    """What stops a dose unless a prescriber says why not (US label of esketamine)."""

    ANEURYSMAL_VASCULAR_DISEASE = "aneurysmal_vascular_disease"
    ARTERIOVENOUS_MALFORMATION = "arteriovenous_malformation"
    INTRACEREBRAL_HAEMORRHAGE = "intracerebral_haemorrhage"
    HYPERSENSITIVITY = "hypersensitivity"


class ToReview(StrEnum):
    """What a prescriber has to look at before a dose."""

    UNCONTROLLED_HYPERTENSION = "uncontrolled_hypertension"
    RECENT_INFARCTION_OR_HEART_FAILURE = "recent_infarction_or_heart_failure"
    RAISED_INTRACRANIAL_PRESSURE = "raised_intracranial_pressure"
    RAISED_OCULAR_PRESSURE = "raised_ocular_pressure"
    UNTREATED_HYPERTHYROIDISM = "untreated_hyperthyroidism"
    SEVERE_LIVER_DISEASE = "severe_liver_disease"
    PREGNANCY_OR_BREAST_FEEDING = "pregnancy_or_breast_feeding"
    INTERSTITIAL_CYSTITIS = "interstitial_cystitis"
    KETAMINE_USE_DISORDER = "ketamine_use_disorder"


class SubstanceTested(StrEnum):
    """What a urine drug screen looks for."""

    ALCOHOL = "alcohol"
    AMPHETAMINE = "amphetamine"
    BARBITURATES = "barbiturates"
    BENZODIAZEPINES = "benzodiazepines"
    BUPRENORPHINE = "buprenorphine"
    CANNABIS = "cannabis"
    COCAINE = "cocaine"
    FENTANYL = "fentanyl"
    KETAMINE = "ketamine"
    MDMA = "mdma"
    METHADONE = "methadone"
    METHAMPHETAMINE = "methamphetamine"
    OPIATES = "opiates"
    OXYCODONE = "oxycodone"
    PCP = "pcp"
    TRAMADOL = "tramadol"
    OTHER = "other"


LEAST_DOSE_MG: Final = 0.5
MOST_DOSE_MG: Final = 500
"""Outside of these a figure is taken for a slip of the hand (a factor of ten, micrograms). No dosing advice."""

LONGEST_DOSE: Final = timedelta(hours=24)
OLDEST_ENTRY: Final = timedelta(days=7)
"""What began longer ago than this is history, and comes in by import."""


def check_dose(
    substance: Substance,
    route: DoseRoute,
    started_at: datetime,
    *,
    now: datetime,
    tolerance: timedelta,
    entered_at: datetime | None = None,
) -> None:
    """Refuse a dose that cannot be true; raises `InvalidRequest` with a pointer to each field at fault.

    `entered_at` is when a dose that is corrected was written down first; it may be corrected any time later.
    """
    faults = []
    if route is DoseRoute.IN_ESKETAMINE and substance is not Substance.ESKETAMINE:
        faults.append(FieldError("/route", "route_needs_esketamine", "The nasal spray contains esketamine."))
    if started_at > now + tolerance:
        faults.append(FieldError("/dose_started_at", "in_the_future", "A dose is recorded when it begins, not before."))
    if started_at < (entered_at or now) - OLDEST_ENTRY:
        faults.append(FieldError("/dose_started_at", "too_long_ago", "Older history comes in by import."))
    if faults:
        raise InvalidRequest(errors=faults)


def check_dose_end(started_at: datetime, ended_at: datetime, *, now: datetime, tolerance: timedelta) -> None:
    """Refuse an end that cannot be true; raises `InvalidRequest` with a pointer."""
    if ended_at > now + tolerance:
        fault = FieldError("/dose_ended_at", "in_the_future", "The end is recorded when it comes, not before.")
    elif ended_at < started_at:
        fault = FieldError("/dose_ended_at", "ends_before_start", "The dose cannot end before it began.")
    elif ended_at > started_at + LONGEST_DOSE:
        fault = FieldError("/dose_ended_at", "too_long", "A dose does not last longer than a day.")
    else:
        return
    raise InvalidRequest(errors=[fault])
