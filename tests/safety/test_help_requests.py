"""The button: the card comes back whatever else is wrong, and whoever is on call is told, once."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import PatientRevision
from app.safety.help_requests import KEPT_CHARACTERS
from app.safety.models import Alert, HelpRequest
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.factories import an_id
from tests.mail_servers import with_mail
from tests.safety.conftest import OnDuty
from tests.safety.raising import MONDAY, a_roster, steps, told, with_roster

PATH = "/v1/me/help-requests"


@pytest.fixture
def me(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


async def the_alert(db: Database) -> Alert:
    await db.finish()
    return (await db.scalars(sa.select(Alert))).one()


class TestRequestHelp:
    @pytest.mark.parametrize(
        ("body", "kept"),
        [
            (None, None),
            ({}, None),
            ({"message": "Please call me."}, "Please call me."),
            ({"message": "x" * 90_000}, "x" * KEPT_CHARACTERS),
        ],
        ids=["nothing", "an empty object", "a message", "a long message"],
    )
    async def test_answers_with_the_card_first_and_asks_for_nothing(
        self, me: httpx2.AsyncClient, db: Database, body: dict[str, Any] | None, kept: str | None
    ) -> None:
        answer = await me.post(PATH, json=body)

        assert answer.status_code == 201
        assert next(iter(answer.json())) == "crisis_card"
        assert answer.json()["crisis_card"]["emergency"]["call"] == "112"
        assert (await db.scalars(sa.select(HelpRequest))).one().message == kept

    async def test_tells_whoever_is_on_call_and_says_so(
        self, me: httpx2.AsyncClient, app: FastAPI, settings: Settings, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        app.state.settings = with_mail(settings, "smtp://127.0.0.1")
        await with_roster(db, cast.clinic, a_roster(on_duty.first))

        body = (await me.post(PATH, json={"message": "Please call me."})).json()

        alert = await the_alert(db)
        assert (body["team_told"], body["crisis_card"]["country"]) == (True, "US")
        assert (alert.rule, alert.severity, alert.subject_kind, alert.subject_id) == (
            "SUI-4", "critical", "help_request", UUID(body["id"]),
        )  # fmt: skip
        assert alert.inputs == {}  # never the words
        assert await told(db, alert.id) == {(on_duty.first.membership.id, "first")}

    async def test_promises_nothing_without_a_roster_but_tells_the_care_team(
        self, me: httpx2.AsyncClient, db: Database
    ) -> None:
        body = (await me.post(PATH)).json()

        assert not body["team_told"]
        assert "cannot promise" in body["team_told_text"]
        assert len(await told(db, (await the_alert(db)).id)) == 3

    async def test_the_same_again_is_the_same_and_tells_nobody_twice(
        self, me: httpx2.AsyncClient, db: Database
    ) -> None:
        request = {"id": str(an_id()), "message": "Please call me."}
        answers = [await me.post(PATH, json=request) for _ in range(2)]
        other_words = await me.post(PATH, json={"id": request["id"], "message": "Please!"})

        assert [answer.status_code for answer in (*answers, other_words)] == [201, 200, 200]
        assert answers[0].json() == answers[1].json() == other_words.json()
        assert (await the_alert(db)).occurrences == 1

    async def test_another_adds_to_the_alert_that_is_there(self, me: httpx2.AsyncClient, db: Database) -> None:
        ids = [(await me.post(PATH)).json()["id"] for _ in range(2)]

        alert = await the_alert(db)
        assert (alert.occurrences, len(set(ids))) == (2, 2)
        assert [action for action, _, _ in await steps(db, alert.id)] == ["raised", "repeated"]
        assert set(await db.scalars(sa.select(HelpRequest.alert_id))) == {alert.id}

    async def test_works_for_somebody_who_wants_nothing_stored_any_more(
        self, me: httpx2.AsyncClient, db: Database, cast: Cast
    ) -> None:
        await db.execute(
            sa.update(PatientRevision)
            .where(PatientRevision.patient_id == cast.patient.patient_id)
            .values(app_consent_withdrawn_at=MONDAY)
        )

        assert (await me.post(PATH)).status_code == 201

    async def test_keeps_the_words_sealed_and_out_of_the_alert(
        self, me: httpx2.AsyncClient, db: Database, new_client: Clients, cast: Cast
    ) -> None:
        await me.post(PATH, json={"message": "VERY-PRIVATE"})

        stored = await db.scalar(sa.select(sa.type_coerce(HelpRequest.__table__.c.message, sa.String())))
        assert "VERY-PRIVATE" not in str(stored)
        alert = await the_alert(db)
        assert "VERY-PRIVATE" not in (await new_client(cast.nurse.token).get(f"/v1/alerts/{alert.id}")).text
