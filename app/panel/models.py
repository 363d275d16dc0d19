"""The one table of the panel. All of it is derived; `afterglow panel rebuild` makes it anew."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class PatientSummary(OfClinic, Base):
    """What the panel shows of one patient, free of the clock. Alerts count until somebody resolves them."""

    __tablename__ = "patient_summaries"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"], ondelete="CASCADE"),
        sa.Index(None, "clinic_id", "need", "patient_id"),
        # The row is written again and again, and the columns of its indexes seldom change: leave room beside it.
        {"postgresql_with": {"fillfactor": 70}},
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    """The patient's revision that it tells of: where the patient's own is another, it is made anew."""
    updated_at: Mapped[datetime] = mapped_column(Instant)
    need: Mapped[int] = mapped_column(sa.BigInteger)
    """One number that sorts by need, the smallest first: `rules.need`."""
    open_alerts: Mapped[int]
    acknowledged_alerts: Mapped[int]
    worst_alert_severity: Mapped[str | None] = mapped_column(sa.String(16))
    """Of those that nobody has resolved."""
    oldest_open_alert_at: Mapped[datetime | None] = mapped_column(Instant)
    overdue_check_ins: Mapped[int]
    """Noted as missed since the last one that was answered."""
    completed_check_ins: Mapped[int]
    late_check_ins: Mapped[int]
    missed_check_ins: Mapped[int]
    """What became of those due in the 28 days up to the newest of which anything became."""
    last_session_id: Mapped[UUID | None]
    last_session_status: Mapped[str | None] = mapped_column(sa.String(16))
    last_dose_at: Mapped[datetime | None] = mapped_column(Instant)
    next_session_id: Mapped[UUID | None]
    next_session_status: Mapped[str | None] = mapped_column(sa.String(16))
    next_session_at: Mapped[datetime | None] = mapped_column(Instant)
    phase: Mapped[str | None] = mapped_column(sa.String(16))
    latest: Mapped[dict[str, Any]] = mapped_column(Json)
    """By measure and substance (`craving/alcohol`, `mood/`): the latest value, when it was given (microseconds since
    1970), and by how much the mean of its week differs from that of the week before (null without values of both)."""
    relief: Mapped[str | None] = mapped_column(sa.String(16))
    """What is known of relief from craving after the last dose; null without a dose."""
    relief_since: Mapped[datetime | None] = mapped_column(Instant)
    relief_substance: Mapped[str | None] = mapped_column(sa.String(40))
