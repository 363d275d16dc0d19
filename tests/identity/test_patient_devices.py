"""The devices of a patient, as the clinic sees and ends them."""

from collections.abc import Callable

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.models import Device
from tests.cast import Cast, a_cast
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/v1/patients/{cast.patient_id}/devices"


@pytest.fixture
async def second_phone(db: Database, settings: Settings, cast: Cast) -> str:
    """The access token of another phone of the patient."""
    tokens = identity.begin(db, settings, cast.patient.membership, "an old phone", methods="password")
    await db.flush()
    return tokens.access_token


class TestListPatientDevices:
    async def test_shows_what_the_patient_is_signed_in_on(
        self, as_coordinator: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, second_phone: str, path: str
    ) -> None:
        shown = (await as_coordinator.get(path)).json()["items"]
        own = (await as_patient.get("/v1/me/devices")).json()["items"]

        assert [item["label"] for item in shown] == ["an old phone", "a phone"]
        assert shown == [{name: value for name, value in item.items() if name != "current"} for item in own]

    async def test_shows_nothing_of_who_has_no_account(self, as_coordinator: httpx2.AsyncClient) -> None:
        patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim"})).json()

        answer = await as_coordinator.get(f"/v1/patients/{patient['id']}/devices")

        assert (answer.status_code, answer.json()["items"]) == (200, [])

    async def test_is_for_those_who_administer(
        self, new_client: NewClient, cast: Cast, path: str, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)

        assert (await new_client(cast.nurse.token).get(path)).status_code == 403
        assert (await new_client(cast.patient.token).get(path)).status_code == 403
        assert (await new_client(elsewhere.coordinator.token).get(path)).status_code == 404


class TestEndPatientDevice:
    async def test_ends_that_one_with_its_next_request(
        self,
        as_coordinator: httpx2.AsyncClient,
        as_patient: httpx2.AsyncClient,
        new_client: NewClient,
        second_phone: str,
        path: str,
        db: Database,
        cast: Cast,
    ) -> None:
        lost = new_client(second_phone)
        assert (await lost.get("/v1/me")).status_code == 200
        (device, _) = (await as_coordinator.get(path)).json()["items"]

        answers = [await as_coordinator.delete(f"{path}/{device['id']}") for _ in range(2)]

        assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
        assert (await lost.get("/v1/me")).status_code == 401
        assert (await as_patient.get("/v1/me")).status_code == 200
        ended = (await db.scalars(sa.select(Device).where(Device.ended_at.is_not(None)))).one()
        assert (str(ended.id), ended.ended_because) == (device["id"], "ended_by_clinic")
        entry = await db.scalars(
            sa.select(AuditEntry).where(AuditEntry.operation == "end_patient_device").order_by(AuditEntry.at)
        )
        first = entry.all()[0]
        assert (str(first.subject_id), first.actor_id) == (device["id"], cast.coordinator.membership.id)

    async def test_reaches_no_device_of_anybody_else(
        self, as_coordinator: httpx2.AsyncClient, new_client: NewClient, cast: Cast, path: str, db: Database
    ) -> None:
        others = await db.scalars(
            sa.select(Device.id).where(
                Device.membership_id.in_([cast.other_patient.membership.id, cast.nurse.membership.id])
            )
        )

        for device_id in (*others.all(), an_id()):
            answer = await as_coordinator.delete(f"{path}/{device_id}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        for person in (cast.other_patient, cast.nurse):
            assert (await new_client(person.token).get("/v1/me")).status_code == 200
