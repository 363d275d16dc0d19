"""The roster over HTTP, and when a patient is told that the team has been told."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import Membership
from app.safety.models import OnCallRoster
from app.safety.roster_schemas import as_rules
from app.safety.rosters import Standing
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.factories import an_id
from tests.mail_servers import with_mail
from tests.safety.conftest import OnDuty
from tests.safety.raising import MONDAY, a_roster

PATH = "/v1/on-call-roster"
HOURS = {"weekday": "monday", "begins": "08:00", "ends": "18:00"}


@pytest.fixture
def coordinator(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.coordinator.token)


async def put(client: httpx2.AsyncClient, content: dict[str, Any], version: int | None = None) -> httpx2.Response:
    return await client.put(PATH, json=content, headers={} if version is None else {"If-Match": f'"{version}"'})


class TestRead:
    async def test_a_clinic_without_one_promises_nothing(self, coordinator: httpx2.AsyncClient) -> None:
        answer = await coordinator.get(PATH)

        assert answer.status_code == 200
        assert answer.headers["etag"] == '"0"'
        body = answer.json()
        assert (body["version"], body["country"], body["shifts"], body["outside_hours"]) == (
            0,
            None,
            [],
            "not_promised",
        )
        assert (body["staffed_now"], body["on_call_now"], body["alerts_promised"]) == (False, None, False)
        assert body["time_zone"] == "Europe/Berlin"

    async def test_shows_what_was_put_and_what_it_means_now(
        self, coordinator: httpx2.AsyncClient, on_duty: OnDuty
    ) -> None:
        content = a_roster(on_duty.first, on_duty.second, lead_id=str(on_duty.lead.membership.id))
        await put(coordinator, content)

        body = (await coordinator.get(PATH)).json()

        assert {name: body[name] for name in content} == content
        assert body["on_call_now"] == str(on_duty.first.membership.id)


class TestPut:
    async def test_the_first_is_made_and_the_next_needs_the_version(
        self, coordinator: httpx2.AsyncClient, on_duty: OnDuty, db: Database
    ) -> None:
        first, next_ = a_roster(on_duty.first), a_roster(on_duty.second)
        answers = [
            await put(coordinator, first),
            await put(coordinator, first),  # the same again
            await put(coordinator, next_),
            await put(coordinator, next_, 7),
            await put(coordinator, next_, 1),
        ]

        assert [answer.status_code for answer in answers] == [201, 200, 428, 412, 200]
        assert [answer.json().get("version") for answer in answers] == [1, 1, None, None, 2]
        assert answers[3].json()["current"]["version"] == 1
        rows = (await db.scalars(sa.select(OnCallRoster).order_by(OnCallRoster.version))).all()
        assert [row.content["shifts"][0]["first_id"] for row in rows] == [
            str(on_duty.first.membership.id),
            str(on_duty.second.membership.id),
        ]
        told = await db.scalars(sa.select(OutboxEvent.version).where(OutboxEvent.type == "on_call_roster.changed"))
        assert sorted(told) == [1, 2]

    async def test_names_only_people_who_work_here_and_may_open_records(
        self, coordinator: httpx2.AsyncClient, on_duty: OnDuty, cast: Cast, db: Database
    ) -> None:
        await db.execute(
            sa.update(Membership).where(Membership.id == on_duty.lead.membership.id).values(ended_at=MONDAY)
        )
        content = a_roster(on_duty.first, cast.coordinator, lead_id=str(on_duty.lead.membership.id))
        content["shifts"] = content["shifts"][:1]
        content["overrides"] = [
            {"on": "2026-12-24", "begins": "08:00", "ends": "20:00", "first_id": str(an_id()), "second_id": None}
        ]

        answer = await put(coordinator, content)

        assert (answer.status_code, answer.json()["code"]) == (422, "cannot_be_on_call")
        assert sorted(error["pointer"] for error in answer.json()["errors"]) == [
            "/lead_id", "/overrides/0/first_id", "/shifts/0/second_id",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [
            ({"country": "USA"}, "/country"),
            ({"country": "us"}, "/country"),
            ({"telephone": "call me"}, "/telephone"),
            ({"staffed_hours": [HOURS | {"begins": "24:00"}]}, "/staffed_hours/0/begins"),
            ({"staffed_hours": [HOURS | {"weekday": "someday"}]}, "/staffed_hours/0/weekday"),
            ({"closed_on": ["2026-02-30"]}, "/closed_on/0"),
            ({"outside_hours": "maybe"}, "/outside_hours"),
            ({"channels": []}, "/channels"),
            ({"channels": ["pager"]}, "/channels/0"),
            ({"lead": None}, "/lead"),
        ],
    )  # fmt: skip
    async def test_refuses_what_it_cannot_understand(
        self, coordinator: httpx2.AsyncClient, but: dict[str, Any], pointer: str
    ) -> None:
        answer = await put(coordinator, a_roster(**but))

        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


class TestPromises:
    """MONDAY is within staffed hours, from 8 to 18."""

    NIGHT = MONDAY + timedelta(hours=12)

    @pytest.mark.parametrize(
        ("but", "mail", "at", "live"),
        [
            ({}, True, MONDAY, True),
            ({}, False, MONDAY, False),  # no way to reach anybody
            ({"channels": ["webhook"]}, False, MONDAY, True),
            ({"channels": ["mail", "webhook"]}, False, MONDAY, True),
            ({"shifts": []}, True, MONDAY, False),  # nobody is named
            ({}, True, NIGHT, True),
            ({"outside_hours": "not_promised"}, True, NIGHT, False),
            ({"outside_hours": "not_promised"}, True, MONDAY, True),
            ({"outside_hours": "not_promised", "staffed_hours": []}, True, NIGHT, True),  # it says nothing of hours
        ],
    )
    def test_need_somebody_named_who_can_be_reached(
        self, settings: Settings, on_duty: OnDuty, but: dict[str, Any], mail: bool, at: datetime, live: bool
    ) -> None:
        content = a_roster(on_duty.first, **but)
        standing = Standing(1, as_rules(content, "Europe/Berlin"), content)

        assert standing.is_live(with_mail(settings, "smtp://127.0.0.1") if mail else settings, at) is live
