"""The readings of a session as others ask for them: those who clear, who send home, who draw, who export."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.db import Database
from app.dosing.models import DosingSession, Reading


async def of_session(db: Database, session: DosingSession) -> Sequence[Reading]:
    """Every reading of a session, in the order in which they were taken by our clock."""
    found = await db.scalars(_of(session).order_by(Reading.at, Reading.id))
    return found.all()


async def latest_before_dose(db: Database, session: DosingSession) -> Reading | None:
    """The newest reading before the dose that says the blood pressure; None when there is none.

    Without a dose that is the newest of all.
    """
    statement = _of(session).where(Reading.systolic.is_not(None), Reading.diastolic.is_not(None))
    if session.dose_started_at is not None:
        statement = statement.where(Reading.at < session.dose_started_at)
    found = await db.scalars(statement.order_by(Reading.at.desc(), Reading.id.desc()).limit(1))
    return found.first()


def _of(session: DosingSession) -> sa.Select[Reading]:
    return sa.select(Reading).where(Reading.clinic_id == session.clinic_id, Reading.session_id == session.id)
