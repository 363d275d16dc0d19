"""Doses, and the therapy that followed them, as they stand in the record."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.adverse_events.models import AdverseEvent
from app.appointments.models import Appointment
from app.core.db import Database
from app.dosing.models import DosingSession
from app.safety.models import Alert
from tests.cast import Cast
from tests.factories import Person, an_id

DOSE = datetime(2026, 11, 2, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Care:
    """Writes the care of a patient."""

    db: Database
    cast: Cast

    def _whose(self, person: Person | None) -> dict[str, Any]:
        return {
            "clinic_id": self.cast.clinic.id,
            "patient_id": (person or self.cast.patient).patient_id,
            "version": 1,
            "revision": 1,
        }

    async def dose(self, at: datetime | None, *, whose: Person | None = None, **but: Any) -> UUID:
        """A session; without a time nothing was given yet."""
        row: dict[str, Any] = {
            "id": an_id(),
            "status": "closed" if at else "scheduled",
            "scheduled_at": at or DOSE,
            "dose_started_at": at,
            "substance": "ketamine" if at else None,
            "route": "IM" if at else None,
            "dose_mg": 60.0 if at else None,
            "origin": "clinic",
        }
        session = DosingSession(**self._whose(whose) | row | but)
        self.db.add(session)
        await self.db.flush()
        return session.id

    async def therapy(self, at: datetime, *, whose: Person | None = None, **but: Any) -> UUID:
        """An appointment in which the patient took part."""
        row: dict[str, Any] = {
            "id": an_id(),
            "kind": "cbt",
            "format": "individual",
            "channel": "in_person",
            "status": "fulfilled",
            "attendance": "attended",
            "scheduled_at": at,
            "ends_at": at + timedelta(minutes=50),
            "origin": "clinic",
        }
        appointment = Appointment(**self._whose(whose) | row | but)
        self.db.add(appointment)
        await self.db.flush()
        return appointment.id

    def alert(self, session_id: UUID, status: str) -> Alert:
        """An alert about a session."""
        return Alert(
            id=an_id(),
            **self._whose(None),
            rule="MISS-1",
            rule_version=1,
            protocol_version=1,
            severity="urgent",
            status=status,
            subject_kind="dosing_session",
            subject_id=session_id,
            dosing_session_id=session_id,
            inputs={},
            threshold={},
            found_at=DOSE,
            raised_at=DOSE,
            raised_late=False,
            acknowledge_by=DOSE,
            staffed_when_raised=True,
            occurrences=1,
            last_found_at=DOSE,
            level="first",
        )

    def adverse_event(self, session_id: UUID) -> AdverseEvent:
        """Something that should not have happened."""
        whose = {name: value for name, value in self._whose(None).items() if name != "revision"}
        return AdverseEvent(
            **whose,
            id=an_id(),
            session_id=session_id,
            onset_at=DOSE,
            grade=1,
            serious=False,
            seriousness_criteria=[],
            relatedness="possible",
            expected=True,
            action="none",
            outcome="resolved",
            reporter="staff",
            term="Nausea",
            reported_to=[],
            recorded_at=DOSE,
            recorded_by=self.cast.nurse.membership.id,
        )
