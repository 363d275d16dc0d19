"""What a guard tells of who is asking, and of whose record they were let in to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.upkeep import Part
from app.identity.models import PatientRevision, Tombstone
from app.identity.permissions import Reach, Role
from app.protocols.rules import Protocol


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking."""

    membership_id: UUID
    role: Role
    clinic_id: UUID
    device_id: UUID
    patient_id: UUID | None
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class ClinicView:
    """What most work needs to know of the clinic."""

    id: UUID
    name: str
    time_zone: str
    locale: str
    protocol_version: int


@dataclass(frozen=True, slots=True)
class PatientView:
    """What most work needs to know of the patient. `revision` is the counter as it was when this request began.

    `app_consent_withdrawn_at`: since when the patient wants no new answers of theirs stored; None if they do.
    `tombstones_from`: what was removed at this revision and before is not told any more; None when all of it is.
    """

    id: UUID
    clinic_id: UUID
    time_zone: str
    status: str
    revision: int
    app_consent_withdrawn_at: datetime | None = None
    tombstones_from: int | None = None

    def revise(self, db: Database, parts: Iterable[Part] | None = None) -> int:
        """Count this transaction's change of the patient's record; the new revision, the same however often called.

        `parts` is what of the record this changes, if that is all: see `Database.touch`.
        """
        db.stage_change(PatientRevision, {"patient_id": self.id}, {"revision": self.revision + 1})
        db.touch(self.clinic_id, self.id, parts)
        return self.revision + 1

    def forget(self, db: Database, kind: str, subject_id: UUID) -> None:
        """Leave a tombstone for something that this transaction takes out of the record, for the phones that have it.

        `kind` is what `GET /v1/me/changes` calls it. Removals are told for 90 days, and the id is refused as long.
        """
        db.stage(
            Tombstone,
            {
                "clinic_id": self.clinic_id,
                "patient_id": self.id,
                "kind": kind,
                "subject_id": subject_id,
                "revision": self.revise(db),
                "removed_at": clock.now(),
            },
        )


@dataclass(frozen=True, slots=True)
class ClinicAccess:
    """A caller, let in to what belongs to their clinic as a whole."""

    caller: Caller
    clinic: ClinicView
    protocol: Protocol
    reach: Reach


@dataclass(frozen=True, slots=True)
class PatientAccess(ClinicAccess):
    """A caller, let in to one patient's record."""

    patient: PatientView


def caller_of(row: Any) -> Caller:  # noqa: ANN401  a row
    """The caller whom the guard's statement found."""
    return Caller(row.membership_id, Role(row.role), row.clinic_id, row.device_id, row.own_id, row.signed_in_at)


def clinic_of(row: Any) -> ClinicView:  # noqa: ANN401  a row
    """The clinic that it found."""
    return ClinicView(row.clinic_id, row.clinic_name, row.clinic_time_zone, row.locale, row.protocol_version)


def patient_of(row: Any) -> PatientView:  # noqa: ANN401  a row
    """The patient that it found."""
    return PatientView(
        row.patient_id,
        row.clinic_id,
        row.patient_time_zone,
        row.patient_status,
        row.revision,
        row.app_consent_withdrawn_at,
        row.tombstones_from,
    )
