"""What must be so before a patient goes home, one criterion after another. Pure.

Each says whether it is met, what it looked at, and the figure it was held against; null is *not known*, which is not
met. The figures are the clinic's. A criterion supports whoever decides; it decides nothing by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.protocols.session_figures import Discharge

Input = int | float | str | bool | None
MINUTE: Final = timedelta(minutes=1)


class DischargeCriterion(StrEnum):
    """What is looked at.

    Computed: `observation_time` since the last device of a spray, or since the end of any other dose. `alertness`
    (MOAA/S). `recovery` (modified Aldrete total). `blood_pressure`. `dissociation` (total of the brief scale).
    Said by whoever is with the patient: `walks_unaided`, `no_new_suicidal_ideation`, `tolerates_fluids`. At the door:
    `escort_present`, `instructions_given`, `crisis_card_given`.
    """

    OBSERVATION_TIME = "observation_time"
    RECOVERY = "recovery"
    ALERTNESS = "alertness"
    BLOOD_PRESSURE = "blood_pressure"
    DISSOCIATION = "dissociation"
    WALKS_UNAIDED = "walks_unaided"
    NO_NEW_SUICIDAL_IDEATION = "no_new_suicidal_ideation"
    TOLERATES_FLUIDS = "tolerates_fluids"
    ESCORT_PRESENT = "escort_present"
    INSTRUCTIONS_GIVEN = "instructions_given"
    CRISIS_CARD_GIVEN = "crisis_card_given"


_C = DischargeCriterion
DECLARED: Final = (_C.WALKS_UNAIDED, _C.NO_NEW_SUICIDAL_IDEATION, _C.TOLERATES_FLUIDS)
AT_THE_DOOR: Final = (_C.ESCORT_PRESENT, _C.INSTRUCTIONS_GIVEN, _C.CRISIS_CARD_GIVEN)

SOURCES: Final[dict[DischargeCriterion, str]] = {
    _C.OBSERVATION_TIME: "Esketamine spray: at least two hours by its label. Other doses: the clinic's own figure.",
    _C.RECOVERY: "Modified Aldrete score: 9 of 10 is ready. Or as it was before the dose.",
    _C.ALERTNESS: "MOAA/S: 5 responds readily to the name.",
    _C.BLOOD_PRESSURE: "The clinic's own figures.",
    _C.DISSOCIATION: "The mirror of rule DIS-1; the clinic's own figure.",
    _C.WALKS_UNAIDED: "Said by whoever is with the patient.",
    _C.NO_NEW_SUICIDAL_IDEATION: "Said by whoever is with the patient, who asked.",
    _C.TOLERATES_FLUIDS: "Said by whoever is with the patient.",
    _C.ESCORT_PRESENT: "Nobody drives or goes home alone after a dose.",
    _C.INSTRUCTIONS_GIVEN: "No driving, machines, alcohol, sedatives or binding decisions until after a night's sleep.",
    _C.CRISIS_CARD_GIVEN: "Where help is to be had at any hour.",
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: met, not met, or (None) not known."""

    code: DischargeCriterion
    met: bool | None
    inputs: Mapping[str, Input]
    limit: Mapping[str, Input]

    @property
    def source(self) -> str:
        """What it rests on."""
        return SOURCES[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a reading says, as far as it counts here; None is not measured."""

    at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    moaas: int | None = None
    aldrete: int | None = None
    dissociation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeInputs:
    """A session at one moment. Readings older than `oldest` do not count, nor do those before the dose."""

    now: datetime
    oldest: datetime
    is_spray: bool
    dose_started_at: datetime | None
    dose_ended_at: datetime | None
    readings: Sequence[Values]


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest reading with all these values before the dose, and the newest one after it that is young enough."""

    before: tuple[int, ...] | None
    after: tuple[int, ...] | None
    minutes_old: int | None
    """Of the newest after the dose, whether or not it counts."""


def computed(inputs: DischargeInputs, figures: Discharge) -> list[Criterion]:
    """Hold what was measured against the figures."""
    return [
        _observation_time(inputs, figures),
        _recovery(_newest(inputs, "aldrete"), figures),
        _alertness(_newest(inputs, "moaas"), figures),
        _blood_pressure(_newest(inputs, "systolic", "diastolic"), figures),
        _dissociation(_newest(inputs, "dissociation"), figures),
    ]


def said(answers: Mapping[DischargeCriterion, bool | None]) -> list[Criterion]:
    """What somebody says is so, or is not."""
    return [Criterion(code, met, {}, {}) for code, met in answers.items()]


def unmet(criteria: Iterable[Criterion], overridden: Iterable[DischargeCriterion]) -> list[Criterion]:
    """Those that stand in the way: not met or not known, and not overridden."""
    out_of_the_way = set(overridden)
    return [each for each in criteria if not each.met and each.code not in out_of_the_way]


def _newest(inputs: DischargeInputs, *names: str) -> _Newest:
    started = inputs.dose_started_at
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None
    old: int | None = None
    for reading in sorted(inputs.readings, key=lambda each: each.at):
        values = tuple(getattr(reading, name) for name in names)
        if None in values:
            continue
        if started is None or reading.at < started:
            before = values
        else:
            old = max(0, (inputs.now - reading.at) // MINUTE)
            after = values if reading.at >= inputs.oldest else None
    return _Newest(before, after, old)


def _observation_time(inputs: DischargeInputs, figures: Discharge) -> Criterion:
    if inputs.is_spray:
        limit, since, counted = figures.spray_observation_minutes, inputs.dose_ended_at, "last_device"
        since = since or inputs.dose_started_at
    else:
        limit, since, counted = figures.observation_minutes, inputs.dose_ended_at, "end_of_dose"
    passed = None if since is None else inputs.now - since
    return Criterion(
        _C.OBSERVATION_TIME,
        None if passed is None else passed >= limit * MINUTE,
        {"minutes": None if passed is None else passed // MINUTE, "counted_from": counted},
        {"at_least_minutes": limit},
    )


def _recovery(found: _Newest, figures: Discharge) -> Criterion:
    total, before = _one(found.after), _one(found.before)
    met = None if total is None else total >= figures.aldrete_from or (before is not None and total >= before)
    return Criterion(
        _C.RECOVERY,
        met,
        {"aldrete": total, "aldrete_before_dose": before, "minutes_old": found.minutes_old},
        {"at_least": figures.aldrete_from, "or_as_before_dose": True},
    )


def _alertness(found: _Newest, figures: Discharge) -> Criterion:
    moaas = _one(found.after)
    return Criterion(
        _C.ALERTNESS,
        None if moaas is None else moaas >= figures.moaas_from,
        {"moaas": moaas, "minutes_old": found.minutes_old},
        {"at_least": figures.moaas_from},
    )


def _blood_pressure(found: _Newest, figures: Discharge) -> Criterion:
    """Both within so much of the ones before the dose, or both at most the threshold."""
    systolic, diastolic = found.after or (None, None)
    before_systolic, before_diastolic = found.before or (None, None)
    met: bool | None = None
    if systolic is not None and diastolic is not None:
        met = systolic <= figures.systolic_up_to and diastolic <= figures.diastolic_up_to
        if before_systolic is not None and before_diastolic is not None:
            within = figures.pressure_within
            met = met or (abs(systolic - before_systolic) <= within and abs(diastolic - before_diastolic) <= within)
        elif not met:
            met = None
    return Criterion(
        _C.BLOOD_PRESSURE,
        met,
        {
            "systolic": systolic,
            "diastolic": diastolic,
            "systolic_before_dose": before_systolic,
            "diastolic_before_dose": before_diastolic,
            "minutes_old": found.minutes_old,
        },
        {
            "within": figures.pressure_within,
            "or_systolic_up_to": figures.systolic_up_to,
            "and_diastolic_up_to": figures.diastolic_up_to,
        },
    )


def _dissociation(found: _Newest, figures: Discharge) -> Criterion:
    """Without a total before the dose, one so low that nothing before it could matter is enough."""
    total, before, rise = _one(found.after), _one(found.before), figures.dissociation_below_rise
    met: bool | None = None
    if total is not None and (before is not None or total < rise):
        met = total - (before or 0) < rise
    return Criterion(
        _C.DISSOCIATION,
        met,
        {"total": total, "total_before_dose": before, "minutes_old": found.minutes_old},
        {"less_than_above_before_dose": rise},
    )


def _one(values: tuple[int, ...] | None) -> int | None:
    return None if values is None else values[0]
