"""Lives the acts of the script again, through the services of the application, at the time of each."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import singledispatchmethod
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import schemas as appointment_schemas
from app.appointments import service as appointments
from app.audit import service as audit
from app.check_ins import batches
from app.check_ins import service as check_ins
from app.check_ins.schemas import CheckInBatch, CheckInWrite, LinkWrite
from app.check_ins.service import Author, Outcome, Report
from app.clinics import schemas as clinic_schemas
from app.clinics import service as clinics
from app.consents import documents
from app.consents import service as consents
from app.consents.models import ConsentDocument
from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.demo import acts, arrival, forms
from app.demo.people import CLINIC, FOUNDED_BEFORE, LOCALE, NOT_HERS, PATIENTS, STAFF, TIME_ZONE
from app.dosing import schemas as dosing_schemas
from app.dosing import service as dosing
from app.dosing.rules import DoseRoute, SessionAction, Substance
from app.identity.access import Caller, ClinicAccess, ClinicView, PatientAccess, patient_for_writing
from app.identity.models import Clinic
from app.identity.permissions import Permission, Reach, Role, reach
from app.invitations import service as invitations
from app.protocols import service as protocols
from app.protocols.rules import Protocol

ANY = "*"
SIGNED_OFF_AFTER = timedelta(days=1)
STORIES = {story.key: story for story in PATIENTS}


class Simulator:
    """The demo clinic in the making."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._people: dict[str, Caller] = {}
        self._codes: dict[str, str] = {}
        self._patient_ids: dict[str, UUID] = {}
        self._documents: dict[str, ConsentDocument] = {}
        self._signed: dict[tuple[str, str], UUID] = {}
        self._clinic: ClinicView
        self._protocol: Protocol

    async def live(self, script: Sequence[acts.Act], done: Callable[[int], None]) -> None:
        """Found the clinic, then do everything in its order; `done` hears how many acts each step took."""
        await self._found(script[0].at - FOUNDED_BEFORE)
        for _, day in itertools.groupby(script, key=lambda act: act.at.date()):
            todays = list(day)
            async with unit_of_work(self._engine) as db:
                await self._relive(todays, db)
            done(len(todays))

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

    # -------------------------------------------------------------------------------------------- the clinic
    async def _found(self, at: datetime) -> None:
        """The clinic, its staff, and a protocol that its prescriber has signed off."""
        with clock.told(at):
            async with unit_of_work(self._engine) as db:
                made = await clinics.create_clinic(db, name=CLINIC, time_zone=TIME_ZONE, locale=LOCALE)
                self._look_at(made)
                self._protocol = await protocols.at_version(db, made.id, made.protocol_version)
                for colleague in STAFF:
                    caller = await arrival.employ(db, self._settings, made.id, colleague)
                    self._people[colleague.key] = caller
        with clock.told(at + SIGNED_OFF_AFTER):
            async with unit_of_work(self._engine) as db:
                caller = self._audit(db, "prescriber", "sign_protocol", Permission.PROTOCOL_SIGN)
                access = ClinicAccess(caller, self._clinic, self._protocol, Reach.CLINIC)
                reason = "Reviewed for the demo; the figures are those that are proposed."
                wanted = clinic_schemas.ProtocolWrite(figures=self._protocol, reason=reason)
                await clinics.sign_protocol(db, access, wanted, ANY)
                for consent_type in forms.DOCUMENTS:
                    self._audit(db, "prescriber", "publish_consent_document", Permission.CONSENT_DOCUMENTS_PUBLISH)
                    self._documents[consent_type], _ = await documents.publish(db, access, forms.document(consent_type))
                self._look_at(await db.get_one(Clinic, made.id))

    def _look_at(self, clinic: Clinic) -> None:
        self._clinic = ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)

    # ------------------------------------------------------------------------------------------- who acts
    def _audit(
        self,
        db: Database,
        who: str,
        operation: str,
        permission: Permission,
        act: acts.Act | None = None,
        subject: UUID | None = None,
    ) -> Caller:
        """Write the audit entry that the guard of this operation writes."""
        caller = self._people[who]
        audit.record(
            db,
            operation=operation,
            permission=str(permission),
            clinic_id=self._clinic.id,
            actor_id=caller.membership_id,
            actor_role=caller.role,
            device_id=caller.device_id,
            patient_id=self._patient_ids[act.patient] if act else None,
            subject_id=subject,
        )
        return caller

    async def _access(
        self, db: Database, who: str, operation: str, permission: Permission, act: acts.Act, subject: UUID | None = None
    ) -> PatientAccess:
        """What the guard gives to a caller whom it lets in."""
        caller = self._audit(db, who, operation, permission, act, subject)
        patient = await patient_for_writing(db, self._clinic.id, self._patient_ids[act.patient])
        reached = reach(permission, caller.role)
        if reached is None:
            msg = f"{who} may not {operation}"
            raise PermissionError(msg)
        return PatientAccess(caller, self._clinic, self._protocol, reached, patient)

    # ----------------------------------------------------------------------------------------- what is done
    @singledispatchmethod
    async def _perform(self, act: acts.Act, db: Database) -> None:
        """Do one act, each kind as below."""
        msg = f"nobody knows how to do {type(act).__name__} in {db}"
        raise TypeError(msg)

    @_perform.register
    async def _(self, act: acts.Enrolled, db: Database) -> None:
        story = STORIES[act.patient]
        self._audit(db, "coordinator", "enrol_patient", Permission.PATIENTS_ENROL)
        patient = await clinics.enrol(db, self._clinic.id, display_name=story.name, time_zone=TIME_ZONE)
        self._patient_ids[act.patient] = patient.id
        self._audit(db, "coordinator", "set_care_team", Permission.CARE_TEAM_WRITE, act)
        team = {
            self._people[colleague.key].membership_id: colleague.role is Role.PRESCRIBER
            for colleague in STAFF
            if colleague.looks_after and not (story.hidden and colleague.key in NOT_HERS)
        }
        await clinics.put_care_team(db, self._clinic.id, patient, team)
        self._audit(db, "coordinator", "invite_patient", Permission.PATIENTS_ENROL, act)
        invitation = await invitations.invite(
            db,
            self._settings,
            clinic_id=self._clinic.id,
            role=Role.PATIENT,
            display_name=story.name,
            patient_id=patient.id,
        )
        self._codes[act.patient] = invitation.code

    @_perform.register
    async def _(self, act: acts.Activated, db: Database) -> None:
        email, code = STORIES[act.patient].email, self._codes.pop(act.patient)
        self._people[act.patient] = await arrival.activate(db, self._settings, code, email, "phone")

    @_perform.register
    async def _(self, act: acts.Signed, db: Database) -> None:
        access = await self._access(db, act.patient, "sign_consent", Permission.CONSENTS_SIGN, act)
        form = forms.signature(STORIES[act.patient], self._documents[act.consent_type], act.at)
        self._signed[act.patient, act.consent_type] = (await consents.sign(db, access, form))["id"]

    @_perform.register
    async def _(self, act: acts.Withdrew, db: Database) -> None:
        consent_id = self._signed[act.patient, act.consent_type]
        access = await self._access(db, act.patient, "withdraw_consent", Permission.CONSENTS_WITHDRAW, act, consent_id)
        await consents.withdraw(db, access, consent_id, act.reason)

    @_perform.register
    async def _(self, act: acts.SessionPlanned, db: Database) -> None:
        access = await self._access(
            db, "coordinator", "schedule_dosing_session", Permission.DOSING_SCHEDULE, act, act.session_id
        )
        plan = dosing_schemas.DosingSessionWrite(scheduled_at=act.scheduled_at)
        await dosing.schedule(db, access, act.session_id, plan, ANY)

    @_perform.register
    async def _(self, act: acts.SessionStep, db: Database) -> None:
        who, operation, permission = STEPS[act.action]
        access = await self._access(db, who, operation, permission, act, act.session_id)
        match act.action:
            case SessionAction.ARRIVAL:
                await dosing.arrive(db, access, act.session_id, ANY)
            case SessionAction.CLEARANCE:
                await dosing.clear(db, access, act.session_id, ANY)
            case SessionAction.DOSE_END:
                await dosing.end_dose(db, access, act.session_id, None, ANY)
            case SessionAction.CLOSURE:
                await dosing.close(db, access, act.session_id, ANY)

    @_perform.register
    async def _(self, act: acts.DoseStarted, db: Database) -> None:
        access = await self._access(db, "nurse", "start_dose", Permission.DOSING_ADMINISTER, act, act.session_id)
        dose = dosing_schemas.DoseWrite(substance=Substance.KETAMINE, route=DoseRoute.IV, dose_mg=act.dose_mg)
        await dosing.start_dose(db, access, act.session_id, dose, ANY)

    @_perform.register
    async def _(self, act: acts.SessionCancelled, db: Database) -> None:
        access = await self._access(
            db, "coordinator", "cancel_dosing_session", Permission.DOSING_CANCEL, act, act.session_id
        )
        why = dosing_schemas.DosingSessionCancellationWrite(reason=act.reason)
        await dosing.cancel(db, access, act.session_id, why, ANY)

    @_perform.register
    async def _(self, act: acts.Booked, db: Database) -> None:
        access = await self._access(
            db, "coordinator", "book_appointment", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        people: list[dict[str, object]] = [{"role": "patient", "status": "accepted"}]
        if act.therapist is None:
            people.append({"role": "guest", "name": "Host of the group", "status": "accepted"})
        else:
            staff_id = self._people[act.therapist].membership_id
            people.append({"role": "staff", "staff_id": staff_id, "status": "accepted"})
        plan = appointment_schemas.AppointmentWrite.model_validate(act.plan | {"participants": people})
        await appointments.book(db, access, act.appointment_id, plan, ANY)

    @_perform.register
    async def _(self, act: acts.AppointmentArrived, db: Database) -> None:
        access = await self._access(
            db, "coordinator", "record_appointment_arrival", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        await appointments.arrive(db, access, act.appointment_id, ANY)

    @_perform.register
    async def _(self, act: acts.Attended, db: Database) -> None:
        access = await self._access(
            db, act.therapist, "record_attendance", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        record = appointment_schemas.AttendanceWrite.model_validate(
            {"attendance": act.attendance, "minutes": act.minutes, "reason": act.reason}
        )
        await appointments.attend(db, access, act.appointment_id, record, ANY)

    @_perform.register
    async def _(self, act: acts.AppointmentCancelled, db: Database) -> None:
        access = await self._access(
            db, "coordinator", "cancel_appointment", Permission.APPOINTMENTS_WRITE, act, act.appointment_id
        )
        by = "patient" if act.by_patient else "clinic"
        why = appointment_schemas.AppointmentCancellationWrite.model_validate({"by": by, "reason": act.reason})
        await appointments.cancel(db, access, act.appointment_id, why, ANY)

    @_perform.register
    async def _(self, act: acts.Reported, db: Database) -> None:
        who, operation = ("nurse", "record_patient_check_in") if act.by_nurse else (act.patient, "submit_check_in")
        access = await self._access(db, who, operation, Permission.CHECK_INS_WRITE, act, act.check_in_id)
        report = Report(act.check_in_id, CheckInWrite.model_validate(act.content), act.base_version)
        (result,) = await check_ins.submit(db, access.patient, access.protocol, Author.of(access), [report])
        if result.outcome not in {Outcome.CREATED, Outcome.CORRECTED}:
            raise result.problem or RuntimeError(result.outcome)

    @_perform.register
    async def _(self, act: acts.Uploaded, db: Database) -> None:
        access = await self._access(db, act.patient, "submit_check_in_batch", Permission.CHECK_INS_WRITE, act)
        await batches.submit(db, access, CheckInBatch.model_validate({"check_ins": list(act.items)}))

    @_perform.register
    async def _(self, act: acts.Relinked, db: Database) -> None:
        access = await self._access(
            db, "prescriber", "correct_check_in_link", Permission.CHECK_INS_LINK, act, act.check_in_id
        )
        correction = LinkWrite(dosing_session_id=act.session_id, appointment_id=None)
        await check_ins.correct_link(db, access, act.check_in_id, correction, ANY)


STEPS = {
    SessionAction.ARRIVAL: ("coordinator", "record_dosing_arrival", Permission.DOSING_ARRIVE),
    SessionAction.CLEARANCE: ("prescriber", "clear_dosing_session", Permission.DOSING_CLEAR),
    SessionAction.DOSE_END: ("nurse", "end_dose", Permission.DOSING_ADMINISTER),
    SessionAction.CLOSURE: ("nurse", "close_dosing_session", Permission.DOSING_CLOSE),
}
