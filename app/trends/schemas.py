"""Trends on the wire: the shape of the answers. What may be asked stands in `asked.py`."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.core.fields import Day, Moment, TimeZoneName
from app.core.schemas import Outgoing
from app.instruments.definitions import Direction
from app.integration.rules import WindowKey
from app.trends.aligned_schemas import PooledDoses, SessionReading, TherapyBesideCurve
from app.trends.asked import Bucket
from app.trends.relief import CensoredBy
from app.trends.statistic_schemas import (
    Abstinence,
    Adherence,
    Baseline,
    ChangeFromBaseline,
    Recovery,
    RuleName,
    RuleVersion,
    Slope,
    SmoothedLine,
    TrendTest,
)

HigherIs = Annotated[Direction, Field(description="What a higher value means for the patient.", examples=["worse"])]
From = Annotated[Day, Field(serialization_alias="from", examples=["2026-09-01"])]
To = Annotated[Day, Field(serialization_alias="to", examples=["2026-11-22"])]


class InsufficientData(Outgoing):
    """A statistic that was left out, because it would rest on too little."""

    statistic: Annotated[str, Field(description="What was left out.", examples=["baseline"])]
    needed: Annotated[int, Field(description="Values it needs (for a slope: local days with values).", examples=[3])]
    have: Annotated[int, Field(description="Values there are.", examples=[1])]


class TrendPoint(BaseModel):
    """One value (`bucket=raw`: `at` and `value` alone), or one bucket (all but `value`).

    A bucket without values is left out; it is never zero.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    at: Annotated[Moment, Field(description="When it was recorded, or the first instant of the bucket.")]
    value: Annotated[float | None, Field(description="The value, in the unit of the measure.", examples=[7])] = None
    local_day: Annotated[Day | None, Field(description="The local day of the bucket; of a week its Monday.")] = None
    mean: Annotated[float | None, Field(description="Mean of the bucket's values.", examples=[6.5])] = None
    min: Annotated[float | None, Field(description="Smallest of the bucket's values.", examples=[5])] = None
    max: Annotated[float | None, Field(description="Largest of the bucket's values.", examples=[8])] = None
    n: Annotated[int | None, Field(description="How many values the bucket holds.", examples=[2])] = None


class Gap(Outgoing):
    """A stretch without a value: a line must not be drawn across it."""

    first_day: From = Field(description="First local day without a value.")
    last_day: To = Field(description="Last local day without a value.")
    days: Annotated[int, Field(description="Number of days without a value.", examples=[5])]


class TherapyInWindow(Outgoing):
    """How much therapy there was in one of the three windows after a dose, as `listMyIntegrationWindows` counts it."""

    window: Annotated[WindowKey, Field(description="Which of the three.")]
    from_hours: Annotated[int, Field(description="It begins so many hours after the begin of the dose,", examples=[24])]
    until_hours: Annotated[int, Field(description="and ends so many hours after it.", examples=[72])]
    offered: Annotated[int, Field(description="Appointments for therapy that the patient was offered.", examples=[1])]
    attended: Annotated[int, Field(description="Those in which they took part.", examples=[1])]
    not_recorded: Annotated[int, Field(description="Those of which it is not recorded (yet).", examples=[0])]


class Marker(Outgoing):
    """Something on the same axis: a dosing session or an appointment that was not cancelled."""

    kind: Annotated[Literal["dosing_session", "appointment"], Field(description="What it is.")]
    id: Annotated[UUID, Field(description="Its id.")]
    at: Annotated[Moment, Field(description="Start of the dose, or the planned time while there is none.")]
    status: Annotated[str, Field(description="Its status.", examples=["closed"])]
    dose_given: Annotated[bool, Field(description="Whether a dose was started. Always false for an appointment.")]
    dose_mg: Annotated[float | None, Field(description="The dose in mg, where it was recorded.", examples=[40])]
    substance: Annotated[str | None, Field(description="What was given.", examples=["ketamine"])]
    route: Annotated[str | None, Field(description="How it was given.", examples=["IM"])]
    appointment_kind: Annotated[str | None, Field(description="What the appointment is for.", examples=["cbt"])]
    attendance: Annotated[str | None, Field(description="Whether the patient came.", examples=["attended"])]
    therapy: Annotated[
        list[TherapyInWindow] | None,
        Field(description="Which therapy followed a dose; null for whatever is no dose that was started."),
    ]


