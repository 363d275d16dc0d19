"""The rules that raise alerts. Pure: the same numbers against the same figures always find the same.

This file judges what a patient answered; `bedside_rules` judges readings, doses and what was missed; `catalogue` holds
what each rule says to people. All of it is offered here. A number that is missing is never zero: a rule that needs it
finds nothing. Figures come from the protocol that the clinic signed off; none of them stands in this code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from app.protocols.safety_figures import Safety
from app.safety.bedside_rules import (
    PreDoseInputs,
    ReadingInputs,
    is_over_bp2,
    judge_adverse_event,
    judge_distress,
    judge_extra_requests,
    judge_missed_check_ins,
    judge_missed_day_after,
    judge_missed_session,
    judge_missed_therapy,
    judge_persistence,
    judge_pre_dose,
    judge_reading,
    judge_rems_overdue,
    worst_first,
)
from app.safety.catalogue import OPIOIDS, RULES
from app.safety.findings import Finding, Number, Severity

__all__ = [
    "HELP",
    "OPIOIDS",
    "RULES",
    "AnswerInputs",
    "CravingInputs",
    "PreDoseInputs",
    "ReadingInputs",
    "TakenBack",
    "UseInputs",
    "is_over_bp2",
    "judge_adverse_event",
    "judge_answers",
    "judge_extra_requests",
    "judge_missed_check_ins",
    "judge_missed_day_after",
    "judge_missed_session",
    "judge_missed_therapy",
    "judge_pre_dose",
    "judge_reading",
    "judge_rems_overdue",
]

HELP = Finding("SUI-4", Severity.CRITICAL, {}, {})
"""Somebody pressed the button: nothing is judged."""

SPREAD_OF_A_NORMAL_CURVE = 1.4826
"""A median absolute deviation times this is comparable to a standard deviation."""
CRAVING_POINTS = 10
"""The figures for craving are points of a 0-10 scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CravingInputs:
    """Craving for one substance now, and what is usual for this patient; higher is worse.

    `of` is the top of the scale: 10, or 100 for the line. `usual` holds the values of the days that CRV-1 looks back
    on, without this one. `highest_by_day` is the highest value of a day by how many days ago it was (0 is today).
    """

    value: int
    substance: str | None = None
    of: int = CRAVING_POINTS
    usual: Sequence[float] = ()
    highest_by_day: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseInputs:
    """What a diary says of one day and one substance. `drinks` are standard drinks."""

    used: bool | None = None
    substance: str | None = None
    drinks: int | None = None

    @property
    def is_use(self) -> bool:
        """Whether it reports any use."""
        return bool(self.used) or bool(self.drinks)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """An answer that was a danger sign and was lowered by a correction; `now` is None when it was taken out."""

    item: str
    before: int
    now: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInputs:
    """What one check-in says that a rule looks at, and what is known from before. None: not answered, never zero.

    `self_harm` is item 9 of the PHQ-9 (0-3), `self_harm_before` the answer before this one. `cssrs` holds the items of
    the screener that were answered (1 is yes). `dissociation` is the brief total 0-16, `distress` its item 0-4,
    `minutes_from_dose` those of the dose that the check-in is linked to. `use_days` are days of reported use by how
    many days ago they were (0 is today). `opioid_abstinent_days`: whole days before today without opioid use, as far
    as was reported; None where nothing was. `ciwa` 0-67, `cows` 0-48, `withdrawal` 0-10, `urinary_blood` 0-3,
    `urinary_total` 0-15, all worse upwards; `urinary_before` the earlier totals, the newest last. `minutes_since_said`:
    how long ago the version that this one corrects was sent. `abstinence_is_the_goal`: what the care plan says; None
    without a plan, and then the clinic's figure decides.
    """

    self_harm: int | None = None
    self_harm_before: int | None = None
    cssrs: Mapping[str, int] = field(default_factory=dict)
    minutes_from_dose: int | None = None
    dissociation: int | None = None
    distress: int | None = None
    dissociation_before_dose: int | None = None
    cravings: Sequence[CravingInputs] = ()
    uses: Sequence[UseInputs] = ()
    use_days: frozenset[int] = frozenset()
    opioid_abstinent_days: int | None = None
    sex: str | None = None
    ciwa: int | None = None
    cows: int | None = None
    withdrawal: int | None = None
    last_drink_hours: int | None = None
    urinary_blood: int | None = None
    urinary_total: int | None = None
    urinary_before: Sequence[float] = ()
    phq9_total: int | None = None
    phq9_first: float | None = None
    taken_back: Sequence[TakenBack] = ()
    minutes_since_said: float | None = None
    abstinence_is_the_goal: bool | None = None


