"""What a patient is asked for around a dose: placed with the session, moved with it, withdrawn with it."""

from datetime import datetime
from uuid import UUID

from app.check_in_plans import due, plan_queries
from app.check_in_plans.placing import Dose, Placing, place_around, tell
from app.check_in_plans.plan_queries import Held
from app.check_in_plans.plan_rules import around, moments_around
from app.core import clock
from app.core.db import Database
from app.identity.access import PatientView
from app.protocols.rules import Protocol


async def place(
    db: Database,
    patient: PatientView,
    session_id: UUID,
    *,
    scheduled_at: datetime,
    dose_started_at: datetime | None,
    wanted: bool,
    protocol: Protocol,
    held: Held | None = None,
    keep_open: bool = False,
) -> int:
    """Make, move or withdraw what is asked for around a session; how many check-ins changed. Again changes nothing.

    It counts from the planned begin until there is a real one. Not `wanted`: no dose is given. `keep_open` is for when
    the plan (`held`, if it is known already) changed and not the session. Whoever calls it holds the lock of the
    patient's record, and does not call it for the history that an import brings.
    """
    held = held or await plan_queries.held(db, patient.clinic_id, patient.id)
    asked = []
    if wanted and patient.app_consent_withdrawn_at is None:
        moments = moments_around(held.content, protocol.readings.time_points, protocol.asking)
        asked = around(moments, patient.id, session_id, dose_started_at or scheduled_at, patient.time_zone)
    rows = await due.of_session(db, patient, session_id)
    placing, dose = Placing(db, patient, held), Dose(session_id, dose_started_at is not None, wanted)
    place_around(placing, rows, asked, dose, clock.now(), keep_open=keep_open)
    await db.flush()
    if placing.changed:
        tell(db, patient, session_id)
    return placing.changed
