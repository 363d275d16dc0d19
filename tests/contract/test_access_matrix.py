"""The matrix: every route x every kind of caller x whose record, against what `expected_access.py` declares.

The routes are read off the application. Whether somebody was let in is read off the audit, which the guard writes: an
answer of 404 may come from the guard (you may not know of this patient) or from the route (there is no such check-in).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import RouteContext

from app.audit.models import AuditEntry
from app.core import clock, openapi
from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.access import AccessGuard
from app.identity.models import Device
from app.identity.permissions import Role
from tests.contract.two_clinics import FOREIGN, MINE, OTHER, STAFF, NewClient, Record, World, two_clinics
from tests.factories import Person, an_id
from tests.identity.expected_access import EXPECTED, Expected


@pytest.fixture
async def world(new_client: NewClient, db: Database, settings: Settings) -> World:
    return await two_clinics(new_client, db, settings)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, and what is declared of it."""

    route: RouteContext
    guard: Any
    expected: Expected

    @property
    def name(self) -> str:
        return str(self.route.name)

    @property
    def of_a_patient(self) -> bool:
        """Whether the address names a patient, or a thing of one."""
        return type(self.guard).__name__ == "_Allow"

    def lets_in(self, role: Role, whose: str) -> bool:
        """What is declared for this role and this record."""
        if role is Role.PATIENT:
            return self.expected.own
        return role.value in self.expected.clinic.split() or (
            role.value in self.expected.team.split() and (whose == MINE or not self.of_a_patient)
        )

    def hides(self, role: Role, whose: str) -> bool:
        """Whether the role may do this, but not know of this patient."""
        holds = role.value in f"{self.expected.clinic} {self.expected.team}".split()
        return holds and self.of_a_patient and (whose == FOREIGN or not self.lets_in(role, whose))


@pytest.fixture
def operations(app: FastAPI) -> list[Operation]:
    """Every operation that asks who is calling."""
    found = []
    for route in openapi.routes(app):
        (guard,) = openapi.guards(route.dependant)
        if isinstance(guard, AccessGuard):
            found.append(Operation(route, guard, EXPECTED.get(str(route.name), Expected())))
    assert len(found) > 60
    return found


Found = tuple[int, str, str | None]


class Asker:
    """Asks as one caller, and reads in the audit whether the guard let them in."""

    def __init__(self, client: httpx2.AsyncClient, db: Database) -> None:
        self._client, self._db = client, db

    async def answer(self, operation: Operation, record: Record, **headers: str) -> httpx2.Response:
        """Ask as plainly as can be: with an empty object where a body is expected."""
        return await self._client.request(
            next(iter(operation.route.methods or ())),
            re.sub(r"\{(\w+)\}", lambda found: _id(found[1], record), operation.route.path or ""),
            headers={"Content-Type": "application/json", **headers},
            content=b"{}" if operation.route.dependant.body_params else None,
        )

    async def ask(self, operation: Operation, record: Record) -> Found:
        """Status, the problem's code if there is one, and what the audit says."""
        return (await self.ask_all([operation], record))[operation.name]

    async def ask_all(self, operations: Iterable[Operation], record: Record) -> dict[str, Found]:
        """The same for several operations, one after the other, by their names. The audit is read once for all."""
        answers: dict[str, tuple[str, int, str]] = {}
        for operation in operations:
            request_id = str(an_id())
            answer = await self.answer(operation, record, **{"X-Request-Id": request_id})
            is_problem = answer.headers.get("content-type", "").startswith("application/problem")
            answers[request_id] = operation.name, answer.status_code, answer.json()["code"] if is_problem else ""
        entries = await self._db.execute(
            sa.select(AuditEntry.request_id, AuditEntry.outcome).where(AuditEntry.request_id.in_(answers))
        )
        noted = {entry.request_id: entry.outcome for entry in entries}
        return {name: (status, code, noted.get(key)) for key, (name, status, code) in answers.items()}


def _id(name: str, record: Record) -> str:
    return record.ids.get(name, "craving_nrs" if name == "key" else str(an_id()))


