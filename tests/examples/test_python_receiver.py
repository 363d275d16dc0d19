"""The receiver in Python, as its own process, and messages that our signer signed."""

import base64
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.core.ids import new_id
from app.webhooks import signing
from tests.examples.running import SECRET, WAIT_SECONDS, Receiver, headers_of, message, started

OLD, NEW = signing.new_secret(), signing.new_secret()
LARGEST = 64 * 1024


@pytest.fixture(scope="module")
def receiver(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with started(root, tmp_path_factory.mktemp("receiver"), secrets=f"{SECRET}, {OLD}") as running:
        yield running


class TestTaking:
    def test_takes_what_we_signed_and_says_so_in_one_line(self, receiver: Receiver) -> None:
        content = message(sequence=12)

        assert receiver.send(content) == 204
        assert receiver.says(content["data"]["id"]).split() == ["#12", "check_in.recorded", content["data"]["id"]]

    def test_counts_a_message_once_however_often_it_comes(self, receiver: Receiver) -> None:
        content, name = message(), f"msg_{new_id().hex}"

        assert [receiver.send(content, name, age=age) for age in (60, 30, 0)] == [204, 204, 204]
        assert receiver.stored().count(name) == 1
        assert "again" not in receiver.says(content["data"]["id"])
        assert "again" in receiver.says(content["data"]["id"])

    def test_counts_a_message_once_when_it_comes_several_times_at_once(self, receiver: Receiver) -> None:
        body, name = json.dumps(message()).encode(), f"msg_{new_id().hex}"
        statuses: list[int] = []
        senders = [
            threading.Thread(target=lambda: statuses.append(receiver.post(body, headers_of(body, name))))
            for _ in range(8)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

        assert statuses == [204] * 8
        assert receiver.stored().count(name) == 1

    def test_answers_several_messages_on_one_connection(self, receiver: Receiver) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=WAIT_SECONDS)
        connection.connect()
        socket = connection.sock
        statuses = []
        for _ in range(3):
            body = json.dumps(message()).encode()
            connection.request("POST", "/webhooks", body, headers_of(body))
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        still = connection.sock is socket
        connection.close()

        assert statuses == [204, 204, 204]
        assert still

    def test_marks_a_test_as_one(self, receiver: Receiver) -> None:
        assert receiver.send(content := message(test=True)) == 204
        assert "(test)" in receiver.says(content["data"]["id"])

    def test_refuses_what_is_signed_but_no_message(self, receiver: Receiver) -> None:
        assert receiver.send({"hello": "world"}) == 400

    def test_keeps_what_it_answered_for_the_next_time_it_runs(self, root: Path, tmp_path: Path) -> None:
        content, name = message(), f"msg_{new_id().hex}"
        with started(root, tmp_path) as first:
            assert first.send(content, name) == 204
        with started(root, tmp_path) as second:
            assert second.send(content, name) == 204
            assert "again" in second.says(content["data"]["id"])


class TestRefusing:
    def test_refuses_another_body_than_was_signed(self, receiver: Receiver) -> None:
        body = json.dumps(message()).encode()
        headers = headers_of(body)

        assert receiver.post(body.replace(b"recorded", b"reworded"), headers) == 401
        assert headers["webhook-id"] not in receiver.stored()

    def test_refuses_a_secret_that_it_does_not_know(self, receiver: Receiver) -> None:
        assert receiver.send(secrets=(NEW,)) == 401

    def test_refuses_another_id_than_was_signed(self, receiver: Receiver) -> None:
        body = json.dumps(message()).encode()

        assert receiver.post(body, headers_of(body) | {"webhook-id": "msg_other"}) == 401

    @pytest.mark.parametrize("age", [301, 86_400, -301])
    def test_refuses_what_was_signed_more_than_five_minutes_ago_or_ahead(self, receiver: Receiver, age: int) -> None:
        assert receiver.send(age=age + (1 if age > 0 else -1)) == 401

    @pytest.mark.parametrize(
        "changed",
        [
            {"webhook-signature": "v1"},
            {"webhook-signature": "v1,not base64!"},
            {"webhook-signature": "v1,a"},
            {"webhook-signature": "a,b,c"},
            {"webhook-signature": "v1,\xe9"},
            {"webhook-timestamp": "yesterday"},
            {"webhook-timestamp": "nan"},
            {"webhook-timestamp": "9" * 400},
        ],
    )
    def test_refuses_malformed_headers(self, receiver: Receiver, changed: dict[str, str]) -> None:
        body = json.dumps(message()).encode()

        assert receiver.post(body, headers_of(body) | changed) == 401

    @pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_refuses_missing_headers(self, receiver: Receiver, missing: str) -> None:
        body = json.dumps(message()).encode()
        headers = headers_of(body)
        del headers[missing]

        assert receiver.post(body, headers) == 401

    @pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"{", b"[]", b"null"])
    def test_refuses_what_is_no_json_object_even_when_it_is_signed(self, receiver: Receiver, body: bytes) -> None:
        assert receiver.post(body, headers_of(body)) == 401

    def test_refuses_large_bodies_without_reading_them(self, receiver: Receiver) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=WAIT_SECONDS)
        connection.putrequest("POST", "/webhooks")
        connection.putheader("Content-Length", str(LARGEST + 1))
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()

        assert status == 413

    def test_takes_a_body_of_just_the_largest_size(self, receiver: Receiver) -> None:
        body = json.dumps(message()).encode().ljust(LARGEST)

        assert receiver.post(body, headers_of(body)) == 204

    def test_refuses_bodies_of_unknown_length(self, receiver: Receiver) -> None:
        body = json.dumps(message()).encode()
        headers = headers_of(body)

        both = {"Transfer-Encoding": "chunked", "Content-Length": str(len(body))}
        assert receiver.post(body, headers | both) == 411
        assert receiver.post(b"", headers | {"Content-Length": "-5"}) == 411
        assert receiver.post(b"", headers | {"Content-Length": "9" * 5000}) == 411

    def test_knows_one_address_and_one_method(self, receiver: Receiver) -> None:
        body = json.dumps(message()).encode()

        assert receiver.post(body, headers_of(body), path="/") == 404
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=WAIT_SECONDS)
        connection.request("GET", "/webhooks")
        assert connection.getresponse().status == 501
        connection.close()


