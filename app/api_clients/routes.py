"""The routes by which a clinic looks after its clients."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api_clients import schemas, service
from app.api_clients.errors import ApiClientEnded, NoSecret, TooManyApiClients, TwoSecretsLive
from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch, not_modified, stamp, unchanged
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1/api-clients", tags=["integrations"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
Reader = Annotated[ClinicAccess, allow_in_clinic(Permission.API_CLIENTS_READ)]
Ender = Annotated[ClinicAccess, allow_in_clinic(Permission.API_CLIENTS_WRITE)]
Maker = Annotated[ClinicAccess, allow_in_clinic(Permission.API_CLIENTS_WRITE, step_up=True)]


@router.get("", summary="Which programs have access?", response_model=schemas.ApiClientPage)
async def list_api_clients(access: Reader, db: Db) -> schemas.ApiClientPage:
    """The clients that the clinic registered and did not end."""
    return schemas.ApiClientPage.model_validate({"items": await service.clients(db)})


@router.post(
    "",
    status_code=201,
    summary="Register a program",
    response_model=schemas.NewApiClient,
    responses=problems(errors.InvalidRequest, TooManyApiClients),
)
async def create_api_client(new: schemas.ApiClientWrite, access: Maker, db: Db) -> schemas.NewApiClient:
    """Give a program access to this clinic, within the permissions named. Its secret is shown this once."""
    client, secret = await service.register(db, access.clinic.id, new, created_by=access.caller.membership_id)
    return schemas.NewApiClient.model_validate(await service.view(db, client) | {"client_secret": secret})


@router.get(
    "/{client_id}",
    summary="One program",
    response_model=schemas.ApiClient,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_api_client(
    client_id: UUID, request: Request, response: Response, access: Reader, db: Db
) -> schemas.ApiClient | Response:
    """What it may do, how it proves itself, and which of its secrets count. Also one that was ended."""
    found = await service.read(db, client_id)
    tag = service.tag(found)
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.ApiClient.model_validate(found)


@router.put(
    "/{client_id}",
    summary="Change what a program may do",
    response_model=schemas.ApiClient,
    responses=problems(
        errors.NotFound,
        errors.InvalidRequest,
        errors.PreconditionFailed,
        errors.PreconditionRequired,
        ApiClientEnded,
    ),
)
async def change_api_client(
    client_id: UUID,
    wanted: schemas.ApiClientChangeWrite,
    response: Response,
    access: Maker,
    db: Db,
    if_match: IfMatch = None,
) -> schemas.ApiClient:
    """Replace its name, permissions, addresses and keys. If it may do less now, or has other keys, its tokens end."""
    found = await service.change(db, client_id, wanted, if_match)
    stamp(response, service.tag(found))
    return schemas.ApiClient.model_validate(found)


@router.delete("/{client_id}", status_code=204, summary="End a program's access", responses=problems(errors.NotFound))
async def end_api_client(client_id: UUID, access: Ender, db: Db) -> None:
    """For good, from its next request on, with everything that people did not yet finish through it."""
    await service.end(db, client_id)


@router.post(
    "/{client_id}/secret-rotation",
    status_code=201,
    summary="Give a program another secret",
    response_model=schemas.NewApiClient,
    responses=problems(errors.NotFound, errors.InvalidRequest, ApiClientEnded, NoSecret, TwoSecretsLive),
)
async def rotate_api_client_secret(
    client_id: UUID, wanted: schemas.SecretRotationWrite, access: Maker, db: Db
) -> schemas.NewApiClient:
    """Both secrets count until the old one ends, so that the program can be told in between. Two count at most."""
    client, secret = await service.rotate_secret(db, client_id, wanted.keep_old_hours)
    return schemas.NewApiClient.model_validate(await service.view(db, client) | {"client_secret": secret})


@router.delete(
    "/{client_id}/secrets/{secret_id}",
    status_code=204,
    summary="End one secret of a program",
    responses=problems(errors.NotFound),
)
async def end_api_client_secret(client_id: UUID, secret_id: UUID, access: Ender, db: Db) -> None:
    """It ends now, with the tokens that the client has; with another secret it can get new ones."""
    await service.end_secret(db, client_id, secret_id)
