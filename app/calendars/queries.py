"""What stands in a feed: the appointments and dosing sessions of its owner, with when each was changed last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment, AppointmentParticipant, AppointmentStep
from app.appointments.rules import ParticipantStatus
from app.calendars.models import CalendarFeed
from app.core.db import Database
from app.dosing.models import DosingSession, DosingSessionStep
from app.identity.models import Clinic, Membership

_member, _clinic, _feed = Membership.__table__.c, Clinic.__table__.c, CalendarFeed.__table__.c
_appointment, _step = Appointment.__table__.c, AppointmentStep.__table__.c
_session, _session_step = DosingSession.__table__.c, DosingSessionStep.__table__.c
_participant = AppointmentParticipant.__table__.c

_APPOINTMENTS = sa.select(
    _appointment.id,
    _appointment.group_session_id,
    _appointment.kind,
    _appointment.format,
    _appointment.status,
    _appointment.version,
    _appointment.scheduled_at,
    _appointment.ends_at,
    _appointment.location,
    _step.at.label("changed_at"),
).join_from(
    Appointment.__table__,
    AppointmentStep.__table__,
    sa.and_(
        _step.clinic_id == _appointment.clinic_id,
        _step.appointment_id == _appointment.id,
        _step.version == _appointment.version,
    ),
    isouter=True,
)
_SESSIONS = sa.select(
    _session.id,
    _session.status,
    _session.version,
    _session.scheduled_at,
    _session_step.at.label("changed_at"),
).join_from(
    DosingSession.__table__,
    DosingSessionStep.__table__,
    sa.and_(
        _session_step.clinic_id == _session.clinic_id,
        _session_step.session_id == _session.id,
        _session_step.version == _session.version,
    ),
    isouter=True,
)


async def owner(db: Database, clinic_id: UUID, membership_id: UUID) -> Any | None:  # noqa: ANN401  a row
    """Whose feed it is, how it is set up (nulls where nothing was changed), and what is needed of their clinic."""
    statement = (
        sa.select(
            _member.id.label("membership_id"),
            _member.clinic_id,
            _member.role,
            _member.patient_id,
            _clinic.name,
            _clinic.time_zone,
            _clinic.protocol_version,
            _feed.generation,
            _feed.titles,
            _feed.enabled,
            _feed.version,
        )
        .select_from(
            sa.join(Membership.__table__, Clinic.__table__, _clinic.id == _member.clinic_id).outerjoin(
                CalendarFeed.__table__,
                sa.and_(_feed.clinic_id == _member.clinic_id, _feed.membership_id == _member.id),
            )
        )
        .where(_member.clinic_id == clinic_id, _member.id == membership_id, _member.ended_at.is_(None))
    )
    return (await db.read(statement)).one_or_none()


async def of_patient(
    db: Database, clinic_id: UUID, patient_id: UUID, since: datetime, until: datetime
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Appointments and dosing sessions of a patient."""
    return await _read(
        db, (clinic_id, since, until), _appointment.patient_id == patient_id, _session.patient_id == patient_id
    )


async def of_staff(
    db: Database, clinic_id: UUID, membership_id: UUID, since: datetime, until: datetime
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Appointments in which a member of staff takes part, and dosing sessions that are theirs."""
    takes_part = sa.exists().where(
        _participant.clinic_id == _appointment.clinic_id,
        _participant.appointment_id == _appointment.id,
        _participant.staff_id == membership_id,
        _participant.status != ParticipantStatus.DECLINED.value,
    )
    return await _read(db, (clinic_id, since, until), takes_part, _session.session_clinician_id == membership_id)


async def _read(
    db: Database,
    span: tuple[UUID, datetime, datetime],
    of_appointments: sa.ColumnElement[bool],
    of_sessions: sa.ColumnElement[bool],
) -> tuple[Sequence[Any], Sequence[Any]]:
    clinic_id, since, until = span
    appointments = _APPOINTMENTS.where(
        _appointment.clinic_id == clinic_id,
        _appointment.scheduled_at >= since,
        _appointment.scheduled_at < until,
        of_appointments,
    ).order_by(_appointment.scheduled_at, _appointment.id)
    sessions = _SESSIONS.where(
        _session.clinic_id == clinic_id,
        _session.scheduled_at >= since,
        _session.scheduled_at < until,
        of_sessions,
    ).order_by(_session.scheduled_at, _session.id)
    return (await db.read(appointments)).all(), (await db.read(sessions)).all()
