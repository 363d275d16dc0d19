"""The crisis card: always there, true, kind; and what a patient is told before and after an answer."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.db import Database
from app.core.settings import Settings
from app.main import create_app
from app.safety import crisis
from app.safety.alerts import RaisedAlert
from app.safety.findings import Severity
from app.safety.roster_schemas import as_rules
from app.safety.rosters import Standing
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.factories import an_id
from tests.mail_servers import with_mail
from tests.safety.conftest import OnDuty
from tests.safety.raising import MONDAY, a_roster, view, with_roster

PATH = "/v1/crisis-resources"
NIGHT = datetime(2026, 11, 23, 21, tzinfo=UTC)
KNOWN = crisis.resources()


class TestCard:
    def test_of_the_united_states_is_confirmed(self, settings: Settings) -> None:
        card = crisis.card(settings, "US", None)

        assert (card["emergency"]["call"], card["emergency"]["confirmed"]) == ("911", True)
        (line,) = card["lines"]
        assert (line["call"], line["text"], line["hours"], line["confirmed"]) == ("988", "988", "24/7", True)
        assert line["chat"].startswith("https://")
        assert line["source"]
        assert card["note"] is None

    @pytest.mark.parametrize("country", sorted(set(KNOWN.countries) - {"US"}))
    def test_of_others_says_that_the_clinic_has_to_confirm(self, settings: Settings, country: str) -> None:
        card = crisis.card(settings, country, None)

        assert card["country"] == country
        assert not any(part["confirmed"] for part in (card["emergency"], *card["lines"]))
        assert card["note"]
        assert card["lines"]

    @pytest.mark.parametrize("country", [None, "", "ZZ", "USA", "\u202e", "us; drop table"])
    def test_of_an_unknown_country_is_112_and_says_so(self, settings: Settings, country: str | None) -> None:
        card = crisis.card(settings, country, None)

        assert (card["country"], card["emergency"]["call"], card["lines"]) == (None, "112", [])
        assert "112" in card["note"]

    @pytest.mark.parametrize(
        ("asked", "spoken"), [("de", "de"), ("de-AT", "de"), ("DE", "de"), ("fr", "en"), (None, "en"), ("", "en")]
    )
    def test_speaks_what_it_can(self, settings: Settings, asked: str | None, spoken: str) -> None:
        assert crisis.card(settings, " us ", asked)["language"] == spoken

    @pytest.mark.parametrize("language", sorted(KNOWN.words))
    def test_has_kind_words_and_says_that_nobody_watches(self, language: str) -> None:
        words = KNOWN.words[language]
        said = " ".join(str(value) for value in words.model_dump().values()).lower()

        assert {"en": "nobody reads", "de": "niemand liest"}[language] in words.not_watched.lower()
        for word in (
            "commit",
            "attention",
            "failure",
            "dirty",
            "addict",
            "overdose",
            "pill",
            "knife",
            "must ",
            "schuld",
        ):
            assert word not in said
        assert len(words.message) < 250


class TestRoute:
    async def test_is_public_small_and_may_be_kept(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get(f"{PATH}?country=de&language=de")

        assert answer.status_code == 200
        assert answer.json()["country"] == "DE"
        assert answer.headers["cache-control"].startswith("public, max-age=86400")
        assert "stale-if-error=" in answer.headers["cache-control"]
        assert len(answer.content) < 3000
        again = await client.get(f"{PATH}?country=de&language=de", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
        assert (await client.get(f"{PATH}?country=us")).headers["etag"] != answer.headers["etag"]

    async def test_does_not_need_the_database(self, app: FastAPI, client: httpx2.AsyncClient) -> None:
        app.state.engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")

        answer = await client.get(f"{PATH}?country=US")

        assert answer.status_code == 200
        assert answer.json()["lines"][0]["call"] == "988"


class TestAnOwnFile:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Path:
        line = {"name": "Hillside line", "call": "0123 456", "hours": "8-20", "confirmed": True}
        path = tmp_path / "crisis.json"
        path.write_text(
            json.dumps({"countries": {"DE": {"emergency": {"call": "112", "confirmed": True}, "lines": [line]}}})
        )
        return path

    def test_takes_the_place_of_ours_for_its_countries(self, settings: Settings, own: Path) -> None:
        mine = settings.model_copy(update={"crisis_resources_file": own})

        card = crisis.card(mine, "DE", "de")
        assert [line["name"] for line in card["lines"]] == ["Hillside line"]
        assert (card["note"], card["language"]) == (None, "de")
        assert crisis.card(mine, "US", None)["lines"][0]["call"] == "988"

    @pytest.mark.parametrize("text", ["{", '{"countries": {"DE": {}}}', '{"nations": {}}'])
    def test_that_cannot_be_read_keeps_the_server_from_starting(self, own: Path, settings: Settings, text: str) -> None:
        own.write_text(text)

        with pytest.raises(ValueError, match=r"."):
            create_app(settings.model_copy(update={"crisis_resources_file": own}))


class TestBeforeTheQuestion:
    @pytest.mark.parametrize(
        ("but", "mail", "at", "promised", "says"),
        [
            ({}, True, MONDAY, True, "told at once"),
            ({}, True, NIGHT, True, "told at once"),
            ({"outside_hours": "not_promised"}, True, NIGHT, False, "staffed again from Tuesday, 2026-11-24 08:00"),
            ({}, False, MONDAY, False, "Nobody at your clinic may see"),
        ],
    )
    async def test_says_whether_anybody_would_see_an_answer_now(
        self, settings: Settings, cast: Cast, on_duty: OnDuty,
        but: dict[str, Any], mail: bool, at: datetime, promised: bool, says: str,
    ) -> None:  # fmt: skip
        content = a_roster(on_duty.first, **but)
        standing = Standing(1, as_rules(content, "Europe/Berlin"), content)
        mailing = with_mail(settings, "smtp://127.0.0.1") if mail else settings

        shown = crisis.promise(mailing, view(cast.clinic), standing, at)

        assert shown["alerts_promised"] is promised
        assert says in shown["message"]

    async def test_shows_the_card_of_the_clinics_country_with_its_number(
        self, db: Database, cast: Cast, on_duty: OnDuty, new_client: Clients
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))

        body = (await new_client(cast.patient.token).get("/v1/me/safety-notice")).json()

        assert body["clinic_telephone"] == body["crisis_card"]["clinic_telephone"] == "+1 555 010 0199"
        assert body["crisis_card"]["country"] == "US"
        assert not body["alerts_promised"]  # there is no mail server

    async def test_says_what_it_can_of_a_clinic_that_has_said_nothing(self, cast: Cast, new_client: Clients) -> None:
        body = (await new_client(cast.patient.token).get("/v1/me/safety-notice")).json()

        assert (body["alerts_promised"], body["staffed_now"], body["staffed_next_at"]) == (False, False, None)
        assert body["crisis_card"]["emergency"]["call"] == "112"


class TestAfterTheAnswer:
    def _raised(
        self, severity: Severity = Severity.CRITICAL, text: str | None = "Thank you.", *, card: bool = True
    ) -> RaisedAlert:
        return RaisedAlert(an_id(), "SUI-1", severity, True, text, card)

    @pytest.fixture
    def live(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        monkeypatch.setattr(crisis, "settings_of", lambda _: with_mail(settings, "smtp://127.0.0.1"))

    async def test_shows_the_card_the_words_of_the_rules_once_and_that_the_team_was_told(
        self, db: Database, cast: Cast, on_duty: OnDuty, live: None
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))
        raised = [self._raised(), self._raised(), self._raised(text="Rest.", card=False), self._raised(text=None)]

        notice = await crisis.notice_after(db, view(cast.clinic), raised, MONDAY)

        assert notice is not None
        assert next(iter(notice)) == "crisis_card"
        assert notice["messages"] == ["Thank you.", "Rest."]
        assert notice["crisis_card"]["lines"][0]["call"] == "988"
        assert (notice["team_told"], notice["staffed_now"]) == (True, True)
        assert "has been told" in notice["team_told_text"]

    async def test_promises_nothing_that_the_roster_does_not_hold(
        self, db: Database, cast: Cast, on_duty: OnDuty, live: None
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first, outside_hours="not_promised"))

        notice = await crisis.notice_after(db, view(cast.clinic), [self._raised()], NIGHT)

        assert notice is not None
        assert not notice["team_told"]
        assert re.search("cannot promise.*staffed again from Tuesday, 2026-11-24 08:00", notice["team_told_text"])
        assert notice["staffed_next_at"] == NIGHT + timedelta(hours=10)

    async def test_does_not_say_that_anybody_was_told_of_what_waits(
        self, db: Database, cast: Cast, on_duty: OnDuty, live: None
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))

        notice = await crisis.notice_after(db, view(cast.clinic), [self._raised(Severity.ROUTINE, card=False)], MONDAY)

        assert notice is not None
        assert (notice["team_told"], notice["crisis_card"]) == (False, None)
        assert "Nobody reads answers" in notice["team_told_text"]

    @pytest.mark.parametrize("raised", [[], ["nothing to show"]])
    async def test_shows_nothing_where_there_is_nothing(
        self, db: Database, cast: Cast, queries: list[str], raised: list[str]
    ) -> None:
        await db.finish()
        queries.clear()
        found = [self._raised(text=None, card=False) for _ in raised]

        assert await crisis.notice_after(db, view(cast.clinic), found, MONDAY) is None
        assert queries == []
