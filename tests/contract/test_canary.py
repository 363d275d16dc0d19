"""What a patient says is where it belongs and nowhere else: in no log, no error, no event, no address, no plain file.

The words are made up anew for each run, so that a hit in a file of the database server can only be ours.
"""

import asyncio
import io
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_ins import service as check_ins
from app.core import logging as core_logging
from app.core.db import Base, Database, create_engine
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.conftest import BASE_URL
from tests.databases import Databases, connected
from tests.factories import PASSWORD, a_member_of_staff, a_report, an_id

JSON = {"Content-Type": "application/json"}
FIRST = {"If-Match": '"1"'}
MAY_SHOW = {
    "note": {
        "submitCheckIn", "readMyCheckIn", "listMyCheckIns", "listMyCheckInVersions", "readPatientCheckIn",
        "listPatientCheckIns", "listPatientCheckInVersions", "listQuarantinedCheckIns", "submitCheckInBatch",
        "exportMyRecord", "exportMyRecordAsHtml", "exportMyRecordAsPdf", "listMyChanges",
    },
    "name": {
        "readProfile", "listPatients", "readPatient", "enrolPatient", "setCareTeam", "exportMyRecord",
        "exportMyRecordAsHtml", "exportMyRecordAsPdf",
    },
    "reason": {
        "cancelDosingSession", "listDosingSessions", "readDosingSession", "exportMyRecord", "exportMyRecordAsHtml",
        "exportMyRecordAsPdf", "listMyDosingSessions", "readMyDosingSession",
    },
    "story": {
        "writeJournalEntry", "readMyJournalEntry", "listMyJournalEntries", "shareJournalEntry", "exportMyRecord",
        "exportMyRecordAsHtml", "exportMyRecordAsPdf", "listMyChanges",
    },
    "email": {"readProfile", "exportMyRecord", "exportMyRecordAsHtml", "exportMyRecordAsPdf"},
    "password": set(),
    "sought": set(),
}  # fmt: skip
"""Which operations may answer with which of the words. Passwords and what was looked for come back from none."""


@dataclass
class Words:
    """One thing of each kind that a person writes or is given."""

    note: str
    name: str
    reason: str
    story: str
    email: str
    password: str
    sought: str
    handed_out: list[str] = field(default_factory=list)

    @classmethod
    def new(cls) -> "Words":
        def word() -> str:
            return f"canary{secrets.token_hex(8)}"

        return cls(
            f"{word()} said", word(), word(), f"{word()} wrote", f"{word()}@example.org", f"{word()}-{word()}", word()
        )

    def said(self) -> dict[str, str]:
        """By kind."""
        return {kind: getattr(self, kind) for kind in MAY_SHOW}


@pytest.fixture
def words() -> Words:
    return Words.new()


