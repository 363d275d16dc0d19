"""What the monitoring form of the esketamine programme asks for, and what of it a session already says. Pure.

What nobody wrote down is shown as missing, never guessed. The list of fields follows the form of 2024; the programme
may change it, and only its own form counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

Value = str | int | float | bool | None
MINUTE: Final = timedelta(minutes=1)
FORM_MINUTE: Final = 40
"""The form asks for the blood pressure at this minute."""


class RemsSection(StrEnum):
    """The parts of the form."""

    PATIENT = "patient"
    MEDICINES = "medicines"
    SETTING = "setting"
    SESSION = "session"
    EVENTS = "events"


class RemsSource(StrEnum):
    """Where a value comes from.

    `session`: written down in the session. `clinic`: known of the patient or the clinic. `added`: entered for this
    report, in place of whatever else is known. `not_applicable`: an answer before makes it needless. `missing`: nobody
    has said.
    """

    SESSION = "session"
    CLINIC = "clinic"
    ADDED = "added"
    NOT_APPLICABLE = "not_applicable"
    MISSING = "missing"


class RemsField(StrEnum):
    """The fields of the form. Minutes are counted from the first device."""

    PATIENT_NAME = "patient_name"
    BORN_ON = "born_on"
    SEX = "sex"
    ENROLLED = "enrolled"
    FIRST_TREATMENT = "first_treatment"
    BENZODIAZEPINES = "benzodiazepines"
    NON_BENZODIAZEPINE_HYPNOTICS = "non_benzodiazepine_hypnotics"
    OPIOIDS = "opioids"
    PSYCHOSTIMULANTS = "psychostimulants"
    MAOIS = "maois"
    RESPIRATORY_DEPRESSION_RISK = "respiratory_depression_risk"
    CLINICIAN_NAME = "clinician_name"
    CLINICIAN_PHONE = "clinician_phone"
    CLINICIAN_EMAIL = "clinician_email"
    SETTING_NAME = "setting_name"
    SETTING_ADDRESS = "setting_address"
    TREATED_ON = "treated_on"
    DOSE_MG = "dose_mg"
    LOT = "lot"
    MINUTES_MONITORED = "minutes_monitored"
    MINUTES_UNTIL_READY = "minutes_until_ready"
    VITALS_ACCEPTABLE_BEFORE = "vitals_acceptable_before"
    VITALS_ACCEPTABLE_AT_COMPLETION = "vitals_acceptable_at_completion"
    PRESSURE_BEFORE = "pressure_before"
    PRESSURE_AT_40 = "pressure_at_40"
    PRESSURE_AT_COMPLETION = "pressure_at_completion"
    SEDATION = "sedation"
    SEDATION_ONSET_MINUTES = "sedation_onset_minutes"
    SEDATION_RESOLVED_MINUTES = "sedation_resolved_minutes"
    DISSOCIATION = "dissociation"
    DISSOCIATION_ONSET_MINUTES = "dissociation_onset_minutes"
    DISSOCIATION_RESOLVED_MINUTES = "dissociation_resolved_minutes"
    SERIOUS_ADVERSE_EVENT = "serious_adverse_event"
    SERIOUS_ADVERSE_EVENTS = "serious_adverse_events"


_F, _S = RemsField, RemsSection
FORM: Final[dict[RemsField, tuple[RemsSection, str]]] = {
    _F.PATIENT_NAME: (_S.PATIENT, "Name of the patient"),
    _F.BORN_ON: (_S.PATIENT, "Date of birth"),
    _F.SEX: (_S.PATIENT, "Sex"),
    _F.ENROLLED: (_S.PATIENT, "Enrolled in the programme"),
    _F.FIRST_TREATMENT: (_S.PATIENT, "First treatment"),
    _F.BENZODIAZEPINES: (_S.MEDICINES, "Benzodiazepines"),
    _F.NON_BENZODIAZEPINE_HYPNOTICS: (_S.MEDICINES, "Sleeping pills other than benzodiazepines"),
    _F.OPIOIDS: (_S.MEDICINES, "Opioids"),
    _F.PSYCHOSTIMULANTS: (_S.MEDICINES, "Psychostimulants"),
    _F.MAOIS: (_S.MEDICINES, "MAO inhibitors"),
    _F.RESPIRATORY_DEPRESSION_RISK: (_S.MEDICINES, "Other risk of respiratory depression"),
    _F.CLINICIAN_NAME: (_S.SETTING, "Monitoring clinician"),
    _F.CLINICIAN_PHONE: (_S.SETTING, "Telephone"),
    _F.CLINICIAN_EMAIL: (_S.SETTING, "E-mail"),
    _F.SETTING_NAME: (_S.SETTING, "Health care setting"),
    _F.SETTING_ADDRESS: (_S.SETTING, "Address"),
    _F.TREATED_ON: (_S.SESSION, "Date of treatment"),
    _F.DOSE_MG: (_S.SESSION, "Dose, mg"),
    _F.LOT: (_S.SESSION, "Lot number"),
    _F.MINUTES_MONITORED: (_S.SESSION, "Minutes from the first device to the end of monitoring"),
    _F.MINUTES_UNTIL_READY: (_S.SESSION, "Minutes until ready to leave, had two hours not applied"),
    _F.VITALS_ACCEPTABLE_BEFORE: (_S.SESSION, "Vital signs acceptable before"),
    _F.VITALS_ACCEPTABLE_AT_COMPLETION: (_S.SESSION, "Vital signs acceptable at completion"),
    _F.PRESSURE_BEFORE: (_S.SESSION, "Blood pressure before, mm[Hg]"),
    _F.PRESSURE_AT_40: (_S.SESSION, "Blood pressure at 40 minutes, mm[Hg]"),
    _F.PRESSURE_AT_COMPLETION: (_S.SESSION, "Blood pressure at completion, mm[Hg]"),
    _F.SEDATION: (_S.EVENTS, "Sedation"),
    _F.SEDATION_ONSET_MINUTES: (_S.EVENTS, "Sedation began, minutes"),
    _F.SEDATION_RESOLVED_MINUTES: (_S.EVENTS, "Sedation was over, minutes"),
    _F.DISSOCIATION: (_S.EVENTS, "Dissociation"),
    _F.DISSOCIATION_ONSET_MINUTES: (_S.EVENTS, "Dissociation began, minutes"),
    _F.DISSOCIATION_RESOLVED_MINUTES: (_S.EVENTS, "Dissociation was over, minutes"),
    _F.SERIOUS_ADVERSE_EVENT: (_S.EVENTS, "Serious adverse event"),
    _F.SERIOUS_ADVERSE_EVENTS: (_S.EVENTS, "Which"),
}
"""The form in its order: section and label of each field."""

NEEDLESS_WITHOUT: Final[dict[RemsField, RemsField]] = {
    _F.SEDATION_ONSET_MINUTES: _F.SEDATION,
    _F.SEDATION_RESOLVED_MINUTES: _F.SEDATION,
    _F.DISSOCIATION_ONSET_MINUTES: _F.DISSOCIATION,
    _F.DISSOCIATION_RESOLVED_MINUTES: _F.DISSOCIATION,
    _F.SERIOUS_ADVERSE_EVENTS: _F.SERIOUS_ADVERSE_EVENT,
}
"""Fields that nobody fills in where another says no."""

_FROM_CLINIC: Final = frozenset(
    {_F.PATIENT_NAME, _F.BORN_ON, _F.SEX, _F.CLINICIAN_NAME, _F.CLINICIAN_PHONE, _F.SETTING_NAME, _F.SETTING_ADDRESS}
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a reading says of what the form asks for; None is not measured."""

    at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    moaas: int | None = None
    dissociation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemsInputs:
    """What is known of a session, its patient and the clinic; None is not known."""

    patient_name: str
    born_on: date | None
    sex: str | None
    earlier_doses: int
    sedatives: bool | None
    opioids: bool | None
    stimulants: bool | None
    maoi: bool | None
    clinician_name: str | None
    telephone: str | None
    setting_name: str
    address: str | None
    treated_on: date
    dose_started_at: datetime
    dose_mg: float | None
    lot: str | None
    monitored_until: datetime | None
    readings: Sequence[Measured]
    alert_from: int
    """MOAA/S from which a patient is not sedated: the clinic's figure for going home."""
    tolerance_minutes: int
    """How far from 40 minutes a blood pressure may lie to count as the one of then."""
    serious_events: Sequence[str]
    events_are_complete: bool
    """Whether the session is over, so that no adverse event written down means that there was none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a report."""

    field: RemsField
    value: Value
    source: RemsSource


