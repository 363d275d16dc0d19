"""Registering endpoints, changing and ending them, and making sure that they are there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.consents.kinds import ConsentKind
from app.consents.models import ConsentDocument
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.etags import require_match, version_tag
from app.core.ids import new_id
from app.core.settings import Settings
from app.events.types import EventType
from app.identity.access import ClinicAccess
from app.identity.models import Clinic
from app.identity.permissions import Role
from app.webhooks import log, lookups, messages, network, recipients, replays, schemas, secrets, states
from app.webhooks.errors import TooManyWebhookEndpoints, WebhookNameTaken
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane, WebhookSecret
from app.webhooks.replays import Replayed, Span
from app.webhooks.rules import Reason, is_filter

MOST_ENDPOINTS: Final = 100


# ---------------------------------------------------------------------------------------------------------- reading
async def listed(db: Database, access: ClinicAccess) -> list[dict[str, Any]]:
    """The endpoints that the caller may know of and that were not ended, the newest first."""
    this = WebhookEndpoint
    found = await db.execute(
        sa.select(this, WebhookLane)
        .join(WebhookLane, WebhookLane.endpoint_id == this.id)
        .where(lookups.visible(access), this.ended_at.is_(None))
        .order_by(this.created_at.desc(), this.id.desc())
    )
    return [_view(endpoint, lane) for endpoint, lane in found]


async def read(db: Database, access: ClinicAccess, endpoint_id: UUID) -> dict[str, Any]:
    """An endpoint, also one that was ended."""
    return await view(db, await lookups.endpoint(db, access, endpoint_id))


async def view(db: Database, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint as it is shown."""
    return _view(endpoint, await db.get_one(WebhookLane, endpoint.id))


def _view(endpoint: WebhookEndpoint, lane: WebhookLane) -> dict[str, Any]:
    shown = {name: getattr(endpoint, name) for name in schemas.WebhookEndpoint.model_fields if hasattr(endpoint, name)}
    return shown | {
        "status": endpoint.status if endpoint.ended_at is None else "ended",
        "last_success_at": lane.last_success_at,
        "last_failure_at": lane.last_failure_at,
        "failing_since": lane.failing_since,
    }


def tag(shown: dict[str, Any]) -> str:
    """The tag of what `view` shows: also what nobody changed counts, such as when a message last arrived."""
    last = max((each for each in (shown["last_success_at"], shown["last_failure_at"]) if each), default=None)
    return version_tag(shown["version"], int(last.timestamp() * 1000) if last else 0)


async def live_secrets(db: Database, access: ClinicAccess, endpoint_id: UUID) -> Sequence[WebhookSecret]:
    """The secrets that sign for an endpoint, the newest first."""
    return await secrets.live(db, await lookups.endpoint(db, access, endpoint_id), clock.now())


# ------------------------------------------------------------------------------------------- registering and changing
async def create(
    db: Database, settings: Settings, access: ClinicAccess, new: schemas.WebhookEndpointWrite
) -> dict[str, Any]:
    """Register an endpoint and ask it whether it is there; with its secret."""
    recipient_class = recipients.recipient_class(new.purpose, new.recipient_class)
    faults = _filter_faults(new.event_types)
    if recipient_class is None:
        detail = "This is not who may be told things for this purpose."
        faults.append(FieldError("/recipient_class", "recipient_not_for_purpose", detail))
    if faults or recipient_class is None:
        raise InvalidRequest(errors=faults)
    await _must_be_allowed(db, settings, new.url)
    await _room_for_one(db, access, new.name)
    now, endpoint_id = clock.now(), new_id()
    endpoint = WebhookEndpoint(
        id=endpoint_id,
        clinic_id=access.clinic.id,
        name=new.name or str(endpoint_id),
        purpose=new.purpose.value,
        recipient_class=recipient_class.value,
        status="pending",
        version=1,
        created_at=now,
        created_by=access.caller.membership_id,
        **_changeable(new),
    )
    db.add(endpoint)
    await db.flush()
    db.add(WebhookLane(endpoint_id=endpoint.id, clinic_id=endpoint.clinic_id, last_sequence=0, failures=0))
    secret = secrets.add(db, endpoint, now)
    await db.flush()
    _ping(db, endpoint, now)
    return await view(db, endpoint) | {"secret": secret}


