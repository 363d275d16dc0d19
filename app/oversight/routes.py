"""The audit, accesses to a record, and emergency accesses over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.fields import Moment
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic, me
from app.identity.permissions import Permission
from app.oversight import models, queries, schemas, service
from app.oversight.errors import AlreadyInCareTeam, AlreadyReviewed, OwnEmergencyAccess

router = APIRouter(prefix="/v1", tags=["oversight"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
OF_EMERGENCY: dict[str, Any] = {"of": models.EmergencyAccess, "named": "emergency_access_id"}
EmergencyAccessId = Annotated[UUID, Path(description="Id of the emergency access.")]


@router.get(
    "/audit-entries",
    summary="Who did what?",
    response_model=schemas.AuditEntryPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_audit_entries(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.AUDIT_READ)],
    db: Db,
    page: Paging,
    *,
    actor_id: Annotated[UUID | None, Query(description="Only what this person did.")] = None,
    patient_id: Annotated[UUID | None, Query(description="Only what touched this patient's record.")] = None,
    operation: Annotated[
        str | None, Query(max_length=80, description="Only this operation.", examples=["read_patient"])
    ] = None,
    outcome: Annotated[schemas.Outcome | None, Query(description="Only what was allowed, or denied.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Only from this moment on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Only before this moment.")] = None,
) -> schemas.AuditEntryPage:
    """Read the clinic's audit, the newest first. Reading it is in the audit too."""
    wanted = {"actor_id": actor_id, "patient_id": patient_id, "operation": operation, "outcome": outcome}
    rows, cursor = await queries.entries(db, access.clinic.id, wanted, (since, until), page)
    return schemas.AuditEntryPage.model_validate({"items": list(map(service.entry, rows)), "next_cursor": cursor})


@router.get("/audit-entries/verification", summary="Is the audit intact?", response_model=schemas.AuditVerification)
async def verify_audit_entries(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.AUDIT_READ)], db: Db
) -> schemas.AuditVerification:
    """Compute the end of the chain again, and give the last signature over it.

    Save the answer somewhere else from time to time: `afterglow audit verify --checkpoint FILE`, which computes the
    whole chain again, then also tells whether its end was cut off. The chain is one for the whole installation; what
    comes back are numbers and ids.
    """
    return schemas.AuditVerification.model_validate(await service.verify(db))


@router.get(
    "/me/record-accesses",
    summary="Who read or wrote my record?",
    response_model=schemas.RecordAccessPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_my_record_accesses(
    access: Annotated[PatientAccess, me(Permission.RECORD_ACCESSES_READ)],
    db: Db,
    page: Paging,
    *,
    own: Annotated[bool, Query(description="Also what I did myself.")] = False,
) -> schemas.RecordAccessPage:
    """Everyone who used your record, the newest first; also those who opened it in an emergency."""
    but_not_by = None if own else access.caller.membership_id
    rows, cursor = await queries.of_record(db, access.clinic.id, access.patient.id, but_not_by, page)
    accesses = list(map(service.record_access, rows))
    return schemas.RecordAccessPage.model_validate({"items": accesses, "next_cursor": cursor})


@router.post(
    "/patients/{patient_id}/emergency-access",
    status_code=201,
    summary="Open a record in an emergency",
    response_model=schemas.EmergencyAccess,
    responses={
        200: {"model": schemas.EmergencyAccess, "description": "You have it open already, until then."},
        **problems(errors.NotFound, AlreadyInCareTeam, errors.InvalidRequest),
    },
)
async def open_emergency_access(
    patient_id: UUID,
    why: schemas.EmergencyAccessWrite,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.EMERGENCY_ACCESS_OPEN, step_up=True)],
    db: Db,
) -> schemas.EmergencyAccess:
    """Look after a patient for an hour although you are not in their care team.

    You can do then what your role may do for patients it looks after. The privacy officer reviews it, and the patient
    sees it. It needs a recent sign-in, and closes by itself.
    """
    opened, is_new = await service.open_emergency(db, request.app.state.settings, access, why)
    response.status_code = 201 if is_new else 200
    return _answer(response, opened)


@router.get(
    "/emergency-accesses",
    summary="Which records were opened in an emergency?",
    response_model=schemas.EmergencyAccessPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_emergency_accesses(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.EMERGENCY_ACCESS_READ)],
    db: Db,
    page: Paging,
    *,
    reviewed: Annotated[bool | None, Query(description="`false`: only those that wait for a review.")] = None,
) -> schemas.EmergencyAccessPage:
    """The emergency accesses of the clinic, the newest first."""
    rows, cursor = await queries.emergencies(db, access.clinic.id, reviewed=reviewed, page=page)
    opened = list(map(service.emergency_access, rows))
    return schemas.EmergencyAccessPage.model_validate({"items": opened, "next_cursor": cursor})


@router.get(
    "/emergency-accesses/{emergency_access_id}",
    summary="One emergency access",
    response_model=schemas.EmergencyAccess,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_emergency_access(
    emergency_access_id: EmergencyAccessId,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.EMERGENCY_ACCESS_READ, **OF_EMERGENCY)],
    db: Db,
) -> schemas.EmergencyAccess | Response:
    """Who opened which record, why, and what the review said."""
    found = await service.read_emergency(db, access.clinic.id, emergency_access_id)
    tag = etags.version_tag(found["version"])
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    return _answer(response, found)


@router.post(
    "/emergency-accesses/{emergency_access_id}/review",
    summary="Review an emergency access",
    response_model=schemas.EmergencyAccess,
    responses=problems(
        errors.NotFound,
        AlreadyReviewed,
        OwnEmergencyAccess,
        errors.InvalidRequest,
        errors.PreconditionFailed,
        errors.PreconditionRequired,
    ),
)
async def review_emergency_access(
    emergency_access_id: EmergencyAccessId,
    review: schemas.EmergencyAccessReviewWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.EMERGENCY_ACCESS_REVIEW, **OF_EMERGENCY)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.EmergencyAccess:
    """Say whether opening the record was right. A review is written once, and never by whoever opened the record."""
    return _answer(response, await service.review_emergency(db, access, emergency_access_id, review, if_match))


def _answer(response: Response, found: dict[str, Any]) -> schemas.EmergencyAccess:
    etags.stamp(response, etags.version_tag(found["version"]))
    return schemas.EmergencyAccess.model_validate(found)
