"""The one transaction: committed before the answer leaves, staged rows in one statement, refusals that undo."""

import io
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.check_ins.models import CheckIn, Observation, QuarantinedSubmission
from app.core import clock
from app.core.db import Database, new_session, unit_of_work
from app.core.ids import new_id
from app.events.models import OutboxEvent
from app.identity.models import Clinic, PatientRevision
from app.instruments.models import InstrumentWording
from app.protocols.models import ProtocolVersion
from app.protocols.rules import Protocol
from tests.cast import Cast
from tests.core.conftest import CANARY
from tests.factories import a_clinic, a_report, an_id


def an_event(clinic: Clinic, **but: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "clinic_id": clinic.id,
        "type": "protocol.changed",
        "patient_id": None,
        "subject_id": clinic.id,
        "version": 1,
        "happened_at": clock.now(),
    } | but


def a_version(clinic: Clinic, version: int, **but: Any) -> dict[str, Any]:
    return {
        "clinic_id": clinic.id,
        "version": version,
        "figures": Protocol().model_dump(mode="json"),
        "made_at": clock.now(),
        "signed_off_by": None,
        "signed_off_at": None,
        "reason": 'It\'s "quoted", and {braced}, and 🙂',
    } | but


async def events_of(db: Database) -> list[OutboxEvent]:
    return list((await db.scalars(sa.select(OutboxEvent).order_by(OutboxEvent.id))).all())


