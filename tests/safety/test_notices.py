"""Mail to whoever is told: that an item waits, until the server has taken it, and nothing else."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Membership
from app.safety import notices as sending
from app.safety.findings import Finding, Severity
from app.safety.notices import GAPS, send_notices
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.mail_servers import Letters, mail_server
from tests.safety.conftest import OnDuty
from tests.safety.raising import CRITICAL, Raiser, a_roster, notices, with_roster


@pytest.fixture
async def alert_id(raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty) -> UUID:
    """An alert of which whoever is on call and three of the care team are to be told."""
    await with_roster(db, cast.clinic, a_roster(on_duty.first))
    return await raising.one(CRITICAL)


@pytest.fixture(autouse=True)
def _not_said_yet() -> Iterator[None]:
    sending._say_that_nobody_is_told.cache_clear()
    yield
    sending._say_that_nobody_is_told.cache_clear()


async def send(db: Database, engine: AsyncEngine, settings: Settings, minutes: float = 0) -> int:
    """The worker sends what is due, so many minutes from now."""
    await db.finish()
    with clock.told(clock.now() + timedelta(minutes=minutes)):
        return await send_notices(engine, settings)


async def states(db: Database, alert_id: UUID) -> list[str]:
    return sorted(notice.state for notice in await notices(db, alert_id))


class TestMail:
    async def test_goes_once_to_everybody_who_is_told(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, on_duty: OnDuty,
        server: Letters, mailing: Settings,
    ) -> None:  # fmt: skip
        assert [await send(db, engine, mailing) for _ in range(2)] == [4, 0]

        people = (on_duty.first, cast.prescriber, cast.nurse, cast.therapist)
        assert sorted(server.recipients) == sorted(person.email for person in people)
        assert await states(db, alert_id) == ["sent"] * 4
        assert all(notice.sent_at and notice.attempts == 1 for notice in await notices(db, alert_id))
        assert len({letter["Message-ID"] for letter in server.received}) == 4

    async def test_says_that_an_item_waits_and_nothing_else(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        await send(db, engine, mailing)

        for letter in server.received:
            text = letter.as_string()
            assert letter["Subject"] == "An item needs review"
            assert f"{mailing.public_url}/v1/alerts/{alert_id}" in text
            for kept in (
                cast.patient_id, "Sam R.", cast.clinic.name, "SUI", "PHQ", "critical", "urgent", "crisis", "patient",
                "suicid", "alert of", "first", "second", "lead",
            ):  # fmt: skip
                assert kept.lower() not in text.lower().replace(f"/v1/alerts/{alert_id}", "")

    async def test_is_needless_once_somebody_answered(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, server: Letters, mailing: Settings,
        new_client: Clients,
    ) -> None:  # fmt: skip
        await new_client(cast.nurse.token).post(
            f"/v1/alerts/{alert_id}/resolution", json={"outcome": "safe_now"}, headers={"If-Match": '"1"'}
        )

        assert await send(db, engine, mailing) == 0
        assert server.received == []
        assert await states(db, alert_id) == ["needless"] * 4

    async def test_does_not_go_to_who_left(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, server: Letters, mailing: Settings
    ) -> None:
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.nurse.membership.id).values(ended_at=clock.now())
        )

        assert await send(db, engine, mailing) == 3
        assert cast.nurse.email not in server.recipients
        assert await states(db, alert_id) == ["needless", "sent", "sent", "sent"]


class TestFailures:
    async def test_a_server_that_is_away_is_tried_again_with_growing_gaps_for_ever(
        self, db: Database, engine: AsyncEngine, cast: Cast, on_duty: OnDuty, settings: Settings
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))
        alert_id = await Raiser(db, cast.clinic, cast.other_patient).one(Finding("SUI-4", Severity.CRITICAL, {}, {}))
        async with mail_server() as gone:
            pass
        away, minutes = gone.settings(settings), 0.0

        for attempt in range(1, 12):
            gap = GAPS[min(attempt, len(GAPS)) - 1].total_seconds() / 60
            for moment in (minutes, minutes + gap - 0.05):  # the second comes too early
                assert await send(db, engine, away, moment) == 0
            (notice,) = await notices(db, alert_id)
            assert (notice.state, notice.attempts) == ("pending", attempt)
            minutes += gap + 0.05

        async with mail_server() as back:
            assert await send(db, engine, back.settings(settings), minutes) == 1
        assert back.recipients == [on_duty.first.email]

    async def test_a_server_that_is_away_is_asked_once_a_round_and_loses_nothing(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, settings: Settings
    ) -> None:
        async with mail_server() as gone:
            pass
        assert await send(db, engine, gone.settings(settings)) == 0
        assert sorted(notice.attempts for notice in await notices(db, alert_id)) == [0, 0, 0, 1]

        async with mail_server() as back:
            assert await send(db, engine, back.settings(settings), 1) == 4

    async def test_an_address_that_is_refused_is_marked_and_keeps_no_other_from_being_told(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, server: Letters, mailing: Settings,
        logged: list[str],
    ) -> None:  # fmt: skip
        server.refuses[cast.nurse.email] = f"550 No mailbox {cast.nurse.email}"
        server.refuses[cast.therapist.email] = "452 Mailbox full"

        assert await send(db, engine, mailing) == 2

        assert await states(db, alert_id) == ["pending", "refused", "sent", "sent"]
        assert sorted("550" in line for line in logged) == [False, True]
        assert not any(email in line for line in logged for email in (cast.nurse.email, cast.therapist.email))
        server.refuses.clear()
        assert await send(db, engine, mailing, 1) == 1
        assert server.recipients.count(cast.therapist.email) == 1
        assert server.recipients.count(cast.nurse.email) == 0

    async def test_without_a_server_they_stay_to_be_seen_and_the_log_says_so_once(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, cast: Cast, settings: Settings, logged: list[str],
        new_client: Clients,
    ) -> None:  # fmt: skip
        for _ in range(3):
            assert await send(db, engine, settings) == 0

        assert len(logged) == 1
        assert "AFTERGLOW_SMTP_URL is not set" in logged[0]
        shown = (await new_client(cast.nurse.token).get(f"/v1/alerts/{alert_id}")).json()["notices"]
        assert [(notice["state"], notice["attempts"], notice["sent_at"]) for notice in shown] == [
            ("pending", 0, None)
        ] * 4

    async def test_two_workers_send_each_once(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, server: Letters, mailing: Settings
    ) -> None:
        sent = await asyncio.gather(*(send(db, engine, mailing) for _ in range(3)))

        assert sum(sent) == 4
        assert len(server.recipients) == 4

    async def test_no_transaction_is_open_while_a_mail_is_sent(
        self, db: Database, engine: AsyncEngine, alert_id: UUID, server: Letters, mailing: Settings
    ) -> None:
        """On SQLite, whose only connection it would be, everybody else would wait for the mail server."""
        came, go_on = asyncio.Event(), asyncio.Event()

        async def slow(*_: object) -> str:
            came.set()
            await go_on.wait()
            return "250 OK"

        server.handle_DATA = slow  # type: ignore[assignment,method-assign]  # a server that takes its time
        await db.finish()
        under_way = asyncio.create_task(send_notices(engine, mailing))
        async with asyncio.timeout(5):
            await came.wait()
            assert await states(db, alert_id) == ["pending"] * 4
            go_on.set()
            assert await under_way == 4
