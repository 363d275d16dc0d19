"""P12 and the start: what a server holds when nothing is asked of it, and how long it takes to answer at first."""

import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.load import middle
from benchmarks.servers import ROOT, Running, compile_all, serve

IDLE_FIRST, IDLE_THEN, START_FIRST, START_THEN = 110, 90, 3.0, 1.8
STARTS = 5
SETTLED_SECONDS = 5
"""After it, the worker inside has looked at everything once."""
FILL = """
import sys
from pathlib import Path
from app.core import clock
from app.demo import filling
filling.fill(Path(sys.argv[1]), filling.DEFAULT_SEED, clock.now(), lambda done, total: None)
"""


def measure() -> list[tuple[str, str, str, float, float, float]]:
    """Name, work, what was seen, the figure that counts, and both bounds, for each row."""
    with tempfile.TemporaryDirectory() as folder:
        compile_all()
        database = Path(folder) / "demo.db"
        subprocess.run([sys.executable, "-c", FILL, database], check=True, cwd=ROOT)
        environment = {"AFTERGLOW_DATABASE_URL": f"sqlite:///{database}", "AFTERGLOW_LOG_LEVEL": "WARNING"}
        starts, processor = [], []
        for _ in range(STARTS):
            with serve("app.main:create_app", "/healthz", environment, factory=True) as server:
                starts.append(server.started_in)
                processor.append(server.processor_seconds())
        with serve("app.main:create_app", "/healthz", environment, factory=True) as server:
            time.sleep(SETTLED_SECONDS)
            idle = server.resident_mb()
            documented = _after_the_document(server)
    seen = f"{idle:.0f} MB; {documented:.0f} MB after the OpenAPI document was asked for"
    started = f"{middle(starts):.2f} s ({min(starts):.2f}-{max(starts):.2f}), {middle(processor):.2f} s of a processor"
    return [
        ("P12", "idle process, demo loaded", seen, idle, IDLE_FIRST, IDLE_THEN),
        ("S1", "from start to first answer, demo loaded", started, middle(starts), START_FIRST, START_THEN),
    ]


def _after_the_document(server: Running) -> float:
    urllib.request.urlopen(f"http://127.0.0.1:{server.port}/openapi.json", timeout=30).read()
    return server.resident_mb()


if __name__ == "__main__":
    for row in measure():
        print(*row)
