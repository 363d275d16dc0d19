"""What is read from a replica is what the primary would have answered, or it is read from the primary."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.replicas import Replica
from app.core.settings import Settings
from app.identity import reads
from tests.cast import Cast, a_cast
from tests.dosing.sessions import text
from tests.factories import a_report, an_id
from tests.replicas.conftest import Answered, Pair

pytestmark = pytest.mark.postgresql
NOW = datetime.now(UTC)
CRAVING = "measure=craving&substance=alcohol"
OF_A_PATIENT = (
    f"trends?{CRAVING}",
    f"trends?{CRAVING}&bucket=raw",
    f"trends/dose-aligned?{CRAVING}",
    f"trends/chart.svg?{CRAVING}",
    f"trends/chart.png?{CRAVING}",
    f"trends/dose-aligned/chart.svg?{CRAVING}",
    f"trends/dose-aligned/chart.png?{CRAVING}",
    "check-ins",
)
OF_ME = (*OF_A_PATIENT, "dosing-sessions")
Get = Callable[[str], Any]


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def phone(new_client: Callable[..., httpx2.AsyncClient], cast: Cast, replica: Replica) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
async def desk(new_client: Callable[..., httpx2.AsyncClient], cast: Cast, replica: Replica) -> httpx2.AsyncClient:
    """The prescriber's browser."""
    return new_client(cast.prescriber.token)


@pytest.fixture
async def front_desk(new_client: Callable[..., httpx2.AsyncClient], cast: Cast, replica: Replica) -> httpx2.AsyncClient:
    """The coordinator's browser."""
    return new_client(cast.coordinator.token)


async def report(phone: httpx2.AsyncClient, craving: int = 7, *, minutes: int = 5) -> str:
    """Send a check-in; its id."""
    body = a_report(NOW - timedelta(minutes=minutes))
    body["responses"][0]["answers"]["now"] = craving
    check_in_id = str(an_id())
    assert (await phone.put(f"/v1/me/check-ins/{check_in_id}", json=body)).status_code == 201
    return check_in_id


