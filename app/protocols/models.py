"""Versions of clinics' protocols."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class ProtocolVersion(OfClinic, Base):
    """One version of a clinic's protocol; append-only."""

    __tablename__ = "protocol_versions"

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[datetime] = mapped_column(Instant)
    signed_off_by: Mapped[UUID | None]
    signed_off_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(sa.String(500))
