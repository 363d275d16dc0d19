"""The plan of observation, and the look of a session's chart, on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.charts.session_pictures import LEAST_HEIGHT, LEAST_WIDTH
from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing
from app.dosing.observation import CountedFrom
from app.dosing.observation_plan import PointState
from app.protocols.session_figures import Wanted


class PlanPoint(Outgoing):
    """A moment at which something is to be recorded at the bedside."""

    key: Annotated[str, Field(description="Its name in the protocol, or of the regular ones.", examples=["plus_40"])]
    minutes: Annotated[int, Field(description="Minutes from the begin; negative before it.", examples=[40])]
    due_at: Annotated[Moment, Field(description="When that is.")]
    tolerance_minutes: Annotated[int, Field(description="Early or late by at most this.", examples=[10])]
    wants: Annotated[list[Wanted], Field(description="What one reading has to hold to serve it.")]
    elsewhere: Annotated[
        list[Wanted], Field(description="What is wanted too, and is answered in a check-in instead.", examples=[[]])
    ]
    regular: Annotated[bool, Field(description="One of the regular vital signs, not named by the protocol.")]
    state: Annotated[
        PointState,
        Field(
            description="`expected` still to come, `due` now, `recorded` in time, `late` recorded after its tolerance "
            "but before the next one was due, `missing` its time has passed."
        ),
    ]
    reading_ids: Annotated[list[UUID], Field(description="The reading that serves it, if any.")]


class ObservationPlan(Outgoing):
    """The planned moments of a session in their order, with where each stands."""

    counted_from: Annotated[
        CountedFrom,
        Field(
            description="What minutes are counted from: the begin of the `dose`; before it the `planned_begin`, or "
            "`now` once that has passed."
        ),
    ]
    begins_at: Annotated[Moment, Field(description="When that is.")]
    protocol_version: Annotated[int, Field(description="Version of the clinic's figures that it is made from.")]
    points: Annotated[list[PlanPoint], Field(description="Empty for a session that will not, or did not, take place.")]
    unplanned_reading_ids: Annotated[list[UUID], Field(description="Readings that serve no planned moment.")]


class SessionLook(Incoming):
    """How the chart of a session is drawn."""

    width: Annotated[int, Field(ge=LEAST_WIDTH, le=2000, description="Width in CSS pixels.")] = 960
    height: Annotated[int, Field(ge=LEAST_HEIGHT, le=2000, description="Height in CSS pixels.")] = 760
    theme: Annotated[Literal["light", "dark"], Field(description="Colours.")] = "light"
