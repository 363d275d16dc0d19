"""Lists of alerts, and everything of one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import ClinicAccess, PatientAccess, visible_patients
from app.safety.models import Alert, AlertNotice, AlertStep

ESCALATED = "escalated"
"""The step that the service takes by itself, and that no clinician has to have seen."""

_SEVERITY = sa.case((Alert.severity == "critical", 0), (Alert.severity == "urgent", 1), else_=2)
_RANKS = {"critical": 0, "urgent": 1, "routine": 2}


async def of_clinic(
    db: Database,
    access: ClinicAccess,
    page: PageRequest,
    *,
    rules: Sequence[str] | None,
    status: str | None,
    severity: str | None,
    patient_id: UUID | None,
    mine: bool,
) -> tuple[Sequence[Alert], str | None]:
    """A page of alerts about patients whom the caller may know of, the most severe first, of those the oldest.

    `rules`: only theirs. Without `status`, those that nobody has resolved.
    """
    me = access.caller.membership_id
    wanted = [Alert.clinic_id == access.clinic.id, Alert.patient_id.in_(visible_patients(access))]
    wanted.append(Alert.status == status if status else Alert.status != "resolved")
    if rules is not None:
        wanted.append(Alert.rule.in_(rules))
    if severity:
        wanted.append(Alert.severity == severity)
    if patient_id:
        wanted.append(Alert.patient_id == patient_id)
    if mine:
        wanted.append(sa.or_(Alert.owner_id == me, Alert.id.in_(_told_to(access.clinic.id, me))))
    filters = ("alerts", access.clinic.id, me, status, severity, patient_id, mine)
    after = page.after(*filters)
    if after is not None:
        rank, raised_at, alert_id = after
        later = sa.or_(Alert.raised_at > raised_at, sa.and_(Alert.raised_at == raised_at, Alert.id > alert_id))
        wanted.append(sa.or_(rank < _SEVERITY, sa.and_(rank == _SEVERITY, later)))
    statement = sa.select(Alert).where(*wanted).order_by(_SEVERITY, Alert.raised_at, Alert.id).limit(page.limit + 1)
    rows = (await db.scalars(statement)).all()
    more, rows = len(rows) > page.limit, rows[: page.limit]
    if not more:
        return rows, None
    last = rows[-1]
    return rows, make_cursor([_RANKS[last.severity], last.raised_at, last.id], *filters)


def _told_to(clinic_id: UUID, membership_id: UUID) -> sa.Select[UUID]:
    this = AlertNotice
    return sa.select(this.alert_id).where(this.clinic_id == clinic_id, this.membership_id == membership_id)


async def of_patient(db: Database, access: PatientAccess, page: PageRequest) -> tuple[Sequence[Alert], str | None]:
    """A page of the patient's own, the newest first."""
    statement = sa.select(Alert).where(Alert.clinic_id == access.clinic.id, Alert.patient_id == access.patient.id)
    filters = ("my-alerts", access.patient.id)
    after = page.after(*filters)
    if after is not None:
        at, alert_id = after
        statement = statement.where(sa.or_(Alert.raised_at < at, sa.and_(Alert.raised_at == at, Alert.id < alert_id)))
    statement = statement.order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(page.limit + 1)
    rows = (await db.scalars(statement)).all()
    more, rows = len(rows) > page.limit, rows[: page.limit]
    return rows, make_cursor([rows[-1].raised_at, rows[-1].id], *filters) if more else None


async def steps(db: Database, alert: Alert) -> Sequence[AlertStep]:
    """Every step of an alert, the first first."""
    this = AlertStep
    found = await db.scalars(
        sa.select(this)
        .where(this.clinic_id == alert.clinic_id, this.alert_id == alert.id)
        .order_by(this.version, this.id)
    )
    return found.all()


async def notices(db: Database, alert: Alert) -> Sequence[AlertNotice]:
    """Who was told of it, or is being told."""
    this = AlertNotice
    found = await db.scalars(
        sa.select(this)
        .where(this.clinic_id == alert.clinic_id, this.alert_id == alert.id)
        .order_by(this.created_at, this.id)
    )
    return found.all()


async def last_step_of_people(db: Database, alert: Alert) -> int:
    """The version from which on only the service has done anything: whoever saw that one has seen all that matters."""
    this = AlertStep
    found: Any = await db.scalar(
        sa.select(sa.func.max(this.version)).where(
            this.clinic_id == alert.clinic_id, this.alert_id == alert.id, this.action != ESCALATED
        )
    )
    return int(found or 1)
