"""Has a document typeset in a process of its own, one at a time."""

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Final

import anyio

from app.core.glyphs import font_files
from app.core.typesetter import SECONDS

_PROGRAM: Final = Path(__file__).with_name("typesetter.py")
_ENVIRONMENT: Final = {"RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""All that the program is told of this machine: to take one processor of it, and little memory."""


class TypesettingError(RuntimeError):
    """No PDF came out. The message tells how it ended, never what was to be printed."""


@lru_cache(maxsize=1)
def _turn() -> anyio.Semaphore:
    """One document at a time, so that a few of them cannot take all of the machine."""
    return anyio.Semaphore(1)


async def typeset(files: Mapping[str, str]) -> bytes:
    """The PDF of these files, of which one is `main.typ`."""
    order = json.dumps({"files": dict(files), "fonts": str(font_files()[0].parent)})
    async with _turn():
        with anyio.move_on_after(SECONDS):
            done = await anyio.run_process(
                [sys.executable, "-I", str(_PROGRAM)],
                input=order.encode(),
                stdout=PIPE,
                stderr=DEVNULL,
                check=False,
                env=_ENVIRONMENT,
            )
            if done.returncode == 0 and done.stdout.startswith(b"%PDF"):
                return done.stdout
            raise TypesettingError(f"the typesetter ended with {done.returncode}")
    raise TypesettingError("the typesetter took too long")
