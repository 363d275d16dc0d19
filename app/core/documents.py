"""The OpenAPI document at `/openapi.json`: made in a process of its own when it is first asked for, and kept as text.

For it every route is built and every shape described. That takes two seconds, in which a server would answer nobody
else, and sixty megabytes, which Python would not give back.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.core.errors import Unavailable
from app.core.logging import describe, log

SECONDS: Final = 60
FOLDER: Final = str(Path(__file__).parents[2])


class Document:
    """The document of an application. `command` are the words to Python that write it to standard output."""

    def __init__(self, app: FastAPI, command: tuple[str, ...]) -> None:
        self._app, self._command = app, command
        self._text = b""
        self._making = asyncio.Lock()

    async def show(self, _: Request) -> Response:
        """Answer with it."""
        if self._app.openapi_schema is not None:  # somebody needed it here
            return JSONResponse(self._app.openapi_schema)
        async with self._making:
            self._text = self._text or await asyncio.to_thread(_written_by, self._command)
        return Response(self._text, media_type="application/json")


def _written_by(command: tuple[str, ...]) -> bytes:
    path = os.pathsep.join(filter(None, (FOLDER, os.environ.get("PYTHONPATH"))))
    try:
        return subprocess.run(  # noqa: S603  ourselves, with words of ours
            [sys.executable, "-P", *command],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.error("document_not_made", **describe(error))
        raise Unavailable from error


def install(app: FastAPI, command: tuple[str, ...]) -> None:
    """Serve it."""
    app.router.routes.append(Route("/openapi.json", Document(app, command).show, include_in_schema=False))
