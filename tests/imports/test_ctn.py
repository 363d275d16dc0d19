"""The committed extract of two trials: real people's rows, through the maps that ship with it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.appointments.models import Appointment
from app.check_ins.models import CheckIn
from app.clinics import service as clinics
from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DosingSession, DosingSessionStep
from app.identity.models import Clinic, Patient
from app.timeline.models import TimelineMoment
from tests.factories import a_clinic, a_member_of_staff
from tests.imports.conftest import SHIPPED, Run

pytestmark = pytest.mark.anyio

EXTRACT = SHIPPED / "ctn_extract"
MAPS = SHIPPED / "maps"
PEOPLE = 61
COMMANDS = {
    "doses": ("dosing-sessions", "treatment.csv", "ctn_doses.toml"),
    "induction": ("check-ins", "withdrawal_pre_post.csv", "ctn_induction.toml"),
    "withdrawal": ("check-ins", "withdrawal.csv", "ctn_withdrawal.toml"),
    "visits": ("appointments", "visit.csv", "ctn_visits.toml"),
}


@pytest.fixture
def a_few(tmp_path: Path) -> Path:
    """The rows of every fifth person, where a test would learn no more from all of them."""
    people = sorted((EXTRACT / "everybody.csv").read_text(encoding="utf-8").splitlines()[1:])[::5]
    numbers = {line.partition(",")[0] for line in people}
    for path in EXTRACT.glob("*.csv"):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.partition(",")[0] in numbers]
        (tmp_path / path.name).write_text("\n".join([header, *kept, ""]), encoding="utf-8")
    return tmp_path


async def imported(afterglow: Run, clinic: Clinic, folder: Path, *names: str) -> list[dict[str, Any]]:
    runs = []
    for name in names:
        kind, file, map_file = COMMANDS[name]
        ran = await afterglow(kind, folder / file, "--map", MAPS / map_file, "--clinic", clinic.id, "--json")
        assert ran.exit_code == 0, ran.out
        runs.append(ran.summary)
    return runs


async def links(db: Database, clinic: Clinic) -> set[tuple[Any, ...]]:
    """What each check-in belongs to, in words that are the same at every clinic."""
    found = await db.execute(
        sa.select(
            Patient.display_name,
            TimelineMoment.at,
            TimelineMoment.phase,
            TimelineMoment.minutes_from_dose,
            TimelineMoment.how,
            DosingSession.scheduled_at,
            Appointment.scheduled_at,
        )
        .join(Patient, Patient.id == TimelineMoment.patient_id)
        .outerjoin(
            DosingSession,
            sa.and_(
                DosingSession.clinic_id == TimelineMoment.clinic_id,
                DosingSession.id == TimelineMoment.dosing_session_id,
            ),
        )
        .outerjoin(
            Appointment,
            sa.and_(Appointment.clinic_id == TimelineMoment.clinic_id, Appointment.id == TimelineMoment.appointment_id),
        )
        .where(TimelineMoment.clinic_id == clinic.id)
    )
    return {tuple(row) for row in found}


class TestDoses:
    async def test_become_closed_sessions_one_for_each_day(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        first, second = await imported(afterglow, clinic, EXTRACT, "doses", "doses")

        assert (first["rows"], first["stored"], first["patients"]) == (5881, 5879, PEOPLE)
        assert first["skipped_because"] == {"duplicate_row": 2}
        assert (second["stored"], second["known"], second["skipped"]) == (0, 5879, 2)
        sessions = (await db.scalars(sa.select(DosingSession))).all()
        assert {(session.status, session.origin, session.version) for session in sessions} == {
            ("closed", "imported", 1)
        }
        assert {(session.substance, session.route) for session in sessions} == {
            ("methadone", "PO"),
            ("buprenorphine", "SL"),
        }
        reasons = (await db.scalars(sa.select(DosingSessionStep.reason).limit(50))).all()
        assert all(reason and reason.startswith("Date and time are invented: day ") for reason in reasons)


class TestInduction:
    async def test_belongs_to_the_first_dose_whichever_came_first(
        self, afterglow: Run, clinic: Clinic, db: Database, a_few: Path
    ) -> None:
        other = await a_clinic(db)
        await imported(afterglow, clinic, a_few, "doses", "visits", "induction", "withdrawal")
        await imported(afterglow, other, a_few, "withdrawal", "induction", "visits", "doses")

        found = await links(db, clinic)

        assert found == await links(db, other)
        first = sa.select(Patient.display_name, sa.func.min(DosingSession.scheduled_at))
        first = first.join(Patient, Patient.id == DosingSession.patient_id).where(DosingSession.clinic_id == clinic.id)
        rows = await db.execute(first.group_by(Patient.id, Patient.display_name))
        first_doses: dict[str, datetime] = {row[0]: row[1] for row in rows}
        named = [link for link in found if link[4] == "client"]
        assert len(named) == 2 * len(first_doses) == 26
        assert all(session == first_doses[name] for name, _, _, _, _, session, _ in named)
        assert Counter((phase, minutes) for _, _, phase, minutes, _, _, _ in named) == {
            ("before", -30): 13,
            ("0_24h", 150): 12,
            ("24_72h", 1590): 1,  # asked on the next day
        }

    async def test_says_where_the_day_was_not_told(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        (ran,) = await imported(afterglow, clinic, EXTRACT, "induction")

        assert ran["stored"] == 2 * PEOPLE
        assert ran["remarks"] == {"time_invented": 2 * PEOPLE, "day_from_first_dose_day": 42}
        notes = (await db.scalars(sa.select(CheckIn.note))).all()
        assert (
            sum(str(note).endswith("The source gives no day here: first_dose_day stands in.") for note in notes) == 42
        )
        assert all(str(note).startswith("Date and time are invented: day ") for note in notes)

    async def test_reads_back_through_the_dose_aligned_trend(
        self,
        afterglow: Run,
        clinic: Clinic,
        db: Database,
        settings: Settings,
        new_client: Callable[..., httpx2.AsyncClient],
    ) -> None:
        await imported(afterglow, clinic, EXTRACT, "induction", "doses")
        prescriber = await a_member_of_staff(db, settings, clinic)
        patients = (await db.scalars(sa.select(Patient).where(Patient.clinic_id == clinic.id))).all()
        for patient in patients:
            await clinics.put_care_team(db, clinic.id, patient, {prescriber.membership.id: True})
        client = new_client(prescriber.token)

        pairs = [await self.values(client, patient.id) for patient in patients]

        assert {len(pair) for pair in pairs} == {2}
        assert [round(sum(values) / PEOPLE, 4) for values in zip(*pairs, strict=True)] == [1.3443, 0.4098]

    async def values(self, client: httpx2.AsyncClient, patient_id: UUID) -> list[float]:
        """The values around this patient's doses, in the order of time."""
        period = {"measure": "ctn_withdrawal", "from": "2019-01-01", "to": "2019-04-30"}
        answer = await client.get(f"/v1/patients/{patient_id}/trends/dose-aligned", params=period)
        assert answer.status_code == 200, answer.text
        by_instant = {
            datetime.fromisoformat(curve["dose_started_at"]) + timedelta(minutes=point["minutes_from_dose"]): point
            for curve in answer.json()["sessions"]
            for point in curve["points"]
        }
        return [point["value"] for _, point in sorted(by_instant.items(), key=lambda item: item[0])]


