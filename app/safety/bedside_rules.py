"""The rules of a session: what is judged before a dose, in readings, and of what went wrong. Pure, as `rules` is.

A reading is typed by a person, minutes after the fact. Nothing here replaces the monitor at the bedside.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.protocols.day_figures import Integration
from app.protocols.safety_figures import Safety, Within
from app.protocols.session_figures import Dosing
from app.safety.findings import Finding, Severity

MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingInputs:
    """What one reading says, and what it is held against. None: not measured, which is never zero.

    Pressures in mm[Hg], rates per minute, `spo2` in %, `temperature` in Cel, `moaas` 0-5 (5 is alert), `dissociation`
    the brief total 0-16, `distress` its item 0-4. The baselines are the newest before the dose. `minutes_since_over`:
    how long ago an earlier reading of this session was over BP-2's limits too.
    """

    before_dose: bool
    minutes_from_dose: int | None = None
    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    spo2: int | None = None
    respiratory_rate: int | None = None
    temperature: float | None = None
    moaas: int | None = None
    dissociation: int | None = None
    distress: int | None = None
    baseline_systolic: int | None = None
    baseline_diastolic: int | None = None
    baseline_dissociation: int | None = None
    minutes_since_over: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreDoseInputs:
    """What is known of a patient before the next dose. The doses counted are those given already, without the next."""

    hours_since_last_dose: float | None = None
    doses_7d: int = 0
    doses_28d: int = 0
    doses_total: int = 0
    reviewed_after_induction: bool = False
    pregnancy_test: str | None = None
    had_a_dose: bool = False
    ketamine_on_uds_outside_plan: bool = False
    extra_requests: int = 0


def judge_reading(inputs: ReadingInputs, figures: Safety) -> list[Finding]:
    """Judge one reading of a session: BP-1, BP-2, O2-1, SED-1, SED-2, DIS-1, DIS-2; the most severe first."""
    found = (
        _bp2(inputs, figures),
        _o21(inputs.spo2, figures),
        _sedation(inputs.moaas, figures),
        _bp1(inputs, figures) if inputs.before_dose else None,
        judge_persistence(
            inputs.dissociation, inputs.baseline_dissociation, inputs.minutes_from_dose, figures, at_the_bedside=True
        ),
        judge_distress(inputs.distress, figures),
    )
    return worst_first(found)


def is_over_bp2(
    systolic: int | None,
    diastolic: int | None,
    baseline_systolic: int | None,
    baseline_diastolic: int | None,
    figures: Safety,
) -> bool:
    """Whether a blood pressure is over BP-2's limits, or rose by that much over the one before the dose, in mm[Hg]."""
    return (
        _above(systolic, figures.bp2_systolic_above)
        or _above(diastolic, figures.bp2_diastolic_above)
        or _rose(systolic, baseline_systolic, figures.bp2_systolic_rise)
        or _rose(diastolic, baseline_diastolic, figures.bp2_diastolic_rise)
    )


def judge_pre_dose(inputs: PreDoseInputs, dosing: Dosing, safety: Safety) -> list[Finding]:
    """Judge what is known before a dose: FREQ-1, PREG-1, TOX-2."""
    found = [_freq1(inputs, dosing)]
    if inputs.pregnancy_test == "pos" and inputs.had_a_dose:
        found.append(Finding("PREG-1", Severity.URGENT, {"pregnancy_test": "pos"}, {"pregnancy_test": "pos"}))
    found.append(_tox2(inputs.extra_requests, safety, outside_plan=inputs.ketamine_on_uds_outside_plan))
    return worst_first(found)


def judge_extra_requests(requests: int, figures: Safety) -> list[Finding]:
    """Judge how often an extra dose was asked for within the days that TOX-2 looks back on."""
    return worst_first([_tox2(requests, figures, outside_plan=False)])


def judge_adverse_event(*, grade: int, serious: bool, figures: Safety) -> list[Finding]:
    """Judge an adverse event by its CTCAE grade (1-5, higher is worse) or by its being serious: AE-1."""
    if grade < figures.ae1_grade_from and not serious:
        return []
    threshold = {"grade_from": figures.ae1_grade_from, "serious": True}
    return [Finding("AE-1", Severity.CRITICAL, {"grade": grade, "serious": serious}, threshold)]


