"""Statements past SQLAlchemy's own execution: the same values, the same transaction, the same faults."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core import clock, hot
from app.core.db import EVERY_CLINIC, new_session, unit_of_work
from app.core.hot import Among, Hot, Ids, Rows
from app.events.models import OutboxEvent
from tests.factories import an_id

pytestmark = pytest.mark.anyio

_event = OutboxEvent.__table__.c
_KNOWN = Hot(
    sa.select(_event.id, _event.happened_at, _event.version).where(Among(_event.id, sa.bindparam("ids", type_=Ids())))
)
_BROKEN = Hot(sa.select((sa.literal(1) / sa.func.abs(sa.bindparam("by", type_=sa.Integer))).label("share")))


def _event_row(event_id: UUID) -> dict[str, Any]:
    return {
        "id": event_id,
        "clinic_id": an_id(),
        "type": "check_in.recorded",
        "patient_id": None,
        "subject_id": an_id(),
        "version": 3,
        "happened_at": clock.now(),
    }


async def test_sees_what_the_transaction_wrote_as_our_own_values(engine: Any) -> None:
    row, other = _event_row(an_id()), _event_row(an_id())
    async with unit_of_work(engine) as db:
        db.stage(OutboxEvent, row)
        db.stage(OutboxEvent, other)
        await db.flush_staged()

        (found,) = await db.read(_KNOWN, {"ids": [row["id"], an_id()]})

    assert (found.id, found.happened_at, found.version) == (row["id"], row["happened_at"], 3)


async def test_is_undone_with_the_transaction(engine: Any) -> None:
    row = _event_row(an_id())
    db = new_session(engine, EVERY_CLINIC)
    db.stage(OutboxEvent, row)
    await db.flush_staged()
    await db.abandon()
    await db.close()
    async with unit_of_work(engine) as db:
        assert await db.read(_KNOWN, {"ids": [row["id"]]}) == []


async def test_a_fault_is_sqlalchemys_and_tells_no_values(engine: Any) -> None:
    row = _event_row(an_id())
    db = new_session(engine, EVERY_CLINIC)
    db.stage(OutboxEvent, row)
    db.stage(OutboxEvent, row)

    with pytest.raises(IntegrityError) as caught:
        await db.flush_staged()
    await db.close()

    assert str(row["subject_id"]) not in str(caught.value)
    assert row["subject_id"].hex not in str(caught.value)


@pytest.mark.postgresql
async def test_the_connection_can_be_used_after_a_fault(engine: Any) -> None:
    with pytest.raises(DBAPIError):
        async with unit_of_work(engine) as db:
            await db.read(_BROKEN, {"by": 0})
    async with unit_of_work(engine) as db:
        assert await db.read(_KNOWN, {"ids": []}) == []


@pytest.mark.postgresql
async def test_a_connection_that_was_cut_is_given_up(engine: Any) -> None:
    ends = Hot(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))
    with pytest.raises(DBAPIError) as caught:
        async with unit_of_work(engine) as db:
            await db.read(ends)
    assert caught.value.connection_invalidated
    async with unit_of_work(engine) as db:
        assert await db.read(_KNOWN, {"ids": []}) == []


def test_one_hot_form_of_a_statement() -> None:
    statement = sa.select(_event.id)

    assert hot.of(statement) is hot.of(statement)


def test_rows_answer_what_results_do() -> None:
    from collections import namedtuple

    row = namedtuple("row", ["id", "value"])  # noqa: PYI024  as in `hot`
    rows = Rows([row(1, "a"), row(2, "b")])

    assert rows.all() == [(1, "a"), (2, "b")]
    assert rows.scalars() == [1, 2]
    assert rows.mappings()[1] == {"id": 2, "value": "b"}
    assert (Rows().first(), Rows().one_or_none(), Rows().scalar_one_or_none()) == (None, None, None)
    assert Rows(rows[:1]).scalar_one() == Rows(rows[:1]).scalar_one_or_none() == 1
    with pytest.raises(LookupError):
        rows.one_or_none()
    with pytest.raises(ValueError, match="too many"):
        rows.one()
