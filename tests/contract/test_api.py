"""What every operation of the API keeps, read off the application and its OpenAPI document."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.core.errors import MEDIA_TYPE, Problem, every_problem
from app.core.openapi import guards, routes
from app.core.settings import Settings
from app.events.types import ABOUT, EventType, schema_name

Operation = tuple[str, dict[str, Any]]
OUTSIDE_V1 = re.compile(
    r"/(healthz|readyz|metrics|problems/\{code\}|oauth/[a-z]+|\.well-known/[a-z-]+|calendars/\{token\}\.ics|fhir/R4/.*)"
)
PATH = re.compile(r"(/\.well-known)?(/(\{[a-z_]+\}|[a-z0-9]+(-[a-z0-9]+)*)(\.(png|svg|ics|csv))?)+")
SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
CAMEL_CASE = re.compile(r"[a-z]+([A-Z][a-z0-9]*)*")


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Operation]:
    found = [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    assert found
    return found


def fields(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each field of each schema: its name, itself, and the schema it is in."""
    for name, schema in document["components"]["schemas"].items():
        for field, its_schema in schema.get("properties", {}).items():
            yield f"{name}.{field}", its_schema, schema


def described(field: dict[str, Any]) -> bool:
    """Whether a reader learns what it means: here, in the named type it has, or in the one of several it may have."""
    return bool(field.get("description") or "$ref" in field or any(map(described, field.get("anyOf", []))))


class TestRoutes:
    def test_each_has_exactly_one_guard(self, app: FastAPI) -> None:
        found = {f"{sorted(route.methods or ())} {route.path}": len(guards(route.dependant)) for route in routes(app)}

        assert found
        assert {route: count for route, count in found.items() if count != 1} == {}

    def test_none_runs_in_a_thread(self, app: FastAPI) -> None:
        blocking = [route.path for route in routes(app) if not inspect.iscoroutinefunction(route.endpoint)]

        assert blocking == []

    def test_paths_follow_one_grammar(self, document: dict[str, Any]) -> None:
        outside = [path for path in document["paths"] if not path.startswith("/v1/") and not OUTSIDE_V1.fullmatch(path)]

        assert outside == []
        assert [p for p in document["paths"] if not PATH.fullmatch(p) and not p.startswith("/fhir/")] == []

    def test_patients_own_routes_carry_no_patient_id(self, document: dict[str, Any]) -> None:
        assert [path for path in document["paths"] if path.startswith("/v1/me") and "{patient_id}" in path] == []


class TestOperations:
    def test_ids_are_unique_and_fit_for_generated_clients(self, operations: list[Operation]) -> None:
        ids = [operation["operationId"] for _, operation in operations]

        assert sorted(ids) == sorted(set(ids))
        assert [name for name in ids if not CAMEL_CASE.fullmatch(name)] == []

    def test_each_says_what_it_does(self, operations: list[Operation]) -> None:
        silent = [
            where for where, operation in operations if not operation.get("summary") or not operation.get("description")
        ]

        assert silent == []

    def test_each_stands_under_one_tag_that_is_described(
        self, operations: list[Operation], document: dict[str, Any]
    ) -> None:
        described = {tag["name"] for tag in document["tags"] if tag["description"]}

        assert [where for where, operation in operations if len(operation.get("tags", [])) != 1] == []
        assert {tag for _, operation in operations for tag in operation["tags"]} <= described

    def test_each_says_who_may_use_it(self, operations: list[Operation]) -> None:
        unsaid = [where for where, op in operations if op["security"] != [] and not op.get("x-permission")]

        assert unsaid == []

    def test_errors_have_one_shape(self, operations: list[Operation]) -> None:
        other = [
            f"{where} {status}"
            for where, operation in operations
            for status, answer in operation["responses"].items()
            if status >= "4"
            and MEDIA_TYPE not in answer.get("content", {})
            and not re.search(r" /(oauth|fhir)/", where)
        ]

        assert other == []

    def test_parameters_are_described(self, operations: list[Operation]) -> None:
        undescribed = [
            f"{where} {parameter['name']}"
            for where, operation in operations
            for parameter in operation.get("parameters", [])
            if not parameter.get("description") and not described(parameter["schema"])
        ]

        assert undescribed == []


