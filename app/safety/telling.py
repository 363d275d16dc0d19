"""Telling people of an alert: a notice for each, and access for who is called and does not look after the patient.

Whoever is told may open the record: for a day they stand on the care team as `on_call`, which is audited and which the
patient can see, as everything.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.core.db import Database
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.identity.models import CareTeamMember, Membership, Patient
from app.identity.permissions import Permission, Role
from app.identity.queries import IS_STAFF
from app.safety.ladder import Level
from app.safety.models import Alert, AlertNotice
from app.safety.recipients import CLINICAL, Colleague, People
from app.safety.roster_rules import on_call_at
from app.safety.rosters import Standing

ON_CALL: Final = "on_call"
"""The kind of a place on a care team that came with being called."""
ACCESS: Final = timedelta(hours=24)
"""How long it lasts."""
PENDING, SENT, REFUSED, NEEDLESS = "pending", "sent", "refused", "needless"
MAIL: Final = "mail"


async def people(db: Database, alert: Alert, standing: Standing, now: datetime) -> People:
    """Everybody who works at the clinic now, and what they are to the patient."""
    return People(
        await colleagues(db, alert, now),
        on_call_at(standing.roster, now),
        standing.roster.lead_id,
        alert.session_clinician_id,
    )


async def colleagues(db: Database, alert: Alert, now: datetime) -> list[Colleague]:
    """Everybody who works at the clinic now, with whether they look after the patient of this alert."""
    place = CareTeamMember
    rows = await db.execute(
        sa.select(Membership.id, Membership.role, place.kind, place.responsible)
        .outerjoin(
            place,
            sa.and_(
                place.clinic_id == alert.clinic_id,
                place.membership_id == Membership.id,
                place.patient_id == alert.patient_id,
                place.kind == "member",
                sa.or_(place.until.is_(None), place.until > now),
            ),
        )
        .where(Membership.clinic_id == alert.clinic_id, IS_STAFF, Membership.ended_at.is_(None))
        .order_by(Membership.id)
    )
    return [
        Colleague(row.id, Role(row.role), in_care_team=row.kind is not None, responsible=bool(row.responsible))
        for row in rows
    ]


async def tell(
    db: Database,
    alert: Alert,
    who: Iterable[UUID],
    level: Level,
    standing: Standing,
    now: datetime,
    *,
    unless_told_since: datetime | None = None,
) -> None:
    """Let each of them know, once: nobody for whom a notice of this alert is still on its way gets another.

    `unless_told_since`: nor anybody who was told at this level since then.
    """
    wanted = list(dict.fromkeys(who))
    if not wanted:
        return
    await _let_in(db, alert, wanted, now)
    if MAIL not in standing.roster.channels:
        return
    this = AlertNotice
    waiting = this.state == PENDING
    if unless_told_since is not None:
        waiting = sa.or_(waiting, sa.and_(this.level == level.value, this.created_at > unless_told_since))
    underway = set(
        await db.scalars(
            sa.select(this.membership_id).where(this.clinic_id == alert.clinic_id, this.alert_id == alert.id, waiting)
        )
    )
    db.add_all(
        AlertNotice(
            id=new_id(),
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            membership_id=membership_id,
            level=level.value,
            channel=MAIL,
            state=PENDING,
            created_at=now,
            due_at=now,
            attempts=0,
        )
        for membership_id in wanted
        if membership_id not in underway
    )


async def stop_telling(db: Database, alert: Alert) -> None:
    """Nobody needs what is still on its way: somebody has answered."""
    this = AlertNotice
    await db.execute(
        sa.update(this)
        .where(this.clinic_id == alert.clinic_id, this.alert_id == alert.id, this.state == PENDING)
        .values(state=NEEDLESS)
        .execution_options(synchronize_session=False)
    )


async def _let_in(db: Database, alert: Alert, who: list[UUID], now: datetime) -> None:
    """Open the record for a day to those of them who do not look after the patient anyway."""
    roles = await _clinicians_without_place(db, alert, who, now)
    if not roles:
        return
    here = {"clinic_id": alert.clinic_id, "patient_id": alert.patient_id}
    places = await db.scalars(
        sa.select(CareTeamMember)
        .filter_by(**here, kind=ON_CALL)
        .where(CareTeamMember.membership_id.in_(roles), CareTeamMember.until > now)
    )
    known = {place.membership_id: place for place in places}
    for membership_id in roles:
        if membership_id in known:
            known[membership_id].until = now + ACCESS
            continue
        db.add(
            CareTeamMember(
                id=new_id(),
                **here,
                membership_id=membership_id,
                kind=ON_CALL,
                responsible=False,
                since=now,
                until=now + ACCESS,
            )
        )
        audit.record(
            db,
            operation="call_in",
            permission=str(Permission.CARE_TEAM_WRITE),
            clinic_id=alert.clinic_id,
            patient_id=alert.patient_id,
            subject_id=membership_id,
            reason=f"told of alert {alert.id}",
        )
    if known.keys() != roles:
        version = await db.scalar(
            sa.select(Patient.version).where(Patient.clinic_id == alert.clinic_id, Patient.id == alert.patient_id)
        )
        events.record(db, EventType.CARE_TEAM_CHANGED, **here, subject_id=alert.patient_id, version=version or 1)


async def _clinicians_without_place(db: Database, alert: Alert, who: list[UUID], now: datetime) -> set[UUID]:
    """Those of them who need the care team to open a record, and are not on it."""
    place = CareTeamMember
    on_team = sa.select(place.membership_id).where(
        place.clinic_id == alert.clinic_id,
        place.patient_id == alert.patient_id,
        place.kind == "member",
        sa.or_(place.until.is_(None), place.until > now),
    )
    found = await db.scalars(
        sa.select(Membership.id).where(
            Membership.clinic_id == alert.clinic_id,
            Membership.id.in_(who),
            Membership.role.in_([role.value for role in CLINICAL]),
            Membership.id.not_in(on_team),
        )
    )
    return set(found)
