"""What comes in and what became of it: plain values, shared by the recorder, batches, imports and routes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.check_ins.schemas import CheckInWrite
from app.core.errors import Problem
from app.identity.access import PatientAccess


class Outcome(StrEnum):
    """What became of a report."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    CORRECTED = "corrected"
    CONFLICT = "conflict"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Author:
    """Who reports: a patient about themselves, a clinician, or an import."""

    origin: str
    membership_id: UUID | None = None

    @classmethod
    def of(cls, access: PatientAccess) -> "Author":
        """The caller of a request."""
        by_patient = access.caller.patient_id == access.patient.id
        return cls("patient" if by_patient else "clinician", access.caller.membership_id)


@dataclass(frozen=True, slots=True)
class Report:
    """One report under its id; `base_version` when it corrects that version."""

    id: UUID
    content: CheckInWrite
    base_version: int | None = None


@dataclass(frozen=True, slots=True)
class PatientAlert:
    """An alert as the patient may see it."""

    id: UUID
    text: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """What the patient is shown at once after a report: alerts, and perhaps the crisis card with what to expect."""

    alerts: tuple[PatientAlert, ...] = ()
    safety_notice: dict[str, Any] | None = None


NOTHING_SHOWN = Shown()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it: the check-in as it stands now, or the problem, or both; and what the patient is shown."""

    outcome: Outcome
    check_in: dict[str, Any] | None = None
    problem: Problem | None = None
    shown: Shown = NOTHING_SHOWN
