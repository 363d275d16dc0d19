"""Practice on the wire: what a patient logs, and how much of what was assigned was done."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.care_plans.rules import Modality
from app.core.fields import Day, Moment, Note, TimeZoneName, Whole
from app.core.schemas import Incoming, Outgoing

Minutes = Annotated[
    Whole | None, Field(ge=0, le=1440, description="How long, in minutes; null when nobody looked.", examples=[12])
]
Helpfulness = Annotated[
    Whole | None,
    Field(ge=0, le=10, description="How much it helped, 0 (not at all) to 10; null: not said.", examples=[7]),
]
Assignment = Annotated[
    UUID | None, Field(description="The assignment of the care plan that it belongs to; null: of the patient's own.")
]
DoneAt = Annotated[Moment, Field(description="When it was done, by the clock of the phone.")]
Version = Annotated[int, Field(description="Counts the corrections; the `ETag` as a number.", examples=[1])]
What = Annotated[Modality, Field(description="What was practised; that of the assignment, if it belongs to one.")]


class PracticeLogWrite(Incoming):
    """That a patient practised."""

    assignment_id: Assignment = None
    modality: What
    done_at: DoneAt
    time_zone: TimeZoneName
    minutes: Minutes = None
    helpfulness: Helpfulness = None
    note: Note | None = Field(None, description="What the patient wants to remember. Encrypted at rest, never logged.")
    note_is_private: bool = Field(
        default=True, strict=True, description="Whether the note is the patient's alone; false shows it the care team."
    )


class PracticeLog(Outgoing):
    """A practice log as the care team reads it. A note that is private looks like none."""

    id: UUID = Field(description="The id that the phone made.")
    assignment_id: Assignment
    modality: What
    done_at: DoneAt
    time_zone: str = Field(description="IANA name of the time zone in which it was done.", examples=["Europe/Berlin"])
    minutes: Minutes
    helpfulness: Helpfulness
    note: str | None = Field(description="The note; null when there is none that the reader may see.")
    version: Version
    received_at: Moment = Field(description="When this version came.")


class OwnPracticeLog(PracticeLog):
    """A practice log as the patient who wrote it reads it."""

    note_is_private: bool = Field(description="Whether the note is the patient's alone.")


class PracticeLogPage(Outgoing):
    """Practice logs, the last done first."""

    items: list[PracticeLog] = Field(description="The logs of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class OwnPracticeLogPage(Outgoing):
    """The patient's own practice logs, the last done first."""

    items: list[OwnPracticeLog] = Field(description="The logs of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class PracticeCount(Outgoing):
    """How much was practised of what was assigned, in windows that are over."""

    windows: int = Field(description="Windows that are over and count.", examples=[14])
    assigned: int = Field(description="Times that were assigned in them.", examples=[14])
    done: int = Field(description="Times of these that were done.", examples=[11])
    beside: int = Field(description="Times beyond what was assigned; they make up for nothing.", examples=[2])
    share: float | None = Field(description="`done` of `assigned`; null when nothing was assigned.", examples=[0.786])


class PracticeWindow(Outgoing):
    """The window that is open now."""

    first_day: Day = Field(description="Its first day.")
    last_day: Day = Field(description="Its last day.")
    assigned: int = Field(description="Times that are asked for in it.", examples=[1])
    done: int = Field(description="Times that were logged in it so far.", examples=[0])


class AssignmentAdherence(PracticeCount):
    """The same of one assignment."""

    assignment_id: UUID = Field(description="The assignment.")
    open_window: PracticeWindow | None = Field(description="The window that is open now; null when none is.")


class PracticeAdherence(Outgoing):
    """How much was practised of what was assigned. What was not logged is not known to have been left out."""

    since: Day = Field(description="First day that was asked about, by the patient's clock.")
    until: Day = Field(description="Last day that was asked about. A day that is not over counts with its window.")
    total: PracticeCount = Field(description="Of all assignments together.")
    assignments: list[AssignmentAdherence] = Field(description="Of each assignment that stood in this time.")
    logs: int = Field(description="Logs in this time, also of what nobody assigned.", examples=[16])
    minutes: int | None = Field(description="Their minutes together; null when none says how long.", examples=[170])
    minutes_n: int = Field(description="Logs that say how long.", examples=[15])
