"""Starts a server as a process of its own, the way operators do, and measures it from outside."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 30


@dataclass(slots=True)
class Running:
    """A server that answers. `started_in`: seconds from its start to its first answer."""

    port: int
    process: subprocess.Popen[bytes]
    started_in: float

    def resident_mb(self) -> float:
        """Memory that the process holds, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def processor_seconds(self) -> float:
        """Time that a processor spent on it so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def compile_all() -> None:
    """Leave bytecode beside the code, as the image and the first start of an installation do."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "app"], check=True, cwd=ROOT)


@contextmanager
def serve(application: str, probe: str, environment: Mapping[str, str], *, factory: bool = False) -> Iterator[Running]:
    """Run one uvicorn worker until the block ends."""
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        application,
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
    ]
    command += ["--no-access-log", "--log-level", "warning", *(["--factory"] if factory else [])]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | dict(environment))
    try:
        wait(process, port, probe)
        yield Running(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait(process: subprocess.Popen[bytes], port: int, probe: str, *, seconds: float = START_SECONDS) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            msg = "the server ended at once"
            raise RuntimeError(msg)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=2).read()
        except OSError:
            time.sleep(0.02)
        else:
            return
    msg = "the server did not answer"
    raise RuntimeError(msg)
