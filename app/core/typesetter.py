"""A small program that turns a template and its files into a PDF: `python typesetter.py` reads them as JSON.

It runs in a process of its own, since the library keeps what it has seen in memory for ever, and a fault in it must
not reach the server. It gets no settings, no secrets and no way to the database, only what is to be printed. It
imports nothing of the application, so it starts in a tenth of a second.
"""

import json
import sys
from contextlib import suppress
from typing import Any

SECONDS = 60
BYTES = 2 * 1024**3
"""What one document may use of a processor and of memory."""


def typeset(order: dict[str, Any]) -> bytes:
    """The PDF of `order`: `files` by name (one is `main.typ`), and the folder of the fonts."""
    import typst  # noqa: PLC0415  only this process loads it

    made = typst.compile(
        {name: text.encode() for name, text in order["files"].items()},
        font_paths=[order["fonts"]],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )
    assert isinstance(made, bytes)  # noqa: S101  one document gives one PDF
    return made


def _limit() -> None:
    """Let the system end this process where it takes too much; not every system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


if __name__ == "__main__":
    _limit()
    sys.stdout.buffer.write(typeset(json.load(sys.stdin)))
