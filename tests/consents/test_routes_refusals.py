"""What cannot be signed, and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from app.core.db import Database
from tests.consents.papers import Papers, a_signature, refused, told
from tests.dosing.sessions import Sessions
from tests.factories import PASSWORD

TREATMENT = "treatment_ketamine_off_label"


class TestRefusals:
    async def test_a_consent_for_another_version(self, papers: Papers) -> None:
        old = await papers.publish()
        new = await papers.publish(text="Something new.")

        answer = await papers.sign(old)

        assert refused(answer) == (409, "document_outdated")
        assert answer.json()["current_document_id"] == new["id"]

    async def test_a_document_that_has_run_out(self, papers: Papers) -> None:
        soon = datetime.now(UTC) + timedelta(days=1)
        document = await papers.publish(expires_at=soon.isoformat())
        with time_machine.travel(soon, tick=True):
            form = a_signature(document)

        with time_machine.travel(soon + timedelta(minutes=1), tick=True):
            who = {"email": papers.cast.patient.email, "password": PASSWORD, "device_label": "a phone"}
            token = (await papers.me.post("/v1/sign-ins", json=who)).json()["access_token"]
            answer = await papers.me.post("/v1/me/consents", json=form, headers={"Authorization": f"Bearer {token}"})

        assert refused(answer) == (409, "document_outdated")
        assert answer.json()["current_document_id"] is None

    @pytest.mark.parametrize("but", [{"text_hash": "0" * 64}, {"language": "de"}])
    async def test_another_text_than_the_one_that_was_published(self, papers: Papers, but: dict[str, Any]) -> None:
        assert refused(await papers.sign(await papers.publish(), **but)) == (409, "document_mismatch")

    @pytest.mark.parametrize(
        ("answers", "code"),
        [({}, "not_answered"), ({"stop": "never"}, "not_as_the_text_says"), ({"x": "y"}, "not_answered")],
    )
    async def test_a_question_that_was_not_understood(self, papers: Papers, answers: dict[str, str], code: str) -> None:
        answer = await papers.sign(await papers.publish(TREATMENT), answers=answers)

        assert refused(answer) == (409, "comprehension_needed")
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("/answers/stop", code)]

    async def test_what_is_signed_already(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed()

        answer = await papers.sign(await papers.publish())

        assert refused(answer) == (409, "already_signed")
        assert answer.json()["consent_id"] == consent["id"]
        assert [event for event, _ in await told(db)].count("consent.signed") == 1

    async def test_a_named_recipient_is_the_same_however_it_is_spelt(self, papers: Papers) -> None:
        document = await papers.publish("part2_specific")
        await papers.sign(document)

        answer = await papers.sign(document, recipients=[{"recipient_class": "other", "name": " dr  WEBER"}])

        assert refused(answer) == (409, "already_signed")

    async def test_anything_while_a_session_is_open(self, papers: Papers, sessions: Sessions) -> None:
        document = await papers.publish()
        await sessions.plan()
        await sessions.act("arrival")

        assert refused(await papers.sign(document)) == (409, "signing_on_hold")

        await sessions.act("cancellation", reason="fever")
        assert (await papers.sign(document)).status_code == 201
