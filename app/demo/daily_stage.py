"""Does what the patient's day between the visits is made of, through the services, as whoever does it."""

from functools import singledispatch
from typing import Any

from app.appointments import series
from app.appointments.series_schemas import AppointmentSeriesWrite
from app.care_plans import contingency, practice, safety_plans
from app.care_plans import service as care_plans
from app.care_plans.contingency_schemas import ContingencyPlanWrite, ContingencyResultWrite
from app.care_plans.practice_schemas import PracticeLogWrite
from app.care_plans.safety_plan_schemas import SafetyPlanWrite
from app.care_plans.schemas import CarePlanWrite
from app.check_in_plans import plan_service
from app.check_in_plans.plan_schemas import CheckInPlanWrite, CheckInTemplateWrite
from app.core.db import Database
from app.demo import acts
from app.demo.stage import ANY, Stage
from app.groups import members
from app.groups import service as groups
from app.groups.schemas import GroupMemberWrite, GroupWrite
from app.identity.permissions import Permission
from app.journals import service as journals
from app.journals.schemas import JournalEntryWrite

OWNERS = {"preparation": "coordinator", "induction": "prescriber"}
OWNER = "therapist"
"""Who answers for a phase of a care plan: these, and for all other phases the therapist."""


@singledispatch
async def perform(act: acts.Daily, stage: Stage, db: Database) -> None:
    """Do one act, each kind as below."""
    msg = f"nobody knows how to do {type(act).__name__} in {db} of {stage}"
    raise TypeError(msg)


@perform.register
async def _(act: acts.TemplatePublished, stage: Stage, db: Database) -> None:
    access = await stage.access(
        db, "prescriber", "publish_check_in_template", Permission.CHECK_IN_TEMPLATES_PUBLISH, act
    )
    await plan_service.publish(db, access, "default", CheckInTemplateWrite.model_validate(act.content), None)


@perform.register
async def _(act: acts.CheckInsPlanned, stage: Stage, db: Database) -> None:
    access = await stage.access(db, OWNER, "write_check_in_plan", Permission.CHECK_IN_PLAN_WRITE, act)
    await plan_service.put(db, access, CheckInPlanWrite.model_validate(act.content), None)


@perform.register
async def _(act: acts.GroupFounded, stage: Stage, db: Database) -> None:
    access = await stage.access(db, "coordinator", "plan_group", Permission.GROUPS_WRITE, act, act.group_id)
    led = {"staff_ids": [stage.people[act.therapist].membership_id], "room_id": stage.rooms[act.room]}
    await groups.plan(db, access, act.group_id, GroupWrite.model_validate(act.content | led), None)


@perform.register
async def _(act: acts.GroupJoined, stage: Stage, db: Database) -> None:
    access = await stage.access(db, "coordinator", "join_group", Permission.GROUP_MEMBERS_WRITE, act, act.group_id)
    await members.join(db, access, act.group_id, GroupMemberWrite(clashes="leave_out"))


@perform.register
async def _(act: acts.CarePlanned, stage: Stage, db: Database) -> None:
    access = await stage.access(db, OWNER, "write_care_plan", Permission.CARE_PLAN_WRITE, act)
    phases: list[dict[str, Any]] = [
        each | {"owner_id": stage.people[OWNERS.get(each["phase"], OWNER)].membership_id}
        for each in act.content["phases"]
    ]
    plan = CarePlanWrite.model_validate(act.content | {"phases": phases})
    known = await care_plans.record(db, access.patient)
    await care_plans.put(db, access, plan, ANY if known.version else None)


@perform.register
async def _(act: acts.SeriesPlanned, stage: Stage, db: Database) -> None:
    access = await stage.access(
        db, "coordinator", "plan_appointment_series", Permission.APPOINTMENTS_WRITE, act, act.series_id
    )
    staff_id = stage.people[act.therapist].membership_id
    people = [{"role": "patient", "status": "accepted"}, {"role": "staff", "staff_id": staff_id, "status": "accepted"}]
    said = {"participants": people, "room_id": stage.rooms[act.room]}
    await series.plan(db, access, act.series_id, AppointmentSeriesWrite.model_validate(act.content | said), None)


@perform.register
async def _(act: acts.SafetyPlanWritten, stage: Stage, db: Database) -> None:
    access = await stage.access(db, act.patient, "write_safety_plan", Permission.SAFETY_PLAN_WRITE, act)
    await safety_plans.put(db, access.patient, SafetyPlanWrite.model_validate(act.content), None)
    if act.co_signed:
        await db.flush_staged()
        access = await stage.access(db, OWNER, "co_sign_safety_plan", Permission.SAFETY_PLAN_SIGN, act)
        await safety_plans.co_sign(db, access, ANY)


@perform.register
async def _(act: acts.Practised, stage: Stage, db: Database) -> None:
    access = await stage.access(db, act.patient, "log_practice", Permission.PRACTICE_WRITE, act, act.log_id)
    await practice.put(db, access, act.log_id, PracticeLogWrite.model_validate(act.content), None)


@perform.register
async def _(act: acts.JournalWritten, stage: Stage, db: Database) -> None:
    access = await stage.access(db, act.patient, "write_journal_entry", Permission.JOURNAL_WRITE, act, act.entry_id)
    said = JournalEntryWrite.model_validate(act.content)
    await journals.write(db, access.patient, act.entry_id, said, None)
    if act.shared:
        await db.flush_staged()
        access = await stage.access(db, act.patient, "share_journal_entry", Permission.JOURNAL_WRITE, act, act.entry_id)
        await journals.share(db, access.patient, act.entry_id, shared=True, if_match=ANY)


@perform.register
async def _(act: acts.Rewarded, stage: Stage, db: Database) -> None:
    if act.result_id is None:
        access = await stage.access(db, OWNER, "write_contingency_plan", Permission.CONTINGENCY_WRITE, act)
        await contingency.put(db, access, ContingencyPlanWrite.model_validate(act.content), None)
        return
    access = await stage.access(
        db, OWNER, "record_contingency_result", Permission.CONTINGENCY_WRITE, act, act.result_id
    )
    said = ContingencyResultWrite.model_validate(act.content)
    await contingency.put_result(db, access, act.result_id, said)
