"""Calendar feeds on the wire."""

from pydantic import Field

from app.calendars.rules import Titles
from app.core.schemas import Incoming, Outgoing


class CalendarWrite(Incoming):
    """How a feed is to be."""

    titles: Titles = Field(
        description="`neutral`: every event is called Appointment, without a place. `plain`: what it is for and where."
    )
    enabled: bool = Field(strict=True, description="Whether the address answers.")


class Calendar(Outgoing):
    """A calendar feed of one's own, and its secret address."""

    address: str | None = Field(
        description="Subscribe to it in a calendar program. Whoever has it reads the feed without signing in: keep "
        "it to yourself, or revoke it. Null while the feed is not enabled.",
        examples=["https://api.example.org/calendars/AZ...Q4.ics"],
    )
    titles: Titles = Field(description="What the feed says of an appointment.")
    enabled: bool = Field(description="Whether the address answers.")
    version: int = Field(description="Counts the changes; the `ETag`. 0 while nothing was changed.", examples=[0])
