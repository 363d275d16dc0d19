"""Columns keep their promises on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import StatementError

from app.core import clock, crypto
from app.core.columns import Instant, Sealed
from app.core.db import Base, Database
from app.core.ids import new_id
from app.events.models import OutboxEvent
from app.identity.models import Clinic
from tests.cast import Cast
from tests.core.conftest import CANARY
from tests.factories import a_clinic, a_report, an_id

SQLITE, POSTGRESQL = sqlite.dialect(), postgresql.dialect()  # type: ignore[no-untyped-call]
NOT_ABOUT_A_PERSON = {
    "clinics.name",
    "protocol_versions.reason",
    "audit_entries.reason",
    "instrument_wordings.wording",
    "appointments.reason",  # one of a list, no words of anyone
    "appointment_steps.reason",
    "webhook_endpoints.name",  # a short name of a system, such as hospital-ehr
    "check_in_templates.content",  # keys of instruments, times of day
    "check_in_templates.reason",
    "check_in_plans.content",  # the same; why it is so is sealed
    "working_hours.content",  # days and times
    "rooms.name",
    "groups.name",  # what the clinic calls it; who is in it is not said
    "group_sessions.reason",  # one of a list, no words of anyone
    "on_call_rosters.content",  # hours, ids, and how the clinic itself is reached
}
INSTANTS = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001  the strategy adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001  the strategy adds the zone
    timezones=st.builds(timezone, st.timedeltas(timedelta(hours=-14), timedelta(hours=14))),
)


class TestInstant:
    @given(INSTANTS)
    def test_comes_back_from_sqlite_as_the_same_moment(self, moment: datetime) -> None:
        column = Instant()

        stored = column.process_bind_param(moment, SQLITE)
        back = column.process_result_value(stored, SQLITE)

        assert isinstance(stored, int)
        assert back == moment
        assert back is not None
        assert back.tzinfo is UTC

    @given(INSTANTS, INSTANTS)
    def test_sorts_in_sqlite_as_moments_do(self, one: datetime, other: datetime) -> None:
        column = Instant()

        assert (column.process_bind_param(one, SQLITE) < column.process_bind_param(other, SQLITE)) == (one < other)

    @pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL])
    def test_refuses_a_time_that_names_no_moment(self, dialect: Any) -> None:
        with pytest.raises(ValueError, match="naive"):
            Instant().process_bind_param(datetime(2026, 11, 22), dialect)  # noqa: DTZ001  that is the point

    async def test_refuses_it_in_a_statement_too(self, db: Database) -> None:
        clinic = await a_clinic(db)
        clinic.created_at = datetime(2026, 11, 22)  # noqa: DTZ001  that is the point

        with pytest.raises(StatementError, match="naive"):
            await db.flush()

    @pytest.mark.parametrize("offset", [-8, 0, 1, 5.75, 14])
    @pytest.mark.parametrize("staged", [True, False])
    async def test_is_kept_to_the_microsecond_whatever_its_offset(
        self, db: Database, offset: float, staged: bool
    ) -> None:
        clinic = await a_clinic(db)
        moment = datetime(2026, 3, 29, 1, 59, 59, 123457, tzinfo=timezone(timedelta(hours=offset)))
        row = {
            "id": new_id(), "clinic_id": clinic.id, "type": "protocol.changed", "patient_id": None,
            "subject_id": clinic.id, "version": 1, "happened_at": moment,
        }  # fmt: skip

        if staged:
            db.stage(OutboxEvent, row)
        else:
            db.add(OutboxEvent(**row))
        await db.finish()
        db.expunge_all()

        (event,) = await db.scalars(sa.select(OutboxEvent))
        assert event.happened_at == moment
        assert event.happened_at.utcoffset() == timedelta(0)
        assert await db.scalar(sa.select(OutboxEvent.id).where(OutboxEvent.happened_at == moment)) == event.id
        assert await db.scalar(sa.select(OutboxEvent.id).where(OutboxEvent.happened_at > moment)) is None

    async def test_nothing_stays_nothing(self) -> None:
        for dialect in (SQLITE, POSTGRESQL):
            assert Instant().process_bind_param(None, dialect) is None
            assert Instant().process_result_value(None, dialect) is None


class TestSealed:
    @pytest.fixture(autouse=True)
    def _ring(self) -> None:
        crypto.install(["a-secret-of-a-test-that-is-long-enough"])

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text())
    def test_opens_to_what_was_sealed(self, text: str) -> None:
        column = Sealed("table.column")

        sealed = column.process_bind_param(text, SQLITE)

        assert column.process_result_value(sealed, SQLITE) == text
        assert sealed is not None
        assert len(text) < 4 or text.encode() not in sealed

    def test_the_same_text_is_never_sealed_alike(self) -> None:
        column = Sealed("table.column")

        assert column.process_bind_param("x", SQLITE) != column.process_bind_param("x", SQLITE)

    def test_nothing_stays_nothing(self) -> None:
        assert Sealed("table.column").process_bind_param(None, SQLITE) is None
        assert Sealed("table.column").process_result_value(None, SQLITE) is None

    def test_cannot_be_moved_to_another_column(self) -> None:
        sealed = Sealed("table.column").process_bind_param("x", SQLITE)

        with pytest.raises(ValueError, match="moved"):
            Sealed("table.other").process_result_value(sealed, SQLITE)

    def test_each_is_bound_to_the_column_it_stands_in(self) -> None:
        places = {
            f"{table.name}.{column.name}": column.type.place
            for table in Base.metadata.tables.values()
            for column in table.columns
            if isinstance(column.type, Sealed)
        }

        assert places
        assert {name: place for name, place in places.items() if name != place} == {}

    def test_every_column_of_free_text_or_names_is_sealed(self) -> None:
        plain = {
            f"{table.name}.{column.name}"
            for table in Base.metadata.tables.values()
            for column in table.columns
            if column.name in {"note", "email", "display_name", "content", "location", "name", "reason", "wording"}
            and not isinstance(column.type, Sealed)
        }

        assert plain <= NOT_ABOUT_A_PERSON


class TestAtRest:
    async def test_nothing_of_what_was_written_can_be_read_in_the_file(
        self, as_patient: httpx2.AsyncClient, cast: Cast, db: Database, new_client: Any
    ) -> None:
        coordinator = new_client(cast.coordinator.token)
        address = f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=a_report() | {"note": CANARY})
        await as_patient.put(address, json=a_report() | {"note": f"{CANARY} again"}, headers={"If-Match": '"1"'})
        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [{"id": str(an_id()), "note": CANARY}]})
        patient = (await coordinator.post("/v1/patients", json={"display_name": f"{CANARY} R."})).json()
        await coordinator.post(f"/v1/patients/{patient['id']}/invitations")
        await db.finish()

        stored = await everything_stored(db)

        assert b"craving_nrs" in stored  # scores are plain, so that trends can be computed
        assert b"CANARY" not in stored
        assert b"Sam R." not in stored
        assert cast.patient.email.encode() not in stored


async def everything_stored(db: Database) -> bytes:
    """All bytes of the SQLite file and its log; on PostgreSQL every row of every table as the server prints it."""
    if db.is_postgresql:
        parts = []
        for table in Base.metadata.sorted_tables:
            found = await db.execute(sa.text(f"SELECT t::text FROM {table.name} AS t"))
            parts += [row[0].encode() for row in found]
        return b"\n".join(parts)
    path = Path((await db.connection()).engine.url.database or "")
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_now_is_aware() -> None:
    assert clock.now().tzinfo is UTC
    assert isinstance(Clinic.__table__.c.created_at.type, Instant)