@pytest.fixture
def asker(new_client: NewClient, db: Database) -> Callable[[Person], Asker]:
    """Makes somebody ask."""
    return lambda person: Asker(new_client(person.token), db)


class TestDeclarations:
    def test_every_operation_is_declared_and_nothing_else_is(self, app: FastAPI) -> None:
        assert {str(route.name) for route in openapi.routes(app)} == set(EXPECTED)

    def test_what_is_declared_open_is_open_and_nothing_else_is(self, app: FastAPI) -> None:
        opened = {
            str(route.name) for route in openapi.routes(app) if openapi.guards(route.dependant)[0].permission is None
        }

        assert opened == {name for name, expected in EXPECTED.items() if expected.public}

    def test_what_needs_a_recent_proof_asks_for_one(self, operations: list[Operation]) -> None:
        assert {each.name for each in operations if each.guard.step_up} == {
            name for name, expected in EXPECTED.items() if expected.recent
        }


class TestStaff:
    @pytest.mark.parametrize("role", STAFF)
    async def test_get_exactly_what_is_declared(
        self, operations: list[Operation], world: World, asker: Callable[[Person], Asker], role: Role
    ) -> None:
        caller = asker(world.staff[role])
        wrong = {}
        for whose in (FOREIGN, OTHER, MINE):
            asked = [operation for operation in operations if whose == MINE or operation.of_a_patient]
            found = await caller.ask_all(asked, world.records[whose])
            for operation in asked:
                status, code, noted = found[operation.name]
                if operation.hides(role, whose):
                    right = (status, code, noted) == (404, "not_found", "denied")
                elif operation.lets_in(role, whose):
                    right = noted == "allowed" and status not in {401, 403}
                else:
                    right = (status, code, noted) == (403, "forbidden", "denied")
                if not right:
                    wrong[operation.name, whose] = (status, code, noted)

        assert wrong == {}

    async def test_without_a_second_factor_get_only_what_leads_to_one(
        self, operations: list[Operation], world: World, new_client: NewClient, db: Database, settings: Settings
    ) -> None:
        nurse = world.staff[Role.NURSE].membership
        token = identity.begin(db, settings, nurse, "a browser", methods="password").access_token
        caller, record = Asker(new_client(token), db), world.records[MINE]
        asked = [operation for operation in operations if operation.lets_in(Role.NURSE, MINE)]
        found = await caller.ask_all(asked, record)
        wrong = {}
        for operation in asked:
            status, code, noted = found[operation.name]
            expected = "allowed" if operation.expected.unproven else "denied"
            if noted != expected or (expected == "denied" and (status, code) != (403, "second_factor_needed")):
                wrong[operation.name] = (status, code, noted)

        assert wrong == {}

    async def test_with_an_old_proof_of_identity_are_asked_for_a_new_one_where_it_matters(
        self, operations: list[Operation], world: World, asker: Callable[[Person], Asker], db: Database
    ) -> None:
        for device in await db.scalars(sa.select(Device)):
            device.signed_in_at = clock.now() - timedelta(hours=2)
        sensitive = [each for each in operations if each.expected.recent]
        assert sensitive
        for operation in sensitive:
            role = next(role for role in STAFF if operation.lets_in(role, MINE))
            status, code, noted = await asker(world.staff[role]).ask(operation, world.records[MINE])

            assert (operation.name, status, code, noted) == (operation.name, 401, "recent_sign_in_required", "denied")


