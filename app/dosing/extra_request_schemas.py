"""Requests for a session beside the plan, on the wire."""

from uuid import UUID

from pydantic import Field

from app.core.fields import Moment, Note
from app.core.schemas import Incoming, Outgoing


class ExtraSessionRequestWrite(Incoming):
    """A patient asked for a session sooner than planned, or for one more."""

    id: UUID = Field(description="An id that you make (UUIDv7), so that sending it again stores it once.")
    requested_at: Moment | None = Field(None, description="When the patient asked; null or left out for now.")
    note: Note | None = Field(None, description="What was said. Encrypted at rest.")


class ExtraSessionRequest(Outgoing):
    """A request for a session beside the plan."""

    id: UUID = Field(description="Its id.")
    patient_id: UUID = Field(description="Who asked.")
    requested_at: Moment = Field(description="When they asked.")
    recorded_at: Moment = Field(description="When it was written down.")
    recorded_by: UUID = Field(description="Member of staff who wrote it down.")
    note: str | None = Field(description="What was said; null when nothing was written down.")


class ExtraSessionRequestPage(Outgoing):
    """Requests, the newest first."""

    items: list[ExtraSessionRequest] = Field(description="The requests of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
