"""Soyster: 33 adults who were asked about craving eight times a day, imported, and sent again as a phone would send it.

The file is read here a second time with pandas, which knows nothing of our maps, rules or tables.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import pandas as pd
import sqlalchemy as sa

from app.check_ins.models import Observation
from app.clinics import service as clinics
from app.core.ids import new_id
from app.credentials import service as credentials
from app.dosing.models import DosingSession
from app.identity import service as identity
from app.identity.permissions import Role
from app.imports import rules
from drills.data import oracles
from drills.data.checks import Checks
from drills.data.house import PASSWORD, House, bearer

FILE = "soyster2022_alcohol_craving_ema.csv"
SOURCE = "soyster2022"
ZONE = "America/Los_Angeles"
LARGEST_BATCH = 100
AT_ONCE = 8
SEED = 20180311

Observations = Counter[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the file says, by pandas."""

    rows: int
    people: list[str]
    answered: "pd.DataFrame"
    mean: float

    @property
    def unanswered(self) -> int:
        """Prompts without an answer."""
        return self.rows - len(self.answered)

    def daily(self, person: str) -> list[tuple[str, float, float, float, int]]:
        """Local day, mean, smallest, largest and number of this person's values."""
        of_person = self.answered[self.answered["id"] == person]
        days = of_person.groupby(of_person["local"].dt.date)["craving"].agg(["mean", "min", "max", "count"])
        return [
            (str(day), round(row["mean"], 9), row["min"], row["max"], int(row["count"])) for day, row in days.iterrows()
        ]


def expect(path: Path) -> Expected:
    """Read the file: times are those on the wall, whatever their Z says, and an empty answer is none."""
    table = pd.read_csv(path, dtype={"id": str})
    answered = table[table["craving"].notna()].copy()
    answered["local"] = pd.to_datetime(answered["completion_time"].str.rstrip("Z"))
    return Expected(len(table), list(dict.fromkeys(table["id"])), answered, round(answered["craving"].mean(), 4))


async def drill(house: House, path: Path, expected: Expected, checks: Checks, *, workers: int) -> None:
    """Import, import again, read the trends back, replay, compare."""
    imported_into = await house.a_clinic("Imported", ZONE)
    with house.timed("import Soyster"):
        first = house.imported("check-ins", path, "soyster2022", imported_into)
    checks.equal("Soyster: rows", 4389, first["rows"])
    checks.equal("Soyster: patients", 33, first["new_patients"])
    checks.equal("Soyster: stored", 3563, first["stored"])
    checks.equal("Soyster: skipped as unanswered", {"unanswered": 826}, first["skipped_because"])
    checks.equal("Soyster: refused", 0, first["refused"])
    checks.equal("Soyster: stored, by pandas", len(expected.answered), first["stored"])
    with house.timed("import Soyster again"):
        again = house.imported("check-ins", path, "soyster2022", imported_into)
    checks.equal("Soyster: stored the second time", 0, again["stored"])
    checks.equal("Soyster: known the second time", 3563, again["known"])
    by_import = await observations(house, {p: rules.patient_id(imported_into, SOURCE, p) for p in expected.people})
    values = [
        value for of_person in by_import.values() for (_, _, _, value, _, _), n in of_person.items() for _ in range(n)
    ]
    checks.equal("Soyster: mean of craving (0-100)", 14.4185, round(sum(values) / len(values), 4))
    checks.equal("Soyster: mean of craving, by pandas", expected.mean, round(sum(values) / len(values), 4))

    prescriber = await house.a_prescriber_of_everyone(imported_into)
    phones = await _phones(house, expected.people)
    async with house.served(workers=workers) as client:
        with house.timed("read 33 daily series over HTTP"):
            same = [await _daily_is_the_same(client, prescriber, imported_into, expected, p) for p in expected.people]
        checks.equal("Soyster: people whose daily series is that of pandas", 33, sum(same))
        people = {person: rules.patient_id(imported_into, SOURCE, person) for person in expected.people}
        await _invent_doses(house, imported_into, people, expected)
        with house.timed("compare the statistics of 33 people with other libraries"):
            measured = oracles.Series("craving_vas", 100, ZONE)
            tally = await oracles.compare(client, prescriber, people, measured)
        tally.tell("Soyster", len(people), checks)
        with house.timed("replay Soyster as phones"):
            outcomes, sent = await _replay(client, phones, expected)
    checks.equal("replay: created", 3563, outcomes["created"])
    checks.equal("replay: recognised copies", sent - 3563, outcomes["unchanged"])
    checks.equal("replay: everything else", 0, sent - outcomes["created"] - outcomes["unchanged"])
    by_phone = await observations(house, {person: patient for person, (patient, _) in phones.items()})
    checks.equal("replay: people with the same observations", 33, sum(by_phone[p] == by_import[p] for p in by_phone))


