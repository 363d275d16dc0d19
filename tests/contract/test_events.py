"""Everything that changes what an outsider may see says so: what each operation and function tells, and what not.

The operations are read off the application, the functions off the source. `expected_events.py` declares both.
"""

from pathlib import Path

import pytest
from fastapi import FastAPI

from app.core import openapi
from app.events.types import EventType
from app.identity.permissions import Permission
from tests.contract.call_graph import HANDED, RECORD, CallGraph
from tests.contract.expected_events import FUNCTIONS, NEVER_RECORDED, SILENT, TOLD


@pytest.fixture(scope="module")
def graph() -> CallGraph:
    return CallGraph(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def recording(graph: CallGraph) -> dict[str, set[str]]:
    """The public functions that record events within their own file, with the events that are named on the way."""
    direct = {path for path, function in graph.functions.items() if {RECORD, *HANDED} & function.mentions}
    files = {graph.functions[path].module for path in direct}
    found = {}
    for path, function in graph.functions.items():
        if function.is_public and function.module in files and path not in HANDED:
            inside = graph.reached(path, within=function.module)
            if inside & direct:
                named = {name for each in inside for name in graph.functions[each].event_types}
                found[path.removeprefix("app.")] = {EventType[name].value for name in named}
    return found


@pytest.fixture
def operations(app: FastAPI) -> dict[str, str]:
    """Every operation, with the path of its function."""
    return {
        str(route.name): f"{route.endpoint.__module__}.{route.endpoint.__name__}"
        for route in openapi.routes(app)
        if route.endpoint is not None
    }


@pytest.fixture
def changing(app: FastAPI) -> set[str]:
    """The operations that may change something: by their method or by their permission."""
    found = set()
    for route in openapi.routes(app):
        (guard,) = openapi.guards(route.dependant)
        may_write = guard.permission is not None and Permission(guard.permission).writes
        if may_write or (route.methods or set()) - {"GET", "HEAD"}:
            found.add(str(route.name))
    return found


class TestOperations:
    def test_each_that_changes_something_is_declared_and_no_other(
        self, changing: set[str], operations: dict[str, str]
    ) -> None:
        declared = {*TOLD, *SILENT}

        assert changing - declared == set()
        assert declared - set(operations) == set()
        assert set(TOLD) & set(SILENT) == set()
        assert all(reason.endswith(".") for reason in SILENT.values())

    def test_each_tells_exactly_what_the_functions_do_that_it_leads_to(
        self, operations: dict[str, str], graph: CallGraph
    ) -> None:
        wrong = {}
        for name, path in operations.items():
            reached = {each.removeprefix("app.") for each in graph.reached(path)} & set(FUNCTIONS)
            tells = {event for each in reached for event in FUNCTIONS[each].split()}
            if tells != set(TOLD.get(name, "").split()):
                wrong[name] = sorted(tells)

        assert wrong == {}


class TestFunctions:
    def test_each_that_records_an_event_is_declared_and_no_other(self, recording: dict[str, set[str]]) -> None:
        assert set(recording) == set(FUNCTIONS)

    def test_each_is_declared_with_events_that_its_file_names(self, recording: dict[str, set[str]]) -> None:
        wrong = {path: events for path, events in FUNCTIONS.items() if not set(events.split()) <= recording[path]}

        assert wrong == {}

    def test_each_event_that_a_file_names_is_declared(self, recording: dict[str, set[str]]) -> None:
        named: dict[str, set[str]] = {}
        declared: dict[str, set[str]] = {}
        for path, events in recording.items():
            named.setdefault(path.rpartition(".")[0], set()).update(events)
            declared.setdefault(path.rpartition(".")[0], set()).update(FUNCTIONS[path].split())

        assert named == declared

    def test_nothing_writes_to_the_outbox_by_itself(self, graph: CallGraph) -> None:
        """`events.record` alone makes an event; those who number and delete events are seen by name."""
        outbox = "app.events.models.OutboxEvent"
        users = {path.removeprefix("app.") for path, each in graph.functions.items() if outbox in each.mentions}
        writers = {path for path in users if {"stage", "insert", "add"} & graph.functions[f"app.{path}"].methods_called}

        assert writers == {"events.service.record"}


class TestCatalogue:
    def test_each_event_is_recorded_somewhere_or_is_known_never_to_be(self) -> None:
        recorded = {event for events in FUNCTIONS.values() for event in events.split()}

        assert recorded | set(NEVER_RECORDED) == {event.value for event in EventType}
        assert recorded & set(NEVER_RECORDED) == set()

    def test_each_is_among_the_webhooks_of_the_document(self, app: FastAPI) -> None:
        webhooks = app.openapi()["webhooks"]

        assert {name: bool(item["post"]["summary"]) for name, item in webhooks.items()} == dict.fromkeys(
            (event.value for event in EventType), True
        )


class TestCallGraph:
    """What the declarations are compared with is itself looked at: it must find what is there."""

    def test_follows_helpers_methods_and_what_is_handed_on(self, graph: CallGraph) -> None:
        inside = graph.reached("app.check_ins.service.submit", within="app.check_ins.service")
        handed_on = graph.reached("app.sign_ins.activations.activate")

        assert {"app.check_ins.service._Recorder.take", "app.check_ins.service._Recorder._write"} <= inside
        assert {"app.sign_ins.activations._recover", "app.identity.service.add_membership"} <= handed_on

    def test_finds_a_function_that_is_new(self, tmp_path: Path) -> None:
        package = tmp_path / "app" / "diaries"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "service.py").write_text(
            "from app.events import service as events\n"
            "from app.events.types import EventType\n"
            "TOLD_AS = {'a': EventType.CHECK_IN_RECORDED}\n"
            "class _Keeper:\n"
            "    def keep(self):\n"
            "        self._tell()\n"
            "    def _tell(self):\n"
            "        events.record(None, TOLD_AS['a'])\n"
            "def write():\n"
            "    keeper = _Keeper()\n"
            "    keeper.keep()\n"
        )
        events = tmp_path / "app" / "events"
        events.mkdir()
        (events / "service.py").write_text("def record(db, what): ...\n")
        small = CallGraph(tmp_path)

        reached = small.reached("app.diaries.service.write")

        assert RECORD in reached
        assert small.functions["app.diaries.service._Keeper._tell"].event_types == {"CHECK_IN_RECORDED"}
