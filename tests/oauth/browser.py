"""A browser at our sign-in page, and the client that sent it there, for tests."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx2

ADDRESS = "/oauth/authorize"
REDIRECT = "http://127.0.0.1:8000/docs/oauth2-redirect.html"
ISSUER = "http://127.0.0.1:8000"


def challenge_of(verifier: str) -> str:
    """S256, as RFC 7636 says."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Client:
    """The docs page, or somebody who pretends to be it."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def asks(self, **but: str | None) -> dict[str, str]:
        """The parameters of the request; None leaves one out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "docs",
            "redirect_uri": REDIRECT,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | but).items() if value is not None}

    def exchanges(self, code: str, **but: str | None) -> dict[str, str]:
        """The form for the token endpoint."""
        sent: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "docs",
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
        }
        return {name: value for name, value in (sent | but).items() if value is not None}


def hidden(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of the page's form."""
    assert page.headers["content-type"].startswith("text/html"), page.text
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in found}


def led_to(answer: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Where the browser is sent, and with which parameters."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    return location.partition("?")[0], dict(parse_qsl(urlsplit(location).query))


def told(page: httpx2.Response) -> str:
    """What the page complains of."""
    found = re.search(r'role="alert">([^<]*)<', page.text)
    return unescape(found[1]) if found else ""


async def opened(browser: httpx2.AsyncClient, client: Client, **but: str | None) -> httpx2.Response:
    """Open the page."""
    return await browser.get(ADDRESS, params=client.asks(**but))


async def typed(
    browser: httpx2.AsyncClient, page: httpx2.Response, email: str, password: str, code: str = ""
) -> httpx2.Response:
    """Fill the page's form in and send it."""
    return await browser.post(
        ADDRESS,
        data=hidden(page) | {"email": email, "password": password, "one_time_code": code, "step": "sign-in"},
    )


async def a_code(browser: httpx2.AsyncClient, client: Client, email: str, password: str, code: str = "") -> str:
    """Sign in on the page; the authorization code that the client gets."""
    answer = await typed(browser, await opened(browser, client), email, password, code)
    return led_to(answer)[1]["code"]
