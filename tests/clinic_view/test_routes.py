"""A clinic in counts: what is counted, what is hidden, and who may see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.appointments.models import Appointment
from app.check_in_plans.models import DueCheckIn
from app.check_ins.models import CheckIn, Observation
from app.clinic_view.rules import latest_over
from app.clinic_view.service import attendance_of
from app.clinics import service as clinics
from app.core import clock
from app.core.db import Database
from app.core.fields import zone
from app.core.settings import Settings
from app.dosing.models import DosingSession
from app.identity.models import Clinic
from app.identity.permissions import Role
from app.protocols import service as protocols
from app.protocols.day_figures import Reporting
from app.protocols.rules import Protocol
from tests.factories import a_clinic, a_member_of_staff, an_id

NewClient = Callable[..., httpx2.AsyncClient]
PATIENTS = 14
FEWEST = 5


@dataclass
class Month:
    """Last month in a clinic that counts by months, and hides counts of fewer than five."""

    db: Database
    clinic: Clinic
    patients: list[UUID]
    first_day: date
    admin: httpx2.AsyncClient

    def at(self, day: int, hour: int = 12) -> datetime:
        """An instant of the month; day 1 is its first."""
        return datetime.combine(self.first_day + timedelta(days=day - 1), time(hour), UTC)

    def appointments(self, kind: str, status: str, attendance: str | None, *patients: UUID, **but: Any) -> None:
        for patient in patients:
            values = {
                "clinic_id": self.clinic.id,
                "id": an_id(),
                "patient_id": patient,
                "kind": kind,
                "format": "individual",
                "channel": "in_person",
                "status": status,
                "attendance": attendance,
                "version": 1,
                "revision": 1,
                "scheduled_at": self.at(9),
                "origin": "clinic",
            }
            self.db.add(Appointment(**values | but))

    def session(self, patient: UUID, at: datetime, *, given: bool = True, **but: Any) -> None:
        values = {
            "clinic_id": self.clinic.id,
            "id": an_id(),
            "patient_id": patient,
            "status": "closed",
            "version": 1,
            "revision": 1,
            "scheduled_at": at,
            "dose_started_at": at if given else None,
            "origin": "clinic",
        }
        self.db.add(DosingSession(**values | but))

    def due(self, patient: UUID, state: str, *, late: bool = False) -> None:
        at = self.at(12)
        answered = at + timedelta(hours=3 if late else 1) if state == "answered" else None
        self.db.add(
            DueCheckIn(
                clinic_id=self.clinic.id,
                patient_id=patient,
                id=an_id(),
                time_point="evening",
                opens_at=at,
                due_at=at,
                closes_at=at + timedelta(hours=2),
                instruments=["craving_nrs"],
                state=state,
                answered_at=answered,
                revision=1,
            )
        )

    async def value(self, patient: UUID, measure: str, at: datetime, value: float, substance: str = "") -> None:
        check_in_id = an_id()
        self.db.add(
            CheckIn(
                id=check_in_id,
                clinic_id=self.clinic.id,
                patient_id=patient,
                version=1,
                revision=1,
                recorded_at=at,
                time_zone="Europe/Berlin",
                utc_offset_minutes=60,
                received_at=at,
                clock_suspect=False,
                late=False,
                origin="patient",
                responses=[],
                scores=[],
                fingerprint=b"",
            )
        )
        await self.db.flush()
        self.db.add(
            Observation(
                clinic_id=self.clinic.id,
                patient_id=patient,
                measure=measure,
                substance=substance,
                recorded_at=at,
                check_in_id=check_in_id,
                value=value,
                local_day=at.date(),
                utc_offset_minutes=60,
            )
        )

    async def course(self, patient: UUID, before: float, after: float) -> None:
        """A PHQ-9 from week to week, around a first dose on the third."""
        self.session(patient, self.at(3))
        for days in (-9, -5, -1):
            await self.value(patient, "phq9_total", self.at(3 + days), before)
        await self.value(patient, "phq9_total", self.at(20), after)

    async def seen(self, **wanted: str) -> dict[str, Any]:
        answer = await self.admin.get("/v1/clinic-view", params=wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def month(db: Database, settings: Settings, new_client: NewClient) -> Month:
    clinic = await a_clinic(db)
    protocols.add_version(db, clinic.id, 2, Protocol(reporting=Reporting(smallest_group=FEWEST, months=1)), reason="x")
    clinic.protocol_version = 2
    patients = [
        (await clinics.enrol(db, clinic.id, display_name="A patient", time_zone="Europe/Berlin")).id
        for _ in range(PATIENTS)
    ]
    admin = await a_member_of_staff(db, settings, clinic, Role.CLINIC_ADMIN)
    first_day = latest_over(clock.now().astimezone(zone("Europe/Berlin")).date(), 1).first_day
    return Month(db, clinic, patients, first_day, new_client(admin.token))


def of_kind(found: dict[str, Any], kind: str) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in found["appointments"] if row["kind"] == kind)
    return row


class TestClinicView:
    async def test_of_a_month_in_which_nothing_happened_is_nought(self, month: Month) -> None:
        found = await month.seen()

        assert (found["first_day"], found["months"], found["smallest_group"]) == (
            month.first_day.isoformat(),
            1,
            FEWEST,
        )
        assert (found["patients"], found["check_ins"]["due"], found["dosing_sessions"]["planned"]) == (0, 0, 0)
        assert {row["booked"] for row in found["appointments"]} == {0}
        assert found["relief"] == []
        assert [row["patients"] for row in found["outcomes"]] == [0] * len(found["outcomes"])

    async def test_counts_what_became_of_appointments_and_hides_what_is_of_few(self, month: Month) -> None:
        everyone = month.patients
        month.appointments("cbt", "fulfilled", "attended", *everyone[:8])
        month.appointments("cbt", "noshow", "no_show", *everyone[8:])
        month.appointments("cbt", "proposed", None, *everyone)
        month.appointments("cbt", "fulfilled", "attended", *everyone, scheduled_at=month.at(1) - timedelta(days=2))
        month.appointments("cbt", "fulfilled", "attended", *everyone, origin="imported")
        month.appointments("integration", "fulfilled", "late", *everyone[:11])
        month.appointments("integration", "cancelled", "cancelled_patient", *everyone[11:])
        month.appointments("family", "fulfilled", "attended", *everyone[:4])

        found = await month.seen()

        cbt, integration, family = (of_kind(found, kind) for kind in ("cbt", "integration", "family"))
        assert (cbt["booked"], cbt["attended"], cbt["missed"]) == (14, 8, 6)
        assert cbt["attended_percent"] == pytest.approx(100 * 8 / 14)
        assert (integration["booked"], integration["attended"], integration["cancelled_by_patient"]) == (14, None, None)
        assert (integration["missed"], integration["attended_percent"]) == (0, None)
        assert {value for name, value in family.items() if name != "kind"} == {None}
        assert found["patients"] == PATIENTS

    async def test_counts_sessions_and_check_ins(self, month: Month) -> None:
        for patient in month.patients[:7]:
            month.session(patient, month.at(8))
            month.due(patient, "answered")
            month.due(patient, "waiting")
        for patient in month.patients[7:]:
            month.session(patient, month.at(8), given=False, status="cancelled", no_show=True)
            month.due(patient, "missed")
        for patient in month.patients[:5]:
            month.session(patient, month.at(9), given=False, status="cancelled")
            month.due(patient, "answered", late=True)
        for patient in month.patients[:6]:
            month.session(patient, month.at(10), given=False, status="held")

        found = await month.seen()

        sessions, check_ins = found["dosing_sessions"], found["check_ins"]
        assert [sessions[name] for name in ("planned", "given", "missed", "cancelled", "not_given")] == [25, 7, 7, 5, 6]
        assert sessions["given_percent"] == 28
        assert [check_ins[name] for name in ("due", "completed", "late", "missed")] == [19, 7, 5, 7]

    async def test_judges_each_patient_by_what_is_published(self, month: Month) -> None:
        for patient in month.patients[:5]:
            await month.course(patient, 16, 4)
        for patient in month.patients[5:10]:
            await month.course(patient, 16, 12)
        await month.value(month.patients[10], "phq9_total", month.at(20), 1)  # never had a dose
        month.session(month.patients[11], month.at(3))
        await month.value(month.patients[11], "phq9_total", month.at(20), 1)  # has no baseline

        outcomes = {row["measure"]: row for row in (await month.seen())["outcomes"]}

        phq9, who5 = outcomes["phq9_total"], outcomes["who5_total"]
        assert phq9["patients"] == 10
        assert phq9["response"] == {
            "responded": 5,
            "not_responded": 5,
            "baseline_too_low": 0,
            "percent_reduction": 50,
        }
        assert phq9["remission"] == {"in_remission": 5, "not_in_remission": 5, "below": 5}
        change = phq9["change"]
        assert (change["improved"], change["unchanged"], change["worse"]) == (5, 5, 0)
        assert (change["rule"], change["points"]) == ("reliable_change", 6)
        assert (who5["change"]["rule"], who5["response"], who5["remission"]) == ("mcid", None, None)

    async def test_says_how_long_relief_lasted_and_names_no_substance_of_few(self, month: Month) -> None:
        for number, patient in enumerate(month.patients[:12]):
            month.session(patient, month.at(5))
            values = [(-50, 8), (-30, 8), (-10, 8), (4, 3), (24, 3), (100 + number, 8), (130, 8)]
            if number >= 6:
                values = [(hours, 8) for hours, _ in values]
            for hours, value in values:
                await month.value(patient, "craving", month.at(5) + timedelta(hours=hours), value, "alcohol")
        for hours in (-50, -30, -10, 4, 24):
            await month.value(month.patients[0], "craving", month.at(5, 13) + timedelta(hours=hours), 5, "opioid")

        relief = (await month.seen())["relief"]

        assert [row["substance"] for row in relief] == ["alcohol"]
        assert [relief[0][name] for name in ("doses", "ended", "censored", "without_onset", "too_few_values")] == [
            12,
            6,
            0,
            6,
            0,
        ]
        assert relief[0]["median_relief_hours"] == 98

    async def test_gives_no_median_of_reliefs_that_are_hidden(self, month: Month) -> None:
        for number, patient in enumerate(month.patients[:12]):
            month.session(patient, month.at(5))
            after = [(4, 3), (24, 3), (100, 8), (130, 8)] if number < 3 else [(4, 8), (24, 8)]
            for hours, value in [(-50, 8), (-30, 8), (-10, 8), *after]:
                await month.value(patient, "craving", month.at(5) + timedelta(hours=hours), value, "alcohol")

        (relief,) = (await month.seen())["relief"]

        assert (relief["doses"], relief["ended"], relief["without_onset"]) == (12, None, None)
        assert relief["median_relief_hours"] is None

    async def test_sees_no_other_clinic(self, month: Month) -> None:
        other = await a_clinic(month.db)
        strangers = [
            (await clinics.enrol(month.db, other.id, display_name="Somebody", time_zone="Europe/Berlin")).id
            for _ in range(6)
        ]
        month.appointments("cbt", "fulfilled", "attended", *strangers, clinic_id=other.id)

        found = await month.seen()

        assert (found["patients"], of_kind(found, "cbt")["booked"]) == (0, 0)

    async def test_asks_the_database_as_often_for_many_as_for_few(self, month: Month, queries: list[str]) -> None:
        await month.seen()
        queries.clear()
        await month.seen()
        few = len(queries)
        for patient in month.patients:
            await month.course(patient, 16, 4)
            month.appointments("cbt", "fulfilled", "attended", patient)
        await month.db.finish()
        queries.clear()

        await month.seen()

        assert len(queries) == few <= 10


class TestPeriods:
    async def test_must_be_one_of_the_clinics_and_over(self, month: Month) -> None:
        begun = (month.first_day + timedelta(days=31)).replace(day=1)
        middle = month.first_day + timedelta(days=1)

        codes = []
        for day in (begun, middle):
            answer = await month.admin.get("/v1/clinic-view", params={"from": day.isoformat()})
            assert answer.status_code == 422
            codes.append(answer.json()["errors"][0]["code"])

        assert codes == ["not_over", "not_a_period"]

    async def test_of_earlier_can_be_asked_for(self, month: Month) -> None:
        earlier = (month.first_day - timedelta(days=1)).replace(day=1)
        month.appointments("cbt", "fulfilled", "attended", *month.patients)

        found = await month.seen(**{"from": earlier.isoformat()})

        assert (found["first_day"], of_kind(found, "cbt")["booked"]) == (earlier.isoformat(), 0)


@pytest.mark.parametrize(
    ("status", "attendance", "expected"),
    [
        ("proposed", None, None),
        ("waitlist", None, None),
        ("fulfilled", "left_early", "attended"),
        ("noshow", None, "missed"),
        ("cancelled", "cancelled_patient", "cancelled_by_patient"),
        ("cancelled", "cancelled_clinic", "cancelled_by_clinic"),
        ("cancelled", None, "cancelled_by_clinic"),
        ("booked", None, "not_recorded"),
        ("arrived", None, "not_recorded"),
    ],
)
def test_an_appointment_counts_as(status: str, attendance: str | None, expected: str | None) -> None:
    assert attendance_of(status, attendance) == expected
