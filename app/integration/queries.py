"""Reading doses, and the therapy that followed them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.adverse_events.models import AdverseEvent
from app.appointments.models import Appointment
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.dosing.models import DosingSession
from app.identity.access import PatientAccess, PatientView
from app.integration.rules import THERAPY, Therapy
from app.safety.models import Alert

_session, _appointment = DosingSession.__table__.c, Appointment.__table__.c
_KINDS: Final = sorted(kind.value for kind in THERAPY)


async def doses(
    db: Database, access: PatientAccess, since: datetime | None, until: datetime | None, page: PageRequest
) -> tuple[Sequence[Any], str | None]:
    """Read a page of the doses that a patient was given, the newest first; its next cursor."""
    filters = ("integration-windows", access.patient.id, since, until)
    at, this = _session.dose_started_at, _session.id
    statement = (
        sa.select(this, at, _session.substance, _session.route, _session.dose_mg)
        .where(_session.clinic_id == access.clinic.id, _session.patient_id == access.patient.id, at.is_not(None))
        .order_by(at.desc(), this.desc())
        .limit(page.limit + 1)
    )
    if since is not None:
        statement = statement.where(at >= since)
    if until is not None:
        statement = statement.where(at < until)
    after = page.after(*filters)
    if after is not None:
        statement = statement.where(at <= after[0], sa.or_(at < after[0], this < after[1]))
    rows = (await db.read(statement)).all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.dose_started_at, last.id], *filters)


async def therapies(db: Database, patient: PatientView, since: datetime, until: datetime) -> list[Therapy]:
    """Read a patient's appointments for therapy that were to begin in this time, in order of time."""
    rows = await db.read(
        sa.select(
            _appointment.id,
            _appointment.kind,
            _appointment.format,
            _appointment.scheduled_at,
            _appointment.status,
            _appointment.attendance,
            _appointment.attended_minutes,
        )
        .where(
            _appointment.clinic_id == patient.clinic_id,
            _appointment.patient_id == patient.id,
            _appointment.scheduled_at >= since,
            _appointment.scheduled_at < until,
            _appointment.kind.in_(_KINDS),
        )
        .order_by(_appointment.scheduled_at, _appointment.id)
    )
    return [Therapy(**row) for row in rows.mappings()]


async def alerts_of(db: Database, session: DosingSession) -> dict[str, int]:
    """How many alerts were raised about a session, by their status."""
    rows = await db.execute(
        sa.select(Alert.status, sa.func.count().label("number"))
        .where(
            Alert.clinic_id == session.clinic_id,
            Alert.patient_id == session.patient_id,
            Alert.dosing_session_id == session.id,
        )
        .group_by(Alert.status)
    )
    return {row.status: row.number for row in rows}


async def adverse_events_of(db: Database, clinic_id: UUID, session_id: UUID) -> int:
    """How many adverse events were written down of a session."""
    this = AdverseEvent
    found = await db.scalar(
        sa.select(sa.func.count()).where(this.clinic_id == clinic_id, this.session_id == session_id)
    )
    return found or 0
