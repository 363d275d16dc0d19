"""What a patient has behind them: check-ins sent by the phone, and doses and appointments in the record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from app.appointments.models import Appointment
from app.core.db import Database
from app.dosing.models import DosingSession
from tests.factories import Person, an_id

ANSWERS: Mapping[str, tuple[str, str]] = {
    "craving": ("craving_nrs", "now"),
    "craving_vas": ("craving_vas", "now"),
    "mood": ("mood_nrs", "now"),
    "used": ("use_diary", "used"),
    "affect_arousal": ("affect_grid", "arousal"),
}
ABOUT_A_SUBSTANCE = frozenset({"craving", "craving_vas", "used"})


@dataclass(frozen=True)
class History:
    """Writes the past of one patient."""

    db: Database
    patient: Person
    phone: httpx2.AsyncClient

    async def reports(
        self,
        measure: str,
        values: Iterable[tuple[datetime, int]],
        *,
        substance: str = "alcohol",
        time_zone: str = "Europe/Berlin",
    ) -> None:
        """Send one check-in for each value, in batches as the phone does."""
        instrument, item = ANSWERS[measure]
        about = {"substance": substance} if measure in ABOUT_A_SUBSTANCE else {}
        items = [
            {
                "id": str(an_id()),
                "recorded_at": at.isoformat(),
                "time_zone": time_zone,
                "responses": [{"instrument": instrument, "version": "1", "answers": {item: value}, **about}],
            }
            for at, value in values
        ]
        for start in range(0, len(items), 100):
            answer = await self.phone.post("/v1/me/check-ins/batch", json={"check_ins": items[start : start + 100]})
            assert {result["outcome"] for result in answer.json()["results"]} == {"created"}, answer.text

    async def dose(self, at: datetime, *, given: bool = True, **but: Any) -> UUID:
        """Put a dosing session into the record."""
        session = DosingSession(
            clinic_id=self.patient.membership.clinic_id,
            id=an_id(),
            patient_id=self.patient.membership.patient_id,
            **(
                {
                    "status": "closed" if given else "scheduled",
                    "version": 1,
                    "revision": 1,
                    "scheduled_at": at - timedelta(minutes=30),
                    "dose_started_at": at if given else None,
                    "substance": "ketamine",
                    "route": "IM",
                    "dose_mg": 60.0,
                    "origin": "imported",
                }
                | but
            ),
        )
        self.db.add(session)
        await self.db.flush()
        return session.id

    async def appointment(self, at: datetime, **but: Any) -> UUID:
        """Put an appointment into the record."""
        appointment = Appointment(
            clinic_id=self.patient.membership.clinic_id,
            id=an_id(),
            patient_id=self.patient.membership.patient_id,
            **(
                {
                    "kind": "cbt",
                    "format": "individual",
                    "channel": "in_person",
                    "status": "fulfilled",
                    "version": 1,
                    "revision": 1,
                    "scheduled_at": at,
                    "attendance": "attended",
                    "origin": "clinic",
                }
                | but
            ),
        )
        self.db.add(appointment)
        await self.db.flush()
        return appointment.id


def on(day: int, hour: float = 10, month: int = 9) -> datetime:
    """An instant in autumn 2026, by UTC; Berlin is two hours ahead until 25 October."""
    return datetime(2026, month, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour)
