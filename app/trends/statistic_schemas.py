"""What the statistics of a trend look like on the wire: baseline, change, slope, test, adherence, days without use."""

from typing import Annotated, Literal

from pydantic import Field

from app.core.fields import Day, Moment
from app.core.schemas import Outgoing
from app.trends.abstinence import Happening, Origin
from app.trends.criteria import CriterionKey
from app.trends.rules import ChangeLabel, TrendLabel
from app.trends.smoothing import Method

RuleName = Annotated[str, Field(description="Name of the rule.", examples=["range_or_baseline_share"])]
RuleVersion = Annotated[str, Field(description="Version of the rule.", examples=["1"])]


class Baseline(Outgoing):
    """What was usual before the patient's first dose: the median of the values in the 14 days before it."""

    status: Annotated[
        Literal["sufficient", "insufficient"],
        Field(description="`insufficient`: fewer than 3 values in the window, or no dose yet; then there is no value."),
    ]
    value: Annotated[float | None, Field(description="The median, in the unit of the measure.", examples=[7])]
    n: Annotated[int, Field(description="Values in the window.", examples=[12])]
    starts_at: Annotated[Moment | None, Field(serialization_alias="from", description="Start of the window.")]
    ends_at: Annotated[
        Moment | None, Field(serialization_alias="to", description="Its end, the start of the first dose.")
    ]
    method: Annotated[Literal["median"], Field(description="How the value is made of those in the window.")]
    rule: RuleName
    rule_version: RuleVersion


class PublishedLabel(Outgoing):
    """The same difference, judged by a published figure for this measure."""

    label: Annotated[ChangeLabel | None, Field(description="Null without a baseline or later values.")]
    points: Annotated[float, Field(description="Points of difference that the figure asks for.", examples=[5])]
    source: Annotated[str | None, Field(description="Where the figure is published.")]
    rule: RuleName
    rule_version: RuleVersion


class PublishedCriterion(Outgoing):
    """The same difference, or the latest values alone, judged by one published criterion.

    `response`: a fall by so many percent of the baseline. `remission`: below a limit. `mcid` and `mcid_percent`: the
    smallest difference that patients notice. `reliable_change`: more than measurement error rarely makes, as published;
    `mdc95`: the same from the published standard error of measurement. `clinically_significant`: reliable, and across
    the cut-off between those who are a case and those who are not. A measure without published figures has none.
    """

    criterion: Annotated[CriterionKey, Field(description="Which one.")]
    met: Annotated[bool | None, Field(description="Of `response` and `remission`: whether it holds; null: not known.")]
    label: Annotated[ChangeLabel | None, Field(description="Of the others: what it says; null: not known.")]
    figure: Annotated[float, Field(description="The published figure.", examples=[6.93])]
    unit: Annotated[Literal["points", "percent"], Field(description="Unit of the figure.")]
    source: Annotated[str | None, Field(description="Where it is published; null: with the instrument.")]
    rule: RuleName
    rule_version: RuleVersion


class CaseScore(Outgoing):
    """One of the two measures that recovery is defined by."""

    measure: Annotated[str, Field(description="Key of the measure.", examples=["phq9_total"])]
    baseline: Annotated[float | None, Field(description="Before the first dose; null: too few values.", examples=[15])]
    current: Annotated[float | None, Field(description="The latest values; null: none.", examples=[7])]
    case_from: Annotated[float, Field(description="From this total on it is a case.", examples=[10])]
    reliable_change: Annotated[ChangeLabel | None, Field(description="By the published figure; null: not known.")]


class Recovery(Outgoing):
    """Recovery from depression and anxiety by both measures together, as it is published: a case before, none now."""

    recovered: Annotated[
        bool | None, Field(description="Null for who was no case before the first dose, or for want of a value.")
    ]
    reliably: Annotated[
        bool | None,
        Field(description="Whether at least one of the two improved reliably with that, and neither became worse."),
    ]
    was_case: Annotated[bool | None, Field(description="A case on either scale before the first dose.")]
    is_case: Annotated[bool | None, Field(description="A case on either scale now.")]
    scores: Annotated[list[CaseScore], Field(description="Both measures.")]
    rule: RuleName
    rule_version: RuleVersion


