"""The audit as the privacy officer reads it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import service as audit
from app.audit.chain import MOST_UNSIGNED
from app.audit.models import AuditEntry
from app.audit.sealing import Sealer
from app.core import clock
from app.core.db import Database, new_session
from app.core.settings import Settings
from app.identity.permissions import Role
from app.oversight import service
from tests.audit.conftest import Intruder, intruder, write
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff

__all__ = ["intruder"]
NewClient = Callable[..., httpx2.AsyncClient]


async def listed(caller: httpx2.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = await caller.get("/v1/audit-entries", params=wanted)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def noted_first(db: Database) -> bool:
    """Whether a read's own entry is there before its answer is made: on PostgreSQL (ADR 22), not on SQLite."""
    return db.is_postgresql


class TestListAuditEntries:
    @pytest.fixture
    async def happened(self, as_nurse: httpx2.AsyncClient, cast: Cast) -> list[str]:
        """What the nurse asked for, the newest first."""
        await as_nurse.get(f"/v1/patients/{cast.patient_id}")
        await as_nurse.get(f"/v1/patients/{cast.patient_id}/check-ins")
        await as_nurse.get(f"/v1/patients/{cast.other_patient_id}/check-ins")
        return ["list_patient_check_ins", "list_patient_check_ins", "read_patient"]

    async def test_tells_who_did_what_the_newest_first(
        self, as_officer: httpx2.AsyncClient, cast: Cast, happened: list[str]
    ) -> None:
        items = await listed(as_officer, actor_id=str(cast.nurse.membership.id), permission="ignored")

        assert [item["operation"] for item in items[:3]] == happened
        assert [item["outcome"] for item in items[:3]] == ["denied", "allowed", "allowed"]
        first = items[2]
        assert (first["actor_role"], first["actor_name"]) == ("nurse", cast.nurse.membership.display_name)
        assert (first["patient_id"], first["permission"]) == (cast.patient_id, "patients:read")
        assert (first["seq"], first["flaw"], first["emergency"]) == (None, None, False)

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"outcome": "denied"}, 1),
            ({"operation": "read_patient"}, 1),
            ({"operation": "nothing"}, 0),
            ({"operation": "list_patient_check_ins", "outcome": "allowed"}, 1),
        ],
    )
    async def test_can_be_narrowed_down(
        self, as_officer: httpx2.AsyncClient, happened: list[str], wanted: dict[str, str], expected: int
    ) -> None:
        assert len(await listed(as_officer, **wanted)) == expected

    async def test_can_be_narrowed_down_to_a_patient(
        self, as_officer: httpx2.AsyncClient, cast: Cast, happened: list[str]
    ) -> None:
        items = await listed(as_officer, patient_id=cast.other_patient_id, actor_id=str(cast.nurse.membership.id))

        assert [item["operation"] for item in items] == ["list_patient_check_ins"]

    async def test_can_be_narrowed_down_to_a_time(
        self, as_officer: httpx2.AsyncClient, cast: Cast, happened: list[str], db: Database
    ) -> None:
        when = await db.scalar(sa.select(AuditEntry.at).where(AuditEntry.operation == "read_patient"))
        assert when is not None
        later = (when + timedelta(microseconds=1000)).isoformat()

        before = await listed(as_officer, to=later, operation="read_patient")
        after = await listed(as_officer, **{"from": later}, operation="read_patient")

        assert (len(before), len(after)) == (1, 0)

    async def test_pages_through_all_of_them_once(
        self, as_officer: httpx2.AsyncClient, cast: Cast, happened: list[str]
    ) -> None:
        wanted: dict[str, str | int] = {"to": clock.now().isoformat(), "limit": 2}
        whole = [item["id"] for item in await listed(as_officer, to=wanted["to"], limit=200)]

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (
                await as_officer.get("/v1/audit-entries", params=wanted | ({"cursor": cursor} if cursor else {}))
            ).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert seen == whole
        assert len(set(seen)) == len(seen) > 3

    async def test_a_cursor_belongs_to_its_filters(self, as_officer: httpx2.AsyncClient, happened: list[str]) -> None:
        page = await as_officer.get("/v1/audit-entries", params={"limit": 1})

        answer = await as_officer.get(
            "/v1/audit-entries", params={"outcome": "denied", "cursor": page.json()["next_cursor"]}
        )

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    async def test_shows_nothing_of_other_clinics(
        self, as_officer: httpx2.AsyncClient, new_client: NewClient, db: Database, settings: Settings, cast: Cast
    ) -> None:
        elsewhere = await a_cast(db, settings)
        await new_client(elsewhere.nurse.token).get(f"/v1/patients/{elsewhere.patient_id}")

        assert await listed(as_officer, operation="read_patient") == []
        assert await listed(as_officer, patient_id=elsewhere.patient_id) == []

    async def test_does_not_tell_the_names_of_patients(
        self, as_officer: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        await new_client(cast.patient.token).get("/v1/me/check-ins")

        (item,) = await listed(as_officer, operation="list_my_check_ins")

        assert (item["actor_role"], item["actor_name"]) == ("patient", None)
        assert item["actor_id"] == str(cast.patient.membership.id)

    async def test_reading_it_is_in_it(self, as_officer: httpx2.AsyncClient, officer: Person, db: Database) -> None:
        await listed(as_officer)

        items = await listed(as_officer, operation="list_audit_entries")

        assert [item["actor_id"] for item in items] == [str(officer.membership.id)] * (1 + noted_first(db))

    @pytest.mark.parametrize("role", [Role.CLINIC_ADMIN, Role.PRESCRIBER, Role.RESEARCHER])
    async def test_is_for_the_privacy_officer(
        self, new_client: NewClient, cast: Cast, db: Database, settings: Settings, role: Role
    ) -> None:
        caller = new_client((await a_member_of_staff(db, settings, cast.clinic, role)).token)

        assert (await caller.get("/v1/audit-entries")).status_code == 403
        assert (await caller.get("/v1/audit-entries/verification")).status_code == 403


class TestVerifyAuditEntries:
    async def test_says_that_the_end_of_the_chain_is_intact(
        self, as_officer: httpx2.AsyncClient, engine: AsyncEngine, db: Database
    ) -> None:
        await write(engine, 30)
        await Sealer(engine).catch_up(sign=True)
        await write(engine, 2)

        told = (await as_officer.get("/v1/audit-entries/verification")).json()

        assert (told["intact"], told["findings"]) == (True, [])
        assert told["checked_from"] == 1
        assert told["checkpoint"]["seq"] == told["checked_to"]
        assert told["unsealed"] == 2 + noted_first(db)
        assert told["oldest_unsealed_at"] is not None

    async def test_names_what_does_not_fit(
        self, as_officer: httpx2.AsyncClient, engine: AsyncEngine, intruder: Intruder
    ) -> None:
        await write(engine, 10)
        await Sealer(engine).catch_up(sign=True)
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 7).values(operation="other"))

        told = (await as_officer.get("/v1/audit-entries/verification")).json()

        assert told["intact"] is False
        assert [(finding["kind"], finding["seq"]) for finding in told["findings"]] == [("changed", 7)]

    async def test_looks_at_no_more_than_the_end(self, as_officer: httpx2.AsyncClient, engine: AsyncEngine) -> None:
        sealer = Sealer(engine)
        for _ in range(3):
            await write(engine, 300)
            await sealer.catch_up(sign=True)

        told = (await as_officer.get("/v1/audit-entries/verification")).json()

        assert told["intact"] is True
        assert told["checked_to"] - told["checked_from"] == 300 + 1  # and the one that the first of them follows

    async def test_looks_at_no_more_than_the_end_without_checkpoints(
        self, as_officer: httpx2.AsyncClient, engine: AsyncEngine, intruder: Intruder
    ) -> None:
        await write(engine, 2 * MOST_UNSIGNED + 500)
        await Sealer(engine).catch_up(sign=True)
        await intruder(sa.text("DELETE FROM audit_checkpoints"))

        told = (await as_officer.get("/v1/audit-entries/verification")).json()

        assert (told["intact"], told["checkpoint"]) == (False, None)
        assert told["checked_to"] - told["checked_from"] == 2 * MOST_UNSIGNED + 1
        assert [finding["kind"] for finding in told["findings"]] == ["unsigned"]

    async def test_of_an_audit_without_entries_is_intact(
        self, as_officer: httpx2.AsyncClient, cast: Cast, db: Database, intruder: Intruder
    ) -> None:
        await db.finish()
        await intruder(sa.delete(AuditEntry))

        told = (await as_officer.get("/v1/audit-entries/verification")).json()

        assert (told.pop("oldest_unsealed_at") is None) is not noted_first(db)
        assert told == {
            "intact": True, "checked_from": None, "checked_to": None, "unsealed": int(noted_first(db)),
            "findings": [], "checkpoint": None,
        }  # fmt: skip

    async def test_leaves_the_caller_behind_the_wall_of_their_clinic(
        self, engine: AsyncEngine, cast: Cast, officer: Person
    ) -> None:
        db = new_session(engine)
        await db.enter(cast.clinic.id)
        await service.verify(db)

        entered = cast.clinic.id
        if db.is_postgresql:
            entered = UUID((await db.read(sa.text("SELECT current_setting('app.clinic_id')"))).scalar_one())
        await db.close()

        assert db.clinic_id == entered == cast.clinic.id


class TestCommands:
    async def test_what_a_command_did_is_there_without_a_name(
        self, as_officer: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        audit.record(
            db, operation="import_check_ins", permission="command", clinic_id=cast.clinic.id,
            patient_id=cast.patient.patient_id, reason="a source",
        )  # fmt: skip

        (item,) = await listed(as_officer, operation="import_check_ins")

        assert (item["actor_id"], item["actor_name"], item["actor_role"]) == (None, None, "system")
        assert item["reason"] == "a source"