def judge_missed_day_after(*, hours_since_dose: float, answered: bool, figures: Safety) -> list[Finding]:
    """Judge whether the check-in of the day after a dose is missing: MISS-1."""
    if answered or hours_since_dose < figures.miss1_after_hours:
        return []
    inputs = {"hours_since_dose": round(hours_since_dose, 2), "answered": False}
    return [Finding("MISS-1", Severity.URGENT, inputs, {"after_hours": figures.miss1_after_hours})]


def judge_missed_check_ins(*, missed_in_a_row: int, induction: bool, figures: Safety) -> list[Finding]:
    """Judge how many check-ins that were due were missed in a row: MISS-2."""
    limit = figures.miss2_induction if induction else figures.miss2_maintenance
    if missed_in_a_row < limit:
        return []
    inputs = {"missed_in_a_row": missed_in_a_row, "induction": induction}
    return [Finding("MISS-2", Severity.ROUTINE, inputs, {"missed_in_a_row_from": limit})]


def judge_missed_session(*, hours_late: float, no_show: bool, dosing: Dosing) -> list[Finding]:
    """Judge whether a session was missed: MISS-3. `hours_late` since its planned begin, nobody having come."""
    if not no_show and hours_late < dosing.missed_session_hours:
        return []
    inputs = {"hours_late": round(hours_late, 2), "no_show": no_show}
    return [Finding("MISS-3", Severity.ROUTINE, inputs, {"hours_late_from": dosing.missed_session_hours})]


def judge_missed_therapy(*, hours_since_dose: float, attended: bool, figures: Integration) -> list[Finding]:
    """Judge whether no therapy was attended in the hours after a dose that the clinic wants it in: INT-1."""
    if attended or not figures.raises_a_task or hours_since_dose < figures.therapy_within_hours:
        return []
    inputs = {"hours_since_dose": round(hours_since_dose, 2), "attended": False}
    return [Finding("INT-1", Severity.ROUTINE, inputs, {"within_hours": figures.therapy_within_hours})]


def judge_rems_overdue(*, days_overdue: float) -> list[Finding]:
    """Judge whether the report of an esketamine session is overdue: REMS-1."""
    if days_overdue <= 0:
        return []
    return [Finding("REMS-1", Severity.ROUTINE, {"days_overdue": round(days_overdue, 2)}, {"days_overdue_above": 0})]


def judge_persistence(
    total: int | None,
    baseline: int | None,
    minutes_from_dose: int | None,
    figures: Safety,
    *,
    at_the_bedside: bool,
) -> Finding | None:
    """DIS-1: dissociation that outlasts the observation. `total` and `baseline` are brief totals 0-16, worse upwards.

    Without a total from before the dose zero stands in for it, which finds more; the inputs then say `null`.
    """
    if total is None or minutes_from_dose is None:
        return None
    persists = minutes_from_dose >= figures.dis1_after_minutes and total - (baseline or 0) >= figures.dis1_rise
    day_after = minutes_from_dose >= figures.dis1_next_day_from_hours * MINUTES_PER_HOUR
    if not persists and not (day_after and total >= figures.dis1_next_day_total):
        return None
    within: Within | None = None if at_the_bedside else "4_hours"
    return Finding(
        "DIS-1",
        Severity.URGENT,
        {"total": total, "before_dose": baseline, "minutes_from_dose": minutes_from_dose},
        {
            "rise_from": figures.dis1_rise,
            "after_minutes": figures.dis1_after_minutes,
            "day_after_total_from": figures.dis1_next_day_total,
            "day_after_from_hours": figures.dis1_next_day_from_hours,
        },
        within,
    )


def judge_distress(distress: int | None, figures: Safety) -> Finding | None:
    """DIS-2: the distress item of the brief dissociation check, 0-4, worse upwards."""
    if distress is None or distress < figures.dis2_from:
        return None
    return Finding("DIS-2", Severity.URGENT, {"distress": distress}, {"distress_from": figures.dis2_from})


def worst_first(found: Iterable[Finding | None]) -> list[Finding]:
    """Put what was found in order, the most severe first."""
    some = [finding for finding in found if finding is not None]
    if len(some) < 2:  # noqa: PLR2004  as nearly always
        return some
    order = list(Severity)
    return sorted(some, key=lambda finding: -order.index(finding.severity))


def _bp1(inputs: ReadingInputs, figures: Safety) -> Finding | None:
    if not _above(inputs.systolic, figures.bp1_systolic_above) and not _above(
        inputs.diastolic, figures.bp1_diastolic_above
    ):
        return None
    return Finding(
        "BP-1",
        Severity.URGENT,
        {"systolic": inputs.systolic, "diastolic": inputs.diastolic},
        {"systolic_above": figures.bp1_systolic_above, "diastolic_above": figures.bp1_diastolic_above},
    )