def _changeable(wanted: schemas.WebhookEndpointChangeWrite) -> dict[str, Any]:
    return {
        "url": wanted.url,
        "event_types": list(dict.fromkeys(wanted.event_types)),
        "owner_email": wanted.owner_email,
        "max_per_second": wanted.max_per_second,
        "max_concurrency": wanted.max_concurrency,
    }


def _filter_faults(filters: Sequence[str]) -> list[FieldError]:
    return [
        FieldError(f"/event_types/{number}", "unknown_event_type", "No event has this name, or begins with it.")
        for number, each in enumerate(filters)
        if not is_filter(each)
    ]


async def _must_be_allowed(db: Database, settings: Settings, url: str) -> None:
    """Look the address up, without keeping a connection from others meanwhile; `InvalidRequest` if it may not be."""
    await db.let_go()
    why = await network.refused(url, settings)
    if why is not None:
        raise InvalidRequest(errors=[FieldError("/url", "url_not_allowed", f"The url {why}.")])


async def _room_for_one(db: Database, access: ClinicAccess, name: str | None) -> None:
    """Wait for others who register endpoints at this clinic; then see whether there is room, and the name free."""
    await db.execute(sa.select(Clinic.id).where(Clinic.id == access.clinic.id).with_for_update(key_share=True))
    this, document = WebhookEndpoint, ConsentDocument
    of_clinic = sa.select(sa.func.count()).select_from(this).where(this.clinic_id == access.clinic.id)
    if (await db.scalar(of_clinic.where(this.ended_at.is_(None))) or 0) >= MOST_ENDPOINTS:
        raise TooManyWebhookEndpoints
    if name is None:
        return
    taken = bool(await db.scalar(of_clinic.where(this.name == name)))
    if not taken and access.caller.role is Role.SERVICE:
        taken = bool(
            await db.scalar(
                sa.select(sa.func.count())
                .select_from(document)
                .where(
                    document.clinic_id == access.clinic.id, document.type == f"{ConsentKind.WEBHOOK_SHARE.value}:{name}"
                )
            )
        )
    if taken:
        raise WebhookNameTaken


async def change(
    db: Database,
    settings: Settings,
    access: ClinicAccess,
    endpoint_id: UUID,
    wanted: schemas.WebhookEndpointChangeWrite,
    if_match: str | None,
) -> dict[str, Any]:
    """Replace what can be changed of an endpoint. At another address it has to answer a ping first."""
    if faults := _filter_faults(wanted.event_types):
        raise InvalidRequest(errors=faults)
    endpoint = await _as_read(db, access, endpoint_id, if_match)
    if wanted.url != endpoint.url:
        await _must_be_allowed(db, settings, wanted.url)
        endpoint = await _as_read(db, access, endpoint_id, if_match)
    now, moved = clock.now(), wanted.url != endpoint.url
    for name, value in _changeable(wanted).items():
        setattr(endpoint, name, value)
    endpoint.version += 1
    if moved and endpoint.status != "disabled":
        await _begin_anew(db, endpoint)
        await states.park(db, endpoint.clinic_id, endpoint.id)
    if endpoint.status == "pending":
        _ping(db, endpoint, now)
    await db.flush()
    return await view(db, endpoint)


async def _as_read(db: Database, access: ClinicAccess, endpoint_id: UUID, if_match: str | None) -> WebhookEndpoint:
    """The endpoint, if it is as the caller read it; nobody else changes it until the commit."""
    endpoint = await lookups.living(db, access, endpoint_id)
    current = await view(db, endpoint)
    require_match(
        if_match,
        endpoint.version,
        lambda: schemas.WebhookEndpoint.model_validate(current).model_dump(mode="json"),
    )
    return endpoint


