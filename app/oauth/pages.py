"""`/oauth/authorize`: the address of our sign-in page."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.core.db import Db
from app.core.errors import TooManyRequests
from app.core.guards import public
from app.core.routing import Route
from app.core.settings import Settings
from app.oauth import authorization, sign_in_page, signing_in
from app.oauth.authorization import ClientError, PageError

router = APIRouter(prefix="/oauth", include_in_schema=False, route_class=Route)

Anyone = Annotated[None, public()]
COOKIE = re.compile("[A-Za-z0-9_-]{43}")


@router.get("/authorize")
async def show_sign_in_page(request: Request, _: Anyone, db: Db) -> Response:
    """Ask whoever a client sent here to sign in (OAuth 2.1, section 4.1.1)."""
    settings: Settings = request.app.state.settings
    try:
        client, wanted = await authorization.read(db, settings, request.query_params.multi_items())
    except PageError as error:
        return sign_in_page.fault(str(error))
    except ClientError as error:
        return sign_in_page.lead_on(settings, error.redirect_uri, error.state, error.parameters)
    cookie = _cookie(request, settings) or secrets.token_urlsafe(32)
    answer = sign_in_page.sign_in(client, wanted, authorization.seal(wanted, cookie))
    life = int(authorization.PAGE_LIFE.total_seconds())
    answer.set_cookie(
        _cookie_name(settings), cookie, max_age=life, secure=_is_secure(settings), httponly=True, samesite="strict"
    )
    return answer


@router.post("/authorize")
async def answer_sign_in_page(request: Request, _: Anyone, db: Db) -> Response:
    """Take what was typed there. The cookie is what only a browser has that was shown the page."""
    settings: Settings = request.app.state.settings
    async with request.form(max_files=0) as form:
        try:
            answer = await signing_in.go_on(db, settings, form, _cookie(request, settings))
        except PageError as error:
            return sign_in_page.fault(str(error))
        except TooManyRequests as error:
            return sign_in_page.fault(sign_in_page.TOO_MANY, error.status, error.headers)
    if "location" in answer.headers:
        answer.delete_cookie(_cookie_name(settings), secure=_is_secure(settings), httponly=True, samesite="strict")
    return answer


def _is_secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


def _cookie_name(settings: Settings) -> str:
    """With https no other host, nor anybody without https, can set a cookie of this name."""
    return "__Host-sign-in" if _is_secure(settings) else "sign-in"


def _cookie(request: Request, settings: Settings) -> str:
    sent = request.cookies.get(_cookie_name(settings), "")
    return sent if COOKIE.fullmatch(sent) else ""
