"""A mail reaches the operator's server as it is, over TLS that is verified, or fails in a way that says what to do."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.core import mail
from app.core.mail import Mail, MailRefusedError, MailServerError
from app.core.settings import Settings
from tests.mail_servers import SENDER, mail_server, silent_server, with_mail

MAIL = Mail(
    to="owner@ehr.example",
    subject="The endpoint ehr was disabled",
    text="Since noon – today.\n.\n" + "x" * 2000,
    name="endpoint.1",
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    """The server's, for this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody who trusts the authority."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


class TestSend:
    async def test_arrives_as_it_was_written(self) -> None:
        async with mail_server() as server:
            await mail.send(server.settings(Settings()), MAIL)

        (received,) = server.received
        assert server.recipients == [MAIL.to]
        assert {name: str(received[name]) for name in ("To", "From", "Subject", "Message-ID", "Auto-Submitted")} == {
            "To": MAIL.to,
            "From": f"Afterglow <{SENDER}>",
            "Subject": MAIL.subject,
            "Message-ID": "<endpoint.1@clinic.example>",
            "Auto-Submitted": "auto-generated",
        }
        assert received["Date"]
        assert received.get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.text

    @pytest.mark.parametrize("answer", ["550 No such mailbox", "451 Try later"])
    async def test_a_recipient_may_be_refused(self, answer: str) -> None:
        async with mail_server() as server:
            server.refuses[MAIL.to] = answer
            with pytest.raises(MailRefusedError):
                await mail.send(server.settings(Settings()), MAIL)

    async def test_a_mail_may_be_refused(self) -> None:
        async with mail_server() as server:
            server.refuses["DATA"] = "554 No"
            with pytest.raises(MailRefusedError):
                await mail.send(server.settings(Settings()), MAIL)

    async def test_a_server_may_be_down(self) -> None:
        async with mail_server() as server:
            pass

        with pytest.raises(MailServerError):
            await mail.send(server.settings(Settings()), MAIL)

    async def test_a_server_may_say_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "SECONDS", 0.1)
        async with silent_server() as port, asyncio.timeout(5):
            with pytest.raises(MailServerError):
                await mail.send(with_mail(Settings(), f"smtp://127.0.0.1:{port}"), MAIL)


class TestTls:
    async def test_a_trusted_server_is_told_the_password(self, certificate: ssl.SSLContext, trusted: None) -> None:
        async with mail_server(at_once=certificate, auth_require_tls=False) as server:
            await mail.send(server.settings(Settings(), "smtps://app%40clinic:pass%2Fword@127.0.0.1"), MAIL)

        assert server.logins == [("app@clinic", "pass/word", True)]
        assert len(server.received) == 1

    async def test_the_same_after_starttls(self, certificate: ssl.SSLContext, trusted: None) -> None:
        async with mail_server(tls_context=certificate, require_starttls=True) as server:
            await mail.send(server.settings(Settings(), "smtp://app:pass%2Fword@127.0.0.1"), MAIL)

        assert server.logins == [("app", "pass/word", True)]
        assert len(server.received) == 1

    async def test_starttls_is_taken_where_it_is_offered(self, certificate: ssl.SSLContext, trusted: None) -> None:
        async with mail_server(tls_context=certificate, require_starttls=True) as server:
            await mail.send(server.settings(Settings()), MAIL)

        assert len(server.received) == 1

    @pytest.mark.parametrize("url", ["smtps://app:pass%2Fword@127.0.0.1", "smtp://app:pass%2Fword@127.0.0.1"])
    async def test_a_server_that_nobody_vouches_for_is_told_nothing(
        self, certificate: ssl.SSLContext, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_once = certificate if url.startswith("smtps") else None
        async with mail_server(at_once=at_once, tls_context=None if at_once else certificate) as server:
            with pytest.raises(MailServerError) as raised:
                await mail.send(server.settings(Settings(), url), MAIL)

        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)
        assert (server.logins, server.received) == ([], [])

    async def test_the_certificate_must_be_for_the_host(self, certificate: ssl.SSLContext, trusted: None) -> None:
        async with mail_server(at_once=certificate) as server:
            with pytest.raises(MailServerError) as raised:
                await mail.send(server.settings(Settings(), "smtps://localhost"), MAIL)

        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)

    async def test_a_server_without_tls_is_not_told_a_password(self) -> None:
        async with mail_server(auth_require_tls=False) as server:
            with pytest.raises(MailServerError):
                await mail.send(server.settings(Settings(), "smtp://app:pass%2Fword@127.0.0.1"), MAIL)

        assert (server.logins, server.received) == ([], [])

    async def test_a_wrong_password_is_told_apart_from_a_mail_that_is_refused(
        self, certificate: ssl.SSLContext, trusted: None
    ) -> None:
        async with mail_server(at_once=certificate, auth_require_tls=False) as server:
            with pytest.raises(MailServerError):
                await mail.send(server.settings(Settings(), "smtps://app:wrong@127.0.0.1"), MAIL)

        assert server.received == []


