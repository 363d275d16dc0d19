"""Every check before a dose, one by one: pure functions of what was written down, measured and given before.

The figures are the clinic's. A check never says what to give; it says what has to be looked at, and what a prescriber
has to give a reason for. The two that no reason helps against are the wrong person and a dose too soon after the last;
besides, nobody can pass over what was not looked at, a consent that does not stand, or a patient who cannot decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from app.dosing.checklist_schemas import Checklist, SubstanceUse, Takes
from app.dosing.rules import Contraindication, DoseRoute, ToReview
from app.protocols.rules import Protocol
from app.protocols.session_figures import Dosing, Limits

OURS: Final = "Default of this software, to be signed off by the clinic"
LABEL: Final = "US label of esketamine"
REMS: Final = "REMS monitoring form of esketamine, 2024"
PRACTICE: Final = "Fasting rules of ketamine clinics"
ABSTINENCE: Final = "24 h without alcohol before the dose: Dakwar 2020, KARE 2022"
BANDS: Final = "ASAM 2020 (CIWA-Ar) and CTN-0094 (COWS) bands"
REVIEW: Final = "Psychiatric Annals 2018;48:170, and the US label of esketamine"
FREQ_1: Final = "FREQ-1: schedules of two doses a week in induction"
A_WEEK, FOUR_WEEKS = "7_days", "28_days"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found."""

    code: str
    takes: Takes
    inputs: Mapping[str, Any]
    limit: Mapping[str, Any]
    source: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The newest vital signs before the dose; None where there is none that is new enough."""

    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    spo2: int | None = None
    respiratory_rate: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The doses before this one: those given here for the intervals, imported ones too in `doses_total`."""

    hours_since_last_dose: float | None = None
    doses_7d: int = 0
    doses_28d: int = 0
    doses_total: int = 0
    reviewed_on: date | None = None
    """The documented review after the induction, from this checklist or an earlier one."""


def look(
    checklist: Checklist,
    vitals: Vitals,
    before: Before,
    lacking_consents: Sequence[Mapping[str, str]],
    figures: Protocol,
    *,
    today: date,
) -> list[Check]:
    """Make every check. `today` is the day at the clinic."""
    return [
        *_who_and_how(checklist, lacking_consents, figures.dosing, today),
        *_fasting(checklist, figures.dosing),
        *_going_home(checklist),
        *_vital_signs(vitals, figures),
        *_tests(checklist, figures.dosing, today),
        *_taken(checklist),
        *_state_of_mind(checklist, figures.dosing),
        *_conditions(checklist),
        *_doses_before(before, figures.dosing),
    ]


def not_passed(checks: Sequence[Check]) -> tuple[list[str], list[str]]:
    """Codes of the checks that nobody can pass over, and of those that a prescriber may pass over with a reason."""
    missing = [check.code for check in checks if check.takes in {Takes.MISSING, Takes.BLOCKED}]
    return missing, [check.code for check in checks if check.takes in {Takes.REVIEW, Takes.STOP}]


def _who_and_how(
    checklist: Checklist, lacking_consents: Sequence[Mapping[str, str]], figures: Dosing, today: date
) -> Iterator[Check]:
    yield _yes("identity", checklist.identity_two_factors, Takes.BLOCKED, OURS, "Two things show who the patient is.")
    lacking = {each["type"]: each["reason"] for each in lacking_consents}
    takes = Takes.BLOCKED if lacking else Takes.OK
    yield Check("consents", takes, {"lacking": lacking}, {}, OURS, "The consents that a dose needs stand.")
    planned = {"substance": checklist.planned_substance, "route": checklist.planned_route}
    takes = Takes.MISSING if None in planned.values() else Takes.OK
    yield Check("planned_dose", takes, planned, {}, OURS, "What is to be given, and how, is written down.")
    age = None if checklist.weighed_on is None else (today - checklist.weighed_on).days
    most = figures.weight_max_age_days
    takes = Takes.MISSING if checklist.weight_kg is None or age is None or age > most else Takes.OK
    said = "The patient was weighed lately."
    yield Check("weight", takes, {"weight_kg": checklist.weight_kg, "age_days": age}, {"age_days": most}, OURS, said)


def _fasting(checklist: Checklist, figures: Dosing) -> Iterator[Check]:
    spray = checklist.planned_route is DoseRoute.IN_ESKETAMINE
    solids = figures.spray_solids_hours if spray else figures.solids_hours
    fluids = figures.spray_fluids_minutes / 60 if spray else figures.clear_fluids_hours
    yield _at_least("solids", checklist.solids_hours, solids, PRACTICE, "Long enough without food.")
    yield _at_least("clear_fluids", checklist.clear_fluids_hours, fluids, PRACTICE, "Long enough without drink.")
    if spray:
        detail = "No steroid or decongestant spray shortly before the dose."
        yield _long_ago("nasal_steroid", checklist.nasal_steroid, figures.nasal_steroid_hours, LABEL, detail)


