"""Lives the acts of the script again, through the services of the application, at the time of each."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import singledispatchmethod
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import schemas as appointment_schemas
from app.appointments import service as appointments
from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import Kept
from app.check_ins import batches
from app.check_ins import service as check_ins
from app.check_ins.schemas import CheckInBatch, CheckInWrite, LinkWrite
from app.check_ins.service import Author, Outcome, Report
from app.clinics import details
from app.clinics import schemas as clinic_schemas
from app.clinics import service as clinics
from app.consents import service as consents
from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.demo import acts, arrival, daily_stage, evenings, forms
from app.demo.chance import Chance
from app.demo.people import FOUNDED_BEFORE, NOT_HERS, PATIENTS, STAFF, TIME_ZONE
from app.demo.players import Players
from app.demo.stage import ANY, Stage
from app.dosing import checklists, clearances, discharge, doses, recording
from app.dosing import schemas as dosing_schemas
from app.dosing import service as dosing
from app.dosing.checklist_schemas import Checklist, ClearanceWrite
from app.dosing.discharge_schemas import DischargeWrite, EscortWrite, ReadinessWrite
from app.dosing.dose_schemas import DoseWrite
from app.dosing.errors import NotCleared
from app.dosing.reading_schemas import ReadingBatch
from app.dosing.rules import DoseRoute, SessionAction, SessionStage, Substance
from app.identity.access import PatientView
from app.identity.permissions import Permission, Role
from app.invitations import service as invitations
from app.overdue import service as overdue
from app.safety import help_requests
from app.safety.schemas import HelpRequestWrite

STORIES = {story.key: story for story in PATIENTS}
WHY_CLEARED = "Looked at together with the patient; goes on as planned"
INSTRUCTIONS = "2026-01"
Open = tuple[datetime, datetime]
"""From when and until when a due check-in that nobody has answered can be."""
UNTIL_TOMORROW = timedelta(hours=30)


class Simulator:
    """The demo clinic in the making."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._stage = Stage(engine, settings)
        self._players = Players(engine, settings, self._stage)
        self._codes: dict[str, str] = {}
        self._signed: dict[tuple[str, str], UUID] = {}
        self._due: defaultdict[str, dict[UUID, Open]] = defaultdict(dict)
        self._answers: dict[str, UUID] = {}

    async def live(self, script: Sequence[acts.Act], done: Callable[[int], None]) -> None:
        """Found the clinic, then do everything in its order; `done` hears how many acts each step took."""
        await self._stage.found(script[0].at - FOUNDED_BEFORE)
        for _, day in itertools.groupby(script, key=lambda act: act.at.date()):
            todays = list(day)
            await self._live_a_day(todays)
            with clock.told(todays[-1].at):
                await evenings.end(self._engine, self._stage, todays[-1].at, script[-1].at)
                await self._look_what_is_due(todays[-1].at)
            done(len(todays))
        await self._players.close()

    async def _live_a_day(self, todays: Sequence[acts.Act]) -> None:
        """Do the acts of one day: together in one transaction what is no request to the service itself."""
        for kind, some in itertools.groupby(todays, key=_alone):
            if kind is None:
                async with unit_of_work(self._engine) as db:
                    await self._relive(list(some), db)
                continue
            for act in some:
                with clock.told(act.at):
                    if isinstance(act, acts.Asked):
                        await self._players.ask(act)
                    else:
                        await overdue.look(self._engine)

    async def _relive(self, todays: Sequence[acts.Act], db: Database) -> None:
        """Do the acts of one day. Nobody reads another patient's record, so rows of several are written at once."""
        unwritten: set[str] = set()
        for act in todays:
            if act.patient in unwritten:
                await db.flush_staged()
                unwritten.clear()
            unwritten.add(act.patient)
            with clock.told(act.at):
                await self._perform(act, db)
            if isinstance(act, acts.Reported) and act.base_version:
                await db.flush_staged()  # numbers of a corrected check-in wait for no new check-in

    async def _look_what_is_due(self, at: datetime) -> None:
        """What phones know of until tomorrow evening: they were told when it was planned."""
        keys = {patient_id: key for key, patient_id in self._stage.patient_ids.items()}
        async with unit_of_work(self._engine, self._stage.clinic.id) as db:
            found = await db.execute(
                sa.select(DueCheckIn.patient_id, DueCheckIn.id, DueCheckIn.opens_at, DueCheckIn.closes_at).where(
                    DueCheckIn.clinic_id == self._stage.clinic.id,
                    DueCheckIn.state == Kept.WAITING.value,
                    DueCheckIn.opens_at < at + UNTIL_TOMORROW,
                )
            )
            for patient_id, due_id, opens_at, closes_at in found:
                self._due[keys[patient_id]][due_id] = opens_at, closes_at

    async def _look_around_the_dose(self, act: acts.DoseStarted, db: Database, patient: PatientView) -> None:
        """What is asked for around a dose, now that it has begun."""
        await db.flush_staged()
        for each in await due.of_session(db, patient, act.session_id):
            if each.state == Kept.WAITING:
                self._due[act.patient][each.id] = each.opens_at, each.closes_at

    def _answering(self, patient: str, content: dict[str, Any], check_in_id: UUID | None = None) -> dict[str, Any]:
        """A check-in as the app sends it while another one is due: it answers that."""
        key = str(check_in_id or content["id"])
        if key not in self._answers:
            at = datetime.fromisoformat(content["recorded_at"])
            waiting = [
                (closes, due_id) for due_id, (opens, closes) in self._due[patient].items() if opens <= at <= closes
            ]
            if not waiting:
                return content
            self._answers[key] = min(waiting)[1]
            del self._due[patient][self._answers[key]]
        return content | {"due_check_in_id": str(self._answers[key])}

    # ----------------------------------------------------------------------------------------- what is done
    @singledispatchmethod
    async def _perform(self, act: acts.Act, db: Database) -> None:
        """Do one act, each kind as below."""
        msg = f"nobody knows how to do {type(act).__name__} in {db}"
        raise TypeError(msg)

    @_perform.register
    async def _(self, act: acts.Enrolled, db: Database) -> None:
        story = STORIES[act.patient]
        self._stage.audit(db, "coordinator", "enrol_patient", Permission.PATIENTS_ENROL)
        patient = await clinics.enrol(db, self._stage.clinic.id, display_name=story.name, time_zone=TIME_ZONE)
        self._stage.patient_ids[act.patient] = patient.id
        self._stage.audit(db, "coordinator", "set_care_team", Permission.CARE_TEAM_WRITE, act)
        team = {
            self._stage.people[colleague.key].membership_id: colleague.role is Role.PRESCRIBER
            for colleague in STAFF
            if colleague.looks_after and not (story.hidden and colleague.key in NOT_HERS)
        }
        await clinics.put_care_team(db, self._stage.clinic.id, patient, team)
        self._stage.audit(db, "coordinator", "invite_patient", Permission.PATIENTS_ENROL, act)
        invitation = await invitations.invite(
            db,
            self._stage.settings,
            clinic_id=self._stage.clinic.id,
            role=Role.PATIENT,
            display_name=story.name,
            patient_id=patient.id,
        )
        self._codes[act.patient] = invitation.code
        access = await self._stage.access(
            db, "coordinator", "set_patient_details", Permission.PATIENT_DETAILS_WRITE, act
        )
        born = Chance(act.patient, "born")
        said = {"born_on": date(born.whole(1962, 2001), born.whole(1, 12), born.whole(1, 28)), "sex": story.sex}
        await details.put(db, access, clinic_schemas.PatientDetailsWrite.model_validate(said), ANY)

    @_perform.register
    async def _(self, act: acts.Activated, db: Database) -> None:
        email, code = STORIES[act.patient].email, self._codes.pop(act.patient)
        self._stage.people[act.patient] = await arrival.activate(db, self._stage.settings, code, email, "phone")

    @_perform.register
    async def _(self, act: acts.Signed, db: Database) -> None:
        access = await self._stage.access(db, act.patient, "sign_consent", Permission.CONSENTS_SIGN, act)
        form = forms.signature(STORIES[act.patient], self._stage.documents[act.consent_type], act.at)
        self._signed[act.patient, act.consent_type] = (await consents.sign(db, access, form))["id"]

    @_perform.register
    async def _(self, act: acts.Withdrew, db: Database) -> None:
        consent_id = self._signed[act.patient, act.consent_type]
        access = await self._stage.access(
            db, act.patient, "withdraw_consent", Permission.CONSENTS_WITHDRAW, act, consent_id
        )
        await consents.withdraw(db, access, consent_id, act.reason)

    @_perform.register
    async def _(self, act: acts.SessionPlanned, db: Database) -> None:
        access = await self._stage.access(
            db, "coordinator", "schedule_dosing_session", Permission.DOSING_SCHEDULE, act, act.session_id
        )
        plan = dosing_schemas.DosingSessionWrite(scheduled_at=act.scheduled_at)
        await dosing.schedule(db, access, act.session_id, plan, ANY)

    @_perform.register
    async def _(self, act: acts.SessionStep, db: Database) -> None:
        who, operation, permission = STEPS[act.action]
        access = await self._stage.access(db, who, operation, permission, act, act.session_id)
        match act.action:
            case SessionAction.ARRIVAL:
                await dosing.arrive(db, access, act.session_id, ANY)
            case SessionAction.DOSE_END:
                await doses.end(db, access, act.session_id, None, ANY)
            case SessionAction.CLOSURE:
                await dosing.close(db, access, act.session_id, ANY)

    @_perform.register
    async def _(self, act: acts.Checked, db: Database) -> None:
        access = await self._stage.access(
            db, "nurse", "write_pre_dose_checklist", Permission.DOSING_CHECK, act, act.session_id
        )
        await checklists.put(db, access, act.session_id, Checklist.model_validate_json(json.dumps(act.content)), ANY)

    @_perform.register
    async def _(self, act: acts.Measured, db: Database) -> None:
        access = await self._stage.access(
            db, "nurse", "record_readings", Permission.READINGS_WRITE, act, act.session_id
        )
        batch = ReadingBatch.model_validate({"device_time": act.at, "readings": list(act.readings)})
        recorded = await recording.record(db, access, act.session_id, batch)
        for result in recorded.results:
            if result.outcome != "created":
                raise result.problem or RuntimeError(result.outcome)

    @_perform.register
    async def _(self, act: acts.Cleared, db: Database) -> None:
        """Clear it; what needs a reason gets one."""
        access = await self._stage.access(
            db, "prescriber", "clear_dosing_session", Permission.DOSING_CLEAR, act, act.session_id
        )
        try:
            await clearances.clear(db, access, act.session_id, None, ANY)
        except NotCleared as refused:
            reasons = [{"code": code, "reason": WHY_CLEARED} for code in refused.members["needs_reason"]]
            passed_over = ClearanceWrite.model_validate({"overrides": reasons})
            await clearances.clear(db, access, act.session_id, passed_over, ANY)

    @_perform.register
    async def _(self, act: acts.Held, db: Database) -> None:
        access = await self._stage.access(
            db, "nurse", "hold_dosing_session", Permission.DOSING_HOLD, act, act.session_id
        )
        session = await dosing.read(db, access, act.session_id)
        if session.status != SessionStage.HELD:  # a reading may have done it
            await dosing.hold(db, access, act.session_id, dosing_schemas.HoldWrite(reason=act.reason), ANY)

    @_perform.register
    async def _(self, act: acts.DoseStarted, db: Database) -> None:
        access = await self._stage.access(db, "nurse", "start_dose", Permission.DOSING_ADMINISTER, act, act.session_id)
        dose = DoseWrite(substance=Substance.KETAMINE, route=DoseRoute.IV, dose_mg=act.dose_mg, lot=act.lot)
        await doses.start(db, access, act.session_id, dose, ANY)
        await self._look_around_the_dose(act, db, access.patient)

    @_perform.register
    async def _(self, act: acts.FoundReady, db: Database) -> None:
        access = await self._stage.access(
            db, "nurse", "assess_readiness", Permission.DOSING_DISCHARGE, act, act.session_id
        )
        said = ReadinessWrite(walks_unaided=True, no_new_suicidal_ideation=True, tolerates_fluids=True)
        await discharge.assess(db, access, act.session_id, said, ANY)

    @_perform.register
    async def _(self, act: acts.WentHome, db: Database) -> None:
        access = await self._stage.access(
            db, "nurse", "discharge_patient", Permission.DOSING_DISCHARGE, act, act.session_id
        )
        leaving = DischargeWrite(
            escort=EscortWrite(name=act.escort),
            instructions_given=True,
            instructions_version=INSTRUCTIONS,
            crisis_card_given=True,
        )
        await discharge.discharge(db, access, act.session_id, leaving, ANY)

    @_perform.register
    async def _(self, act: acts.AskedForHelp, db: Database) -> None:
        access = await self._stage.access(db, act.patient, "request_help", Permission.HELP_REQUEST, act)
        await help_requests.ask(db, self._stage.settings, access, HelpRequestWrite(message=act.message))

    @_perform.register
    async def _(self, act: acts.SessionCancelled, db: Database) -> None:
        access = await self._stage.access(
            db, "coordinator", "cancel_dosing_session", Permission.DOSING_CANCEL, act, act.session_id
        )
        why = dosing_schemas.DosingSessionCancellationWrite(reason=act.reason)
        await dosing.cancel(db, access, act.session_id, why, ANY)

    @_perform.register
    async def _(self, act: acts.Booked, db: Database) -> None:
        access = await self._stage.access(
            db, "coordinator", "book_appointment", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        people: list[dict[str, object]] = [{"role": "patient", "status": "accepted"}]
        if act.therapist is None:
            people.append({"role": "guest", "name": "Host of the group", "status": "accepted"})
        else:
            staff_id = self._stage.people[act.therapist].membership_id
            people.append({"role": "staff", "staff_id": staff_id, "status": "accepted"})
        where = {"room_id": self._stage.rooms[act.room]} if act.room else {}
        plan = appointment_schemas.AppointmentWrite.model_validate(act.plan | {"participants": people} | where)
        await appointments.book(db, access, act.appointment_id, plan, ANY)

    @_perform.register
    async def _(self, act: acts.AppointmentArrived, db: Database) -> None:
        access = await self._stage.access(
            db, "coordinator", "record_appointment_arrival", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        await appointments.arrive(db, access, act.appointment_id, ANY)

    @_perform.register
    async def _(self, act: acts.Attended, db: Database) -> None:
        access = await self._stage.access(
            db, act.therapist, "record_attendance", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        record = appointment_schemas.AttendanceWrite.model_validate(
            {"attendance": act.attendance, "minutes": act.minutes, "reason": act.reason}
        )
        await appointments.attend(db, access, act.appointment_id, record, ANY)

    @_perform.register
    async def _(self, act: acts.AppointmentCancelled, db: Database) -> None:
        access = await self._stage.access(
            db, "coordinator", "cancel_appointment", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        by = "patient" if act.by_patient else "clinic"
        why = appointment_schemas.AppointmentCancellationWrite.model_validate({"by": by, "reason": act.reason})
        await appointments.cancel(db, access, act.appointment_id, why, ANY)

    @_perform.register
    async def _(self, act: acts.Reported, db: Database) -> None:
        who, operation = ("nurse", "record_patient_check_in") if act.by_nurse else (act.patient, "submit_check_in")
        access = await self._stage.access(db, who, operation, Permission.CHECK_INS_WRITE, act, act.check_in_id)
        content = self._answering(act.patient, act.content, act.check_in_id)
        report = Report(act.check_in_id, CheckInWrite.model_validate(content), act.base_version)
        (result,) = await check_ins.submit(
            db, access.clinic, access.patient, access.protocol, Author.of(access), [report]
        )
        if result.outcome not in {Outcome.CREATED, Outcome.CORRECTED}:
            raise result.problem or RuntimeError(result.outcome)

    @_perform.register
    async def _(self, act: acts.Uploaded, db: Database) -> None:
        access = await self._stage.access(db, act.patient, "submit_check_in_batch", Permission.CHECK_INS_WRITE, act)
        await batches.submit(
            db,
            access,
            CheckInBatch.model_validate({"check_ins": [self._answering(act.patient, item) for item in act.items]}),
        )

    @_perform.register
    async def _(self, act: acts.Relinked, db: Database) -> None:
        access = await self._stage.access(
            db, "prescriber", "correct_check_in_link", Permission.CHECK_INS_LINK, act, act.check_in_id
        )
        correction = LinkWrite(dosing_session_id=act.session_id, appointment_id=None)
        await check_ins.correct_link(db, access, act.check_in_id, correction, ANY)

    @_perform.register
    async def _(self, act: acts.Daily, db: Database) -> None:
        await daily_stage.perform(act, self._stage, db)


def _alone(act: acts.Act) -> type[acts.Act] | None:
    """Acts that have transactions of their own."""
    return type(act) if isinstance(act, acts.Asked | acts.Looked) else None


STEPS = {
    SessionAction.ARRIVAL: ("coordinator", "record_dosing_arrival", Permission.DOSING_ARRIVE),
    SessionAction.DOSE_END: ("nurse", "end_dose", Permission.DOSING_ADMINISTER),
    SessionAction.CLOSURE: ("nurse", "close_dosing_session", Permission.DOSING_CLOSE),
}
