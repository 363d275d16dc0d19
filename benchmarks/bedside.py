"""What a reading at the bedside costs with its rules, beside a plain check-in; and the rules alone, beside a scoring.

The two kinds of requests are sent in turn to the same server. `make bench` adds these rows to its page;
`python -m benchmarks.bedside` prints them alone.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import EVERY_CLINIC, Database, create_engine, new_session
from app.core.ids import new_id
from app.core.settings import Settings
from app.dosing.models import DosingSession, Reading
from app.identity.models import CareTeamMember, Membership, Patient
from app.identity.permissions import Role
from app.instruments.catalogue import definition
from app.instruments.rules import score
from app.protocols.safety_figures import Safety
from app.safety.rules import AnswerInputs, CravingInputs, ReadingInputs, UseInputs, judge_answers, judge_reading
from benchmarks import world as worlds
from benchmarks.load import drive, middle, request
from benchmarks.servers import Running, serve
from benchmarks.world import World
from tests.databases import WIDE_ENVIRONMENT
from tests.postgresql import APPLICATION, Server, address

GOAL, RULES_MICROSECONDS = 1.5, 200
SESSIONS_OF_A_PATIENT, EARLIER = 20, 12
ROUNDS, SECONDS, CONNECTIONS = 5, 2.0, 8
CALLS, TURNS = 2_000, 7

CALM: dict[str, Any] = {"systolic": 126, "diastolic": 79, "heart_rate": 74, "spo2": 98, "moaas": 5}
"""What a nurse types: everything is well, so that every rule looks and none finds anything."""


@dataclass(frozen=True, slots=True)
class Room:
    """Who is at the bedside, and of which sessions; each dose began two hours ago."""

    token: str
    sessions: list[UUID]


async def make(settings: Settings, world: World) -> Room:
    """Give each patient who checks in sessions that are watched, with a dozen readings each, and one nurse for all."""
    engine = create_engine(settings)
    db = new_session(engine, EVERY_CLINIC)
    _, token = await worlds.person(db, settings, world.clinic_id, Role.NURSE, "bedside")
    nurse = (await db.scalars(sa.select(Membership.id).where(Membership.role == Role.NURSE.value))).one()
    found = await db.scalars(
        sa.select(Patient.id).where(Patient.clinic_id == world.clinic_id).order_by(Patient.id).limit(worlds.WRITERS)
    )
    patients, sessions = list(found), list[UUID]()
    for patient_id in patients:
        db.stage(
            CareTeamMember,
            {
                "id": new_id(),
                "clinic_id": world.clinic_id,
                "patient_id": patient_id,
                "membership_id": nurse,
                "kind": "member",
                "responsible": False,
                "since": clock.now(),
            },
        )
    for _, patient_id in itertools.product(range(SESSIONS_OF_A_PATIENT), patients):
        sessions.append(_watched(db, world, patient_id, nurse))
    await db.finish()
    await db.close()
    await engine.dispose()
    return Room(token, sessions)


def _watched(db: Database, world: World, patient_id: UUID, nurse: UUID) -> UUID:
    key = {"clinic_id": world.clinic_id, "patient_id": patient_id}
    session_id, began = new_id(), clock.now() - timedelta(hours=2)
    given = {"substance": "ketamine", "route": "IV", "dose_mg": 40.0, "dose_started_at": began}
    counts = {"version": 6, "revision": 0, "scheduled_at": began, "origin": "clinic", "protocol_version": 1}
    db.stage(DosingSession, key | {"id": session_id, "status": "monitoring"} | given | counts)
    for number in range(EARLIER):
        at = began + timedelta(minutes=10 * number - 15)
        values = dict.fromkeys(column.name for column in Reading.__table__.c if column.nullable) | CALM
        row = key | values | {
            "session_id": session_id,
            "id": new_id(),
            "version": 1,
            "taken_at": at,
            "at": at,
            "received_at": at,
            "recorded_by": nurse,
            "clock_suspect": False,
            "received_late": False,
            "confirmed": [],
            "flags": [],
            "fingerprint": b"made up",
        }  # fmt: skip
        db.stage(Reading, row)
    return session_id


def readings(room: Room) -> Iterator[bytes]:
    """One reading after the other, each of another patient."""
    for session_id in itertools.cycle(room.sessions):
        reading = {"id": str(new_id()), "taken_at": clock.now().isoformat(timespec="milliseconds"), **CALM}
        body = json.dumps({"device_time": reading["taken_at"], "readings": [reading]}).encode()
        yield request("POST", f"/v1/dosing-sessions/{session_id}/readings", token=room.token, body=body)


async def compare(ours: Running, room: Room, check_ins: Iterator[bytes], rounds: int) -> list[float]:
    """The time of a reading by that of a check-in, in turn, so that a machine that slows down slows both."""
    of_readings, ratios = readings(room), []
    for number in range(rounds + 1):
        plain = await drive(ours.port, check_ins, connections=CONNECTIONS, seconds=SECONDS, expected=(200, 201))
        reading = await drive(ours.port, of_readings, connections=CONNECTIONS, seconds=SECONDS, expected=(200,))
        if number:  # the first round warms both up
            ratios.append(reading.seconds_each / plain.seconds_each)
    return ratios


def rules() -> tuple[list[float], list[float]]:
    """Microseconds of every rule on all that is known of one patient; and as ratios to one scoring of a PHQ-9."""
    figures, phq9 = Safety(), definition("phq9")
    answers = {item.key: 1 for item in phq9.items if not item.optional}

    def judge() -> None:
        judge_answers(_EVERYTHING_ANSWERED, figures)
        judge_reading(_EVERYTHING_MEASURED, figures)

    taken, ratios = [], []
    for _ in range(TURNS):
        microseconds = _each(judge)
        taken.append(microseconds)
        ratios.append(microseconds / _each(lambda: score(phq9, answers)))
    return taken, ratios


def _each(call: Callable[[], object]) -> float:
    call()
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


_CRAVING = CravingInputs(value=9, substance="alcohol", usual=[4.0, 5.0, 6.0] * 9, highest_by_day={0: 9, 1: 8, 2: 8})
_EVERYTHING_ANSWERED = AnswerInputs(
    self_harm=3, self_harm_before=0, cssrs={"intent": 1}, minutes_from_dose=1440, dissociation=8, distress=4,
    dissociation_before_dose=1, cravings=[_CRAVING], uses=[UseInputs(used=True, substance="opioid", drinks=6)],
    use_days=frozenset({0, 2, 4}), opioid_abstinent_days=9, sex="female", ciwa=20, cows=26, withdrawal=8,
    last_drink_hours=12, urinary_blood=1, urinary_total=6, urinary_before=[2, 4], phq9_total=22, phq9_first=9,
)  # fmt: skip
_EVERYTHING_MEASURED = ReadingInputs(
    before_dose=False, minutes_from_dose=130, systolic=195, diastolic=115, heart_rate=128, spo2=88, respiratory_rate=9,
    temperature=38.1, moaas=1, dissociation=12, distress=4, baseline_systolic=128, baseline_diastolic=80,
    baseline_dissociation=1, minutes_since_over=5,
)  # fmt: skip


async def measure(
    settings: Settings, ours: Running, world: World, check_ins: Iterator[bytes], rounds: int = ROUNDS
) -> list[tuple[str, str, str, str, bool]]:
    """Each row: its name, the work, what was seen, the goal, and whether it was reached. `settings` may do anything."""
    room = await make(settings, world)
    ratios = await compare(ours, room, check_ins, rounds)
    taken, of_scoring = rules()
    seen = f"{middle(of_scoring):.1f} scorings; {middle(taken):.0f} us ({min(taken):.0f}-{max(taken):.0f})"
    reached = middle(ratios) <= GOAL, middle(taken) < RULES_MICROSECONDS
    return [
        ("B1", "a reading with its rules, against a plain check-in", _spread(ratios), f"{GOAL}", reached[0]),
        ("B2", "every rule on one patient's inputs", seen, f"{RULES_MICROSECONDS} us", reached[1]),
    ]


def _spread(ratios: list[float]) -> str:
    return f"{middle(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


async def _alone() -> None:
    from benchmarks.rows import submits  # which adds these rows to its own

    server = Server(durable=True)
    try:
        await worlds.make_database(server)
        everything = Settings(database_url=address(server.host, "bench"))
        world = await worlds.make(everything, filler_patients=1)
        application = {
            "AFTERGLOW_DATABASE_URL": address(server.host, "bench", APPLICATION),
            "AFTERGLOW_LOG_LEVEL": "WARNING",
            "AFTERGLOW_POOL_SIZE": str(CONNECTIONS),
        }
        with serve("app.main:create_app", "/healthz", WIDE_ENVIRONMENT | application, factory=True) as ours:
            for row in await measure(everything, ours, world, submits(world)):
                print(*row, sep=" | ")
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(_alone())