class TestServices:
    async def _token(self, world: World, new_client: NewClient, scopes: list[str]) -> str:
        """A program of the clinic's own systems with these permissions."""
        made = await new_client(world.staff[Role.CLINIC_ADMIN].token).post(
            "/v1/api-clients",
            json={
                "name": "The clinic's calendar",
                "authentication": "client_secret",
                "relationship": "clinic_system",
                "scopes": scopes,
            },
        )
        assert made.status_code == 201, made.text
        form = {"grant_type": "client_credentials"} | {
            name: made.json()[name] for name in ("client_id", "client_secret")
        }
        answer = await new_client().post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def test_with_all_scopes_get_exactly_what_is_declared(
        self, operations: list[Operation], world: World, new_client: NewClient, db: Database
    ) -> None:
        scopes = sorted({str(each.guard.permission) for each in operations if each.expected.service})
        caller = Asker(new_client(await self._token(world, new_client, scopes)), db)
        wrong = {}
        for whose in (FOREIGN, OTHER, MINE):
            found = await caller.ask_all(operations, world.records[whose])
            for operation in operations:
                status, code, noted = found[operation.name]
                if not operation.expected.service:
                    right = (status, code, noted) == (403, "forbidden", "denied")
                elif operation.of_a_patient and whose == FOREIGN:
                    right = (status, code, noted) == (404, "not_found", "denied")
                else:
                    right = noted == "allowed" and status not in {401, 403}
                if not right:
                    wrong[operation.name, whose] = (status, code, noted)

        assert wrong == {}

    async def test_with_one_scope_get_only_what_it_names(
        self, operations: list[Operation], world: World, new_client: NewClient, db: Database
    ) -> None:
        caller = Asker(new_client(await self._token(world, new_client, ["staff:read"])), db)
        found = await caller.ask_all(operations, world.records[MINE])
        let_in = {name for name, (_, _, noted) in found.items() if noted == "allowed"}

        assert let_in == {"list_staff"}


class TestPatients:
    async def test_get_exactly_what_is_their_own(
        self, operations: list[Operation], world: World, asker: Callable[[Person], Asker]
    ) -> None:
        """Also with their own id in a route of staff, and with somebody else's."""
        caller = asker(world.records[MINE].person)
        wrong = {}
        for whose in (FOREIGN, OTHER, MINE):
            found = await caller.ask_all(operations, world.records[whose])
            for operation in operations:
                status, code, noted = found[operation.name]
                if operation.lets_in(Role.PATIENT, whose):
                    right = noted == "allowed" and status not in {401, 403}
                    right = right and (whose == MINE or status in {200, 404, 422, 428} or not _of_a_thing(operation))
                else:
                    right = (status, code, noted) == (403, "forbidden", "denied")
                if not right:
                    wrong[operation.name, whose] = (status, code, noted)

        assert wrong == {}

    async def test_never_reach_a_thing_of_somebody_else_by_its_id(
        self, operations: list[Operation], world: World, asker: Callable[[Person], Asker]
    ) -> None:
        caller = asker(world.other_patient)
        wrong = {}
        for operation in operations:
            if operation.expected.own and _of_a_thing(operation) and "GET" in (operation.route.methods or ()):
                status, _, _ = await caller.ask(operation, world.records[MINE])
                if status != 404:
                    wrong[operation.name] = status

        assert wrong == {}


def _of_a_thing(operation: Operation) -> bool:
    return bool(re.search(r"\{(check_in_id|session_id|appointment_id)\}", operation.route.path or ""))


class TestNobody:
    def _strangers(self, world: World) -> Iterator[tuple[str, str | None]]:
        token = world.staff[Role.PRESCRIBER].token
        yield "no token", None
        yield "an empty one", ""
        yield "a refresh token", world.staff[Role.PRESCRIBER].refresh_token
        yield "a touched one", token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
        yield "a cut one", token[:40]

    async def test_gets_nothing(
        self, operations: list[Operation], world: World, new_client: NewClient, db: Database
    ) -> None:
        wrong: dict[tuple[str, str], Found] = {}
        for who, token in self._strangers(world):
            caller = Asker(new_client(token), db)
            found = await caller.ask_all(operations if token is None else operations[::7], world.records[MINE])
            wrong |= {(name, who): each for name, each in found.items() if each != (401, "unauthenticated", None)}

        assert wrong == {}

    async def test_nor_does_a_device_that_was_signed_out(
        self, operations: list[Operation], world: World, asker: Callable[[Person], Asker], db: Database
    ) -> None:
        for device in await db.scalars(sa.select(Device)):
            device.ended_at = clock.now()
        wrong = {}
        for operation in operations:
            person = world.records[MINE].person if operation.expected.own else world.staff[Role.PRESCRIBER]
            found = await asker(person).ask(operation, world.records[MINE])
            if found != (401, "unauthenticated", None):
                wrong[operation.name] = found

        assert wrong == {}
