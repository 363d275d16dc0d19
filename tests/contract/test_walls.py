"""The wall that PostgreSQL keeps around each clinic, tried with plain SQL as the role that the application has."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from app.clinics import service as clinics
from app.core.clinic_wall import OfClinic
from app.core.db import Base, Database
from app.core.engines import create_engine
from app.core.health import clinics_are_walled
from app.core.ids import new_id
from tests.core_statements import untied
from tests.databases import connected, settings_for
from tests.factories import a_clinic

# Found before anybody knows which clinic is meant, so that no wall can stand before them. None holds a patient's data.
DOORS = frozenset({"invitations", "memberships"})
PATIENTS = Base.metadata.tables["patients"]
TEXT = {
    "app/audit/queries.py",  # the sealer, which works across clinics
    "app/webhooks/queries.py",  # the worker, which does too
    "app/panel/statements.py",  # looked into by tests/panel/test_statements.py
}
OURS = "SET app.clinic_id = '{clinic_id}'"


def clinic_tables() -> list[str]:
    return sorted(name for name, table in Base.metadata.tables.items() if "clinic_id" in table.c)


class TestModels:
    def test_every_table_of_a_clinic_is_marked_or_a_door(self) -> None:
        """The audit is read through its own service, which names the clinic; it takes entries that belong to none."""
        marked = {str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, OfClinic)}

        assert set(clinic_tables()) - marked - DOORS == {"audit_entries"}
        assert DOORS.isdisjoint(marked)

    def test_what_belongs_to_a_patient_cannot_point_at_a_patient_of_another_clinic(self) -> None:
        loose = [
            f"{table.name} -> {constraint.elements[0].column.table.name}"
            for table in Base.metadata.sorted_tables
            for constraint in table.foreign_key_constraints
            if "clinic_id" in table.c and "clinic_id" in constraint.elements[0].column.table.c
            if "clinic_id" not in constraint.column_keys
        ]

        assert loose == []

    def test_only_commands_work_across_clinics(self, root: Path) -> None:
        """One request looks past the walls, at the chain of the audit, which is one for all clinics."""
        named = {
            str(path.relative_to(root)): set(re.findall(r"\b(EVERY_CLINIC|unit_of_work|past_the_wall)\b", text))
            for path in root.glob("app/**/*.py")
            if (text := path.read_text(encoding="utf-8"))
        }

        assert {name for name, words in named.items() if words and name.endswith(("routes.py", "queries.py"))} == set()
        past = {name for name, words in named.items() if "past_the_wall" in words and not name.startswith("app/core/")}
        assert past == {"app/oversight/service.py"}


class TestCoreStatements:
    """What the session's criterion cannot see is looked at on every statement that the suite sends."""

    @pytest.mark.parametrize(
        "statement",
        [
            sa.select(PATIENTS),
            sa.select(PATIENTS.c.id).where(PATIENTS.c.id == new_id()),
            sa.select(PATIENTS.alias("p").c.id),
            sa.select(sa.literal(1)).where(sa.select(PATIENTS.c.id).exists()),
        ],
        ids=["all", "by id", "by another name", "inside"],
    )
    def test_one_that_names_no_clinic_is_found(self, statement: sa.Select[Any]) -> None:
        assert untied(statement) in (["patients"], ["p"])

    def test_one_that_names_it_passes(self) -> None:
        assert untied(sa.select(PATIENTS.c.id).where(PATIENTS.c.clinic_id == new_id())) == []

    def test_sql_as_text_stays_in_the_core(self, root: Path) -> None:
        """Nobody can look into that."""
        found = {
            str(path.relative_to(root))
            for path in root.glob("app/**/*.py")
            if re.search(r"sa\.text\(|exec_driver_sql\(", path.read_text(encoding="utf-8"))
        }

        assert {name for name in found if not name.startswith("app/core/") and not name.endswith("models.py")} <= TEXT


@pytest.mark.postgresql
class TestRowLevelSecurity:
    @pytest.fixture
    async def plain(self, database_url: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection as the application's role, past all of the application."""
        async with connected(database_url) as connection:
            yield connection

    async def test_the_role_is_bound_by_it(self, plain: asyncpg.Connection) -> None:
        role = await plain.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )

        assert not any(role.values())

    async def test_every_table_of_a_clinic_has_it(self, plain: asyncpg.Connection) -> None:
        walled = await plain.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND row_security_active(oid)")

        assert {row["relname"] for row in walled} >= set(clinic_tables()) - DOORS

    async def test_nothing_is_read_or_written_without_a_clinic(self, plain: asyncpg.Connection, db: Database) -> None:
        clinic = await a_clinic(db)
        await clinics.enrol(db, clinic.id, display_name="Sam R.", time_zone="Europe/Berlin")
        await db.finish()

        for attempt in (
            "SELECT * FROM patients",
            "UPDATE patients SET version = 9",
            "SELECT count(*) FROM outbox_events",
        ):
            with pytest.raises(asyncpg.UndefinedObjectError, match=r"app\.clinic_id"):
                await plain.fetch(attempt)

    async def test_a_clinic_sees_and_writes_only_its_own(self, plain: asyncpg.Connection, db: Database) -> None:
        ours, theirs = await a_clinic(db), await a_clinic(db, name="Hillside")
        patient = await clinics.enrol(db, ours.id, display_name="Sam R.", time_zone="Europe/Berlin")
        await db.finish()

        await plain.execute(OURS.format(clinic_id=theirs.id))
        assert await plain.fetch("SELECT * FROM patients") == []
        assert await plain.execute("UPDATE patients SET version = 9") == "UPDATE 0"
        assert await plain.execute("DELETE FROM patient_revisions") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await plain.execute(
                "INSERT INTO patient_revisions (patient_id, clinic_id, revision) VALUES ($1, $2, 0)",
                patient.id,
                ours.id,
            )
        await plain.execute(OURS.format(clinic_id=ours.id))
        assert [row["id"] for row in await plain.fetch("SELECT id FROM patients")] == [patient.id]

    async def test_the_role_cannot_take_the_wall_down(self, plain: asyncpg.Connection) -> None:
        for attempt in (
            "ALTER TABLE patients DISABLE ROW LEVEL SECURITY",
            "DROP POLICY of_clinic ON patients",
            "TRUNCATE check_ins",
            "SET ROLE postgres",
            "CREATE TABLE mine (id int)",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await plain.execute(attempt)


class TestStart:
    async def test_the_wall_is_known_to_stand_or_not(self, database_url: str, superuser_url: str | None) -> None:
        """SQLite has one process and no roles; on PostgreSQL a superuser, or the tables' owner, is not bound."""
        for url, stands in ((database_url, True), (superuser_url or database_url, superuser_url is None)):
            engine = create_engine(settings_for(url))
            assert await clinics_are_walled(engine) is stands
            await engine.dispose()
