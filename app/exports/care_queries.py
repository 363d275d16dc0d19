"""The statements behind what was written down around each dose and beside it."""

import json
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.adverse_events.models import AdverseEvent, AdverseEventVersion
from app.core.db import Database
from app.dosing.models import (
    DischargeAssessment,
    DosePause,
    DoseRecord,
    ExtraSessionRequest,
    PreDoseChecklist,
    Reading,
    ReadingVersion,
    SessionClearance,
    SessionDischarge,
)
from app.exports.queries import Row, belongs_to, in_portions, rows_of
from app.identity.access import PatientView
from app.identity.models import PatientDetails
from app.rems.models import RemsReport
from app.safety.models import Alert, AlertNotice, AlertStep, HelpRequest

BY_SESSION: Final[dict[str, tuple[Any, str]]] = {
    "checklists": (PreDoseChecklist, "version"),
    "clearances": (SessionClearance, "cleared_at"),
    "dose_records": (DoseRecord, "version"),
    "pauses": (DosePause, "paused_at"),
    "readings": (Reading, "at"),
    "discharge_assessments": (DischargeAssessment, "assessed_at"),
    "discharge": (SessionDischarge, "discharged_at"),
    "rems_report": (RemsReport, "version"),
}
"""What hangs on a session: the table, and what its rows are sorted by."""

ONE_A_SESSION: Final = frozenset({"discharge", "rems_report"})

BY_PATIENT: Final[dict[str, tuple[Any, str]]] = {
    "extra_session_requests": (ExtraSessionRequest, "requested_at"),
    "adverse_events": (AdverseEvent, "onset_at"),
    "alerts": (Alert, "raised_at"),
    "help_requests": (HelpRequest, "received_at"),
}
"""What hangs on the patient alone."""

OBJECTS: Final = frozenset({"content", "findings", "confirmations", "criteria", "escort", "additions", "submitted"})
"""Columns whose text is JSON. A column of another table may have such a name and hold its JSON openly."""


async def of_sessions(db: Database, patient: PatientView) -> defaultdict[UUID, Row]:
    """Everything that hangs on each session."""
    found: defaultdict[UUID, Row] = defaultdict(_nothing)
    for name, (model, order) in BY_SESSION.items():
        for row in await every(db, model, patient, order):
            if name in ONE_A_SESSION:
                found[row["session_id"]][name] = row
            else:
                found[row["session_id"]][name].append(row)
    replaced: defaultdict[tuple[UUID, UUID], list[Row]] = defaultdict(list)
    for row in reversed(await every(db, ReadingVersion, patient, "version")):
        replaced[row["session_id"], row["reading_id"]].append(row)
    for session in found.values():
        for reading in session["readings"]:
            reading["earlier_versions"] = replaced[reading["session_id"], reading["id"]]
    return found


async def of_patient(db: Database, patient: PatientView) -> Row:
    """Everything that hangs on the patient alone."""
    found: Row = {name: await every(db, model, patient, order) for name, (model, order) in BY_PATIENT.items()}
    details = await every(db, PatientDetails, patient, "version")
    happened = [event["id"] for event in found["adverse_events"]]
    alerts = [alert["id"] for alert in found["alerts"]]
    version = AdverseEventVersion
    earlier = await _below(db, version, version.adverse_event_id, happened, patient, "version")
    steps = await _below(db, AlertStep, AlertStep.alert_id, alerts, patient, "at")
    notices = await _below(db, AlertNotice, AlertNotice.alert_id, alerts, patient, "created_at")
    for event in found["adverse_events"]:
        event["earlier_versions"] = earlier[event["id"]][::-1]
    for alert in found["alerts"]:
        alert |= {"steps": steps[alert["id"]], "notices": notices[alert["id"]]}
    return found | {"details": details[0] if details else None}


def _nothing() -> Row:
    """What hangs on a session of which nothing was written down."""
    return {name: None if name in ONE_A_SESSION else [] for name in BY_SESSION}


async def every(db: Database, model: Any, patient: PatientView, order: str) -> list[Row]:  # noqa: ANN401  a mapped class
    """The patient's rows of one table."""
    table: sa.Table = model.__table__
    found = await db.execute(
        sa.select(table).where(*belongs_to(model, patient)).order_by(table.c[order], *table.primary_key)
    )
    return [_opened(row) for row in rows_of(found)]


async def _below(
    db: Database,
    model: Any,  # noqa: ANN401  a mapped class
    owner: sa.orm.attributes.InstrumentedAttribute[UUID],
    ids: list[UUID],
    patient: PatientView,
    order: str,
) -> defaultdict[UUID, list[Row]]:
    """The rows of a table that hang on others, by those."""
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    table: sa.Table = model.__table__
    for portion in in_portions(ids):
        rows = await db.execute(
            sa.select(table)
            .where(model.clinic_id == patient.clinic_id, owner.in_(portion))
            .order_by(table.c[order], *table.primary_key)
        )
        for row in rows_of(rows):
            found[row[owner.key]].append(_opened(row))
    return found


def _opened(row: Row) -> Row:
    """The row with its JSON read."""
    return row | {name: json.loads(row[name]) for name in OBJECTS & row.keys() if isinstance(row[name], str)}
