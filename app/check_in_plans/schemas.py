"""Check-ins that are due, on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.check_in_plans.rules import DueState
from app.core.fields import Day, Moment, TimeZoneName
from app.core.schemas import Incoming, Outgoing

MOST_RECEIPTS = 100


class DueCheckIn(Outgoing):
    """One check-in that the patient is asked for. Its id stays the same however often it is moved."""

    id: Annotated[UUID, Field(description="Its id. Send it as `due_check_in_id` with the check-in that answers it.")]
    dosing_session_id: Annotated[
        UUID | None, Field(description="The session around whose dose it is asked for; null for any other.")
    ]
    time_point: Annotated[
        str, Field(description="Which item of the plan, or moment of the protocol, it is.", examples=["plus_24h"])
    ]
    minutes_from_dose: Annotated[
        int | None,
        Field(description="Minutes from the begin of the dose, negative before it; null for any other.", examples=[40]),
    ]
    opens_at: Annotated[Moment, Field(description="From when on it can be answered.")]
    due_at: Annotated[Moment, Field(description="When it is best answered.")]
    closes_at: Annotated[Moment, Field(description="Until when an answer is in time. A later one still counts.")]
    local_time: Annotated[
        str,
        Field(
            pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$",
            description="When it is due on the patient's wall clock in `time_zone`.",
            examples=["2026-11-23T09:00"],
        ),
    ]
    time_zone: Annotated[str, Field(description="The zone that it was planned in.", examples=["Europe/Berlin"])]
    shifted: Annotated[
        bool, Field(description="Whether that day has no such time because clocks jump, so that it is due later.")
    ]
    reminder_at: Annotated[
        list[Moment], Field(description="When the phone reminds of it while it is not answered; we send nothing.")
    ]
    instruments: Annotated[
        list[str], Field(description="Keys of the instruments that are asked for.", examples=[["craving_nrs"]])
    ]
    instrument_versions: Annotated[
        dict[str, str], Field(description="Their versions, by key.", examples=[{"craving_nrs": "1"}])
    ]
    state: DueState
    check_in_id: Annotated[UUID | None, Field(description="The check-in that answered it; null while none has.")]
    answered_at: Annotated[
        Moment | None, Field(description="When it was answered, by the phone; null while it was not.")
    ]
    delivered_at: Annotated[
        Moment | None, Field(description="When a phone first had it, as it reported; null while none has.")
    ]
    shown_at: Annotated[Moment | None, Field(description="When a phone first reminded of it, as it reported.")]


class DueCheckInPage(Outgoing):
    """Check-ins that are due, in the order of time; all of the days asked for on one page."""

    items: Annotated[list[DueCheckIn], Field(description="The due check-ins.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None
    valid_until: Annotated[
        Moment,
        Field(description="If nothing is written, the list stays what it is until then: something opens or closes."),
    ]
    planned_until: Annotated[
        Moment | None,
        Field(description="What is asked for later than this is not planned yet; null where no plan was looked at."),
    ]


class ReceiptWrite(Incoming):
    """What a phone did with one due check-in."""

    due_check_in_id: Annotated[UUID, Field(description="The due check-in that it is about.")]
    delivered_at: Annotated[Moment | None, Field(description="When the phone had it.")] = None
    shown_at: Annotated[Moment | None, Field(description="When it reminded the patient.")] = None

    @model_validator(mode="after")
    def _says_something(self) -> "ReceiptWrite":
        if self.delivered_at is None and self.shown_at is None:
            raise ValueError("a receipt names at least one of delivered_at and shown_at")
        return self

    @property
    def moments(self) -> dict[str, datetime]:
        """What it tells, by the name of the column."""
        told = {"delivered_at": self.delivered_at, "shown_at": self.shown_at}
        return {name: at for name, at in told.items() if at is not None}


class ReceiptsWrite(Incoming):
    """What a phone did with the check-ins that are due, gathered until there is a network."""

    receipts: Annotated[
        list[ReceiptWrite], Field(min_length=1, max_length=MOST_RECEIPTS, description="What the phone has to tell.")
    ]


class ReceiptResult(Outgoing):
    """What became of one receipt."""

    due_check_in_id: Annotated[UUID, Field(description="The due check-in that it is about.")]
    outcome: Annotated[
        Literal["recorded", "unchanged", "unknown"],
        Field(description="`unchanged`: it, or an earlier moment, was known. `unknown`: there is none with this id."),
    ]


class ReceiptResults(Outgoing):
    """What became of each receipt, in the order sent."""

    results: Annotated[list[ReceiptResult], Field(description="What became of each, in the order of the request.")]


class Counts(Outgoing):
    """How many check-ins were asked for, and what became of them. One that still waits is not among them."""

    due: Annotated[int, Field(description="Answered, or closed without an answer. Withdrawn ones are left out.")]
    completed: Annotated[int, Field(description="Answered in time.")]
    late: Annotated[int, Field(description="Answered after they had closed.")]
    missed: Annotated[int, Field(description="Closed without an answer, as the minutely look has noted.")]
    percent: Annotated[
        float | None, Field(description="Completed of 100 that were due; null where none was.", examples=[82])
    ]


class InstrumentCounts(Counts):
    """The same of those that asked for one instrument."""

    instrument: Annotated[str, Field(description="Key of the instrument.", examples=["craving_nrs"])]


class DueAdherence(Outgoing):
    """How a patient kept up with what they were asked for."""

    time_zone: TimeZoneName
    first_day: Annotated[Day, Field(serialization_alias="from", description="First local day, by when they were due.")]
    last_day: Annotated[Day, Field(serialization_alias="to", description="Last local day.")]
    total: Counts
    missed_shown: Annotated[
        int, Field(description="Missed ones of which a phone said that it had reminded the patient.")
    ]
    median_minutes_to_answer: Annotated[
        float | None, Field(description="From when it was due, negative before; null where none was answered.")
    ]
    instruments: Annotated[list[InstrumentCounts], Field(description="By instrument, in the order of their keys.")]