async def _begin_anew(db: Database, endpoint: WebhookEndpoint) -> None:
    """Let the endpoint wait for its ping; how it went with it before counts no longer."""
    endpoint.status, endpoint.disabled_reason, endpoint.disabled_at = "pending", None, None
    lane = await db.get_one(WebhookLane, endpoint.id, populate_existing=True)
    lane.failing_since, lane.failures = None, 0


async def rotate_secret(db: Database, access: ClinicAccess, endpoint_id: UUID, keep_old_hours: int) -> dict[str, Any]:
    """Another secret, which signs first; those of before go on signing for so many hours."""
    endpoint = await lookups.living(db, access, endpoint_id)
    secret = await secrets.rotate(db, endpoint, keep_old_hours, clock.now())
    endpoint.version += 1  # workers that know the endpoint look again
    return await view(db, endpoint) | {"secret": secret}


async def end(db: Database, access: ClinicAccess, endpoint_id: UUID) -> None:
    """End an endpoint for good: nothing is ever sent to it again, and nobody else gets its name."""
    endpoint = await lookups.endpoint(db, access, endpoint_id, locked=True)
    if endpoint.ended_at is not None:
        return
    now, this = clock.now(), WebhookDelivery
    endpoint.ended_at, endpoint.status, endpoint.version = now, "disabled", endpoint.version + 1
    await secrets.end_all(db, endpoint, now)
    await db.execute(
        sa.update(this)
        .where(
            this.clinic_id == endpoint.clinic_id,
            this.endpoint_id == endpoint.id,
            this.state.in_(["pending", "parked", "sending"]),
        )
        .values(state="failed", finished_at=now, claimed_by=None)
        .execution_options(synchronize_session=False)
    )


# ---------------------------------------------------------------------------------------------- asking and telling
async def ping(db: Database, access: ClinicAccess, endpoint_id: UUID) -> dict[str, Any]:
    """Ask an endpoint whether it is there."""
    delivery_id = _ping(db, await lookups.living(db, access, endpoint_id), clock.now())
    await db.flush_staged()
    return log.view(await db.get_one(WebhookDelivery, delivery_id))


def _ping(db: Database, endpoint: WebhookEndpoint, now: datetime) -> UUID:
    return states.ping(db, endpoint.clinic_id, endpoint.id, endpoint.version, now)


async def send_test(db: Database, access: ClinicAccess, endpoint_id: UUID, event_type: EventType) -> dict[str, Any]:
    """Send an endpoint an event that never happened."""
    return log.view(messages.queue_test(db, await lookups.living(db, access, endpoint_id), event_type, clock.now()))


async def disable(db: Database, access: ClinicAccess, endpoint_id: UUID) -> dict[str, Any]:
    """Tell an endpoint nothing until it is enabled; if it was disabled already, it stays so for the same reason."""
    endpoint = await lookups.living(db, access, endpoint_id)
    await states.disable(db, endpoint.clinic_id, endpoint.id, Reason.BY_HAND, clock.now())
    await db.refresh(endpoint)
    return await view(db, endpoint)


async def enable(
    db: Database, settings: Settings, access: ClinicAccess, endpoint_id: UUID, replay_since: datetime | None
) -> dict[str, Any]:
    """Let a disabled endpoint be asked whether it is there, and told again what happens; any other stays as it is."""
    now = clock.now()
    if replay_since is not None:
        replays.check(Span(replay_since, now), settings, now, since="/replay_since")
    endpoint = await lookups.living(db, access, endpoint_id)
    if endpoint.status == "disabled":
        await _begin_anew(db, endpoint)
        endpoint.version += 1
        _ping(db, endpoint, now)
        await db.flush()
    replayed = None if replay_since is None else await replays.replay(db, endpoint, Span(replay_since, now), now)
    return await view(db, endpoint) | {"replay": replayed}


async def replay(
    db: Database,
    settings: Settings,
    access: ClinicAccess,
    endpoint_id: UUID,
    wanted: schemas.WebhookReplayWrite,
) -> Replayed:
    """Send what happened in some time, once more or for the first time."""
    now = clock.now()
    span = Span(wanted.since, wanted.until or now, wanted.only_failed)
    replays.check(span, settings, now)
    return await replays.replay(db, await lookups.living(db, access, endpoint_id), span, now)
