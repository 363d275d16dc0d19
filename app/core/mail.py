"""Sending a mail, through the server that the operator named.

Mails are few, plain and say nothing of a patient. A password is sent over TLS only, and certificates are verified;
`SSL_CERT_FILE` adds authorities of one's own. What writes and sends mails is imported with the first one.
"""

# ruff: noqa: PLC0415  see above

import asyncio
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.core import clock
from app.core.settings import Settings

if TYPE_CHECKING:
    import smtplib
    import ssl
    from email.headerregistry import Address
    from email.message import EmailMessage

SECONDS: Final = 10
"""How long each step may take,"""
SECONDS_IN_ALL: Final = 60
"""and all of them."""


class NotSentError(Exception):
    """A mail was not sent. `code` is what the server answered, if it did; its words may repeat an address."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__()
        self.code = code


class MailRefusedError(NotSentError):
    """This mail cannot be sent; another may be."""


class MailServerError(NotSentError):
    """No mail can be sent just now."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in plain text. `name` is the same when it is sent again, so that a reader's program can tell."""

    to: str
    subject: str
    text: str
    name: str


async def send(settings: Settings, mail: Mail) -> None:
    """Hand this mail to the server, or `MailRefusedError` or `MailServerError`. Needs `smtp_url` and `mail_from`."""
    import smtplib

    message = _message(settings, mail)
    try:
        await asyncio.wait_for(asyncio.to_thread(_hand_over, settings, message), SECONDS_IN_ALL)
    except smtplib.SMTPRecipientsRefused as error:
        raise MailRefusedError(next(iter(error.recipients.values()))[0]) from error
    except (smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
        raise MailRefusedError(getattr(error, "smtp_code", None)) from error
    except (OSError, TimeoutError) as error:  # also what smtplib and ssl raise
        raise MailServerError(getattr(error, "smtp_code", None)) from error


def _message(settings: Settings, mail: Mail) -> "EmailMessage":
    """The mail as it is sent. A line break in a header's value would begin another header: there is none."""
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.utils import format_datetime

    message = EmailMessage()
    message["To"] = _address(mail.to, MailRefusedError)
    sender = _address(settings.mail_from or "", MailServerError)
    message["From"] = Address("Afterglow", sender.username, sender.domain)
    message["Subject"] = " ".join("".join(each if each.isprintable() else " " for each in mail.subject).split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{mail.name}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _address(text: str, refusal: type[Exception]) -> "Address":
    from email.errors import MessageError
    from email.headerregistry import Address

    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, MessageError) as error:  # what the library raises of what is no address, or of two
        raise refusal from error


def _hand_over(settings: Settings, message: "EmailMessage") -> None:
    import smtplib
    import ssl

    assert settings.smtp_url is not None  # noqa: S101  who has none does not come here
    url = urlsplit(settings.smtp_url.get_secret_value())
    tls, own_name = ssl.create_default_context(), (settings.mail_from or "").rpartition("@")[2]
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            url.hostname or "", url.port or 465, own_name, timeout=SECONDS, context=tls
        )
    else:
        server = smtplib.SMTP(url.hostname or "", url.port or (587 if url.username else 25), own_name, timeout=SECONDS)
    with closing(server):
        try:
            _introduce(server, url, tls)
        except smtplib.SMTPNotSupportedError as error:
            raise MailServerError from error
        server.send_message(message)
        with suppress(OSError):  # it is sent, whatever becomes of the goodbye
            server.quit()


def _introduce(server: "smtplib.SMTP", url: SplitResult, tls: "ssl.SSLContext") -> None:
    """Who is told a password must speak TLS; who can speak it is asked to."""
    server.ehlo()
    if url.scheme == "smtp" and (url.username or server.has_extn("starttls")):
        server.starttls(context=tls)
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
