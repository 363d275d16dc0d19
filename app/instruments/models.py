"""Wordings that clinics uploaded."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class InstrumentWording(OfClinic, Base):
    """One clinic's wording of one version of an instrument in one language. Append-only: a change is a new revision."""

    __tablename__ = "instrument_wordings"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "instrument", "instrument_version", "language", "revision"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "created_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.CheckConstraint("revision >= 1", name="revisions_count_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    instrument: Mapped[str] = mapped_column(sa.String(64))
    instrument_version: Mapped[str] = mapped_column(sa.String(16))
    language: Mapped[str] = mapped_column(sa.String(35))
    revision: Mapped[int]
    wording: Mapped[dict[str, Any]] = mapped_column(Json)
    licence: Mapped[dict[str, Any]] = mapped_column(Json)
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(Instant)
