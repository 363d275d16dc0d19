"""Journals over HTTP: a patient's own, and what of it their care team may read."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.consents.errors import ConsentWithdrawn
from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.journals import schemas, service
from app.journals.errors import JournalEntryDeleted

router = APIRouter(prefix="/v1", tags=["journal"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Unchanged."},
    **problems(errors.NotFound),
}
STALE = (errors.PreconditionFailed, errors.PreconditionRequired)
WRITTEN: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.JournalEntry, "description": "It was here already, or this changed it."},
    **problems(ConsentWithdrawn, JournalEntryDeleted, errors.InvalidRequest, *STALE),
}


@router.put(
    "/me/journal-entries/{entry_id}",
    status_code=201,
    summary="Write down my own story",
    response_model=schemas.JournalEntry,
    responses=WRITTEN,
)
async def write_journal_entry(
    entry_id: UUID,
    said: schemas.JournalEntryWrite,
    access: Annotated[PatientAccess, me(Permission.JOURNAL_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.JournalEntry:
    """Keep an entry under the id that the phone made for it. It is private: nobody else can read it.

    That something was written, and when, stands in the audit, which privacy officers read; never what.

    Sending the same again is safe and answers 200. Other words under the same id need `If-Match`; what was there
    before is not kept. An entry that is shared stays shared when it is changed: say so before the patient saves it.
    The id of a deleted entry is refused for as long as removals are told: 90 days (410).
    """
    entry, is_new = await service.write(db, access.patient, entry_id, said, if_match)
    response.status_code = 201 if is_new else 200
    return _own(response, entry)


@router.get(
    "/me/journal-entries",
    summary="My journal",
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_my_journal_entries(
    access: Annotated[PatientAccess, me(Permission.JOURNAL_READ)], db: Db, paging: Paging
) -> schemas.JournalEntryPage:
    """Everything I wrote, private or shared, the last written first."""
    rows, cursor = await service.listed(db, access.patient, paging)
    return schemas.JournalEntryPage.model_validate({"items": rows, "next_cursor": cursor})


@router.get(
    "/me/journal-entries/{entry_id}",
    summary="One entry of my journal",
    response_model=schemas.JournalEntry,
    responses=UNCHANGED,
)
async def read_my_journal_entry(
    entry_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.JOURNAL_READ)],
    db: Db,
) -> schemas.JournalEntry | Response:
    """One entry as it stands now."""
    entry = await service.one(db, access.patient, entry_id)
    tag = etags.version_tag(entry.version)
    return etags.not_modified(tag) if etags.unchanged(request, tag) else _own(response, entry)


@router.delete(
    "/me/journal-entries/{entry_id}",
    status_code=204,
    summary="Delete an entry of my journal",
    responses=problems(errors.NotFound, errors.PreconditionFailed),
)
async def delete_journal_entry(
    entry_id: UUID, access: Annotated[PatientAccess, me(Permission.JOURNAL_WRITE)], db: Db, if_match: IfMatch = None
) -> None:
    """Delete it for good, shared or not: nobody can bring it back, and the care team no longer sees it.

    My other phones learn that it is gone. Deleting it again changes nothing. `If-Match` is not needed, since nothing
    may stand in the way of a deletion; a version that is named is minded.
    """
    await service.delete(db, access.patient, entry_id, if_match)


@router.post(
    "/me/journal-entries/{entry_id}/sharing",
    summary="Share an entry of my journal with my care team, or no longer",
    response_model=schemas.JournalEntry,
    responses=problems(errors.NotFound, errors.InvalidRequest, *STALE),
)
async def share_journal_entry(
    entry_id: UUID,
    sharing: schemas.JournalSharingWrite,
    access: Annotated[PatientAccess, me(Permission.JOURNAL_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.JournalEntry:
    """Let those who look after me read this one entry, or take that back. Nobody is told that there is something.

    Sharing needs `If-Match` with the version that the patient looked at. Taking it back does not, and holds at once;
    what somebody read before stays read. Repeating it changes nothing.
    """
    entry = await service.share(db, access.patient, entry_id, shared=sharing.shared, if_match=if_match)
    return _own(response, entry)


@router.get(
    "/patients/{patient_id}/journal-entries",
    summary="What a patient shares of their journal",
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_patient_journal_entries(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.JOURNAL_READ)], db: Db, paging: Paging
) -> schemas.SharedJournalEntryPage:
    """The entries that the patient shared with the care team, the last written first.

    How many others there are, or whether there are any, is not told: not in an emergency either.
    """
    rows, cursor = await service.listed(db, access.patient, paging, only_shared=True)
    return schemas.SharedJournalEntryPage.model_validate({"items": rows, "next_cursor": cursor})


@router.get(
    "/patients/{patient_id}/journal-entries/{entry_id}",
    summary="One entry that a patient shares",
    response_model=schemas.SharedJournalEntry,
    responses=UNCHANGED,
)
async def read_patient_journal_entry(
    patient_id: UUID,
    entry_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.JOURNAL_READ)],
    *,
    db: Db,
) -> schemas.SharedJournalEntry | Response:
    """An entry as it stands now. One that is private is not there."""
    entry = await service.one(db, access.patient, entry_id, only_shared=True)
    tag = etags.version_tag(entry.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return schemas.SharedJournalEntry.model_validate(entry)


def _own(response: Response, entry: Any) -> schemas.JournalEntry:  # noqa: ANN401  a row
    etags.stamp(response, etags.version_tag(entry.version))
    return schemas.JournalEntry.model_validate(entry)
