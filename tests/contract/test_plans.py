"""What the statements that are sent all day read in a clinic with thousands of patients: few rows, whatever is there.

PostgreSQL may find the same rows by walking through all of a clinic where it thinks that cheaper. Each statement of a
request is planned and run once more after the clinic grew, as the application, and everything is undone.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.databases import connected
from tests.factories import a_report, an_id
from tests.postgresql import APPLICATION

pytestmark = [pytest.mark.anyio, pytest.mark.postgresql]

OTHERS: Final = 2_000
MOST: Final = 120
"""Rows that a statement may look at: those of one patient and of one page."""
CLONED: Final = (
    ("patients", "id", {"id": "n.patient"}),
    ("patient_revisions", "patient_id", {"patient_id": "n.patient"}),
    ("patient_summaries", "patient_id", {"patient_id": "n.patient"}),
    ("timeline_anchors", "patient_id", {"patient_id": "n.patient", "id": "n.session"}),
    ("dosing_sessions", "patient_id", {"patient_id": "n.patient", "id": "n.session"}),
    ("care_team_members", "patient_id", {"patient_id": "n.patient", "id": "gen_random_uuid()"}),
)
OF_THE_SIGNED_IN: Final = (
    ("memberships", "patient_id", {"patient_id": "n.patient", "id": "n.member", "account_id": "gen_random_uuid()"}),
    ("devices", "membership_id", {"membership_id": "n.member", "id": "gen_random_uuid()"}),
)
WRITTEN: Final = ("observations", "timeline_moments", "check_ins", "outbox_events", "audit_entries")
"""What a request writes, so that its statements can be run once more."""


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    made = await a_cast(db, settings)
    await db.finish()
    return made


@pytest.fixture
def sent(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that were sent since it was cleared, with what the driver was given."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "rate_limits" not in statement and not statement.startswith("NOTIFY"):
            seen.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("signed_in", [True, False], ids=["patients with phones", "patients without"])
async def test_read_few_rows(
    cast: Cast,
    new_client: Callable[..., httpx2.AsyncClient],
    sent: list[tuple[str, Any]],
    superuser_url: str,
    *,
    signed_in: bool,
) -> None:
    patient, nurse = new_client(cast.patient.token), new_client(cast.nurse.token)
    session = f"/v1/patients/{cast.patient_id}/dosing-sessions/{an_id()}"
    in_a_week = {"scheduled_at": (datetime.now(UTC) + timedelta(days=7)).isoformat()}
    planned = await new_client(cast.coordinator.token).put(session, json=in_a_week)
    assert planned.status_code == 201, planned.text
    trend = "trends?measure=craving&substance=alcohol"
    statements: list[tuple[str, str, Any]] = []
    for client, method, path, body in (
        (patient, "PUT", "/v1/me/check-ins/{new_id}", a_report),
        (patient, "GET", f"/v1/me/{trend}", None),
        (nurse, "GET", f"/v1/patients/{cast.patient_id}/{trend}", None),
        (nurse, "GET", f"/v1/dosing-sessions/{planned.json()['id']}", None),
        (nurse, "POST", f"/v1/dosing-sessions/{planned.json()['id']}/arrival", None),
        (nurse, "GET", "/v1/panel", None),
    ):
        for _ in range(2):  # the first confirms the token
            sent.clear()
            await client.request(method, path.format(new_id=an_id()), json=None if body is None else body())
        assert sent
        statements += [(f"{method} {path}", *each) for each in sent]

    read = await _rows_read(superuser_url, cast, statements, signed_in=signed_in)

    assert {work: rows for work, rows in read.items() if rows > MOST} == {}


async def _rows_read(
    superuser_url: str, cast: Cast, statements: list[tuple[str, str, Any]], *, signed_in: bool
) -> dict[str, float]:
    """The rows that each statement looks at, as the application, with a plan that is kept for any arguments."""
    read = {}
    async with connected(superuser_url) as connection:
        whole = connection.transaction()
        await whole.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        for table in WRITTEN:
            await connection.execute(f"DELETE FROM {table}")
        await _grow(connection, cast, signed_in=signed_in)
        await connection.execute(f"ANALYZE {', '.join(table for table, *_ in CLONED + OF_THE_SIGNED_IN)}")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"SET LOCAL ROLE {APPLICATION}; SET LOCAL app.clinic_id = '{cast.clinic.id}'")
        for work, statement, arguments in statements:
            undone = connection.transaction()
            await undone.start()
            told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
            await undone.rollback()
            read[f"{work}\n{statement}\n{told}"] = _looked_at(json.loads(told)[0]["Plan"])
        await whole.rollback()
    return read


async def _grow(connection: Any, cast: Cast, *, signed_in: bool) -> None:
    """Let the clinic have many more patients like the one of the cast, as some time went by."""
    await connection.execute(
        "CREATE TEMP TABLE n ON COMMIT DROP AS SELECT gen_random_uuid() AS patient, gen_random_uuid() AS member, "
        f"gen_random_uuid() AS session FROM generate_series(1, {OTHERS})"
    )
    whose = {"membership_id": cast.patient.membership.id}
    for table, key, new in CLONED + OF_THE_SIGNED_IN * signed_in:
        columns = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
            table,
        )
        names = [column["column_name"] for column in columns]
        values = ", ".join(new.get(name, f"t.{name}") for name in names)
        made = await connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) "
            f"SELECT {values} FROM n, (SELECT * FROM {table} WHERE {key} = $1 LIMIT 1) AS t",
            whose.get(key, cast.patient.membership.patient_id),
        )
        assert made == f"INSERT 0 {OTHERS}", table


def _looked_at(plan: dict[str, Any]) -> float:
    """The rows that a plan takes from tables, and those that it drops after looking at them."""
    own = 0.0
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        of_loop = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = of_loop * plan["Actual Loops"]
    return own + sum(_looked_at(part) for part in plan.get("Plans", ()))
