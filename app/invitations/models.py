"""Invitations."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base


class Invitation(Base):
    """A single-use code by which a patient, or a new member of staff, gets an account.

    With `membership_id` it brings the account of that member back instead. `selector` is given up once the code is
    over and the four characters are wanted for another.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID | None]
    membership_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(sa.String(32))
    display_name: Mapped[str] = mapped_column(Sealed("invitations.display_name"))
    selector: Mapped[str | None] = mapped_column(sa.String(8), unique=True)
    verifier_hash: Mapped[str] = mapped_column(sa.String(200))
    long_code_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary, unique=True)
    wrong_tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
