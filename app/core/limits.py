"""How often is too often: the limits of every kind of request, and what callers are told of them.

Two ways of counting, on the same rows of the database (`permits.py`):

* What guesses (signing in, one-time codes, tokens) asks the database each time, exactly. Who was refused is refused
  from memory until the time has come, so that a flood costs nothing.
* What merely asks often (every signed-in request) must not cost a statement. A worker buys permits by the dozen and
  spends them in memory. They are paid for in advance, so all workers together never give more than the quota; at most
  a dozen a worker are spent later than they were bought, and what is not spent within ten minutes is lost.

Callers are told in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). What is left of an
account's attempts is told to nobody: it would say that somebody else has tried.
"""

import asyncio
import ipaddress
import itertools
import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import crypto
from app.core.db import Database
from app.core.errors import TooManyRequests
from app.core.permits import SECOND, Counter, Policy
from app.core.settings import Settings

DOZEN = 12
LEASE_SECONDS = 600
MOST_REMEMBERED = 50_000

Headers = tuple[tuple[bytes, bytes], ...]


class Limit(StrEnum):
    """What is limited. Each has a setting of its name, such as `limit_sign_in_account`."""

    DEFAULT = "default"
    UPLOAD = "upload"
    ESSENTIAL = "essential"
    CALENDAR = "calendar"
    TOKEN = "token"  # noqa: S105  a name
    TOKEN_ADDRESS = "token-address"  # noqa: S105  the same
    SIGN_IN_ACCOUNT = "sign-in-account"
    SIGN_IN_ADDRESS = "sign-in-address"
    SIGN_IN_SITE = "sign-in-site"
    SECOND_FACTOR = "second-factor"
    SECOND_FACTOR_HOUR = "second-factor-hour"
    SECOND_FACTOR_DAY = "second-factor-day"


SECOND_FACTOR = (Limit.SECOND_FACTOR, Limit.SECOND_FACTOR_HOUR, Limit.SECOND_FACTOR_DAY)


@dataclass(slots=True)
class _Lease:
    """What this process bought for one caller: `permits` still unspent.

    `refused`: there was none to buy, and there is no use in asking before `ends_at`. At `full_at` all permits are back
    unless somebody else buys some.
    """

    permits: int
    refused: bool
    ends_at: float
    full_at: float


class Limits:
    """The limits of one process, which is `app.state.limits`."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self.policies = {
            limit: Policy.parse(limit, getattr(settings, f"limit_{limit.name.lower()}")) for limit in Limit
        }
        self._counter = Counter(engine)
        self._names = {limit: b'"%s"' % limit.encode() for limit in Limit}
        self._policy_headers = {
            limit: (b"ratelimit-policy", b"%s;q=%d;w=%d" % (self._names[limit], policy.quota, policy.window_seconds))
            for limit, policy in self.policies.items()
        }
        self._leases: dict[tuple[Limit, Hashable], _Lease] = {}
        self._buying: dict[tuple[Limit, Hashable], asyncio.Task[None]] = {}
        self._refused_until: dict[str, float] = {}

    async def spend(self, limit: Limit, caller: Hashable) -> Headers:
        """Spend a bought permit of this caller, or `TooManyRequests`; what to tell them."""
        name = (limit, caller)
        while True:
            now = time.monotonic()
            lease = self._leases.get(name)
            if lease is not None and lease.ends_at > now:
                if lease.permits:
                    lease.permits -= 1
                    return self._told(limit, self._left(limit, lease, now), lease.full_at - now)
                if lease.refused:
                    raise self._refusal({limit: lease.ends_at - now})
            await self._bought(name)

    async def take(self, *wanted: tuple[Limit, str]) -> dict[Limit, Headers]:
        """Take a permit of each limit for its caller, in one statement, or `TooManyRequests`; what could be told."""
        keys = {limit: _key(limit, caller) for limit, caller in wanted}
        now = time.monotonic()
        waits = {limit: self._refused_until[key] - now for limit, key in keys.items() if key in self._refused_until}
        if any(wait > 0 for wait in waits.values()):
            raise self._refusal({limit: wait for limit, wait in waits.items() if wait > 0})
        asked = [(self.policies[limit], key) for limit, key in keys.items()]
        grants = dict(zip(keys, await self._counter.take(*asked), strict=True))
        refused = {limit: grant.next_in for limit, grant in grants.items() if not grant.units}
        if refused:
            self._note_refusals({keys[limit]: now + wait for limit, wait in refused.items()})
            self.give_back(*(name for name in wanted if name[0] not in refused))
            raise self._refusal(refused)
        return {limit: self._told(limit, grant.left, grant.full_in) for limit, grant in grants.items()}

    def give_back(self, *taken: tuple[Limit, str]) -> None:
        """Return a permit of each, soon and without waiting for it."""
        self._counter.give_back(*((self.policies[limit], _key(limit, caller)) for limit, caller in taken))

    async def settle(self) -> None:
        """Wait until nothing is under way, before the database is closed."""
        await asyncio.gather(*self._buying.values(), return_exceptions=True)
        await self._counter.settle()

    async def _bought(self, name: tuple[Limit, Hashable]) -> None:
        """Wait for a new lease of this caller. Everybody who wants it waits for the same purchase."""
        buying = self._buying.get(name)
        if buying is None:
            buying = self._buying[name] = asyncio.create_task(self._buy(name))
            buying.add_done_callback(lambda _: self._buying.pop(name, None))
        await asyncio.shield(buying)

    async def _buy(self, name: tuple[Limit, Hashable]) -> None:
        limit, caller = name
        policy = self.policies[limit]
        (grant,) = await self._counter.take((policy, _key(limit, str(caller))), units=min(DOZEN, policy.burst))
        now = time.monotonic()
        if len(self._leases) >= MOST_REMEMBERED:
            _forget(self._leases, [name for name, lease in self._leases.items() if lease.ends_at <= now])
        self._leases[name] = _Lease(
            permits=grant.units,
            refused=not grant.units,
            ends_at=now + (LEASE_SECONDS if grant.units else grant.next_in),
            full_at=now + grant.full_in,
        )

    def _note_refusals(self, refused: dict[str, float]) -> None:
        if len(self._refused_until) >= MOST_REMEMBERED:
            now = time.monotonic()
            _forget(self._refused_until, [key for key, until in self._refused_until.items() if until <= now])
        self._refused_until.update(refused)

    def _left(self, limit: Limit, lease: _Lease, now: float) -> int:
        """How many permits a caller has: those of the lease, and those that are back at the database by now."""
        policy = self.policies[limit]
        missing = math.ceil(max(0, lease.full_at - now) * SECOND / policy.spacing)
        return min(policy.burst, lease.permits + policy.burst - missing)

    def _told(self, limit: Limit, left: int, seconds: float) -> Headers:
        return (
            self._policy_headers[limit],
            (b"ratelimit", b"%s;r=%d;t=%d" % (self._names[limit], left, max(1, math.ceil(seconds)))),
        )

    def _refusal(self, waits: dict[Limit, float]) -> TooManyRequests:
        longest = max(waits, key=waits.__getitem__)
        headers = {name.decode(): value.decode() for name, value in self._told(longest, 0, waits[longest])}
        headers["retry-after"] = str(max(1, math.ceil(waits[longest])))
        members: dict[str, Any] = {"violated-policies": list(waits)}
        return TooManyRequests(headers=headers, **members)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to prove who one is, which was let through to the password, the code or the secret."""

    limits: Limits | None = None
    taken: tuple[tuple[Limit, str], ...] = ()

    def succeeded(self) -> None:
        """They are who they say: only attempts that fail count against the address and the site."""
        if self.limits is not None:
            self.limits.give_back(*self.taken)


