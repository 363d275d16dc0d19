"""`afterglow import check-ins`, with a made-up file that has the traps of a real one."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.check_ins.models import CheckIn, Observation
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.models import Account, Clinic, Patient
from app.imports import service
from tests.factories import a_clinic
from tests.imports.conftest import DATA, Run

pytestmark = pytest.mark.anyio

PROMPTS = DATA / "prompts.csv"
MAP = DATA / "prompts.toml"
WHAT_BECOMES_OF_THEM = [
    (1, "stored", "", "", ""),
    (2, "stored", "", "", ""),
    (3, "stored", "", "", ""),
    (4, "stored", "", "", "time_in_gap"),
    (5, "stored", "", "", ""),
    (6, "skipped", "unanswered", "", ""),
    (7, "skipped", "unanswered", "", ""),
    (8, "stored", "", "", ""),
    (9, "stored", "", "", ""),
    (10, "refused", "no_time", "answered_at", ""),
    (11, "stored", "", "", "time_came_twice"),
    (12, "refused", "value_not_permitted", "craving", ""),
    (13, "refused", "not_a_whole_number", "craving", ""),
    (14, "refused", "time_format", "answered_at", ""),
    (15, "refused", "no_person", "id", ""),
    (16, "refused", "wrong_number_of_cells", "", ""),
    (17, "refused", "time_range", "answered_at", ""),
    (18, "stored", "", "", ""),
]


async def rows(db: Database, model: Any) -> list[Any]:
    return list((await db.scalars(sa.select(model))).all())


async def count(db: Database, model: Any, *where: Any) -> int:
    found = await db.scalar(sa.select(sa.func.count()).select_from(model).where(*where))
    return int(found or 0)


async def stored(db: Database) -> int:
    return await count(db, CheckIn)


class TestImportCheckIns:
    async def test_accounts_for_every_row(self, afterglow: Run, clinic: Clinic, tmp_path: Path) -> None:
        report = tmp_path / "report.csv"

        ran = await afterglow("check-ins", PROMPTS, "--map", MAP, "--report", report, "--json")

        assert ran.exit_code == 1
        with report.open(encoding="utf-8") as file:
            became = [(int(row["row"]), *list(row.values())[1:]) for row in csv.DictReader(file)]
        assert became == WHAT_BECOMES_OF_THEM
        assert {key: value for key, value in ran.summary.items() if key != "seconds"} == {
            "dry_run": False,
            "rows": 18,
            "stored": 9,
            "known": 0,
            "skipped": 2,
            "refused": 7,
            "skipped_because": {"unanswered": 2},
            "refused_because": {
                "no_time": 1,
                "value_not_permitted": 1,
                "not_a_whole_number": 1,
                "time_format": 1,
                "no_person": 1,
                "wrong_number_of_cells": 1,
                "time_range": 1,
            },
            "remarks": {"time_in_gap": 1, "time_came_twice": 1},
            "patients": 3,
            "new_patients": 3,
        }
        assert "SECRET" not in report.read_text(encoding="utf-8") + ran.out + ran.err

    async def test_stores_each_on_the_day_that_its_clock_on_the_wall_showed(
        self, afterglow: Run, clinic: Clinic, db: Database
    ) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)

        observations = sorted(await rows(db, Observation), key=lambda row: (row.recorded_at, row.value))
        assert [(row.recorded_at, row.local_day, row.utc_offset_minutes, row.value) for row in observations] == [
            (datetime(2018, 3, 11, 5, 10, tzinfo=UTC), date(2018, 3, 10), -480, 40),
            (datetime(2018, 3, 11, 7, 45, tzinfo=UTC), date(2018, 3, 10), -480, 0),
            (datetime(2018, 3, 11, 9, 59, tzinfo=UTC), date(2018, 3, 11), -480, 55),
            (datetime(2018, 3, 11, 10, 30, tzinfo=UTC), date(2018, 3, 11), -420, 60),
            (datetime(2018, 3, 11, 10, 40, tzinfo=UTC), date(2018, 3, 11), -420, 20),
            (datetime(2018, 3, 12, 15, 5, tzinfo=UTC), date(2018, 3, 12), -420, 80),
            (datetime(2018, 3, 12, 19, 5, tzinfo=UTC), date(2018, 3, 12), -420, 100),
            (datetime(2018, 3, 13, 5, 5, tzinfo=UTC), date(2018, 3, 12), -420, 50),
            (datetime(2018, 11, 4, 8, 30, tzinfo=UTC), date(2018, 11, 4), -420, 10),
        ]
        assert {(row.measure, row.substance) for row in observations} == {("craving_vas", "alcohol")}

    async def test_stores_nothing_the_second_time(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)
        before = [
            await stored(db),
            await count(db, Observation),
            await count(db, OutboxEvent),
            await count(db, Patient),
        ]

        again = await afterglow("check-ins", PROMPTS, "--map", MAP, "--json")

        assert (again.summary["stored"], again.summary["known"], again.summary["new_patients"]) == (0, 9, 0)
        after = [await stored(db), await count(db, Observation), await count(db, OutboxEvent), await count(db, Patient)]
        assert after == before

    async def test_makes_the_same_of_any_cut_into_batches(
        self, afterglow: Run, clinic: Clinic, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "BATCH", 2)

        ran = await afterglow("check-ins", PROMPTS, "--map", MAP, "--json")
        monkeypatch.setattr(service, "BATCH", 500)
        again = await afterglow("check-ins", PROMPTS, "--map", MAP, "--json")

        assert (ran.summary["stored"], ran.summary["patients"], ran.summary["new_patients"]) == (9, 3, 3)
        assert again.summary["known"] == 9

    async def test_only_rehearses_a_dry_run(self, afterglow: Run, clinic: Clinic, db: Database, tmp_path: Path) -> None:
        report = tmp_path / "report.csv"

        ran = await afterglow("check-ins", PROMPTS, "--map", MAP, "--dry-run", "--report", report, "--json")

        assert (ran.summary["dry_run"], ran.summary["stored"], ran.summary["new_patients"]) == (True, 9, 3)
        assert len(report.read_text(encoding="utf-8").splitlines()) == 19
        nothing = [await count(db, model) for model in (Patient, CheckIn, Observation, AuditEntry, OutboxEvent)]
        assert nothing == [0] * 5

    async def test_makes_patients_without_accounts(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)

        patients = sorted(await rows(db, Patient), key=lambda patient: patient.display_name)
        assert [(patient.display_name, patient.status, patient.time_zone) for patient in patients] == [
            (f"Prompted 0{number}", "imported", "America/Los_Angeles") for number in (1, 2, 3)
        ]
        assert {patient.clinic_id for patient in patients} == {clinic.id}
        assert await count(db, Account) == 0

    async def test_keeps_the_times_of_answering_and_who_brought_them(
        self, afterglow: Run, clinic: Clinic, db: Database
    ) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)

        check_ins = await rows(db, CheckIn)
        assert {(row.origin, row.author_id, row.clock_suspect) for row in check_ins} == {("imported", None, False)}
        assert len([e for e in await rows(db, OutboxEvent) if e.type == "check_in.recorded"]) == 9

    async def test_writes_one_audit_entry_for_each_patient_and_batch(
        self, afterglow: Run, clinic: Clinic, db: Database
    ) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)

        entries = [entry for entry in await rows(db, AuditEntry) if entry.operation == "import_check_ins"]
        assert {entry.patient_id for entry in entries} == {patient.id for patient in await rows(db, Patient)}
        assert len(entries) == 3
        assert {(entry.actor_role, entry.reason, entry.outcome) for entry in entries} == {
            ("system", "prompts/check-ins", "allowed")
        }

    async def test_leaves_what_is_stored_when_the_map_says_otherwise_later(
        self, afterglow: Run, clinic: Clinic, db: Database, tmp_path: Path
    ) -> None:
        await afterglow("check-ins", PROMPTS, "--map", MAP)
        other = tmp_path / "other.toml"
        other.write_text(MAP.read_text(encoding="utf-8").replace("America/Los_Angeles", "UTC"), encoding="utf-8")

        ran = await afterglow("check-ins", PROMPTS, "--map", other, "--json")

        assert (ran.summary["stored"], ran.summary["refused_because"]["other_content_stored"]) == (0, 9)
        assert await count(db, Observation, Observation.utc_offset_minutes == 0) == 0

    async def test_keeps_a_moment_of_the_future_out_of_the_trends(
        self, afterglow: Run, clinic: Clinic, db: Database, tmp_path: Path
    ) -> None:
        ahead = tmp_path / "ahead.csv"
        ahead.write_text("id,answered_at,craving\n1,2099-01-01T10:00:00Z,40\n", encoding="utf-8")

        ran = await afterglow("check-ins", ahead, "--map", MAP, "--json")

        assert (ran.summary["stored"], ran.summary["remarks"]) == (1, {"clock_suspect": 1})
        assert await count(db, Observation) == 0

    async def test_tells_a_person_what_became_of_the_file(self, afterglow: Run, clinic: Clinic) -> None:
        ran = await afterglow("check-ins", PROMPTS, "--map", MAP, "--dry-run")

        lines = ran.out.splitlines()
        assert lines[1].split() == ["9", "check-ins", "would", "be", "stored"]
        assert "        2    unanswered" in lines
        assert "        1  remarked: time_in_gap" in lines
        assert lines[-1] == "Nothing was stored: this was a rehearsal."


class TestWhatStopsAnImport:
    async def test_is_a_map_with_a_typing_error(self, afterglow: Run, clinic: Clinic, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text("zone = 'UTC'\n" + MAP.read_text(encoding="utf-8"), encoding="utf-8")

        ran = await afterglow("check-ins", PROMPTS, "--map", wrong)

        assert ran.exit_code == 2
        assert ran.err == "wrong.toml is no map of check-ins:\n  zone: there is no such key\n"

    async def test_is_a_file_without_the_columns(self, afterglow: Run, clinic: Clinic, tmp_path: Path) -> None:
        short = tmp_path / "short.csv"
        short.write_text("id,craving\n1,40\n", encoding="utf-8")

        ran = await afterglow("check-ins", short, "--map", MAP)

        assert (ran.exit_code, ran.err) == (2, "short.csv has no column answered_at.\n")

    async def test_is_a_clinic_that_is_not_there(self, afterglow: Run, clinic: Clinic) -> None:
        ran = await afterglow("check-ins", PROMPTS, "--map", MAP, "--clinic", uuid4())

        assert (ran.exit_code, ran.err) == (2, "There is no clinic with this id.\n")

    async def test_is_not_knowing_which_clinic(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        await a_clinic(db)

        ran = await afterglow("check-ins", PROMPTS, "--map", MAP)

        assert (ran.exit_code, ran.err) == (2, "There is more than one clinic: say which with --clinic.\n")

    async def test_is_a_clinic_that_was_never_made(self, afterglow: Run) -> None:
        ran = await afterglow("check-ins", PROMPTS, "--map", MAP)

        assert (ran.exit_code, ran.err) == (2, "There is no clinic yet.\n")

    @pytest.mark.parametrize(
        ("address", "says"),
        [
            (
                "sqlite:///{folder}/empty.db",
                "The database does not have the newest schema: run `afterglow migrate` first.",
            ),
            ("postgresql://nobody@/nowhere?host={folder}", "The database does not answer."),
        ],
    )
    async def test_is_a_database_that_is_not_ready(
        self, afterglow: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, says: str
    ) -> None:
        monkeypatch.setenv("AFTERGLOW_DATABASE_URL", address.format(folder=tmp_path))

        ran = await afterglow("check-ins", PROMPTS, "--map", MAP)

        assert (ran.exit_code, ran.err) == (2, f"{says}\n")

    async def test_leaves_what_came_before_the_fault(
        self, afterglow: Run, clinic: Clinic, db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(service, "BATCH", 2)
        torn = tmp_path / "torn.csv"
        torn.write_bytes(PROMPTS.read_bytes() + b"caf\xe9,,,,,\n")

        ran = await afterglow("check-ins", torn, "--map", MAP)
        mended = await afterglow("check-ins", PROMPTS, "--map", MAP, "--json")

        assert ran.exit_code == 2
        assert "is not UTF-8 text near line" in ran.err
        assert mended.summary["known"] + mended.summary["stored"] == 9
        assert await stored(db) == 9


class TestClinicsOfTheSameSource:
    async def test_do_not_share_patients(self, afterglow: Run, clinic: Clinic, db: Database) -> None:
        other = await a_clinic(db)

        first = await afterglow("check-ins", PROMPTS, "--map", MAP, "--clinic", clinic.id, "--json")
        second = await afterglow("check-ins", PROMPTS, "--map", MAP, "--clinic", other.id, "--json")

        assert (first.summary["stored"], second.summary["stored"]) == (9, 9)
        ids = {(row.clinic_id, row.patient_id, row.id) for row in await rows(db, CheckIn)}
        assert len({patient for _, patient, _ in ids}) == 6
        assert len({check_in for _, _, check_in in ids}) == 18