class SmoothedPoint(Outgoing):
    """One local day of a smoothed line."""

    local_day: Annotated[Day, Field(description="The local day.")]
    value: Annotated[float | None, Field(description="Null where it would rest on too few days.", examples=[4.4])]


class SmoothedLine(Outgoing):
    """A smoothed line through the means of the local days. It is for drawing: no statistic rests on it."""

    method: Annotated[Method, Field(description="How it is made.")]
    lines: Annotated[
        list[list[SmoothedPoint]],
        Field(description="Its unbroken pieces, by time: draw nothing between two of them. Each begins anew."),
    ]
    rule: RuleName
    rule_version: RuleVersion


class ChangeFromBaseline(Outgoing):
    """How the latest values differ from the baseline.

    Latest: the mean of all values of the 7 local days up to the last one with a value, after the day of the first dose.
    The rule is a declared default, not a published figure: a change counts from D points, the larger of 20 % of the
    scale's range and 30 % of the baseline's distance from the good end. The clinic may set other shares.
    """

    label: Annotated[
        ChangeLabel | None,
        Field(description="Null without a baseline or later values, or where neither direction is better."),
    ]
    rule: RuleName
    rule_version: RuleVersion
    threshold: Annotated[float | None, Field(description="D, in points.", examples=[2.1])]
    difference: Annotated[
        float | None, Field(description="Latest minus baseline, in points; `higher_is` says which sign is better.")
    ]
    percent: Annotated[
        float | None,
        Field(description="The difference in percent of the baseline. Null for a baseline below 10 % of the range."),
    ]
    current: Annotated[float | None, Field(description="Mean of the latest values.", examples=[4.5])]
    current_n: Annotated[int, Field(description="How many they are.", examples=[9])]
    current_first_day: Annotated[
        Day | None, Field(serialization_alias="current_from", description="First local day of the latest values.")
    ]
    current_last_day: Annotated[
        Day | None, Field(serialization_alias="current_to", description="Last local day of the latest values.")
    ]
    mcid: Annotated[
        PublishedLabel | None,
        Field(description="By the smallest difference that patients notice; null where none is published."),
    ]
    reliable_change: Annotated[
        PublishedLabel | None,
        Field(description="By the difference that measurement error rarely makes; null where none is published."),
    ]
    responder: Annotated[
        bool | None, Field(description="Whether it fell by half or more; null where that is no published criterion.")
    ]
    remission: Annotated[
        bool | None, Field(description="Whether the latest values lie below the published limit; null without one.")
    ]
    criteria: Annotated[
        list[PublishedCriterion],
        Field(description="Every criterion that is published for the measure, with its figure, source and rule."),
    ]


class Slope(Outgoing):
    """Theil-Sen slope of the daily means in the period: the median slope between any two days."""

    per_day: Annotated[float, Field(description="Points a day, negative when falling.", examples=[-0.5])]
    ci_low: Annotated[float | None, Field(description="Low end of the 95 % interval; null below 8 days.")]
    ci_high: Annotated[float | None, Field(description="High end of the 95 % interval; null below 8 days.")]
    n: Annotated[int, Field(description="Local days with values.", examples=[10])]
    method: Annotated[
        str,
        Field(
            description="`theil_sen` of all pairs of days; `theil_sen_1_of_K_lags` where a long series made it use "
            "every K-th distance between days.",
            examples=["theil_sen"],
        ),
    ]


class TrendTest(Outgoing):
    """Mann-Kendall test of the daily means, and what it supports.

    There is a trend only where p is below 0.05 and the slope moves the value by the change threshold between the first
    and the last day with a value.
    """

    label: Annotated[TrendLabel | None, Field(description="Null where neither direction is better.")]
    rule: RuleName
    rule_version: RuleVersion
    s: Annotated[int, Field(description="Rises minus falls over all pairs of days.", examples=[-38])]
    z: Annotated[float, Field(description="S as a standard score, corrected for continuity.", examples=[-3.387])]
    p_value: Annotated[float, Field(description="Two-sided.", examples=[0.00071])]
    n: Annotated[int, Field(description="Local days with values.", examples=[10])]
    span_days: Annotated[int, Field(description="Days from the first to the last value.", examples=[9])]
    method: Annotated[Literal["mann_kendall"], Field(description="The test.")]
    caution: Annotated[
        Literal["autocorrelated"],
        Field(description="Values of following days resemble each other, so p looks smaller than it is."),
    ]


