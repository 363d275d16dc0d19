"""Whose endpoint was given up is told by mail: once, as soon as the mail server takes it, and without a secret."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.webhooks import notices
from app.webhooks.models import WebhookEndpoint, WebhookLane
from app.webhooks.notices import tell_owners
from app.webhooks.rules import Reason
from app.webhooks.states import disable
from tests.cast import Cast
from tests.mail_servers import Letters, mail_server
from tests.webhooks.rows import a_delivery, ago, an_attempt
from tests.webhooks.world import an_endpoint

OWNER = "owner@ehr.example"
URL = "https://hooks.ehr.example:8443/afterglow?key=KEY-IN-URL"


@pytest.fixture(autouse=True)
def _not_said_yet() -> Iterator[None]:
    notices._say_that_nobody_is_told.cache_clear()
    yield
    notices._say_that_nobody_is_told.cache_clear()


async def given_up(db: Database, cast: Cast, **but: Any) -> WebhookEndpoint:
    """An endpoint that was disabled since nothing arrived for five days."""
    values: dict[str, Any] = {
        "owner_email": OWNER,
        "status": "disabled",
        "disabled_reason": "failing",
        "disabled_at": ago(minutes=1),
    }
    return await an_endpoint(db, cast, URL, **(values | but))


async def told_at(db: Database, endpoint: WebhookEndpoint) -> datetime | None:
    await db.finish()
    db.expunge_all()
    moment: datetime | None = await db.scalar(
        sa.select(WebhookEndpoint.owner_told_at).where(WebhookEndpoint.id == endpoint.id)
    )
    await db.finish()
    return moment


async def tell(db: Database, engine: AsyncEngine, settings: Settings) -> int:
    await db.finish()
    return await tell_owners(engine, settings)


class TestWho:
    @pytest.mark.parametrize("reason", ["gone", "failing"])
    async def test_the_owner_of_an_endpoint_that_was_given_up_is_told_once(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings, reason: str
    ) -> None:
        endpoint = await given_up(db, cast, disabled_reason=reason)

        assert [await tell(db, engine, mailing) for _ in range(3)] == [1, 0, 0]

        assert server.recipients == [OWNER]
        assert await told_at(db, endpoint)

    @pytest.mark.parametrize(
        "but",
        [
            {"status": "active", "disabled_reason": None, "disabled_at": None},
            {"status": "pending", "disabled_reason": None, "disabled_at": None},
            {"disabled_reason": "by_hand"},
            {"owner_email": None},
            {"ended_at": ago(seconds=1)},
            {"owner_told_at": ago(seconds=1)},
        ],
    )
    async def test_nobody_else_is(
        self,
        db: Database,
        engine: AsyncEngine,
        cast: Cast,
        server: Letters,
        mailing: Settings,
        logged: list[str],
        but: dict[str, Any],
    ) -> None:
        await given_up(db, cast, **but)

        assert await tell(db, engine, mailing) == 0
        assert (server.received, logged) == ([], [])

    async def test_whoever_is_given_up_again_is_told_again(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        endpoint = await given_up(db, cast)
        await tell(db, engine, mailing)
        await db.execute(
            sa.update(WebhookEndpoint)
            .where(WebhookEndpoint.id == endpoint.id)
            .values(status="active", disabled_at=None)
        )
        await disable(db, cast.clinic.id, endpoint.id, Reason.GONE, clock.now())

        assert await tell(db, engine, mailing) == 1

        names = [letter["Message-ID"] for letter in server.received]
        assert len(set(names)) == 2


class TestWhat:
    async def test_it_says_which_since_when_why_and_what_to_do(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        endpoint = await given_up(db, cast, name="ehr-north")
        failing_since = ago(days=5)
        await db.execute(
            sa.update(WebhookLane)
            .where(WebhookLane.endpoint_id == endpoint.id)
            .values(failing_since=failing_since, last_success_at=ago(days=6))
        )
        older, newer = await a_delivery(db, endpoint), await a_delivery(db, endpoint)
        await an_attempt(db, newer, outcome="refused", status=503)
        await an_attempt(db, older, outcome="timed_out", status=None)

        await tell(db, engine, mailing)

        (letter,) = server.received
        text = letter.get_content().replace("\r\n", "\n")
        assert letter["Subject"] == "The endpoint ehr-north was disabled"
        assert letter["To"] == OWNER
        for said in (
            f"ehr-north ({endpoint.id})",
            "hooks.ehr.example\n",
            f"Disabled:      {endpoint.disabled_at:%Y-%m-%d %H:%M} UTC",
            "Nothing that was sent to it arrived for five days.",
            f"Last success:  {ago(days=6):%Y-%m-%d}",
            "UTC: timed out\n",
            f"POST {mailing.public_url}/v1/webhook-endpoints/{endpoint.id}/enabling",
            f'{{"replay_since": "{failing_since:%Y-%m-%dT%H:%M:%SZ}"}}',
        ):
            assert said in text
        assert all(len(line) <= 110 for line in text.splitlines())

    async def test_it_says_nothing_that_is_secret_or_of_a_patient(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        delivery = await a_delivery(db, await given_up(db, cast), patient_id=cast.patient.patient_id)
        attempt = await an_attempt(db, delivery)

        await tell(db, engine, mailing)

        (letter,) = server.received
        for kept in (
            "KEY-IN-URL", attempt.answer, "whsec_", delivery.type,
            str(cast.patient.patient_id), str(delivery.subject_id), str(delivery.message_id), "Sam R.",
        ):  # fmt: skip
            assert kept
            assert kept not in letter.as_string()

    async def test_a_name_cannot_add_a_header(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        """The API takes no such name; the database would."""
        await given_up(db, cast, name="ehr\r\nBcc: somebody@else.example\r\n\r\nHello")

        assert await tell(db, engine, mailing) == 1

        (letter,) = server.received
        assert "Bcc" not in letter
        assert server.recipients == [OWNER]
        assert letter["Subject"] == "The endpoint ehr Bcc: somebody@else.example Hello was disabled"


class TestFailures:
    async def test_a_server_that_is_down_is_tried_again(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        endpoints = [await given_up(db, cast) for _ in range(2)]
        async with mail_server() as gone:
            pass
        assert await tell(db, engine, gone.settings(settings)) == 0
        assert [await told_at(db, endpoint) for endpoint in endpoints] == [None, None]

        async with mail_server() as back:
            assert await tell(db, engine, back.settings(settings)) == 2

        assert len(back.received) == 2

    async def test_one_whom_the_server_refuses_keeps_no_other_from_being_told(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        server.refuses["refused@ehr.example"] = "550 No such mailbox"
        refused = [
            await given_up(db, cast, owner_email=address, disabled_at=ago(hours=1))
            for address in ("refused@ehr.example", "a@b.example, c@d.example")
        ]
        await given_up(db, cast)

        assert await tell(db, engine, mailing) == 1
        assert server.recipients == [OWNER]
        assert [await told_at(db, endpoint) for endpoint in refused] == [None, None]

        server.refuses.clear()
        assert await tell(db, engine, mailing) == 1

    async def test_without_a_server_nobody_is_told_and_the_log_says_so_once(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings, logged: list[str]
    ) -> None:
        assert await tell(db, engine, settings) == 0
        assert logged == []
        endpoint = await given_up(db, cast)

        for _ in range(3):
            assert await tell(db, engine, settings) == 0

        assert await told_at(db, endpoint) is None
        assert len(logged) == 1
        assert "AFTERGLOW_SMTP_URL is not set" in logged[0]

    async def test_the_log_names_the_endpoint_and_no_address(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings, logged: list[str]
    ) -> None:
        endpoint = await given_up(db, cast)
        server.refuses[OWNER] = f"550 No mailbox {OWNER}"

        await tell(db, engine, mailing)

        (line,) = logged
        assert str(endpoint.id) in line
        assert "owner_not_told" in line
        assert "550" in line
        assert OWNER not in line

    async def test_no_transaction_is_open_while_a_mail_is_sent(
        self, db: Database, engine: AsyncEngine, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        """On SQLite, whose only connection it would be, everybody else would wait for the mail server."""
        endpoint = await given_up(db, cast)
        came, go_on = asyncio.Event(), asyncio.Event()

        async def slow(*_: object) -> str:
            came.set()
            await go_on.wait()
            return "250 OK"

        server.handle_DATA = slow  # type: ignore[assignment,method-assign]  # a server that takes its time
        await db.finish()
        telling = asyncio.create_task(tell_owners(engine, mailing))
        async with asyncio.timeout(5):
            await came.wait()
            disabled_again = clock.now() + timedelta(seconds=1)
            await db.execute(sa.update(WebhookEndpoint).values(disabled_at=disabled_again))
            await db.finish()
            go_on.set()
            assert await telling == 1

        assert await told_at(db, endpoint) is None  # it was disabled once more meanwhile, of which they know nothing
