"""What the outside world may hear: names, shapes, and nothing about a person's health."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI

from app.consents.disclosures import CONSENT_HEADER, NOTICE_HEADER
from app.consents.kinds import PART2_NOTICE
from app.core import clock
from app.core.db import Database
from app.core.fields import instant_text
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service
from app.events.models import OutboxEvent
from app.events.types import ABOUT, EventType, example, payload_model, schema_name
from tests.factories import a_clinic

IRREGULAR = "left|withdrawn|held"
NAME = re.compile(rf"[a-z]+(_[a-z]+)*\.([a-z]+_)*([a-z]+ed|{IRREGULAR})|endpoint\.ping")
TELLING = re.compile(r"craving|mood|score|severe|dose|note|name|ketamine|alcohol|opioid|drug|relapse|_mg")


class TestNames:
    @pytest.mark.parametrize("event", EventType)
    def test_are_a_noun_and_what_happened(self, event: EventType) -> None:
        assert NAME.fullmatch(event)
        assert len(event) <= 64
        assert not TELLING.search(event)

    @pytest.mark.parametrize("event", EventType)
    def test_the_address_of_the_subject_is_one_of_the_api(self, event: EventType, app: FastAPI) -> None:
        address = re.sub(r"\{[a-z]+\}", "{}", ABOUT[event].address)
        paths = {re.sub(r"\{[a-z_]+\}", "{}", path) for path in app.openapi()["paths"]}

        assert address in paths

    @pytest.mark.parametrize("event", EventType)
    def test_what_names_a_patient_in_its_address_is_a_patients(self, event: EventType) -> None:
        assert ABOUT[event].of_patient or "/patients/" not in ABOUT[event].address


class TestPayload:
    @pytest.mark.parametrize("event", EventType)
    def test_has_an_example_that_is_small_and_tells_nothing_about_a_person(self, event: EventType) -> None:
        sample = example(event)
        written = payload_model(event).model_validate_json(json.dumps(sample)).model_dump_json()

        assert json.loads(written) == sample
        assert len(written) < 1024
        assert not TELLING.search(written)
        assert sample["data"].keys() == {"id", "patient_id", "version", "url"}

    @pytest.mark.parametrize("event", EventType)
    def test_names_its_type_and_no_other(self, event: EventType) -> None:
        others = [other for other in EventType if other is not event]

        with pytest.raises(ValueError, match="literal"):
            payload_model(event).model_validate(example(event) | {"type": others[0].value})

    @pytest.mark.parametrize("missing", example(EventType.CHECK_IN_RECORDED))
    def test_lacks_no_field_not_even_one_that_is_null(self, missing: str) -> None:
        sample = {name: value for name, value in example(EventType.CHECK_IN_RECORDED).items() if name != missing}

        with pytest.raises(ValueError, match="missing"):
            payload_model(EventType.CHECK_IN_RECORDED).model_validate(sample)

    def test_carries_the_notice_that_the_law_words(self) -> None:
        assert example(EventType.CHECK_IN_RECORDED)["part2_notice"] == PART2_NOTICE


class TestDocument:
    @pytest.mark.parametrize("event", EventType)
    def test_describes_each_where_subscribers_look(self, event: EventType, app: FastAPI) -> None:
        document: dict[str, Any] = app.openapi()
        operation = document["webhooks"][event]["post"]
        body = operation["requestBody"]
        schema = document["components"]["schemas"][schema_name(event)]

        assert operation["operationId"] == "on" + schema_name(event).removesuffix("Event")
        assert operation["summary"] == ABOUT[event].summary
        assert operation["security"] == []
        assert body["required"]
        assert body["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{schema_name(event)}"}
        assert body["content"]["application/json"]["example"] == example(event)
        assert schema["properties"]["type"]["const"] == event.value
        assert set(schema["required"]) == set(schema["properties"]) == set(example(event))

    @pytest.mark.parametrize("event", EventType)
    def test_says_how_to_answer(self, event: EventType, app: FastAPI) -> None:
        answers = app.openapi()["webhooks"][event]["post"]["responses"]

        assert set(answers) == {"2XX", "3XX", "410", "4XX", "5XX"}
        assert all("content" not in answer for answer in answers.values())

    @pytest.mark.parametrize("event", EventType)
    def test_declares_the_headers_that_are_sent(self, event: EventType, app: FastAPI) -> None:
        declared = {
            header["name"]: header["required"]
            for header in app.openapi()["webhooks"][event]["post"]["parameters"]
            if header["in"] == "header"
        }
        always = dict.fromkeys(("webhook-id", "webhook-timestamp", "webhook-signature"), True)
        of_patient = dict.fromkeys((NOTICE_HEADER, CONSENT_HEADER), False)

        assert declared == always | (of_patient if ABOUT[event].of_patient else {})

    def test_has_clean_names(self, app: FastAPI) -> None:
        schemas = app.openapi()["components"]["schemas"]

        assert [name for name in schemas if name.endswith(("-Input", "-Output")) or "ValidationError" in name] == []


class TestRecord:
    async def test_puts_the_event_into_the_same_transaction(self, db: Database, settings: Settings) -> None:
        clinic = await a_clinic(db)
        patient_id, subject_id, before = new_id(), new_id(), clock.now()

        service.record(
            db,
            EventType.CHECK_IN_RECORDED,
            clinic_id=clinic.id,
            patient_id=patient_id,
            subject_id=subject_id,
            version=3,
        )
        await db.flush_staged()

        (event,) = (await db.execute(OutboxEvent.__table__.select())).all()
        assert (event.type, event.clinic_id, event.patient_id) == ("check_in.recorded", clinic.id, patient_id)
        assert (event.subject_id, event.version) == (subject_id, 3)
        assert before <= event.happened_at <= clock.now()
        assert instant_text(event.happened_at).endswith("Z")
        await db.abandon()
        assert (await db.execute(OutboxEvent.__table__.select())).all() == []
