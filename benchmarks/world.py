"""What is measured on: one clinic, its patients, and a million values, made by the database itself in seconds."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from app.clinics import service as clinics
from app.core import crypto
from app.core.db import EVERY_CLINIC, Database, create_engine, new_session
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import service as credentials
from app.identity import service as identity
from app.identity.models import Patient, PatientRevision
from app.identity.permissions import Role
from benchmarks import panel
from tests.postgresql import LET_IN, Server, address

ROOT = Path(__file__).parents[1]
TOKEN_HOURS = 12
WRITERS = 64
SESSIONS_TODAY = 20
SHORT, LONG = 1_000, 36_500
OF_FILLER, FILLER_SPAN = 5_000, "625 days"
VALUES_OF_A_FILLER = 4 * OF_FILLER
AT_ONCE = 100
"""Patients that are filled by one statement."""
OF_PANEL = 5_000
LAST_DAY = datetime(2026, 11, 22, tzinfo=UTC)

FILL = """
INSERT INTO check_ins (id, clinic_id, patient_id, version, revision, recorded_at, time_zone, utc_offset_minutes,
    received_at, clock_suspect, late, origin, responses, scores, fingerprint)
SELECT md5(patient::text || n)::uuid, $1::uuid, patient, 1, n,
    $4::timestamptz - n * ($5::text::interval / $3::int), 'UTC', 0, now(), false, false, 'patient', '[]', '[]',
    decode(md5(patient::text || n), 'hex')
FROM unnest($2::uuid[]) AS patient, generate_series(1, $3::int) AS n
"""
FILL_MOMENTS = """
INSERT INTO timeline_moments (clinic_id, patient_id, check_in_id, at, placeable, corrected, relinks, revision)
SELECT clinic_id, patient_id, id, recorded_at, true, false, 0, revision FROM check_ins
WHERE clinic_id = $1 AND patient_id = ANY($2::uuid[])
"""
FILL_VALUES = """
INSERT INTO observations (clinic_id, patient_id, measure, substance, recorded_at, check_in_id, value, local_day,
    utc_offset_minutes)
SELECT clinic_id, patient_id, measure, substance, recorded_at, id,
    round(5 + 3 * sin(extract(epoch FROM recorded_at) / 90000.0) + revision % 3),
    (recorded_at AT TIME ZONE 'UTC')::date, 0
FROM check_ins, (VALUES ('craving', 'alcohol'), ('craving_peak', 'alcohol'), ('mood', ''), ('withdrawal', ''))
    AS m (measure, substance)
WHERE clinic_id = $1 AND patient_id = ANY($2::uuid[])
"""
FILLED = ("check_ins", "timeline_moments", "observations")
REBUILT = """
SELECT indexname AS name, indexdef AS definition FROM pg_indexes
WHERE tablename = ANY($1) AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
KEY = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'pk_observations'"


@dataclass(slots=True)
class World:
    """Where things are."""

    settings: Settings
    clinic_id: UUID
    short_patient: UUID
    long_patient: UUID
    tokens: list[str]
    short_token: str
    long_token: str
    nurse_token: str
    panel_token: str = ""
    panel_clinic: UUID | None = None

    @property
    def dsn(self) -> str:
        """The database's address for a driver."""
        return self.settings.database_url


def migrate(settings: Settings) -> None:
    """Bring a database to the newest schema, as an operator does."""
    environment = os.environ | {"AFTERGLOW_DATABASE_URL": settings.database_url}
    subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], check=True, cwd=ROOT, env=environment)


async def make_database(server: Server) -> None:
    """A migrated database, and the role that the application connects as."""
    admin = await asyncpg.connect(address(server.host, "postgres"))
    await admin.execute("CREATE DATABASE bench")
    migrate(Settings(database_url=address(server.host, "bench")))
    await admin.execute(LET_IN)
    await admin.close()


async def make(settings: Settings, *, filler_patients: int) -> World:
    """Fill a migrated database. `filler_patients` have 5,000 check-ins each, so that the tables are not small."""
    crypto.install([key.get_secret_value() for key in settings.secret_keys])
    engine = create_engine(settings)
    db = new_session(engine, EVERY_CLINIC)
    clinic = await clinics.create_clinic(db, name="Benchmark", time_zone="Europe/Berlin", locale="en-GB")
    people = [await person(db, settings, clinic.id, Role.PATIENT, f"p{n}") for n in range(WRITERS + 2)]
    nurse = await person(db, settings, clinic.id, Role.COORDINATOR, "coordinator")
    patients = [patient for patient, _ in people]
    (short, short_token), (long, long_token) = people[-2:]
    assert short is not None
    assert long is not None
    world = World(
        settings, clinic.id, short, long, [token for _, token in people[:WRITERS]], short_token, long_token, nurse[1]
    )
    await _schedule(db, clinic.id, [patient for patient in patients if patient is not None])
    if not settings.is_sqlite:
        world.panel_clinic, world.panel_token = await panel.make(db, settings, OF_PANEL)
    await db.finish()
    if not settings.is_sqlite:
        await _fill(world, filler_patients)
    await db.close()
    await engine.dispose()
    return world


