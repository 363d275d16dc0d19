"""The routes of a clinic's administration."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.clinics import details, memberships, schemas, service
from app.clinics.errors import AlreadyActive, CannotEndYourself, CannotRecover, UnknownStaff
from app.core import errors, qr
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch, not_modified, stamp, unchanged, version_tag
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic
from app.identity.permissions import Permission, Role
from app.invitations import service as invitations
from app.protocols import service as protocols

router = APIRouter(prefix="/v1", tags=["clinic"], route_class=StrictRoute)
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
CHANGED = (errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired)


@router.post(
    "/patients",
    status_code=201,
    summary="Enrol a patient",
    response_model=schemas.Patient,
    responses=problems(errors.InvalidRequest),
)
async def enrol_patient(
    new: schemas.PatientWrite,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PATIENTS_ENROL)],
    db: Db,
) -> schemas.Patient:
    """Add a patient to the clinic. Invite them next, and say who looks after them."""
    patient = await service.enrol(
        db, access.clinic.id, display_name=new.display_name, time_zone=new.time_zone or access.clinic.time_zone
    )
    stamp(response, version_tag(patient.version))
    return schemas.Patient.model_validate(await service.patient_with_team(db, access.clinic.id, patient.id))


@router.get(
    "/patients",
    summary="My patients",
    response_model=schemas.PatientPage,
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_patients(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PATIENTS_READ)], db: Db, paging: Paging
) -> schemas.PatientPage:
    """The patients whom the caller looks after; for coordinators and admins, all of the clinic."""
    rows, cursor = await service.patients(db, access, paging)
    return schemas.PatientPage.model_validate({"items": rows, "next_cursor": cursor})


@router.get(
    "/patients/{patient_id}",
    summary="One patient and who looks after them",
    response_model=schemas.Patient,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_patient(
    patient_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.PATIENTS_READ)],
    db: Db,
) -> schemas.Patient | Response:
    """Name, zone, status and care team."""
    found = await service.patient_with_team(db, access.clinic.id, access.patient.id)
    tag = version_tag(found["version"])
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.Patient.model_validate(found)


@router.post(
    "/patients/{patient_id}/invitations",
    status_code=201,
    summary="Make an invitation code for a patient",
    response_model=schemas.Invitation,
    responses=problems(errors.NotFound, AlreadyActive),
)
async def invite_patient(
    patient_id: UUID, request: Request, access: Annotated[PatientAccess, allow(Permission.PATIENTS_ENROL)], db: Db
) -> schemas.Invitation:
    """A single-use code for the app. Codes made for this patient before stop working."""
    return _shown(await service.invite_patient(db, request.app.state.settings, access))


def _shown(made: invitations.NewInvitation) -> schemas.Invitation:
    return schemas.Invitation(
        code=made.code, qr_payload=made.qr_payload, qr_svg=qr.svg(made.qr_payload), expires_at=made.expires_at
    )


@router.post(
    "/patients/{patient_id}/account-recovery",
    status_code=201,
    summary="Give a patient their account back",
    response_model=schemas.Invitation,
    responses=problems(errors.NotFound, CannotRecover),
)
async def recover_patient_account(
    patient_id: UUID, request: Request, access: Annotated[PatientAccess, allow(Permission.ACCOUNTS_RECOVER)], db: Db
) -> schemas.Invitation:
    """A single-use code for somebody who lost their phone and their password. Be sure who is asking.

    Used at `POST /v1/activations`, it sets a new password (and address, if another is given), signs every device out
    and removes second factors and passkeys; the record stays. Until then the old password works.
    """
    return _shown(await memberships.recover_patient(db, request.app.state.settings, access))


@router.put(
    "/patients/{patient_id}/care-team",
    summary="Say who looks after a patient",
    response_model=schemas.Patient,
    responses=problems(errors.NotFound, UnknownStaff, *CHANGED),
)
async def set_care_team(
    patient_id: UUID,
    team: schemas.CareTeamWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CARE_TEAM_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.Patient:
    """Replace the care team. Whoever is not named loses access at once."""
    found = await service.set_care_team(db, access, team, if_match)
    stamp(response, version_tag(found["version"]))
    return schemas.Patient.model_validate(found)


@router.get(
    "/patients/{patient_id}/details",
    summary="A patient's day of birth and sex",
    response_model=schemas.PatientDetails,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_patient_details(
    patient_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.PATIENT_DETAILS_READ)],
    db: Db,
) -> schemas.PatientDetails | Response:
    """What a report to somebody else asks for. Version 0 says that nobody has entered anything yet."""
    found = await details.read(db, access)
    tag = version_tag(found["version"])
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.PatientDetails.model_validate(found)


@router.put(
    "/patients/{patient_id}/details",
    summary="Enter a patient's day of birth and sex",
    responses=problems(errors.NotFound, *CHANGED),
)
async def set_patient_details(
    patient_id: UUID,
    said: schemas.PatientDetailsWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.PATIENT_DETAILS_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.PatientDetails:
    """Say what is known. It needs `If-Match` with the version that you read, which is `"0"` the first time."""
    found = await details.put(db, access, said, if_match)
    stamp(response, version_tag(found["version"]))
    return schemas.PatientDetails.model_validate(found)


@router.get("/staff", summary="Who works here?", response_model=schemas.StaffPage)
async def list_staff(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.STAFF_READ)], db: Db
) -> schemas.StaffPage:
    """Everyone who works at the clinic, by role."""
    return schemas.StaffPage.model_validate({"items": await service.staff(db, access.clinic.id)})


@router.post(
    "/staff/invitations",
    status_code=201,
    summary="Invite a member of staff",
    response_model=schemas.Invitation,
    responses=problems(errors.InvalidRequest),
)
async def invite_staff(
    new: schemas.StaffInvitationWrite,
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.STAFF_INVITE)],
    db: Db,
) -> schemas.Invitation:
    """A single-use code by which a colleague makes their account."""
    made = await invitations.invite(
        db,
        request.app.state.settings,
        clinic_id=access.clinic.id,
        role=Role(new.role),
        display_name=new.display_name,
    )
    return _shown(made)


@router.post(
    "/staff/{staff_id}/account-recovery",
    status_code=201,
    summary="Give a member of staff their account back",
    response_model=schemas.Invitation,
    responses=problems(errors.NotFound, CannotRecover),
)
async def recover_staff_account(
    staff_id: UUID,
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.STAFF_RECOVER, step_up=True)],
    db: Db,
) -> schemas.Invitation:
    """A single-use code for a colleague who lost their password or second factor. Be sure who is asking.

    Used at `POST /v1/activations`, it does what it does for a patient; the colleague then sets up a new second factor.
    """
    return _shown(await memberships.recover_staff(db, request.app.state.settings, access, staff_id))


@router.delete(
    "/staff/{staff_id}",
    status_code=204,
    summary="End a colleague's membership",
    responses=problems(errors.NotFound, CannotEndYourself),
)
async def end_staff_membership(
    staff_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.STAFF_INVITE, step_up=True)],
    db: Db,
) -> None:
    """Somebody leaves the clinic. They are signed out and out of every care team at once; what they did stays.

    Patients for whom they were responsible need somebody else: see `care_team.changed`.
    """
    await memberships.end_staff(db, access, staff_id)


@router.get("/protocol", summary="The clinic's figures", response_model=schemas.SignedProtocol, responses=UNCHANGED)
async def read_protocol(
    request: Request,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PROTOCOL_READ)],
    db: Db,
) -> schemas.SignedProtocol | Response:
    """Every threshold the software uses for this clinic, its version, and who signed it off."""
    tag = version_tag(access.clinic.protocol_version)
    if unchanged(request, tag):
        return not_modified(tag)
    row = await protocols.row(db, access.clinic.id, access.clinic.protocol_version)
    stamp(response, tag)
    return schemas.SignedProtocol.model_validate(row)


@router.put(
    "/protocol",
    summary="Change and sign off the clinic's figures",
    response_model=schemas.SignedProtocol,
    responses=problems(*CHANGED),
)
async def sign_protocol(
    wanted: schemas.ProtocolWrite,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PROTOCOL_SIGN)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.SignedProtocol:
    """Add a version. Statistics computed from now on name it; nothing computed before changes its name."""
    row = await service.sign_protocol(db, access, wanted, if_match)
    stamp(response, version_tag(row.version))
    return schemas.SignedProtocol.model_validate(row)