def _going_home(checklist: Checklist) -> Iterator[Check]:
    takes = Takes.MISSING if checklist.escort is None else Takes.OK
    inputs = {"named": checklist.escort is not None}
    yield Check("escort", takes, inputs, {}, LABEL, "Somebody who takes the patient home is named.")
    yield _yes("no_self_drive", checklist.no_self_drive, Takes.BLOCKED, LABEL, "The patient does not drive today.")


def _vital_signs(vitals: Vitals, figures: Protocol) -> Iterator[Check]:
    yield _pressure(vitals, figures)
    limits = figures.readings
    for code, value, of, detail in (
        ("heart_rate", vitals.heart_rate, limits.heart_rate, "The heart rate is within the clinic's limits."),
        ("spo2", vitals.spo2, limits.spo2, "The oxygen saturation is within the clinic's limits."),
        ("respiratory_rate", vitals.respiratory_rate, limits.respiratory_rate, "So is the breathing."),
        ("temperature", vitals.temperature, limits.temperature, "So is the temperature."),
    ):
        yield Check(code, _within(value, of), {code: value}, of.model_dump(exclude_none=True), OURS, detail)


def _pressure(vitals: Vitals, figures: Protocol) -> Check:
    """The pressure above the general guide holds the dose (BP-1), above the red limits stops it."""
    safety, red = figures.safety, figures.readings
    systolic, diastolic = vitals.systolic, vitals.diastolic
    limit = {"systolic_above": safety.bp1_systolic_above, "diastolic_above": safety.bp1_diastolic_above}
    if systolic is None or diastolic is None:
        takes = Takes.MISSING
    elif _within(systolic, red.systolic) is Takes.STOP or _within(diastolic, red.diastolic) is Takes.STOP:
        takes = Takes.STOP
    elif systolic > limit["systolic_above"] or diastolic > limit["diastolic_above"]:
        takes = Takes.REVIEW
    else:
        takes = Takes.OK
    source = "BP-1: general guide before a dose, above 140/90"
    said = "The blood pressure is not too high."
    return Check("blood_pressure", takes, {"systolic": systolic, "diastolic": diastolic}, limit, source, said)


def _tests(checklist: Checklist, figures: Dosing, today: date) -> Iterator[Check]:
    yield _pregnancy(checklist, figures, today)
    yield _screen(checklist)
    level, most = checklist.breath_alcohol, figures.breath_alcohol_limit
    takes = Takes.MISSING if level is None else Takes.STOP if level > most else Takes.OK
    said = "No alcohol on the breath."
    yield Check("breath_alcohol", takes, {"breath_alcohol": level}, {"above": most}, ABSTINENCE, said)
    detail = "Long enough without alcohol."
    yield _long_ago("last_drink", checklist.alcohol, figures.last_drink_hours, ABSTINENCE, detail)


def _pregnancy(checklist: Checklist, figures: Dosing, today: date) -> Check:
    test = checklist.pregnancy_test
    age = None if test is None or test.tested_on is None else (today - test.tested_on).days
    if test is None:
        takes = Takes.MISSING
    elif test.result == "na" or (test.result == "neg" and (age or 0) <= figures.pregnancy_test_days):
        takes = Takes.OK
    else:
        takes = Takes.REVIEW
    inputs = {"result": test and test.result, "age_days": age}
    limit = {"age_days": figures.pregnancy_test_days}
    return Check("pregnancy_test", takes, inputs, limit, LABEL, "A negative test that is new enough, where relevant.")


def _screen(checklist: Checklist) -> Check:
    screen = checklist.urine_drug_screen
    unplanned = sorted(
        line.substance.value for line in (screen.results if screen else []) if line.result == "pos" and not line.in_plan
    )
    inputs = {"screened": screen is not None, "positive_outside_plan": unplanned}
    takes = Takes.REVIEW if unplanned else Takes.OK
    return Check("urine_drug_screen", takes, inputs, {}, OURS, "Nothing outside of the plan was found, if screened.")


def ketamine_outside_plan(checklist: Checklist | None) -> bool:
    """Whether a screen found ketamine that did not come from here (TOX-2)."""
    return checklist is not None and "ketamine" in _screen(checklist).inputs["positive_outside_plan"]


def _taken(checklist: Checklist) -> Iterator[Check]:
    for code, use, detail in (
        ("sedatives", checklist.sedatives, "No sedatives besides."),
        ("opioids", checklist.opioids, "No opioids besides."),
        ("stimulants", checklist.stimulants, "No stimulants besides."),
        ("maoi", checklist.maoi, "No inhibitors of monoamine oxidase besides."),
    ):
        takes = Takes.MISSING if use is None else Takes.REVIEW if use.used else Takes.OK
        yield Check(code, takes, _use(use), {}, REMS, detail)