def judge_answers(inputs: AnswerInputs, figures: Safety) -> list[Finding]:
    """Judge a check-in: SUI-1 to SUI-3, DIS, CRV, USE, WD, TOX-1, MOOD-1, PROM-1.

    The most severe first, each rule at most once.
    """
    return worst_first(
        (
            _sui1(inputs, figures),
            _cssrs(inputs.cssrs),
            judge_persistence(
                inputs.dissociation,
                inputs.dissociation_before_dose,
                inputs.minutes_from_dose,
                figures,
                at_the_bedside=False,
            ),
            judge_distress(inputs.distress, figures),
            _crv1(inputs, figures),
            _crv2(inputs.cravings, figures),
            _use1(inputs, figures),
            _use2(inputs, figures),
            _use3(inputs, figures),
            _wd1(inputs, figures),
            _wd2(inputs.cows, figures),
            _tox1(inputs, figures),
            _mood1(inputs, figures),
            _prom1(inputs, figures),
        )
    )


def _sui1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    now, before = inputs.self_harm, inputs.self_harm_before
    if now is None or now < figures.sui1_from:
        return None
    rose = before is not None and now - before >= figures.sui1_critical_rise
    return Finding(
        "SUI-1",
        Severity.CRITICAL if now >= figures.sui1_critical_from or rose else Severity.URGENT,
        {"item_9": now, "item_9_before": before},
        {
            "from": figures.sui1_from,
            "critical_from": figures.sui1_critical_from,
            "critical_rise": figures.sui1_critical_rise,
        },
    )


def _cssrs(items: Mapping[str, int]) -> Finding | None:
    """SUI-2 for intent, a plan, or behaviour in the last three months; SUI-3 for the signs below those."""
    for rule, severity, signs in (
        ("SUI-2", Severity.CRITICAL, ("intent", "plan_intent", "behaviour_3mo")),
        ("SUI-3", Severity.URGENT, ("method", "behaviour_lifetime")),
    ):
        if any(items.get(sign) == 1 for sign in signs):
            return Finding(rule, severity, {sign: items.get(sign) for sign in signs}, dict.fromkeys(signs, 1))
    return None


def _crv1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    used_after = any(use.is_use for use in inputs.uses)
    return _worst(_spike(craving, figures, used_after=used_after) for craving in inputs.cravings)


def _spike(craving: CravingInputs, figures: Safety, *, used_after: bool) -> Finding | None:
    """CRV-1: median and median absolute deviation of the patient's own last days; see the vectors in the tests."""
    if len(craving.usual) < figures.crv1_min_values:
        return None
    per_point = craving.of / CRAVING_POINTS
    usual = median(craving.usual)
    deviation = max(median(abs(value - usual) for value in craving.usual), figures.crv1_least_spread * per_point)
    limit = usual + max(figures.crv1_points * per_point, figures.crv1_spreads * SPREAD_OF_A_NORMAL_CURVE * deviation)
    if craving.value < limit:
        return None
    urgent = craving.value >= figures.crv1_urgent_from * per_point or used_after
    return Finding(
        "CRV-1",
        Severity.URGENT if urgent else Severity.ROUTINE,
        {
            "value": craving.value,
            "of": craving.of,
            "substance": craving.substance,
            "usual": usual,
            "n": len(craving.usual),
            "used_after": used_after,
        },
        {
            "from": round(limit, 4),
            "days": figures.crv1_days,
            "points": figures.crv1_points,
            "spreads": figures.crv1_spreads,
            "urgent_from": figures.crv1_urgent_from,
        },
    )


def _crv2(cravings: Iterable[CravingInputs], figures: Safety) -> Finding | None:
    return _worst(_sustained(craving, figures) for craving in cravings)


def _sustained(craving: CravingInputs, figures: Safety) -> Finding | None:
    """CRV-2: the highest value of each day counts, and a day without one is no day of high craving."""
    limit = figures.crv2_from * craving.of / CRAVING_POINTS
    days = {**craving.highest_by_day, 0: max(craving.value, craving.highest_by_day.get(0, craving.value))}
    if craving.value < limit or any(days.get(ago, -1) < limit for ago in range(figures.crv2_days)):
        return None
    return Finding(
        "CRV-2",
        Severity.URGENT,
        {"substance": craving.substance, "of": craving.of}
        | {f"highest_{ago}_days_ago": days[ago] for ago in range(figures.crv2_days)},
        {"from": limit, "days": figures.crv2_days},
    )


def _use1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    """Any use against a goal of abstinence: the care plan's, or without a plan the clinic's usual one."""
    used = next((use for use in inputs.uses if use.is_use), None)
    planned = inputs.abstinence_is_the_goal
    if used is None or not (figures.abstinence_is_the_goal if planned is None else planned):
        return None
    limits = {"abstinence_goal": True} | ({} if planned is None else {"by_care_plan": True})
    return Finding("USE-1", Severity.ROUTINE, {"used": True, "substance": used.substance}, limits)


