"""Marks: what the application wrote, and what somebody else put into the table."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import marks, service
from app.audit.models import AuditEntry
from app.core import clock, crypto
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import SAMPLE_SECRET, Settings
from tests.audit.conftest import an_entry, stored
from tests.cast import a_cast
from tests.factories import a_report, an_id

SEALED_LATER = {"mark", "seq", "hash", "flaw"}
EVERY_COLUMN = {column.name for column in AuditEntry.__table__.columns}


def an_entry_of_columns() -> dict[str, Any]:
    entry: dict[str, Any] = {column.name: "x" for column in AuditEntry.__table__.columns}
    return entry | {
        "at": clock.now(), "id": new_id(), "clinic_id": new_id(), "device_id": new_id(), "actor_id": new_id(),
        "patient_id": new_id(), "subject_id": new_id(),
    }  # fmt: skip


class TestWhole:
    def test_covers_everything_that_is_written_at_once(self) -> None:
        assert set(marks.COVERED[b"\2"]) == EVERY_COLUMN - SEALED_LATER

    @pytest.mark.parametrize("column", sorted(EVERY_COLUMN - SEALED_LATER))
    def test_is_wrong_after_any_change(self, settings: Settings, column: str) -> None:
        entry = an_entry_of_columns()
        entry["mark"] = marks.whole(entry)

        assert marks.flaw(entry) is None
        assert marks.flaw(entry | {column: None}) == "forged"

    def test_is_wrong_when_it_is_said_to_cover_less(self, settings: Settings) -> None:
        entry = an_entry_of_columns()
        entry["mark"] = b"\1" + marks.whole(entry)[1:]

        assert marks.flaw(entry) == "forged"

    @pytest.mark.parametrize("mark", [b"", b"\2", b"\3" + bytes(18), bytes(19), b"\2" * 20])
    def test_what_is_no_mark_is_forged(self, settings: Settings, mark: bytes) -> None:
        assert marks.flaw(an_entry_of_columns() | {"mark": mark}) == "forged"

    def test_none_at_all_is_told_apart(self, settings: Settings) -> None:
        assert marks.flaw(an_entry_of_columns() | {"mark": None}) == "unmarked"


class TestEarly:
    def test_leaves_out_only_who_the_device_belongs_to(self) -> None:
        assert set(marks.COVERED[b"\2"]) - set(marks.COVERED[b"\1"]) == {
            "actor_id", "actor_role", "patient_id", "reason",
        }  # fmt: skip

    def test_is_made_before_the_caller_is_known(self, settings: Settings) -> None:
        told = {
            "operation": "list_my_check_ins", "permission": "check_ins:read", "subject_id": None, "request_id": None,
            "address_prefix": None,
        }  # fmt: skip
        clinic_id, device_id = new_id(), new_id()

        begun = service.begin(told, clinic_id=clinic_id, device_id=device_id)

        entry = {**begun, "clinic_id": clinic_id, "device_id": device_id, "actor_id": new_id(), "patient_id": new_id()}
        assert marks.flaw(entry) is None
        assert marks.flaw(entry | {"device_id": new_id()}) == "forged"
        assert marks.flaw(entry | {"clinic_id": new_id()}) == "forged"


class TestKeys:
    def test_marks_outlive_a_rotation_as_long_as_the_old_secret_is_there(self, settings: Settings) -> None:
        entry = an_entry_of_columns()
        entry["mark"] = marks.whole(entry)

        crypto.install(["n" * 40, SAMPLE_SECRET])
        during = marks.flaw(entry)
        crypto.install(["n" * 40])
        after = marks.flaw(entry)

        assert (during, after) == (None, "unknown_key")


class TestRequests:
    async def test_leave_only_marked_entries(
        self, new_client: Callable[..., httpx2.AsyncClient], db: Database, settings: Settings, engine: AsyncEngine
    ) -> None:
        """Written whole, written by the guard's own statement, written again after a refusal."""
        cast = await a_cast(db, settings)
        as_patient, as_nurse = new_client(cast.patient.token), new_client(cast.nurse.token)
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        await as_patient.get("/v1/me/check-ins")
        await as_patient.get(f"/v1/me/check-ins/{an_id()}")
        await as_patient.get("/v1/me/check-ins", params={"cursor": "x"})
        await as_nurse.get(f"/v1/patients/{cast.patient_id}/check-ins")
        await as_nurse.get(f"/v1/patients/{cast.other_patient_id}/check-ins")

        entries = await stored(engine)

        kinds = {entry["operation"]: bytes(entry["mark"][:1]) for entry in entries}
        early = b"\1" if db.is_postgresql else b"\2"
        assert [marks.flaw(entry) for entry in entries] == [None] * len(entries)
        assert kinds["list_my_check_ins"] == kinds["read_my_check_in"] == early
        assert kinds["submit_check_in"] == kinds["list_patient_check_ins"] == b"\2"

    async def test_a_text_of_any_language_is_marked_as_it_comes_back(self, db: Database, engine: AsyncEngine) -> None:
        an_entry(db, reason="Überfällig \U0001f9ea \x7f '\"")
        await db.finish()

        assert [marks.flaw(entry) for entry in await stored(engine)] == [None]

    async def test_one_that_was_put_there_is_found(self, db: Database, engine: AsyncEngine, settings: Settings) -> None:
        an_entry(db)
        await db.finish()
        copied = (await stored(engine))[0] | {"id": new_id()}
        await db.execute(sa.insert(AuditEntry), [copied])
        await db.finish()

        assert sorted(str(marks.flaw(entry)) for entry in await stored(engine)) == ["None", "forged"]