class TestHeaders:
    @pytest.mark.parametrize(
        "end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x00", "\x7f", "\x85", "\u2028", "\u2029"]
    )
    def test_a_subject_stays_one_line(self, end: str) -> None:
        message = mail._message(with_mail(Settings(), "smtp://h"), _but(subject=f"a{end}Bcc: x@y.example"))

        written = message.as_bytes()
        assert message.get_all("Bcc") is None
        assert b"\nBcc" not in written
        assert message["Subject"] == "a Bcc: x@y.example"

    @pytest.mark.parametrize(
        "to",
        ["", "nobody", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "a@b.example\r\nBcc: c@d.example",
         "<a@b.example> c@d.example", "a@b.example;c@d.example", "@", "a b@c.example"],
    )  # fmt: skip
    async def test_nothing_but_one_address_is_written_to(self, to: str) -> None:
        async with mail_server() as server:
            with pytest.raises(MailRefusedError):
                await mail.send(server.settings(Settings()), _but(to=to))

        assert server.received == []

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_whatever_a_name_is_there_is_one_recipient_and_no_other_header(self, to: str, subject: str) -> None:
        settings = with_mail(Settings(), "smtp://h")
        try:
            message = mail._message(settings, _but(to=to, subject=subject))
        except MailRefusedError:
            return

        assert len(message["To"].addresses) == 1
        head = message.as_bytes().partition(b"\n\n")[0]
        names = [line.partition(b":")[0] for line in head.splitlines() if not line.startswith((b" ", b"\t"))]
        assert sorted(names) == sorted(name.encode() for name in message)
        assert len(names) == len(set(names)) == 9


def _but(**changed: str) -> Mail:
    return Mail(**{name: getattr(MAIL, name) for name in ("to", "subject", "text", "name")} | changed)


class TestSettings:
    @pytest.mark.parametrize(
        "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:x", "smtp://h:0", "smtp://h/path", "smtp://h?q"]
    )  # fmt: skip
    def test_what_is_no_mail_server_is_refused_without_its_password(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv("AFTERGLOW_SMTP_URL", url)
        monkeypatch.setenv("AFTERGLOW_MAIL_FROM", SENDER)

        with pytest.raises(ValidationError, match="smtp_url"):
            Settings()

    @pytest.mark.parametrize("sender", ["", "nobody", "a@b.example\nBcc: x@y.example", "A <a@b.example>", "a@b,c@d"])
    def test_the_sender_is_an_address(self, monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
        monkeypatch.setenv("AFTERGLOW_SMTP_URL", "smtp://mail.example")
        monkeypatch.setenv("AFTERGLOW_MAIL_FROM", sender)

        with pytest.raises(ValidationError, match="mail_from"):
            Settings()

    @pytest.mark.parametrize("only", [{"SMTP_URL": "smtp://mail.example"}, {"MAIL_FROM": SENDER}])
    def test_server_and_sender_belong_together(self, monkeypatch: pytest.MonkeyPatch, only: dict[str, str]) -> None:
        for name, value in only.items():
            monkeypatch.setenv(f"AFTERGLOW_{name}", value)

        with pytest.raises(ValidationError, match="belong together"):
            Settings()

    def test_the_password_is_not_printed_and_may_be_in_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "url").write_text("smtps://app:pass-word@mail.example:465\n", encoding="utf-8")
        monkeypatch.setenv("AFTERGLOW_SMTP_URL_FILE", str(tmp_path / "url"))
        monkeypatch.setenv("AFTERGLOW_MAIL_FROM", SENDER)

        settings = Settings()

        assert "pass-word" not in repr(settings)
        assert settings.smtp_url is not None
        assert settings.smtp_url.get_secret_value() == "smtps://app:pass-word@mail.example:465"
