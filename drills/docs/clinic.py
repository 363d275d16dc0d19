"""A clinic to look at: two patients, twelve weeks, three doses, served on the loopback address."""

import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from app.appointments import history as appointments
from app.appointments.rules import AppointmentKind, Attendance
from app.clinics import service as clinics
from app.core import clock, crypto
from app.core.db import Database, create_engine, unit_of_work
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import second_factors
from app.credentials import service as credentials
from app.dosing import service as dosing
from app.dosing.rules import DoseRoute, Substance
from app.identity import service as identity
from app.identity.access import patient_for_writing
from app.identity.permissions import Role
from app.protocols.rules import Protocol
from drills.docs.tools import ROOT, DrillFailedError, run
from tests.databases import WIDE_ENVIRONMENT

DAYS = 84
DOSE_DAYS = (28, 42, 63)
OFFICE = (Role.COORDINATOR, Role.CLINIC_ADMIN, Role.PRIVACY_OFFICER)
PASSWORD = "quiet-harbour-lantern-42"  # noqa: S105  of people who do not exist
SIGNED_IN_FOR = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in. `seed` is that of their one-time codes, if they have some."""

    email: str
    token: str
    seed: str | None = None


@dataclass(frozen=True, slots=True)
class ServedClinic:
    """Where the clinic is served, and who can call."""

    address: str
    patient: Caller
    prescriber: Caller
    nurse: Caller
    office: tuple[Caller, ...]
    patient_id: UUID
    log: Path


@contextmanager
def served(database_url: str, folder: Path, *, with_worker: bool = True) -> Iterator[ServedClinic]:
    """Fill the database, serve it, and stop when done."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = WIDE_ENVIRONMENT | {
        "AFTERGLOW_DATABASE_URL": database_url,
        "AFTERGLOW_LOG_LEVEL": "INFO",
        "AFTERGLOW_PUBLIC_URL": address,
        "AFTERGLOW_STEP_UP_MINUTES": "60",
        "AFTERGLOW_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        # Made-up requests come by the thousand: what is refused for that reason alone tests nothing.
        **{f"AFTERGLOW_{name.upper()}": "1000000/1" for name in Settings.model_fields if name.startswith("limit_")},
    }
    command = [sys.executable, "-P", "-m", "app.cli"]
    search = {"PYTHONPATH": str(ROOT)}
    run([*command, "migrate"], environment=environment | search)
    people, office, patient_id = asyncio.run(_fill(Settings(database_url=database_url)))
    log = folder / "server.log"
    with log.open("wb") as lines:
        server = subprocess.Popen(
            [*command, "serve", "--port", str(port), "--with-worker" if with_worker else "--without-worker"],
            cwd=ROOT,
            env={**os.environ, **environment, **search},
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
        try:
            clinic = ServedClinic(address, *people, office, patient_id, log)
            _wait_for(clinic, server)
            _report(clinic)
            yield clinic
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(clinic: ServedClinic, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{clinic.address}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = f"the server did not get ready:\n{clinic.log.read_text(encoding='utf-8')}"
    raise DrillFailedError(msg)


async def _fill(settings: Settings) -> tuple[tuple[Caller, Caller, Caller], tuple[Caller, ...], UUID]:
    """The patient, the prescriber with one-time codes, the nurse without; the office; and the patient's id."""
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    engine = create_engine(settings)
    try:
        async with unit_of_work(engine) as db:
            clinic = await clinics.create_clinic(db, name="Riverside", time_zone="Europe/Berlin", locale="en-GB")
            prescriber, staff_id = await _person(db, settings, clinic.id, Role.PRESCRIBER, None)
            nurse, _ = await _person(db, settings, clinic.id, Role.NURSE, None)
            office = tuple([(await _person(db, settings, clinic.id, role, None))[0] for role in OFFICE])
            first_patient = await clinics.enrol(db, clinic.id, display_name="Sam R.", time_zone="Europe/Berlin")
            await clinics.enrol(db, clinic.id, display_name="Kim L.", time_zone="Europe/Berlin")
            await db.flush()
            await clinics.put_care_team(db, clinic.id, first_patient, {staff_id: True})
            patient, _ = await _person(db, settings, clinic.id, Role.PATIENT, first_patient.id)
            await _history(db, clinic.id, first_patient.id)
        return (patient, prescriber, nurse), office, first_patient.id
    finally:
        await engine.dispose()


async def _person(
    db: Database, settings: Settings, clinic_id: UUID, role: Role, patient_id: UUID | None
) -> tuple[Caller, UUID]:
    email = f"{role.value}@example.org"
    account = await credentials.add_account(db, settings, email, PASSWORD)
    membership = await identity.add_membership(
        db, account, clinic_id=clinic_id, role=role, display_name=role.value.title(), patient_id=patient_id
    )
    tokens = identity.begin(db, settings, membership, "the drill", methods="password otp", access_lasts=SIGNED_IN_FOR)
    await db.flush()
    seed = None
    if role is Role.PRESCRIBER:
        codes = await second_factors.begin(db, account.id)
        codes.confirmed_at, seed = clock.now(), codes.seed
    return Caller(email, tokens.access_token, seed), membership.id


def _noon(day: int) -> datetime:
    return (clock.now() - timedelta(days=DAYS - day)).replace(hour=11, minute=0, second=0, microsecond=0)


async def _history(db: Database, clinic_id: UUID, patient_id: UUID) -> None:
    protocol, patient = Protocol(), await patient_for_writing(db, clinic_id, patient_id)
    for day, dose in zip(DOSE_DAYS, (30.0, 40.0, 40.0), strict=True):
        at = _noon(day)
        history = dosing.SessionHistory(
            new_id(), at, at, at + timedelta(minutes=40), Substance.KETAMINE, DoseRoute.IV, dose
        )
        await dosing.import_session(db, patient, protocol, history)
        await db.flush_staged()
    for day in range(30, DAYS, 7):
        visit = appointments.AppointmentHistory(
            new_id(), AppointmentKind.CBT, _noon(day) + timedelta(hours=3), attendance=Attendance.ATTENDED
        )
        await appointments.import_appointment(db, patient, protocol, visit)
        await db.flush_staged()


def _report(clinic: ServedClinic) -> None:
    """The patient's phone sends what it kept."""
    check_ins = [_check_in(day, hour) for day in range(DAYS) for hour in (-3, 7) if (day + hour) % 11]
    for start in range(0, len(check_ins), 100):
        body = json.dumps({"check_ins": check_ins[start : start + 100]}).encode()
        request = urllib.request.Request(
            f"{clinic.address}/v1/me/check-ins/batch",
            body,
            {"Content-Type": "application/json", "Authorization": f"Bearer {clinic.patient.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            outcomes = {result["outcome"] for result in json.load(answer)["results"]}
        if outcomes != {"created"}:
            msg = f"the phone's check-ins were not all created: {outcomes}"
            raise DrillFailedError(msg)


def _check_in(day: int, hour: int) -> dict[str, Any]:
    """Craving falls after a dose and comes back over ten days; mood mirrors it."""
    hours = [24 * (day - dose) + hour for dose in DOSE_DAYS if 24 * (day - dose) + hour > 0]
    relief = 4 * math.exp(-min(hours) / 100) if hours else 0.0
    craving = max(0, min(10, round(7 - relief + math.sin(day * 1.7 + hour) * 1.2)))
    return {
        "id": str(new_id()),
        "recorded_at": (_noon(day) + timedelta(hours=hour)).isoformat(),
        "time_zone": "Europe/Berlin",
        "responses": [
            {"instrument": "craving_nrs", "version": "1", "substance": "alcohol", "answers": {"now": craving}},
            {"instrument": "mood_nrs", "version": "1", "answers": {"now": 10 - craving}},
        ],
    }
