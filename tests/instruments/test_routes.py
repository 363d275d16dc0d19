"""Reading instruments over HTTP, and uploading wordings."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.permissions import Role
from app.instruments.catalogue import current_definitions, definition
from app.instruments.definitions import Instrument
from app.instruments.models import InstrumentWording
from tests.instruments.callers import a_clinic, a_token

NewClient = Callable[..., httpx2.AsyncClient]


def a_wording(**but: object) -> dict[str, Any]:
    return {
        "instrument": "phq2",
        "version": "1",
        "language": "en",
        "title": "PHQ-2",
        "notice": "In the public domain",
        "items": [
            {"item": "anhedonia", "text": "First question", "answers": [{"value": 0, "text": "Never"}]},
            {"item": "low_mood", "text": "Second question"},
        ],
        "licence": {
            "holder": "Nobody",
            "basis": "public_domain",
            "reference": "Statement of the authors",
            "date": "2026-03-03",
            "by": "Dr Ana Ruiz",
        },
    } | but


@pytest.fixture
async def prescriber(db: Database, new_client: NewClient) -> httpx2.AsyncClient:
    return new_client(await a_token(db, await a_clinic(db), Role.PRESCRIBER))


@pytest.fixture
async def elsewhere(db: Database, new_client: NewClient) -> httpx2.AsyncClient:
    return new_client(await a_token(db, await a_clinic(db), Role.CLINIC_ADMIN))


class TestListInstruments:
    async def test_lists_every_instrument_with_its_licence_class(self, prescriber: httpx2.AsyncClient) -> None:
        answer = await prescriber.get("/v1/instruments")

        found = {item["key"]: item for item in answer.json()["items"]}
        assert answer.status_code == 200
        assert answer.json()["next_cursor"] is None
        assert list(found) == [instrument.key for instrument in current_definitions()]
        assert found["cadss"]["licence_class"] == "restricted"
        assert (found["cadss"]["wording"], found["cadss"]["answerable"]) == ("bring_your_own", True)
        assert (found["kset"]["answerable"], found["kset"]["measures"]) == (False, [])
        assert found["phq9"]["higher_is"] == "worse"
        assert [measure["key"] for measure in found["craving_nrs"]["measures"]] == [
            "craving",
            "craving_peak",
            "craving_resist",
        ]

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
    async def test_is_open_to_everyone_who_is_signed_in(self, role: Role, db: Database, new_client: NewClient) -> None:
        client = new_client(await a_token(db, await a_clinic(db), role))

        assert (await client.get("/v1/instruments")).status_code == 200
        assert (await client.get("/v1/instruments/phq9")).status_code == 200

    async def test_is_closed_to_others(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/v1/instruments")).status_code == 401

    async def test_answers_304_until_a_wording_is_added(self, prescriber: httpx2.AsyncClient) -> None:
        first = await prescriber.get("/v1/instruments")
        known = {"if-none-match": first.headers["etag"]}

        again = await prescriber.get("/v1/instruments", headers=known)
        await prescriber.post("/v1/instruments", json=a_wording())
        later = await prescriber.get("/v1/instruments", headers=known)

        assert (again.status_code, again.content) == (304, b"")
        assert later.status_code == 200
        (phq2,) = [item for item in later.json()["items"] if item["key"] == "phq2"]
        assert phq2["clinic_wordings"] == [{"language": "en", "revision": 1}]

    async def test_takes_few_statements(self, prescriber: httpx2.AsyncClient, queries: list[str], db: Database) -> None:
        await prescriber.get("/v1/instruments")
        queries.clear()

        await prescriber.get("/v1/instruments")

        assert len(queries) == (2 if db.is_postgresql else 3)  # the guard with the audit entry, the wordings


class TestReadInstrument:
    async def test_gives_all_that_is_needed_to_ask_and_score(self, prescriber: httpx2.AsyncClient) -> None:
        body = (await prescriber.get("/v1/instruments/phq9")).json()

        assert [item["key"] for item in body["items"]][-2:] == ["self_harm_thoughts", "functional_difficulty"]
        assert body["items"][0]["values"] == [0, 1, 2, 3]
        assert body["band_sets"][0]["reference"] == "phq9.default/1"
        assert body["safety_items"][0]["rule"] == "SUI-1"
        assert body["change"]["mcid_points"] == 5
        assert body["content_hash"] == definition("phq9").content_hash
        assert body["clinic_wording"] is None

    @pytest.mark.parametrize("instrument", current_definitions(), ids=lambda found: found.key)
    async def test_every_definition_keeps_to_the_document(
        self, instrument: Instrument, prescriber: httpx2.AsyncClient
    ) -> None:
        answer = await prescriber.get(f"/v1/instruments/{instrument.key}", params={"version": instrument.version})

        assert answer.status_code == 200
        assert answer.json()["key"] == instrument.key

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("/v1/instruments/phq10", "unknown_instrument"),
            ("/v1/instruments/phq9?version=0", "unknown_instrument_version"),
        ],
    )
    async def test_says_whether_the_key_or_the_version_is_unknown(
        self, path: str, code: str, prescriber: httpx2.AsyncClient
    ) -> None:
        answer = await prescriber.get(path)

        assert (answer.status_code, answer.json()["code"]) == (404, code)

    async def test_shows_the_clinics_wording_in_the_language_asked_for(self, prescriber: httpx2.AsyncClient) -> None:
        for language in ("en", "de-ch"):
            await prescriber.post("/v1/instruments", json=a_wording(language=language))

        async def shown(**query: str) -> str | None:
            wording = (await prescriber.get("/v1/instruments/phq2", params=query)).json()["clinic_wording"]
            return str(wording["language"]) if wording else None

        assert await shown() == "en"
        assert await shown(language="de") == "de-CH"
        assert await shown(language="fr") is None

    async def test_answers_304_until_the_wording_changes(self, prescriber: httpx2.AsyncClient) -> None:
        known = {"if-none-match": (await prescriber.get("/v1/instruments/phq2")).headers["etag"]}

        assert (await prescriber.get("/v1/instruments/phq2", headers=known)).status_code == 304
        await prescriber.post("/v1/instruments", json=a_wording())
        assert (await prescriber.get("/v1/instruments/phq2", headers=known)).status_code == 200


class TestAddInstrumentWording:
    async def test_keeps_the_words_with_the_record_of_the_licence(
        self, prescriber: httpx2.AsyncClient, db: Database
    ) -> None:
        answer = await prescriber.post("/v1/instruments", json=a_wording())

        kept = answer.json()
        assert answer.status_code == 201
        assert kept["revision"] == 1
        assert kept["licence"] == a_wording()["licence"]
        assert kept["items"][1] == {"item": "low_mood", "text": "Second question", "answers": []}
        assert (await prescriber.get("/v1/instruments/phq2")).json()["clinic_wording"] == kept
        (event,) = (await db.scalars(sa.select(OutboxEvent))).all()
        assert (event.type, str(event.subject_id)) == ("instrument.wording_added", kept["id"])
        entries = (await db.scalars(sa.select(AuditEntry.operation).order_by(AuditEntry.id))).all()
        assert entries == ["add_instrument_wording", "read_instrument"]

    async def test_takes_the_example_of_the_docs_page(self, prescriber: httpx2.AsyncClient) -> None:
        document = (await prescriber.get("/openapi.json")).json()
        (example,) = document["components"]["schemas"]["InstrumentWordingWrite"]["examples"]

        assert (await prescriber.post("/v1/instruments", json=example)).status_code == 201

    async def test_a_change_is_the_next_revision_and_the_earlier_one_is_kept(
        self, prescriber: httpx2.AsyncClient, db: Database
    ) -> None:
        await prescriber.post("/v1/instruments", json=a_wording())
        second = await prescriber.post("/v1/instruments", json=a_wording(title="PHQ-2, new"))

        assert (second.status_code, second.json()["revision"]) == (201, 2)
        assert (await prescriber.get("/v1/instruments/phq2")).json()["clinic_wording"]["title"] == "PHQ-2, new"
        rows = (await db.scalars(sa.select(InstrumentWording).order_by(InstrumentWording.revision))).all()
        assert [row.wording["title"] for row in rows] == ["PHQ-2", "PHQ-2, new"]

    async def test_sending_the_newest_again_stores_nothing(self, prescriber: httpx2.AsyncClient, db: Database) -> None:
        first = await prescriber.post("/v1/instruments", json=a_wording())
        again = await prescriber.post("/v1/instruments", json=a_wording())

        assert (again.status_code, again.json()) == (200, first.json())
        assert await db.scalar(sa.select(sa.func.count()).select_from(InstrumentWording)) == 1
        assert await db.scalar(sa.select(sa.func.count()).select_from(OutboxEvent)) == 1

    async def test_uploads_at_the_same_moment_get_a_revision_each(self, prescriber: httpx2.AsyncClient) -> None:
        titles = [f"Title {number}" for number in range(6)]

        answers = await asyncio.gather(
            *(prescriber.post("/v1/instruments", json=a_wording(title=title)) for title in titles)
        )

        assert sorted(answer.json()["revision"] for answer in answers) == [1, 2, 3, 4, 5, 6]

    async def test_is_shown_to_this_clinic_alone(
        self, prescriber: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
    ) -> None:
        await prescriber.post("/v1/instruments", json=a_wording())

        assert (await elsewhere.get("/v1/instruments/phq2")).json()["clinic_wording"] is None
        assert (await elsewhere.post("/v1/instruments", json=a_wording())).json()["revision"] == 1

    async def test_revisions_are_counted_for_each_clinic_instrument_and_language(
        self, prescriber: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
    ) -> None:
        phq9_items = [{"item": item.key, "text": "A question"} for item in definition("phq9").items]
        await prescriber.post("/v1/instruments", json=a_wording())
        await prescriber.post("/v1/instruments", json=a_wording(language="de"))
        await prescriber.post("/v1/instruments", json=a_wording(instrument="phq9", items=phq9_items))
        await elsewhere.post("/v1/instruments", json=a_wording())
        for title in ("Second", "Third"):
            await prescriber.post("/v1/instruments", json=a_wording(title=title))

        async def newest(client: httpx2.AsyncClient) -> dict[str, list[tuple[str, int]]]:
            items = (await client.get("/v1/instruments")).json()["items"]
            return {
                item["key"]: sorted((own["language"], own["revision"]) for own in item["clinic_wordings"])
                for item in items
                if item["clinic_wordings"]
            }

        assert await newest(prescriber) == {"phq9": [("en", 1)], "phq2": [("de", 1), ("en", 3)]}
        assert await newest(elsewhere) == {"phq2": [("en", 1)]}

    async def test_words_for_a_restricted_scale_are_taken_by_item_number(self, prescriber: httpx2.AsyncClient) -> None:
        items = [{"item": item.key, "text": f"Question {item.number}"} for item in definition("cadss6").items]

        answer = await prescriber.post("/v1/instruments", json=a_wording(instrument="cadss6", items=items))

        assert answer.status_code == 201

    @pytest.mark.parametrize(
        ("but", "pointer", "code"),
        [
            ({"instrument": "phq10"}, "/instrument", "unknown_instrument"),
            ({"version": "7"}, "/version", "unknown_instrument_version"),
            ({"instrument": "kset"}, "/instrument", "not_answerable"),
            ({"items": a_wording()["items"][:1]}, "/items", "items_missing"),
            ({"items": []}, "/items", "too_short"),
            ({"language": "english!"}, "/language", "string_pattern_mismatch"),
            ({"words": "more"}, "/words", "extra_forbidden"),
            ({"licence": a_wording()["licence"] | {"basis": "hearsay"}}, "/licence/basis", "literal_error"),
            ({"licence": {}}, "/licence/holder", "missing"),
        ],
    )
    async def test_refuses_what_cannot_be_shown_or_answered_for(
        self, but: dict[str, Any], pointer: str, code: str, prescriber: httpx2.AsyncClient, db: Database
    ) -> None:
        answer = await prescriber.post("/v1/instruments", json=a_wording(**but))

        assert answer.status_code == 422
        assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) == (pointer, code)
        assert await db.scalar(sa.select(sa.func.count()).select_from(InstrumentWording)) == 0

    @pytest.mark.parametrize("role", [Role.PATIENT, Role.NURSE, Role.THERAPIST, Role.RESEARCHER])
    async def test_is_for_prescribers_and_administrators(self, role: Role, db: Database, new_client: NewClient) -> None:
        client = new_client(await a_token(db, await a_clinic(db), role))

        assert (await client.post("/v1/instruments", json=a_wording())).status_code == 403
