"""Comparisons on the wire: several measures, two periods, doses of one patient, and what was missed."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment, TimeZoneName
from app.core.schemas import Outgoing
from app.trends.asked import Bucket
from app.trends.missed import MissedLabel
from app.trends.relief import CensoredBy
from app.trends.rules import ChangeLabel
from app.trends.schemas import (
    From,
    InsufficientData,
    Marker,
    MeasureAnswer,
    Nadir,
    ReliefSummary,
    SeriesAnswer,
    To,
    TrendSeries,
)
from app.trends.statistic_schemas import PublishedCriterion, RuleName, RuleVersion

Missing = Annotated[list[InsufficientData], Field(description="What was left out, and what it needs.")]


class SeveralTrends(Outgoing):
    """Several measures of one patient by the calendar, on one axis.

    They stand beside each other. No figure is made of two of them: their scales and directions differ.
    """

    time_zone: Annotated[TimeZoneName, Field(description="The patient's zone, in which local days are placed.")]
    first_day: From = Field(description="First local day of the period.")
    last_day: To = Field(description="Last local day of the period, included.")
    bucket: Annotated[Bucket, Field(description="What a point stands for.")]
    series: Annotated[list[TrendSeries], Field(description="One for each measure, in the order of the question.")]
    markers: Annotated[list[Marker], Field(description="Dosing sessions and appointments of the period, by time.")]


# Two periods ----------------------------------------------------------------------------------------------------------


class PeriodFigures(Outgoing):
    """One measure in one period. Median and mean are those of the local days' means, so that each day counts once."""

    first_day: From = Field(description="First local day.")
    last_day: To = Field(description="Last local day, included.")
    days: Annotated[int, Field(description="Local days of the period that have begun.", examples=[28])]
    days_with_values: Annotated[int, Field(description="Local days with a value.", examples=[24])]
    n: Annotated[int, Field(description="Values.", examples=[51])]
    median: Annotated[float | None, Field(description="Null without a value.", examples=[6])]
    mean: Annotated[float | None, Field(description="Null without a value.", examples=[5.8])]
    min: Annotated[float | None, Field(description="Smallest of all values.", examples=[2])]
    max: Annotated[float | None, Field(description="Largest of all values.", examples=[9])]


class PeriodChange(Outgoing):
    """The second period against the first. Everything is null where either has fewer than 3 days with values."""

    difference: Annotated[
        float | None, Field(description="Median of the second minus median of the first, in points.", examples=[-2])
    ]
    mean_difference: Annotated[float | None, Field(description="The same of the means.", examples=[-1.9])]
    percent: Annotated[
        float | None,
        Field(description="The difference in percent of the first median, where that can be said."),
    ]
    threshold: Annotated[float | None, Field(description="D, the points that the label asks for.", examples=[2])]
    label: Annotated[
        ChangeLabel | None, Field(description="By the clinic's rule, as for the change from the baseline.")
    ]
    criteria: Annotated[list[PublishedCriterion], Field(description="By every criterion published for the measure.")]
    rule: RuleName
    rule_version: RuleVersion


class ComparedPeriods(MeasureAnswer):
    """One measure of one patient in two periods. That something differs does not say why."""

    first: PeriodFigures
    second: PeriodFigures
    change: PeriodChange
    insufficient_data: Missing


# Doses of one patient -------------------------------------------------------------------------------------------------


