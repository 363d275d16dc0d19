"""What ties the clinic's apps to this server: who may open invitations and use passkeys, and a page without an app.

Android and iOS fetch the two documents themselves, when an app is installed. They name what `AFTERGLOW_ANDROID_APPS`
and `AFTERGLOW_IOS_APPS` say, nothing about anybody.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.core.guards import public
from app.core.routing import Route
from app.core.settings import Settings

router = APIRouter(include_in_schema=False, route_class=Route)

Anyone = Annotated[None, public()]
MAX_AGE = {"Cache-Control": "public, max-age=3600"}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
# The code stands behind the # of the address: it was not sent here, and there is no script that could read it.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your invitation: Afterglow</title>
<link rel="icon" href="/docs/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/oauth/page/page.css">
</head>
<body>
<main>
<h1>Your invitation</h1>
<p>The app of your clinic opens this address. It seems that it is not on this phone yet.</p>
<p>Install it as your clinic told you, then scan the code again, or type the one that is printed with it.</p>
<p>The code is yours alone and works once. Show this page and its address to nobody.</p>
</main>
</body>
</html>
"""


@router.get("/activate")
async def show_invitation_page(_: Anyone) -> Response:
    """Where the QR code of an invitation leads on a phone without the app."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return HTMLResponse(PAGE, headers=headers)


@router.get("/.well-known/assetlinks.json")
async def read_android_apps(request: Request, _: Anyone) -> Response:
    """The Android apps, as Digital Asset Links."""
    settings: Settings = request.app.state.settings
    relations = ["delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"]
    return JSONResponse([_android(app, relations) for app in settings.android_apps], headers=MAX_AGE)


@router.get("/.well-known/apple-app-site-association")
async def read_ios_apps(request: Request, _: Anyone) -> Response:
    """The iOS apps, as associated domains."""
    settings: Settings = request.app.state.settings
    details = [{"appIDs": settings.ios_apps, "components": [{"/": "/activate"}]}]
    told = {"applinks": {"details": details}, "webcredentials": {"apps": settings.ios_apps}}
    return JSONResponse(told, headers=MAX_AGE)


def _android(app: str, relations: list[str]) -> dict[str, Any]:
    package, _, fingerprint = app.partition("=")
    target = {"namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": [fingerprint]}
    return {"relation": relations, "target": target}
