"""A journal on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment, TimeZoneName
from app.core.schemas import Incoming, Outgoing

LONGEST = 20_000
"""Characters of one entry."""

Story = Annotated[
    str, Field(examples=["Walked to the river. It was easier today."], description="What the patient wrote.")
]
WrittenAt = Annotated[Moment, Field(description="When it was written, by the clock of the phone.")]
Zone = Annotated[TimeZoneName, Field(description="IANA name of the time zone in which it was written.")]


class JournalEntryWrite(Incoming):
    """One entry of a patient's own story. It is private until the patient shares it."""

    text: Annotated[Story, Field(min_length=1, max_length=LONGEST)] = Field(
        description="Whatever the patient wants to write. Encrypted at rest; in no log, no event and no search."
    )
    written_at: WrittenAt
    time_zone: Zone


class JournalSharingWrite(Incoming):
    """Whether the care team may read an entry."""

    shared: bool = Field(strict=True, description="True to share it, false to keep it private again.")


class JournalEntry(Outgoing):
    """An entry, as its author sees it."""

    id: UUID = Field(description="The id that the phone made.")
    text: Story
    written_at: WrittenAt
    time_zone: str = Field(
        description="IANA name of the time zone in which it was written.", examples=["Europe/Berlin"]
    )
    shared_at: Moment | None = Field(description="Since when the care team may read it; null while it is private.")
    version: int = Field(description="Counts changes, sharing among them; the `ETag` as a number.", examples=[1])


class SharedJournalEntry(JournalEntry):
    """An entry that its author shared with the care team."""

    shared_at: Moment = Field(description="Since when the care team may read it.")


class JournalEntryPage(Outgoing):
    """Entries, the last written first."""

    items: list[JournalEntry] = Field(description="The entries of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class SharedJournalEntryPage(Outgoing):
    """Entries that were shared, the last written first."""

    items: list[SharedJournalEntry] = Field(description="The entries of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
