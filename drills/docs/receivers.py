"""The receivers of `examples/`, sent to by the service: an endpoint is registered, a patient checks in, a line appears.

What verifies our signatures here is not ours: the packages `standardwebhooks` of npm and of Python.
"""

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from app.core import clock
from app.core.fields import instant_text
from app.core.ids import new_id
from app.demo import forms
from app.identity.permissions import Role
from drills.docs.clinic import Caller, ServedClinic
from drills.docs.tools import ROOT, DrillFailedError, node_packages, program, run, step

EXAMPLES = ROOT / "examples"
SOON = 10
"""Seconds that anything may take."""
OLDEST_NODE = 20
CHECK_IN = "check_in.recorded"
CONSENT = "part2_tpo"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of the clinic, with the secret that it was given."""

    id: str
    secret: str
    port: int


@dataclass(frozen=True, slots=True)
class Told:
    """Something that arrived, by the log of the service. `number` is `#` and the sequence."""

    delivery_id: str
    number: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Lines:
    """What a receiver prints."""

    of: str
    printed: "queue.SimpleQueue[str]"

    def wait_for(self, *words: str) -> str:
        """The next line that has these words; lines before it are passed over."""
        seen: list[str] = []
        while True:
            try:
                line = self.printed.get(timeout=SOON)
            except queue.Empty:
                msg = f"{self.of} did not print {' '.join(words)!r} within {SOON} s, but:\n{''.join(seen)}"
                raise DrillFailedError(msg) from None
            if all(word in line for word in words):
                return line
            seen.append(line)


Command = Callable[[int, Path], Sequence[str | Path]]


def receive(clinic: ServedClinic, folder: Path) -> None:
    """Both receivers, from the first ping to a secret that was exchanged."""
    step("receivers in Node and in Python, told by the service")
    commands: dict[str, Command] = {"node": _node(), "python": _python}
    office = Office(clinic)
    office.let_it_be_told()
    environment = office.a_reader()
    for name, command in commands.items():
        endpoint = office.endpoint(name)
        start = command(endpoint.port, folder / f"received-{name}")
        with _started(name, start, environment | {"WEBHOOK_SECRETS": endpoint.secret}) as lines:
            office.post(f"/v1/webhook-endpoints/{endpoint.id}/ping")
            lines.wait_for("endpoint.ping", endpoint.id)
            first = _told_of_a_check_in(office, endpoint, lines)
            _told_again(office, lines, first)
            _forged(endpoint)
        rotated = office.post(f"/v1/webhook-endpoints/{endpoint.id}/secret-rotation", {"keep_old_hours": 24})
        with _started(name, start, environment | {"WEBHOOK_SECRETS": rotated["secret"]}) as lines:
            second = _told_of_a_check_in(office, endpoint, lines)
            _told_again(office, lines, first)
        office.ask("DELETE", f"/v1/webhook-endpoints/{endpoint.id}")
        print(f"{name}: told of {first.number} with one secret, of {second.number} with the next, each counted once")


def _node() -> Command:
    node, folder = program("node", f"install Node.js {OLDEST_NODE} or later"), EXAMPLES / "node_receiver"
    version = re.match(r"v(\d+)", run([node, "--version"]))
    if version is None or int(version[1]) < OLDEST_NODE:
        msg = f"node is too old: install Node.js {OLDEST_NODE} or later"
        raise DrillFailedError(msg)
    node_packages(folder)
    return lambda port, kept: [node, folder / "receiver.mjs", "--fetch", "--port", str(port), "--file", kept]


def _python(port: int, kept: Path) -> Sequence[str | Path]:
    program = EXAMPLES / "python_receiver/receiver.py"
    return [sys.executable, program, "--fetch", "--port", str(port), "--database", kept]


@contextmanager
def _started(name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[Lines]:
    """A receiver that listens, and what it prints."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed: queue.SimpleQueue[str] = queue.SimpleQueue()
    if process.stdout is None:
        raise TypeError
    with process.stdout as output:
        reader = threading.Thread(target=lambda: any(map(printed.put, output)))
        reader.start()
        try:
            lines = Lines(name, printed)
            lines.wait_for("listening on")
            yield lines
        finally:
            process.terminate()
            try:
                process.wait(SOON)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join()