class TestRotation:
    def test_takes_what_any_of_its_secrets_signed(self, receiver: Receiver) -> None:
        assert receiver.send(secrets=(SECRET,)) == 204
        assert receiver.send(secrets=(OLD,)) == 204

    def test_takes_what_its_secret_signed_beside_one_that_it_does_not_know(self, receiver: Receiver) -> None:
        assert receiver.send(secrets=(NEW, SECRET)) == 204
        assert receiver.send(secrets=(OLD, NEW)) == 204

    @pytest.mark.parametrize(
        "secrets",
        ["", "whsec_", "whsec_é", f"{SECRET},"],
        ids=["none", "an empty one", "no base64", "a comma too many"],
    )
    def test_does_not_start_without_secrets_and_prints_none(self, root: Path, tmp_path: Path, secrets: str) -> None:
        ended = subprocess.run(
            [sys.executable, root / "examples/python_receiver/receiver.py", "--database", tmp_path / "received.db"],
            env={**os.environ, "WEBHOOK_SECRETS": secrets},
            check=False,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
        )

        assert ended.returncode == 2
        assert "WEBHOOK_SECRETS must hold" in ended.stderr
        assert SECRET not in ended.stderr


class TestGaps:
    def test_tells_each_missing_number_once_and_none_that_came_late(self, root: Path, tmp_path: Path) -> None:
        with started(root, tmp_path, "--patience", "0.3") as running:
            for number in (7, 9, 8, 13, 11):
                running.send(message(sequence=number))
            told = {running.says("missing").split("missing")[0].strip() for _ in range(2)}
            running.send(message(sequence=14))
            time.sleep(0.7)
            running.send(content := message(sequence=15))
            after = running.lines.get(timeout=WAIT_SECONDS) + running.lines.get(timeout=WAIT_SECONDS)

        assert told == {"#10", "#12"}
        assert "missing" not in after
        assert content["data"]["id"] in after


