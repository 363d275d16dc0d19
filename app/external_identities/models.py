"""Who is who at the outside issuer."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BlindIndex, Instant, Sealed
from app.core.db import Base, OfClinic


class ExternalIdentity(OfClinic, Base):
    """The subject of an outside issuer that a member of staff is. It may be an address, so it is sealed."""

    __tablename__ = "external_identities"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "issuer", "subject_index"),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "linked_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    membership_id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    issuer: Mapped[str] = mapped_column(sa.String(500))
    subject: Mapped[str] = mapped_column(Sealed("external_identities.subject"))
    subject_index: Mapped[bytes] = mapped_column(BlindIndex("external_identities.subject"))
    linked_at: Mapped[datetime] = mapped_column(Instant)
    linked_by: Mapped[UUID]
