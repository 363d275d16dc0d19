"""What a patient practised, as they log it, and how much of what was assigned that is."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.care_plans import practice_rules as rules
from app.care_plans import practice_schemas as schemas
from app.care_plans.models import CarePlan, PracticeLog
from app.care_plans.rules import ENDED
from app.care_plans.schemas import LONGEST_WINDOW_DAYS
from app.consents.errors import ConsentWithdrawn
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import zone
from app.core.pagination import PageRequest, make_cursor
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView

USUAL_DAYS: Final = 28
MOST_DAYS: Final = 366
_SAID: Final = ("assignment_id", "modality", "done_at", "time_zone", "minutes", "helpfulness", "note")


async def put(
    db: Database, access: PatientAccess, log_id: UUID, said: schemas.PracticeLogWrite, if_match: str | None
) -> tuple[PracticeLog, bool]:
    """Keep a log, or correct it; the log, and whether it is new. The same again changes nothing."""
    patient = access.patient
    content = {name: getattr(said, name) for name in _SAID} | {
        "modality": said.modality.value,
        "private": said.note_is_private,
    }
    log: PracticeLog | None = await db.get(PracticeLog, (patient.clinic_id, patient.id, log_id))
    if log is not None and all(getattr(log, name) == value for name, value in content.items()):
        return log, False
    if patient.app_consent_withdrawn_at is not None:
        raise ConsentWithdrawn
    if log is not None:
        etags.require_match(if_match, log.version, own(log).model_dump(mode="json").copy)
    await _check(db, access, said)
    is_new = log is None
    if log is None:
        log = PracticeLog(clinic_id=patient.clinic_id, patient_id=patient.id, id=log_id, version=0)
        db.add(log)
    for name, value in content.items():
        setattr(log, name, value)
    log.version += 1
    log.revision, log.received_at = patient.revise(db, ()), clock.now()
    await db.flush()
    events.record(
        db,
        EventType.PRACTICE_LOGGED,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        subject_id=log.id,
        version=log.version,
    )
    return log, is_new


async def _check(db: Database, access: PatientAccess, said: schemas.PracticeLogWrite) -> None:
    tolerance = timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)
    faults = []
    if said.done_at > clock.now() + tolerance:
        faults.append(FieldError("/done_at", "in_the_future", "Nobody has practised what is to come."))
    if said.assignment_id is not None:
        modalities = await _modalities(db, access.patient, said.assignment_id)
        if not modalities:
            faults.append(FieldError("/assignment_id", "unknown_assignment", "No care plan of the patient has it."))
        elif said.modality.value not in modalities:
            faults.append(FieldError("/modality", "another_modality", "The assignment is of another kind."))
    if faults:
        raise InvalidRequest(errors=faults)


async def _modalities(db: Database, patient: PatientView, assignment_id: UUID) -> set[str]:
    """The modalities that an assignment ever had: a phone that was offline logs what an earlier version asked for."""
    contents = await db.scalars(
        sa.select(CarePlan.content).where(CarePlan.clinic_id == patient.clinic_id, CarePlan.patient_id == patient.id)
    )
    return {
        each["modality"]
        for content in contents
        for each in json.loads(content)["practice"]
        if each["id"] == str(assignment_id)
    }


def own(log: Any) -> schemas.OwnPracticeLog:  # noqa: ANN401  a row
    """A log as its author reads it."""
    return schemas.OwnPracticeLog.model_validate(_shown(log) | {"note": log.note, "note_is_private": log.private})


def shared(log: PracticeLog) -> schemas.PracticeLog:
    """A log as the care team reads it: a private note looks like none."""
    return schemas.PracticeLog.model_validate(_shown(log) | {"note": None if log.private else log.note})


def _shown(log: Any) -> dict[str, Any]:  # noqa: ANN401  a row
    names = ("id", "version", "received_at", *(name for name in _SAID if name != "note"))
    return {name: getattr(log, name) for name in names}


async def listed(
    db: Database, patient: PatientView, paging: PageRequest, since: datetime | None, until: datetime | None
) -> tuple[Sequence[PracticeLog], str | None]:
    """Read a page of logs, the last done first, and the cursor of the next."""
    at, this = PracticeLog.done_at, PracticeLog.id
    statement = sa.select(PracticeLog).where(
        PracticeLog.clinic_id == patient.clinic_id, PracticeLog.patient_id == patient.id
    )
    if since is not None:
        statement = statement.where(at >= since)
    if until is not None:
        statement = statement.where(at < until)
    filters = ("practice-logs", patient.id, since, until)
    after = paging.after(*filters)
    if after is not None:
        last_at, last_id = after
        statement = statement.where(sa.or_(at < last_at, sa.and_(at == last_at, this < last_id)))
    rows = (await db.scalars(statement.order_by(at.desc(), this.desc()).limit(paging.limit + 1))).all()
    if len(rows) <= paging.limit:
        return rows, None
    last = rows[paging.limit - 1]
    return rows[: paging.limit], make_cursor([last.done_at, last.id], *filters)


# ------------------------------------------------------------------------------------------------------ adherence
async def adherence(
    db: Database, patient: PatientView, since: date | None, until: date | None
) -> schemas.PracticeAdherence:
    """Count what was practised of what was assigned, the last four weeks unless other days are asked for."""
    today = clock.now().astimezone(zone(patient.time_zone)).date()
    last = until or today
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    if not 0 <= (last - first).days < MOST_DAYS:
        detail = "It begins on or before its last day, and asks about a year at most."
        raise InvalidRequest(errors=[FieldError("/query/from", "days", detail, {"most": MOST_DAYS})])
    stood = rules.in_force(await _versions(db, patient))
    logs = await _logs(db, patient, first, max(last, today))
    done_on: dict[UUID | None, list[date]] = {}
    for log in logs:
        done_on.setdefault(log["assignment_id"], []).append(log["day"])
    before = min(last + timedelta(days=1), today)
    counted = {
        assignment_id: (rules.adherence(each, done_on.get(assignment_id, ()), first, before), each[-1])
        for assignment_id, each in stood.items()
        if any(one.since <= last and (one.until is None or one.until > first) for one in each)
    }
    asked = [log for log in logs if first <= log["day"] <= last]
    minutes = [log["minutes"] for log in asked if log["minutes"] is not None]
    return schemas.PracticeAdherence(
        since=first,
        until=last,
        total=_count(sum((each for each, _ in counted.values()), rules.Adherence())),
        assignments=[
            schemas.AssignmentAdherence(
                assignment_id=assignment_id,
                open_window=_open(newest, Counter(done_on.get(assignment_id, ())), today),
                **_count(each).model_dump(),
            )
            for assignment_id, (each, newest) in counted.items()
        ],
        logs=len(asked),
        minutes=sum(minutes) if minutes else None,
        minutes_n=len(minutes),
    )


def _count(found: rules.Adherence) -> schemas.PracticeCount:
    return schemas.PracticeCount(
        windows=found.windows, assigned=found.assigned, done=found.done, beside=found.beside, share=found.share
    )


def _open(newest: rules.InForce, done_on: Mapping[date, int], today: date) -> schemas.PracticeWindow | None:
    window = rules.current_window(newest, today)
    if window is None:
        return None
    return schemas.PracticeWindow(
        first_day=window.first,
        last_day=window.last,
        assigned=newest.assigned.times,
        done=rules.done_in(done_on, window),
    )


async def _versions(db: Database, patient: PatientView) -> list[tuple[date, list[rules.Assigned]]]:
    """What each version of the plan assigned, by the local day on which it was made; nothing once care has ended."""
    clock_of_patient = zone(patient.time_zone)
    rows = await db.execute(
        sa.select(CarePlan.made_at, CarePlan.phase, CarePlan.content)
        .where(CarePlan.clinic_id == patient.clinic_id, CarePlan.patient_id == patient.id)
        .order_by(CarePlan.version)
    )
    return [
        (
            row.made_at.astimezone(clock_of_patient).date(),
            [] if row.phase in ENDED else [_assigned(each) for each in json.loads(row.content)["practice"]],
        )
        for row in rows
    ]


def _assigned(each: Mapping[str, Any]) -> rules.Assigned:
    ends_on = each["ends_on"]
    return rules.Assigned(
        id=UUID(each["id"]),
        times=each["times"],
        window_days=each["window_days"],
        starts_on=date.fromisoformat(each["starts_on"]),
        ends_on=None if ends_on is None else date.fromisoformat(ends_on),
    )


async def _logs(db: Database, patient: PatientView, first: date, last: date) -> list[dict[str, Any]]:
    """Logs with the local day on which they were done, from a window's length before the first day."""
    begin = datetime.combine(first - timedelta(days=LONGEST_WINDOW_DAYS), datetime.min.time(), zone("UTC"))
    end = datetime.combine(last + timedelta(days=2), datetime.min.time(), zone("UTC"))
    log = PracticeLog
    rows = await db.execute(
        sa.select(log.assignment_id, log.done_at, log.time_zone, log.minutes).where(
            log.clinic_id == patient.clinic_id,
            log.patient_id == patient.id,
            log.done_at >= begin,
            log.done_at < end,
        )
    )
    return [
        {
            "assignment_id": row.assignment_id,
            "day": row.done_at.astimezone(zone(row.time_zone)).date(),
            "minutes": row.minutes,
        }
        for row in rows
    ]
