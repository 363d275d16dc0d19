"""What can be done with a journal. Nothing of it is told to anybody: there is no event, also none that names an id."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.consents.errors import ConsentWithdrawn
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import NotFound, PreconditionFailed
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import PatientView
from app.identity.models import Tombstone
from app.journals.errors import JournalEntryDeleted
from app.journals.models import JournalEntry
from app.journals.schemas import JournalEntry as Shown
from app.journals.schemas import JournalEntryWrite

KIND: Final = "journal_entry"
"""What a tombstone of one is called."""


async def write(
    db: Database, patient: PatientView, entry_id: UUID, said: JournalEntryWrite, if_match: str | None
) -> tuple[JournalEntry, bool]:
    """Keep an entry, or change it; the entry, and whether it is new. The same again changes nothing.

    A shared entry stays shared when it is changed. Raises `JournalEntryDeleted` for the id of an entry
    whose removal is still told, and `PreconditionFailed` for a change of one that is not there.
    """
    entry = await _mine(db, patient, entry_id)
    if entry is not None and _says(entry, said):
        return entry, False
    if patient.app_consent_withdrawn_at is not None:
        raise ConsentWithdrawn
    now = clock.now()
    if entry is None:
        if await _was_deleted(db, patient, entry_id):
            raise JournalEntryDeleted
        if if_match is not None:  # of one that was deleted so long ago that nobody is told any more
            raise PreconditionFailed(current=None)
        entry = JournalEntry(
            clinic_id=patient.clinic_id,
            patient_id=patient.id,
            id=entry_id,
            text=said.text,
            written_at=said.written_at,
            time_zone=said.time_zone,
            shared_at=None,
            version=1,
            revision=patient.revise(db, ()),
            received_at=now,
        )
        db.add(entry)
        return entry, True
    etags.require_match(if_match, entry.version, lambda: _shown(entry))
    entry.text, entry.written_at, entry.time_zone = said.text, said.written_at, said.time_zone
    entry.received_at = now
    _changed(db, patient, entry)
    return entry, False


async def share(
    db: Database, patient: PatientView, entry_id: UUID, *, shared: bool, if_match: str | None
) -> JournalEntry:
    """Let the care team read an entry, or no longer. What is so already stays as it is.

    Sharing needs the version that the patient looked at; taking it back does not, since nothing may stand in its way.
    """
    entry = await one(db, patient, entry_id)
    if (entry.shared_at is not None) is shared:
        return entry
    if shared or if_match is not None:
        etags.require_match(if_match, entry.version, lambda: _shown(entry))
    entry.shared_at = clock.now() if shared else None
    _changed(db, patient, entry)
    return entry


async def delete(db: Database, patient: PatientView, entry_id: UUID, if_match: str | None) -> None:
    """Take an entry out for good, whatever its version unless one is named. A second time changes nothing."""
    entry = await _mine(db, patient, entry_id)
    if entry is None:
        if await _was_deleted(db, patient, entry_id):
            return
        raise NotFound
    if if_match is not None:
        etags.require_match(if_match, entry.version, lambda: _shown(entry))
    await db.delete(entry)
    patient.forget(db, KIND, entry_id)


async def one(db: Database, patient: PatientView, entry_id: UUID, *, only_shared: bool = False) -> JournalEntry:
    """Read one entry, or raise `NotFound`. `only_shared`: one that is private is not there."""
    entry = await _mine(db, patient, entry_id)
    if entry is None or (only_shared and entry.shared_at is None):
        raise NotFound
    return entry


async def listed(
    db: Database, patient: PatientView, page: PageRequest, *, only_shared: bool = False
) -> tuple[Sequence[JournalEntry], str | None]:
    """Read a page of entries, the last written first, and the cursor of the next."""
    at, this = JournalEntry.written_at, JournalEntry.id
    statement = sa.select(JournalEntry).where(
        JournalEntry.clinic_id == patient.clinic_id, JournalEntry.patient_id == patient.id
    )
    if only_shared:
        statement = statement.where(JournalEntry.shared_at.is_not(None))
    filters = (KIND, patient.id, only_shared)
    after = page.after(*filters)
    if after is not None:
        last_at, last_id = after
        statement = statement.where(sa.or_(at < last_at, sa.and_(at == last_at, this < last_id)))
    rows = (await db.scalars(statement.order_by(at.desc(), this.desc()).limit(page.limit + 1))).all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.written_at, last.id], *filters)


async def _mine(db: Database, patient: PatientView, entry_id: UUID) -> JournalEntry | None:
    return await db.get(JournalEntry, (patient.clinic_id, patient.id, entry_id))


async def _was_deleted(db: Database, patient: PatientView, entry_id: UUID) -> bool:
    return await db.get(Tombstone, (patient.clinic_id, patient.id, KIND, entry_id)) is not None


def _says(entry: JournalEntry, said: JournalEntryWrite) -> bool:
    return (entry.text, entry.written_at, entry.time_zone) == (said.text, said.written_at, said.time_zone)


def _changed(db: Database, patient: PatientView, entry: JournalEntry) -> None:
    entry.version += 1
    entry.revision = patient.revise(db, ())


def _shown(entry: JournalEntry) -> Any:  # noqa: ANN401  JSON
    return Shown.model_validate(entry).model_dump(mode="json")
