"""A receiver of Afterglow's webhooks, to run and to copy from: Python 3.11 or later, and `standardwebhooks`.

    WEBHOOK_SECRETS=whsec_... python receiver.py

It does what every receiver should:
1. It takes no more than it must: a small body of a known length, read once, as bytes.
2. It believes nobody without a signature, made less than five minutes ago with a secret that it knows.
3. It counts a message once, however often it comes: the id is stored in the transaction of the work that it causes.
4. It answers 204 when that is stored, and not before. Whatever takes longer happens afterwards, out of what was stored.
5. It expects messages in any order: the higher version of a thing wins, whenever it comes.
6. It notices when numbers are missing.

One receiver is for one endpoint, since each endpoint counts for itself. Put something in front of it that ends TLS.
"""

import argparse
import base64
import contextlib
import json
import os
import re
import signal
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

PATH = "/webhooks"
LARGEST_BODY = 64 * 1024
WORTH_ANOTHER_TRY = frozenset({401, 408, 429, 500, 502, 503, 504})
TABLES = """
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, type TEXT, sequence INTEGER, received_at REAL);
CREATE INDEX IF NOT EXISTS messages_sequence ON messages (sequence);
CREATE TABLE IF NOT EXISTS things (
    id TEXT, url TEXT, version INTEGER, fetch_at REAL, failures INTEGER DEFAULT 0, PRIMARY KEY (id, url)
);
CREATE INDEX IF NOT EXISTS things_fetch_at ON things (fetch_at);
"""