class Service(BaseHTTPRequestHandler):
    """Gives tokens, and things to who has one."""

    asked: ClassVar[list[tuple[str, str]]] = []
    answers: ClassVar[dict[str, list[int]]] = {}
    """Statuses to answer with, in turn, before a thing is given."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((f"{self.path}?{form}", self.headers["Authorization"]))
        self._give(200, {"access_token": "a-token", "expires_in": 300})

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        statuses = self.answers.get(self.path, [])
        self._give(statuses.pop(0) if statuses else 200, {"version": 3})

    def _give(self, status: int, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Location", "/v1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        pass


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    Service.asked, Service.answers = [], {}
    serving = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05))
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def fetching(root: Path, tmp_path: Path, service: str) -> Iterator[Receiver]:
    of_ours = {"AFTERGLOW_URL": service, "CLIENT_ID": "an id", "CLIENT_SECRET": "a:secret"}
    with started(root, tmp_path, "--fetch", **of_ours) as running:
        yield running


@pytest.fixture
def about(service: str) -> Callable[..., dict[str, Any]]:
    def _about(path: str, **changed: Any) -> dict[str, Any]:
        data = {"id": path, "patient_id": None, "version": 3, "url": f"{service}{path}"}
        return message(data=data | changed.pop("data", {}), **changed)

    return _about


class TestFetching:
    def test_fetches_what_an_event_speaks_of_with_a_token_of_its_own(
        self, fetching: Receiver, about: Callable[..., dict[str, Any]]
    ) -> None:
        assert [fetching.send(about(path)) for path in ("/v1/one", "/v1/two")] == [204, 204]
        fetched = {fetching.says("  fetched ").split()[1] for _ in range(2)}

        basic = base64.b64encode(b"an+id:a%3Asecret").decode()
        assert fetched == {"/v1/one", "/v1/two"}
        assert Service.asked[0] == ("/oauth/token?grant_type=client_credentials", f"Basic {basic}")
        assert sorted(Service.asked[1:]) == [("/v1/one", "Bearer a-token"), ("/v1/two", "Bearer a-token")]

    def test_tries_again_with_another_token_and_when_the_service_is_away(
        self, fetching: Receiver, about: Callable[..., dict[str, Any]]
    ) -> None:
        Service.answers = {"/v1/one": [401], "/v1/two": [503]}
        for path in ("/v1/one", "/v1/two"):
            fetching.send(about(path))
            assert f"answered {401 if path == '/v1/one' else 503}" in fetching.says("tried", path)

        fetched = {fetching.says("  fetched ", "version 3").split()[1] for _ in range(2)}
        assert fetched == {"/v1/one", "/v1/two"}
        assert [path for path, _ in Service.asked].count("/oauth/token?grant_type=client_credentials") == 2

    def test_gives_up_what_it_may_not_read_and_follows_nobody(
        self, fetching: Receiver, about: Callable[..., dict[str, Any]]
    ) -> None:
        Service.answers = {"/v1/one": [403], "/v1/two": [302]}
        for path in ("/v1/one", "/v1/two"):
            fetching.send(about(path))
            assert "answered" in fetching.says("not fetched", path)

        assert "/v1/elsewhere" not in {path for path, _ in Service.asked}

    def test_takes_its_token_nowhere_else(self, fetching: Receiver, service: str) -> None:
        for number, url in enumerate((f"{service}.example.org/v1/one", f"{service}/oauth/one", "file:///v1/one")):
            data = {"id": f"no-{number}", "patient_id": None, "version": 1, "url": url}
            fetching.send(message(data=data))
            assert "not an address" in fetching.says("not fetched", f"no-{number} ")

        assert Service.asked == []

    def test_fetches_nothing_for_a_test_a_ping_or_older_news(
        self, fetching: Receiver, about: Callable[..., dict[str, Any]]
    ) -> None:
        fetching.send(about("/v1/test", test=True))
        fetching.send(about("/v1/ping", type="endpoint.ping"))
        fetching.send(about("/v1/one", data={"version": 5}))
        fetching.says("  fetched ", "/v1/one")
        fetching.send(about("/v1/one", data={"version": 4}))
        fetching.send(about("/v1/last"))
        fetching.says("  fetched ", "/v1/last")

        assert [path for path, _ in Service.asked[1:]] == ["/v1/one", "/v1/last"]
