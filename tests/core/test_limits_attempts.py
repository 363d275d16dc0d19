"""Attempts to sign in are counted exactly, by account, address and site, and the counts name nobody."""

import asyncio
import re
from collections.abc import Callable
from types import SimpleNamespace
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from app.core import crypto, limits
from app.core.db import Database, new_session
from app.core.errors import TooManyRequests
from app.core.limits import Limit, Limits
from app.core.settings import Settings
from tests.cast import Cast


def a_request(app: FastAPI, host: str) -> Request:
    return Request({"type": "http", "headers": [], "client": (host, 1), "app": app, "state": {}})


def spent(refusal: TooManyRequests) -> list[str]:
    violated: list[str] = refusal.members["violated-policies"]
    return violated


class TestExactLimits:
    async def test_ask_the_database_once_for_all_of_an_attempt(
        self, made: Callable[..., Limits], asked: list[str]
    ) -> None:
        worker = made()

        await worker.take((Limit.SIGN_IN_ADDRESS, "x"), (Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "a"))
        await worker.take((Limit.SIGN_IN_ADDRESS, "x"), (Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "a"))

        assert len(asked) == 2

    async def test_refuse_from_memory_until_the_time_has_come(
        self, made: Callable[..., Limits], asked: list[str], monotonic: SimpleNamespace
    ) -> None:
        worker = made(limit_sign_in_account="1/60")
        await worker.take((Limit.SIGN_IN_ACCOUNT, "a"))
        for _ in range(50):
            with pytest.raises(TooManyRequests):
                await worker.take((Limit.SIGN_IN_ACCOUNT, "a"))
        with pytest.raises(TooManyRequests) as refused:
            await worker.take((Limit.SIGN_IN_ACCOUNT, "a"))
        assert spent(refused.value) == ["sign-in-account"]
        assert int(refused.value.headers["retry-after"]) == 60
        assert len(asked) == 2

        monotonic.now += 61
        with pytest.raises(TooManyRequests):
            await worker.take((Limit.SIGN_IN_ACCOUNT, "a"))
        assert len(asked) == 3

    async def test_a_refused_attempt_counts_nowhere_else(self, made: Callable[..., Limits]) -> None:
        worker, another = (made(limit_sign_in_account="1/60", limit_sign_in_site="3/3600") for _ in range(2))
        await worker.take((Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "a"))
        with pytest.raises(TooManyRequests) as refused:
            await worker.take((Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "a"))
        assert spent(refused.value) == ["sign-in-account"]
        await worker.take((Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "b"))
        await worker.settle()

        await another.take((Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "c"))
        with pytest.raises(TooManyRequests, match="too_many_requests") as refused_all:
            await another.take((Limit.SIGN_IN_SITE, ""), (Limit.SIGN_IN_ACCOUNT, "d"))

        assert spent(refused_all.value) == ["sign-in-site"]

    async def test_no_more_refusals_are_remembered_than_fit(
        self, made: Callable[..., Limits], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MOST_REMEMBERED", 10)
        worker = made(limit_sign_in_account="1/3600")

        for number in range(15):
            await worker.take((Limit.SIGN_IN_ACCOUNT, str(number)))
            with pytest.raises(TooManyRequests):
                await worker.take((Limit.SIGN_IN_ACCOUNT, str(number)))

        assert len(worker._refused_until) <= 10

    async def test_stand_when_the_request_is_undone(
        self, app: FastAPI, limited: Callable[..., Limits], engine: AsyncEngine
    ) -> None:
        limited(limit_sign_in_account="2/3600")
        for _ in range(2):
            db = new_session(engine)
            db.request = a_request(app, "192.0.2.1")
            await limits.attempt(db, "somebody@example.org")
            await db.abandon()
            await db.close()

        db = new_session(engine)
        db.request = a_request(app, "192.0.2.2")
        with pytest.raises(TooManyRequests):
            await limits.attempt(db, "Somebody@Example.org ")

    async def test_never_wait_for_the_connection_that_asks(
        self, app: FastAPI, limited: Callable[..., Limits], engine: AsyncEngine
    ) -> None:
        """On SQLite there is one connection: a request that kept it while it asked would wait for itself."""
        limited()
        db = new_session(engine)
        db.request = a_request(app, "192.0.2.1")
        async with asyncio.timeout(2):
            await db.execute(sa.select(1))
            await limits.attempt(db, "somebody@example.org")
            await db.execute(sa.select(1))
            await limits.second_factor(db, UUID(int=1))
            await db.execute(sa.select(1))
            await limits.token(db, "a phone")
        await db.close()

    async def test_work_without_a_request_has_none(self, db: Database, asked: list[str]) -> None:
        (await limits.attempt(db, "somebody@example.org")).succeeded()
        await limits.second_factor(db, UUID(int=1))
        await limits.token(db, "a phone")

        assert asked == []

    async def test_a_second_factor_has_three_of_them(
        self, app: FastAPI, limited: Callable[..., Limits], engine: AsyncEngine
    ) -> None:
        db = new_session(engine)
        db.request = a_request(app, "192.0.2.1")
        for number, limit in enumerate(limits.SECOND_FACTOR):
            limited(**{f"limit_{limit.name.lower()}": "1/3600"})
            await limits.second_factor(db, UUID(int=number))
            with pytest.raises(TooManyRequests) as refused:
                await limits.second_factor(db, UUID(int=number))

            assert spent(refused.value) == [limit]


class TestGivingBack:
    async def test_attempts_that_succeed_count_only_for_the_account(
        self, app: FastAPI, limited: Callable[..., Limits], engine: AsyncEngine
    ) -> None:
        worker = limited(limit_sign_in_address="2/3600", limit_sign_in_site="2/3600", limit_sign_in_account="3/3600")
        db = new_session(engine)
        for account in ("a", "b", "c", "a", "a"):
            db.request = a_request(app, "192.0.2.1")
            (await limits.attempt(db, account)).succeeded()
            await worker.settle()

        with pytest.raises(TooManyRequests) as refused:
            await limits.attempt(db, "a")

        assert spent(refused.value) == ["sign-in-account"]

    async def test_what_is_left_of_an_account_is_told_to_nobody(
        self, app: FastAPI, limited: Callable[..., Limits], engine: AsyncEngine
    ) -> None:
        limited(limit_sign_in_address="30/300")
        db = new_session(engine)
        db.request = a_request(app, "192.0.2.1")

        await limits.attempt(db, "somebody@example.org")

        assert dict(db.request.scope["state"]["rate_limit"]) == {
            b"ratelimit-policy": b'"sign-in-address";q=30;w=300',
            b"ratelimit": b'"sign-in-address";r=29;t=10',
        }


class TestWhatIsStored:
    async def test_names_nobody(
        self,
        app: FastAPI,
        limited: Callable[..., Limits],
        engine: AsyncEngine,
        as_patient: httpx2.AsyncClient,
        cast: Cast,
    ) -> None:
        limited()
        await as_patient.get("/v1/me")
        db = new_session(engine)
        db.request = a_request(app, "192.0.2.77")
        await limits.attempt(db, cast.patient.email)
        await limits.second_factor(db, UUID(int=1))

        async with engine.begin() as connection:
            keys = (await connection.scalars(sa.text("SELECT key FROM rate_limits"))).all()

        assert len(keys) == 7
        assert all(re.fullmatch(r"[a-z-]+:[0-9a-f]{32}", key) for key in keys)

    async def test_differs_with_the_secret(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        before = limits._key(Limit.DEFAULT, "a phone")
        monkeypatch.setattr("app.core.crypto._ring", crypto.KeyRing(["another secret"]))

        assert limits._key(Limit.DEFAULT, "a phone") != before


class TestAddresses:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
            ("2001:0db8:0001:0002::1", "2001:db8:1:2::"),
        ],
    )
    def test_are_one_subscriber(self, app: FastAPI, one: str, other: str) -> None:
        assert limits.address_of(a_request(app, one)) == limits.address_of(a_request(app, other))

    @pytest.mark.parametrize(
        ("one", "other"), [("192.0.2.7", "192.0.2.8"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("a socket", "")]
    )
    def test_are_two(self, app: FastAPI, one: str, other: str) -> None:
        assert limits.address_of(a_request(app, one)) != limits.address_of(a_request(app, other))

    def test_need_not_be_known(self, app: FastAPI) -> None:
        assert limits.address_of(Request({"type": "http", "headers": [], "client": None})) == ""