def _bp2(inputs: ReadingInputs, figures: Safety) -> Finding | None:
    baselines = inputs.baseline_systolic, inputs.baseline_diastolic
    at_once = _above(inputs.systolic, figures.bp2_at_once_systolic) or _above(
        inputs.diastolic, figures.bp2_at_once_diastolic
    )
    if not at_once and not is_over_bp2(inputs.systolic, inputs.diastolic, *baselines, figures):
        return None
    since = inputs.minutes_since_over
    confirmed = since is not None and 0 <= since <= figures.bp2_confirm_minutes
    return Finding(
        "BP-2",
        Severity.CRITICAL if at_once or confirmed else Severity.URGENT,
        {
            "systolic": inputs.systolic,
            "diastolic": inputs.diastolic,
            "baseline_systolic": inputs.baseline_systolic,
            "baseline_diastolic": inputs.baseline_diastolic,
            "minutes_since_over": since,
            "confirmed": at_once or confirmed,
        },
        {
            "systolic_above": figures.bp2_systolic_above,
            "diastolic_above": figures.bp2_diastolic_above,
            "systolic_rise_from": figures.bp2_systolic_rise,
            "diastolic_rise_from": figures.bp2_diastolic_rise,
            "at_once_systolic_above": figures.bp2_at_once_systolic,
            "at_once_diastolic_above": figures.bp2_at_once_diastolic,
            "confirmed_within_minutes": figures.bp2_confirm_minutes,
        },
    )


def _o21(spo2: int | None, figures: Safety) -> Finding | None:
    if spo2 is None or spo2 >= max(figures.o21_below, figures.o21_critical_below):
        return None
    return Finding(
        "O2-1",
        Severity.CRITICAL if spo2 < figures.o21_critical_below else Severity.URGENT,
        {"spo2": spo2},
        {"below": figures.o21_below, "critical_below": figures.o21_critical_below},
    )


def _sedation(moaas: int | None, figures: Safety) -> Finding | None:
    """SED-2 takes the place of SED-1, which the same number meets as well."""
    if moaas is None:
        return None
    if moaas <= figures.sed2_up_to:
        return Finding("SED-2", Severity.CRITICAL, {"moaas": moaas}, {"up_to": figures.sed2_up_to})
    if moaas <= figures.sed1_up_to:
        return Finding("SED-1", Severity.URGENT, {"moaas": moaas}, {"up_to": figures.sed1_up_to})
    return None


def _freq1(inputs: PreDoseInputs, dosing: Dosing) -> Finding | None:
    """The next dose counts as well: one more than were given must not be more than the clinic signed off."""
    hours = inputs.hours_since_last_dose
    too_soon = hours is not None and hours < max(dosing.min_interval_hours, dosing.review_interval_hours)
    too_many = inputs.doses_7d >= dosing.most_in_7_days or inputs.doses_28d >= dosing.most_in_28_days
    unreviewed = inputs.doses_total >= dosing.induction_sessions and not inputs.reviewed_after_induction
    if not (too_soon or too_many or unreviewed):
        return None
    return Finding(
        "FREQ-1",
        Severity.URGENT,
        {
            "hours_since_last_dose": None if hours is None else round(hours, 2),
            "hard_stop": hours is not None and hours < dosing.min_interval_hours,
            "doses_7d": inputs.doses_7d,
            "doses_28d": inputs.doses_28d,
            "doses_total": inputs.doses_total,
            "reviewed_after_induction": inputs.reviewed_after_induction,
        },
        {
            "hard_stop_below_hours": dosing.min_interval_hours,
            "reason_below_hours": dosing.review_interval_hours,
            "most_in_7_days": dosing.most_in_7_days,
            "most_in_28_days": dosing.most_in_28_days,
            "review_after_sessions": dosing.induction_sessions,
        },
    )


def _tox2(requests: int, figures: Safety, *, outside_plan: bool) -> Finding | None:
    if requests < figures.tox2_requests and not outside_plan:
        return None
    return Finding(
        "TOX-2",
        Severity.URGENT,
        {"extra_requests": requests, "ketamine_on_uds_outside_plan": outside_plan},
        {"extra_requests_from": figures.tox2_requests, "within_days": figures.tox2_days},
    )


def _above(value: int | None, limit: int) -> bool:
    return value is not None and value > limit


def _rose(value: int | None, baseline: int | None, by: int) -> bool:
    return value is not None and baseline is not None and value - baseline >= by
