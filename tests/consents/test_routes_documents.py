"""Publishing and reading documents through the front door."""

import hashlib
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import a_cast
from tests.consents.papers import QUESTION, Clients, Papers, a_document, refused, told
from tests.factories import a_member_of_staff, an_id


class TestPublishConsentDocument:
    async def test_gives_the_version_and_the_hash_of_the_text_as_it_was_sent(self, papers: Papers) -> None:
        text = "# Title\r\n\r\nÜmläuts and  two spaces. "

        answer = await papers.admin.post("/v1/consent-documents", json=a_document(text=text))

        document = answer.json()
        assert answer.status_code == 201
        assert (document["version"], document["current"], document["text"]) == (1, True, text)
        assert document["text_hash"] == hashlib.sha256(text.encode()).hexdigest()

    async def test_adds_a_version_and_keeps_the_one_before(self, papers: Papers, db: Database) -> None:
        first = await papers.publish()
        second = await papers.publish(text="Something new.")

        old = (await papers.me.get(f"/v1/consent-documents/{first['id']}")).json()
        assert (second["version"], second["current"]) == (2, True)
        assert (old["version"], old["current"], old["text"]) == (1, False, first["text"])
        assert await told(db) == [("consent_document.published", 1), ("consent_document.published", 2)]

    async def test_the_same_again_changes_nothing(self, papers: Papers, db: Database) -> None:
        first = await papers.publish()

        answer = await papers.admin.post("/v1/consent-documents", json=a_document())

        assert (answer.status_code, answer.json()) == (200, first)
        assert await told(db) == [("consent_document.published", 1)]

    async def test_counts_each_language_for_itself(self, papers: Papers) -> None:
        await papers.publish()
        german = await papers.publish(language="de")

        assert (german["version"], german["current"]) == (1, True)

    @pytest.mark.parametrize(
        ("but", "pointer", "code"),
        [
            ({"type": "part2_everything"}, "/type", "string_pattern_mismatch"),
            ({"type": "webhook_share"}, "/type", "string_pattern_mismatch"),
            ({"type": "research:1"}, "/type", "string_pattern_mismatch"),
            ({"language": "English"}, "/language", "string_pattern_mismatch"),
            ({"text": ""}, "/text", "string_too_short"),
            ({"purposes": ["research"]}, "/purposes", "purpose_not_for_type"),
            ({"purposes": ["legal_proceedings"]}, "/purposes", "purpose_not_for_type"),
            ({"purposes": []}, "/purposes", "purpose_missing"),
            ({"recipients": []}, "/recipients", "recipients_missing"),
            ({"recipients": [{"recipient_class": "intermediary"}]}, "/recipients/0/name", "name_missing"),
            ({"categories": []}, "/categories", "categories_missing"),
            ({"categories": ["counselling_notes"]}, "/categories", "kept_apart"),
            ({"expires_after_days": 0}, "/expires_after_days", "greater_than_equal"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "in_the_past"),
            ({"questions": [QUESTION, QUESTION]}, "/questions", "doubled_key"),
            (
                {"questions": [QUESTION | {"choices": [QUESTION["choices"][0]] * 2}]},
                "/questions/0/choices",
                "doubled_key",
            ),
            ({"questions": [QUESTION | {"correct": "perhaps"}]}, "/questions/0", "unknown_choice"),
            ({"version": 7}, "/version", "extra_forbidden"),
            ({"text_hash": "0" * 64}, "/text_hash", "extra_forbidden"),
        ],
    )
    async def test_points_at_what_is_wrong(self, papers: Papers, but: dict[str, Any], pointer: str, code: str) -> None:
        answer = await papers.admin.post("/v1/consent-documents", json=a_document(**but))

        faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
        assert (answer.status_code, faults) == (422, [(pointer, code)])

    async def test_publishes_for_its_own_clinic_only(
        self, papers: Papers, new_client: Clients, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)
        document = await papers.publish()

        answer = await new_client(elsewhere.prescriber.token).get(f"/v1/consent-documents/{document['id']}")

        assert refused(answer) == (404, "not_found")