def _state_of_mind(checklist: Checklist, figures: Dosing) -> Iterator[Check]:
    yield _withdrawal(checklist, figures)
    for code, active, detail in (
        ("psychosis", checklist.psychosis, "No active psychosis."),
        ("mania", checklist.mania, "No active mania."),
        ("delirium", checklist.delirium, "No delirium."),
    ):
        takes = Takes.MISSING if active is None else Takes.STOP if active else Takes.OK
        yield Check(code, takes, {code: active}, {}, REVIEW, detail)
    risk = checklist.suicide_risk
    takes = Takes.MISSING if risk is None else Takes.STOP if risk.decision == "hold" else Takes.OK
    inputs = {"reviewed": risk and risk.reviewed, "decision": risk and risk.decision}
    yield Check("suicide_risk", takes, inputs, {}, OURS, "A clinician looked at thoughts of suicide and decided.")
    detail = "The patient is not intoxicated and can say what is going to happen."
    yield _yes("capacity", checklist.capacity_confirmed, Takes.BLOCKED, OURS, detail)


def _withdrawal(checklist: Checklist, figures: Dosing) -> Check:
    found = checklist.withdrawal
    limit = {"cows": figures.withdrawal_cows_from, "ciwa_ar": figures.withdrawal_ciwa_from}
    if found is None:
        takes = Takes.MISSING
    elif found.total is not None and found.total >= limit[found.scale]:
        takes = Takes.REVIEW
    else:
        takes = Takes.OK
    inputs = {"scale": found and found.scale, "total": found and found.total}
    return Check("withdrawal", takes, inputs, limit, BANDS, "Not in moderate withdrawal or worse.")


def _conditions(checklist: Checklist) -> Iterator[Check]:
    for each in Contraindication:
        yield _has(each.value, checklist.contraindications, Takes.STOP, LABEL, "The patient does not have it.")
    for condition in ToReview:
        yield _has(condition.value, checklist.conditions, Takes.REVIEW, REVIEW, "The patient does not have it.")


def _doses_before(before: Before, figures: Dosing) -> Iterator[Check]:
    """FREQ-1, piece by piece; what is counted is what was given before this dose."""
    hours = before.hours_since_last_dose
    if hours is None or hours >= figures.review_interval_hours:
        takes = Takes.OK
    else:
        takes = Takes.BLOCKED if hours < figures.min_interval_hours else Takes.REVIEW
    limit = {"min_hours": figures.min_interval_hours, "review_hours": figures.review_interval_hours}
    said = "Long enough since the last dose."
    yield Check("interval", takes, {"hours_since_last_dose": hours}, limit, FREQ_1, said)
    for span, given, most in (
        (A_WEEK, before.doses_7d, figures.most_in_7_days),
        (FOUR_WEEKS, before.doses_28d, figures.most_in_28_days),
    ):
        takes = Takes.REVIEW if given + 1 > most else Takes.OK
        detail = "With this dose there are not too many."
        yield Check(f"doses_in_{span}", takes, {f"doses_in_{span}": given}, {"most": most}, FREQ_1, detail)
    due = before.doses_total >= figures.induction_sessions
    takes = Takes.REVIEW if due and before.reviewed_on is None else Takes.OK
    inputs = {"doses_total": before.doses_total, "reviewed_on": before.reviewed_on and before.reviewed_on.isoformat()}
    limit = {"induction_sessions": figures.induction_sessions}
    yield Check("induction_review", takes, inputs, limit, FREQ_1, "After the induction somebody reviewed it.")


def _yes(code: str, said: bool | None, no_takes: Takes, source: str, detail: str) -> Check:
    takes = Takes.MISSING if said is None else Takes.OK if said else no_takes
    return Check(code, takes, {code: said}, {}, source, detail)


def _has(code: str, found: Sequence[str] | None, takes: Takes, source: str, detail: str) -> Check:
    takes = Takes.MISSING if found is None else takes if code in found else Takes.OK
    return Check(code, takes, {code: None if found is None else code in found}, {}, source, detail)


def _at_least(code: str, hours: float | None, least: float, source: str, detail: str) -> Check:
    takes = Takes.MISSING if hours is None else Takes.REVIEW if hours < least else Takes.OK
    return Check(code, takes, {"hours": hours}, {"hours": least}, source, detail)


def _long_ago(code: str, use: SubstanceUse | None, least: float, source: str, detail: str) -> Check:
    if use is None or (use.used and use.hours_ago is None):
        takes = Takes.MISSING
    else:
        takes = Takes.REVIEW if use.hours_ago is not None and use.hours_ago < least else Takes.OK
    return Check(code, takes, _use(use), {"hours": least}, source, detail)


def _use(use: SubstanceUse | None) -> dict[str, Any]:
    return {"used": use and use.used, "hours_ago": use and use.hours_ago}


def _within(value: float | None, limits: Limits) -> Takes:
    """Amber asks for a review, red stops."""
    if value is None:
        return Takes.MISSING
    for below, above, takes in (
        (limits.red_below, limits.red_above, Takes.STOP),
        (limits.amber_below, limits.amber_above, Takes.REVIEW),
    ):
        if (below is not None and value < below) or (above is not None and value > above):
            return takes
    return Takes.OK
