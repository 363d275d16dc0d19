"""The hostile corpus against every operation, as everybody: no fault of ours, no undeclared answer, no echo.

Whoever may use an operation sends all of it; the others send a part, a different one for each.
"""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import HELD_BY, Permission, Role
from tests.answers import UndeclaredAnswerError
from tests.contract.hostile import AN_ID, MARK, Range, Shot
from tests.factories import Person, a_clinic, a_member_of_staff, a_patient, an_id

PARTS = 12
OF_OTHERS = 5
NewClient = Callable[..., httpx2.AsyncClient]
ANYBODY = "anybody"
STAFF: list[Role] = [role for role in Role if role not in {Role.PATIENT, Role.SERVICE}]
MAY_SHOW = frozenset({412})
"""`current` in it is what is stored, for somebody who may read it."""


@pytest.fixture
def logged(app: FastAPI) -> Iterator[list[str]]:
    """All that is logged, by anybody but the client of the tests."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {record.getMessage()} {record.exc_info}")

    keeper, root = Keeper(), logging.getLogger()
    keeper.addFilter(lambda record: not record.name.startswith("httpx2"))
    root.addHandler(keeper)
    yield lines
    root.removeHandler(keeper)


async def people(db: Database, settings: Settings) -> dict[str, Person]:
    clinic = await a_clinic(db)
    patient = await a_patient(db, settings, clinic)
    found = {"patient": patient}
    for role in STAFF:
        found[role.value] = await a_member_of_staff(db, settings, clinic, role, patients=(patient,))
    return found


def ranges_of(document: dict[str, Any]) -> list[Range]:
    return [
        Range(document, path, method, operation)
        for path, item in sorted(document["paths"].items())
        for method, operation in sorted(item.items())
    ]


def rightful(found: Range) -> str:
    """Who may use the operation."""
    permission = found.operation.get("x-permission")
    if permission is None:
        return ANYBODY
    holders = HELD_BY[Permission(permission)]
    if Role.PATIENT in holders and ("/me" in found.path or len(holders) == 1):
        return "patient"
    return next(role.value for role in STAFF if role in holders)


def parts_of(ranges: list[Range], callers: list[str]) -> Iterator[tuple[Range, str, list[Shot]]]:
    """Who sends what."""
    for found in ranges:
        shots, right = found.shots(), rightful(found)
        yield found, right, shots
        yield found, ANYBODY, found.strangers() if right != ANYBODY else []
        for number, caller in enumerate(name for name in callers if name != right):
            first = 1 + number * OF_OTHERS
            yield found, caller, [shots[0], *shots[first : first + OF_OTHERS]]


async def fire(caller: httpx2.AsyncClient, found: Range, shot: Shot, ids: dict[str, str]) -> httpx2.Response:
    filled = re.sub(r"\{([a-z_]+)\}", lambda name: shot.path.get(name[1], ids.get(name[1], AN_ID)), found.path)
    told = shot.headers | ({} if shot.content_type is None else {"Content-Type": shot.content_type})
    headers = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in told.items()]
    url = f"{filled}?{shot.query}" if shot.query else filled
    return await caller.request(found.method.upper(), url, headers=headers, content=shot.body)


def what_is_wrong(answer: httpx2.Response) -> str | None:
    if answer.status_code >= 500:
        return f"answered {answer.status_code}"
    if answer.status_code >= 400 and answer.status_code not in MAY_SHOW and MARK in answer.text:
        return f"was repeated by a {answer.status_code}: {answer.text[:300]}"
    if any(MARK in value for value in answer.headers.values()):
        return "came back in a header"
    return None


@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_that_is_sent_breaks_anything(
    part: int, app: FastAPI, new_client: NewClient, db: Database, settings: Settings, logged: list[str]
) -> None:
    cast = await people(db, settings)
    ids = {
        "patient_id": str(cast["patient"].patient_id),
        "staff_id": str(cast["therapist"].membership.id),
        "key": "craving_nrs",
        "code": "not_found",
        "session_id": str(an_id()),
        "appointment_id": str(an_id()),
    }
    callers = {name: new_client(person.token) for name, person in cast.items()} | {ANYBODY: new_client()}
    faults, sent = [], 0
    for found, name, shots in parts_of(ranges_of(app.openapi())[part::PARTS], list(callers)):
        for shot in shots:
            sent += 1
            where = f"{found.method.upper()} {found.path} as {name}, {shot.what}"
            try:
                wrong = what_is_wrong(await fire(callers[name], found, shot, ids))
            except UndeclaredAnswerError as error:
                wrong = str(error)[:400]
            if wrong:
                faults.append(f"{where}: {wrong}")

    assert not faults, f"{len(faults)} of {sent} requests:\n" + "\n".join(faults[:20])
    assert sent > 500
    assert [line for line in logged if MARK in line] == []


async def test_the_corpus_reaches_every_operation_with_every_kind_of_attack(app: FastAPI) -> None:
    document = app.openapi()
    ranges = ranges_of(document)

    assert len(ranges) == sum(len(item) for item in document["paths"].values())
    assert min(len(found.shots()) for found in ranges) > 25
    for found in ranges:
        assert bool(found.segments) == any(shot.path for shot in found.shots())
        assert any(shot.body is not None for shot in found.shots())
