"""The routes of check-ins: a phone's own, and staff's for their patients."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.check_ins import answers, batches, schemas, service
from app.check_ins.errors import CheckInConflict, CheckInInvalid
from app.check_ins.reports import Author, Outcome, Report
from app.consents.errors import ConsentWithdrawn
from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch, not_modified, stamp, unchanged
from app.core.fields import Moment
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity import reads
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["check-ins"], route_class=StrictRoute)

REFUSALS = (CheckInConflict, CheckInInvalid, errors.InvalidRequest, errors.PreconditionFailed)
STORED_ALREADY: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.CheckIn, "description": "It was here already, or this was a correction."}
}

Since = Annotated[Moment | None, Query(alias="from", description="Only those answered at or after this instant.")]
Until = Annotated[Moment | None, Query(alias="to", description="Only those answered before this instant.")]
OfSession = Annotated[UUID | None, Query(description="Only those linked to this dosing session.")]


@router.put(
    "/me/check-ins/{check_in_id}",
    status_code=201,
    summary="Report how I am now, or was at an earlier moment",
    response_model=schemas.CheckIn,
    responses=STORED_ALREADY | problems(ConsentWithdrawn, *REFUSALS),
)
async def submit_check_in(
    check_in_id: UUID,
    report: schemas.CheckInWrite,
    access: Annotated[PatientAccess, me(Permission.CHECK_INS_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> Response:
    """Store a check-in under the id that the phone made for it. Sending the same again is safe and answers 200.

    Other answers under the same id are refused (409) unless `If-Match` names the version they correct; the earlier
    version is kept. Retry on a lost connection, 429 and 5xx; never on another 4xx.

    After the patient withdrew the consent to data processing nothing new is taken, and no correction (403
    `consent_withdrawn`); what was stored can still be read.
    """
    return await _submit(check_in_id, report, access, db, if_match)


@router.put(
    "/patients/{patient_id}/check-ins/{check_in_id}",
    status_code=201,
    summary="Record a check-in with or for a patient",
    response_model=schemas.CheckIn,
    responses=STORED_ALREADY | problems(*REFUSALS),
)
async def record_patient_check_in(
    check_in_id: UUID,
    report: schemas.CheckInWrite,
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_WRITE)],
    db: Db,
    patient_id: UUID,
    if_match: IfMatch = None,
) -> Response:
    """For the instruments that a clinician completes, and for answers given in person. Works as the phone's own."""
    return await _submit(check_in_id, report, access, db, if_match)


async def _submit(
    check_in_id: UUID,
    report: schemas.CheckInWrite,
    access: PatientAccess,
    db: Db,
    if_match: str | None,
) -> Response:
    base_version = _version_in(if_match)
    submitted = Report(check_in_id, report, base_version)
    (result,) = await service.submit(db, access.clinic, access.patient, access.protocol, Author.of(access), [submitted])
    if result.problem is not None or result.check_in is None:
        raise result.problem or errors.NotFound
    status = 201 if result.outcome is Outcome.CREATED else 200
    answer = _written(answers.check_in(result), status)
    stamp(answer, service.tag(result.check_in))
    return answer


def _written(shape: dict[str, Any] | None, status: int = 200) -> Response:
    """An answer that is valid already: FastAPI would check and copy it once more."""
    return Response(answers.body(shape), status, media_type="application/json")


def _version_in(if_match: str | None) -> int | None:
    """The version that a correction names. `*` or something unreadable names none that exists."""
    if if_match is None:
        return None
    found = re.search(r'"(\d{1,9})(?:\.\d{1,9})?"', if_match, re.ASCII)
    return int(found[1]) if found else 0


@router.post(
    "/me/check-ins/batch",
    summary="Send the check-ins that were made offline",
    response_model=schemas.CheckInBatchResults,
    responses=problems(errors.InvalidRequest),
)
async def submit_check_in_batch(
    batch: schemas.CheckInBatch,
    access: Annotated[PatientAccess, me(Permission.CHECK_INS_WRITE)],
    db: Db,
    cursor: Annotated[
        str | None,
        Query(description="How far you have read `GET /v1/me/changes`: its newest `next_cursor`."),
    ] = None,
) -> Response:
    """Store up to 100 check-ins in one go, with a result for each in the order sent.

    An item that cannot be accepted does not hold up the others; it is kept in quarantine, where the clinic sees it, so
    the phone may forget it. Sending the same batch again is safe. After the patient withdrew the consent to data
    processing every new item is `forbidden`, and nothing of it is kept.

    `next_cursor` is for `GET /v1/me/changes`: what you sent just now is not told again, everything else is. Send your
    own cursor with the batch, and it is yours moved on. Without one it stands where the record was before this batch:
    what others changed since you last read is skipped then. A cursor that cannot be read holds up no batch.
    """
    return _written(await batches.submit(db, access, batch, cursor))


