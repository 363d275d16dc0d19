"""Registered clients and their secrets."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class ApiClient(OfClinic, Base):
    """A registered client. Its id is that of the membership by which it acts, where its name is kept too."""

    __tablename__ = "api_clients"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "id"], ["memberships.clinic_id", "memberships.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "created_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    authentication: Mapped[str] = mapped_column(sa.String(16))
    relationship: Mapped[str] = mapped_column(sa.String(24))
    scopes: Mapped[str] = mapped_column(sa.String(4000))
    redirect_uris: Mapped[list[str]] = mapped_column(Json)
    public_keys: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class ApiClientSecret(OfClinic, Base):
    """A secret of a client, of which only the SHA-256 is kept: it is random enough not to be guessed from that."""

    __tablename__ = "api_client_secrets"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "client_id"], ["api_clients.clinic_id", "api_clients.id"]),
        sa.Index(None, "clinic_id", "client_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    client_id: Mapped[UUID]
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    last_characters: Mapped[str] = mapped_column(sa.String(4))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
