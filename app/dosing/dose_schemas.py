"""Doses on the wire: what was given, how it was confirmed, and how it was corrected."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from app.core.fields import Day, Moment
from app.core.schemas import Incoming, Outgoing
from app.dosing import rules
from app.dosing.checklist_schemas import Reason
from app.dosing.dose_rules import DoseWarning, NoDosePerKilogram
from app.dosing.rules import DoseRoute, SessionStage, Substance

DoseMg = Annotated[
    float,
    Field(
        strict=True,
        ge=rules.LEAST_DOSE_MG,
        le=rules.MOST_DOSE_MG,
        allow_inf_nan=False,
        examples=[40],
        description="The whole dose in milligrams (mg) of the substance. Figures outside 0.5-500 are refused as slips.",
    ),
]
WastedMg = Annotated[
    float,
    Field(
        strict=True,
        gt=0,
        le=10_000,
        allow_inf_nan=False,
        examples=[10],
        description="What was drawn up or opened and thrown away, in mg; null for nothing.",
    ),
]


class DoseConfirmationWrite(Incoming):
    """Something unusual was meant so."""

    warning: DoseWarning = Field(description="What is unusual.")
    reason: Reason


Confirmations = Annotated[
    list[DoseConfirmationWrite],
    Field(max_length=len(DoseWarning), description="Why each of the warnings was meant so."),
]


class _Given(Incoming):
    """What is given."""

    substance: Literal[Substance.KETAMINE, Substance.ESKETAMINE] = Field(description="What is given.")
    route: DoseRoute = Field(description="The way into the body. `IN_esketamine` is for esketamine only.")
    dose_mg: DoseMg
    weight_kg: Annotated[float, Field(strict=True, ge=30, le=300, allow_inf_nan=False)] | None = Field(
        None, description="Body weight in kg, 30-300; null for that of the checklist.", examples=[80]
    )
    weighed_on: Day | None = Field(None, description="When the patient was weighed; goes with `weight_kg`.")
    lot: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] | None = Field(
        None, description="Number of the lot.", examples=["A1234"]
    )
    devices: Annotated[int, Field(strict=True, ge=1, le=12)] | None = Field(
        None, description="How many devices of the spray; null for everything else."
    )
    administered_by: UUID | None = Field(None, description="Member of staff who gives it; null for yourself.")
    wasted_mg: WastedMg | None = None
    waste_witnessed_by: UUID | None = Field(
        None, description="Another member of staff who saw it; needed with `wasted_mg`."
    )
    confirmations: Confirmations = Field(default=[])

    @model_validator(mode="after")
    def _agrees(self) -> "_Given":
        if (self.weight_kg is None) != (self.weighed_on is None):
            raise ValueError("a weight has a day")
        if (self.wasted_mg is None) != (self.waste_witnessed_by is None):
            raise ValueError("what was thrown away was seen by somebody")
        if self.devices is not None and self.route is not DoseRoute.IN_ESKETAMINE:
            raise ValueError("devices are those of the nasal spray")
        return self


class DoseWrite(_Given):
    """What is given, and since when."""

    dose_started_at: Moment | None = Field(
        None,
        description="When administration began; null or left out for now. Within the clearance, "
        "also when it is written down later.",
    )


class DoseCorrectionWrite(_Given):
    """What was given, as it really was: all of it, not only what changes. Weight: null for none."""

    dose_started_at: Moment = Field(description="When administration began.")
    dose_ended_at: Moment | None = Field(description="When administration ended; null while it goes on.")
    reason: Reason


class DoseEndWrite(Incoming):
    """When it was over, and what was left."""

    dose_ended_at: Moment | None = Field(
        None, description="When administration ended, at most a day after it began; null or left out for now."
    )
    wasted_mg: WastedMg | None = None
    waste_witnessed_by: UUID | None = Field(
        None, description="Another member of staff who saw it; needed with `wasted_mg`."
    )
    confirmations: Confirmations = Field(default=[])

    @model_validator(mode="after")
    def _agrees(self) -> "DoseEndWrite":
        if (self.wasted_mg is None) != (self.waste_witnessed_by is None):
            raise ValueError("what was thrown away was seen by somebody")
        return self


class PauseWrite(Incoming):
    """An infusion is stopped for a while."""

    paused_at: Moment | None = Field(None, description="Since when it stands still; null for now.")
    reason: Reason


class ResumptionWrite(Incoming):
    """An infusion goes on."""

    resumed_at: Moment | None = Field(None, description="Since when it runs again; null for now.")


class DosePause(Outgoing):
    """An infusion stood still."""

    id: UUID = Field(description="Its id, for the resumption.")
    paused_at: Moment = Field(description="Since when.")
    resumed_at: Moment | None = Field(description="Until when; null while it does, or when it ended like that.")
    recorded_by: UUID = Field(description="Member of staff who stopped it.")
    reason: str = Field(description="Why.")


class ConfirmedWarning(Outgoing):
    """Something unusual, and why it was meant so."""

    code: DoseWarning = Field(description="What is unusual.")
    inputs: dict[str, Any] = Field(description="The numbers that were looked at.", examples=[{"mg_per_kg": 1.2}])
    reason: str = Field(description="Why it was meant so.")


class DoseVersion(Outgoing):
    """What was given, as it was written down once."""

    version: int = Field(description="Counts them.", examples=[2])
    recorded_at: Moment = Field(description="When it was written down.")
    recorded_by: UUID = Field(description="Member of staff who did.")
    substance: Substance = Field(description="What was given.")
    route: DoseRoute = Field(description="The way into the body.")
    dose_mg: float = Field(description="The whole dose, mg.", examples=[40])
    dose_started_at: Moment = Field(description="When administration began.")
    dose_ended_at: Moment | None = Field(description="When administration ended; null while it goes on.")
    weight_kg: float | None = Field(description="Body weight, kg; null when not known.")
    weighed_on: Day | None = Field(description="When the patient was weighed.")
    mg_per_kg: float | None = Field(description="The dose for the weight, mg/kg; null when that is not known.")
    lot: str | None = Field(description="Number of the lot; null when not written down.")
    devices: int | None = Field(description="Devices of the spray; null for everything else.")
    administered_by: UUID = Field(description="Member of staff who gave it.")
    wasted_mg: float | None = Field(description="What was thrown away, mg; null for nothing.")
    waste_witnessed_by: UUID | None = Field(description="Member of staff who saw it.")
    warnings: list[ConfirmedWarning] = Field(description="What was unusual, each confirmed with a reason.")
    correction_reason: str | None = Field(description="Why it was corrected; null when it was not.")


class DoseAnswer(Outgoing):
    """The dose of a session as it stands, with its pauses and everything that was written down before."""

    session_id: UUID = Field(description="Of which session.")
    session_version: int = Field(description="Version of the session, for `If-Match`; the `ETag`.")
    status: SessionStage = Field(description="How far the session has come.")
    dose: DoseVersion = Field(description="What was given, as it stands.")
    no_mg_per_kg_because: NoDosePerKilogram | None = Field(
        description="Why there is no dose per kilogram; null when there is one."
    )
    infusion_minutes: float | None = Field(description="How long it took without the pauses; null while it goes on.")
    pauses: list[DosePause] = Field(description="When it stood still, in order.")
    versions: list[DoseVersion] = Field(description="Everything that was written down, oldest first; all is kept.")