async def person(db: Database, settings: Settings, clinic_id: UUID, role: Role, name: str) -> tuple[UUID | None, str]:
    """Somebody of the clinic: their own record if they are a patient, and a token."""
    patient = None
    if role is Role.PATIENT:
        patient = (await clinics.enrol(db, clinic_id, display_name=name, time_zone="Europe/Berlin")).id
    account = await credentials.add_account(db, settings, f"{name}@example.org", "never-signed-in-with")
    membership = await identity.add_membership(
        db, account, clinic_id=clinic_id, role=role, display_name=name, patient_id=patient
    )
    tokens = identity.begin(
        db, settings, membership, "benchmark", methods="password otp", access_lasts=timedelta(hours=TOKEN_HOURS)
    )
    await db.flush()
    return patient, tokens.access_token


async def _schedule(db: Database, clinic_id: UUID, patients: list[UUID]) -> None:
    """Each patient had two doses and two appointments, and twenty of them have a session today."""
    from app.dosing.models import DosingSession
    from app.timeline.models import TimelineAnchor

    for number, patient in enumerate(patients):
        days = [40, 12] + ([0] if number < SESSIONS_TODAY else [])
        for day in days:
            at = LAST_DAY + timedelta(hours=9, minutes=number) - timedelta(days=day)
            given = day > 0
            session_id = new_id()
            db.stage(
                DosingSession,
                {
                    "id": session_id,
                    "clinic_id": clinic_id,
                    "patient_id": patient,
                    "status": "closed" if given else "scheduled",
                    "version": 1,
                    "revision": 0,
                    "scheduled_at": at,
                    "dose_started_at": at if given else None,
                    "substance": "ketamine" if given else None,
                    "route": "IV" if given else None,
                    "dose_mg": 35.0 if given else None,
                    "origin": "clinic",
                },
            )
            db.stage(
                TimelineAnchor,
                {
                    "id": session_id,
                    "clinic_id": clinic_id,
                    "patient_id": patient,
                    "kind": "dosing_session",
                    "scheduled_at": at,
                    "ends_at": None,
                    "started_at": at if given else None,
                    "ended_at": None,
                    "cancelled": False,
                },
            )
    await db.flush_staged()


async def _fill(world: World, filler_patients: int) -> None:
    connection = await asyncpg.connect(world.dsn)
    await connection.execute(
        "CREATE TABLE floor_rows (id uuid PRIMARY KEY, patient_id uuid, body text, at timestamptz)"
    )
    await connection.execute("SET session_replication_role = replica")
    await _write(connection, world, [world.short_patient], SHORT, "125 days")
    await _write(connection, world, [world.long_patient], LONG, "3650 days")
    await connection.close()
    await grow(world, filler_patients)


async def grow(world: World, filler_patients: int) -> None:
    """Add patients with 5,000 check-ins each: without looking at each value's check-in, and the indexes last."""
    patients = await _enrol(world, filler_patients)
    connection = await asyncpg.connect(world.dsn)
    for setting in ("max_wal_size = '8GB'", "checkpoint_timeout = '1h'"):
        await connection.execute(f"ALTER SYSTEM SET {setting}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '512MB'")
    indexes = await connection.fetch(REBUILT, list(FILLED)) if filler_patients > AT_ONCE else []
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    key = await connection.fetchval(KEY) if indexes else None
    if key is not None:
        await connection.execute("ALTER TABLE observations DROP CONSTRAINT pk_observations")
    for first in range(0, filler_patients, AT_ONCE):
        await _write(connection, world, patients[first : first + AT_ONCE], OF_FILLER, FILLER_SPAN)
    for index in indexes:
        await connection.execute(index["definition"])
    if key is not None:
        await connection.execute(f"ALTER TABLE observations ADD CONSTRAINT pk_observations {key}")
    await connection.execute("ALTER SYSTEM RESET ALL")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("VACUUM (ANALYZE)")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def _write(connection: Any, world: World, patients: list[UUID], count: int, span: str) -> None:
    async with connection.transaction():
        await connection.execute(FILL, world.clinic_id, patients, count, LAST_DAY, span)
        await connection.execute(FILL_MOMENTS, world.clinic_id, patients)
        await connection.execute(FILL_VALUES, world.clinic_id, patients)


async def _enrol(world: World, number: int) -> list[UUID]:
    """Patients who never do anything."""
    people = [new_id() for _ in range(number)]
    if people:
        of_filler = {"clinic_id": world.clinic_id, "time_zone": "UTC", "status": "invited", "version": 1}
        engine = create_engine(world.settings)
        async with engine.begin() as connection:
            await connection.execute(
                sa.insert(Patient),
                [{"id": one, "display_name": "filler", "enrolled_at": LAST_DAY, **of_filler} for one in people],
            )
            await connection.execute(
                sa.insert(PatientRevision),
                [{"patient_id": one, "clinic_id": world.clinic_id, "revision": OF_FILLER} for one in people],
            )
        await engine.dispose()
    return people


async def values_stored(settings: Settings) -> int:
    """How many values there are."""
    engine = create_engine(settings)
    async with engine.connect() as connection:
        found = await connection.scalar(sa.text("SELECT count(*) FROM observations"))
    await engine.dispose()
    return int(found or 0)
