"""Long records of every kind, put into the database as the application itself writes them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.appointments.models import Appointment, AppointmentParticipant
from app.care_plans.models import CarePlan, ContingencyPlan, PracticeLog, SafetyPlan
from app.check_in_plans.models import CheckInPlan, DueCheckIn
from app.check_ins.models import CheckIn
from app.core.db import Database
from app.dosing.models import DosingSession
from app.identity.models import PatientRevision
from app.journals.models import JournalEntry
from app.safety.models import Alert
from app.timeline.models import TimelineMoment
from tests.cast import Cast
from tests.factories import an_id

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
MANY = ("check_in", "due_check_in", "dosing_session", "appointment", "alert", "practice_log", "journal_entry")
NEWEST_ONLY = ("care_plan", "safety_plan", "contingency_plan")


async def fill(db: Database, cast: Cast, size: int) -> None:
    """So many things, mostly a revision each, of each kind in turn; of plans one version each, which come first."""
    patient = cast.patient.patient_id
    whose = {"clinic_id": cast.clinic.id, "patient_id": patient}
    made = {"made_at": BEGIN, "version": 1}
    why = made | {"reason": "first", "made_by": cast.therapist.membership.id}
    goals = {"phase": "induction", "phases": [], "modalities": [], "goals": [], "practice": []}
    rewards = {
        "target_behaviour": "A negative test", "verification": "urine_drug_screen", "currency": "EUR",
        "first_cents": 100, "step_cents": 50, "most_cents": 1000, "bonus_every": 0,
        "bonus_cents": 0, "steps_back": None, "restored_after": None, "most_in_all_cents": None,
        "counts_from_version": 1,
    }  # fmt: skip
    db.add(
        CarePlan(**whose, **why, phase="induction", abstinence_is_the_goal=True, content=json.dumps(goals), revision=1)
    )
    parts = ("warning_signs", "on_my_own", "people_and_places", "people_to_ask", "professionals", "safer_surroundings")
    content = {"items": [], "around_doses": True}
    db.add(CheckInPlan(**whose, **why, content=content, revision=1))
    db.add(SafetyPlan(**whose, **made, content=json.dumps({part: [] for part in parts}), revision=2))
    db.add(ContingencyPlan(**whose, **why, content=json.dumps(rewards), revision=3))
    for number in range(5, size + 1):
        _add(db, cast, MANY[number % len(MANY)], whose | {"id": an_id(), "revision": number}, number)
    await db.flush()
    await db.execute(sa.update(PatientRevision).where(PatientRevision.patient_id == patient).values(revision=size))


def _add(db: Database, cast: Cast, kind: str, row: dict[str, Any], number: int) -> None:
    at = BEGIN + timedelta(minutes=number)
    answered = {"instrument": "mood_nrs", "version": "1", "substance": None}
    score: dict[str, Any] = answered | {
        "total": 4, "band": None, "band_set": None, "complete": True, "prorated": False, "subscales": {},
    }  # fmt: skip
    match kind:
        case "check_in":
            place = {"clinic_id": row["clinic_id"], "patient_id": row["patient_id"], "check_in_id": row["id"]}
            db.add(
                CheckIn(
                    **row, version=1, recorded_at=at, time_zone="Europe/Berlin", utc_offset_minutes=120,
                    received_at=at, clock_suspect=False, late=False, origin="patient",
                    responses=[answered | {"answers": {"now": 4}}], scores=[score], note="fine", fingerprint=b"x",
                )
            )  # fmt: skip
            db.add(TimelineMoment(**place, at=at, placeable=True, corrected=False, relinks=0, revision=row["revision"]))
        case "due_check_in":
            db.add(
                DueCheckIn(
                    **row, time_point="morning", opens_at=at, due_at=at, closes_at=at + timedelta(hours=2),
                    instruments=["mood_nrs"], state="waiting",
                )
            )  # fmt: skip
        case "dosing_session":
            db.add(
                DosingSession(
                    **row, version=1, status="scheduled", scheduled_at=at, origin="clinic", cancellation_reason="x"
                )
            )
        case "appointment":
            db.add(
                Appointment(
                    **row, version=1, kind="cbt", format="individual", channel="in_person", status="booked",
                    scheduled_at=at, location="Room 2", origin="clinic",
                )
            )  # fmt: skip
            db.add(
                AppointmentParticipant(
                    clinic_id=row["clinic_id"], appointment_id=row["id"], position=0, role="staff",
                    staff_id=cast.therapist.membership.id, status="accepted",
                )
            )  # fmt: skip
        case "alert":
            db.add(
                Alert(
                    **row, rule="CRV-1", rule_version=1, protocol_version=1, severity="routine", status="open",
                    version=1, subject_kind="check_in", subject_id=row["id"], inputs={}, threshold={}, found_at=at,
                    raised_at=at, raised_late=False, acknowledge_by=at, staffed_when_raised=True, occurrences=1,
                    last_found_at=at, level="first",
                )
            )  # fmt: skip
        case "practice_log":
            db.add(
                PracticeLog(
                    **row, version=1, modality="mindfulness", done_at=at, time_zone="Europe/Berlin", minutes=10,
                    note="calm", private=True, received_at=at,
                )
            )  # fmt: skip
        case "journal_entry":
            db.add(
                JournalEntry(
                    **row, version=1, text="The river.", written_at=at, time_zone="Europe/Berlin", received_at=at
                )
            )
