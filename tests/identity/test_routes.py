"""Who the caller is, and where they are signed in."""

from collections.abc import Callable
from typing import Any

import httpx2

from tests.cast import Cast
from tests.factories import PASSWORD


async def sign_in(client: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> httpx2.Response:
    return await client.post("/v1/sign-ins", json={"email": email, "password": password, "device_label": "a browser"})


class TestProfile:
    async def test_tells_a_patient_and_staff_who_they_are(
        self, new_client: Callable[..., httpx2.AsyncClient], cast: Cast
    ) -> None:
        patient = (await new_client(cast.patient.token).get("/v1/me")).json()
        nurse = (await new_client(cast.nurse.token).get("/v1/me")).json()

        assert (patient["role"], patient["patient_id"]) == ("patient", cast.patient_id)
        assert (nurse["role"], nurse["patient_id"]) == ("nurse", None)
        assert patient["clinic_name"] == nurse["clinic_name"] == "Riverside"


class TestDevices:
    async def test_lists_where_one_is_signed_in(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, cast: Cast
    ) -> None:
        await sign_in(client, cast.patient.email)

        items = (await as_patient.get("/v1/me/devices")).json()["items"]

        assert [(item["label"], item["current"]) for item in items] == [("a browser", False), ("a phone", True)]

    async def test_a_lost_phone_is_out_with_its_next_request(
        self, client: httpx2.AsyncClient, new_client: Any, as_patient: httpx2.AsyncClient, cast: Cast
    ) -> None:
        lost = (await sign_in(client, cast.patient.email)).json()
        on_lost = new_client(lost["access_token"])
        (device,) = [d for d in (await as_patient.get("/v1/me/devices")).json()["items"] if not d["current"]]
        assert (await on_lost.get("/v1/me")).status_code == 200

        ended = await as_patient.delete(f"/v1/me/devices/{device['id']}")

        assert (ended.status_code, ended.content) == (204, b"")
        assert (await on_lost.get("/v1/me")).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": lost["refresh_token"]}
        assert (await client.post("/oauth/token", data=form)).status_code == 400
        assert (await as_patient.get("/v1/me")).status_code == 200
        assert (await as_patient.delete(f"/v1/me/devices/{device['id']}")).status_code == 204

    async def test_ending_the_own_device_is_signing_out(self, as_patient: httpx2.AsyncClient) -> None:
        (device,) = (await as_patient.get("/v1/me/devices")).json()["items"]

        await as_patient.delete(f"/v1/me/devices/{device['id']}")

        assert (await as_patient.get("/v1/me")).status_code == 401

    async def test_nobody_ends_a_device_of_somebody_else(
        self, as_patient: httpx2.AsyncClient, new_client: Any, cast: Cast
    ) -> None:
        as_nurse = new_client(cast.nurse.token)
        (device,) = (await as_nurse.get("/v1/me/devices")).json()["items"]

        answer = await as_patient.delete(f"/v1/me/devices/{device['id']}")

        assert answer.status_code == 404
        assert (await as_nurse.get("/v1/me")).status_code == 200
