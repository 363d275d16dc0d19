"""The docs page: Swagger UI from an installed package, under a policy that lets it talk to this server only.

Its files come from the wheel of `fastapi-offline`; the page asks no other host for anything. *Authorize* opens our own
sign-in page (`app/oauth`) as the public client `docs`. The access token lives in the page's memory and is gone when the
page is closed, since clinics share computers.
"""

from html import escape
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OURS = Path(__file__).parent / "docs_page"


def _swagger_files() -> Path:
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        msg = "the package fastapi-offline, which holds the docs page's files, is not installed"
        raise RuntimeError(msg)
    return Path(spec.origin).parent / "static"


def install(app: FastAPI, *, title: str, issuer: str) -> None:
    """Serve the page at `/docs` and its files below it. `issuer` is who must have answered a sign-in."""
    page = (OURS / "index.html").read_text(encoding="utf-8").replace("{{title}}", escape(title))
    way_back = (OURS / "oauth2-redirect.html").read_text(encoding="utf-8").replace("{{issuer}}", escape(issuer))

    async def docs_page(_: Request) -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    async def oauth2_redirect(_: Request) -> Response:
        return HTMLResponse(way_back, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    app.router.routes.append(Route("/docs", docs_page, include_in_schema=False))
    app.router.routes.append(Route("/docs/oauth2-redirect.html", oauth2_redirect, include_in_schema=False))
    app.router.routes.append(Mount("/docs/swagger", StaticFiles(directory=_swagger_files())))
    app.router.routes.append(Mount("/docs/page", StaticFiles(directory=OURS)))
