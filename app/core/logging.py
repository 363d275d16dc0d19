"""Logs that never hold health data: templates of addresses, ids, statuses and names of faults, nothing sent."""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.settings import Settings

if TYPE_CHECKING:
    import structlog
else:  # structlog imports rich where it is installed, to print tracebacks, which we never do: three megabytes
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "rich"}
    sys.modules["rich"] = None
    import structlog

    del sys.modules["rich"]
    sys.modules.update(kept)


def configure(settings: Settings) -> None:
    """Send all logs, ours and the libraries', through one formatter to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if settings.log_format == "console" else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        # What is below the level is dropped before anything is done for it.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # SQLAlchemy and its drivers would write rows and parameters, which hold what patients answered; httpcore2 would
    # write the addresses that webhooks go to, with the secrets in them.
    for noisy in ("uvicorn.access", "sqlalchemy", "aiosqlite", "asyncio", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


log = structlog.stdlib.get_logger("afterglow")


def describe(error: BaseException) -> Mapping[str, Any]:
    """An exception without its message: messages of databases and parsers repeat what a patient wrote.

    Kept are the kinds, the SQLSTATE and constraint that PostgreSQL names, and the places in the code.
    """
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:  # noqa: PLR2004  deep chains say nothing new
        chain.append(cause)
        cause = cause.__cause__ or getattr(cause, "orig", None)
    # Without the lines themselves, for which Python would read whole files and keep them.
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)[-8:]
    return {
        "fault": " < ".join(type(each).__name__ for each in chain),
        "sqlstate": getattr(chain[-1], "sqlstate", None),
        "constraint": getattr(chain[-1], "constraint_name", None),
        "where": [f"{frame.filename.rpartition('/app/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