def fill_in(inputs: RemsInputs, added: Mapping[RemsField, Value]) -> list[Entry]:
    """Fill the form in, in its order: what was added, else what is known, else missing."""
    known = _known(inputs)
    values = {field: added.get(field, known.get(field)) for field in FORM}
    entries = []
    for field, value in values.items():
        source = RemsSource.CLINIC if field in _FROM_CLINIC else RemsSource.SESSION
        if field in added:
            source = RemsSource.ADDED
        elif field in NEEDLESS_WITHOUT and values[NEEDLESS_WITHOUT[field]] is False:
            value, source = None, RemsSource.NOT_APPLICABLE  # noqa: PLW2901  what was known before does not matter
        elif value is None:
            source = RemsSource.MISSING
        entries.append(Entry(field, value, source))
    return entries


def _known(inputs: RemsInputs) -> dict[RemsField, Value]:
    after = [each for each in inputs.readings if each.at >= inputs.dose_started_at]
    before = [each for each in inputs.readings if each.at < inputs.dose_started_at]
    none_of_them = False if inputs.sedatives is False else None
    serious: bool | None = bool(inputs.serious_events) or (False if inputs.events_are_complete else None)
    until = inputs.monitored_until
    return {
        _F.PATIENT_NAME: inputs.patient_name,
        _F.BORN_ON: None if inputs.born_on is None else inputs.born_on.isoformat(),
        _F.SEX: None if inputs.sex == "unknown" else inputs.sex,
        _F.FIRST_TREATMENT: inputs.earlier_doses == 0,
        _F.BENZODIAZEPINES: none_of_them,
        _F.NON_BENZODIAZEPINE_HYPNOTICS: none_of_them,
        _F.OPIOIDS: inputs.opioids,
        _F.PSYCHOSTIMULANTS: inputs.stimulants,
        _F.MAOIS: inputs.maoi,
        _F.CLINICIAN_NAME: inputs.clinician_name,
        _F.CLINICIAN_PHONE: inputs.telephone,
        _F.SETTING_NAME: inputs.setting_name,
        _F.SETTING_ADDRESS: inputs.address,
        _F.TREATED_ON: inputs.treated_on.isoformat(),
        _F.DOSE_MG: inputs.dose_mg,
        _F.LOT: inputs.lot,
        _F.MINUTES_MONITORED: None if until is None else (until - inputs.dose_started_at) // MINUTE,
        _F.PRESSURE_BEFORE: _newest_pressure(before),
        _F.PRESSURE_AT_40: _pressure_at_40(after, inputs),
        _F.PRESSURE_AT_COMPLETION: None if until is None else _newest_pressure(after),
        **_sedation(after, inputs),
        **_dissociation(before, after, inputs),
        _F.SERIOUS_ADVERSE_EVENT: serious,
        _F.SERIOUS_ADVERSE_EVENTS: "; ".join(inputs.serious_events) or None,
    }


