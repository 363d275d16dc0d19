"""The routes by which a clinic says who its staff are at the outside issuer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.external_identities import schemas, service
from app.external_identities.errors import AlreadyLinked, NoOutsideIssuer
from app.external_identities.models import ExternalIdentity
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1/staff/{staff_id}/external-identity", tags=["integrations"], route_class=StrictRoute)


@router.get(
    "",
    summary="Who is this colleague at the outside issuer?",
    response_model=schemas.ExternalIdentity,
    responses=problems(errors.NotFound),
)
async def read_external_identity(
    staff_id: UUID, access: Annotated[ClinicAccess, allow_in_clinic(Permission.EXTERNAL_IDENTITIES_READ)], db: Db
) -> ExternalIdentity:
    """Answers 404 for somebody who is not linked."""
    return await service.read(db, access.clinic.id, staff_id)


@router.put(
    "",
    summary="Link a colleague to the outside issuer",
    response_model=schemas.ExternalIdentity,
    responses=problems(errors.NotFound, errors.InvalidRequest, NoOutsideIssuer, AlreadyLinked),
)
async def link_external_identity(
    staff_id: UUID,
    wanted: schemas.ExternalIdentityWrite,
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.EXTERNAL_IDENTITIES_WRITE, step_up=True)],
    db: Db,
) -> ExternalIdentity:
    """From now on the issuer's word signs them in. Nobody is linked by anything that the issuer says."""
    return await service.link(
        db,
        request.app.state.settings,
        access.clinic.id,
        staff_id,
        wanted.subject,
        linked_by=access.caller.membership_id,
    )


@router.delete(
    "", status_code=204, summary="Unlink a colleague from the outside issuer", responses=problems(errors.NotFound)
)
async def unlink_external_identity(
    staff_id: UUID, access: Annotated[ClinicAccess, allow_in_clinic(Permission.EXTERNAL_IDENTITIES_WRITE)], db: Db
) -> None:
    """The issuer's word signs them in no more; where it did, they are out from the next request on."""
    await service.unlink(db, access.clinic.id, staff_id)
