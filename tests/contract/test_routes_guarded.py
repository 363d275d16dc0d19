"""Every route, called by everybody: who is let in, what the others are told, and what the audit says of it.

The routes are read off the application, so that a new one is tested before anybody thinks of it.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import RouteContext
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from app.audit.models import AuditEntry
from app.core import openapi
from app.core.db import Database
from app.core.guards import Guard
from app.core.schemas import Incoming
from app.core.settings import Settings
from app.identity.access import AccessGuard
from app.identity.permissions import HELD_BY, Permission, Reach, Role, reach
from app.protocols.sections import Section
from tests.cast import Cast, a_cast
from tests.factories import Person, a_patient, an_id

NewClient = Callable[..., httpx2.AsyncClient]


def guard_of(route: RouteContext) -> Guard:
    (only,) = openapi.guards(route.dependant)
    assert isinstance(only, Guard)
    return only


def name_of(route: RouteContext) -> str:
    return str(route.name)


@pytest.fixture
def guarded(app: FastAPI) -> list[RouteContext]:
    """Every route that asks who is calling."""
    found = [route for route in openapi.routes(app) if isinstance(guard_of(route), AccessGuard)]
    assert len(found) > 40
    return found


@pytest.fixture
def of_patients(guarded: list[RouteContext]) -> list[RouteContext]:
    """Every route of a patient whom the address names."""
    found = [route for route in guarded if "{patient_id}" in (route.path or "")]
    assert len(found) > 8
    return found


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


def address_of(route: RouteContext, **ids: str) -> str:
    """An address of the route; ids that are not given are made up."""

    def fill(found: re.Match[str]) -> str:
        return ids.get(found[1], "craving_nrs" if found[1] == "key" else str(an_id()))

    return re.sub(r"\{([a-z_]+)\}", fill, route.path or "")


def method_of(route: RouteContext) -> str:
    methods = sorted(route.methods or ())
    assert len(methods) == 1
    return str(methods[0])


def has_body(route: RouteContext) -> bool:
    return bool(route.dependant.body_params)


async def call(caller: httpx2.AsyncClient, route: RouteContext, **ids: str) -> httpx2.Response:
    """Ask as plainly as can be: with an empty object where a body is expected."""
    body: dict[str, Any] = {"json": {}} if has_body(route) else {}
    return await caller.request(method_of(route), address_of(route, **ids), **body)


class TestGuards:
    def test_every_permission_is_one_of_the_table(self, guarded: list[RouteContext]) -> None:
        assert {Permission(guard_of(route).permission or "") for route in guarded} <= set(HELD_BY)

    def test_only_reading_permissions_guard_reading_routes(self, guarded: list[RouteContext]) -> None:
        wrong = [
            name_of(route)
            for route in guarded
            if (method_of(route) == "GET") == Permission(guard_of(route).permission or "").writes
        ]

        assert wrong == []

    def test_a_route_of_a_patient_has_the_guard_that_loads_the_patient(self, of_patients: list[RouteContext]) -> None:
        assert {type(guard_of(route)).__name__ for route in of_patients} == {"_Allow"}

    def test_every_guard_and_transaction_ends_before_the_answer_leaves(self, app: FastAPI) -> None:
        """A dependency of the wider scope would commit after the answer: a false 201."""
        late = [
            name_of(route)
            for route in openapi.routes(app)
            for dependency in _all_below(route.dependant)
            if dependency.scope != "function"
            and (isinstance(dependency.call, AccessGuard) or getattr(dependency.call, "__name__", "") == "transaction")
        ]

        assert late == []


def _all_below(dependant: Any) -> list[Any]:
    return [below for each in dependant.dependencies for below in (each, *_all_below(each))]


class TestWithoutAToken:
    async def test_every_guarded_route_is_closed(
        self, client: httpx2.AsyncClient, guarded: list[RouteContext], cast: Cast
    ) -> None:
        answers = {name_of(route): await call(client, route, patient_id=cast.patient_id) for route in guarded}

        assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 401} == {}
        assert {answer.json()["code"] for answer in answers.values()} == {"unauthenticated"}
        assert {answer.headers["www-authenticate"] for answer in answers.values()} == {"Bearer"}


class TestOtherPeoplesPatients:
    async def test_nothing_tells_a_hidden_patient_from_one_who_does_not_exist(
        self, of_patients: list[RouteContext], new_client: NewClient, cast: Cast
    ) -> None:
        for route in of_patients:
            for person, hidden in _holders(
                Permission(guard_of(route).permission or ""), Reach.CARE_TEAM, cast, cast.other_patient_id
            ):
                caller = new_client(person.token)
                answers = [await call(caller, route, patient_id=each) for each in (hidden, str(an_id()))]
                bodies = [{**answer.json(), "request_id": None} for answer in answers]
                headers = [{name for name in answer.headers if name != "date"} for answer in answers]
                assert bodies[0] == bodies[1]
                assert headers[0] == headers[1]


def _holders(permission: Permission, far: Reach, cast: Cast, patient_id: str) -> list[tuple[Person, str]]:
    people = {
        Role.PRESCRIBER: cast.prescriber,
        Role.NURSE: cast.nurse,
        Role.THERAPIST: cast.therapist,
        Role.COORDINATOR: cast.coordinator,
    }
    return [(person, patient_id) for role, person in people.items() if reach(permission, role) is far]


class TestAudit:
    @pytest.mark.parametrize("who", ["patient", "prescriber", "coordinator", "other_patient"])
    async def test_each_call_leaves_exactly_one_entry_with_the_right_outcome(
        self, guarded: list[RouteContext], new_client: NewClient, cast: Cast, db: Database, who: str
    ) -> None:
        person: Person = getattr(cast, who)
        caller = new_client(person.token)
        wrong = {}
        for route in guarded:
            if name_of(route) == "end_my_device":
                continue
            request_id = an_id()
            caller.headers["X-Request-Id"] = str(request_id)
            answer = await call(caller, route, patient_id=cast.patient_id)
            entries = list(await db.scalars(sa.select(AuditEntry).where(AuditEntry.request_id == str(request_id))))
            # A thing that is not there is nobody's: to ask for it is a denied access.
            hidden = answer.status_code == 404 and type(guard_of(route)).__name__ == "_Allow" and _of_a_thing(route)
            expected = "denied" if answer.status_code == 403 or hidden else "allowed"
            found = [(e.outcome, e.operation, e.actor_id, e.permission) for e in entries]
            if found != [(expected, name_of(route), person.membership.id, str(guard_of(route).permission))]:
                wrong[name_of(route)] = (answer.status_code, found)

        assert wrong == {}

    async def test_names_the_patient_whose_record_was_touched(
        self, of_patients: list[RouteContext], new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        other = await a_patient(db, settings, cast.clinic)
        assert other.patient is not None
        for route in of_patients:
            if reach(Permission(guard_of(route).permission or ""), Role.THERAPIST) is Reach.CLINIC:
                continue  # in an emergency they may
            caller = new_client(cast.therapist.token, **{"X-Request-Id": str(request_id := an_id())})
            await call(caller, route, patient_id=str(other.patient.id))

            entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.request_id == str(request_id)))).one()
            assert (entry.outcome, entry.patient_id) == ("denied", other.patient.id)

    async def test_an_unknown_caller_leaves_none(
        self, guarded: list[RouteContext], client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await db.finish()
        before = await db.scalar(sa.select(sa.func.count()).select_from(AuditEntry))

        for route in guarded:
            await call(client, route, patient_id=cast.patient_id)

        assert await db.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == before


def _of_a_thing(route: RouteContext) -> bool:
    return getattr(guard_of(route), "of", None) is not None


class TestRequests:
    @pytest.fixture
    def incoming(self, app: FastAPI) -> set[type[BaseModel]]:
        """Every shape that a route takes in its body, with the shapes inside it."""
        found: set[type[BaseModel]] = set()
        queue = [p.field_info.annotation for route in openapi.routes(app) for p in route.dependant.body_params]
        while queue:
            annotation = queue.pop()
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                if annotation not in found:
                    found.add(annotation)
                    queue += [field.annotation for field in annotation.model_fields.values()]
            else:
                queue += [arg for arg in getattr(annotation, "__args__", ()) if arg is not type(None)]
        assert len(found) > 15
        return found

    def test_bodies_refuse_unknown_fields(self, incoming: set[type[BaseModel]]) -> None:
        forms = {"TokenRequest", "RevocationRequest"}  # RFC 6749: unknown parameters are ignored
        lax = [
            model.__name__
            for model in incoming
            if not issubclass(model, Incoming | Section) and model.__name__ not in forms
        ]

        assert lax == []

    def test_numbers_and_truths_are_never_read_out_of_something_else(self, incoming: set[type[BaseModel]]) -> None:
        """A lax integer takes `false` for 0: a score that nobody gave."""
        lax = [
            f"{model.__name__}.{name} takes {odd!r}"
            for model in incoming
            for name, field in model.model_fields.items()
            for odd in misread(field)
        ]

        assert lax == []

    def test_what_is_lax_would_be_found(self) -> None:
        class Lax(BaseModel):
            count: int | None
            share: Annotated[float, Field(ge=0)]
            sure: bool
            counts: list[int]
            by_name: dict[str, int]
            strict: Annotated[int, Field(strict=True)]

        found = {name for name, field in Lax.model_fields.items() if misread(field)}

        assert found == {"count", "share", "sure", "counts", "by_name"}


def misread(field: FieldInfo) -> list[object]:
    """Values that the field takes for a number or a truth although they are none."""
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)
    taken: list[object] = []
    for odd in ("1", "true", True, 1):
        for shape in (odd, [odd], {"a": odd}):
            try:
                read = adapter.validate_python(shape)
            except ValidationError:
                continue
            (value,) = read if isinstance(read, list) else read.values() if isinstance(read, dict) else (read,)
            if (
                type(value) in {int, float, bool}
                and type(value) is not type(odd)
                and not (type(value) is float and type(odd) is int)
            ):
                taken.append(shape)
    return taken


class TestIds:
    def test_every_id_in_an_address_is_a_uuid(self, app: FastAPI) -> None:
        odd = [
            f"{name_of(route)} {param.name}"
            for route in openapi.routes(app)
            for param in route.dependant.path_params
            if param.name.endswith("_id") and param.field_info.annotation is not UUID
        ]

        assert odd == []