class TestStage:
    async def test_rows_of_several_tables_are_written_at_the_commit(self, db: Database) -> None:
        clinic = await a_clinic(db)
        rows = [an_event(clinic, patient_id=new_id() if number % 2 else None) for number in range(5)]

        for row in rows:
            db.stage(OutboxEvent, row)
        for version in (2, 3):
            db.stage(ProtocolVersion, a_version(clinic, version, signed_off_at=clock.now() if version == 3 else None))
        await db.finish()

        stored = await events_of(db)
        assert [(e.id, e.patient_id, e.happened_at) for e in stored] == [
            (row["id"], row["patient_id"], row["happened_at"]) for row in rows
        ]
        versions = (await db.scalars(sa.select(ProtocolVersion).order_by(ProtocolVersion.version))).all()
        assert [version.version for version in versions] == [1, 2, 3]
        assert versions[1].figures == Protocol().model_dump(mode="json")
        assert versions[1].reason == 'It\'s "quoted", and {braced}, and 🙂'
        assert versions[1].signed_off_at is None
        assert versions[2].signed_off_at is not None

    async def test_all_of_them_go_in_one_statement_on_postgresql(self, db: Database, queries: list[str]) -> None:
        clinic = await a_clinic(db)
        await db.finish()
        queries.clear()

        for version in (2, 3):
            db.stage(ProtocolVersion, a_version(clinic, version))
        db.stage(OutboxEvent, an_event(clinic))
        db.stage_change(Clinic, {"id": clinic.id}, {"protocol_version": 3})
        await db.finish()

        assert len([query for query in queries if "INSERT" in query or "UPDATE" in query]) == (
            1 if db.is_postgresql else 3
        )
        db.expire_all()
        assert await db.scalar(sa.select(Clinic.protocol_version)) == 3

    async def test_one_row_and_many_rows_are_the_same(self, db: Database) -> None:
        clinic = await a_clinic(db)

        for count in (1, 2, 1, 50):
            for _ in range(count):
                db.stage(OutboxEvent, an_event(clinic))
            await db.flush_staged()

        assert len(await events_of(db)) == 54

    async def test_nothing_and_none_in_json_are_told_apart_from_text(self, db: Database) -> None:
        clinic = await a_clinic(db)
        values = [{}, {"a": None}, {"a": "null"}, {"ü": [1, 2.5, "x", True, None, {"y": "'\"\\"}]}]

        for version, figures in enumerate(values, 2):
            db.stage(ProtocolVersion, a_version(clinic, version, figures=figures))
        await db.finish()
        db.expire_all()

        stored = (await db.scalars(sa.select(ProtocolVersion).order_by(ProtocolVersion.version))).all()
        assert [row.figures for row in stored[1:]] == values

    async def test_the_last_change_of_a_row_wins(self, db: Database) -> None:
        clinic = await a_clinic(db)
        await db.flush()

        db.stage_change(Clinic, {"id": clinic.id}, {"name": "First"})
        db.stage_change(Clinic, {"id": clinic.id}, {"name": "Second"})
        await db.finish()

        assert await db.scalar(sa.select(Clinic.name)) == "Second"

    async def test_a_change_of_a_composite_key_touches_that_row_only(self, db: Database) -> None:
        clinic_id, other_id = (await a_clinic(db)).id, (await a_clinic(db)).id
        await db.flush()

        db.stage_change(ProtocolVersion, {"clinic_id": clinic_id, "version": 1}, {"reason": "new", "figures": {"x": 1}})
        await db.finish()
        db.expunge_all()

        stored = {row.clinic_id: row for row in await db.scalars(sa.select(ProtocolVersion))}
        assert (stored[clinic_id].reason, stored[clinic_id].figures) == ("new", {"x": 1})
        assert stored[other_id].reason != "new"

    async def test_what_the_unit_of_work_holds_is_written_before(self, db: Database) -> None:
        clinic = Clinic(
            id=new_id(), name="New", time_zone="UTC", locale="en", protocol_version=1, created_at=clock.now()
        )
        db.add(clinic)
        db.stage_change(Clinic, {"id": clinic.id}, {"name": "Renamed"})

        await db.finish()

        assert await db.scalar(sa.select(Clinic.name)) == "Renamed"

    async def test_abandoning_forgets_staged_rows_too(self, db: Database) -> None:
        clinic = await a_clinic(db)
        await db.finish()
        db.stage(OutboxEvent, an_event(clinic))
        db.stage_change(Clinic, {"id": clinic.id}, {"name": "Never"})

        await db.abandon()
        await db.finish()

        assert await events_of(db) == []
        assert await db.scalar(sa.select(Clinic.name)) == "Riverside"

    async def test_a_refusal_keeps_what_is_lasting_and_nothing_else(self, db: Database) -> None:
        clinic = await a_clinic(db)
        await db.finish()
        kept, undone = an_event(clinic), an_event(clinic)
        db.stage(OutboxEvent, kept, lasting=True)
        db.stage(OutboxEvent, undone)
        await db.flush_staged()  # even if it was written already

        await db.refuse()

        assert [event.id for event in await events_of(db)] == [kept["id"]]

    async def test_what_was_committed_once_is_not_written_again(self, db: Database) -> None:
        clinic = await a_clinic(db)
        db.stage(OutboxEvent, an_event(clinic), lasting=True)
        await db.finish()

        await db.refuse()

        assert len(await events_of(db)) == 1


class TestUnitOfWork:
    async def test_all_of_it_is_stored(self, engine: AsyncEngine, db: Database, settings: Any) -> None:
        async with unit_of_work(engine) as work:
            clinic = await a_clinic(work)
            work.stage(OutboxEvent, an_event(clinic))

        assert len(await events_of(db)) == 1

    async def test_or_nothing(self, engine: AsyncEngine, db: Database, settings: Any) -> None:
        async def fail_in_the_middle() -> None:
            async with unit_of_work(engine) as work:
                work.stage(OutboxEvent, an_event(await a_clinic(work)))
                raise LookupError

        with pytest.raises(LookupError):
            await fail_in_the_middle()

        assert await events_of(db) == []
        assert await db.scalar(sa.select(sa.func.count()).select_from(Clinic)) == 0


