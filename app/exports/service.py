"""Reading a whole record: in short steps, and again from the start if it changed meanwhile."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from anyio.lowlevel import checkpoint
from sqlalchemy.ext.asyncio import AsyncEngine

from app.consents import disclosures
from app.consents import service as consents
from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.pagination import MAX_LIMIT, PageRequest
from app.exports import care_queries, day_queries, queries, schemas, words
from app.exports.queries import Row
from app.identity.access import PatientAccess, patient_for_writing
from app.oversight import queries as oversight_queries
from app.oversight import service as oversight

PAGE: Final = 200
"""Check-ins read in one step: some milliseconds of the database, and of this process."""
TRIES: Final = 3
"""How often a record that changes under our hands is read in steps; after that it is held still."""
STAFF: Final = frozenset(
    {"staff_id", "staff_ids", "actor_id", "owner_id", "to_id", "membership_id", "session_clinician_id"}
)
"""Columns and fields with a member of staff, beside those that end in `_by`."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one patient's record, each step in a transaction of its own, or all in one that is `held`."""

    engine: AsyncEngine
    access: PatientAccess
    held: Database | None = None

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Database]:
        """A database for one step."""
        if self.held is not None:
            yield self.held
            return
        async with unit_of_work(self.engine, self.access.clinic.id) as db:
            yield db
        # Whoever waits for the connection gets it now: without a pause the next step would take it back at once.
        await checkpoint()

    async def head(self) -> schemas.RecordWithoutAnswers:
        """Everything but the lists that can be long, with the revision at which it was read."""
        access, patient = self.access, self.access.patient
        async with self.step() as db:
            revision = await queries.revision(db, patient)
            team = await queries.care_team(db, patient)
            around = await care_queries.of_sessions(db, patient)
            sessions = [one | around[one["id"]] for one in await queries.dosing_sessions(db, patient)]
            beside = await care_queries.of_patient(db, patient) | await day_queries.of_patient(db, patient)
            appointments = await queries.appointments(db, patient)
            agreed = await _agreed(db, access)
            named = set(_named([team, sessions, appointments, beside])) | _named_by(agreed)
            parts = agreed | {
                **beside,
                "profile": await queries.profile(db, patient),
                "care_team": team,
                "people": await queries.people(db, patient, named),
                "devices": await queries.devices(db, patient),
                "dosing_sessions": sessions,
                "appointments": appointments,
                "quarantined_check_ins": await queries.quarantined(db, patient),
            }
        return schemas.RecordWithoutAnswers.model_validate(
            parts
            | {
                "format": schemas.FORMAT,
                "format_version": schemas.FORMAT_VERSION,
                "exported_at": clock.now(),
                "revision": revision,
                "notice": words.NOTICE,
                "clinic": access.clinic,
                "kept": words.KEPT,
                "left_out": words.LEFT_OUT,
            }
        )

    async def check_ins(self) -> AsyncIterator[list[Row]]:
        """The check-ins in pages, the newest first, each with its earlier versions."""
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self.step() as db:
                rows = await queries.check_in_page(db, self.access.patient, after, PAGE)
                corrected = [row["id"] for row in rows if row["version"] > 1]
                earlier = await queries.earlier_versions(db, self.access.patient, corrected)
            if rows:
                yield [row | {"earlier_versions": earlier.get(row["id"], [])} for row in rows]
            if len(rows) < PAGE:
                return
            after = rows[-1]["recorded_at"], rows[-1]["id"]

    async def long(self, name: str) -> AsyncIterator[Sequence[Row]]:
        """One of `day_queries.LONG` in pages, the latest first."""
        order = day_queries.LONG[name].order
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self.step() as db:
                rows = await day_queries.page(db, self.access.patient, name, after, PAGE)
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            after = rows[-1][order], rows[-1]["id"]

    async def record_accesses(self) -> AsyncIterator[list[Row]]:
        """Who else used the record, in pages, the newest first."""
        access, cursor = self.access, None
        while True:
            async with self.step() as db:
                rows, cursor = await oversight_queries.of_record(
                    db, access.clinic.id, access.patient.id, access.caller.membership_id, PageRequest(MAX_LIMIT, cursor)
                )
            if rows:
                yield [oversight.record_access(row) for row in rows]
            if cursor is None:
                return

    async def unchanged_since(self, revision: int) -> bool:
        """Whether nothing of the record changed since this revision."""
        async with self.step() as db:
            return await queries.revision(db, self.access.patient) == revision


async def whole(
    engine: AsyncEngine,
    access: PatientAccess,
    write: Callable[[Reader, schemas.RecordWithoutAnswers], Awaitable[Written]],
) -> Written:
    """Have a copy written of one state of the record.

    Read in steps, a record could change between two of them, so its revision is compared at the end. Who sends
    check-ins faster than we read gets their record locked for the last try.
    """
    for _ in range(TRIES):
        reader = Reader(engine, access)
        head = await reader.head()
        written = await write(reader, head)
        if await reader.unchanged_since(head.revision):
            return written
    async with unit_of_work(engine, access.clinic.id) as db:
        await patient_for_writing(db, access.clinic.id, access.patient.id)
        reader = Reader(engine, access, held=db)
        return await write(reader, await reader.head())


async def _agreed(db: Database, access: PatientAccess) -> dict[str, list[Any]]:
    """What the patient signed with its texts, what they want to stay here, and what left."""
    signed = await _every(lambda page: consents.listed(db, access, page))
    return {
        "consents": [
            await consents.shown(db, access, await consents.one(db, access.patient, one["id"])) for one in signed
        ],
        "disclosure_restrictions": await _every(lambda page: disclosures.restrictions(db, access, page)),
        "disclosures": await _every(lambda page: disclosures.listed(db, access, page)),
    }


async def _every(read: Callable[[PageRequest], Awaitable[tuple[Sequence[Any], str | None]]]) -> list[Any]:
    """All pages of a list that is short for most patients."""
    rows, cursor = await read(PageRequest(MAX_LIMIT))
    every = list(rows)
    while cursor is not None:
        rows, cursor = await read(PageRequest(MAX_LIMIT, cursor))
        every += rows
    return every


def _named_by(agreed: dict[str, list[Any]]) -> set[UUID]:
    """Members of staff whom consents and disclosures refer to."""
    named = {one["witness_id"] for one in agreed["consents"]} | {one["actor_id"] for one in agreed["disclosures"]}
    return named - {None}


def _named(part: Any) -> Iterator[UUID]:  # noqa: ANN401  rows in rows
    """Members of staff whom rows refer to, however deep they stand."""
    if isinstance(part, list):
        for one in part:
            yield from _named(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name.endswith("_by") or name in STAFF:
                yield from _ids(value)
            else:
                yield from _named(value)


def _ids(value: Any) -> Iterator[UUID]:  # noqa: ANN401  a column, or a field of JSON
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, str) and _ID.fullmatch(value):
        yield UUID(value)
    elif isinstance(value, list):
        for one in value:
            yield from _ids(one)
