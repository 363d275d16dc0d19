"""When a patient asked for a session beside the plan. Too often within some days is a sign to look at (TOX-2)."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.pagination import PageRequest, make_cursor
from app.dosing import signs
from app.dosing.extra_request_schemas import ExtraSessionRequestWrite
from app.dosing.models import ExtraSessionRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.timeline.errors import IdTaken

LIST = "extra-session-requests"


async def record(
    db: Database, access: PatientAccess, asked: ExtraSessionRequestWrite
) -> tuple[ExtraSessionRequest, bool]:
    """Write a request down; it, and whether it is new. The same again changes nothing, another raises `IdTaken`."""
    known = await db.get(ExtraSessionRequest, (access.clinic.id, asked.id))
    if known is not None:
        said = (access.patient.id, asked.requested_at or known.requested_at, asked.note)
        if said != (known.patient_id, known.requested_at, known.note):
            raise IdTaken
        return known, False
    now = clock.now()
    requested_at = asked.requested_at or now
    if requested_at > now + timedelta(minutes=access.protocol.linking.clock_tolerance_minutes):
        fault = FieldError("/requested_at", "in_the_future", "A request is recorded when it was made, not before.")
        raise InvalidRequest(errors=[fault])
    request = ExtraSessionRequest(
        clinic_id=access.clinic.id,
        id=asked.id,
        patient_id=access.patient.id,
        requested_at=requested_at,
        recorded_at=now,
        recorded_by=access.caller.membership_id,
        note=asked.note,
    )
    db.add(request)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' requests under one id at the same moment
        raise IdTaken from error
    version = access.patient.revise(db)
    events.record(
        db,
        EventType.EXTRA_SESSION_REQUESTED,
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        subject_id=request.id,
        version=version,
    )
    await signs.raise_extra_requests(db, access, request)
    return request, True


async def listed(
    db: Database, access: PatientAccess, page: PageRequest
) -> tuple[Sequence[ExtraSessionRequest], str | None]:
    """Read a page of a patient's requests, the newest first, and the cursor of the next."""
    at, this = ExtraSessionRequest.requested_at, ExtraSessionRequest.id
    statement = sa.select(ExtraSessionRequest).where(
        ExtraSessionRequest.clinic_id == access.clinic.id, ExtraSessionRequest.patient_id == access.patient.id
    )
    after = page.after(LIST, access.patient.id)
    if after is not None:
        last_at, last_id = after
        statement = statement.where(sa.or_(at < last_at, sa.and_(at == last_at, this < last_id)))
    rows = (await db.scalars(statement.order_by(at.desc(), this.desc()).limit(page.limit + 1))).all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.requested_at, last.id], LIST, access.patient.id)
