"""The stage on which the demo is lived: the clinic with its staff, and who may do what there, as the guards say."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import service as audit
from app.bookings import hours, rooms
from app.bookings.schemas import RoomWrite, WorkingHoursWrite
from app.clinics import schemas as clinic_schemas
from app.clinics import service as clinics
from app.consents import documents
from app.consents.models import ConsentDocument
from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.ids import new_id
from app.core.settings import Settings
from app.demo import acts, arrival, forms
from app.demo.people import CLINIC, HOURS, LOCALE, ON_CALL, ROOMS, STAFF, THERAPISTS, THERAPY_HOURS, TIME_ZONE
from app.identity.access import Caller, ClinicAccess, ClinicView, PatientAccess, patient_for_writing
from app.identity.models import Clinic
from app.identity.permissions import Permission, Reach, reach
from app.protocols import service as protocols
from app.protocols.rules import Protocol
from app.safety import rosters
from app.safety.roster_schemas import WEEKDAYS, OnCallRosterWrite

ANY = "*"
SIGNED_OFF_AFTER = timedelta(days=1)


class Stage:
    """A clinic that was just founded."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self.people: dict[str, Caller] = {}
        self.patient_ids: dict[str, UUID] = {}
        self.documents: dict[str, ConsentDocument] = {}
        self.rooms: dict[str, UUID] = {}
        self.clinic: ClinicView
        self.protocol: Protocol

    async def found(self, at: datetime) -> None:
        """The clinic, its staff, and a protocol that its prescriber has signed off."""
        with clock.told(at):
            async with unit_of_work(self.engine) as db:
                made = await clinics.create_clinic(db, name=CLINIC, time_zone=TIME_ZONE, locale=LOCALE)
                self._look_at(made)
                self.protocol = await protocols.at_version(db, made.id, made.protocol_version)
                for colleague in STAFF:
                    caller = await arrival.employ(db, self.settings, made.id, colleague)
                    self.people[colleague.key] = caller
        with clock.told(at + SIGNED_OFF_AFTER):
            async with unit_of_work(self.engine) as db:
                caller = self.audit(db, "prescriber", "sign_protocol", Permission.PROTOCOL_SIGN)
                access = ClinicAccess(caller, self.clinic, self.protocol, Reach.CLINIC)
                await clinics.sign_protocol(db, access, self._figures(), ANY)
                for consent_type in forms.DOCUMENTS:
                    self.audit(db, "prescriber", "publish_consent_document", Permission.CONSENT_DOCUMENTS_PUBLISH)
                    self.documents[consent_type], _ = await documents.publish(db, access, forms.document(consent_type))
                self.audit(db, "admin", "set_on_call_roster", Permission.ROSTER_WRITE)
                await rosters.put(db, access, self._roster(), None, self.settings)
                await self._open_rooms(db, access)
                self._look_at(await db.get_one(Clinic, made.id))
                self.protocol = await protocols.at_version(db, made.id, self.clinic.protocol_version)

    async def _open_rooms(self, db: Database, access: ClinicAccess) -> None:
        """The rooms, and when the therapists can be booked."""
        for name, places in ROOMS.items():
            self.audit(db, "coordinator", "put_room", Permission.ROOMS_WRITE)
            self.rooms[name] = new_id()
            await rooms.put(db, access, self.rooms[name], RoomWrite(name=name, places=places), None)
        for key in THERAPISTS:
            self.audit(db, "coordinator", "put_working_hours", Permission.WORKING_HOURS_WRITE)
            said = WorkingHoursWrite.model_validate({"hours": THERAPY_HOURS})
            await hours.put(db, access, self.people[key].membership_id, said, None)

    def _figures(self) -> clinic_schemas.ProtocolWrite:
        """What is proposed, with one decision of the clinic: here a single use is talked about, and is no alert."""
        safety = self.protocol.safety.model_copy(update={"abstinence_is_the_goal": False})
        reason = "Reviewed for the demo. As proposed, but a single use alone raises no alert: we talk about it anyway."
        figures = self.protocol.model_copy(update={"safety": safety})
        return clinic_schemas.ProtocolWrite(figures=figures, reason=reason)

    def _roster(self) -> OnCallRosterWrite:
        """Staffed on working days, somebody on call at any hour."""
        first, second = (self.people[key].membership_id for key in ON_CALL)
        shifts = [
            {"weekday": day, "begins": "08:00", "ends": "08:00", "first_id": first, "second_id": second}
            for day in WEEKDAYS
        ]
        lead = self.people["prescriber"].membership_id
        wanted = HOURS | {"shifts": shifts, "lead_id": lead, "outside_hours": "on_call"}
        return OnCallRosterWrite.model_validate(wanted)

    def _look_at(self, clinic: Clinic) -> None:
        self.clinic = ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)

    def audit(
        self,
        db: Database,
        who: str,
        operation: str,
        permission: Permission,
        act: acts.Act | None = None,
        subject: UUID | None = None,
    ) -> Caller:
        """Write the audit entry that the guard of this operation writes."""
        caller = self.people[who]
        audit.record(
            db,
            operation=operation,
            permission=str(permission),
            clinic_id=self.clinic.id,
            actor_id=caller.membership_id,
            actor_role=caller.role,
            device_id=caller.device_id,
            patient_id=self.patient_ids[act.patient] if act else None,
            subject_id=subject,
        )
        return caller

    async def access(
        self, db: Database, who: str, operation: str, permission: Permission, act: acts.Act, subject: UUID | None = None
    ) -> PatientAccess:
        """What the guard gives to a caller whom it lets in."""
        caller = self.audit(db, who, operation, permission, act, subject)
        patient = await patient_for_writing(db, self.clinic.id, self.patient_ids[act.patient])
        reached = reach(permission, caller.role)
        if reached is None:
            msg = f"{who} may not {operation}"
            raise PermissionError(msg)
        return PatientAccess(caller, self.clinic, self.protocol, reached, patient)
