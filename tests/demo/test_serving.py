"""`afterglow demo` as a process of its own, on a clinic that is kept from the last time."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.serving import a_free_port


class TestServing:
    def test_tells_writes_and_answers(self, root: Path, filled: Path, tmp_path: Path) -> None:
        (tmp_path / "var").mkdir()
        shutil.copyfile(filled, tmp_path / "var/demo.db")
        port = a_free_port()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "demo", "--port", str(port), "--json", "sign-ins.json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            answer = first_answer(f"http://127.0.0.1:{port}/v1/me", tmp_path / "sign-ins.json", process)
            process.send_signal(signal.SIGTERM)
            told, complained = process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()

        assert answer.json()["display_name"] == "Sam R."
        assert f"http://127.0.0.1:{port}/docs" in told
        assert [line for line in complained.splitlines() if "SMTP_URL is not set" not in line] == []  # no mail here
        assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo.db"]


def first_answer(address: str, sign_ins: Path, process: "subprocess.Popen[str]") -> httpx2.Response:
    """What the first patient is answered, as soon as anybody answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            token = json.loads(sign_ins.read_text(encoding="utf-8"))["patients"][0]["access_token"]
            return httpx2.get(address, headers={"Authorization": f"Bearer {token}"})
        except (httpx2.TransportError, FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.1)
    pytest.fail(f"the demo did not get ready: {process.communicate()[1] if process.poll() is not None else ''}")