class TestTransaction:
    async def test_a_commit_that_fails_is_never_answered_with_success(
        self,
        as_patient: httpx2.AsyncClient,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        commit = Database.commit

        async def fail(self: Database) -> None:
            if self is db:
                await commit(self)
                return
            raise RuntimeError(CANARY)

        monkeypatch.setattr(Database, "commit", fail)

        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        monkeypatch.undo()
        assert answer.status_code == 500
        assert "CANARY" not in answer.text
        assert await db.scalar(sa.select(sa.func.count()).select_from(CheckIn)) == 0

    async def test_a_staged_row_that_clashes_undoes_all_of_the_request(
        self,
        as_patient: httpx2.AsyncClient,
        cast: Cast,
        db: Database,
        logs: io.StringIO,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A unique clash at the commit: the note of the patient must be in neither the answer nor the log."""
        taken = new_id()
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        monkeypatch.setattr("app.events.service.new_id", lambda: taken)
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report() | {"note": CANARY})

        assert answer.status_code == 500
        assert answer.json()["code"] == "internal_error"
        assert "CANARY" not in answer.text
        assert "CANARY" not in logs.getvalue()
        assert "IntegrityError" in logs.getvalue()
        if db.is_postgresql:
            assert "pk_outbox_events" in logs.getvalue()
            assert "23505" in logs.getvalue()
        assert await db.scalar(sa.select(sa.func.count()).select_from(CheckIn)) == 2
        assert await db.scalar(sa.select(PatientRevision.revision).order_by(PatientRevision.revision.desc())) == 2

    async def test_the_next_request_is_served_after_a_fault(
        self, as_patient: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("app.events.service.new_id", lambda: "no id")
            assert (await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())).status_code == 500

        assert (await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())).status_code == 201


class TestParameters:
    async def test_they_are_in_no_exceptions_text(self, db: Database) -> None:
        clinic = await a_clinic(db)
        await db.finish()
        row = a_version(clinic, 1, reason=CANARY)

        with pytest.raises(IntegrityError) as clash:
            await db.execute(sa.insert(ProtocolVersion), [row])

        await db.rollback()
        assert "CANARY" not in str(clash.value).replace(f"({CANARY})", "") or db.is_postgresql


class TestNewSession:
    async def test_sessions_of_one_engine_do_not_share_what_is_staged(
        self, engine: AsyncEngine, db: Database, settings: Any
    ) -> None:
        clinic = await a_clinic(db)
        await db.finish()
        other = new_session(engine)
        other.stage(OutboxEvent, an_event(clinic))

        await db.finish()
        await other.abandon()
        await other.close()

        assert await events_of(db) == []


class TestWholeTables:
    """Every table that is staged in the application, once, with the values that its columns can hold."""

    async def test_a_check_in_with_everything(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        batch = [a_report() | {"id": str(an_id()), "note": "one"}, {"id": str(an_id()), "note": "two"}]

        answer = await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": batch})

        assert answer.status_code == 200
        for model, count in ((CheckIn, 1), (Observation, 4), (QuarantinedSubmission, 1)):
            assert await db.scalar(sa.select(sa.func.count()).select_from(model)) == count
        assert await db.scalar(sa.select(CheckIn.note)) == "one"
        assert '"two"' in str(await db.scalar(sa.select(QuarantinedSubmission.content)))
        assert await db.scalar(sa.select(sa.func.count()).select_from(InstrumentWording)) == 0

    async def test_a_batch_may_create_and_correct_one_check_in(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        first = a_report() | {"id": str(an_id()), "note": "first"}

        answer = await as_patient.post(
            "/v1/me/check-ins/batch", json={"check_ins": [first, first | {"note": "second", "base_version": 1}]}
        )

        outcomes = [result["outcome"] for result in answer.json()["results"]]
        stored = (await db.scalars(sa.select(CheckIn))).one()
        assert (outcomes, stored.version, stored.note) in [
            (["created", "corrected"], 2, "second"),
            (["created", "conflict"], 1, "first"),
        ]

    async def test_an_audit_entry_is_staged_for_each_request(
        self, as_patient: httpx2.AsyncClient, db: Database, new_client: Callable[..., httpx2.AsyncClient]
    ) -> None:
        for _ in range(3):
            await as_patient.get("/v1/me")

        assert await db.scalar(sa.select(sa.func.count()).where(AuditEntry.operation == "read_profile")) == 3
