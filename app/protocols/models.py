"""Versions of clinics' protocols."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic
from app.protocols.rules import Protocol


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
    signed_sections: Mapped[list[str] | None] = mapped_column(Json)
    """Sections that whoever signed had before them; null, of older versions: all that there were."""

    @property
    def unsigned_sections(self) -> list[str]:
        """Sections on which nobody has put a name: all of a proposal, or what came after it was signed."""
        if self.signed_off_at is None:
            return list(Protocol.model_fields)
        signed = self.figures if self.signed_sections is None else self.signed_sections
        return [name for name in Protocol.model_fields if name not in signed]
