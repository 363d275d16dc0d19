"""What the feed of events looks like on the wire."""

from pydantic import Field

from app.core.schemas import Outgoing
from app.events.types import A_SUBJECT, EventType, Told


class Event(Told):
    """One event in the feed: what a webhook would say, with the id that its `webhook-id` would be."""

    type: EventType = Field(description="Name of the event.", examples=["check_in.recorded"])
    id: str = Field(
        description="The same as the `webhook-id` of its webhook.", examples=[f"msg_{A_SUBJECT.replace('-', '')}"]
    )


class EventPage(Outgoing):
    """Events, the oldest first."""

    items: list[Event] = Field(description="None when nothing happened since; ask again after a while.")
    next_cursor: str = Field(description="Where to go on. It is always there: keep it, and ask with it from then on.")