class DoseFigures(Outgoing):
    """What was given, how long after the dose before, and what followed. `DoseCurve` explains each figure."""

    dosing_session_id: Annotated[UUID, Field(description="The dosing session.")]
    dose_started_at: Annotated[Moment, Field(description="When it began.")]
    dose_substance: Annotated[str | None, Field(description="What was given.", examples=["ketamine"])]
    dose_route: Annotated[str | None, Field(description="How it was given.", examples=["IM"])]
    dose_mg: Annotated[float | None, Field(description="The dose in mg, where it was recorded.", examples=[40])]
    minutes_since_previous_dose: Annotated[int | None, Field(description="Null for the first dose.")]
    baseline: Annotated[float | None, Field(description="What was usual just before it.", examples=[7])]
    baseline_n: Annotated[int, Field(description="Values of the baseline.", examples=[5])]
    baseline_overlaps_previous_dose: Annotated[
        bool, Field(description="Whether the baseline may be the relief of the dose before.")
    ]
    n_after: Annotated[int, Field(description="Values after it, up to the next dose or 14 days.", examples=[20])]
    onset_minutes: Annotated[int | None, Field(description="Minutes to relief; null: none seen.", examples=[240])]
    nadir: Annotated[Nadir | None, Field(description="The best value; null below 3 values after the dose.")]
    duration_minutes: Annotated[
        int | None, Field(description="Length of relief; where censored, at least so long.", examples=[9840])
    ]
    censored: Annotated[bool, Field(description="Whether relief was still there at the last value.")]
    censored_by: Annotated[CensoredBy | None, Field(description="Why its end was not seen.")]
    auc: Annotated[float | None, Field(description="Area between baseline and values over 168 h.")]
    mean_reduction: Annotated[float | None, Field(description="The area by the hours it covers, in points.")]
    coverage: Annotated[float, Field(description="Percent of the 168 h that the area covers.", examples=[100])]
    insufficient_data: Missing


class DoseGroup(Outgoing):
    """The doses of the period that were given alike. The groups stand in the order in which each was first given."""

    dose_substance: Annotated[str | None, Field(description="What was given; null: not recorded.")]
    dose_route: Annotated[str | None, Field(description="How; null: not recorded.", examples=["IM"])]
    dose_mg: Annotated[float | None, Field(description="How much, in mg; null: not recorded.", examples=[40])]
    n: Annotated[int, Field(description="Doses.", examples=[4])]
    dosing_session_ids: Annotated[list[UUID], Field(description="Their sessions.")]
    relief: ReliefSummary
    median_minutes_since_previous_dose: Annotated[int | None, Field(description="Null where none came before.")]
    median_onset_minutes: Annotated[int | None, Field(description="Of the doses with relief, where those are enough.")]
    median_mean_reduction: Annotated[
        float | None, Field(description="Of the doses with an area, in points, where those are enough.")
    ]
    insufficient_data: Missing


class ComparedDoses(SeriesAnswer):
    """One measure after each dose of one patient, beside what was given. It is data about the past.

    Doses were not given by chance: who was worse may have been given more, one dose acts on the next, and a patient
    changes meanwhile. So nothing is ranked here, and nothing says what to give.
    """

    doses: Annotated[list[DoseFigures], Field(description="One for each dose, in order of time.")]
    groups: Annotated[list[DoseGroup], Field(description="The same by substance, route and amount.")]
    rule: RuleName
    rule_version: RuleVersion


# What was missed ------------------------------------------------------------------------------------------------------


class MissedShare(Outgoing):
    """How many of some check-ins were missed."""

    n: Annotated[int, Field(description="Check-ins that were due.", examples=[30])]
    missed: Annotated[int, Field(description="Those that closed without an answer.", examples=[12])]
    percent: Annotated[float | None, Field(description="Of 100; null of none.", examples=[40])]


class MissedCheckIns(SeriesAnswer):
    """Whether check-ins that asked for a measure were missed more often after worse values.

    Each check-in counts with the last value before it opened, if that is at most a day old. Worse is worse than the
    patient's own median of the period. Where more are missed after worse values, what was reported looks better than
    the days were; nothing is filled in for them.
    """

    own_median: Annotated[float | None, Field(description="Median of all values of the period.", examples=[4])]
    after_worse: Annotated[MissedShare, Field(description="Check-ins after a value worse than that.")]
    after_others: Annotated[MissedShare, Field(description="Check-ins after any other value.")]
    without_value: Annotated[int, Field(description="Check-ins with no value shortly before them.", examples=[3])]
    p_value: Annotated[float | None, Field(description="Two-sided, of Fisher's exact test; null for too little.")]
    label: Annotated[
        MissedLabel | None, Field(description="Null for too few check-ins, and where neither end of a scale is worse.")
    ]
    method: Annotated[str, Field(description="The test.", examples=["fisher_exact"])]
    rule: RuleName
    rule_version: RuleVersion
    insufficient_data: Missing
