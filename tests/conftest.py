"""The fixtures of every test: a database, the application on it, clients that check what they are answered.

Nothing heavy is imported here, so that a test of pure rules starts at once.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import hypothesis
import pytest

from tests.postgresql import Server

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy.ext.asyncio import AsyncEngine

    from app.core.db import Database
    from app.core.settings import Settings
    from tests.answers import Answers
    from tests.databases import Databases

BASE_URL = "http://test"
SERVER = pytest.StashKey[Server]()
TOGETHER = ("tests/demo/", "tests/replicas/")

hypothesis.settings.register_profile("suite", deadline=None, print_blob=True, database=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=("sqlite", "postgresql"), default="sqlite", help="what the tests keep their data in"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once for the run, also when several workers share it; forget the settings of this machine."""
    for name in [
        name for name in os.environ if name.startswith("AFTERGLOW_") and not name.startswith("AFTERGLOW_TEST_")
    ]:
        del os.environ[name]
    if config.getoption("--database") == "postgresql" and not hasattr(config, "workerinput"):
        config.stash[SERVER] = Server()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to the other database alone: `@pytest.mark.postgresql`, `@pytest.mark.sqlite`.

    What asks for no database runs with SQLite, and not once more with PostgreSQL, unless it is marked.
    """
    other = "postgresql" if config.getoption("--database") == "sqlite" else "sqlite"
    left_out = [item for item in items if item.get_closest_marker(other) or (other == "sqlite" and _is_pure(item))]
    dropped = set(left_out)
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=left_out)


def _is_pure(item: pytest.Item) -> bool:
    """Whether a test is the same whatever the data is kept in."""
    return "databases" not in getattr(item, "fixturenames", ()) and item.get_closest_marker("postgresql") is None


def pytest_report_header(config: pytest.Config) -> str:
    server = config.stash.get(SERVER, None)
    return f"database: {f'PostgreSQL from {server.binaries}' if server else config.getoption('--database')}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    server = node.config.stash.get(SERVER, None)
    node.workerinput["postgresql_host"] = server.host if server else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # pytest-xdist has no types
    """Let one worker have all tests of what takes long to set up: the filled demo clinic, a primary with a replica."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]  # the same
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)

    return Together(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all tests of a worker, since connections belong to the loop they were opened in."""
    return "asyncio"


@pytest.fixture(scope="session")
async def databases(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> "AsyncIterator[Databases]":
    """Where this worker's databases come from."""
    from tests.databases import PostgresqlDatabase, SqliteFiles

    worker = getattr(pytestconfig, "workerinput", {})
    if pytestconfig.getoption("--database") == "sqlite":
        async with SqliteFiles.opened(tmp_path_factory.mktemp("databases")) as files:
            yield files
        return
    host = worker.get("postgresql_host") or pytestconfig.stash[SERVER].host
    async with PostgresqlDatabase.opened(host, f"tests_{worker.get('workerid', 'main')}") as database:
        yield database


@pytest.fixture
async def database_url(databases: "Databases", anyio_backend: str) -> str:
    """A migrated database without rows, for this test alone."""
    return await databases.fresh()


@pytest.fixture
def superuser_url(databases: "Databases", database_url: str) -> str | None:
    """The same database for somebody whom no rule binds: an address on PostgreSQL, None on SQLite."""
    return databases.superuser_url


@pytest.fixture
def settings(database_url: str) -> "Settings":
    """The settings of the application under test."""
    from app.core import crypto
    from tests.databases import settings_for

    chosen = settings_for(database_url)
    crypto.install([key.get_secret_value() for key in chosen.secret_keys])
    return chosen


@pytest.fixture
async def engine(databases: "Databases", settings: "Settings", anyio_backend: str) -> "AsyncIterator[AsyncEngine]":
    """The application's engine, which `db` shares."""
    async with databases.engine(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def _walls_are_checked() -> Iterator[None]:
    """Look at every Core statement of the application."""
    from app.core.db import Database
    from tests.core_statements import checked_ask, checked_read

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "read", checked_read)
        patch.setattr(Database, "ask", checked_ask)
        yield


@pytest.fixture
async def db(engine: "AsyncEngine", _walls_are_checked: None, anyio_backend: str) -> "AsyncIterator[Database]":
    """A handle on the same database.

    What a test did with it is committed before each request of `client`, and what it read before is forgotten, so that
    a test arranges, asks, and then sees what the request left.
    """
    from app.core.db import EVERY_CLINIC, new_session

    handle = new_session(engine, EVERY_CLINIC)
    yield handle
    await handle.abandon()
    await handle.close()


@pytest.fixture(scope="session")
def new_application() -> "Callable[[Settings], FastAPI]":
    """Wires the application once a worker, since that costs more than most tests; hands it out as if it were new."""
    from app.main import create_app

    built: list[FastAPI] = []
    untouched: dict[str, Any] = {}

    def hand_out(settings: "Settings") -> "FastAPI":
        if not built:
            built.append(create_app(settings))
            untouched.update(built[0].state._state)
        for name, value in {**untouched, "settings": settings}.items():
            setattr(built[0].state, name, value)
        return built[0]

    return hand_out


@pytest.fixture
async def app(
    settings: "Settings", engine: "AsyncEngine", new_application: "Callable[[Settings], FastAPI]", anyio_backend: str
) -> "AsyncIterator[FastAPI]":
    """The application, as `afterglow serve` runs it."""
    from app.core.limits import Limits

    application = new_application(settings)
    application.state.engine = engine
    application.state.limits = limits = Limits(settings, engine)
    yield application
    await limits.settle()


@pytest.fixture(scope="session")
def promises() -> "Callable[[FastAPI], Answers]":
    """What the application's document promises; built once a worker, since the document is the same for every test."""
    from tests.answers import Answers

    kept: list[Answers] = []

    def of(application: "FastAPI") -> Answers:
        if not kept:
            kept.append(Answers(application.openapi()))
        return kept[0]

    return of


@pytest.fixture
async def new_client(
    app: "FastAPI", db: "Database", promises: "Callable[[FastAPI], Answers]", anyio_backend: str
) -> "AsyncIterator[Callable[..., httpx2.AsyncClient]]":
    """Makes clients: `new_client()` is anybody, `new_client(token)` a signed-in caller, further words are headers."""
    one_at_a_time = asyncio.Lock()

    async def settle(_: httpx2.Request) -> None:
        with anyio.CancelScope(shield=True):  # a test that gives its request up has not given its arrangement up
            async with one_at_a_time:
                await db.finish()
                db.expunge_all()

    async def compare(response: httpx2.Response) -> None:
        body = await response.aread()
        request = response.request
        promises(app).check(request.method, request.url.path, response.status_code, response.headers, body)

    async with AsyncExitStack() as open_clients:

        def build(token: str | None = None, **headers: str) -> httpx2.AsyncClient:
            if token is not None:
                headers["authorization"] = f"Bearer {token}"
            made = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
                base_url=BASE_URL,
                headers=headers,
                event_hooks={"request": [settle], "response": [compare]},
            )
            open_clients.push_async_callback(made.aclose)
            return made

        yield build


@pytest.fixture
def client(new_client: Callable[..., httpx2.AsyncClient]) -> httpx2.AsyncClient:
    """A caller who is not signed in. Every answer is checked against the OpenAPI document."""
    return new_client()


@pytest.fixture
def queries(engine: "AsyncEngine") -> Iterator[list[str]]:
    """The statements sent to the database since the test began or since `queries.clear()`.

    Those that buy permits are not among them: one is sent for a dozen requests, and not for these in particular.
    """
    from sqlalchemy import event

    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "NOTIFY")) and "rate_limits" not in statement:
            sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the project."""
    return Path(__file__).parent.parent
