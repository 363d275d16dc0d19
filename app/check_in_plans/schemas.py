"""Check-ins that are due, on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.check_in_plans.rules import DueState
from app.core.fields import Moment
from app.core.schemas import Outgoing


class DueCheckIn(Outgoing):
    """One check-in that the patient is asked for."""

    id: Annotated[UUID, Field(description="Its id. Send it as `due_check_in_id` with the check-in that answers it.")]
    dosing_session_id: Annotated[UUID | None, Field(description="The session whose dose it follows.")]
    time_point: Annotated[str, Field(description="Which moment of the clinic's protocol it is.", examples=["plus_24h"])]
    opens_at: Annotated[Moment, Field(description="From when on it can be answered.")]
    due_at: Annotated[Moment, Field(description="When it is best answered; remind the patient then.")]
    closes_at: Annotated[Moment, Field(description="Until when an answer is in time. A later one still counts.")]
    instruments: Annotated[
        list[str], Field(description="Keys of the instruments that are asked for.", examples=[["craving_nrs"]])
    ]
    state: DueState
    check_in_id: Annotated[UUID | None, Field(description="The check-in that answered it; null while none has.")]
    answered_at: Annotated[
        Moment | None, Field(description="When it was answered, by the phone; null while it was not.")
    ]


class DueCheckInPage(Outgoing):
    """Check-ins that are due, in the order of time; all of the days asked for on one page."""

    items: Annotated[list[DueCheckIn], Field(description="The due check-ins.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None
