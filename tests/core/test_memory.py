"""What a process that serves does about its memory is seen in a process of its own."""

import subprocess
import sys
from pathlib import Path

THREADS = """
import ctypes, sys, threading
from app.core import memory
for word in sys.argv[2:]:
    getattr(memory, word)()
held, ready, enough = [], threading.Barrier(5), threading.Event()
def hold():
    held.append(bytearray(100_000))
    ready.wait()
    enough.wait()
threads = [threading.Thread(target=hold) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
enough.set()
"""
FROZEN = "import gc; from app.core import memory; memory.settle(); print(gc.get_freeze_count(), gc.isenabled())"
STARTED = """
import sys
from app.main import create_app
create_app()
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
FOR_SOME_ONLY = (
    *("alembic", "argon2", "dateutil", "icalendar", "joserfc", "numpy", "resvg_py", "rich", "segno", "typst"),
    *("email.headerregistry", "smtplib", "urllib.request"),
    *("app.charts.course", "app.charts.trend", "app.demo", "app.exports.as_pdf", "app.external_identities.issuer_keys"),
)


def _told(root: Path, script: str, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", script, *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


class TestSettle:
    def test_lets_all_threads_share_one_heap(self, root: Path, tmp_path: Path) -> None:
        """Seen where the C library keeps a heap for each thread, as that of the image does."""
        if sys.platform != "linux":
            return
        _told(root, THREADS, str(tmp_path / "usual.xml"))
        _told(root, THREADS, str(tmp_path / "settled.xml"), "settle")

        assert (tmp_path / "usual.xml").read_text().count("<heap ") > 1
        assert (tmp_path / "settled.xml").read_text().count("<heap ") == 1

    def test_leaves_what_was_there_alone_and_looks_for_rubbish_still(self, root: Path) -> None:
        count, enabled = _told(root, FROZEN).split()

        assert int(count) > 1000
        assert enabled == "True"


class TestStart:
    def test_imports_nothing_that_only_some_processes_need(self, root: Path) -> None:
        assert _told(root, STARTED, *FOR_SOME_ONLY) == ""
