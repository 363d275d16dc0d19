"""What is sent: that something happened, when, and where to read it."""

import hmac
import json
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.consents.disclosures import Disclosed
from app.core.fields import instant_text
from app.events.types import address_of
from app.webhooks.rules import is_pseudonymous


class Told(Protocol):
    """A delivery, as far as what it says goes."""

    kind: str
    type: str
    sequence: int | None
    patient_id: UUID | None
    subject_id: UUID
    version: int
    happened_at: datetime


class Hearer(Protocol):
    """An endpoint, as far as what it is told goes."""

    purpose: str
    pseudonym_key: str


def message_name(message_id: UUID) -> str:
    """The `webhook-id` of a message."""
    return f"msg_{message_id.hex}"


def pseudonym(key: str, of: UUID) -> UUID:
    """An id that stands for `of` at one endpoint. Without the key it leads nowhere, not even to another endpoint's."""
    made = bytearray(hmac.digest(key.encode(), of.bytes, "sha256")[:16])
    made[6], made[8] = made[6] & 0x0F | 0x80, made[8] & 0x3F | 0x80  # a UUID of version 8: one of our own making
    return UUID(bytes=bytes(made))


def message_id(endpoint: Hearer, event_id: UUID) -> UUID:
    """The id by which a receiver knows a message again: the event's own, unless no id of ours may be known."""
    return pseudonym(endpoint.pseudonym_key, event_id) if is_pseudonymous(endpoint.purpose) else event_id


def content(told: Told, endpoint: Hearer, public_url: str, disclosed: Disclosed | None) -> dict[str, Any]:
    """The message. It is the same at every attempt, save for the consent that allows it."""
    subject, patient = told.subject_id, told.patient_id
    url: str | None = public_url + address_of(told.type, subject=subject, patient=patient)
    if is_pseudonymous(endpoint.purpose):
        subject, url = pseudonym(endpoint.pseudonym_key, subject), None
        patient = patient and pseudonym(endpoint.pseudonym_key, patient)
    return {
        "type": told.type,
        "timestamp": instant_text(told.happened_at),
        "sequence": told.sequence,
        "test": told.kind == "test",
        "data": {
            "id": str(subject),
            "patient_id": patient and str(patient),
            "version": told.version,
            "url": url,
        },
        "part2_notice": disclosed and disclosed.part2_notice,
        "consent_id": str(disclosed.consent_id) if disclosed and disclosed.consent_id else None,
    }


def body(told: Told, endpoint: Hearer, public_url: str, disclosed: Disclosed | None) -> bytes:
    """The message as it is signed and sent."""
    return json.dumps(content(told, endpoint, public_url, disclosed), separators=(",", ":")).encode()
