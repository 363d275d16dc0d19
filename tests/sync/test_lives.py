"""Lives of a record: people change it in any order, phones ask when they like, and end up with what is there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import planning
from app.clinics import service as clinics
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.models import Membership
from app.overdue import service as overdue
from tests.cast import Cast
from tests.factories import a_patient, a_report, an_id
from tests.sync.phones import Key, Phone

LONG = timedelta(days=90)
FINE = {200, 201, 204, 404, 409, 410, 412, 422}
SESSION, APPOINTMENT, ENTRY, CHECK_IN = "dosing-sessions", "appointments", "journal", "check-ins"


@dataclass
class Life:
    """One patient's record, the people who change it, and two phones of the patient."""

    sign_in: Callable[[str], httpx2.AsyncClient]
    patient_id: str
    phones: tuple[Phone, Phone]
    engine: AsyncEngine
    db: Database
    now: datetime
    made: dict[str, list[str]] = field(default_factory=dict)
    people: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    async def send(
        self, who: str, method: str, address: str, body: object = None, version: str | None = None
    ) -> httpx2.Response:
        answer = await self.people[who].request(
            method, address, json=body, headers={"if-match": version} if version else {}
        )
        assert answer.status_code in FINE, answer.text
        return answer

    def some(self, kind: str, number: int) -> str:
        """One of those that were made, or one more."""
        made = self.made.setdefault(kind, [])
        if not made or number % 3 == 0:
            made.append(str(an_id()))
        return made[number % len(made)]

    async def tag(self, who: str, address: str) -> str | None:
        found = await self.people[who].get(address)
        return found.headers.get("etag") if found.is_success else None

    async def live(self, act: str, number: int) -> None:
        with clock.told(self.now):
            await getattr(self, act)(number)
        self.now += timedelta(minutes=1)

    # ---------------------------------------------------------------- what happens to the record
    async def report(self, number: int) -> None:
        """Answer what is open now, or report without being asked; perhaps hours ago, while offline."""
        due = (await self.send("patient", "GET", "/v1/me/due-check-ins?days=14")).json()["items"]
        asked = next((each["id"] for each in due if each["state"] == "open"), None)
        at = self.now - timedelta(hours=number % 5)
        body = a_report(at, due_check_in_id=asked)
        await self.send("patient", "PUT", f"/v1/me/check-ins/{self.some(CHECK_IN, number)}", body)

    async def batch(self, number: int) -> None:
        items = [a_report(self.now - timedelta(hours=n)) | {"id": self.some(CHECK_IN, number + n)} for n in range(3)]
        await self.send("patient", "POST", "/v1/me/check-ins/batch", {"check_ins": items})

    async def correct(self, number: int) -> None:
        address = f"/v1/me/check-ins/{self.some(CHECK_IN, number)}"
        tag = await self.tag("patient", address)
        await self.send("patient", "PUT", address, a_report(self.now, note=f"again {number}"), tag)

    async def plan_session(self, number: int) -> None:
        address = f"/v1/patients/{self.patient_id}/dosing-sessions/{self.some(SESSION, number)}"
        tag = await self.tag("coordinator", f"/v1/dosing-sessions/{address.rpartition('/')[2]}")
        at = self.now + timedelta(hours=number - 24)
        await self.send("coordinator", "PUT", address, {"scheduled_at": at.isoformat()}, tag)

    async def call_off_session(self, number: int) -> None:
        address = f"/v1/dosing-sessions/{self.some(SESSION, number)}"
        tag = await self.tag("coordinator", address)
        await self.send("coordinator", "POST", f"{address}/cancellation", {"reason": "Not well"}, tag)

    async def book(self, number: int) -> None:
        address = f"/v1/patients/{self.patient_id}/appointments/{self.some(APPOINTMENT, number)}"
        tag = await self.tag("coordinator", f"/v1/appointments/{address.rpartition('/')[2]}")
        at = self.now + timedelta(hours=number - 24)
        body = {"kind": "integration", "scheduled_at": at.isoformat(), "participants": [{"role": "patient"}]}
        await self.send("coordinator", "PUT", address, body, tag)

    async def call_off_appointment(self, number: int) -> None:
        address = f"/v1/appointments/{self.some(APPOINTMENT, number)}"
        tag = await self.tag("coordinator", address)
        await self.send("coordinator", "POST", f"{address}/cancellation", {"by": "clinic", "reason": "illness"}, tag)

    async def correct_link(self, number: int) -> None:
        address = f"/v1/patients/{self.patient_id}/check-ins/{self.some(CHECK_IN, number)}"
        tag = await self.tag("nurse", address)
        body = {"dosing_session_id": None, "appointment_id": None}
        await self.send("nurse", "PUT", f"{address}/link", body, tag)

    async def write(self, number: int) -> None:
        address = f"/v1/me/journal-entries/{self.some(ENTRY, number)}"
        tag = await self.tag("patient", address)
        body = {"text": f"Slept {number} hours.", "written_at": self.now.isoformat(), "time_zone": "Europe/Berlin"}
        await self.send("patient", "PUT", address, body, tag)

    async def share(self, number: int) -> None:
        address = f"/v1/me/journal-entries/{self.some(ENTRY, number)}"
        tag = await self.tag("patient", address)
        await self.send("patient", "POST", f"{address}/sharing", {"shared": number % 2 == 0}, tag)

    async def forget(self, number: int) -> None:
        address = f"/v1/me/journal-entries/{self.some(ENTRY, number)}"
        await self.send("patient", "DELETE", address, version=await self.tag("patient", address))

    async def plan(self, number: int) -> None:
        """Another plan, perhaps while something of the one before is open."""
        address = f"/v1/patients/{self.patient_id}/check-in-plan"
        daily = {
            "kind": "fixed", "key": "daily", "instruments": ["craving_nrs"], "local_times": [f"{number % 24:02}:30"],
            "opens_minutes_before": 60, "closes_minutes_after": 240,
        }  # fmt: skip
        body = {"content": {"items": [daily][: number % 3], "around_doses": number % 4 > 0}, "reason": "Another time"}
        await self.send("nurse", "PUT", address, body, await self.tag("nurse", address))

    async def move_away(self, number: int) -> None:
        zone = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")[number % 3]
        tag = await self.tag("patient", "/v1/me/time-zone")
        await self.send("patient", "PUT", "/v1/me/time-zone", {"time_zone": zone}, tag)

    async def practise(self, number: int) -> None:
        log_id = self.some("practice", number)
        logs = (await self.send("patient", "GET", "/v1/me/practice-logs?limit=200")).json()["items"]
        tag = next((f'"{each["version"]}"' for each in logs if each["id"] == log_id), None)
        body = {"modality": "mindfulness", "done_at": self.now.isoformat(), "time_zone": "UTC", "minutes": number}
        await self.send("patient", "PUT", f"/v1/me/practice-logs/{log_id}", body, tag)

    async def ask_for_help(self, _: int) -> None:
        await self.send("patient", "POST", "/v1/me/help-requests", {"id": str(an_id())})

    async def report_then_plan(self, number: int) -> None:
        """A session is planned for soon after a report that a phone has already: the report belongs to it now."""
        await self.send("patient", "PUT", f"/v1/me/check-ins/{self.some(CHECK_IN, 0)}", a_report(self.now))
        await self.phones[0].sync()
        await self.plan_session(24 + number % 48)

    async def begin(self) -> None:
        """Everybody signs in: staff are signed out when they do nothing for some hours."""
        self.people = {role: self.sign_in(role) for role in ("nurse", "coordinator", "patient")}
        await self.db.finish()

    async def wait(self, number: int) -> None:
        """Time passes, and the worker notes what was missed meanwhile."""
        self.now += timedelta(hours=number)
        with clock.told(self.now):
            await self.begin()
            await planning.extend(self.engine)
            await overdue.look(self.engine)

    # ---------------------------------------------------------------- the phones
    async def first_phone_asks(self, _: int) -> None:
        await self.phones[0].sync()

    async def second_phone_asks_for_a_page(self, _: int) -> None:
        await self.phones[1].ask()


