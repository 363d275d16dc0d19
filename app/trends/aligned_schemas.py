"""What stands beside the curves of a dose-aligned trend, on the wire: readings, therapy, and all doses pooled."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.schemas import Outgoing
from app.integration.rules import WindowKey
from app.trends.statistic_schemas import RuleName, RuleVersion


class SessionReading(Outgoing):
    """How strongly the patient was dissociated at one moment of the session, as staff recorded it then."""

    minutes_from_dose: Annotated[
        int, Field(description="Whole minutes since the start of the dose; negative before it.", examples=[40])
    ]
    dissociation: Annotated[
        int, Field(description="Total of `dissociation_brief`, 0 to 16; lower is better.", examples=[9])
    ]


class TherapyBesideCurve(Outgoing):
    """An appointment for therapy in one of the windows after a dose, up to the next dose, that the patient was offered.

    It counts as in `listMyIntegrationWindows`.
    """

    appointment_id: Annotated[UUID, Field(description="The appointment.")]
    minutes_from_dose: Annotated[
        int, Field(description="Whole minutes from the start of the dose to its planned begin.", examples=[1560])
    ]
    kind: Annotated[str, Field(description="What the appointment is for.", examples=["integration"])]
    window: Annotated[WindowKey, Field(description="Which of the three windows it lies in.")]
    attended: Annotated[
        bool | None, Field(description="Whether the patient took part; null where that is not recorded (yet).")
    ]


class PooledStretch(Outgoing):
    """All doses in one span of time since a dose. Each dose counts once, with the median of its values there."""

    from_minutes: Annotated[int, Field(description="Where it begins, in minutes from a dose.", examples=[120])]
    until_minutes: Annotated[
        int, Field(description="Where it ends; the end is no part of it, except of the last.", examples=[360])
    ]
    n: Annotated[int, Field(description="Doses with a value in it.", examples=[4])]
    n_followed: Annotated[
        int,
        Field(
            description="Doses followed as far as this: no next dose had been given, and the time has come. Where it "
            "falls, others are left: a change of the median may then be a change of who is in it.",
            examples=[4],
        ),
    ]
    n_values: Annotated[int, Field(description="Values of these doses in it.", examples=[6])]
    median: Annotated[float | None, Field(description="The median of the doses; null without a value.", examples=[4])]
    lower_quartile: Annotated[
        float | None, Field(description="A quarter of the doses lies at or below; null below `min_sessions` doses.")
    ]
    upper_quartile: Annotated[
        float | None, Field(description="A quarter of the doses lies at or above; null below `min_sessions` doses.")
    ]


class PooledDoses(Outgoing):
    """All doses of the period laid on one another, by the time since each. They are one patient's own doses.

    What came after the next dose is left out of a dose. Draw no band where there are no quartiles, and no line across a
    stretch without a median.
    """

    n_sessions: Annotated[int, Field(description="Doses of the period.", examples=[4])]
    n_overlapping: Annotated[
        int, Field(description="Those whose time before the dose lies in the time after an earlier one.", examples=[0])
    ]
    min_sessions: Annotated[int, Field(description="Fewest doses in a stretch for quartiles.", examples=[3])]
    baseline: Annotated[float | None, Field(description="Median of the baselines of the doses.", examples=[7])]
    baseline_n: Annotated[int, Field(description="Doses with a baseline.", examples=[4])]
    stretches: Annotated[
        list[PooledStretch], Field(description="In order of time, each beginning where the one before ends.")
    ]
    rule: RuleName
    rule_version: RuleVersion