class TestSchemas:
    def test_every_field_is_described(self, document: dict[str, Any]) -> None:
        undescribed = [name for name, field, _ in fields(document) if not described(field)]

        assert undescribed == []

    def test_every_field_is_in_snake_case(self, document: dict[str, Any]) -> None:
        odd = [name for name, _, _ in fields(document) if not SNAKE_CASE.fullmatch(name.partition(".")[2])]

        assert odd == []

    def test_requests_refuse_unknown_fields(self, document: dict[str, Any]) -> None:
        lax = [
            name
            for name, schema in document["components"]["schemas"].items()
            if name.endswith("Write")
            and schema.get("type") == "object"
            and schema.get("additionalProperties") is not False
        ]

        assert lax == []

    def test_names_do_not_tell_input_from_output_by_suffix(self, document: dict[str, Any]) -> None:
        assert [name for name in document["components"]["schemas"] if name.endswith(("-Input", "-Output"))] == []


class TestDocument:
    def test_refers_only_to_what_it_holds(self, document: dict[str, Any]) -> None:
        referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))

        assert referred - set(document["components"]["schemas"]) == set()

    def test_names_each_shape_once(self, document: dict[str, Any]) -> None:
        """Two of one name are told apart by the paths of their modules, which generated clients then show."""
        assert [name for name in document["components"]["schemas"] if "__" in name] == []

    def test_is_valid(self, document: dict[str, Any]) -> None:
        found = OpenAPIV31SpecValidator(document).iter_errors()
        faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:200]}" for fault in found]

        assert faults == []

    def test_is_committed_as_it_is(self, document: dict[str, Any], root: Path) -> None:
        path = root / "docs/openapi.json"
        committed = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        differing = [
            f"{part} {name}"
            for part, now, then in (
                ("path", document["paths"], committed.get("paths", {})),
                ("webhook", document["webhooks"], committed.get("webhooks", {})),
                ("schema", document["components"]["schemas"], committed.get("components", {}).get("schemas", {})),
                ("document", document, committed),
            )
            for name in sorted({*now, *then})
            if now.get(name) != then.get(name)
        ]

        assert differing == [], "run `make openapi`, read the difference, and commit it"


class TestProblems:
    @pytest.fixture
    def every(self, app: FastAPI) -> list[type[Problem]]:
        found = list(every_problem().values())
        assert found
        return found

    def test_codes_are_unique(self, every: list[type[Problem]]) -> None:
        below: list[type[Problem]] = []
        queue = [Problem]
        while queue:
            children = queue.pop().__subclasses__()
            below += children
            queue += children

        assert sorted(p.code for p in below if p.__module__.startswith("app.")) == sorted(p.code for p in every)

    def test_each_tells_the_caller_what_it_means(self, every: list[type[Problem]]) -> None:
        unclear = [
            p.code for p in every if not p.__dict__.get("__doc__") or not p.title or not SNAKE_CASE.fullmatch(p.code)
        ]

        assert unclear == []


class TestEvents:
    def test_each_is_described(self) -> None:
        assert set(ABOUT) == set(EventType)
        assert all(about.summary and about.address for about in ABOUT.values())

    def test_each_is_in_the_document(self, document: dict[str, Any]) -> None:
        assert set(document["webhooks"]) == {str(event) for event in EventType}
        assert {schema_name(event) for event in EventType} <= set(document["components"]["schemas"])

    @pytest.mark.parametrize("event", EventType)
    def test_each_is_recorded_somewhere(self, event: EventType, root: Path) -> None:
        sources = [path for path in root.glob("app/**/*.py") if path.name != "types.py"]

        assert any(f"EventType.{event.name}" in path.read_text(encoding="utf-8") for path in sources)


class TestSettings:
    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_each_is_described(self, name: str) -> None:
        assert Settings.model_fields[name].description