async def ids(client: httpx2.AsyncClient, path: str) -> list[str]:
    """The ids of a list."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def plan_session(front_desk: httpx2.AsyncClient, patient_id: str) -> str:
    """Plan a session for now; its id."""
    session_id = str(an_id())
    answer = await front_desk.put(
        f"/v1/patients/{patient_id}/dosing-sessions/{session_id}", json={"scheduled_at": text(NOW)}
    )
    assert answer.status_code == 201, answer.text
    return session_id


class TestFromAReplica:
    @pytest.mark.parametrize("path", OF_ME)
    async def test_a_patient_reads_the_same_as_from_the_primary(
        self, phone: httpx2.AsyncClient, pair: Pair, answered: Answered, app: FastAPI, replica: Replica, path: str
    ) -> None:
        await report(phone)
        await pair.settle()
        answered.clear()

        from_replica = await phone.get(f"/v1/me/{path}")

        assert answered.outcomes == {"answered": 1}
        assert answered.read_from_primary == []
        app.state.replica = None
        from_primary = await phone.get(f"/v1/me/{path}")
        assert (from_replica.status_code, from_replica.content) == (200, from_primary.content)
        assert from_replica.headers.get("etag") == from_primary.headers.get("etag")

    @pytest.mark.parametrize("path", OF_A_PATIENT)
    async def test_staff_read_the_same_as_from_the_primary(
        self,
        phone: httpx2.AsyncClient,
        desk: httpx2.AsyncClient,
        cast: Cast,
        pair: Pair,
        answered: Answered,
        app: FastAPI,
        path: str,
    ) -> None:
        await report(phone)
        await pair.settle()
        answered.clear()

        from_replica = await desk.get(f"/v1/patients/{cast.patient_id}/{path}")

        assert answered.outcomes == {"answered": 1}
        assert answered.read_from_primary == []
        app.state.replica = None
        from_primary = await desk.get(f"/v1/patients/{cast.patient_id}/{path}")
        assert (from_replica.status_code, from_replica.content) == (200, from_primary.content)

    async def test_the_sessions_of_a_clinic_are_read_there_once_it_has_caught_up(
        self, front_desk: httpx2.AsyncClient, cast: Cast, pair: Pair, answered: Answered
    ) -> None:
        session_id = await plan_session(front_desk, cast.patient_id)
        await pair.settle()
        answered.clear()

        assert await ids(front_desk, "/v1/dosing-sessions") == [session_id]
        assert answered.outcomes == {"answered": 1}
        assert answered.read_from_primary == []

    async def test_the_entry_in_the_audit_is_committed_before_the_record_is_read(
        self,
        phone: httpx2.AsyncClient,
        desk: httpx2.AsyncClient,
        cast: Cast,
        engine: AsyncEngine,
        replica: Replica,
        pair: Pair,
    ) -> None:
        await report(phone)
        await pair.settle()
        order: list[tuple[int, str]] = []
        primary = engine.sync_engine

        def note(connection: Any, what: str) -> None:
            if connection is None:  # a statement that is sent alone, and committed when it ends
                order.extend([(0, what), (0, "COMMIT")])
            else:
                order.append((id(connection.connection.dbapi_connection), what))

        listening: list[tuple[Any, str, Any]] = [
            (primary, "before_cursor_execute", lambda *told: note(told[0], told[2])),
            (primary, "commit", lambda connection: note(connection, "COMMIT")),
            (replica.engine.sync_engine, "before_cursor_execute", lambda *told: note(told[0], told[2])),
        ]
        for listener in listening:
            event.listen(*listener)

        await desk.get(f"/v1/patients/{cast.patient_id}/check-ins")

        for listener in listening:
            event.remove(*listener)
        entry = next(place for place, (_, each) in enumerate(order) if "INSERT INTO audit_entries" in each)
        record = next(place for place, (_, each) in enumerate(order) if "FROM check_ins" in each)
        done = next(place for place, each in enumerate(order) if place > entry and each == (order[entry][0], "COMMIT"))
        assert entry < done < record

    async def test_a_refusal_that_the_record_makes_is_the_same_with_one_entry_in_the_audit(
        self, phone: httpx2.AsyncClient, db: Database, pair: Pair, answered: Answered
    ) -> None:
        await report(phone)
        body = a_report(NOW - timedelta(minutes=9))
        body["responses"][0]["substance"] = "opioids"
        assert (await phone.put(f"/v1/me/check-ins/{an_id()}", json=body)).status_code == 201
        await pair.settle()
        answered.clear()

        refused = await phone.get("/v1/me/trends?measure=craving")

        assert refused.json()["code"] == "substance_required"
        assert answered.read_from_primary == []
        of_trends = sa.select(sa.func.count()).where(AuditEntry.operation == "read_my_trend")
        assert await db.scalar(of_trends) == 1

    async def test_what_is_unchanged_and_who_is_refused_never_gets_there(
        self,
        phone: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
        cast: Cast,
        pair: Pair,
        answered: Answered,
    ) -> None:
        await report(phone)
        await pair.settle()
        tag = (await phone.get(f"/v1/me/trends?{CRAVING}")).headers["etag"]
        answered.clear()

        unchanged = await phone.get(f"/v1/me/trends?{CRAVING}", headers={"if-none-match": tag})
        stranger = await new_client(cast.nurse.token).get(f"/v1/patients/{cast.other_patient_id}/trends?{CRAVING}")

        assert (unchanged.status_code, stranger.status_code) == (304, 404)
        assert answered.replica == []


class TestReadYourWrites:
    async def test_a_replica_that_stands_still_is_not_asked_about_a_record_that_changed(
        self, phone: httpx2.AsyncClient, desk: httpx2.AsyncClient, cast: Cast, pair: Pair, answered: Answered
    ) -> None:
        await report(phone)
        await pair.settle()
        await pair.pause()
        new = await report(phone, minutes=3)
        answered.clear()

        mine = await ids(phone, "/v1/me/check-ins")
        theirs = await ids(desk, f"/v1/patients/{cast.patient_id}/check-ins")
        points = (await phone.get(f"/v1/me/trends?{CRAVING}&bucket=raw")).json()["points"]

        assert mine[0] == theirs[0] == new
        assert len(points) == 2
        assert answered.outcomes == {"behind": 3}

    async def test_other_records_are_read_from_it_all_the_same(
        self,
        phone: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
        cast: Cast,
        pair: Pair,
        answered: Answered,
    ) -> None:
        await pair.settle()
        other_phone = new_client(cast.other_patient.token)
        await other_phone.get("/v1/me/check-ins")
        await pair.settle()
        await pair.pause()
        await report(phone)
        answered.clear()

        assert await ids(other_phone, "/v1/me/check-ins") == []
        assert answered.outcomes == {"answered": 1}

    async def test_a_clinic_sees_on_its_list_what_it_was_told_is_stored(
        self, front_desk: httpx2.AsyncClient, cast: Cast, pair: Pair, answered: Answered
    ) -> None:
        await pair.pause()
        session_id = await plan_session(front_desk, cast.patient_id)
        answered.clear()

        assert await ids(front_desk, "/v1/dosing-sessions") == [session_id]
        assert answered.outcomes == {"behind": 1}

    async def test_a_replica_that_is_a_moment_behind_is_waited_for(
        self,
        front_desk: httpx2.AsyncClient,
        cast: Cast,
        pair: Pair,
        answered: Answered,
        replica: Replica,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(reads, "PAUSES_SECONDS", (0.01,) * 100)
        asked = asyncio.Event()
        event.listen(replica.engine.sync_engine, "after_cursor_execute", lambda *_: asked.set())
        await pair.pause()
        session_id = await plan_session(front_desk, cast.patient_id)
        answered.clear()

        answer = asyncio.create_task(ids(front_desk, "/v1/dosing-sessions"))
        await asked.wait()
        await pair.go_on()

        assert await answer == [session_id]
        assert answered.outcomes == {"answered": 1}
        assert len(answered.replica) > 2  # it was asked again

    async def test_whoever_lost_a_patient_a_moment_ago_does_not_find_them_on_the_replica(
        self,
        front_desk: httpx2.AsyncClient,
        desk: httpx2.AsyncClient,
        cast: Cast,
        pair: Pair,
        answered: Answered,
    ) -> None:
        await plan_session(front_desk, cast.patient_id)
        path = f"/v1/patients/{cast.patient_id}"
        await pair.settle()
        assert len(await ids(desk, "/v1/dosing-sessions")) == 1
        await pair.pause()

        changed = await front_desk.put(
            f"{path}/care-team",
            json={"members": [{"staff_id": str(cast.nurse.membership.id)}]},
            headers={"if-match": (await front_desk.get(path)).headers["etag"]},
        )

        assert changed.status_code == 200, changed.text
        assert await ids(desk, "/v1/dosing-sessions") == []
        assert (await desk.get(f"/v1/patients/{cast.patient_id}/check-ins")).status_code == 404

    async def test_no_write_is_missed_by_the_read_after_it_while_the_replica_lags(
        self, phone: httpx2.AsyncClient, front_desk: httpx2.AsyncClient, cast: Cast, pair: Pair, answered: Answered
    ) -> None:
        await pair.on_replica.execute("ALTER SYSTEM SET recovery_min_apply_delay = '30ms'")
        await pair.on_replica.execute("SELECT pg_reload_conf()")
        answered.clear()
        try:
            for number in range(10):
                new = await report(phone, minutes=number + 1)
                await asyncio.sleep(0.01 * (number % 6))
                assert new in await ids(phone, "/v1/me/check-ins")
                planned = await plan_session(front_desk, cast.patient_id if number % 2 else cast.other_patient_id)
                await asyncio.sleep(0.01 * (number % 5))
                assert planned in await ids(front_desk, "/v1/dosing-sessions")
        finally:
            await pair.on_replica.execute("ALTER SYSTEM RESET recovery_min_apply_delay")
            await pair.on_replica.execute("SELECT pg_reload_conf()")

        assert answered.outcomes.keys() <= {"answered", "behind"}
