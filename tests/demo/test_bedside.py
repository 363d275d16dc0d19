"""The five scripted sessions of the demo, played through HTTP at a clinic that has nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.demo.bedside import SCRIPTS
from app.demo.play import Answer, Headers, Missed, Play, Request
from app.identity import service as identity
from tests.cast import Cast, a_cast
from tests.databases import Databases
from tests.dosing.sessions import Clients, Sessions

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

PEOPLE = ("patient", "prescriber", "nurse", "therapist", "coordinator")


@pytest.fixture
async def database_url(databases: Databases, anyio_backend: str) -> str:
    """An empty database, of whichever kind the suite runs on."""
    return await databases.fresh()


@pytest.fixture
async def engine(databases: Databases, settings: Settings, anyio_backend: str) -> "AsyncIterator[AsyncEngine]":
    async with databases.engine(settings) as opened:
        yield opened


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def play(db: Database, settings: Settings, cast: Cast, new_client: Clients) -> Play:
    """A dose is planned for in two hours; the patient agreed to it."""
    await Sessions(new_client, cast).agree()
    clients: dict[str, httpx2.AsyncClient] = {}
    for who in PEOPLE:
        membership = getattr(cast, who).membership
        lasts = timedelta(hours=12)
        tokens = identity.begin(db, settings, membership, "tablet", methods="password otp", access_lasts=lasts)
        clients[who] = new_client(tokens.access_token)

    async def send(who: str, method: str, path: str, body: Any, headers: Headers) -> Answer:
        answer = await clients[who].request(method, path, json=body, headers=dict(headers))
        is_json = answer.headers["content-type"].endswith("json")
        return answer.status_code, answer.headers, answer.json() if is_json else answer.content

    staff = {who: str(getattr(cast, who).membership.id) for who in PEOPLE[1:]}
    begin = datetime.now(UTC) + timedelta(hours=2)
    return Play(send, begin, ZoneInfo(cast.clinic.time_zone), patient=cast.patient_id, **staff)


async def seen(play: Play, minute: int, who: str, path: str) -> Any:
    """What somebody reads at a minute of the script."""
    with clock.told(play.moment(minute)):
        await play.ask(Request(minute=minute, who=who, method="GET", path=path, keeps={"seen": ""}))
    return play.known["seen"]


async def alerts(play: Play) -> set[tuple[str, str, str]]:
    """The rules that found something, how severe it was, and where each alert stands in the end."""
    held = set()
    for status in ("open", "acknowledged", "resolved"):
        path = f"/v1/alerts?patient_id={play.known['patient']}&status={status}"
        found = await seen(play, 300, "prescriber", path)
        held |= {(alert["rule"], alert["severity"], status) for alert in found["items"]}
    return held


class TestScript:
    async def test_of_an_uneventful_session_finds_nothing_and_ends_with_a_check_in_at_home(self, play: Play) -> None:
        await play.run(SCRIPTS["uneventful"], clock.told)

        assert await alerts(play) == set()
        due = await seen(play, 300, "patient", "/v1/me/due-check-ins")
        assert [one["state"] for one in due["items"]] == ["missed", "missed", "answered", *["expected"] * 4]
        session = await seen(play, 300, "nurse", "/v1/dosing-sessions/{session}")
        assert [step["action"] for step in session["steps"]] == [
            "schedule", "arrival", "checklist", "clearance", "dose", "dose-end", "readiness", "discharge", "closure",
        ]  # fmt: skip

    async def test_of_high_blood_pressure_has_a_critical_alert_that_was_answered(self, play: Play) -> None:
        await play.run(SCRIPTS["hypertensive"], clock.told)

        assert await alerts(play) == {("BP-2", "urgent", "resolved"), ("BP-2", "critical", "resolved")}
        alert = await seen(play, 300, "prescriber", "/v1/alerts/{alert}")
        assert alert["dosing_session_id"] == play.known["session"]
        assert [step["action"] for step in alert["steps"]][-1] == "resolved"

    async def test_of_lasting_effects_keeps_the_patient_until_they_have_passed(self, play: Play) -> None:
        await play.run(SCRIPTS["dissociated"], clock.told)

        assert await alerts(play) == {("DIS-1", "urgent", "resolved")}
        found = await seen(play, 300, "nurse", "/v1/dosing-sessions/{session}/discharge-criteria")
        assert found["status"] == "closed"
        assert [one["met"] for one in found["assessments"]] == [True, True]

    async def test_of_a_difficult_experience_stops_the_dose_and_tells_of_it(self, play: Play) -> None:
        await play.run(SCRIPTS["aborted"], clock.told)

        assert await alerts(play) == {("DIS-2", "urgent", "acknowledged")}
        session = await seen(play, 300, "nurse", "/v1/dosing-sessions/{session}")
        assert "aborted" in [step["to_status"] for step in session["steps"]]
        events = await seen(play, 300, "nurse", "/v1/dosing-sessions/{session}/adverse-events")
        assert [(one["term"], one["grade"], one["serious"], one["outcome"]) for one in events["items"]] == [
            ("Anxiety", 2, False, "recovered")
        ]

    async def test_of_the_spray_ends_with_a_report_that_was_sent(self, play: Play) -> None:
        await play.run(SCRIPTS["esketamine"], clock.told)

        report = await seen(play, 300, "prescriber", "/v1/dosing-sessions/{session}/rems-report")
        filled = {entry["field"]: entry["value"] for entry in report["entries"]}
        assert (filled["dose_mg"], filled["lot"], filled["pressure_at_40"]) == (56, "E-0931", "138/86")
        assert report["submitted_by"] == play.known["prescriber"]


class TestPlay:
    async def test_says_where_the_service_answered_otherwise(self, play: Play) -> None:
        arrival = SCRIPTS["uneventful"][1]
        play.known["version"] = 1

        with pytest.raises(Missed, match=r"^-38 coordinator POST /v1/dosing-sessions/.+/arrival: 404 in place of 200"):
            await play.run((arrival,), clock.told)

    async def test_says_what_stands_there_in_place_of_what_should(self, play: Play) -> None:
        me = Request(minute=0, who="nurse", method="GET", path="/v1/me", shows={"/role": "prescriber"})

        with pytest.raises(Missed, match="'nurse' in place of 'prescriber' at /role"):
            await play.run((me,), clock.told)
