"""Raising alerts: in the transaction that wrote what they were found in, so that neither is there without the other.

The same rule at the same severity, found again of the same patient within a window while nobody has resolved the
alert, adds an occurrence to it. A higher severity is an alert of its own: whoever looked at the first has not seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicView, PatientView
from app.protocols.rules import Protocol
from app.safety import ladder, rosters, telling
from app.safety.catalogue import RULES
from app.safety.findings import Finding, Rule, Severity, Subject
from app.safety.ladder import Level
from app.safety.models import Alert, AlertStep
from app.safety.roster_rules import acknowledge_by, is_staffed
from app.safety.rosters import Standing
from app.safety.schemas import AlertStage

OF_ALERTS = ((Alert.__tablename__,),)
"""What is written here of a record: see `Database.touch`."""

RAISED, REPEATED = "raised", "repeated"


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert that was raised, or that was found again, and what the patient sees of it at once."""

    id: UUID
    rule: str
    severity: Severity
    is_new: bool
    patient_text: str | None
    shows_crisis_card: bool


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all alerts of one call share."""

    clinic: ClinicView
    patient: PatientView
    protocol: Protocol
    subject: Subject
    standing: Standing
    now: datetime
    late: bool


async def raise_alerts(
    db: Database,
    clinic: ClinicView,
    patient: PatientView,
    protocol: Protocol,
    findings: Sequence[Finding],
    subject: Subject,
    *,
    late: bool = False,
) -> list[RaisedAlert]:
    """Write down what rules found, and see to it that people are told; for each finding, its alert.

    The patient must be locked, as a writing guard and `patient_for_writing` do. `late`: it was due earlier, and the
    worker found it late. Without findings this sends no statement.
    """
    if not findings:
        return []
    await db.flush_staged()
    standing = await rosters.standing(db, clinic)
    scene = _Scene(clinic, patient, protocol, subject, standing, clock.now(), late)
    unresolved = await _unresolved(db, scene, {finding.rule for finding in findings})
    raised = []
    for finding in findings:
        known = unresolved.get((finding.rule, finding.severity))
        if known is not None and scene.now - known.last_found_at <= _window(scene, RULES[finding.rule]):
            await _add_occurrence(db, scene, known, finding)
            raised.append(_raised(known.id, finding, is_new=False))
            continue
        alert = await _add(db, scene, finding)
        unresolved[finding.rule, finding.severity] = alert
        raised.append(_raised(alert.id, finding, is_new=True))
    return raised


def _raised(alert_id: UUID, finding: Finding, *, is_new: bool) -> RaisedAlert:
    rule = RULES[finding.rule]
    return RaisedAlert(alert_id, rule.id, finding.severity, is_new, rule.patient_text, rule.shows_crisis_card)


def _window(scene: _Scene, rule: Rule) -> timedelta:
    figures = scene.protocol.safety
    return timedelta(minutes=figures.repeat_minutes_in_session if rule.at_the_bedside else figures.repeat_minutes)


async def _unresolved(db: Database, scene: _Scene, rules: set[str]) -> dict[tuple[str, Severity], Alert]:
    """The newest alert of each rule and severity that nobody has resolved."""
    found = await db.scalars(
        sa.select(Alert)
        .where(
            Alert.clinic_id == scene.clinic.id,
            Alert.patient_id == scene.patient.id,
            Alert.rule.in_(rules),
            Alert.status != AlertStage.RESOLVED.value,
        )
        .order_by(Alert.last_found_at)
    )
    return {(alert.rule, Severity(alert.severity)): alert for alert in found}


async def _add(db: Database, scene: _Scene, finding: Finding) -> Alert:
    rule, subject, now = RULES[finding.rule], scene.subject, scene.now
    roster, figures = scene.standing.roster, scene.protocol.escalation
    by = acknowledge_by(now, finding.within or rule.within.get(finding.severity, "now"), roster)
    alert = Alert(
        id=new_id(),
        clinic_id=scene.clinic.id,
        patient_id=scene.patient.id,
        rule=rule.id,
        rule_version=rule.version,
        protocol_version=scene.clinic.protocol_version,
        severity=finding.severity.value,
        status=AlertStage.OPEN.value,
        version=1,
        subject_kind=subject.kind.value,
        subject_id=subject.id,
        dosing_session_id=subject.dosing_session_id,
        session_clinician_id=subject.session_clinician_id,
        inputs=dict(finding.inputs),
        threshold=dict(finding.threshold),
        found_at=subject.found_at,
        raised_at=now,
        raised_late=scene.late,
        acknowledge_by=by,
        staffed_when_raised=is_staffed(roster, now),
        occurrences=1,
        last_found_at=now,
        level=Level.FIRST.value,
        next_step_at=ladder.first_step_at(finding.severity, now, by, figures, roster),
        revision=scene.patient.revise(db, OF_ALERTS),
    )
    db.add(alert)
    await db.flush()  # its steps refer to it
    add_step(db, alert, RAISED, now, level=Level.FIRST, late=scene.late, **_found(scene, finding))
    people = await telling.people(db, alert, scene.standing, now)
    await telling.tell(db, alert, people.first_for(rule.notify), Level.FIRST, scene.standing, now)
    _tell(db, EventType.ALERT_RAISED, alert)
    await db.flush()
    return alert


async def _add_occurrence(db: Database, scene: _Scene, alert: Alert, finding: Finding) -> None:
    """The same was found again. Whoever has it in hand hears of it; while nobody has, the ladder goes on as it was."""
    alert.occurrences += 1
    alert.last_found_at = scene.now
    alert.version += 1
    alert.revision = scene.patient.revise(db, OF_ALERTS)
    add_step(db, alert, REPEATED, scene.now, late=scene.late, **_found(scene, finding))
    if alert.status != AlertStage.OPEN.value and finding.severity is not Severity.ROUTINE:
        people = await telling.people(db, alert, scene.standing, scene.now)
        owner = [] if alert.owner_id is None else [alert.owner_id]
        first = people.at(Level.FIRST) if finding.severity is Severity.CRITICAL else []
        quiet = timedelta(minutes=scene.protocol.escalation.again_after_minutes)
        await telling.tell(
            db, alert, [*owner, *first], Level.OWNER, scene.standing, scene.now, unless_told_since=scene.now - quiet
        )
    _tell(db, EventType.ALERT_REPEATED, alert)
    await db.flush()


def _found(scene: _Scene, finding: Finding) -> dict[str, Any]:
    """What a step keeps of a finding."""
    return {
        "subject_kind": scene.subject.kind.value,
        "subject_id": scene.subject.id,
        "inputs": dict(finding.inputs),
    }


def add_step(db: Database, alert: Alert, action: str, at: datetime, *, late: bool = False, **more: Any) -> None:  # noqa: ANN401  columns
    """Keep one step of an alert as it stands now."""
    level = more.pop("level", None)
    db.add(
        AlertStep(
            id=new_id(),
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            version=alert.version,
            at=at,
            action=action,
            late=late,
            level=None if level is None else str(level),
            **more,
        )
    )


def _tell(db: Database, event_type: EventType, alert: Alert) -> None:
    events.record(
        db,
        event_type,
        clinic_id=alert.clinic_id,
        patient_id=alert.patient_id,
        subject_id=alert.id,
        version=alert.version,
    )
