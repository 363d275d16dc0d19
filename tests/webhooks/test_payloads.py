"""What is sent is what the catalogue describes, small, and tells nothing about how somebody is."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.consents.disclosure_rules import Basis
from app.consents.disclosures import Disclosed
from app.consents.kinds import PART2_NOTICE
from app.core.ids import new_id
from app.events.types import ABOUT, EventType, payload_model
from app.webhooks import payloads

TELLING = re.compile(r"craving|mood|note|dose|name")  # what an outsider greps for
PUBLIC_URL = "https://afterglow.example.org"
AT = datetime(2026, 11, 22, 17, 30, 12, tzinfo=UTC)


@dataclass
class Delivery:
    type: str
    patient_id: UUID | None
    subject_id: UUID
    kind: str = "event"
    sequence: int | None = 1_234_567
    version: int = 12
    happened_at: datetime = AT


@dataclass
class Endpoint:
    purpose: str = "treatment"
    pseudonym_key: str = "a key of this endpoint"


def leave() -> Disclosed:
    return Disclosed(new_id(), next(iter(Basis)), new_id(), PART2_NOTICE, None)


@pytest.mark.parametrize("event", EventType)
@pytest.mark.parametrize("purpose", ["treatment", "research"])
@pytest.mark.parametrize("kind", ["event", "test", "ping"])
def test_every_message_is_as_the_catalogue_says(event: EventType, purpose: str, kind: str) -> None:
    of_patient = ABOUT[event].of_patient
    told = Delivery(event.value, new_id() if of_patient else None, new_id(), kind)

    body = payloads.body(told, Endpoint(purpose), PUBLIC_URL, leave() if of_patient else None)

    message = payload_model(event).model_validate_json(body, extra="forbid")
    assert len(body) < 1000
    assert not TELLING.search(body.decode())
    assert message.test is (kind == "test")
    assert (message.data.url is None) is (purpose == "research")
    assert (message.data.id == told.subject_id) is (purpose != "research")
    assert (message.part2_notice, message.consent_id is not None) == (
        (PART2_NOTICE, True) if of_patient else (None, False)
    )


def test_a_pseudonym_is_the_same_at_one_endpoint_and_another_at_the_next() -> None:
    patient = new_id()
    first, again, other = (payloads.pseudonym(key, patient) for key in ("a", "a", "b"))

    assert first == again
    assert len({patient, first, other}) == 3
    assert (first.version, first.variant) == (8, patient.variant)