async def observations(house: House, patients: dict[str, UUID]) -> dict[str, Observations]:
    """All that counts in the trends of each person."""
    person_of = {patient: person for person, patient in patients.items()}
    found: dict[str, Observations] = {person: Counter() for person in patients}
    columns = ("measure", "substance", "recorded_at", "value", "local_day", "utc_offset_minutes")
    statement = sa.select(Observation.patient_id, *(getattr(Observation, name) for name in columns))
    async with house.opened() as db:
        for patient, *row in await db.execute(statement.where(Observation.patient_id.in_(patients.values()))):
            found[person_of[patient]][tuple(row)] += 1
    return found


async def _invent_doses(house: House, clinic_id: UUID, people: dict[str, UUID], expected: Expected) -> None:
    """Give everybody nine invented doses, each after another tenth of their values.

    Nobody of this study was given any. They are there for the arithmetic on values as dense as these.
    """
    async with house.opened() as db:
        for person, patient_id in people.items():
            moments = expected.answered[expected.answered["id"] == person]["local"].tolist()
            for tenth in range(1, 10):
                local = moments[tenth * len(moments) // 10] + timedelta(minutes=7)
                at = local.to_pydatetime().replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
                db.add(
                    DosingSession(
                        id=new_id(),
                        clinic_id=clinic_id,
                        patient_id=patient_id,
                        status="closed",
                        version=1,
                        revision=1,
                        scheduled_at=at,
                        dose_started_at=at,
                        substance="ketamine",
                        route="IV" if tenth == 1 else "IM",
                        origin="imported",
                    )
                )


async def _daily_is_the_same(
    client: httpx2.AsyncClient, token: str, clinic_id: UUID, expected: Expected, person: str
) -> bool:
    days = expected.daily(person)
    patient = rules.patient_id(clinic_id, SOURCE, person)
    asked = {"measure": "craving_vas", "bucket": "day", "from": days[0][0], "to": days[-1][0]}
    answer = await client.get(f"/v1/patients/{patient}/trends", params=asked, headers=bearer(token))
    answer.raise_for_status()
    return days == [
        (point["local_day"], round(point["mean"], 9), point["min"], point["max"], point["n"])
        for point in answer.json()["points"]
    ]


async def _phones(house: House, people: list[str]) -> dict[str, tuple[UUID, str]]:
    """A patient with a signed-in phone for each person, at a clinic of their own; patient and access token."""
    clinic_id = await house.a_clinic("Replayed", ZONE)
    phones = {}
    async with house.opened() as db:
        for person in people:
            patient = await clinics.enrol(db, clinic_id, display_name=f"Phone {person}", time_zone=ZONE)
            account = await credentials.add_account(db, house.settings, f"{patient.id}@example.org", PASSWORD)
            member = await identity.add_membership(
                db, account, clinic_id=clinic_id, role=Role.PATIENT, display_name="Phone", patient_id=patient.id
            )
            phones[person] = (patient.id, house.signed_in(db, member))
    return phones


def _as_sent(row: Any) -> dict[str, Any]:
    """One answered prompt as a phone sends it."""
    answers = {"now": int(row.craving)}
    return {
        "id": str(new_id()),
        "recorded_at": row.local.to_pydatetime().replace(tzinfo=ZoneInfo(ZONE)).isoformat(),
        "time_zone": ZONE,
        "responses": [{"instrument": "craving_vas", "version": "1", "substance": "alcohol", "answers": answers}],
    }


async def _replay(
    client: httpx2.AsyncClient, phones: dict[str, tuple[UUID, str]], expected: Expected
) -> tuple[Counter[str], int]:
    """Send everything in batches, out of order, a third of it twice, several at once; what became of it."""
    chance = random.Random(SEED)
    requests: list[tuple[str, list[dict[str, Any]]]] = []
    for person, (_, token) in phones.items():
        of_person = [_as_sent(row) for row in expected.answered[expected.answered["id"] == person].itertuples()]
        queue = of_person + chance.sample(of_person, len(of_person) // 3)
        chance.shuffle(queue)
        while queue:
            size = chance.randint(1, LARGEST_BATCH)
            requests.append((token, queue[:size]))
            queue = queue[size:]
    chance.shuffle(requests)
    gate, outcomes = asyncio.Semaphore(AT_ONCE), Counter[str]()

    async def send(token: str, batch: list[dict[str, Any]]) -> None:
        async with gate:
            answer = await client.post("/v1/me/check-ins/batch", json={"check_ins": batch}, headers=bearer(token))
        answer.raise_for_status()
        outcomes.update(result["outcome"] for result in answer.json()["results"])

    await asyncio.gather(*(send(token, batch) for token, batch in requests))
    return outcomes, sum(len(batch) for _, batch in requests)