def _told_of_a_check_in(office: "Office", endpoint: Endpoint, lines: Lines) -> Told:
    """A check-in that the receiver printed and fetched, of which it was told at the first attempt."""
    check_in = office.check_in()
    number = lines.wait_for(CHECK_IN, check_in).split()[0]
    lines.wait_for("  fetched ", check_in, "version 1")
    told = office.told(endpoint, number)
    if told.attempts != 1:
        msg = f"{lines.of} was told of a check-in at attempt {told.attempts} only"
        raise DrillFailedError(msg)
    return told


def _told_again(office: "Office", lines: Lines, told: Told) -> None:
    """What was told is told once more, and not counted."""
    office.post(f"/v1/webhook-deliveries/{told.delivery_id}/redelivery")
    lines.wait_for(f" {told.number} ", CHECK_IN, "again, not counted")


def _forged(endpoint: Endpoint) -> None:
    """Nobody else is believed."""
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(clock.now().timestamp())),
        "webhook-signature": "v1,Zm9yZ2Vk",
    }
    request = urllib.request.Request(f"http://127.0.0.1:{endpoint.port}/webhooks", b"{}", headers)
    try:
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            status = answer.status
    except urllib.error.HTTPError as refused:
        status = refused.code
    if status != HTTPStatus.UNAUTHORIZED:
        msg = f"the receiver answered a forged message with {status}"
        raise DrillFailedError(msg)


class Office:
    """What the clinic's admin does, and the patient."""

    def __init__(self, clinic: ServedClinic) -> None:
        self._clinic = clinic
        (self._admin,) = [each for each in clinic.office if each.email.startswith(Role.CLINIC_ADMIN.value)]

    def ask(self, method: str, path: str, body: object = None, *, by: Caller | None = None) -> Any:
        """What the service answers to the admin, or to somebody else."""
        headers = {"Authorization": f"Bearer {(by or self._admin).token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._clinic.address}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SOON) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refused:
            msg = f"{method} {path} was answered {refused.code}: {refused.read().decode()[:2000]}"
            raise DrillFailedError(msg) from None

    def post(self, path: str, body: object = None) -> Any:
        """What the service answers to the admin."""
        return self.ask("POST", path, body)

    def let_it_be_told(self) -> None:
        """The clinic publishes what its patient then signs: that systems which treat them may be told."""
        published = self.post("/v1/consent-documents", forms.document(CONSENT).model_dump(mode="json"))
        signed = {
            "document_id": published["id"],
            "language": published["language"],
            "text_hash": published["text_hash"],
            "presented_at": instant_text(clock.now()),
            "answers": {},
            "signature": "Sam R.",
        }
        self.ask("POST", "/v1/me/consents", signed, by=self._clinic.patient)

    def a_reader(self) -> dict[str, str]:
        """A program of the clinic that may read check-ins, as the environment of a receiver."""
        made = self.post(
            "/v1/api-clients",
            {
                "name": "A receiver",
                "authentication": "client_secret",
                "relationship": "clinic_system",
                "scopes": ["check_ins:read"],
            },
        )
        return {
            "AFTERGLOW_URL": self._clinic.address,
            "CLIENT_ID": made["client_id"],
            "CLIENT_SECRET": made["client_secret"],
        }

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint on a free port, where nobody listens yet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}/webhooks"
        made = self.post("/v1/webhook-endpoints", {"url": url, "name": f"drill-{name}", "event_types": ["check_in.*"]})
        return Endpoint(made["id"], made["secret"], port)

    def told(self, endpoint: Endpoint, number: str) -> Told:
        """What the log says of a message of this number, as soon as its answer was written down."""
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            for each in self.ask("GET", f"/v1/webhook-endpoints/{endpoint.id}/deliveries?state=delivered")["items"]:
                if f"#{each['sequence']}" == number:
                    return Told(each["id"], number, each["attempt_count"])
            time.sleep(0.05)
        msg = f"{number} arrived, but is not in the log"
        raise DrillFailedError(msg)

    def check_in(self) -> str:
        """The patient reports how they are; the id of it."""
        check_in = str(new_id())
        answers = {"instrument": "mood_nrs", "version": "1", "answers": {"now": 6}}
        body = {"recorded_at": instant_text(clock.now()), "time_zone": "Europe/Berlin", "responses": [answers]}
        self.ask("PUT", f"/v1/me/check-ins/{check_in}", body, by=self._clinic.patient)
        return check_in
