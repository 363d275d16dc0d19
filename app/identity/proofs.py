"""What a device has proved since it was signed in, and the end of one that somebody stole."""

from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.identity.models import Device


async def prove(db: Database, device_id: UUID, *methods: str) -> None:
    """The owner of the device has just proved who they are, by these methods."""
    device = await db.get_one(Device, device_id)
    device.methods = " ".join(dict.fromkeys([*device.methods.split(), *methods]))
    device.authenticated_at = clock.now()


async def end_stolen(db: Database, device_id: UUID) -> None:
    """End a device whose authorization code was brought twice: one of the two who brought it stole it."""
    await db.execute(
        sa.update(Device)
        .where(Device.id == device_id, Device.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because="reused_authorization_code")
    )
