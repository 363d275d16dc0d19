"""Signing, withdrawing and reading consents through the front door."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.consents.models import Consent
from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import a_cast
from tests.consents.papers import Clients, Papers, a_signature, refused, told
from tests.dosing.sessions import Sessions, revision_of
from tests.factories import a_member_of_staff, an_id

TREATMENT = "treatment_ketamine_off_label"


class TestSignConsent:
    async def test_keeps_who_signed_what_in_which_words(self, papers: Papers, db: Database) -> None:
        document = await papers.publish(TREATMENT, expires_after_days=30)
        before = datetime.now(UTC)

        answer = await papers.sign(document, witness_id=str(papers.cast.nurse.membership.id))

        consent = answer.json()
        assert answer.status_code == 201
        assert (consent["type"], consent["status"], consent["outdated"]) == (TREATMENT, "in_force", False)
        assert (consent["document_id"], consent["document_version"]) == (document["id"], 1)
        assert (consent["language"], consent["text_hash"]) == ("en", document["text_hash"])
        assert (consent["text"], consent["title"]) == (document["text"], document["title"])
        assert (consent["signer"], consent["signature"], consent["method"]) == ("patient", "Sam Rivers", "app")
        assert consent["answers"] == {"stop": "any_time"}
        assert consent["capacity_statement"] == "I am sober and not in withdrawal."
        assert consent["witness_id"] == str(papers.cast.nurse.membership.id)
        assert consent["supersedes"] is consent["withdrawn_at"] is consent["withdrawal_reason"] is None
        signed_at = datetime.fromisoformat(consent["signed_at"])
        assert before - timedelta(milliseconds=1) <= signed_at <= datetime.now(UTC)
        assert datetime.fromisoformat(consent["expires_at"]) == signed_at + timedelta(days=30)
        assert await told(db) == [("consent_document.published", 1), ("consent.signed", 1)]
        assert await revision_of(db, papers.cast.patient) == 1

    async def test_what_may_leave_comes_from_the_document(self, papers: Papers) -> None:
        document = await papers.publish()
        consent = (await papers.sign(document)).json()

        assert {name: consent[name] for name in ("purposes", "recipients", "categories")} == {
            name: document[name] for name in ("purposes", "recipients", "categories")
        }

    async def test_for_a_webhook_its_endpoint_is_the_recipient(self, papers: Papers) -> None:
        consent = await papers.signed("webhook_share:ehr")

        assert consent["recipients"] == [{"recipient_class": "connected_system", "name": "ehr"}]

    async def test_the_signer_names_whom_to_tell_what_where_the_document_does_not(self, papers: Papers) -> None:
        consent = await papers.signed("part2_specific")

        assert consent["recipients"] == [{"recipient_class": "other", "name": "Dr Weber"}]
        assert consent["categories"] == ["check_ins"]

    async def test_two_recipients_are_two_consents(self, papers: Papers) -> None:
        document = await papers.publish("part2_specific")
        for name in ("Dr Weber", "Dr Klein"):
            answer = await papers.sign(document, recipients=[{"recipient_class": "other", "name": name}])
            assert answer.status_code == 201

        assert [consent["status"] for consent in await papers.mine()] == ["in_force", "in_force"]

    async def test_takes_the_place_of_the_version_before(self, papers: Papers) -> None:
        old = await papers.signed()
        new = (await papers.sign(await papers.publish(text="Something new."))).json()

        assert new["supersedes"] == old["id"]
        assert [(each["id"], each["status"], each["outdated"]) for each in await papers.mine()] == [
            (new["id"], "in_force", False),
            (old["id"], "superseded", True),
        ]

    @pytest.mark.parametrize("signer", ["guardian", "representative"])
    async def test_leaves_room_for_who_signs_for_somebody(self, papers: Papers, signer: str) -> None:
        document = await papers.publish()
        witness_id = str(papers.cast.therapist.membership.id)

        alone = await papers.sign(document, signer=signer)
        answer = await papers.sign(document, signer=signer, relationship="mother", witness_id=witness_id)

        assert [fault["code"] for fault in alone.json()["errors"]] == ["relationship_missing", "witness_missing"]
        assert (answer.json()["signer"], answer.json()["relationship"]) == (signer, "mother")

    @pytest.mark.parametrize(
        ("consent_type", "but", "pointer", "code"),
        [
            ("part2_tpo", {"document_id": "01a3c3d0-0000-7000-8000-000000000000"}, "/document_id", "unknown_document"),
            ("part2_tpo", {"document_id": "7"}, "/document_id", "uuid_parsing"),
            ("part2_tpo", {"signature": ""}, "/signature", "string_too_short"),
            ("part2_tpo", {"signer": "employer"}, "/signer", "enum"),
            ("part2_tpo", {"text_hash": "abc"}, "/text_hash", "string_pattern_mismatch"),
            ("part2_tpo", {"presented_at": "yesterday"}, "/presented_at", "instant_format"),
            ("part2_tpo", {"witness_id": "01a3c3d0-0000-7000-8000-000000000000"}, "/witness_id", "unknown_staff"),
            ("part2_tpo", {"categories": ["notes"]}, "/categories", "said_by_the_document"),
            (
                "part2_tpo",
                {"recipients": [{"recipient_class": "other", "name": "X"}]},
                "/recipients",
                "said_by_the_document",
            ),
            (TREATMENT, {"capacity_statement": None}, "/capacity_statement", "capacity_missing"),
            (TREATMENT, {"capacity_statement": "  "}, "/capacity_statement", "capacity_missing"),
            ("part2_specific", {"recipients": []}, "/recipients", "recipients_missing"),
            (
                "part2_specific",
                {"recipients": [{"recipient_class": "treating_provider"}]},
                "/recipients/0/name",
                "name_missing",
            ),
            ("part2_specific", {"categories": []}, "/categories", "categories_missing"),
            ("part2_specific", {"categories": ["notes"]}, "/categories", "category_not_offered"),
            ("part2_tpo", {"signed_at": "2020-01-01T00:00:00Z"}, "/signed_at", "extra_forbidden"),
        ],
    )
    async def test_points_at_what_is_wrong(
        self, papers: Papers, consent_type: str, but: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await papers.sign(await papers.publish(consent_type), **but)

        faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
        assert (answer.status_code, faults) == (422, [(pointer, code)])
        assert await papers.mine() == []

    async def test_a_document_of_another_clinic_is_unknown(
        self, papers: Papers, new_client: Clients, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)
        document = await papers.publish()

        answer = await new_client(elsewhere.patient.token).post("/v1/me/consents", json=a_signature(document))

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_document")


class TestWithdrawConsent:
    async def test_counts_at_once(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed()

        answer = await papers.withdraw(consent, reason="I changed my mind.")

        assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
        assert answer.json()["withdrawal_reason"] == "I changed my mind."
        assert (await told(db))[-1] == ("consent.withdrawn", 2)
        assert await revision_of(db, papers.cast.patient) == 2

    async def test_needs_no_reason_and_no_body(self, papers: Papers) -> None:
        answer = await papers.withdraw(await papers.signed())

        assert (answer.json()["status"], answer.json()["withdrawal_reason"]) == ("withdrawn", None)

    async def test_a_second_time_changes_nothing(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed()
        first = await papers.withdraw(consent, reason="No.")

        again = await papers.withdraw(consent, reason="Another reason.")

        assert again.json() == first.json()
        assert [event for event, _ in await told(db)].count("consent.withdrawn") == 1
        assert await revision_of(db, papers.cast.patient) == 2

    async def test_is_possible_while_a_session_is_open(self, papers: Papers, sessions: Sessions) -> None:
        consent = await papers.signed()
        await sessions.plan()
        await sessions.act("arrival")

        assert (await papers.withdraw(consent)).status_code == 200

    async def test_can_be_followed_by_signing_again(self, papers: Papers) -> None:
        consent = await papers.signed()
        await papers.withdraw(consent)

        again = await papers.sign(await papers.publish())

        assert (again.status_code, again.json()["supersedes"]) == (201, None)
        assert [each["status"] for each in await papers.mine()] == ["in_force", "withdrawn"]

    async def test_what_a_newer_one_replaced_names_the_newer_one(self, papers: Papers) -> None:
        old = await papers.signed()
        new = (await papers.sign(await papers.publish(text="Something new."))).json()

        answer = await papers.withdraw(old)

        assert refused(answer) == (409, "consent_superseded")
        assert answer.json()["superseded_by"] == new["id"]

    async def test_of_the_newer_one_does_not_bring_the_older_one_back(self, papers: Papers) -> None:
        await papers.signed()
        new = (await papers.sign(await papers.publish(text="Something new."))).json()
        await papers.withdraw(new)

        assert [each["status"] for each in await papers.mine()] == ["withdrawn", "superseded"]

    async def test_somebody_elses_is_not_there(self, papers: Papers, new_client: Clients) -> None:
        consent = await papers.signed()
        other = new_client(papers.cast.other_patient.token)

        answers = [
            await other.post(f"/v1/me/consents/{consent['id']}/withdrawal"),
            await other.get(f"/v1/me/consents/{consent['id']}"),
            await other.get(f"/v1/me/consents/{consent['id']}/document"),
            await papers.coordinator.get(f"/v1/patients/{papers.cast.other_patient_id}/consents/{consent['id']}"),
        ]

        assert [refused(answer) for answer in answers] == [(404, "not_found")] * 4
        assert (await papers.mine())[0]["status"] == "in_force"


class TestReading:
    async def test_staff_who_look_after_the_patient_see_what_they_signed(self, papers: Papers) -> None:
        consent = await papers.signed()
        await papers.withdraw(consent, reason="Too much.")
        address = f"/v1/patients/{papers.cast.patient_id}/consents"

        (listed,) = (await papers.prescriber.get(address)).json()["items"]
        one = (await papers.prescriber.get(f"{address}/{consent['id']}")).json()

        assert listed.items() <= one.items()
        assert (one["text"], one["withdrawal_reason"]) == (consent["text"], "Too much.")

    async def test_why_somebody_said_no_is_not_for_the_administration(self, papers: Papers) -> None:
        consent = await papers.signed()
        await papers.withdraw(consent, reason="Too much.")

        answer = await papers.coordinator.get(f"/v1/patients/{papers.cast.patient_id}/consents/{consent['id']}")

        assert (answer.json()["status"], answer.json()["withdrawal_reason"]) == ("withdrawn", None)

    async def test_pages_through_all_of_them_once(self, papers: Papers) -> None:
        for consent_type in ("part2_tpo", "research", "recording"):
            await papers.signed(consent_type)

        first = (await papers.me.get("/v1/me/consents?limit=2")).json()
        second = (await papers.me.get(f"/v1/me/consents?limit=2&cursor={first['next_cursor']}")).json()

        assert [each["type"] for each in first["items"] + second["items"]] == ["recording", "research", "part2_tpo"]
        assert second["next_cursor"] is None

    async def test_a_list_costs_the_same_however_long_it_is(self, papers: Papers, queries: list[str]) -> None:
        await papers.signed("part2_tpo")
        await papers.mine()
        queries.clear()
        await papers.mine()
        few = len(queries)
        await papers.signed("research")
        await papers.signed("recording")
        queries.clear()

        await papers.mine()

        assert len(queries) == few

    async def test_both_sides_keep_a_copy(self, papers: Papers) -> None:
        consent = await papers.signed(signature="<b>Sam</b> & co")

        mine = await papers.me.get(f"/v1/me/consents/{consent['id']}/document")
        theirs = await papers.prescriber.get(f"/v1/patients/{papers.cast.patient_id}/consents/{consent['id']}/document")

        assert mine.headers["content-type"] == "text/html; charset=utf-8"
        assert mine.headers["cache-control"] == "no-store"
        assert mine.text == theirs.text
        assert "You can stop at any time." in mine.text
        assert "&lt;b&gt;Sam&lt;/b&gt; &amp; co" in mine.text
        assert consent["text_hash"] in mine.text


class TestAtRest:
    async def test_a_persons_words_are_sealed(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed(
            "part2_specific", signature="CANARY-1", recipients=[{"recipient_class": "other", "name": "CANARY-2"}],
            capacity_statement="CANARY-3",
        )  # fmt: skip
        await papers.withdraw(consent, reason="CANARY-4")

        row = (await db.execute(sa.text("SELECT * FROM consents"))).one()
        stored = (await db.scalars(sa.select(Consent))).one()

        assert [value for value in row if "CANARY" in str(value)] == []
        assert (stored.signature, stored.capacity_statement) == ("CANARY-1", "CANARY-3")
        assert "CANARY-2" in stored.recipients
        assert stored.withdrawal_reason == "CANARY-4"

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE consents SET text_hash = 'other'",
            "UPDATE consents SET signed_at = withdrawn_at",
            "UPDATE consents SET withdrawn_at = NULL, withdrawal_reason = NULL",
            "DELETE FROM consents",
        ],
    )
    async def test_the_database_refuses_to_change_or_remove_one(
        self, papers: Papers, db: Database, statement: str
    ) -> None:
        await papers.withdraw(await papers.signed())

        with pytest.raises(sa.exc.DBAPIError, match="only added"):
            await db.execute(sa.text(statement))

    async def test_secrets_can_still_rotate(self, papers: Papers, db: Database) -> None:
        await papers.signed()

        await db.execute(sa.update(Consent).values(signature="Sam Rivers", recipients="[]"))


class TestWhoMayRead:
    @pytest.mark.parametrize(
        ("role", "consents", "disclosures"),
        [
            (Role.NURSE, 200, 403),
            (Role.COORDINATOR, 200, 403),
            (Role.PRIVACY_OFFICER, 200, 200),
            (Role.CLINIC_ADMIN, 403, 403),
            (Role.RESEARCHER, 403, 403),
        ],
    )
    async def test_by_role(
        self,
        papers: Papers,
        new_client: Clients,
        db: Database,
        settings: Settings,
        role: Role,
        consents: int,
        disclosures: int,
    ) -> None:
        person = await a_member_of_staff(db, settings, papers.cast.clinic, role, patients=(papers.cast.patient,))
        client = new_client(person.token)
        address = f"/v1/patients/{papers.cast.patient_id}"

        assert (await client.get(f"{address}/consents")).status_code == consents
        assert (await client.get(f"{address}/disclosures")).status_code == disclosures

    async def test_staff_sign_and_withdraw_for_nobody(self, papers: Papers) -> None:
        assert refused(await papers.prescriber.post("/v1/me/consents", json={})) == (403, "forbidden")
        assert refused(await papers.prescriber.post(f"/v1/me/consents/{an_id()}/withdrawal")) == (403, "forbidden")