class MeasureAnswer(Outgoing):
    """What every answer says of its measure."""

    measure: Annotated[str, Field(description="Key of the measure.", examples=["craving"])]
    substance: Annotated[str | None, Field(description="What it is about; null where it is not asked.")]
    title: Annotated[str, Field(description="Name of the measure.", examples=["Craving now"])]
    unit: Annotated[str, Field(description="Unit of every value.", examples=["points"])]
    minimum: Annotated[float, Field(description="Low end of the scale.", examples=[0])]
    maximum: Annotated[float, Field(description="High end of the scale.", examples=[10])]
    higher_is: HigherIs
    time_zone: Annotated[TimeZoneName, Field(description="The patient's zone, in which local days are placed.")]
    protocol_version: Annotated[
        int, Field(description="Version of the clinic's protocol, which holds every threshold.", examples=[1])
    ]


class SeriesAnswer(MeasureAnswer):
    """The same, and of its period."""

    first_day: From = Field(description="First local day of the period.")
    last_day: To = Field(description="Last local day of the period, included.")


class TrendSeries(SeriesAnswer):
    """One measure by the calendar, without what else stands on the axis.

    Nothing is imputed or carried forward. Check-ins whose clock was suspect are not in it.
    """

    bucket: Annotated[Bucket, Field(description="What a point stands for.")]
    n: Annotated[int, Field(description="Values in the period; all statistics rest on them.", examples=[122])]
    downsampled: Annotated[bool, Field(description="Whether fewer points are shown than there are values (LTTB).")]
    points: Annotated[list[TrendPoint], Field(description="In order of time.")]
    gaps: Annotated[
        list[Gap],
        Field(
            description="Runs of 3 days or more without a value, between two values and from the last one to "
            "yesterday; longer for questionnaires that are meant for longer intervals. For weeks: whole weeks."
        ),
    ]
    baseline: Baseline
    change: ChangeFromBaseline
    slope: Annotated[Slope | None, Field(description="Null below 5 local days with values.")]
    trend: Annotated[TrendTest | None, Field(description="Null below 8 local days with values.")]
    smoothed: Annotated[SmoothedLine | None, Field(description="A smoothed line, where `smooth` asks for one.")]
    adherence: Adherence
    abstinence: Annotated[Abstinence | None, Field(description="For the measure `used` alone.")]
    recovery: Annotated[Recovery | None, Field(description="For `phq9_total` and `gad7_total`; null among several.")]
    insufficient_data: Annotated[list[InsufficientData], Field(description="What was left out, and what it needs.")]


class Trend(TrendSeries):
    """One measure of one patient by the calendar, and what can honestly be said of it.

    Nothing is imputed or carried forward. Check-ins whose clock was suspect are not in it.
    """

    markers: Annotated[list[Marker], Field(description="Dosing sessions and appointments of the period, by time.")]


class AlignedPoint(Outgoing):
    """One value before or after a dose."""

    minutes_from_dose: Annotated[
        int, Field(description="Whole minutes since the start of the dose; negative before it.", examples=[240])
    ]
    value: Annotated[float, Field(description="The value, in the unit of the measure.", examples=[4])]


class Nadir(Outgoing):
    """The best value after a dose."""

    value: Annotated[float, Field(description="The lowest value; the highest where higher is better.", examples=[2])]
    minutes_from_dose: Annotated[int, Field(description="When; the earliest of equals.", examples=[2880])]


