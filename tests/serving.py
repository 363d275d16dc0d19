"""Real server processes, as an operator starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """A real server process."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.process = process
        self.address = address

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx2.get(f"{self.address}/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
        self.process.kill()
        pytest.fail(f"the server did not get ready: {self.process.communicate()[1]}")

    def stop(self) -> str:
        """End it as an operator does; what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[1]


@contextmanager
def served(root: Path, database_url: str, **environment: str) -> Iterator[Served]:
    port = a_free_port()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "app.cli", "serve", "--port", str(port)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "AFTERGLOW_DATABASE_URL": database_url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(process, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()