async def spend(request: Request, limit: Limit, caller: Hashable) -> None:
    """Let this request of a signed-in caller through, or `TooManyRequests`. A request spends once, however often asked.

    Call it before the request's first statement.
    """
    state = request.scope.setdefault("state", {})
    if "rate_limit" not in state:
        limits: Limits = request.app.state.limits
        state["rate_limit"] = await limits.spend(limit, caller)


async def attempt(db: Database, account: str | None = None) -> Attempt:
    """Let an attempt to sign in through, or `TooManyRequests`: by address, whole site and, where there is one, account.

    `account` is what the caller says it is (an e-mail address): one that we do not know is counted in the same way.
    Call it before anything is hashed. What the request did so far is committed. Work without a request has no limits.
    """
    if db.request is None:
        return Attempt()
    wanted = ((Limit.SIGN_IN_ADDRESS, address_of(db.request)), (Limit.SIGN_IN_SITE, ""))
    of_account = () if account is None else ((Limit.SIGN_IN_ACCOUNT, account.strip().casefold()),)
    return Attempt(await _take(db, db.request, *wanted, *of_account), wanted)


async def second_factor(db: Database, account_id: UUID) -> None:
    """Count a try of a one-time code, or `TooManyRequests`. Ask after the password, before looking at the code.

    Who does not know the password can so never use up the owner's tries. What the request did so far is committed.
    """
    if db.request is not None:
        await _take(db, db.request, *((limit, account_id.hex) for limit in SECOND_FACTOR))


async def token_attempt(db: Database) -> Attempt:
    """Let somebody whom no token of ours vouches for ask for tokens, or `TooManyRequests`, by address.

    They have a quota of their own: a program with a wrong secret must not keep the people beside it from signing in.
    """
    if db.request is None:
        return Attempt()
    wanted = (Limit.TOKEN_ADDRESS, address_of(db.request))
    return Attempt(await _take(db, db.request, wanted), (wanted,))


async def token(db: Database, caller: str) -> None:
    """Let a device or an API client have tokens, or `TooManyRequests`."""
    if db.request is not None:
        await _take(db, db.request, (Limit.TOKEN, caller))


async def _take(db: Database, request: Request, *wanted: tuple[Limit, str]) -> Limits:
    """Ask the database, and tell the caller of the first limit.

    Who waited for a permit with the only connection in hand would wait for themselves.
    """
    limits: Limits = request.app.state.limits
    await db.let_go()
    told = await limits.take(*wanted)
    request.scope.setdefault("state", {}).setdefault("rate_limit", told[wanted[0][0]])
    return limits


def address_of(request: Request) -> str:
    """Who is counted as one address: an IPv4 address, or the /64 that one IPv6 subscriber has at least."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address.packed, 64), strict=False).network_address)
    return str(address)


def _key(limit: Limit, caller: str) -> str:
    """What the database calls a caller: nobody can tell who that is, and a new secret makes everybody start anew."""
    return f"{limit}:{crypto.keys().sign(f'{limit}:{caller}'.encode(), b'rate-limit')[:16].hex()}"


def _forget(remembered: dict[Any, Any], past: Sequence[object]) -> None:
    """Make room: what is past, or else half of it, the oldest first."""
    for key in past or list(itertools.islice(remembered, len(remembered) // 2)):
        del remembered[key]
