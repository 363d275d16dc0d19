"""What is answered to a report, written by hand, beside the schema that every other answer goes through."""

from typing import Any

import httpx2
import pytest

from app.check_ins.schemas import CheckIn, CheckInBatchResults
from app.instruments.catalogue import definition
from tests.factories import a_report, an_id

pytestmark = pytest.mark.anyio

PHQ_9 = tuple(item.key for item in definition("phq9").scored_items)


def _reports() -> list[dict[str, Any]]:
    danger = {"instrument": "phq9", "version": "1", "answers": dict.fromkeys(PHQ_9, 3)}
    return [a_report(), a_report() | {"note": "café ☕"}, a_report() | {"responses": [danger]}]


@pytest.mark.parametrize("number", range(3))
async def test_a_new_check_in_has_the_shape_of_the_schema(as_patient: httpx2.AsyncClient, number: int) -> None:
    address, report = f"/v1/me/check-ins/{an_id()}", _reports()[number]
    made = (await as_patient.put(address, json=report)).json()

    assert made == CheckIn.model_validate(made).model_dump(mode="json")
    assert list(made) == list(CheckIn.model_fields)
    read = (await as_patient.get(address)).json()
    assert made | {"alerts": [], "safety_notice": None} == read
    assert (await as_patient.put(address, json=report)).json() == made


async def test_a_batch_has_the_shape_of_the_schema(as_patient: httpx2.AsyncClient) -> None:
    items = [report | {"id": str(an_id())} for report in _reports()]
    items += [items[0], items[1] | {"note": "another"}, {"id": str(an_id())}]

    body = (await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": items})).json()

    assert [result["outcome"] for result in body["results"]] == [*["created"] * 3, "unchanged", "conflict", "invalid"]
    assert body == CheckInBatchResults.model_validate(body).model_dump(mode="json")
