"""Going home: the criteria as they are now, readiness, and discharge. What was looked at then is kept as it was."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.dosing import readings, steps
from app.dosing.discharge_rules import (
    AT_THE_DOOR,
    DECLARED,
    Criterion,
    DischargeCriterion,
    DischargeInputs,
    Values,
    computed,
    said,
    unmet,
)
from app.dosing.discharge_schemas import DischargeOverrideWrite, DischargeWrite, ReadinessWrite
from app.dosing.errors import NotReadyToLeave, PrescriberNeeded
from app.dosing.models import DischargeAssessment, DosingSession, SessionDischarge
from app.dosing.rules import DoseRoute, SessionAction
from app.identity.access import PatientAccess
from app.identity.permissions import Role

Overrides = dict[DischargeCriterion, dict[str, Any]]
"""Who set a criterion aside, when and why, as JSON."""


@dataclass(frozen=True, slots=True)
class Found:
    """Every criterion as it stands at one moment, and which of them were set aside."""

    at: datetime
    criteria: Sequence[Criterion]
    overrides: Overrides

    @property
    def in_the_way(self) -> list[Criterion]:
        """Those that are not met or not known, and that nobody set aside."""
        return unmet(self.criteria, self.overrides)

    def as_json(self) -> list[dict[str, Any]]:
        """To be kept, and to be shown."""
        return [_plain(each, self.overrides.get(each.code)) for each in self.criteria]


async def show(db: Database, access: PatientAccess, session_id: UUID) -> dict[str, Any]:
    """Every criterion now (or as it was at the discharge), every assessment, and how the patient went home."""
    session = await steps.session_of(db, access, session_id)
    assessments, discharged = await assessments_of(db, session), await discharge_of(db, session)
    last = assessments[-1] if assessments else None
    if discharged is not None and last is not None:
        at, criteria = discharged.discharged_at, json.loads(last.criteria)
        in_the_way: list[DischargeCriterion] = []
    else:
        found = await _now(db, access, session, last)
        at, criteria, in_the_way = found.at, found.as_json(), [each.code for each in found.in_the_way]
    return {
        "session_id": session.id,
        "status": session.status,
        "computed_at": at,
        "protocol_version": access.clinic.protocol_version,
        "in_the_way": in_the_way,
        "criteria": criteria,
        "assessments": [assessment_as_json(each) for each in assessments],
        "discharge": None if discharged is None else discharge_as_json(discharged),
    }


async def assess(
    db: Database, access: PatientAccess, session_id: UUID, stated: ReadinessWrite, if_match: str | None
) -> DosingSession:
    """Say that the patient may go home soon. Raises `NotReadyToLeave`, or `PrescriberNeeded` for an override."""
    session = await steps.session_of(db, access, session_id)
    steps.may_take(session, if_match, SessionAction.READINESS)
    now = clock.now()
    answers = {code: getattr(stated, code.value) for code in DECLARED}
    oldest = now - timedelta(minutes=access.protocol.discharge.reading_max_age_minutes)
    criteria = [*await _computed(db, access, session, now, oldest), *said(answers)]
    found = Found(now, criteria, _overridden(access, criteria, stated.overrides, now))
    _check(found)
    await steps.take(db, access, session, if_match, SessionAction.READINESS)
    await _keep(db, access, session, found)
    return session


async def discharge(
    db: Database, access: PatientAccess, session_id: UUID, leaving: DischargeWrite, if_match: str | None
) -> DosingSession:
    """Let the patient go home. Raises as `assess` does.

    What was measured since the assessment is looked at again; what was set aside there stays set aside.
    """
    session = await steps.session_of(db, access, session_id)
    steps.may_take(session, if_match, SessionAction.DISCHARGE)
    before = await _now(db, access, session, await newest_assessment(db, session))
    at_the_door = {
        DischargeCriterion.ESCORT_PRESENT: leaving.escort is not None,
        DischargeCriterion.INSTRUCTIONS_GIVEN: leaving.instructions_given,
        DischargeCriterion.CRISIS_CARD_GIVEN: leaving.crisis_card_given,
    }
    criteria = [*(each for each in before.criteria if each.code not in AT_THE_DOOR), *said(at_the_door)]
    overrides = before.overrides | _overridden(access, criteria, leaving.overrides, before.at)
    found = Found(before.at, criteria, overrides)
    _check(found)
    await steps.take(db, access, session, if_match, SessionAction.DISCHARGE)
    await steps.ask_around(db, access, session, keep_open=True)
    assessment = await _keep(db, access, session, found)
    db.add(
        SessionDischarge(
            clinic_id=session.clinic_id,
            session_id=session.id,
            patient_id=session.patient_id,
            discharged_at=found.at,
            discharged_by=access.caller.membership_id,
            assessment_id=assessment.id,
            escort=None if leaving.escort is None else leaving.escort.model_dump_json(),
            instructions_given=leaving.instructions_given,
            instructions_version=leaving.instructions_version,
            crisis_card_given=leaving.crisis_card_given,
            note=leaving.note,
        )
    )
    await db.flush()
    return session


async def assessments_of(db: Database, session: DosingSession) -> Sequence[DischargeAssessment]:
    """Every assessment of a session, the oldest first."""
    found = await db.scalars(
        sa.select(DischargeAssessment)
        .where(DischargeAssessment.clinic_id == session.clinic_id, DischargeAssessment.session_id == session.id)
        .order_by(DischargeAssessment.assessed_at, DischargeAssessment.id)
    )
    return found.all()


async def newest_assessment(db: Database, session: DosingSession) -> DischargeAssessment | None:
    """The last assessment of a session; None before the first."""
    found = await assessments_of(db, session)
    return found[-1] if found else None


async def discharge_of(db: Database, session: DosingSession) -> SessionDischarge | None:
    """How the patient went home; None until then."""
    return await db.get(SessionDischarge, (session.clinic_id, session.id))


def assessment_as_json(assessment: DischargeAssessment) -> dict[str, Any]:
    """An assessment as it was."""
    names = ("id", "assessed_at", "assessed_by", "met")
    return {name: getattr(assessment, name) for name in names} | {"criteria": json.loads(assessment.criteria)}


def discharge_as_json(discharged: SessionDischarge) -> dict[str, Any]:
    """A discharge with its escort."""
    names = ("discharged_at", "discharged_by", "assessment_id", "instructions_given", "instructions_version")
    return {
        **{name: getattr(discharged, name) for name in (*names, "crisis_card_given", "note")},
        "escort": None if discharged.escort is None else json.loads(discharged.escort),
    }


async def _now(db: Database, access: PatientAccess, session: DosingSession, last: DischargeAssessment | None) -> Found:
    """What is computed now; of what has to be said, and was set aside, the last assessment tells."""
    now = clock.now()
    kept: Mapping[str, Any] = {} if last is None else {each["code"]: each for each in json.loads(last.criteria)}
    counts_from = now if last is None or session.status != "discharge_ready" else last.assessed_at
    oldest = counts_from - timedelta(minutes=access.protocol.discharge.reading_max_age_minutes)
    answers = {code: kept[code]["met"] if code in kept else None for code in (*DECLARED, *AT_THE_DOOR)}
    overrides = {DischargeCriterion(code): each["override"] for code, each in kept.items() if each["override"]}
    criteria = [*await _computed(db, access, session, now, oldest), *said(answers)]
    return Found(now, criteria, overrides if session.status == "discharge_ready" else {})


async def _computed(
    db: Database, access: PatientAccess, session: DosingSession, now: datetime, oldest: datetime
) -> list[Criterion]:
    names = ("at", "systolic", "diastolic", "moaas", "aldrete", "dissociation")
    values = [
        Values(**{name: getattr(each, name) for name in names}) for each in await readings.of_session(db, session)
    ]
    inputs = DischargeInputs(
        now=now,
        oldest=oldest,
        is_spray=session.route == DoseRoute.IN_ESKETAMINE,
        dose_started_at=session.dose_started_at,
        dose_ended_at=session.dose_ended_at,
        readings=values,
    )
    return computed(inputs, access.protocol.discharge)


def _overridden(
    access: PatientAccess, criteria: Sequence[Criterion], wanted: Sequence[DischargeOverrideWrite], now: datetime
) -> Overrides:
    """What the caller sets aside of what is in the way; raises `PrescriberNeeded` for anybody else."""
    if wanted and access.caller.role is not Role.PRESCRIBER:
        raise PrescriberNeeded
    in_the_way = {each.code for each in unmet(criteria, ())}
    by, at = str(access.caller.membership_id), now.isoformat()
    return {each.code: {"by": by, "at": at, "reason": each.reason} for each in wanted if each.code in in_the_way}


def _check(found: Found) -> None:
    in_the_way = found.in_the_way
    if in_the_way:
        shown = [
            {"code": each.code, "met": each.met, "inputs": dict(each.inputs), "limit": dict(each.limit)}
            for each in in_the_way
        ]
        raise NotReadyToLeave(criteria=shown)


async def _keep(db: Database, access: PatientAccess, session: DosingSession, found: Found) -> DischargeAssessment:
    assessment = DischargeAssessment(
        id=new_id(),
        clinic_id=session.clinic_id,
        session_id=session.id,
        patient_id=session.patient_id,
        assessed_at=found.at,
        assessed_by=access.caller.membership_id,
        met=not found.overrides,
        criteria=json.dumps(found.as_json(), ensure_ascii=False),
    )
    db.add(assessment)
    await db.flush()
    return assessment


def _plain(criterion: Criterion, override: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "code": criterion.code.value,
        "met": criterion.met,
        "inputs": dict(criterion.inputs),
        "limit": dict(criterion.limit),
        "source": criterion.source,
        "override": override,
    }
