"""The people of a small clinic, for tests that need several of them at once."""

from dataclasses import dataclass

from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Clinic
from app.identity.permissions import Role
from tests.factories import Person, a_clinic, a_member_of_staff, a_patient


@dataclass(frozen=True, slots=True)
class Cast:
    """A patient and those who look after them; another patient of the clinic whom only the coordinator knows."""

    clinic: Clinic
    patient: Person
    other_patient: Person
    prescriber: Person
    nurse: Person
    therapist: Person
    coordinator: Person

    @property
    def patient_id(self) -> str:
        return str(self.patient.membership.patient_id)

    @property
    def other_patient_id(self) -> str:
        return str(self.other_patient.membership.patient_id)


async def a_cast(db: Database, settings: Settings) -> Cast:
    clinic = await a_clinic(db)
    patient = await a_patient(db, settings, clinic)
    return Cast(
        clinic=clinic,
        patient=patient,
        other_patient=await a_patient(db, settings, clinic),
        prescriber=await a_member_of_staff(db, settings, clinic, Role.PRESCRIBER, patients=(patient,)),
        nurse=await a_member_of_staff(db, settings, clinic, Role.NURSE, patients=(patient,)),
        therapist=await a_member_of_staff(db, settings, clinic, Role.THERAPIST, patients=(patient,)),
        coordinator=await a_member_of_staff(db, settings, clinic, Role.COORDINATOR),
    )
