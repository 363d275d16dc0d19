"""Pictures of invented sessions, for golden files and for looking at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from app.charts.pictures import AlignedPoint
from app.charts.session_pictures import (
    SESSION_PHONE,
    AlertMark,
    Bounds,
    Given,
    PlanMark,
    SessionPicture,
    State,
    StepMark,
    Vital,
)
from tests.charts.cases import BERLIN

BOUNDS: dict[Vital, Bounds] = {
    "systolic": Bounds(amber_above=140, red_above=180),
    "diastolic": Bounds(amber_above=90, red_above=110),
    "heart_rate": Bounds(50, 110, 40, 130),
    "spo2": Bounds(amber_below=94, red_below=90),
    "moaas": Bounds(amber_below=3.5, red_below=1.5),
}
BEGUN = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
Values = dict[Vital, tuple[AlignedPoint, ...]]


def values(minutes: Sequence[float], **series: Sequence[float | None]) -> Values:
    """Series over the same minutes; None where nothing was measured."""
    named: dict[Vital, Sequence[float | None]] = series  # type: ignore[assignment]
    return {
        vital: tuple(AlignedPoint(at, value) for at, value in zip(minutes, found, strict=True) if value is not None)
        for vital, found in named.items()
    }


def plan(**minutes: Sequence[float]) -> tuple[PlanMark, ...]:
    states: dict[State, Sequence[float]] = minutes  # type: ignore[assignment]
    return tuple(PlanMark(at, state) for state, marks in states.items() for at in marks)


UNEVENTFUL = SessionPicture(
    BEGUN,
    BERLIN,
    -52,
    141,
    45,
    values=values(
        (-28, 10, 20, 30, 40, 55, 70, 80, 85, 100, 120),
        systolic=(122, 128, 136, 141, 138, 134, 130, 128, 126, 124, 123),
        diastolic=(78, 80, 86, 90, 88, 84, 82, 80, 79, 78, 78),
        heart_rate=(68, 74, 80, 84, 82, 78, 74, 72, 70, 70, 69),
        spo2=(98, 97, 97, 96, 97, 98, 98, 98, 98, 98, 99),
        dissociation=(0, None, None, None, 9, None, None, 4, None, None, 1),
        moaas=(5, 5, 4, None, 4, None, None, 5, None, None, 5),
    ),
    bounds=BOUNDS,
    given=Given("ketamine", 40, "IV", 40),
    steps=(
        StepMark(-42, "checked_in"),
        StepMark(-12, "cleared"),
        StepMark(122, "discharge_ready"),
        StepMark(131, "discharged"),
    ),
    planned=plan(recorded=(-30, 10, 20, 30, 40, 55, 70, 80, 85, 100, 120)),
)
HYPERTENSIVE = replace(
    UNEVENTFUL,
    values=values(
        (-28, 10, 20, 40, 45, 52, 60, 75, 80, 120),
        systolic=(132, 141, 158, 188, 192, 176, 161, 148, 144, 138),
        diastolic=(84, 90, 98, 112, 114, 104, 98, 92, 90, 86),
        heart_rate=(78, 88, 101, 118, 121, 112, 98, 90, 86, 80),
        spo2=(98, 96, 95, 93, 95, None, 97, None, None, 98),
        dissociation=(1, None, None, 12, None, None, None, None, 6, 2),
        moaas=(5, None, None, 3, None, None, None, None, 5, 5),
    ),
    given=Given("ketamine", 40, "IV", 41, ((33, 36),)),
    alerts=(
        AlertMark(40, "BP-2", "urgent"),
        AlertMark(40, "O2-1", "urgent"),
        AlertMark(40, "SED-1", "urgent"),
        AlertMark(45, "BP-2", "critical"),
    ),
    steps=(*UNEVENTFUL.steps, StepMark(41, "aborted")),
    planned=plan(recorded=(-30, 10, 20, 40, 70, 80, 120), late=(55,), missing=(30, 95)),
)
EMPTY = SessionPicture(
    BEGUN, BERLIN, -40, 130, 45, "planned_begin", bounds=BOUNDS, planned=plan(expected=(-30, 40, 80, 120))
)
SESSIONS = {
    "session_uneventful": UNEVENTFUL,
    "session_hypertensive": HYPERTENSIVE,
    "session_hypertensive_phone": replace(HYPERTENSIVE, size=SESSION_PHONE),
    "session_empty_phone_dark_german": replace(EMPTY, size=SESSION_PHONE, theme="dark", locale="de-DE"),
}