# ---------------------------------------------------------------------------------------------------- who sent it
def verified(secrets: Sequence[Webhook], headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
    """The message, if one of the secrets signed it; None if none did.

    There are two secrets while one is exchanged for the next. The library says no with whatever went wrong inside it:
    a header that is no base64 or a body that is no text raises errors of other kinds than its own, so all are caught.
    """
    for secret in secrets:
        with contextlib.suppress(Exception):
            message = secret.verify(body, dict(headers))
            if isinstance(message, dict):
                return message
    return None


# ------------------------------------------------------------------------------------------------------ what it did
def work(db: sqlite3.Connection, message: Mapping[str, Any]) -> None:
    """What you do about a message: put your statements here. They are kept together with its id, or not at all.

    This one remembers which version of what there is to fetch. Older news of a thing that is known changes nothing.
    """
    data = message["data"]
    if data["url"] is None or message["test"] or message["type"] == "endpoint.ping":
        return
    db.execute(
        "INSERT INTO things (id, url, version, fetch_at) VALUES (?, ?, ?, ?) ON CONFLICT (id, url) DO UPDATE SET "
        "version = excluded.version, fetch_at = excluded.fetch_at, failures = 0 WHERE excluded.version >= version",
        (data["id"], data["url"], data["version"], time.time()),
    )


class Inbox:
    """What arrived, on disk: SQLite, one connection, one writer at a time."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # what was answered with 204 survives a power cut
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def take(self, message_id: str, message: Mapping[str, Any]) -> bool:
        """Store the message and do its work in one transaction; False if it was here before."""
        row = (message_id, message["type"], message["sequence"], time.time())
        with self._lock, self._db as db:
            if db.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", row).rowcount == 0:
                return False
            work(db, message)
            return True

    def gaps(self, patience: float) -> list[tuple[int, int]]:
        """The numbers, from and to, that are missing although a later one came `patience` seconds ago."""
        with self._lock:
            return self._db.execute(
                "SELECT before + 1, sequence - 1 FROM (SELECT sequence, received_at, lag(sequence) OVER "
                "(ORDER BY sequence) AS before FROM (SELECT * FROM messages WHERE sequence IS NOT NULL "
                "ORDER BY sequence DESC LIMIT 1000)) WHERE sequence > before + 1 AND received_at < ?",
                (time.time() - patience,),
            ).fetchall()

    def next_thing(self) -> tuple[str, str, int, int] | None:
        """What to fetch next: id, address, version and how often that failed."""
        with self._lock:
            found: tuple[str, str, int, int] | None = self._db.execute(
                "SELECT id, url, version, failures FROM things WHERE fetch_at <= ? ORDER BY fetch_at LIMIT 1",
                (time.time(),),
            ).fetchone()
            return found

    def fetched(self, thing_id: str, url: str, version: int, again_at: float | None) -> None:
        """Note that this version was fetched, or when to try again. A newer one that came meanwhile stays to fetch."""
        with self._lock, self._db as db:
            db.execute(
                "UPDATE things SET fetch_at = ?, failures = failures + 1 WHERE id = ? AND url = ? AND version = ?",
                (again_at, thing_id, url, version),
            )


class Handler(BaseHTTPRequestHandler):
    """POST /webhooks."""

    protocol_version = "HTTP/1.1"  # a sender keeps its connection
    timeout = 60
    server: "Receiver"

    def do_POST(self) -> None:
        """Answer 204 when the message is stored."""
        self._answer(self._unreadable() or self._take())

    def _unreadable(self) -> HTTPStatus | None:
        """Why the body is not even read."""
        length = self.headers.get("Content-Length", "")
        if self.path != PATH:
            return HTTPStatus.NOT_FOUND
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,9}", length):
            return HTTPStatus.LENGTH_REQUIRED
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if int(length) > LARGEST_BODY else None

    def _take(self) -> HTTPStatus:
        message = verified(
            self.server.secrets, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))
        )
        if message is None:
            return HTTPStatus.UNAUTHORIZED
        try:
            is_new = self.server.inbox.take(self.headers["webhook-id"], message)
        except (KeyError, TypeError):  # signed, but no message that this program knows
            return HTTPStatus.BAD_REQUEST
        except sqlite3.Error:  # not stored: it will come again
            return HTTPStatus.SERVICE_UNAVAILABLE
        tell(message, again=not is_new)
        self.server.something_came.set()
        return HTTPStatus.NO_CONTENT

    def _answer(self, status: HTTPStatus) -> None:
        """Answer without a body. A refusal ends the connection, since the request may not have been read."""
        self.send_response(status)
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        """Say nothing about requests: `tell` says what arrived, and strangers do not fill the log."""


class Receiver(ThreadingHTTPServer):
    """The server, with what its handlers need."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], secrets: Sequence[Webhook], inbox: Inbox) -> None:
        super().__init__(address, Handler)
        self.secrets = secrets
        self.inbox = inbox
        self.something_came = threading.Event()


def tell(message: Mapping[str, Any], *, again: bool) -> None:
    """One line for each message. Ids are no secret, but they are about patients: mind where your log goes."""
    number = "-" if message["sequence"] is None else f"#{message['sequence']}"
    remarks = " (test)" * message["test"] + " (again, not counted)" * again
    print(f"{number:>6}  {message['type']:<28}{message['data']['id']}{remarks}", flush=True)


# ---------------------------------------------------------------------------------------------- what it is all about
class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """`urllib` would take the token along to wherever a redirect leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class NotOursError(ValueError):
    """An address that is not one of the service: it gets no token."""


class Api:
    """Afterglow, as an API client reads it: with tokens of its own, each of which lasts for minutes."""

    def __init__(self, base: str, client_id: str, client_secret: str) -> None:
        self._base = base.rstrip("/")
        credentials = f"{urllib.parse.quote_plus(client_id)}:{urllib.parse.quote_plus(client_secret)}"
        self._basic = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._token, self._token_ends = "", 0.0

    def get(self, url: str) -> Any:
        """What is at an address of ours. Raises `NotOursError`, `HTTPError` or another `OSError`."""
        if not url.startswith(f"{self._base}/v1/"):
            raise NotOursError
        if time.monotonic() > self._token_ends:
            self._sign_in()
        try:
            return self._ask(urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"}))
        except urllib.error.HTTPError as refused:
            if refused.code == HTTPStatus.UNAUTHORIZED:  # the token ended early
                self._token_ends = 0.0
            raise

    def _sign_in(self) -> None:
        form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
        answer = self._ask(urllib.request.Request(f"{self._base}/oauth/token", form, {"Authorization": self._basic}))
        self._token, self._token_ends = answer["access_token"], time.monotonic() + answer["expires_in"] - 30

    def _ask(self, request: urllib.request.Request) -> Any:
        with self._opener.open(request, timeout=15) as answer:
            return json.load(answer)


def fetch_next(inbox: Inbox, api: Api) -> bool:
    """Fetch the next thing that there is news of; False when there is none.

    What was fetched is health data under 42 CFR Part 2: this program only says how much it is.
    """
    thing = inbox.next_thing()
    if thing is None:
        return False
    thing_id, url, version, failures = thing
    outcome, again_at = "not fetched", None
    try:
        found = api.get(url)
        outcome, detail = "fetched", f"version {found.get('version', '-')}, {len(json.dumps(found))} characters"
    except NotOursError:
        detail = "not an address of the service"
    except urllib.error.HTTPError as refused:
        detail = f"answered {refused.code}"
        again_at = later(failures) if refused.code in WORTH_ANOTHER_TRY else None
    except (OSError, ValueError) as error:
        detail, again_at = f"not reached ({type(error).__name__})", later(failures)
    inbox.fetched(thing_id, url, version, again_at)
    print(f"{'':>6}  {outcome if again_at is None else 'tried':<28}{thing_id} {detail}", flush=True)
    return True


def later(failures: int) -> float:
    """When to try again: after a second, two, four, and so on up to five minutes."""
    return time.time() + min(1 << min(failures, 9), 300)


def do_chores(receiver: Receiver, api: Api | None, patience: float, stop: threading.Event) -> None:
    """Beside answering: fetch what there is news of, and say which numbers are missing, each once."""
    told: set[tuple[int, int]] = set()
    while not stop.is_set():
        receiver.something_came.wait(timeout=min(patience, 1))
        receiver.something_came.clear()
        while api and fetch_next(receiver.inbox, api) and not stop.is_set():
            pass
        for first, last in set(receiver.inbox.gaps(patience)) - told:
            told.add((first, last))
            numbers = f"#{first}" if first == last else f"#{first} to #{last}"
            print(f"{numbers:>6}  missing: read the deliveries of the endpoint, or GET /v1/events", flush=True)


def main() -> int:
    """Receive until told to end."""
    parser = argparse.ArgumentParser(description="Receive Afterglow's webhooks.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=9000, help="port to listen on; 0 takes a free one")
    parser.add_argument("--database", type=Path, default=Path("received.db"), help="SQLite file to keep ids in")
    parser.add_argument("--patience", type=float, default=60, help="seconds until a missing number is told")
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch what the events speak of; needs AFTERGLOW_URL, CLIENT_ID and CLIENT_SECRET in the environment",
    )
    asked = parser.parse_args()
    try:
        secrets = [Webhook(secret.strip()) for secret in os.environ["WEBHOOK_SECRETS"].split(",")]
        api = (
            Api(*(os.environ[name] for name in ("AFTERGLOW_URL", "CLIENT_ID", "CLIENT_SECRET")))
            if asked.fetch
            else None
        )
    except KeyError as missing:
        parser.error(f"set {missing.args[0]} in the environment")
    except Exception:  # noqa: BLE001  the library raises whatever base64 does; it must not print the secret
        parser.error("WEBHOOK_SECRETS must hold secrets (whsec_...), separated by commas")
    inbox, stop = Inbox(asked.database), threading.Event()
    receiver = Receiver((asked.host, asked.port), secrets, inbox)
    chores = threading.Thread(target=do_chores, args=(receiver, api, asked.patience, stop))
    chores.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=receiver.shutdown).start())
    print(f"listening on http://{asked.host}:{receiver.server_port}{PATH}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        receiver.serve_forever(poll_interval=0.2)
    stop.set()
    receiver.something_came.set()
    chores.join()
    receiver.server_close()
    inbox.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