@pytest.fixture
def logs(app: FastAPI, settings: Settings) -> Iterator[io.StringIO]:
    """Everything that anybody logs with the level at its lowest, but for the client of the tests."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    core_logging.configure(settings.model_copy(update={"log_level": "DEBUG"}))
    (ours,) = root.handlers
    assert isinstance(ours.formatter, structlog.stdlib.ProcessorFormatter)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(ours.formatter)
    handler.addFilter(lambda record: not record.name.startswith(("httpx2", "httpcore2")))
    root.handlers = [handler]
    yield written
    root.handlers = before
    root.setLevel(level)


@pytest.fixture
async def talkative(app: FastAPI, settings: Settings, logs: io.StringIO) -> AsyncIterator[AsyncEngine]:
    """An engine that was made while the level was at its lowest, since SQLAlchemy looks only then."""
    engine = create_engine(settings)
    yield engine
    await engine.dispose()


@dataclass
class Teller:
    """Sends requests, and keeps what came back by operation."""

    app: FastAPI
    document: dict[str, Any]
    heard: list[tuple[str, int, str, str]] = field(default_factory=list)

    def operation(self, method: str, path: str) -> str:
        steps = path.strip("/").split("/")
        for template, item in self.document["paths"].items():
            parts = template.strip("/").split("/")
            fits = len(parts) == len(steps) and all(
                p.startswith("{") or p == s for p, s in zip(parts, steps, strict=True)
            )
            if fits and method.lower() in item:
                return str(item[method.lower()]["operationId"])
        return "none"

    async def ask(self, token: str | None, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Accept-Encoding": "identity"} | more.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as caller:
            answer = await caller.request(method, path, headers=headers, **more)
        told = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        operation = self.operation(method, path.partition("?")[0])
        self.heard.append((operation, answer.status_code, told, answer.text))
        return answer


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    found = await a_cast(db, settings)
    await db.finish()
    return found


@pytest.fixture
async def teller(app: FastAPI, talkative: AsyncEngine, cast: Cast) -> Teller:
    app.state.engine = talkative
    return Teller(app, app.openapi())


async def live(teller: Teller, cast: Cast, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can happen to the words of a person: kept, refused, clashing, unreadable, lost in a fault."""
    patient, clinic = cast.patient.token, cast.coordinator.token
    address, report = f"/v1/me/check-ins/{an_id()}", a_report(note=words.note)
    odd = {"instrument": words.note, "version": "1", "answers": {words.note: 1}}
    statuses = [
        await teller.ask(patient, "PUT", address, json=report),
        await teller.ask(patient, "PUT", address, json=report),
        await teller.ask(patient, "PUT", address, json=report | {"note": words.note * 2}),
        await teller.ask(patient, "PUT", address, json=report | {"note": f"{words.note} later"}, headers=FIRST),
        await teller.ask(patient, "PUT", address, json=report | {"time_zone": words.note, words.note: words.note}),
        await teller.ask(patient, "PUT", address, content=f'{{"note": "{words.note}', headers=JSON),
        await teller.ask(patient, "PUT", address, content=words.note, headers={"Content-Type": "text/plain"}),
        await teller.ask(patient, "PUT", address, json=report, headers={"If-Match": f'"{words.note}"'}),
        await teller.ask(patient, "POST", "/v1/me/check-ins/batch", json={"check_ins": [
            report | {"id": str(an_id())},
            {"id": str(an_id()), "note": words.note, words.note: 1},
            report | {"id": str(an_id()), "responses": [odd]},
            words.note,
        ]}),
        await teller.ask(patient, "GET", f"/v1/me/check-ins/{words.sought}"),
        await teller.ask(patient, "GET", f"/v1/me/check-ins?cursor={words.sought}&from={words.sought}"),
        await teller.ask(patient, "GET", f"/{words.sought}?{words.sought}", headers={"X-Request-Id": words.sought}),
        await teller.ask(words.sought, "GET", "/v1/me", headers={"Cookie": words.sought, "User-Agent": words.sought}),
    ]  # fmt: skip
    assert {answer.status_code for answer in statuses} >= {200, 201, 400, 401, 404, 409, 415, 422}
    await _write(teller, patient, words)
    await _enrol(teller, clinic, words)
    await _cancel(teller, cast, words)
    await _break(teller, cast, words, monkeypatch)


async def _write(teller: Teller, patient: str, words: Words) -> None:
    """A journal: what is kept, what was shared for a while, what was deleted, and what was refused."""
    statuses: list[int] = []
    for fate in ("kept", "shared for a while", "deleted"):
        address = f"/v1/me/journal-entries/{an_id()}"
        entry = {"text": words.story, "written_at": "2026-11-20T20:00:00Z", "time_zone": "Europe/Berlin"}
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("PUT", address, {"json": entry}),
            ("PUT", address, {"json": entry | {"text": f"{words.story} {fate}"}}),
            ("PUT", address, {"json": entry | {"time_zone": words.story, words.story: words.story}}),
            ("PUT", address, {"content": f'{{"text": "{words.story}', "headers": JSON}),
            ("POST", f"{address}/sharing", {"json": {"shared": words.story}}),
        ]
        if fate != "kept":
            asked += [
                ("POST", f"{address}/sharing", {"json": {"shared": True}, "headers": FIRST}),
                ("POST", f"{address}/sharing", {"json": {"shared": False}}),
            ]
        if fate == "deleted":
            asked += [("DELETE", address, {}), ("PUT", address, {"json": entry})]
        statuses += [(await teller.ask(patient, method, path, **more)).status_code for method, path, more in asked]
    assert set(statuses) == {200, 201, 204, 400, 410, 422, 428}


async def _enrol(teller: Teller, clinic: str, words: Words) -> None:
    """From a name to an account, with every wrong turn there is."""
    enrolled = await teller.ask(clinic, "POST", "/v1/patients", json={"display_name": words.name})
    code = (await teller.ask(clinic, "POST", f"/v1/patients/{enrolled.json()['id']}/invitations")).json()["code"]
    activation = {"invitation_code": code, "email": words.email, "password": words.password, "device_label": "a phone"}
    sign_in = {"email": words.email, "password": words.password, "device_label": "a phone"}
    await teller.ask(None, "POST", "/v1/activations", json=activation | {"invitation_code": f"{code[:-1]}!"})
    await teller.ask(None, "POST", "/v1/activations", json=activation | {"password": words.sought[:14]})
    activated = await teller.ask(None, "POST", "/v1/activations", json=activation)
    assert activated.status_code == 201, activated.text
    await teller.ask(None, "POST", "/v1/activations", json=activation)
    wrong = await teller.ask(None, "POST", "/v1/sign-ins", json=sign_in | {"password": words.sought})
    right = await teller.ask(None, "POST", "/v1/sign-ins", json=sign_in)
    tokens = [answer.json()[kind] for answer in (activated, right) for kind in ("access_token", "refresh_token")]
    form = {"grant_type": "refresh_token", "refresh_token": tokens[3]}
    refreshed = await teller.ask(None, "POST", "/oauth/token", data=form)
    await teller.ask(None, "POST", "/oauth/token", data=form | {"refresh_token": tokens[3][:-4] + "AAAA"})
    await teller.ask(refreshed.json()["access_token"], "GET", "/v1/me")
    words.handed_out += [code, code[5:], *tokens, refreshed.json()["access_token"], refreshed.json()["refresh_token"]]
    assert [answer.status_code for answer in (wrong, right, refreshed)] == [401, 201, 200]


