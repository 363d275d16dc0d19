"""Dosing sessions on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, computed_field

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing
from app.dosing import rules
from app.dosing.checklist_schemas import ClearanceInBrief, Reason
from app.dosing.rules import DoseRoute, SessionAction, SessionOrigin, SessionStage, Substance

ScheduledAt = Annotated[Moment, Field(description="When the session is planned to begin.")]
CancellationReason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(examples=["Patient has a fever"], description="Why, in a few words. Encrypted at rest."),
]


class DosingSessionWrite(Incoming):
    """Plan for a session."""

    scheduled_at: ScheduledAt


class DosingSessionCancellationWrite(Incoming):
    """Why the session will not take place."""

    reason: CancellationReason
    no_show: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether the reason is that nobody came."
    )


class HoldWrite(Incoming):
    """Why the session waits."""

    reason: Reason


class AbortWrite(Incoming):
    """Why the dose was stopped."""

    reason: Reason
    dose_ended_at: Moment | None = Field(None, description="When it was stopped; null or left out for now.")


class TransferWrite(Incoming):
    """Where the patient was taken, and why."""

    reason: Reason
    destination: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        examples=["Emergency department of the Harbour Hospital"],
        description="To whom the patient was handed over. Encrypted at rest.",
    )
    dose_ended_at: Moment | None = Field(
        None, description="When a dose that was being given was stopped; null or left out for now."
    )


class OwnDosingSession(Outgoing):
    """A session as its patient sees it."""

    id: UUID = Field(description="Its id, made by whoever scheduled it.")
    status: SessionStage = Field(description="How far the session has come.")
    version: int = Field(description="Counts the changes of this session; the `ETag`.", examples=[3])
    scheduled_at: ScheduledAt
    dose_started_at: Moment | None = Field(description="When administration began; null until then.")
    dose_ended_at: Moment | None = Field(description="When administration ended; null until then.")
    substance: Substance | None = Field(description="What was given; null until then.")
    route: DoseRoute | None = Field(description="The way into the body; null until then, or when history does not say.")
    dose_mg: float | None = Field(
        description="The whole dose in milligrams (mg); null until then, or when history does not say.", examples=[40]
    )


class DosingSession(OwnDosingSession):
    """A supervised session as the clinic sees it."""

    patient_id: UUID = Field(description="Whose session it is.")
    origin: SessionOrigin = Field(
        description="`clinic` when it was run here, `imported` when it is history from elsewhere."
    )
    cancellation_reason: str | None = Field(description="Why it will not take place; null unless it was cancelled.")
    no_show: bool = Field(description="Whether it was cancelled because nobody came.")
    cleared_at: Moment | None = Field(description="When it was cleared last; null until then.")
    session_clinician_id: UUID | None = Field(
        description="Who gave the dose, or else cleared it: signs of danger at the bedside go to them first."
    )

    @computed_field(  # type: ignore[prop-decorator]  # mypy does not know decorators on a property
        description="What can be done with it now: last parts of addresses, and `move` for `PUT`."
    )
    @property
    def open_moves(self) -> tuple[SessionAction, ...]:
        """List what can be done with it now."""
        return rules.open_moves(self.status)


class DosingSessionStep(Outgoing):
    """One step that a session took."""

    version: int = Field(description="Version of the session that this step made.", examples=[2])
    at: Moment = Field(description="When the step was recorded.")
    actor_id: UUID | None = Field(description="Member of staff who took it; null for an import by command.")
    action: str = Field(description="`schedule`, `import`, or one of the actions.", examples=["arrival"])
    from_status: SessionStage | None = Field(description="Status before; null for the first step.")
    to_status: SessionStage = Field(description="Status afterwards.")
    scheduled_at: Moment = Field(description="The planned begin, as it was after this step.")
    reason: str | None = Field(description="Why, where a reason is asked for.")


class DoseInBrief(Outgoing):
    """What was given, beside what the session itself says; `GET .../dose` has the rest."""

    mg_per_kg: float | None = Field(description="The dose for the weight, mg/kg; null when that is not known.")
    lot: str | None = Field(description="Number of the lot; null when not written down.")
    administered_by: UUID = Field(description="Member of staff who gave it.")
    warnings: list[str] = Field(description="What was unusual, each confirmed with a reason.")
    versions: int = Field(description="How often it was written down.", examples=[2])


class DosingSessionRecord(DosingSession):
    """A session with every step that it took, oldest first."""

    clearance: ClearanceInBrief | None = Field(
        description="The newest clearance, null before; the checklist says what was found."
    )
    dose: DoseInBrief | None = Field(description="What was given, in brief; null until then, and for history.")

    steps: list[DosingSessionStep] = Field(description="Every step, oldest first. None is ever changed or removed.")


class DosingSessionPage(Outgoing):
    """Sessions in the order of their planned begin."""

    items: list[DosingSession] = Field(description="The sessions of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class OwnDosingSessionPage(Outgoing):
    """The patient's sessions in the order of their planned begin."""

    items: list[OwnDosingSession] = Field(description="The sessions of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
