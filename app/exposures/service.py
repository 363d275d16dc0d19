"""A patient's exposure and the signs of harm, gathered from where they were written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import clock
from app.core.db import Database
from app.dosing import checklists, exposure, signs
from app.exposures import queries
from app.identity.access import PatientAccess

TOXICITY: Final = ("TOX-1", "TOX-2")
URINARY_CHECKS: Final = 3
"""The latest and the two before it: two rises in a row are a sign."""
CHECKLISTS: Final = 100
KETAMINE: Final = "ketamine"


async def read(db: Database, access: PatientAccess) -> dict[str, Any]:
    """Derive a patient's exposure up to now."""
    now = clock.now()
    doses = await exposure.doses_of(db, access.patient)
    found = exposure.exposure(doses, now)
    return {
        "patient_id": access.patient.id,
        "at": now,
        "sessions_7d": found.sessions_7d,
        "sessions_28d": found.sessions_28d,
        "sessions_total": found.sessions_total,
        "sessions_imported": found.sessions_total
        - len(exposure.given_here(each for each in doses if each.started_at <= now)),
        "cumulative_mg": dict(found.cumulative_mg),
        "doses_without_mg": found.unknown_mg,
        "mean_interval_days": found.mean_interval_days,
        "weeks_on_course": found.weeks_on_course,
        "first_dose_at": found.first_dose_at,
        "last_dose_at": found.last_dose_at,
        "hours_since_last_dose": found.hours_since,
        "source": "Dosing sessions in which a dose of ketamine or esketamine began, imported ones too",
        "toxicity": {
            "urinary": await _urinary(db, access),
            "screens": await _screens(db, access),
            "craving": await _craving(db, access),
            "extra_requests": await _extra_requests(db, access, now),
            "open_alerts": await queries.unresolved(db, access.patient, TOXICITY),
        },
    }


async def _urinary(db: Database, access: PatientAccess) -> dict[str, Any]:
    rows = await queries.urinary(db, access.patient, URINARY_CHECKS)
    checks = [
        {"check_in_id": row.check_in_id, "at": row.recorded_at, "total": row.value, "blood": _blood(row.responses)}
        for row in rows
    ]
    return {"checks": checks, "source": "Complete urinary checks of check-ins; TOX-1, bladder warning of the FDA"}


def _blood(responses: Sequence[dict[str, Any]]) -> int | None:
    answers: dict[str, Any] = next((each["answers"] for each in responses if each["instrument"] == queries.URINARY), {})
    blood = answers.get("blood")
    return blood if isinstance(blood, int) else None


async def _screens(db: Database, access: PatientAccess) -> dict[str, Any]:
    found, screens = [], 0
    for stored in await queries.checklists(db, access.patient, CHECKLISTS):
        screen = checklists.content_of(stored).urine_drug_screen
        screens += screen is not None
        found += [
            {"session_id": stored.session_id, "tested_on": screen.tested_on, "in_plan": line.in_plan}
            for line in (screen.results if screen else [])
            if screen is not None and line.substance == KETAMINE and line.result == "pos"
        ]
    return {"found": found, "screens": screens, "source": "Urine drug screens of checklists before doses; TOX-2"}


async def _craving(db: Database, access: PatientAccess) -> dict[str, Any]:
    row = await queries.craving_for(db, access.patient, KETAMINE)
    latest = row and {
        "check_in_id": row.check_in_id,
        "at": row.recorded_at,
        "measure": row.measure,
        "value": row.value,
    }
    return {"latest": latest, "source": "Craving for ketamine reported in check-ins"}


async def _extra_requests(db: Database, access: PatientAccess, now: datetime) -> dict[str, Any]:
    days = access.protocol.safety.tox2_days
    since = now - timedelta(days=days)
    requests = await signs.count_requests(db, access.clinic.id, access.patient.id, since, now)
    return {"requests": requests, "within_days": days, "source": "Requests written down by staff; TOX-2"}
