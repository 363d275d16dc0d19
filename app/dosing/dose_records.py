"""What is kept of a session's dose, version by version, and how it is shown."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.core import clock, days
from app.core.db import Database
from app.dosing import dose_rules, pauses
from app.dosing.dose_rules import DoseWarning, Warned, Weight
from app.dosing.dose_schemas import DoseAnswer, DosePause, DoseVersion
from app.dosing.errors import NoDose
from app.dosing.models import DoseRecord, DosingSession
from app.dosing.rules import SessionStage
from app.identity.access import PatientAccess


def per_kg(
    access: PatientAccess, dose_mg: float, weight: Weight | None, started_at: datetime
) -> tuple[float | None, dose_rules.NoDosePerKilogram | None]:
    """The dose per kilogram on the day that it was given at the clinic, or why there is none."""
    given_on = days.date_of(started_at, access.clinic.time_zone)
    return dose_rules.mg_per_kg(dose_mg, weight, given_on, access.protocol.dosing)


async def versions(db: Database, session: DosingSession) -> Sequence[DoseRecord]:
    """Every version of a session's dose, the oldest first."""
    found = await db.scalars(
        sa.select(DoseRecord)
        .where(DoseRecord.clinic_id == session.clinic_id, DoseRecord.session_id == session.id)
        .order_by(DoseRecord.version)
    )
    return found.all()


async def newest(db: Database, session: DosingSession) -> DoseRecord:
    """The dose of a session as it stands, or `NoDose`."""
    found: DoseRecord | None = await db.scalar(
        sa.select(DoseRecord)
        .where(DoseRecord.clinic_id == session.clinic_id, DoseRecord.session_id == session.id)
        .order_by(DoseRecord.version.desc())
        .limit(1)
    )
    if found is None:
        raise NoDose
    return found


async def brief(db: Database, session: DosingSession) -> dict[str, Any] | None:
    """What a session's record says of its dose; None where there is no record."""
    if session.dose_started_at is None:
        return None
    every = await versions(db, session)
    if not every:
        return None
    now = every[-1]
    return {
        "mg_per_kg": now.mg_per_kg,
        "lot": now.lot,
        "administered_by": now.administered_by,
        "warnings": [each["code"] for each in now.warnings],
        "versions": len(every),
    }


async def shown(db: Database, access: PatientAccess, session: DosingSession) -> DoseAnswer:
    """The dose of a session on the wire."""
    every = await versions(db, session)
    if not every:
        raise NoDose
    now, stood_still = every[-1], await pauses.of_session(db, session)
    weight = None if now.weight_kg is None or now.weighed_on is None else Weight(now.weight_kg, now.weighed_on)
    why_none = None if now.mg_per_kg is not None else per_kg(access, now.dose_mg, weight, now.started_at)[1]
    minutes = None
    if now.ended_at is not None:
        minutes = dose_rules.infusion_minutes(now.started_at, now.ended_at, map(pauses.plain, stood_still))
    return DoseAnswer(
        session_id=session.id,
        session_version=session.version,
        status=SessionStage(session.status),
        dose=version_shown(now),
        no_mg_per_kg_because=why_none,
        infusion_minutes=minutes,
        pauses=[DosePause.model_validate(each) for each in stood_still],
        versions=[version_shown(each) for each in every],
    )


def version_shown(record: DoseRecord) -> DoseVersion:
    """One version of a dose on the wire."""
    row = {name: getattr(record, name) for name in (*KEPT, "version", "recorded_at", "recorded_by")}
    confirmed = [{"code": each.code, "inputs": each.inputs, "reason": reason} for each, reason in warnings_of(record)]
    times = {"dose_started_at": row.pop("started_at"), "dose_ended_at": record.ended_at}
    return DoseVersion.model_validate(
        row | times | {"warnings": confirmed, "correction_reason": record.correction_reason}
    )


KEPT: Final = (
    "substance",
    "route",
    "dose_mg",
    "started_at",
    "weight_kg",
    "weighed_on",
    "mg_per_kg",
    "lot",
    "devices",
    "administered_by",
    "wasted_mg",
    "waste_witnessed_by",
)
"""What a version of a dose takes over from the one before it."""


def said(warnings: Sequence[Warned], reasons: Mapping[str, str]) -> dict[str, Any]:
    """Warnings and why they were meant so, as they are kept: the words are sealed, the numbers are not."""
    return {
        "warnings": [{"code": each.code.value, "inputs": dict(each.inputs)} for each in warnings],
        "confirmations": json.dumps([reasons[each.code.value] for each in warnings], ensure_ascii=False)
        if warnings
        else None,
    }


def warnings_of(record: DoseRecord) -> list[tuple[Warned, str]]:
    """What was unusual about a version, and why it was meant so."""
    reasons = json.loads(record.confirmations or "[]")
    warned = [Warned(DoseWarning(each["code"]), each["inputs"]) for each in record.warnings]
    return list(zip(warned, reasons, strict=True))


def by_code(earlier: Sequence[tuple[Warned, str]]) -> dict[str, str]:
    """The reasons by warning."""
    return {each.code.value: reason for each, reason in earlier}


async def append(db: Database, access: PatientAccess, session: DosingSession, row: dict[str, Any]) -> None:
    """Keep one more version of a session's dose."""
    last = await db.scalar(
        sa.select(sa.func.max(DoseRecord.version)).where(
            DoseRecord.clinic_id == session.clinic_id, DoseRecord.session_id == session.id
        )
    )
    db.add(
        DoseRecord(
            clinic_id=session.clinic_id,
            session_id=session.id,
            version=(last or 0) + 1,
            patient_id=session.patient_id,
            recorded_at=clock.now(),
            recorded_by=access.caller.membership_id,
            **row,
        )
    )
    await db.flush()