class DoseCurve(Outgoing):
    """The values around one dose, from the window of its baseline to the next dose or 14 days, and what they show.

    Relief begins with the first of two values in a row at `relief_at` or better, and is over with the first of two in a
    row that are not, after the best value. `censored`: the values ended first, so it lasted at least
    `duration_minutes`. Every figure is mirrored for a measure where higher is better.
    """

    dosing_session_id: Annotated[UUID, Field(description="The dosing session.")]
    dose_started_at: Annotated[Moment, Field(description="Minute 0.")]
    dose_mg: Annotated[float | None, Field(description="The dose in mg, where it was recorded.", examples=[40])]
    dose_substance: Annotated[str | None, Field(description="What was given.", examples=["ketamine"])]
    dose_route: Annotated[str | None, Field(description="How it was given.", examples=["IM"])]
    minutes_since_previous_dose: Annotated[int | None, Field(description="Null for the first dose.")]
    baseline: Annotated[
        float | None,
        Field(
            description="Median of the 72 h before the dose, of 7 days where those hold too few values.", examples=[7]
        ),
    ]
    baseline_n: Annotated[int, Field(description="Values in that window.", examples=[5])]
    baseline_hours: Annotated[int, Field(description="Length of that window in hours.", examples=[72])]
    baseline_overlaps_previous_dose: Annotated[
        bool,
        Field(
            description="Whether the window reaches into the 14 days after an earlier dose. The baseline may then be "
            "that dose's relief, and this dose is credited only with what it added."
        ),
    ]
    threshold: Annotated[float | None, Field(description="D, the change that counts, in points.", examples=[2.1])]
    relief_at: Annotated[float | None, Field(description="The value at which relief begins.", examples=[4.9])]
    relief_reachable: Annotated[
        bool | None, Field(description="False where that value lies off the scale, so that there can be no onset.")
    ]
    points: Annotated[list[AlignedPoint], Field(description="In order of time.")]
    onset_minutes: Annotated[int | None, Field(description="Minutes to relief; null: none seen.", examples=[240])]
    nadir: Annotated[Nadir | None, Field(description="Null below 3 values after the dose.")]
    return_minutes: Annotated[
        int | None, Field(description="Minutes from the dose to the end of relief; null: not seen.", examples=[10080])
    ]
    duration_minutes: Annotated[
        int | None, Field(description="From onset to return; where censored, to the last value.", examples=[9840])
    ]
    censored: Annotated[bool, Field(description="Whether relief was still there at the last value.")]
    censored_by: Annotated[CensoredBy | None, Field(description="Why its end was not seen.")]
    interrupted: Annotated[
        bool, Field(description="Whether two values in a row were worse than `relief_at` between onset and nadir.")
    ]
    auc: Annotated[
        float | None,
        Field(
            description="Area between baseline and values over the first 168 h, in point-hours; positive is better "
            "than the baseline. Pieces of more than 72 h without a value are left out.",
            examples=[580.5],
        ),
    ]
    mean_reduction: Annotated[
        float | None, Field(description="The area divided by the hours it covers, in points.", examples=[3.4554])
    ]
    coverage: Annotated[float, Field(description="Percent of the 168 h that the area covers.", examples=[100])]
    readings: Annotated[list[SessionReading], Field(description="Dissociation in the session, in order of time.")]
    therapies: Annotated[
        list[TherapyBesideCurve], Field(description="Therapy in the windows after the dose, in order of time.")
    ]
    insufficient_data: Annotated[list[InsufficientData], Field(description="What was left out, and what it needs.")]


class ReliefSummary(Outgoing):
    """Relief over the doses that had an onset: the Kaplan-Meier median takes a relief cut off for no short one."""

    median_relief_minutes: Annotated[
        int | None,
        Field(description="Null without an onset, or where more than half were still going on.", examples=[9840]),
    ]
    method: Annotated[Literal["kaplan_meier"], Field(description="How it is estimated.")]
    n: Annotated[int, Field(description="Doses with an onset, which it rests on.", examples=[4])]
    n_censored: Annotated[int, Field(description="Those of them whose end was not seen.", examples=[1])]
    n_without_onset: Annotated[int, Field(description="Doses without an onset.", examples=[1])]


class DoseAlignedTrend(SeriesAnswer):
    """One measure of one patient by the time since each dose that was started in the period.

    These are this patient's own values. They predict nothing, and no average of other patients stands beside them.
    """

    sessions: Annotated[list[DoseCurve], Field(description="One for each dose, in order of time.")]
    summary: ReliefSummary
    pooled: PooledDoses
    rule: RuleName
    rule_version: RuleVersion
