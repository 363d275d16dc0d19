"""When an infusion stood still."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.ids import new_id
from app.dosing import dose_rules, rules, steps
from app.dosing.dose_rules import Pause
from app.dosing.dose_schemas import PauseWrite, ResumptionWrite
from app.dosing.errors import PauseMismatch
from app.dosing.models import DosePause, DosingSession
from app.dosing.rules import SessionStage
from app.events.types import EventType
from app.identity.access import PatientAccess

PAUSE, RESUMPTION = "pause", "resumption"


async def of_session(db: Database, session: DosingSession) -> Sequence[DosePause]:
    """Every pause of a session, in order."""
    found = await db.scalars(
        sa.select(DosePause)
        .where(DosePause.clinic_id == session.clinic_id, DosePause.session_id == session.id)
        .order_by(DosePause.paused_at, DosePause.id)
    )
    return found.all()


def plain(stored: DosePause) -> Pause:
    """A pause as the rules want it."""
    return Pause(stored.paused_at, stored.resumed_at)


async def pause(
    db: Database, access: PatientAccess, session_id: UUID, said: PauseWrite, if_match: str | None
) -> DosingSession:
    """Record that the infusion stands still. Raises `PauseMismatch` when it does already."""
    session = await _dosing(db, access, session_id, if_match)
    before = await of_session(db, session)
    if any(each.resumed_at is None for each in before):
        raise PauseMismatch(detail="It stands still already.")
    now = clock.now()
    started_at = session.dose_started_at or now
    paused_at = said.paused_at or max(now, started_at)
    dose_rules.check_pause(paused_at, started_at, map(plain, before), now=now, tolerance=_tolerance(access))
    db.add(
        DosePause(
            id=new_id(),
            clinic_id=session.clinic_id,
            session_id=session.id,
            patient_id=session.patient_id,
            paused_at=paused_at,
            recorded_by=access.caller.membership_id,
            reason=said.reason,
        )
    )
    await db.flush()
    return await steps.touch(db, access, session, PAUSE, EventType.DOSING_SESSION_PAUSED, reason=said.reason)


async def resume(
    db: Database,
    access: PatientAccess,
    session_id: UUID,
    pause_id: UUID,
    said: ResumptionWrite | None,
    if_match: str | None,
) -> DosingSession:
    """Record that the infusion goes on. Raises `PauseMismatch` when it does already."""
    session = await _dosing(db, access, session_id, if_match)
    paused = next((each for each in await of_session(db, session) if each.id == pause_id), None)
    if paused is None:
        raise NotFound
    if paused.resumed_at is not None:
        raise PauseMismatch(detail="It runs already.")
    now = clock.now()
    resumed_at = (said and said.resumed_at) or max(now, paused.paused_at)
    dose_rules.check_resumption(resumed_at, paused.paused_at, now=now, tolerance=_tolerance(access))
    paused.resumed_at = resumed_at
    return await steps.touch(db, access, session, RESUMPTION, EventType.DOSING_SESSION_RESUMED)


async def _dosing(db: Database, access: PatientAccess, session_id: UUID, if_match: str | None) -> DosingSession:
    """A session whose dose is being given; raises `IllegalMove` for any other."""
    session = await steps.session_of(db, access, session_id)
    steps.check_version(session, if_match)
    rules.check_is_being_given(SessionStage(session.status))
    return session


def _tolerance(access: PatientAccess) -> timedelta:
    return timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)