def _pressure(reading: Measured) -> str:
    return f"{reading.systolic}/{reading.diastolic}"


def _with_pressure(readings: Sequence[Measured]) -> list[Measured]:
    return [each for each in readings if each.systolic is not None and each.diastolic is not None]


def _newest_pressure(readings: Sequence[Measured]) -> str | None:
    measured = _with_pressure(readings)
    return _pressure(max(measured, key=lambda each: each.at)) if measured else None


def _pressure_at_40(after: Sequence[Measured], inputs: RemsInputs) -> str | None:
    """The one that lies closest to minute 40, if it lies close enough."""
    moment = inputs.dose_started_at + FORM_MINUTE * MINUTE
    measured = _with_pressure(after)
    if not measured:
        return None
    closest = min(measured, key=lambda each: abs(each.at - moment))
    return _pressure(closest) if abs(closest.at - moment) <= inputs.tolerance_minutes * MINUTE else None


def _sedation(after: Sequence[Measured], inputs: RemsInputs) -> dict[RemsField, Value]:
    scores = [(each.at, each.moaas < inputs.alert_from) for each in after if each.moaas is not None]
    return dict(
        zip(
            (_F.SEDATION, _F.SEDATION_ONSET_MINUTES, _F.SEDATION_RESOLVED_MINUTES), _course(scores, inputs), strict=True
        )
    )


def _dissociation(before: Sequence[Measured], after: Sequence[Measured], inputs: RemsInputs) -> dict[RemsField, Value]:
    """Dissociation is any total above the newest one before the dose (above 0 where there was none)."""
    earlier = [(each.at, each.dissociation) for each in before if each.dissociation is not None]
    usual = max(earlier)[1] if earlier else 0
    scores = [(each.at, each.dissociation > usual) for each in after if each.dissociation is not None]
    names = (_F.DISSOCIATION, _F.DISSOCIATION_ONSET_MINUTES, _F.DISSOCIATION_RESOLVED_MINUTES)
    return dict(zip(names, _course(scores, inputs), strict=True))


def _course(scores: Sequence[tuple[datetime, bool]], inputs: RemsInputs) -> tuple[Value, Value, Value]:
    """Whether it was there at all, when it was first seen, and when it was seen to be over for good."""
    ordered = sorted(scores)
    there = [at for at, is_there in ordered if is_there]
    if not ordered:
        return None, None, None
    if not there:
        return False, None, None
    over = [at for at, _ in ordered if at > there[-1]]
    started = inputs.dose_started_at
    return True, (there[0] - started) // MINUTE, (over[0] - started) // MINUTE if over else None
