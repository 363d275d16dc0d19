"""The demo clinic's own software: a program that may read what programs may, and book appointments."""

from typing import Final

import sqlalchemy as sa

from app.api_clients import service as api_clients
from app.api_clients.models import ApiClient
from app.api_clients.rules import Authentication, Relationship, grantable
from app.api_clients.schemas import ApiClientWrite
from app.core.db import Database
from app.identity.models import Clinic

NAME: Final = "Practice software (demo)"


async def with_new_secret(db: Database, clinic: Clinic) -> dict[str, str]:
    """Its id and its secret, which cannot be read back: each time it is asked for, it gets another."""
    client = await db.scalar(
        sa.select(ApiClient)
        .where(
            ApiClient.clinic_id == clinic.id,
            ApiClient.created_by.is_(None),  # nobody at the clinic registered it
            ApiClient.ended_at.is_(None),
        )
        .limit(1)
    )
    if client is not None:
        client, secret = await api_clients.rotate_secret(db, client.id, keep_old_hours=0)
        return {"client_id": str(client.id), "client_secret": secret}
    way, relationship = Authentication.CLIENT_SECRET, Relationship.CLINIC_SYSTEM
    wanted = ApiClientWrite(
        name=NAME, authentication=way, relationship=relationship, scopes=sorted(grantable(way, relationship))
    )
    client, made = await api_clients.register(db, clinic.id, wanted, created_by=None)
    return {"client_id": str(client.id), "client_secret": made or ""}
