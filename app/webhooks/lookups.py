"""Finding endpoints and deliveries for a caller: staff find those of their clinic, a program those that it made."""

from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.errors import NotFound
from app.identity.access import ClinicAccess
from app.identity.permissions import Role
from app.webhooks.errors import WebhookEndpointEnded
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane


def visible(access: ClinicAccess) -> sa.ColumnElement[bool]:
    """The condition on endpoints that this caller may know of."""
    this = WebhookEndpoint
    of_clinic = this.clinic_id == access.clinic.id
    if access.caller.role is not Role.SERVICE:
        return of_clinic
    return sa.and_(of_clinic, this.created_by == access.caller.membership_id)


async def endpoint(db: Database, access: ClinicAccess, endpoint_id: UUID, *, locked: bool = False) -> WebhookEndpoint:
    """An endpoint, ended ones too, or `NotFound`; with `locked` nobody else changes it until the commit."""
    statement = sa.select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, visible(access))
    if locked:
        await _lane(db, access, endpoint_id)
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: WebhookEndpoint | None = await db.scalar(statement)
    if found is None:
        raise NotFound
    return found


async def _lane(db: Database, access: ClinicAccess, endpoint_id: UUID) -> None:
    """Lock the lane first, since that is the order in which workers lock the two."""
    this = WebhookLane
    await db.execute(
        sa.select(this.endpoint_id)
        .where(this.clinic_id == access.clinic.id, this.endpoint_id == endpoint_id)
        .with_for_update()
    )


async def living(db: Database, access: ClinicAccess, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint that something can be done with; nobody else changes it until the commit."""
    found = await endpoint(db, access, endpoint_id, locked=True)
    if found.ended_at is not None:
        raise WebhookEndpointEnded
    return found


async def delivery(db: Database, access: ClinicAccess, delivery_id: UUID) -> tuple[WebhookDelivery, WebhookEndpoint]:
    """A delivery and its endpoint, or `NotFound`."""
    found = await db.execute(
        sa.select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.clinic_id == access.clinic.id, WebhookDelivery.id == delivery_id, visible(access))
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]
