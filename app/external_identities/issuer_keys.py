"""The public keys of the outside issuer: fetched, kept for ten minutes, fetched early for a key that is new.

Whoever sends tokens decides which key they name, so fetching early has a limit of its own. Python's own HTTP client is
enough for one small document in ten minutes; it runs in a thread, follows no redirect, and gives up soon.
"""

import asyncio
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from http.client import HTTPMessage
from typing import IO

from app.core import clock
from app.core.errors import Problem, Unavailable
from app.core.logging import describe, log
from app.core.requests import strict_json
from app.identity.assertions import NotBelievedError, PublicKey, public_key

KEPT = timedelta(minutes=10)
AT_MOST_EVERY = timedelta(seconds=30)
SECONDS_EACH_STEP = 3
SECONDS_IN_ALL = 6
MOST_BYTES = 256 * 1024
MOST_KEYS = 100


class IssuerKeys:
    """The keys at one address, as this process knows them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def naming(self, kid: str) -> Mapping[str, PublicKey]:
        """The keys, fetched again if they are old or none has this name; `Unavailable` when they cannot be had."""
        if not self._serve(kid):
            async with self._one_at_a_time:
                if not self._serve(kid) and self._may_try():
                    await self._fetch()
        if not self._are_fresh():
            raise Unavailable(headers={"Retry-After": str(int(AT_MOST_EVERY.total_seconds()))})
        return self._keys

    def _are_fresh(self) -> bool:
        return self._fetched_at is not None and clock.now() - self._fetched_at < KEPT

    def _serve(self, kid: str) -> bool:
        return self._are_fresh() and kid in self._keys

    def _may_try(self) -> bool:
        return self._tried_at is None or clock.now() - self._tried_at >= AT_MOST_EVERY

    async def _fetch(self) -> None:
        self._tried_at = clock.now()
        try:
            body = await asyncio.wait_for(asyncio.to_thread(fetch, self._address), SECONDS_IN_ALL)
            self._keys = usable_keys(body)
            self._fetched_at = clock.now()
        except (OSError, ValueError) as error:
            log.error("keys of the outside issuer not fetched", **describe(error))


@lru_cache(maxsize=8)
def at(address: str) -> IssuerKeys:
    """The keys at this address, the same object for the whole process."""
    return IssuerKeys(address)


def usable_keys(body: bytes) -> dict[str, PublicKey]:
    """The keys of a JWKS that can check signatures, by name; others in it are none of our business."""
    try:
        document = strict_json(body)
    except Problem as error:
        raise ValueError("not JSON") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a JWKS")  # noqa: TRY004  whoever fetches handles values that are wrong
    found: dict[str, PublicKey] = {}
    for jwk in listed[:MOST_KEYS]:
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str):
            try:
                found[jwk["kid"]] = public_key(jwk)
            except NotBelievedError:
                continue
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow none: the operator named the address, nobody else does."""


def fetch(address: str) -> bytes:
    """What is at this address, `OSError` or `ValueError` if that is not to be had, is too much or too slow."""
    try:
        return _read(address)
    except http.client.HTTPException as error:  # the answer broke off, or is none
        raise OSError("no answer by the rules of HTTP") from error


def _read(address: str) -> bytes:
    give_up = time.monotonic() + SECONDS_IN_ALL
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310  see Settings
    body = bytearray()
    try:
        answer = urllib.request.build_opener(_NoRedirects).open(request, timeout=SECONDS_EACH_STEP)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    with answer:
        while part := answer.read1(MOST_BYTES):
            body += part
            if len(body) > MOST_BYTES or time.monotonic() > give_up:
                raise ValueError("too much, or too slow")
    return bytes(body)
