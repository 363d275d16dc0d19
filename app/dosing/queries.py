"""Lists of sessions: plain rows, since a clinic looks at its day all day long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.dosing.models import DosingSession
from app.identity.access import ClinicAccess, PatientAccess, visible_patients

_session = DosingSession.__table__.c


def in_clinic(access: ClinicAccess, since: datetime, until: datetime) -> list[sa.ColumnElement[bool]]:
    """Select those of a span of time, of the patients whom the caller may know of."""
    return [
        _session.clinic_id == access.clinic.id,
        _session.scheduled_at >= since,
        _session.scheduled_at < until,
        _session.patient_id.in_(visible_patients(access)),
    ]


def of_patient(access: PatientAccess, since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    """Select those of one patient, in a span of time that may be open at either end."""
    where = [_session.clinic_id == access.clinic.id, _session.patient_id == access.patient.id]
    where += [_session.scheduled_at >= since] if since else []
    where += [_session.scheduled_at < until] if until else []
    return where


async def page_of(
    db: Database, where: Sequence[sa.ColumnElement[bool]], page: PageRequest, *filters: object
) -> tuple[Sequence[Any], str | None]:
    """Read one page in the order of the planned begin, and the cursor of the next."""
    at, this = _session.scheduled_at, _session.id
    statement = sa.select(DosingSession.__table__).where(*where).order_by(at, this).limit(page.limit + 1)
    after = page.after(*filters)
    if after is not None:
        statement = statement.where(at >= after[0], sa.or_(at > after[0], this > after[1]))
    rows = (await db.read(statement)).all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.scheduled_at, last.id], *filters)
