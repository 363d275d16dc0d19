"""Endpoints and what was sent to them, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch, not_modified, stamp, unchanged
from app.core.fields import Moment
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.webhooks import log, schemas, service
from app.webhooks.errors import (
    TooManyWebhookEndpoints,
    TooManyWebhookSecrets,
    WebhookEndpointEnded,
    WebhookNameTaken,
)

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
ENDPOINT = "/webhook-endpoints/{endpoint_id}"
DELIVERY = "/webhook-deliveries/{delivery_id}"
Reader = Annotated[ClinicAccess, allow_in_clinic(Permission.WEBHOOKS_READ)]
SecretReader = Annotated[ClinicAccess, allow_in_clinic(Permission.WEBHOOK_SECRETS_READ, step_up=True)]
Manager = Annotated[ClinicAccess, allow_in_clinic(Permission.WEBHOOKS_MANAGE)]
Maker = Annotated[ClinicAccess, allow_in_clinic(Permission.WEBHOOKS_MANAGE, step_up=True)]
EndpointId = Annotated[UUID, Path(description="Id of the endpoint.")]
DeliveryId = Annotated[UUID, Path(description="Id of the delivery.")]


@router.get("/webhook-endpoints", summary="Who is told what happens?", response_model=schemas.WebhookEndpointPage)
async def list_webhook_endpoints(access: Reader, db: Db) -> schemas.WebhookEndpointPage:
    """The endpoints that were not ended. A program sees those that it registered itself, here and everywhere below."""
    return schemas.WebhookEndpointPage.model_validate({"items": await service.listed(db, access)})


@router.post(
    "/webhook-endpoints",
    status_code=201,
    summary="Register an endpoint",
    response_model=schemas.NewWebhookEndpoint,
    responses=problems(errors.InvalidRequest, TooManyWebhookEndpoints, WebhookNameTaken),
)
async def create_webhook_endpoint(
    new: schemas.WebhookEndpointWrite, request: Request, access: Maker, db: Db
) -> schemas.NewWebhookEndpoint:
    """Have messages posted to an address when something happens, each signed with the `secret` of this answer.

    It is `pending` until it answers a signed `endpoint.ping`, which is on its way now, with 2xx; then it is told of
    every event since now that it wants to hear of and that the patient's consents let it have. A message says that
    something happened, and where to read it with your own credentials: no score, no note, no name.
    """
    made = await service.create(db, request.app.state.settings, access, new)
    return schemas.NewWebhookEndpoint.model_validate(made)


@router.get(
    ENDPOINT,
    summary="One endpoint",
    response_model=schemas.WebhookEndpoint,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_webhook_endpoint(
    endpoint_id: EndpointId, request: Request, response: Response, access: Reader, db: Db
) -> schemas.WebhookEndpoint | Response:
    """What it hears of, whether it is told, and how that goes. Also one that was ended."""
    found = await service.read(db, access, endpoint_id)
    tag = service.tag(found)
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.WebhookEndpoint.model_validate(found)


@router.put(
    ENDPOINT,
    summary="Change an endpoint",
    response_model=schemas.WebhookEndpoint,
    responses=problems(
        errors.NotFound,
        errors.InvalidRequest,
        errors.PreconditionFailed,
        errors.PreconditionRequired,
        WebhookEndpointEnded,
    ),
)
async def change_webhook_endpoint(
    endpoint_id: EndpointId,
    wanted: schemas.WebhookEndpointChangeWrite,
    request: Request,
    response: Response,
    access: Maker,
    db: Db,
    if_match: IfMatch = None,
) -> schemas.WebhookEndpoint:
    """Replace its address, its filters, its owner and its limits.

    At another address it is `pending` again until a ping is answered: what it has not got by now, and what happens
    meanwhile, waits as long. Its name, what it is for and who it is stay: patients agreed to that.
    """
    found = await service.change(db, request.app.state.settings, access, endpoint_id, wanted, if_match)
    stamp(response, service.tag(found))
    return schemas.WebhookEndpoint.model_validate(found)


@router.delete(ENDPOINT, status_code=204, summary="End an endpoint", responses=problems(errors.NotFound))
async def end_webhook_endpoint(endpoint_id: EndpointId, access: Manager, db: Db) -> None:
    """For good: nothing is sent to it again, what waited for it has failed, and its name is not given again."""
    await service.end(db, access, endpoint_id)


@router.get(
    f"{ENDPOINT}/secrets",
    summary="What signs for an endpoint?",
    response_model=schemas.WebhookSecretPage,
    responses=problems(errors.NotFound),
)
async def list_webhook_secrets(endpoint_id: EndpointId, access: SecretReader, db: Db) -> schemas.WebhookSecretPage:
    """The secrets themselves, for who lost them. It needs a recent sign-in, and that they were read is in the audit."""
    found = await service.live_secrets(db, access, endpoint_id)
    return schemas.WebhookSecretPage.model_validate({"items": found})


@router.post(
    f"{ENDPOINT}/secret-rotation",
    status_code=201,
    summary="Give an endpoint another secret",
    response_model=schemas.NewWebhookEndpoint,
    responses=problems(errors.NotFound, errors.InvalidRequest, WebhookEndpointEnded, TooManyWebhookSecrets),
)
async def rotate_webhook_secret(
    endpoint_id: EndpointId, wanted: schemas.WebhookSecretRotationWrite, access: Maker, db: Db
) -> schemas.NewWebhookEndpoint:
    """The new secret signs first, the old ones too until they end: a receiver that knows one of them can verify.

    Ten can sign at a time.
    """
    made = await service.rotate_secret(db, access, endpoint_id, wanted.keep_old_hours)
    return schemas.NewWebhookEndpoint.model_validate(made)


@router.post(
    f"{ENDPOINT}/ping",
    status_code=202,
    summary="Ask whether an endpoint is there",
    response_model=schemas.WebhookDelivery,
    responses=problems(errors.NotFound, WebhookEndpointEnded),
)
async def ping_webhook_endpoint(endpoint_id: EndpointId, access: Manager, db: Db) -> schemas.WebhookDelivery:
    """Send it a signed `endpoint.ping`. If it is `pending` and answers with 2xx, it is `active` from then on."""
    return schemas.WebhookDelivery.model_validate(await service.ping(db, access, endpoint_id))


@router.post(
    f"{ENDPOINT}/test",
    status_code=202,
    summary="Send an endpoint a made-up event",
    response_model=schemas.WebhookDelivery,
    responses=problems(errors.NotFound, errors.InvalidRequest, WebhookEndpointEnded),
)
async def send_test_event(
    endpoint_id: EndpointId, wanted: schemas.WebhookTestWrite, access: Manager, db: Db
) -> schemas.WebhookDelivery:
    """Send it an event that never happened, about nobody: `"test": true`. It need not be active, nor hear of these."""
    return schemas.WebhookDelivery.model_validate(await service.send_test(db, access, endpoint_id, wanted.type))


@router.post(
    f"{ENDPOINT}/disabling",
    summary="Stop telling an endpoint",
    response_model=schemas.WebhookEndpoint,
    responses=problems(errors.NotFound, WebhookEndpointEnded),
)
async def disable_webhook_endpoint(
    endpoint_id: EndpointId, response: Response, access: Manager, db: Db
) -> schemas.WebhookEndpoint:
    """Send it no events until it is enabled again. What it has not got by now is kept for it."""
    found = await service.disable(db, access, endpoint_id)
    stamp(response, service.tag(found))
    return schemas.WebhookEndpoint.model_validate(found)


@router.post(
    f"{ENDPOINT}/enabling",
    summary="Tell an endpoint again",
    response_model=schemas.EnabledWebhookEndpoint,
    responses=problems(errors.NotFound, errors.InvalidRequest, WebhookEndpointEnded),
)
async def enable_webhook_endpoint(
    endpoint_id: EndpointId,
    wanted: schemas.WebhookEnablingWrite,
    request: Request,
    response: Response,
    access: Manager,
    db: Db,
) -> schemas.EnabledWebhookEndpoint:
    """Ping a disabled endpoint. As soon as it answers it gets what was kept for it, and is told what happens.

    What happened while it was disabled comes with `replay_since`, such as its `disabled_at`.
    """
    settings = request.app.state.settings
    found = await service.enable(db, settings, access, endpoint_id, wanted.replay_since)
    stamp(response, service.tag(found))
    return schemas.EnabledWebhookEndpoint.model_validate(found)


@router.post(
    f"{ENDPOINT}/replay",
    status_code=202,
    summary="Send again what happened",
    response_model=schemas.WebhookReplay,
    responses=problems(errors.NotFound, errors.InvalidRequest, WebhookEndpointEnded),
)
async def replay_webhooks(
    endpoint_id: EndpointId, wanted: schemas.WebhookReplayWrite, request: Request, access: Manager, db: Db
) -> schemas.WebhookReplay:
    """Send the events of some time that it hears of: those it had, with the `webhook-id` of then, and those it missed.

    It takes about 1,000 events at a time: go on with `next_since` until that is null. Consents are asked again.
    """
    found = await service.replay(db, request.app.state.settings, access, endpoint_id, wanted)
    return schemas.WebhookReplay.model_validate(found)


@router.get(
    f"{ENDPOINT}/deliveries",
    summary="What was sent to an endpoint?",
    response_model=schemas.WebhookDeliveryPage,
    responses=problems(errors.NotFound, CursorInvalid, errors.InvalidRequest),
)
async def list_webhook_deliveries(
    endpoint_id: EndpointId,
    access: Reader,
    db: Db,
    page: Paging,
    *,
    state: Annotated[
        schemas.DeliveryState | None, Query(description="Only these; `failed` are those that were given up.")
    ] = None,
    event_type: Annotated[
        str | None,
        Query(alias="type", max_length=64, description="Only events of this name.", examples=["check_in.recorded"]),
    ] = None,
    since: Annotated[Moment | None, Query(description="Only what happened from this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Only what happened before this moment.")] = None,
) -> schemas.WebhookDeliveryPage:
    """The log of an endpoint, the newest first, for as long as events are kept."""
    filters = log.Filters(state, event_type, since, until)
    items, cursor = await log.listed(db, access, endpoint_id, filters, page)
    return schemas.WebhookDeliveryPage.model_validate({"items": items, "next_cursor": cursor})


@router.get(
    DELIVERY,
    summary="One delivery",
    response_model=schemas.WebhookDeliveryRecord,
    responses=problems(errors.NotFound),
)
async def read_webhook_delivery(
    delivery_id: DeliveryId, request: Request, access: Reader, db: Db
) -> schemas.WebhookDeliveryRecord:
    """Every attempt, with what came back, and what is or was sent."""
    found = await log.read(db, request.app.state.settings, access, delivery_id)
    return schemas.WebhookDeliveryRecord.model_validate(found)


@router.post(
    f"{DELIVERY}/redelivery",
    status_code=202,
    summary="Send one delivery again",
    response_model=schemas.WebhookDelivery,
    responses=problems(errors.NotFound, WebhookEndpointEnded),
)
async def redeliver_webhook(delivery_id: DeliveryId, access: Manager, db: Db) -> schemas.WebhookDelivery:
    """Send it now with the same `webhook-id`, whatever became of it. Consents are asked again.

    An event for an endpoint that is not active waits until it is; what is just being sent stays as it is.
    """
    return schemas.WebhookDelivery.model_validate(await log.redeliver(db, access, delivery_id))
