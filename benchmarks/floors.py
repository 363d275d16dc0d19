"""The floors: bare ASGI applications that do the least that the row they belong to could do.

Each is run by the same server, with the same settings, on the same database as Afterglow. `FLOOR_DSN` names the
database; the path chooses the floor.
"""

import json
import os
import uuid
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

PATIENT = os.environ.get("FLOOR_PATIENT", str(uuid.UUID(int=0)))
CLINIC = os.environ.get("FLOOR_CLINIC", str(uuid.UUID(int=0)))
_pools: list[Any] = []

INSERT = "INSERT INTO floor_rows (id, patient_id, body, at) VALUES ($1, $2, $3, $4)"
RAW = (
    "SELECT recorded_at, value FROM observations WHERE clinic_id = $1 AND patient_id = $2 AND measure = 'craving' "
    "AND substance = 'alcohol' ORDER BY recorded_at LIMIT 900"
)
DAILY = (
    "SELECT local_day, avg(value), min(value), max(value), count(*) FROM observations WHERE clinic_id = $1 "
    "AND patient_id = $2 AND measure = 'craving' AND substance = 'alcohol' AND local_day BETWEEN $3 AND $4 "
    "GROUP BY local_day ORDER BY local_day"
)
SESSIONS = "SELECT * FROM dosing_sessions WHERE clinic_id = $1 AND scheduled_at >= $2 AND scheduled_at < $3"

PANEL = "SELECT * FROM patient_summaries WHERE clinic_id = $1 ORDER BY need, patient_id LIMIT 50"


async def _opened() -> Any:
    if not _pools:
        _pools.append(await asyncpg.create_pool(os.environ["FLOOR_DSN"], min_size=8, max_size=8))
    return _pools[0]


async def _insert(body: bytes) -> bytes:
    async with (await _opened()).acquire() as connection:
        await connection.execute(INSERT, uuid.uuid4(), uuid.UUID(PATIENT), body.decode(), datetime.now(UTC))
    return b'{"ok":true}'


async def _raw(_: bytes) -> bytes:
    async with (await _opened()).acquire() as connection:
        rows = await connection.fetch(RAW, uuid.UUID(CLINIC), uuid.UUID(PATIENT))
    return json.dumps([[row[0].isoformat(), row[1]] for row in rows]).encode()


async def _daily(_: bytes) -> bytes:
    first, last = (date.fromisoformat(os.environ[name]) for name in ("FLOOR_FROM", "FLOOR_TO"))
    async with (await _opened()).acquire() as connection:
        rows = await connection.fetch(DAILY, uuid.UUID(CLINIC), uuid.UUID(PATIENT), first, last)
    return json.dumps([[row[0].isoformat(), *row[1:]] for row in rows]).encode()


async def _sessions(_: bytes) -> bytes:
    first, last = (datetime.fromisoformat(os.environ[name]) for name in ("FLOOR_DAY", "FLOOR_NEXT_DAY"))
    async with (await _opened()).acquire() as connection:
        rows = await connection.fetch(SESSIONS, uuid.UUID(CLINIC), first, last)
    return json.dumps([{name: str(value) for name, value in row.items()} for row in rows]).encode()


async def _panel(_: bytes) -> bytes:
    async with (await _opened()).acquire() as connection:
        rows = await connection.fetch(PANEL, uuid.UUID(os.environ["FLOOR_PANEL"]))
    return json.dumps([{name: str(value) for name, value in row.items()} for row in rows]).encode()


async def _hello(_: bytes) -> bytes:
    return b"hello"


FLOORS = {
    "/insert": _insert,
    "/raw": _raw,
    "/daily": _daily,
    "/sessions": _sessions,
    "/panel": _panel,
    "/hello": _hello,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """All floors."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    answer = await FLOORS[scope["path"]](body)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": answer})
