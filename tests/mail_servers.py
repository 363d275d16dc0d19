"""Mail servers on loopback that take mail, refuse it or say nothing, and keep what they were given."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import anyio
import anyio.lowlevel
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.core.settings import Settings

SENDER = "no-reply@clinic.example"


@dataclass
class Letters:
    """What a server was given. `refuses` maps a recipient, or DATA, to the answer that is not 250."""

    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    port: int = 0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  the same
        if "DATA" in self.refuses:
            return self.refuses["DATA"]
        assert isinstance(envelope.content, bytes)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, server: SMTP, _session: Session, _envelope: Envelope, _how: str, sent: Any) -> AuthResult:
        """Let in who knows the password."""
        assert isinstance(sent, LoginPassword)
        login, password = sent.login.decode(), sent.password.decode()
        self.logins.append(
            (login, password, server.transport is not None and bool(server.transport.get_extra_info("ssl_object")))
        )
        return AuthResult(success=password == "pass/word", handled=False)

    def settings(self, base: Settings, url: str = "smtp://127.0.0.1") -> Settings:
        """These settings, with this server in them."""
        return with_mail(base, f"{url}:{self.port}")


def with_mail(base: Settings, url: str) -> Settings:
    """These settings, with mail by this address."""
    read = Settings(smtp_url=url, mail_from=SENDER)  # type: ignore[arg-type]  # as it comes from the environment
    return base.model_copy(update={"smtp_url": read.smtp_url, "mail_from": SENDER})


@asynccontextmanager
async def mail_server(*, at_once: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Letters]:
    """A server. `at_once`: it speaks TLS from the first byte; `options` are aiosmtpd's."""
    letters = Letters()

    def serve() -> SMTP:
        return SMTP(letters, hostname="mail.example", authenticator=letters.authenticate, **options)

    async with _listening(serve, at_once) as letters.port:
        yield letters


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is said."""
    async with _listening(asyncio.Protocol, None) as port:
        yield port


@asynccontextmanager
async def _listening(serve: Callable[[], Any], at_once: ssl.SSLContext | None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=at_once)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await anyio.lowlevel.checkpoint()
