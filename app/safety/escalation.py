"""Asking others when nobody answers. The worker does it every few seconds; each alert is a transaction of its own.

The patient is locked as for any write, so of two workers one steps and the other finds that it is done. What was missed
while no worker ran is one step, which says that it is late.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.logging import describe, log
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicView, patient_for_writing
from app.identity.models import Clinic
from app.protocols import service as protocols
from app.safety import alerts, ladder, queries, rosters, telling
from app.safety.catalogue import RULES
from app.safety.findings import Notify, Severity
from app.safety.ladder import Level, Rung
from app.safety.models import Alert, AlertNotice
from app.safety.recipients import People
from app.safety.roster_rules import staffed_next, waits
from app.safety.schemas import AlertStage

AT_ONCE: Final = 200
_OPEN: Final = sa.literal(AlertStage.OPEN.value, literal_execute=True)  # said literally: the partial index is used


async def escalate(engine: AsyncEngine) -> int:
    """Take the step that is due of every alert that nobody answers; how many were taken.

    One that fails is logged and keeps no other from being taken; it is due again at the next call.
    """
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        due = (
            await db.execute(
                sa.select(Alert.clinic_id, Alert.patient_id, Alert.id)
                .where(Alert.status == _OPEN, Alert.next_step_at <= clock.now())
                .order_by(Alert.next_step_at)
                .limit(AT_ONCE)
            )
        ).all()
    taken = 0
    for clinic_id, patient_id, alert_id in due:
        try:
            async with unit_of_work(engine, clinic_id) as db:
                taken += await _step(db, clinic_id, patient_id, alert_id)
        except Exception as error:  # noqa: BLE001  whatever it is, the others must not wait for this one
            log.error("alert_not_escalated", alert_id=str(alert_id), **describe(error))
    return taken


async def _step(db: Database, clinic_id: UUID, patient_id: UUID, alert_id: UUID) -> bool:
    """Take one alert's step, unless somebody answered or another worker took it."""
    await patient_for_writing(db, clinic_id, patient_id)
    alert, now = await db.get_one(Alert, alert_id), clock.now()
    due_at = alert.next_step_at
    if alert.status != AlertStage.OPEN.value or due_at is None or due_at > now:
        return False
    clinic = await _clinic(db, clinic_id)
    standing = await rosters.standing(db, clinic)
    if waits(standing.roster, now):  # closed, and it promises nothing until somebody is there again
        alert.next_step_at = staffed_next(standing.roster, now) or due_at
        return False
    protocol = await protocols.at_version(db, clinic_id, clinic.protocol_version)
    rung = ladder.climb(
        Severity(alert.severity),
        Level(alert.level),
        raised_at=alert.raised_at,
        due_at=due_at,
        now=now,
        figures=protocol.escalation,
        roster=standing.roster,
    )
    people = await telling.people(db, alert, standing, now)
    await _climb(db, alert, rung, now)
    await telling.tell(db, alert, await _asked(db, alert, rung, people), _name(rung), standing, now)
    return True


async def _climb(db: Database, alert: Alert, rung: Rung, now: datetime) -> None:
    alert.level, alert.next_step_at = rung.level.value, rung.next_at
    alert.version += 1
    alerts.add_step(db, alert, queries.ESCALATED, now, level=_name(rung), late=rung.late)
    events.record(
        db,
        EventType.ALERT_ESCALATED,
        clinic_id=alert.clinic_id,
        patient_id=alert.patient_id,
        subject_id=alert.id,
        version=alert.version,
    )


def _name(rung: Rung) -> Level:
    return Level.AGAIN if Level.AGAIN in rung.ask else rung.level


async def _asked(db: Database, alert: Alert, rung: Rung, people: People) -> list[UUID]:
    """Who is asked now; `again` is everybody who was asked before and still works here."""
    asked = [one for level in (Level.FIRST, Level.SECOND, Level.LEAD) if level in rung.ask for one in people.at(level)]
    if Level.AGAIN not in rung.ask:
        return asked
    this = AlertNotice
    before = await db.scalars(
        sa.select(this.membership_id).where(this.clinic_id == alert.clinic_id, this.alert_id == alert.id)
    )
    here = {each.id for each in people.staff}
    rule = RULES.get(alert.rule)
    named = people.first_for(rule.notify if rule else (Notify.ON_DUTY,))
    return list(dict.fromkeys([*named, *(one for one in before if one in here), *asked]))


async def _clinic(db: Database, clinic_id: UUID) -> ClinicView:
    clinic = await db.get_one(Clinic, clinic_id)
    return ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)
