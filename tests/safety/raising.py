"""Alerts, rosters and their people, as tests need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.identity.access import ClinicView, patient_for_writing
from app.identity.models import Clinic
from app.protocols.rules import Protocol
from app.safety.alerts import RaisedAlert, raise_alerts
from app.safety.findings import Finding, Severity, Subject, SubjectKind
from app.safety.models import Alert, AlertNotice, AlertStep, OnCallRoster
from app.safety.roster_schemas import WEEKDAYS
from tests.factories import Person

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""Ten in the morning in Berlin, on a Monday."""
CRITICAL = Finding("SUI-1", Severity.CRITICAL, {"item9": 3}, {"sui1_critical_from": 3})
URGENT = Finding("SUI-1", Severity.URGENT, {"item9": 1}, {"sui1_from": 1})
ROUTINE = Finding("MISS-2", Severity.ROUTINE, {"missed": 3}, {"miss2_induction": 3})


def view(clinic: Clinic) -> ClinicView:
    return ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)


def a_roster(first: Person | None = None, second: Person | None = None, **but: Any) -> dict[str, Any]:
    """A clinic in the United States that is staffed on weekdays from 8 to 18, with the same people always on call."""
    shift = {"begins": "00:00", "ends": "00:00"} | {
        "first_id": str(first.membership.id) if first else None,
        "second_id": str(second.membership.id) if second else None,
    }
    return {
        "country": "US",
        "telephone": "+1 555 010 0199",
        "address": "1 River Road",
        "hours": "Monday to Friday, 8 to 6",
        "staffed_hours": [{"weekday": day, "begins": "08:00", "ends": "18:00"} for day in WEEKDAYS[:5]],
        "closed_on": [],
        "shifts": [shift | {"weekday": day} for day in WEEKDAYS] if first else [],
        "overrides": [],
        "lead_id": None,
        "outside_hours": "on_call",
        "channels": ["mail"],
    } | but


async def with_roster(db: Database, clinic: Clinic, content: dict[str, Any], version: int = 1) -> None:
    db.add(OnCallRoster(clinic_id=clinic.id, version=version, content=content, made_at=clock.now(), made_by=new_id()))
    await db.flush()


@dataclass(frozen=True, slots=True)
class Raiser:
    """Raises alerts about a patient, as a check-in of theirs would."""

    db: Database
    clinic: Clinic
    patient: Person

    async def __call__(self, *findings: Finding, at: datetime | None = None, **but: Any) -> list[RaisedAlert]:
        now = at or clock.now()
        patient = await patient_for_writing(self.db, self.clinic.id, self.patient.patient_id)
        subject = Subject(SubjectKind.CHECK_IN, new_id(), now, **but)
        with clock.told(now):
            raised = await raise_alerts(self.db, view(self.clinic), patient, Protocol(), findings, subject)
        await self.db.finish()
        return raised

    async def one(self, finding: Finding = CRITICAL, at: datetime | None = None, **but: Any) -> UUID:
        (raised,) = await self(finding, at=at, **but)
        return raised.id


async def an_alert(db: Database, clinic_id: UUID, patient_id: UUID, **but: Any) -> Alert:
    """An alert as a row, of which nobody was told."""
    now = clock.now()
    values: dict[str, Any] = {
        "rule": "SUI-1",
        "rule_version": 1,
        "protocol_version": 1,
        "severity": "urgent",
        "status": "open",
        "version": 1,
        "subject_kind": "check_in",
        "subject_id": new_id(),
        "inputs": {"item9": 1},
        "threshold": {"sui1_from": 1},
        "found_at": now,
        "raised_at": now,
        "raised_late": False,
        "acknowledge_by": now + timedelta(hours=1),
        "staffed_when_raised": True,
        "occurrences": 1,
        "last_found_at": now,
        "level": "first",
    }
    alert = Alert(id=new_id(), clinic_id=clinic_id, patient_id=patient_id, **(values | but))
    db.add(alert)
    await db.flush()
    return alert


async def the_alert(db: Database, alert_id: UUID) -> Alert:
    """The alert as it stands."""
    await db.finish()
    db.expunge_all()
    alert = await db.get_one(Alert, alert_id)
    await db.finish()
    return alert


async def steps(db: Database, alert_id: UUID) -> list[tuple[str, str | None, bool]]:
    """What was done with it: action, level, late."""
    await db.finish()
    rows: Sequence[AlertStep] = (
        await db.scalars(sa.select(AlertStep).where(AlertStep.alert_id == alert_id).order_by(AlertStep.version))
    ).all()
    await db.finish()
    return [(row.action, row.level, row.late) for row in rows]


async def notices(db: Database, alert_id: UUID) -> list[AlertNotice]:
    await db.finish()
    db.expunge_all()
    rows = (
        await db.scalars(
            sa.select(AlertNotice)
            .where(AlertNotice.alert_id == alert_id)
            .order_by(AlertNotice.created_at, AlertNotice.id)
        )
    ).all()
    await db.finish()
    return list(rows)


async def told(db: Database, alert_id: UUID) -> set[tuple[UUID, str]]:
    """Whom there is a notice for, and as who."""
    return {(notice.membership_id, notice.level) for notice in await notices(db, alert_id)}
