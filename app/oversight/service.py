"""Looking at the audit, and opening and reviewing records in an emergency."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.audit import queries as audit
from app.audit.chain import MOST_UNSIGNED
from app.audit.verification import Verification, within
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.etags import require_match
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.identity.models import CareTeamMember
from app.oversight import queries, rules, schemas
from app.oversight.errors import AlreadyInCareTeam, AlreadyReviewed, OwnEmergencyAccess
from app.oversight.models import EmergencyAccess

MOST_FINDINGS = 50
EMERGENCY = "emergency"
"""The kind of a place in the care team that was opened in an emergency."""


def entry(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    """An audit entry for the privacy officer. A patient's name is not theirs to read here."""
    is_patient = row["actor_patient_id"] is not None
    return {
        **row,
        "actor_name": None if is_patient else row["actor_name"],
        "emergency": row["emergency_reason"] is not None,
    }


def record_access(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    """An audit entry for the patient whose record it was."""
    known = row["actor_id"] is not None and row["actor_name"] is not None
    return {
        "id": row["id"],
        "at": row["at"],
        "who": {"staff_id": row["actor_id"], "display_name": row["actor_name"], "role": row["actor_role"]}
        if known
        else None,
        "what": rules.in_words(row["permission"]),
        "permission": row["permission"],
        "wrote": rules.wrote(row["permission"]),
        "emergency": row["emergency_reason"] is not None,
        "emergency_reason": row["emergency_reason"],
    }


async def verify(db: Database) -> dict[str, Any]:
    """Compute the end of the chain again, from the last checkpoint but one.

    The chain is one for all clinics, so this looks past the wall; only numbers and ids come back over it.
    """
    async with db.past_the_wall():
        return await _verify(db)


async def _verify(db: Database) -> dict[str, Any]:
    head = (await db.read(audit.HEAD)).scalar() or 0
    signed = [each.seq for each in await audit.last_checkpoints(db, 2) if each.is_signed() and each.is_ours()]
    since = max(1, head - 2 * MOST_UNSIGNED, *signed[1:])
    verification = Verification(within(db), since_seq=since, most_unsealed=MOST_UNSIGNED)
    found = [finding async for finding in verification.run()]
    unsealed = (await db.read(audit.HOW_MANY_UNSEALED)).mappings().one()
    return {
        "intact": not found,
        "checked_from": verification.first_seq,
        "checked_to": verification.last_seq,
        "unsealed": unsealed["waiting"],
        "oldest_unsealed_at": unsealed["oldest_at"],
        "findings": found[:MOST_FINDINGS],
        "checkpoint": verification.checkpoint and verification.checkpoint.as_json(),
    }


def emergency_access(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    """An emergency access with who opened it."""
    who = {"staff_id": row["membership_id"], "display_name": row["display_name"], "role": row["role"]}
    return {**row, "opened_by": who}


async def read_emergency(db: Database, clinic_id: UUID, emergency_access_id: UUID) -> dict[str, Any]:
    """One emergency access of the clinic."""
    row = await queries.emergency(db, clinic_id, emergency_access_id)
    if row is None:
        raise NotFound
    return emergency_access(row)


async def open_emergency(
    db: Database, settings: Settings, access: PatientAccess, why: schemas.EmergencyAccessWrite
) -> tuple[dict[str, Any], bool]:
    """Let the caller in to this record for a while; and whether that is new, since one that is open is enough."""
    now = clock.now()
    whose = {
        "clinic_id": access.clinic.id,
        "patient_id": access.patient.id,
        "membership_id": access.caller.membership_id,
    }
    for place in await db.scalars(
        sa.select(CareTeamMember)
        .filter_by(**whose)
        .where(sa.or_(CareTeamMember.until.is_(None), CareTeamMember.until > now))
    ):
        if place.kind != EMERGENCY:
            raise AlreadyInCareTeam
    still_open = await db.scalar(
        sa.select(EmergencyAccess.id).filter_by(**whose).where(EmergencyAccess.until > now).limit(1)
    )
    if still_open is not None:
        return await read_emergency(db, access.clinic.id, still_open), False
    until = now + timedelta(minutes=settings.emergency_access_minutes)
    opened = EmergencyAccess(
        id=new_id(), reason_code=why.reason_code, reason=why.reason, opened_at=now, until=until, version=1, **whose
    )
    db.add(opened)
    db.add(CareTeamMember(id=new_id(), kind=EMERGENCY, responsible=False, since=now, until=until, **whose))
    await db.flush()
    events.record(
        db,
        EventType.EMERGENCY_ACCESS_OPENED,
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        subject_id=opened.id,
    )
    return await read_emergency(db, access.clinic.id, opened.id), True


async def review_emergency(
    db: Database,
    access: PatientAccess,
    emergency_access_id: UUID,
    review: schemas.EmergencyAccessReviewWrite,
    if_match: str | None,
) -> dict[str, Any]:
    """Write down what a privacy officer thinks of it, once."""
    opened = await db.get_one(EmergencyAccess, emergency_access_id)
    current = await read_emergency(db, access.clinic.id, opened.id)
    require_match(
        if_match, opened.version, lambda: schemas.EmergencyAccess.model_validate(current).model_dump(mode="json")
    )
    if opened.reviewed_at is not None:
        raise AlreadyReviewed
    if await queries.is_same_person(db, access.clinic.id, opened.membership_id, access.caller.membership_id):
        raise OwnEmergencyAccess
    opened.reviewed_at, opened.reviewed_by = clock.now(), access.caller.membership_id
    opened.outcome, opened.note, opened.version = review.outcome, review.note, opened.version + 1
    await db.flush()
    return await read_emergency(db, access.clinic.id, opened.id)