class Adherence(Outgoing):
    """How much was reported, what became of the check-ins that asked for it, and what was attended of what was booked.

    A missed one is no value of anything. `due` and the three after it are null where no check-in of the period asked
    for this measure. Sessions and appointments are counted that are over by today or were recorded; what the clinic
    called off was not booked. In studies of this kind about 75 in 100 check-ins were answered, 70 of dependent people
    (Jones 2019, Addiction 114:609).
    """

    days_with_values: Annotated[int, Field(description="Local days with a value of this measure.", examples=[61])]
    days: Annotated[int, Field(description="Local days of the period that have begun.", examples=[83])]
    due: Annotated[
        int | None, Field(description="Those that were answered or missed; not what waits or was withdrawn.")
    ]
    completed: Annotated[int | None, Field(description="Those answered in time.")]
    late: Annotated[int | None, Field(description="Those answered after they had closed.")]
    missed: Annotated[int | None, Field(description="Those that closed without an answer.")]
    sessions_booked: Annotated[int, Field(description="Dosing sessions of the period.", examples=[4])]
    sessions_attended: Annotated[int, Field(description="Those to which the patient came.", examples=[4])]
    sessions_not_recorded: Annotated[int, Field(description="Those of which nobody has recorded it.", examples=[0])]
    appointments_booked: Annotated[int, Field(description="Appointments that the patient was offered.", examples=[9])]
    appointments_attended: Annotated[int, Field(description="Those in which they took part.", examples=[7])]
    appointments_not_recorded: Annotated[int, Field(description="Those of which nobody has recorded it.", examples=[1])]


class TimeTo(Outgoing):
    """Local days from a day, itself left out, to the first day on which something was reported.

    It is followed to the end of the period, also where the period begins later than the day.
    """

    first: Annotated[Happening, Field(description="What is waited for; a heavy day is one of alcohol.")]
    since: Annotated[Origin, Field(description="From the first dose, or from the quit day of the care plan.")]
    since_day: Annotated[Day, Field(description="That local day.")]
    days: Annotated[int | None, Field(description="Null without a report after that day.", examples=[9])]
    censored: Annotated[
        bool | None,
        Field(description="True: it was not reported. It took longer than `days`, which reach to the last report."),
    ]
    unreported_days: Annotated[
        int, Field(description="Days in between without a report: it may have been one of them.", examples=[2])
    ]
    rule: RuleName
    rule_version: RuleVersion


class Abstinence(Outgoing):
    """Days without use, from the use diary. A day without a report is neither, except in the worst case."""

    abstinent_days: Annotated[int, Field(description="Days with reports, none of them of use.", examples=[50])]
    days_with_values: Annotated[int, Field(description="Days with reports.", examples=[61])]
    days: Annotated[int, Field(description="Local days of the period that have begun.", examples=[83])]
    percent: Annotated[float | None, Field(description="Abstinent days of 100 days with reports.", examples=[82])]
    worst_case_percent: Annotated[
        float | None, Field(description="The same with every unreported day counted as use.", examples=[60.2])
    ]
    days_to_first_use: Annotated[
        int | None, Field(description="From the day of the first dose to the first reported use, within the period.")
    ]
    first_use_censored: Annotated[
        bool | None, Field(description="True: no use was reported, and the days reach to the last report.")
    ]
    times_to: Annotated[
        list[TimeTo] | None,
        Field(
            description="Days to the first use and to the first heavy day (more than 4 drinks for men, more than 3 for "
            "women and where it is not known, unless the clinic says otherwise). Null among several measures."
        ),
    ]
    rule: RuleName
    rule_version: RuleVersion