async def _cancel(teller: Teller, cast: Cast, words: Words) -> None:
    """Words of staff about a patient."""
    address = f"/v1/patients/{cast.patient_id}/dosing-sessions/{an_id()}"
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    session = await teller.ask(cast.coordinator.token, "PUT", address, json={"scheduled_at": later})
    cancelled = await teller.ask(
        cast.prescriber.token,
        "POST",
        f"/v1/dosing-sessions/{session.json()['id']}/cancellation",
        json={"reason": words.reason},
        headers={"If-Match": session.headers["etag"]},
    )
    assert cancelled.status_code == 200, cancelled.text


async def _break(teller: Teller, cast: Cast, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults of ours, with the words in the exception; and a clash in the database."""
    address, report = f"/v1/me/check-ins/{an_id()}", a_report(note=words.note)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError(words.note, report)

    for fault in (fail, None):
        with monkeypatch.context() as patch:
            if fault:
                patch.setattr(check_ins, "submit", fault)
            else:
                teller.app.state.engine = None
            answer = await teller.ask(cast.patient.token, "PUT", address, json=report)
            assert answer.status_code == 500


async def look_around(teller: Teller, cast: Cast, officer: str) -> None:
    """Everything that can be read, by everybody."""
    ids = {"patient_id": cast.patient_id, "key": "craving_nrs", "code": "not_found"}
    people = (cast.patient, cast.other_patient, cast.prescriber, cast.nurse, cast.therapist, cast.coordinator)
    for path, item in teller.document["paths"].items():
        if "get" in item:
            for token in (*(person.token for person in people), officer, None):
                await teller.ask(token, "GET", path.format_map(_Any(ids)))


class _Any(dict[str, str]):
    def __missing__(self, _: str) -> str:
        return str(an_id())


async def stored(db: Database, databases: Databases, words: Words) -> list[tuple[str, str]]:
    """Which words stand where in the files of the database, and in the rows as the server prints them."""
    secrets_ = [*words.said().values(), *words.handed_out]
    found = []
    if db.is_postgresql:
        assert databases.superuser_url
        async with connected(databases.superuser_url) as superuser:
            await superuser.execute("CHECKPOINT")
            folder = Path(await superuser.fetchval("SHOW data_directory"))
            for table in Base.metadata.sorted_tables:
                rows = await superuser.fetch(f"SELECT t::text FROM {table.name} AS t")
                found += [(table.name, word) for row in rows for word in secrets_ if word in row[0]]
        files = await asyncio.to_thread(lambda: [file for file in folder.rglob("*") if file.is_file()])
    else:
        path = Path((await db.connection()).engine.url.database or "")
        files = list(path.parent.glob(f"{path.name}*"))
    assert sum(file.stat().st_size for file in files if file.exists()) > 100_000
    for file in files:
        content = await asyncio.to_thread(_read, file)
        found += [(file.name, word) for word in secrets_ if word.encode() in content]
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # the server recycles its log while we look
        return b""


async def test_the_words_of_a_patient_are_where_they_belong_and_nowhere_else(
    teller: Teller,
    cast: Cast,
    words: Words,
    logs: io.StringIO,
    db: Database,
    databases: Databases,
    settings: Settings,
    talkative: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    officer = await a_member_of_staff(db, settings, cast.clinic, Role.PRIVACY_OFFICER)
    await db.finish()
    await live(teller, cast, words, monkeypatch)
    teller.app.state.engine = talkative
    await look_around(teller, cast, officer.token)

    shown = {
        (kind, operation, status)
        for operation, status, _, body in teller.heard
        for kind, word in words.said().items()
        if word in body
    }
    written = logs.getvalue()
    assert {(kind, op, status) for kind, op, status in shown if op not in MAY_SHOW[kind] or status >= 400} == set()
    assert {kind for kind, _, _ in shown} >= {"note", "name", "reason", "story"}, "the words were never kept"
    everything = [*words.said().values(), *words.handed_out, PASSWORD, cast.patient.token, cast.patient.email]
    assert [word for word in everything if word in " ".join(headers for _, _, headers, _ in teller.heard)] == []
    assert written.count('"event": "request"') == len(teller.heard)
    assert "INSERT INTO" not in written, "statements come with rows and parameters, where answers are plain"
    assert [line for line in written.splitlines() for word in everything if word in line] == []
    assert await stored(db, databases, words) == []
