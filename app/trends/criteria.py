"""Published criteria of change, where there are any: response, remission, reliable and noticeable change, recovery.

Each criterion stands with its figure and where that is published. A measure without a published figure has none of
them, and only the clinic's declared rule (`rules.change_threshold`) says anything of its change. Pure.

Figures that belong to one instrument come from its definition. The caseness of recovery is published about two
instruments together, so it stands here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from app.instruments.definitions import Measure
from app.trends.rules import ROUNDING, ChangeLabel, Rule, Scale, change_label, response_percent

CASENESS: Final[Mapping[str, float]] = {"phq9_total": 10, "gad7_total": 8}
"""From this total on somebody is a case: the two measures that recovery is defined by, together."""
CASENESS_SOURCE: Final = "NHS/IAPT manual: recovered is PHQ-9 below 10 and GAD-7 below 8"
MDC95_SOURCE: Final = "1.96 x sqrt(2) x SEM; SEM by {}"
RECOVERY_RULE: Final = Rule("iapt_recovery", "1")


class CriterionKey(StrEnum):
    """What a criterion asks."""

    RESPONSE = "response"
    REMISSION = "remission"
    MCID = "mcid"
    MCID_PERCENT = "mcid_percent"
    RELIABLE_CHANGE = "reliable_change"
    MDC95 = "mdc95"
    CLINICALLY_SIGNIFICANT = "clinically_significant"


RULES: Final[Mapping[CriterionKey, Rule]] = {
    CriterionKey.RESPONSE: Rule("response_by_share_of_baseline", "1"),
    CriterionKey.REMISSION: Rule("remission_below_cut_off", "1"),
    CriterionKey.MCID: Rule("minimal_important_change", "1"),
    CriterionKey.MCID_PERCENT: Rule("minimal_important_change_percent", "1"),
    CriterionKey.RELIABLE_CHANGE: Rule("published_reliable_change", "1"),
    CriterionKey.MDC95: Rule("minimal_detectable_change_95", "1"),
    CriterionKey.CLINICALLY_SIGNIFICANT: Rule("reliable_and_across_cut_off", "1"),
}
Unit = Literal["points", "percent"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One published criterion. `label` says where a change is judged, `met` where there is only yes or no."""

    key: CriterionKey
    figure: float
    unit: Unit
    source: str | None
    label: ChangeLabel | None = None
    met: bool | None = None

    @property
    def rule(self) -> Rule:
        """Name and version of the rule that makes the label."""
        return RULES[self.key]


def criteria_of(
    measure: Measure, baseline: float | None, current: float | None, percent: float | None
) -> list[Criterion]:
    """Judge the latest values by every criterion that is published for the measure.

    `percent` is the difference in percent of the baseline, None where no percentage is given. What cannot be judged
    for want of a baseline or of later values stands there without a verdict.
    """
    response, published = response_percent(measure), measure.change
    found = []
    if response is not None:
        met = None if percent is None else -percent >= response - ROUNDING
        found.append(Criterion(CriterionKey.RESPONSE, response, "percent", None, met=met))
    if measure.remission_below is not None:
        met = None if current is None else current < measure.remission_below
        found.append(Criterion(CriterionKey.REMISSION, measure.remission_below, "points", None, met=met))
    if published is None:
        return found
    scale = Scale.of(measure)

    def label(points: float) -> ChangeLabel | None:
        return None if baseline is None or current is None else change_label(baseline, current, points, scale)

    def add(key: CriterionKey, points: float | None, source: str | None) -> None:
        if points is not None:
            found.append(Criterion(key, points, "points", source, label=label(points)))

    add(CriterionKey.MCID, published.mcid_points, published.mcid_source)
    if published.mcid_points is None and published.mcid_pct is not None:
        share = None if percent is None or baseline is None else label(published.mcid_pct / 100 * baseline)
        source = published.mcid_pct_source
        found.append(Criterion(CriterionKey.MCID_PERCENT, published.mcid_pct, "percent", source, label=share))
    add(CriterionKey.RELIABLE_CHANGE, published.reliable_change_points_gte, published.reliable_change_source)
    add(CriterionKey.MDC95, published.mdc95, MDC95_SOURCE.format(published.mcid_source))
    significant = clinically_significant(measure, baseline, current)
    if significant is not None:
        found.append(significant)
    return found


def clinically_significant(measure: Measure, baseline: float | None, current: float | None) -> Criterion | None:
    """Whether the change is reliable and crosses the published cut-off; None where either figure is not published.

    `improved`: from a case to none; `worse`: from none to a case; `unchanged`: everything else.
    """
    cut_off, published = CASENESS.get(measure.key), measure.change
    if cut_off is None or published is None or published.reliable_change_points_gte is None:
        return None
    label = None
    if baseline is not None and current is not None:
        reliable = change_label(baseline, current, published.reliable_change_points_gte, Scale.of(measure))
        crossed = (baseline >= cut_off) != (current >= cut_off)
        label = reliable if crossed else ChangeLabel.UNCHANGED
    return Criterion(CriterionKey.CLINICALLY_SIGNIFICANT, cut_off, "points", CASENESS_SOURCE, label=label)


# Recovery -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One of the two measures of recovery: what it was before the first dose and what it is now."""

    measure: Measure
    baseline: float | None
    current: float | None

    @property
    def cut_off(self) -> float:
        """From this total on it is a case."""
        return CASENESS[self.measure.key]

    @property
    def reliable(self) -> ChangeLabel | None:
        """The published label of its change; None without both values."""
        points = self.measure.change.reliable_change_points_gte if self.measure.change else None
        if self.baseline is None or self.current is None:
            return None
        return change_label(self.baseline, self.current, points, Scale.of(self.measure))


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovery by both measures together. What cannot be said for want of a value is None."""

    scores: Sequence[CaseScore]
    was_case: bool | None
    is_case: bool | None
    recovered: bool | None
    """From a case to none; None too for somebody who was no case before the first dose."""
    reliably: bool | None
    """Whether, with that, at least one of the two improved reliably and neither became reliably worse."""
    rule: Rule = RECOVERY_RULE


def recovery_of(scores: Sequence[CaseScore]) -> Recovery:
    """Judge recovery: a case on either scale before the first dose, on neither scale now."""
    was = _is_case([(score.baseline, score.cut_off) for score in scores])
    now = _is_case([(score.current, score.cut_off) for score in scores])
    recovered = None if not was or now is None else not now
    labels = [score.reliable for score in scores]
    reliably = None
    if recovered is not None and None not in labels:
        reliably = recovered and ChangeLabel.IMPROVED in labels and ChangeLabel.WORSE not in labels
    return Recovery(scores, was, now, recovered, reliably)


def _is_case(values: Sequence[tuple[float | None, float]]) -> bool | None:
    """A case on any scale; None where a value is missing and no other one decides it."""
    known = [value >= cut_off for value, cut_off in values if value is not None]
    if any(known):
        return True
    return False if len(known) == len(values) else None