class TestReadConsentDocument:
    async def test_patients_are_not_told_the_right_answers(self, papers: Papers) -> None:
        document = await papers.publish("treatment_ketamine_off_label")
        address = f"/v1/consent-documents/{document['id']}"

        seen = [(await who.get(address)).json()["questions"][0]["correct"] for who in (papers.me, papers.prescriber)]

        assert seen == [None, "any_time"]

    async def test_has_a_tag_that_changes_when_it_is_no_longer_current(self, papers: Papers) -> None:
        document = await papers.publish()
        address = f"/v1/consent-documents/{document['id']}"
        tag = (await papers.me.get(address)).headers["etag"]
        assert (await papers.me.get(address, headers={"If-None-Match": tag})).status_code == 304

        await papers.publish(text="Something new.")

        assert (await papers.me.get(address, headers={"If-None-Match": tag})).json()["current"] is False

    async def test_one_that_is_not_there(self, papers: Papers) -> None:
        assert refused(await papers.me.get(f"/v1/consent-documents/{an_id()}")) == (404, "not_found")


class TestListConsentDocuments:
    async def test_shows_the_current_ones_unless_all_are_asked_for(self, papers: Papers) -> None:
        await papers.publish()
        await papers.publish(text="Something new.")
        await papers.publish("research")

        current = (await papers.me.get("/v1/consent-documents")).json()["items"]
        every = (await papers.me.get("/v1/consent-documents?every_version=true")).json()["items"]

        assert [(item["type"], item["version"]) for item in current] == [("research", 1), ("part2_tpo", 2)]
        assert [item["current"] for item in every] == [True, True, False]

    async def test_can_be_asked_for_one_type_and_language(self, papers: Papers) -> None:
        await papers.publish(language="de")
        await papers.publish()
        await papers.publish("research")

        found = (await papers.me.get("/v1/consent-documents?type=part2_tpo&language=de")).json()["items"]

        assert [(item["type"], item["language"]) for item in found] == [("part2_tpo", "de")]

    async def test_pages_through_all_of_them_once(self, papers: Papers) -> None:
        for number in range(5):
            await papers.publish(text=f"Version {number}")

        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            query = "every_version=true&limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = (await papers.me.get(f"/v1/consent-documents?{query}")).json()
            seen += [item["version"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert seen == [5, 4, 3, 2, 1]

    async def test_a_cursor_belongs_to_one_list(self, papers: Papers) -> None:
        for number in range(2):
            await papers.publish(text=f"Version {number}")
        cursor = (await papers.me.get("/v1/consent-documents?every_version=true&limit=1")).json()["next_cursor"]

        assert refused(await papers.me.get(f"/v1/consent-documents?cursor={cursor}")) == (400, "cursor_invalid")


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement", ["UPDATE consent_documents SET text = 'other'", "DELETE FROM consent_documents"]
    )
    async def test_the_database_refuses_to_change_or_remove_one(
        self, papers: Papers, db: Database, statement: str
    ) -> None:
        await papers.publish()

        with pytest.raises(sa.exc.DBAPIError, match="only added"):
            await db.execute(sa.text(statement))


async def test_who_may_publish(papers: Papers, new_client: Clients, db: Database, settings: Settings) -> None:
    answers: dict[str, int] = {}
    for role in (Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR, Role.PRIVACY_OFFICER):
        person = await a_member_of_staff(db, settings, papers.cast.clinic, role)
        client: httpx2.AsyncClient = new_client(person.token)
        answer = await client.post("/v1/consent-documents", json=a_document(title=role.value))
        answers[role.value] = answer.status_code
    answers["patient"] = (await papers.me.post("/v1/consent-documents", json=a_document())).status_code

    assert answers == {"prescriber": 201, "nurse": 403, "coordinator": 403, "privacy_officer": 403, "patient": 403}
