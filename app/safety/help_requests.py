"""A patient asks for help. Whatever else is wrong, the card comes back; whoever can be told is told."""

from typing import Any, Final
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.identity.access import PatientAccess
from app.safety import alerts, crisis, rosters, schemas
from app.safety.findings import Subject, SubjectKind
from app.safety.models import HelpRequest
from app.safety.rules import HELP

KEPT_CHARACTERS: Final = 4000
"""So much of a message is kept: nobody is refused for having written more."""


async def ask(
    db: Database, settings: Settings, access: PatientAccess, wanted: schemas.HelpRequestWrite
) -> tuple[dict[str, Any], bool]:
    """Tell whoever is on call, and answer with the card; whether the request is new. It asks for no consent."""
    now = clock.now()
    standing = await rosters.standing(db, access.clinic)
    request_id = wanted.id or new_id()
    known = await db.get(HelpRequest, (access.clinic.id, access.patient.id, request_id))
    request = known or await _add(db, access, request_id, wanted.message)
    return {
        "crisis_card": crisis.card(settings, standing.country, access.clinic.locale, standing),
        **crisis.told(settings, access.clinic, standing, now),
        "id": request.id,
        "received_at": request.received_at,
    }, known is None


async def _add(db: Database, access: PatientAccess, request_id: UUID, message: str | None) -> HelpRequest:
    now = clock.now()
    subject = Subject(SubjectKind.HELP_REQUEST, request_id, now)
    raised = await alerts.raise_alerts(db, access.clinic, access.patient, access.protocol, [HELP], subject)
    request = HelpRequest(
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        id=request_id,
        received_at=now,
        message=message[:KEPT_CHARACTERS] if message else None,
        alert_id=raised[0].id,
    )
    db.add(request)
    await db.flush()
    return request
