"""Authorization codes."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base, OfClinic


class AuthorizationCode(OfClinic, Base):
    """What somebody who signed in on our page allowed a client to fetch once. Only a hash of the code is kept.

    `device_id` is the device that came of it: who brings the code a second time stole it, or was stolen from, and that
    device ends. The row is kept for a day beyond its minute to know such a code by.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.UniqueConstraint("code_hash"),
        sa.Index(None, "clinic_id", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    code_hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    client_id: Mapped[str] = mapped_column(sa.String(100))
    redirect_uri: Mapped[str] = mapped_column(sa.String(2000))
    code_challenge: Mapped[str] = mapped_column(sa.String(43))
    methods: Mapped[str] = mapped_column(sa.String(64))
    scopes: Mapped[str | None] = mapped_column(sa.String(4000))
    device_label: Mapped[str] = mapped_column(sa.String(100))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    device_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Instant)
