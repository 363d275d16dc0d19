"""A receiver as its own process, and messages for it."""

import http.client
import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.core.ids import new_id
from app.webhooks import signing

SECRET = signing.new_secret()
WAIT_SECONDS = 10


@dataclass
class Receiver:
    """A receiver that was started, and what it prints."""

    process: "subprocess.Popen[str]"
    port: int
    database: Path
    lines: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)

    def post(self, body: bytes, headers: dict[str, str], *, path: str = "/webhooks") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def send(self, content: dict[str, Any] | None = None, message_id: str | None = None, **signed: Any) -> int:
        body = json.dumps(content or message()).encode()
        return self.post(body, headers_of(body, message_id, **signed))

    def says(self, *words: str) -> str:
        """The next line that has all of these words."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if all(word in line for word in words):
                return line

    def stored(self) -> list[str]:
        """The ids that it has on disk."""
        connection = sqlite3.connect(self.database)
        try:
            return [row[0] for row in connection.execute("SELECT id FROM messages ORDER BY received_at")]
        finally:
            connection.close()


def message(**changed: Any) -> dict[str, Any]:
    return {
        "type": "check_in.recorded",
        "timestamp": "2026-11-22T17:30:12.000Z",
        "sequence": None,
        "test": False,
        "data": {"id": str(new_id()), "patient_id": str(new_id()), "version": 1, "url": None},
        "part2_notice": None,
        "consent_id": None,
    } | changed


def headers_of(
    body: bytes, message_id: str | None = None, *, age: float = 0, secrets: tuple[str, ...] = (SECRET,)
) -> dict[str, str]:
    name, timestamp = message_id or f"msg_{new_id().hex}", int(time.time() - age)
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.signatures(secrets, name, timestamp, body),
    }


@contextmanager
def started(root: Path, folder: Path, *options: str, secrets: str = SECRET, **environment: str) -> Iterator[Receiver]:
    database = folder / "received.db"
    program = root / "examples/python_receiver/receiver.py"
    process = subprocess.Popen(
        [sys.executable, program, "--port", "0", "--database", database, *options],
        env={**os.environ, "WEBHOOK_SECRETS": secrets, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout
    try:
        address = lines.readline().strip().removeprefix("listening on ")
        assert address, "it did not start"
        receiver = Receiver(process, urlsplit(address).port or 0, database)
        reader = threading.Thread(target=lambda: any(map(receiver.lines.put, lines)))
        reader.start()
        yield receiver
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
        reader.join()
    finally:
        process.kill()
        process.wait()
        lines.close()