def _use2(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    """A heavy day, or days of use of whatever substance. Where the sex is not known, the lower figure holds."""
    most = figures.use2_drinks_above_men if inputs.sex == "male" else figures.use2_drinks_above_women
    drinks = max((use.drinks for use in inputs.uses if use.drinks is not None), default=None)
    used_today = any(use.is_use for use in inputs.uses)
    days = len({ago for ago in inputs.use_days if ago < figures.use2_within_days} | {0}) if used_today else 0
    if (drinks is None or drinks <= most) and days < figures.use2_days:
        return None
    return Finding(
        "USE-2",
        Severity.URGENT,
        {"drinks": drinks, "use_days": days},
        {"drinks_above": most, "use_days_from": figures.use2_days, "within_days": figures.use2_within_days},
    )


def _use3(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    """Abstinence is what was reported: no answers at all are not days without use."""
    used = next((use for use in inputs.uses if use.is_use and use.substance in OPIOIDS), None)
    days = inputs.opioid_abstinent_days
    if used is None or days is None or days < figures.use3_abstinent_days:
        return None
    return Finding(
        "USE-3",
        Severity.CRITICAL,
        {"substance": used.substance, "abstinent_days": days},
        {"abstinent_days_from": figures.use3_abstinent_days},
    )


def _wd1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    """WD-1b takes the place of WD-1, which the same total meets as well."""
    ciwa, severity, hours = inputs.ciwa, inputs.withdrawal, inputs.last_drink_hours
    said: dict[str, Number] = {"ciwa": ciwa, "severity": severity, "last_drink_hours": hours}
    if ciwa is not None and ciwa >= figures.wd1b_from:
        return Finding("WD-1b", Severity.CRITICAL, said, {"ciwa_from": figures.wd1b_from})
    after_drinking = hours is not None and figures.wd1_drink_from_hours <= hours <= figures.wd1_drink_to_hours
    severe = severity is not None and severity >= figures.wd1_severity_from
    if (ciwa is None or ciwa < figures.wd1_from) and not (severe and after_drinking):
        return None
    return Finding(
        "WD-1",
        Severity.URGENT,
        said,
        {
            "ciwa_from": figures.wd1_from,
            "severity_from": figures.wd1_severity_from,
            "last_drink_from_hours": figures.wd1_drink_from_hours,
            "last_drink_to_hours": figures.wd1_drink_to_hours,
        },
    )


def _wd2(cows: int | None, figures: Safety) -> Finding | None:
    if cows is None or cows < min(figures.wd2_from, figures.wd2_critical_from):
        return None
    return Finding(
        "WD-2",
        Severity.CRITICAL if cows >= figures.wd2_critical_from else Severity.URGENT,
        {"cows": cows},
        {"from": figures.wd2_from, "critical_from": figures.wd2_critical_from},
    )


def _tox1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    blood, total = inputs.urinary_blood, inputs.urinary_total
    earlier: list[float | None] = [None, None, *inputs.urinary_before]
    before_last, last = earlier[-2:]
    rises = total is not None and last is not None and before_last is not None and before_last < last < total
    if not blood and (total is None or total < figures.tox1_total_from) and not rises:
        return None
    return Finding(
        "TOX-1",
        Severity.URGENT,
        {"blood": blood, "total": total, "total_before": last, "total_before_that": before_last},
        {"blood_from": 1, "total_from": figures.tox1_total_from, "rises_in_a_row": 2},
    )


def _mood1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    total, first = inputs.phq9_total, inputs.phq9_first
    if total is None:
        return None
    rose = first is not None and total - first >= figures.mood1_rise
    if total < figures.mood1_from and not rose:
        return None
    return Finding(
        "MOOD-1",
        Severity.URGENT,
        {"total": total, "first": first},
        {"from": figures.mood1_from, "rise_from": figures.mood1_rise},
    )


def _prom1(inputs: AnswerInputs, figures: Safety) -> Finding | None:
    minutes = inputs.minutes_since_said
    if not inputs.taken_back or minutes is None or minutes > figures.prom1_minutes:
        return None
    said: dict[str, Number] = {"minutes": round(minutes, 2)}
    for taken in inputs.taken_back:
        said |= {f"{taken.item}_before": taken.before, taken.item: taken.now}
    return Finding("PROM-1", Severity.ROUTINE, said, {"within_minutes": figures.prom1_minutes})


def _worst(found: Iterable[Finding | None]) -> Finding | None:
    """Keep one of the same rule for several substances: the most severe, else the first."""
    return next(iter(worst_first(found)), None)
