"""Which version of the app is asking (`X-App-Version: ios/3.4.1`), and whether it is still served.

An app that is too old is told so (426) before anything else is looked at. What must never depend on an update is
answered to any app: sending what is stored on the phone, help in a crisis, signing out, withdrawing a consent, and
getting the next token.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal

from fastapi import Request
from pydantic import Field

from app.core.errors import FieldError, Problem

HEADER: Final = "X-App-Version"
AppPlatform = Literal["ios", "android"]
AppVersion = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,4}){0,3}$")]
AppVersions = dict[AppPlatform, AppVersion]
_SENT = re.compile(r"(ios|android)/(\d{1,4}(?:\.\d{1,4}){0,3})(?:[-+][\w.+-]{0,40})?", re.ASCII)


class AppUpdateRequired(Problem):
    """The app is too old for this service (`X-App-Version`). Ask its owner to update it, and keep what is unsent.

    Sending check-ins and whatever else is stored on the phone, the crisis card, asking for help, the safety notice and
    the safety plan, signing out, withdrawing a consent and getting the next token go on working. `params` has the
    `platform`, the `min_version` that is still served, and the `latest_version` where the operator named one.
    """

    status = 426
    code = "app_update_required"
    title = "This version of the app is not served any more."


def check(request: Request) -> None:
    """Go on with an app that is new enough, or of which nothing is known. Raises `AppUpdateRequired`."""
    oldest: Mapping[AppPlatform, str] = request.app.state.settings.min_app_versions
    if not oldest:
        return
    sent = _SENT.fullmatch(request.headers.get(HEADER, ""))
    if sent is None:  # a header that nobody can read must not lock anybody out
        return
    platform: AppPlatform = "ios" if sent[1] == "ios" else "android"
    least = oldest.get(platform)
    if least is not None and parts(sent[2]) < parts(least):
        params = {
            "platform": platform,
            "min_version": least,
            "latest_version": request.app.state.settings.latest_app_versions.get(platform),
        }
        raise AppUpdateRequired(
            errors=[FieldError(f"/header/{HEADER}", "app_too_old", "The app must be updated first.", params)]
        )


@lru_cache(maxsize=256)
def parts(version: str) -> tuple[int, ...]:
    """A version to compare: 3.4 is 3.4.0, and 3.10 comes after 3.9."""
    numbers = [int(part) for part in version.split(".")]
    return (*numbers, *[0] * (4 - len(numbers)))
