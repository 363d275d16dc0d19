"""Wiring, and nothing else."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from fastapi import FastAPI
from starlette.types import Lifespan

from app import api, worker
from app.audit import metrics as audit_metrics
from app.core import crypto, docs, documents, handlers, logging, memory, openapi, routing
from app.core.addresses import Addresses
from app.core.bells import Bell
from app.core.compression import Compressed
from app.core.db import create_engine
from app.core.limits import Limits
from app.core.middleware import Envelope
from app.core.replicas import Replica
from app.core.schema_revision import newest_revision
from app.core.settings import Settings, WorkerPlace, get_settings
from app.events.openapi import complete_events, describe_events
from app.oauth import sign_in_page
from app.safety import crisis
from app.safety import metrics as safety_metrics
from app.webhooks import metrics as webhook_metrics

TITLE = "Afterglow"
DOCUMENT = ("-m", "app.cli", "openapi", "-")
"""What Python is told to write the OpenAPI document."""
DESCRIPTION = """Check-ins of patients in ketamine-assisted addiction rehabilitation, linked to supervised dosing
sessions and therapy appointments, with trends by the calendar and by hours since a dose.

It is a tool inside a plan that a clinic owns. It never proposes a dose, predicts or diagnoses, it does not replace the
bedside monitor, and nobody watches the answers live.

**To try it here:** *Authorize*, then *sign_in*, leads to this server's sign-in page and back. The page keeps the token
in its memory, for as long as it is open.

**To call it from a program:** send the same again after a lost connection, 408, 429 or 5xx, waiting longer each time
and at least as long as `Retry-After` says. After any other 4xx the same request cannot succeed. Every error is an
`application/problem+json` whose `type` is the address of a page that explains it.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for these settings."""
    settings = settings or get_settings()
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    logging.configure(settings)
    crisis.resources(settings.crisis_resources_file)  # a file that cannot be read is seen now, not in a crisis
    app = FastAPI(
        title=TITLE,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(settings),
        generate_unique_id_function=routing.operation_id,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are `metrics` and `logging`
    )
    app.state.settings = settings
    app.state.engine = create_engine(settings)
    app.state.replica = None if settings.as_reader is None else Replica(settings.as_reader)
    app.state.limits = Limits(settings, app.state.engine)
    app.state.bell = Bell(app.state.engine, aloud=not settings.is_sqlite and settings.worker is WorkerPlace.APART)
    app.state.readings = (webhook_metrics.read, audit_metrics.read, safety_metrics.read)
    app.state.stopping = False
    app.state.schema_revision = newest_revision()
    api.include_all(app)
    docs.install(app, title=TITLE, issuer=settings.public_url)
    documents.install(app, DOCUMENT)
    sign_in_page.install(app)
    handlers.install(app)
    app.router.middleware_stack = Addresses(app.router)
    app.add_middleware(Compressed, minimum_size=1000)
    app.add_middleware(
        Envelope,
        https=settings.public_url.startswith("https://"),
        origins=settings.cors_origins,
        body_seconds=settings.body_seconds,
    )
    about: dict[str, Any] = {
        "title": TITLE,
        "version": "1",
        "description": DESCRIPTION,
        "tags": api.TAGS,
        "servers": [{"url": "/", "description": "This server"}],
        "contact": {"name": "The maintainers of Afterglow"},
        "license_info": {"name": "MIT", "identifier": "MIT"},
    }
    app.openapi = openapi.builder(app, about, describe_events, complete_events)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _fail_readiness_first(app: FastAPI, drain_seconds: float) -> None:
    """Put ourselves before the server's own handler of SIGTERM, which closes the port at once."""
    if threading.current_thread() is not threading.main_thread():
        return
    close_port, loop = signal.getsignal(signal.SIGTERM), asyncio.get_running_loop()

    def stop(number: int, frame: FrameType | None) -> None:
        told_before, app.state.stopping = app.state.stopping, True
        if not callable(close_port):
            return
        if told_before or not drain_seconds:
            close_port(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, drain_seconds, close_port, number, None)

    signal.signal(signal.SIGTERM, stop)


async def _work(app: FastAPI, settings: Settings, stop: asyncio.Event) -> None:
    """Do the worker's work while the server runs, unless that is left to processes of its own."""
    if settings.worker is WorkerPlace.INSIDE:
        await worker.work(app.state.engine, settings, app.state.bell, stop)


def _lifespan(settings: Settings) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """From the first request to the last; readiness fails first, so that load balancers look elsewhere."""
        _fail_readiness_first(app, settings.drain_seconds)
        memory.settle()
        stop = asyncio.Event()
        working = asyncio.create_task(_work(app, settings, stop))
        yield
        app.state.stopping = True
        stop.set()
        await asyncio.wait_for(working, settings.graceful_shutdown_seconds)
        await asyncio.wait_for(app.state.bell.close(), settings.graceful_shutdown_seconds)
        await asyncio.wait_for(app.state.limits.settle(), settings.graceful_shutdown_seconds)
        if app.state.replica is not None:
            await asyncio.wait_for(app.state.replica.close(), settings.graceful_shutdown_seconds)
        await asyncio.wait_for(app.state.engine.dispose(), settings.graceful_shutdown_seconds)

    return lifespan
