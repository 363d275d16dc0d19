"""An outside issuer on this machine: it serves its keys, signs tokens, and misbehaves when told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc.jwk import Key

from tests.factories import an_id
from tests.signers import a_key, in_seconds, public_half, signed

ISSUER = "https://login.clinic.example"
AUDIENCE = "afterglow"
SUBJECT = "2f9c1a7e-30b4-4c55-8a31-7d6f5b0c9e42"


class FakeIssuer:
    """What it serves and how; how often it was asked."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {"k1": a_key("RSA", 7)}
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.let_answer = threading.Event()
        self.let_answer.set()
        self.url = ""

    def document(self) -> bytes:
        """Its JWKS."""
        if self.body is not None:
            return self.body
        return json.dumps({"keys": [public_half(key, kid) for kid, key in self.keys.items()]}).encode()

    def token(self, kid: str = "k1", key: Key | None = None, algorithm: str = "RS256", **but: Any) -> str:
        """An access token (RFC 9068); what is None is left out."""
        header = {"kid": kid, "typ": but.pop("typ", "at+jwt")}
        said = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "aud": ["account", AUDIENCE],
            "client_id": "afterglow-web",
            "jti": str(an_id()),
            "iat": in_seconds(-5),
            "exp": in_seconds(300),
            "auth_time": in_seconds(-60),
            **but,
        }
        claims = {name: value for name, value in said.items() if value is not None}
        return signed(claims, key or self.keys.get(kid) or a_key("RSA", 7), algorithm, **header)


@contextmanager
def served() -> Iterator[FakeIssuer]:
    """A fake issuer that listens."""
    issuer = FakeIssuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.let_answer.wait(10)
            with suppress(ConnectionError):  # some of those who ask give up
                self.send_response(issuer.status)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(issuer.document())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # closing it waits for those who are being answered
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/keys"
    try:
        yield issuer
    finally:
        issuer.let_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
