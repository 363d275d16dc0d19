"""What the outside world may hear: names, shapes, and nothing about a person's health."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI

from app.core import clock
from app.core.db import Database
from app.core.fields import instant_text
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service
from app.events.models import OutboxEvent
from app.events.types import ABOUT, EventType, payload_model, schema_name
from tests.factories import a_clinic

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
TELLING = re.compile(r"craving|mood|score|severe|dose_mg|note|name|ketamine|alcohol")


class TestNames:
    @pytest.mark.parametrize("event", EventType)
    def test_are_a_noun_and_what_happened(self, event: EventType) -> None:
        assert NAME.fullmatch(event)
        assert not TELLING.search(event)

    @pytest.mark.parametrize("event", EventType)
    def test_the_address_of_the_subject_is_one_of_the_api(self, event: EventType, app: FastAPI) -> None:
        address = re.sub(r"\{[a-z]+\}", "{}", ABOUT[event].address)
        paths = {re.sub(r"\{[a-z_]+\}", "{}", path) for path in app.openapi()["paths"]}

        assert address in paths


class TestPayload:
    @pytest.mark.parametrize("event", EventType)
    def test_is_small_and_tells_nothing_about_a_person(self, event: EventType) -> None:
        body = payload_model(event).model_validate(
            {
                "type": event,
                "timestamp": clock.now(),
                "data": {"id": new_id(), "patient_id": new_id(), "version": 1, "url": "/v1/patients/" + str(new_id())},
            }
        )

        written = body.model_dump_json()

        assert len(written) < 1024
        assert set(json.loads(written)) == {"type", "timestamp", "data"}
        assert set(json.loads(written)["data"]) == {"id", "patient_id", "version", "url"}

    @pytest.mark.parametrize("event", EventType)
    def test_names_its_type_and_no_other(self, event: EventType) -> None:
        others = [other for other in EventType if other is not event]

        with pytest.raises(ValueError, match="literal"):
            payload_model(event).model_validate({"type": others[0].value, "timestamp": clock.now(), "data": None})

    @pytest.mark.parametrize("event", EventType)
    def test_is_described_where_subscribers_look(self, event: EventType, app: FastAPI) -> None:
        document: dict[str, Any] = app.openapi()
        operation = document["webhooks"][event]["post"]
        schema = document["components"]["schemas"][schema_name(event)]

        assert operation["operationId"] == "on" + schema_name(event).removesuffix("Event")
        assert operation["summary"] == ABOUT[event].summary
        assert "type" in schema["required"]
        assert schema["properties"]["type"]["const"] == event.value
        assert set(operation["responses"]) == {"2XX", "410"}


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
