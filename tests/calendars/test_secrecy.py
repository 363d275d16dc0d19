"""The address of a feed is a secret: who can see it, who can guess it, and how often they may try."""

import logging
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.calendars.models import CalendarFeed
from app.core import metrics
from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from tests.calendars.feeds import DAY, NOW, Diary, address, fetched
from tests.cast import Cast
from tests.factories import a_clinic, a_member_of_staff, a_patient

Clients = Callable[..., httpx2.AsyncClient]


class TestSecrecy:
    @pytest.fixture
    def logged(self) -> Any:
        lines: list[str] = []

        class Keeper(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(f"{record.name} {record.getMessage()} {record.exc_info} {record.__dict__}")

        keeper, root = Keeper(), logging.getLogger()
        keeper.addFilter(lambda record: not record.name.startswith(("httpx2", "httpcore2")))
        level = root.level
        root.addHandler(keeper)
        root.setLevel(logging.INFO)
        yield lines
        root.removeHandler(keeper)
        root.setLevel(level)

    async def test_the_address_is_in_no_log_no_figure_and_no_row(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, db: Database, logged: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        path = await address(me)
        token = path.removeprefix("/calendars/").removesuffix(".ics")
        await client.get(path)
        await me.delete("/v1/me/calendar")
        await client.get(path)
        await client.post(path)

        def broken(*_: object) -> bytes:
            raise RuntimeError(path)

        new = await address(me)
        monkeypatch.setattr("app.calendars.files.write", broken)
        await client.get(new)

        assert any("/calendars/{token}.ics" in line for line in logged)
        kept = [*logged, metrics.text([]).decode()]
        kept += [str(row._asdict()) for row in await db.execute(sa.select(AuditEntry.__table__))]
        kept += [str(row._asdict()) for row in await db.execute(sa.select(CalendarFeed.__table__))]
        for secret in (token, new.removeprefix("/calendars/").removesuffix(".ics")):
            assert [text for text in kept if secret in text or secret[-27:] in text] == []

    async def test_each_reading_stands_in_the_audit(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, db: Database, cast: Cast
    ) -> None:
        path = await address(me)
        await client.get(path)
        await client.get(f"/calendars/{'A' * 75}.ics")

        (entry,) = await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "read_calendar_feed"))
        assert (entry.patient_id, entry.actor_id, entry.device_id, entry.permission, entry.outcome) == (
            cast.patient.patient_id, cast.patient.membership.id, None, "calendar:read", "allowed",
        )  # fmt: skip

    async def test_stays_behind_the_wall_of_its_clinic(
        self, client: httpx2.AsyncClient, db: Database, settings: Settings, new_client: Clients, diary: Diary
    ) -> None:
        other = await a_clinic(db, name="Hillside")
        stranger = await a_patient(db, settings, other)
        await diary.appointment(NOW + DAY)
        at_both = await a_member_of_staff(db, settings, other)

        for person in (stranger, at_both):
            assert (await fetched(client, await address(new_client(person.token)))).events == {}

    async def test_forged_addresses_cost_no_statement(
        self, client: httpx2.AsyncClient, queries: list[str], settings: Settings
    ) -> None:
        await client.get(f"/calendars/{'A' * 75}.ics")
        queries.clear()
        for token in ("A" * 75, "x", "../..", "%00", "é", "A" * 3000):
            assert (await client.get(f"/calendars/{token}.ics")).status_code == 404

        assert queries == []


class TestHowOften:
    async def test_each_feed_has_a_quota_and_who_guesses_another(
        self, app: FastAPI, engine: AsyncEngine, settings: Settings, me: httpx2.AsyncClient, client: httpx2.AsyncClient
    ) -> None:
        path, forged = await address(me), f"/calendars/{'A' * 75}.ics"
        few = settings.model_copy(update={"limit_calendar": "3/600"})
        app.state.limits = Limits(few, engine)

        guesses = [(await client.get(forged)).status_code for _ in range(5)]
        answers = [await client.get(path) for _ in range(4)]

        assert guesses == [404, 404, 404, 429, 429]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"calendar";q=3;w=600'
        assert (await me.get("/v1/me")).status_code == 200
        await app.state.limits.settle()