@router.get(
    "/me/check-ins",
    summary="My check-ins, the newest first",
    response_model=schemas.CheckInPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_my_check_ins(
    access: Annotated[PatientAccess, me(Permission.CHECK_INS_READ)],
    db: Db,
    paging: Paging,
    since: Since = None,
    until: Until = None,
    dosing_session_id: OfSession = None,
) -> schemas.CheckInPage:
    """What I reported, with its scores and what it belongs to."""
    return await _page(access, db, paging, since, until, dosing_session_id)


@router.get(
    "/patients/{patient_id}/check-ins",
    summary="A patient's check-ins, the newest first",
    response_model=schemas.CheckInPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_patient_check_ins(
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_READ)],
    db: Db,
    paging: Paging,
    patient_id: UUID,
    since: Since = None,
    until: Until = None,
    dosing_session_id: OfSession = None,
) -> schemas.CheckInPage:
    """What a patient reported, with its scores and what it belongs to."""
    return await _page(access, db, paging, since, until, dosing_session_id)


async def _page(
    access: PatientAccess, db: Db, paging: Paging, since: Since, until: Until, dosing_session_id: UUID | None
) -> schemas.CheckInPage:
    rows, cursor = await reads.of_patient(
        db,
        access.patient,
        lambda db: service.listed(db, access.patient, paging, since, until, dosing_session_id),
    )
    return schemas.CheckInPage(items=[service.present(row) for row in rows], next_cursor=cursor)


@router.get(
    "/me/check-ins/{check_in_id}",
    summary="One of my check-ins",
    response_model=schemas.CheckIn,
    responses=problems(errors.NotFound) | {304: {"description": "Unchanged."}},
)
async def read_my_check_in(
    check_in_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.CHECK_INS_READ)],
    db: Db,
) -> schemas.CheckIn | Response:
    """A check-in as it stands now."""
    return await _read(check_in_id, request, response, access, db)


@router.get(
    "/patients/{patient_id}/check-ins/{check_in_id}",
    summary="One of a patient's check-ins",
    response_model=schemas.CheckIn,
    responses=problems(errors.NotFound) | {304: {"description": "Unchanged."}},
)
async def read_patient_check_in(
    patient_id: UUID,
    check_in_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_READ)],
    db: Db,
) -> schemas.CheckIn | Response:
    """A check-in as it stands now."""
    return await _read(check_in_id, request, response, access, db)


async def _read(
    check_in_id: UUID, request: Request, response: Response, access: PatientAccess, db: Db
) -> schemas.CheckIn | Response:
    row = await service.one(db, access.patient, check_in_id)
    tag = service.tag(row)
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return service.present(row)


@router.get(
    "/me/check-ins/{check_in_id}/versions",
    summary="What one of my check-ins said before I corrected it",
    response_model=schemas.CheckInVersionPage,
    responses=problems(errors.NotFound),
)
async def list_my_check_in_versions(
    check_in_id: UUID, access: Annotated[PatientAccess, me(Permission.CHECK_INS_READ)], db: Db
) -> schemas.CheckInVersionPage:
    """The earlier versions, the newest first."""
    return schemas.CheckInVersionPage.model_validate(
        {"items": await service.earlier_versions(db, access.patient, check_in_id)}
    )


@router.get(
    "/patients/{patient_id}/check-ins/{check_in_id}/versions",
    summary="What a check-in said before it was corrected",
    response_model=schemas.CheckInVersionPage,
    responses=problems(errors.NotFound),
)
async def list_patient_check_in_versions(
    patient_id: UUID, check_in_id: UUID, access: Annotated[PatientAccess, allow(Permission.CHECK_INS_READ)], db: Db
) -> schemas.CheckInVersionPage:
    """The earlier versions, the newest first."""
    return schemas.CheckInVersionPage.model_validate(
        {"items": await service.earlier_versions(db, access.patient, check_in_id)}
    )


@router.put(
    "/patients/{patient_id}/check-ins/{check_in_id}/link",
    summary="Say what a check-in belongs to",
    response_model=schemas.CheckIn,
    responses=problems(
        errors.NotFound, CheckInInvalid, errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired
    ),
)
async def correct_check_in_link(
    patient_id: UUID,
    check_in_id: UUID,
    correction: schemas.LinkWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_LINK)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.CheckIn:
    """Tie a check-in to a dosing session and an appointment, or to neither. Automatic linking never undoes it."""
    row = await service.correct_link(db, access, check_in_id, correction, if_match)
    stamp(response, service.tag(row))
    return service.present(row)


@router.get(
    "/patients/{patient_id}/quarantined-check-ins",
    summary="Check-ins of a patient that could not be accepted",
    response_model=schemas.QuarantinedCheckInPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_quarantined_check_ins(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.QUARANTINE_READ)], db: Db, paging: Paging
) -> schemas.QuarantinedCheckInPage:
    """What a phone sent in a batch and we could not store, with the reason, the newest first."""
    rows, cursor = await batches.quarantined(db, access.patient, paging)
    return schemas.QuarantinedCheckInPage.model_validate({"items": rows, "next_cursor": cursor})
