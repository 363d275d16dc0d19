"""The worker: passes events on, seals the audit, and sees to what is due by time.

It runs inside the server or in processes of its own (`afterglow worker`), as many as one likes: they share the work.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import series_extension
from app.audit.sealing import seal_forever
from app.check_in_plans import planning
from app.core import crypto
from app.core.bells import Bell, listen
from app.core.db import create_engine
from app.core.logging import describe, log
from app.core.settings import Settings
from app.groups import work as group_work
from app.overdue import service as overdue
from app.panel import service as panel
from app.safety import escalation
from app.safety import notices as safety_notices
from app.sync import retention as removals
from app.webhooks import matching, notices, retention
from app.webhooks.delivering import Deliverer

ESCALATION_SECONDS: Final = 15
NOTICE_SECONDS: Final = 10
MINUTE: Final = 60
QUARTER: Final = 900
HOUR: Final = 3600


async def work(
    engine: AsyncEngine, settings: Settings, bell: Bell, stop: asyncio.Event, *, hears: bool = False
) -> None:
    """Work until `stop`, then finish what is under way. `hears`: also when processes elsewhere ring."""
    deliverer = Deliverer(engine, settings)
    jobs: list[Coroutine[Any, Any, None]] = [
        matching.match_forever(engine, bell, deliverer.due, stop),
        deliverer.run(stop),
    ]

    jobs += [every(seconds, job, stop) for seconds, job in _by_the_clock(engine, settings, stop)]
    if settings.audit_seal_seconds:
        jobs.append(seal_forever(engine, settings, stop))
    if hears and not settings.is_sqlite:
        jobs.append(listen(settings, bell, stop))
    await asyncio.gather(*jobs)


def _by_the_clock(
    engine: AsyncEngine, settings: Settings, stop: asyncio.Event
) -> list[tuple[float, Callable[[], Awaitable[object]]]]:
    """What is done again and again, and after how many seconds."""
    return [
        (NOTICE_SECONDS, partial(safety_notices.send_notices, engine, settings)),
        (NOTICE_SECONDS, partial(group_work.settle, engine)),
        (ESCALATION_SECONDS, partial(escalation.escalate, engine)),
        (MINUTE, partial(overdue.look, engine)),
        (MINUTE, partial(planning.extend, engine)),
        (MINUTE, partial(notices.tell_owners, engine, settings)),
        (QUARTER, partial(panel.catch_up, engine)),
        (HOUR, partial(series_extension.extend, engine)),
        (HOUR, partial(group_work.extend, engine)),
        (HOUR, partial(retention.apply, engine, settings, stop)),
        (HOUR, partial(removals.apply, engine, settings, stop)),
    ]


async def work_alone(settings: Settings) -> None:
    """Be a worker process: work until SIGTERM or Ctrl+C."""
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = create_engine(settings)
    bell = Bell(engine, aloud=True)  # what one of them matched may be for another to send
    try:
        await work(engine, settings, bell, stop, hears=True)
        await bell.close()
    finally:
        await engine.dispose()


async def every(seconds: float, job: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Do something again and again until `stop`. A failure is logged once, and the next round tries again."""
    failing = False
    while not stop.is_set():
        try:
            await job()
            failing = False
        except Exception as error:  # noqa: BLE001  whatever it is, the next round tries again
            if not failing:
                log.error("job_failed", job=_name(job), **describe(error))
            failing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def _name(job: Callable[[], Awaitable[object]]) -> str:
    """What a job is called in the log: `app.groups.work.settle`."""
    function = job.func if isinstance(job, partial) else job
    return f"{function.__module__}.{getattr(function, '__name__', 'job')}"
