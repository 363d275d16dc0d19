"""Our sign-in page as HTML: plain forms, one script for passkeys, nothing from elsewhere, nothing that stays behind.

It is no operation of the API: what OAuth says of it stands in the security scheme of the OpenAPI document.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.core import qr
from app.core.settings import Settings
from app.credentials import totp
from app.credentials.models import OneTimeCodes
from app.oauth import authorization
from app.oauth.authorization import AuthorizationRequest
from app.oauth.clients import PublicClient

FILES = Path(__file__).parent / "page"
WRONG = "That is not right. Check the address, the password and the one-time code; a code can be used only once."
USE_PASSKEY = "This account has a passkey: a password alone does not open it. Sign in with the passkey."
WRONG_PASSKEY = "That passkey does not sign anybody in here. Try another, or sign in with your password."
TOO_MANY = "That was tried too often. Wait a few minutes, then go back to the app and begin again."
WRONG_CODE = "That was not the code. Type the one that the app shows now."
LAYOUT, SIGN_IN, ENROL = (
    Template((FILES / name).read_text(encoding="utf-8")) for name in ("layout.html", "sign_in.html", "enrol.html")
)


def install(app: FastAPI) -> None:
    """Serve the files of the page."""
    app.router.routes.append(Mount("/oauth/page", StaticFiles(directory=FILES)))


def sign_in(
    client: PublicClient, request: AuthorizationRequest, sealed: str, *, email: str = "", problem: str | None = None
) -> Response:
    """The form for address, password and code."""
    scopes = "" if request.scopes is None else f" ({request.scopes.replace(' ', ', ')})"
    body = SIGN_IN.substitute(
        client=escape(client.name),
        scopes=escape(scopes),
        host=escape(urlsplit(request.redirect_uri).netloc or authorization.origin(request.redirect_uri)),
        problem=_told(problem),
        request=escape(sealed),
        email=escape(email),
    )
    return _page("Sign in", body, 200 if problem is None else 401, leads_to=request.redirect_uri)


def enrolment(
    request: AuthorizationRequest,
    sealed: str,
    sealed_enrolment: str,
    codes: OneTimeCodes,
    account: str,
    *,
    problem: str | None = None,
) -> Response:
    """The form that sets one-time codes up; the seed is shown while this page is open, and never again."""
    picture = qr.svg(totp.address(codes.seed, account))
    body = ENROL.substitute(
        problem=_told(problem),
        qr=escape(f"data:image/svg+xml,{quote(picture)}"),
        key=escape(" ".join(codes.seed[at : at + 4] for at in range(0, len(codes.seed), 4))),
        request=escape(sealed),
        enrolment=escape(sealed_enrolment),
    )
    return _page("Set up one-time codes", body, 200 if problem is None else 401, leads_to=request.redirect_uri)


def fault(told: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Response:
    """What went wrong, when nobody may be sent anywhere."""
    answer = _page("This does not work", f'<p role="alert">{escape(told)}</p>', status, leads_to=None)
    answer.headers.update(headers or {})
    return answer


def lead_on(settings: Settings, redirect_uri: str, state: str | None, parameters: dict[str, str]) -> Response:
    """Send the browser back to the client. 303, so that it does not bring the form along."""
    return RedirectResponse(authorization.address(settings, redirect_uri, state, parameters), status_code=303)


def _told(problem: str | None) -> str:
    return "" if problem is None else f'<p class="problem" role="alert">{escape(problem)}</p>'


def _page(title: str, body: str, status: int, *, leads_to: str | None) -> Response:
    # Chromium holds the redirect that follows a form against form-action too.
    forms = "'none'" if leads_to is None else f"'self' {authorization.origin(leads_to)}"
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return HTMLResponse(LAYOUT.substitute(title=escape(title), body=body), status, headers=headers)