class TestVisits:
    async def test_become_appointments_with_their_attendance(
        self, afterglow: Run, clinic: Clinic, db: Database
    ) -> None:
        first, second = await imported(afterglow, clinic, EXTRACT, "visits", "visits")

        assert (first["rows"], first["stored"], second["stored"], second["known"]) == (1200, 1179, 0, 1179)
        assert first["skipped_because"] == {"no_visit_of_its_own": 21}
        assert first["remarks"] == {"time_invented": 1179, "day_planned": 96, "reason_without_a_miss": 68}
        columns = (Appointment.attendance, Appointment.status, Appointment.reason)
        assert Counter(tuple(row) for row in await db.execute(sa.select(*columns))) == {
            ("attended", "fulfilled", None): 1046,
            ("no_show", "noshow", None): 72,
            (None, "booked", None): 53,
            ("no_show", "noshow", "unknown"): 3,
            ("no_show", "noshow", "dropped_out"): 2,
            ("no_show", "noshow", "other"): 2,
            ("no_show", "noshow", "fourteen_missed"): 1,
        }


class TestWithdrawalAtVisits:
    async def test_leaves_out_what_the_other_file_says_already(self, afterglow: Run, clinic: Clinic) -> None:
        (ran,) = await imported(afterglow, clinic, EXTRACT, "withdrawal")

        assert (ran["rows"], ran["stored"], ran["skipped_because"]) == (340, 278, {"in_pre_post": 62})


class TestExtract:
    def test_is_small_and_carries_its_notice(self) -> None:
        assert sum(path.stat().st_size for path in EXTRACT.iterdir()) < 1_000_000
        assert "Copyright (c) 2023 public.ctn0094data authors" in (EXTRACT / "LICENSE").read_text(encoding="utf-8")
        assert len((EXTRACT / "everybody.csv").read_text(encoding="utf-8").splitlines()) == PEOPLE + 1
