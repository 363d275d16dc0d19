"""The documents of the demo clinic: readable by anybody, complete, and signed."""

import re
from collections.abc import Callable

import httpx2
import pytest

from app.consents.queries import recipients_of
from app.consents.rules import document_faults
from app.demo import forms
from app.demo.people import PATIENTS

GRADE = 8
"""School years that a reader needs at most (Flesch-Kincaid)."""
SAID = {
    "not approved": r"not approved",
    "the route and how long": r"vein.*40 minutes",
    "monitoring": r"blood pressure.*pulse.*oxygen",
    "dissociation": r"far away from your body",
    "difficult experiences": r"frightening or sad",
    "nausea and sedation": r"nausea.*very sleepy",
    "breathing": r"breathing becomes too slow",
    "bladder and memory": r"bladder and the memory",
    "dependence": r"come to depend",
    "long-term": r"many years is not known",
    "limits of what is known": r"do not know if it will help",
    "alternatives": r"methadone and buprenorphine",
    "no treatment": r"no treatment",
    "support": r"therapist helps you to prepare",
    "driving": r"Do not drive",
    "pregnancy": r"pregnant",
    "other drugs": r"alcohol, opioids, sleeping pills",
    "stopping": r"stop at any time",
    "costs": r"price in writing",
    "emergencies": r"call an ambulance",
    "touch": r"Nobody touches you",
    "data": r"What we write down",
    "no loss by saying no": r"keep your place",
    "no pressure": r"No court, employer or family",
}


def syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    found = len(re.findall(r"[aeiouy]+", word.lower()))
    return max(1, found - (word.endswith("e") and not word.endswith("le")))


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text."""
    plain = re.sub(r"(?m)^#+ (.*)$", r"\1.", text)
    sentences = [part for part in re.split(r"[.?!:\n]+", plain) if re.search(r"[A-Za-z]", part)]
    words = re.findall(r"[A-Za-z']+", plain)
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


class TestTexts:
    @pytest.mark.parametrize("consent_type", forms.DOCUMENTS)
    def test_can_be_read_by_anybody(self, consent_type: str) -> None:
        assert grade(forms.document(consent_type).text) <= GRADE

    def test_what_is_hard_to_read_would_be_found(self) -> None:
        assert grade("Participants acknowledge irreversible urological complications notwithstanding monitoring.") > 12

    @pytest.mark.parametrize("consent_type", forms.DOCUMENTS)
    def test_say_what_fits_their_type(self, consent_type: str) -> None:
        document = forms.document(consent_type)
        recipients = recipients_of(each.model_dump() for each in document.recipients)

        assert document_faults(document.type, document.purposes, recipients, document.categories) == []

    @pytest.mark.parametrize("what", SAID)
    def test_of_the_treatment_leaves_nothing_out(self, what: str) -> None:
        text = forms.document("treatment_ketamine_off_label").text

        assert re.search(SAID[what], text, re.DOTALL)


class TestSignatures:
    async def test_everybody_has_signed_what_everybody_signs(
        self, signed_in: Callable[[str], httpx2.AsyncClient]
    ) -> None:
        for story in PATIENTS[:4]:
            consents = (await signed_in(story.key).get("/v1/me/consents")).json()["items"]

            assert {each["type"] for each in consents if each["status"] == "in_force"} >= set(forms.EVERYONE_SIGNS)
            assert not any(each["outdated"] for each in consents)

    async def test_some_have_changed_their_mind(self, signed_in: Callable[[str], httpx2.AsyncClient]) -> None:
        consents = (await signed_in("selin").get("/v1/me/consents")).json()["items"]

        (research,) = [each for each in consents if each["type"] == "research"]
        assert (research["status"], research["withdrawal_reason"]) == ("withdrawn", "I would rather not.")

    async def test_who_is_in_a_session_today_signs_nothing(
        self, signed_in: Callable[[str], httpx2.AsyncClient]
    ) -> None:
        clara = signed_in("clara")
        (document,) = (await clara.get("/v1/consent-documents?type=part2_specific")).json()["items"]
        form = {
            "document_id": document["id"],
            "language": document["language"],
            "text_hash": document["text_hash"],
            "presented_at": "2026-06-21T13:00:00Z",
            "signature": "Clara J.",
            "recipients": [{"recipient_class": "other", "name": "Mia"}],
            "categories": ["check_ins"],
        }

        assert (await clara.post("/v1/me/consents", json=form)).json()["code"] == "signing_on_hold"
        assert (await signed_in("karin").post("/v1/me/consents", json=form)).status_code == 201
