"""Documents and signatures, as people of a clinic publish and sign them over HTTP."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.events.models import OutboxEvent
from tests.cast import Cast
from tests.factories import Person

Clients = Callable[..., httpx2.AsyncClient]
EVERYONE = [{"recipient_class": "treating_provider", "name": None}, {"recipient_class": "health_plan", "name": None}]
QUESTION: dict[str, Any] = {
    "key": "stop",
    "text": "When can you stop?",
    "choices": [{"key": "any_time", "text": "At any time"}, {"key": "never", "text": "Never"}],
    "correct": "any_time",
}
TERMS: dict[str, dict[str, Any]] = {
    "treatment_ketamine_off_label": {"questions": [QUESTION]},
    "data_processing_app": {},
    "part2_tpo": {
        "purposes": ["treatment", "payment", "operations"],
        "recipients": EVERYONE,
        "categories": ["check_ins", "trends", "dosing_sessions"],
    },
    "part2_specific": {"purposes": ["treatment", "patient_request"], "categories": ["check_ins", "trends"]},
    "research": {
        "purposes": ["research"],
        "recipients": [{"recipient_class": "researcher", "name": None}],
        "categories": ["check_ins", "trends"],
    },
    "contact_person_release": {"purposes": ["contact_person"], "categories": ["appointments", "alerts"]},
    "webhook_share:ehr": {"purposes": ["integration"], "categories": ["check_ins"]},
    "recording": {},
}


def a_document(consent_type: str = "part2_tpo", **but: Any) -> dict[str, Any]:
    """A document as it is published."""
    return {
        "type": consent_type,
        "language": "en",
        "title": "What you agree to",
        "text": f"# About {consent_type}\n\nYou can stop at any time.",
        **TERMS.get(consent_type, {}),
    } | but


def a_signature(document: dict[str, Any], **but: Any) -> dict[str, Any]:
    """A signature under a document, by somebody who read it and gives the right answers."""
    form: dict[str, Any] = {
        "document_id": document["id"],
        "language": document["language"],
        "text_hash": hashlib.sha256(document["text"].encode()).hexdigest(),
        "presented_at": datetime.now(UTC).isoformat(),
        "signature": "Sam Rivers",
        "answers": {question["key"]: "any_time" for question in document["questions"]},
    }
    if document["type"] in {"treatment_ketamine_off_label", "research"}:
        form["capacity_statement"] = "I am sober and not in withdrawal."
    if document["type"] == "part2_specific":
        form |= {"recipients": [{"recipient_class": "other", "name": "Dr Weber"}], "categories": ["check_ins"]}
    if document["type"] == "contact_person_release":
        form |= {"recipients": [{"recipient_class": "contact_person", "name": "Mia"}], "categories": ["appointments"]}
    return form | but


class Papers:
    """Does with documents and consents what people do with them, each with their own client."""

    def __init__(self, new_client: Clients, cast: Cast, admin: Person) -> None:
        self.cast = cast
        self.admin = new_client(admin.token)
        self.me = new_client(cast.patient.token)
        self.prescriber = new_client(cast.prescriber.token)
        self.coordinator = new_client(cast.coordinator.token)

    async def publish(self, consent_type: str = "part2_tpo", **but: Any) -> dict[str, Any]:
        answer = await self.admin.post("/v1/consent-documents", json=a_document(consent_type, **but))
        assert answer.status_code in {200, 201}, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def sign(self, document: dict[str, Any], **but: Any) -> httpx2.Response:
        return await self.me.post("/v1/me/consents", json=a_signature(document, **but))

    async def signed(self, consent_type: str = "part2_tpo", **but: Any) -> dict[str, Any]:
        """Publish the document if need be, and sign it."""
        answer = await self.sign(await self.publish(consent_type), **but)
        assert answer.status_code == 201, answer.text
        consent: dict[str, Any] = answer.json()
        return consent

    async def withdraw(self, consent: dict[str, Any], **body: Any) -> httpx2.Response:
        return await self.me.post(f"/v1/me/consents/{consent['id']}/withdrawal", json=body or None)

    async def mine(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.me.get("/v1/me/consents")).json()["items"]
        return found


async def told(db: Database) -> list[tuple[str, int]]:
    """What subscribers will hear of consents and documents, in order."""
    rows = await db.execute(
        sa.select(OutboxEvent.type, OutboxEvent.version)
        .where(OutboxEvent.type.startswith("consent"))
        .order_by(OutboxEvent.id)
    )
    return [(row.type, row.version) for row in rows]


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]