ACTS = [
    "report", "batch", "correct", "plan_session", "call_off_session", "book", "call_off_appointment", "correct_link",
    "write", "share", "forget", "plan", "move_away", "practise", "ask_for_help", "wait", "report_then_plan",
    "first_phone_asks", "second_phone_asks_for_a_page",
]  # fmt: skip
LIVES = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 48)), min_size=6, max_size=24)
MakesLives = Callable[[datetime], Awaitable[Life]]


@pytest.fixture
async def new_life(
    db: Database, engine: AsyncEngine, settings: Settings, cast: Cast, new_client: Callable[..., httpx2.AsyncClient]
) -> MakesLives:
    """Makes lives of new patients. Everybody has a new device each time: limits go by the clock of the life."""

    def someone(membership: Membership) -> httpx2.AsyncClient:
        begun = identity.begin(db, settings, membership, "a phone", methods="password otp", access_lasts=LONG)
        return new_client(begun.access_token)

    async def make(now: datetime) -> Life:
        patient = await a_patient(db, settings, cast.clinic)
        assert patient.patient is not None
        await clinics.put_care_team(db, cast.clinic.id, patient.patient, {cast.nurse.membership.id: True})
        members = {"patient": patient.membership} | {
            role: getattr(cast, role).membership for role in ("nurse", "coordinator")
        }
        phones = Phone(someone(patient.membership)), Phone(someone(patient.membership), limit=2)
        life = Life(lambda role: someone(members[role]), str(patient.patient_id), phones, engine, db, now)
        await life.begin()
        return life

    return make


def apart_from_the_clock(things: dict[Key, Any]) -> dict[Key, Any]:
    """The same without what follows from the clock alone: whether a due check-in is expected, open or over by now."""
    return {
        key: {name: value for name, value in data.items() if name != "state"} if key[0] == "due_check_in" else data
        for key, data in things.items()
    }


class TestLives:
    @hypothesis.settings(
        max_examples=15,
        phases=[hypothesis.Phase.generate],  # to find the smallest life that fails takes many minutes
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
    )
    @given(acts=LIVES)
    async def test_phones_that_ask_now_and_then_have_what_one_that_begins_anew_has(
        self, acts: list[tuple[str, int]], new_life: MakesLives
    ) -> None:
        life = await new_life(datetime.now(UTC))

        for act, number in acts:
            await life.live(act, number)
        with clock.told(life.now):
            for phone in life.phones:
                await phone.sync()
            anew = await life.phones[0].anew()

        for phone in life.phones:
            assert apart_from_the_clock(phone.things) == apart_from_the_clock(anew.things)
        stored = {key[1] for key in anew.things if key[0] == "check_in"}
        mine = (await life.send("patient", "GET", "/v1/me/check-ins?limit=200")).json()["items"]
        assert stored == {each["id"] for each in mine}
