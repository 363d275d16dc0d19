"""What phones report of the check-ins that are due."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.core.fields import instant_text
from app.identity.models import PatientRevision
from tests.cast import Cast
from tests.check_in_plans.asked import a_due_check_in
from tests.dosing.sessions import revision_of
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def phone(new_client: NewClient, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
def now() -> datetime:
    return clock.now().astimezone(UTC).replace(microsecond=0)


async def report(phone: httpx2.AsyncClient, *receipts: dict[str, Any]) -> list[tuple[str, str]]:
    sent = await phone.post("/v1/me/due-check-ins/receipts", json={"receipts": list(receipts)})
    assert sent.status_code == 200, sent.text
    return [(each["due_check_in_id"], each["outcome"]) for each in sent.json()["results"]]


def receipt(due_id: UUID, **at: datetime) -> dict[str, Any]:
    return {"due_check_in_id": str(due_id)} | {name: instant_text(moment) for name, moment in at.items()}


async def kept(db: Database, due_id: UUID) -> tuple[datetime | None, datetime | None]:
    row = (await db.execute(sa.select(DueCheckIn.delivered_at, DueCheckIn.shown_at).filter_by(id=due_id))).one()
    return row.delivered_at, row.shown_at


class TestReceipts:
    async def test_are_kept_once_however_often_they_are_sent(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        one, two = a_due_check_in(db, cast, now), a_due_check_in(db, cast, now)
        sent = [receipt(one, delivered_at=now - MINUTE, shown_at=now), receipt(two, delivered_at=now - MINUTE)]

        assert await report(phone, *sent) == [(str(one), "recorded"), (str(two), "recorded")]
        revision = await revision_of(db, cast.patient)
        assert await report(phone, *sent) == [(str(one), "unchanged"), (str(two), "unchanged")]
        assert await report(phone, sent[0], sent[0]) == [(str(one), "unchanged")] * 2
        assert await revision_of(db, cast.patient) == revision
        assert await kept(db, one) == (now - MINUTE, now)
        assert await kept(db, two) == (now - MINUTE, None)

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    async def test_keep_the_earliest_in_whatever_order_phones_report(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime, order: tuple[int, ...]
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        for minutes in order:
            await report(phone, receipt(due_id, shown_at=now - 9 * MINUTE + minutes * MINUTE))

        assert await kept(db, due_id) == (None, now - 9 * MINUTE)

    async def test_of_a_clock_that_runs_ahead_count_as_now(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        await report(phone, receipt(due_id, shown_at=now + timedelta(days=900)))
        _, shown_at = await kept(db, due_id)

        assert shown_at is not None
        assert now <= shown_at < now + MINUTE

    async def test_reach_the_other_phone(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        before = (await phone.get("/v1/me/due-check-ins")).headers["etag"]
        await report(phone, receipt(due_id, delivered_at=now))
        again = await phone.get("/v1/me/due-check-ins", headers={"if-none-match": before})

        assert [item["delivered_at"] for item in again.json()["items"]] == [instant_text(now)]
        assert await db.scalar(sa.select(DueCheckIn.revision)) == await revision_of(db, cast.patient)

    async def test_of_what_is_not_the_patients_own_are_unknown_and_change_nothing(
        self, db: Database, cast: Cast, new_client: NewClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        other = new_client(cast.other_patient.token)

        assert await report(other, receipt(due_id, shown_at=now)) == [(str(due_id), "unknown")]
        assert await kept(db, due_id) == (None, None)
        assert await revision_of(db, cast.other_patient) == 0

    async def test_are_taken_of_what_was_answered_missed_or_withdrawn(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        ids = [a_due_check_in(db, cast, now, state=state) for state in ("answered", "missed", "cancelled")]

        assert {outcome for _, outcome in await report(phone, *(receipt(each, shown_at=now) for each in ids))} == {
            "recorded"
        }

    async def test_of_a_patient_who_wants_nothing_stored_are_refused(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        await db.execute(sa.update(PatientRevision).values(app_consent_withdrawn_at=now))
        sent = await phone.post("/v1/me/due-check-ins/receipts", json={"receipts": [receipt(due_id, delivered_at=now)]})

        assert (sent.status_code, sent.json()["code"]) == (403, "consent_withdrawn")
        assert await kept(db, due_id) == (None, None)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"receipts": []},
            {"receipts": [{"due_check_in_id": str(an_id())}]},
            {"receipts": [{"due_check_in_id": "x", "shown_at": "2026-11-23T10:00:00Z"}]},
            {"receipts": [{"due_check_in_id": str(an_id()), "shown_at": "2026-11-23"}]},
            {"receipts": [{"due_check_in_id": str(an_id()), "shown_at": "1999-11-23T10:00:00Z"}]},
            {"receipts": [{"due_check_in_id": str(an_id()), "shown_at": 5}]},
            {"receipts": [{"due_check_in_id": str(an_id()), "shown_at": "2026-11-23T10:00:00Z", "mood": 3}]},
            {"receipts": [{"due_check_in_id": str(an_id()), "shown_at": "2026-11-23T10:00:00Z"}] * 101},
        ],
    )
    async def test_that_make_no_sense_are_refused(self, phone: httpx2.AsyncClient, body: dict[str, Any]) -> None:
        assert (await phone.post("/v1/me/due-check-ins/receipts", json=body)).status_code == 422
