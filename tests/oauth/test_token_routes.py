"""Refreshing and revoking tokens over HTTP, and how long they live."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.identity.models import Device, Membership
from tests.cast import Cast

A_FILE = b'--x\r\nContent-Disposition: form-data; name="refresh_token"; filename="f"\r\n\r\nx\r\n--x--\r\n'


async def refreshed(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})


class TestRefresh:
    async def test_gives_the_next_pair(self, client: httpx2.AsyncClient, new_client: Any, cast: Cast) -> None:
        answer = await refreshed(client, cast.patient.refresh_token)

        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        tokens = answer.json()
        assert tokens["refresh_token"] != cast.patient.refresh_token
        assert (await new_client(tokens["access_token"]).get("/v1/me")).status_code == 200

    async def test_gives_the_same_again_when_the_answer_was_lost(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        answers = [await refreshed(client, cast.patient.refresh_token) for _ in range(4)]

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1

    async def test_gives_the_same_to_all_who_ask_at_once(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        answers = await asyncio.gather(*(refreshed(client, cast.patient.refresh_token) for _ in range(8)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1

    async def test_an_old_token_ends_the_device_once_the_next_was_used(
        self, client: httpx2.AsyncClient, new_client: Any, cast: Cast, db: Database
    ) -> None:
        tokens = (await refreshed(client, cast.patient.refresh_token)).json()
        await new_client(tokens["access_token"]).get("/v1/me")

        stolen = await refreshed(client, cast.patient.refresh_token)

        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert (await refreshed(client, tokens["refresh_token"])).status_code == 400
        assert (await new_client(tokens["access_token"]).get("/v1/me")).status_code == 401
        assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 401
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "refresh.reuse"))).one()
        assert (entry.outcome, entry.actor_id) == ("denied", cast.patient.membership.id)

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({}, "invalid_request"),
            ({"grant_type": "refresh_token"}, "invalid_request"),
            ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
            ({"refresh_token": "x"}, "invalid_request"),
            (
                {"grant_type": "password", "username": "a", "password": "b", "refresh_token": "x"},
                "unsupported_grant_type",
            ),
            ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
            ({"grant_type": "refresh_token", "refresh_token": "x" * 401}, "invalid_request"),
            ({"grant_type": "refresh_token", "refresh_token": "agl_rt_" + "A" * 63}, "invalid_grant"),
            ({"grant_type": "refresh_token", "refresh_token": "agl_rt_\u0000é🙂"}, "invalid_grant"),
        ],
        ids=str,
    )
    async def test_refuses_in_the_shape_of_rfc_6749(
        self, client: httpx2.AsyncClient, form: dict[str, str], error: str
    ) -> None:
        answer = await client.post("/oauth/token", data=form)

        assert answer.status_code == 400
        assert answer.json()["error"] == error
        assert set(answer.json()) == {"error", "error_description"}

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b'{"grant_type": "refresh_token"}'),
            ("multipart/form-data", b"--x"),
            ("multipart/form-data; boundary=x", b"not a form"),
            ("multipart/form-data; boundary=x", A_FILE),
            ("application/x-www-form-urlencoded", b"%%%&&&==\xff"),
        ],
        ids=["JSON", "no boundary", "no parts", "a file", "garbage"],
    )  # fmt: skip
    async def test_a_form_that_is_none_is_refused_so_too(
        self, client: httpx2.AsyncClient, content_type: str, body: bytes
    ) -> None:
        answer = await client.post("/oauth/token", content=body, headers={"content-type": content_type})

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    async def test_ignores_fields_that_it_does_not_know(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token, "client_id": "x"}

        assert (await client.post("/oauth/token", data=form)).status_code == 200

    @pytest.mark.parametrize("name", ["idle_expires_at", "absolute_expires_at"])
    async def test_a_device_that_is_over_gets_nothing(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database, name: str
    ) -> None:
        await db.execute(sa.update(Device).values({name: clock.now() - timedelta(seconds=1)}))

        assert (await refreshed(client, cast.patient.refresh_token)).json()["error"] == "invalid_grant"

    async def test_a_member_who_left_gets_nothing(self, client: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        assert (await refreshed(client, cast.patient.refresh_token)).json()["error"] == "invalid_grant"

    async def test_a_device_that_is_not_there_gets_nothing(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.delete(Device))

        assert (await refreshed(client, cast.patient.refresh_token)).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(("who", "days"), [("patient", 90), ("nurse", 0.5)])
    async def test_lives_as_long_as_the_role_allows(self, db: Database, cast: Cast, who: str, days: float) -> None:
        device = (
            await db.scalars(sa.select(Device).where(Device.membership_id == getattr(cast, who).membership.id))
        ).one()

        assert device.absolute_expires_at - device.signed_in_at == timedelta(days=days)


class TestRevoke:
    @pytest.mark.parametrize("which", ["token", "refresh_token"])
    async def test_ends_the_device_of_either_token(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, cast: Cast, which: str
    ) -> None:
        answer = await client.post("/oauth/revoke", data={"token": getattr(cast.patient, which)})

        assert (answer.status_code, answer.content) == (200, b"")
        assert (await as_patient.get("/v1/me")).status_code == 401
        assert (await refreshed(client, cast.patient.refresh_token)).status_code == 400
        assert (await client.post("/oauth/revoke", data={"token": cast.patient.token})).status_code == 200

    @pytest.mark.parametrize("token", ["x", "agl_at_", "agl_rt_" + "A" * 63])
    async def test_answers_the_same_to_what_is_not_ours(self, client: httpx2.AsyncClient, token: str) -> None:
        assert (await client.post("/oauth/revoke", data={"token": token})).status_code == 200

    async def test_answers_the_same_when_the_device_is_gone(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.delete(Device))

        assert (await client.post("/oauth/revoke", data={"token": cast.patient.token})).status_code == 200

    async def test_needs_a_token(self, client: httpx2.AsyncClient) -> None:
        assert (await client.post("/oauth/revoke", data={})).json()["error"] == "invalid_request"


class TestTime:
    @pytest.fixture
    def later(self) -> Callable[[timedelta], Any]:
        """Goes to another time for a while."""
        return lambda by: time_machine.travel(clock.now() + by, tick=True)

    async def test_an_access_token_ends_after_ten_minutes(
        self, as_patient: httpx2.AsyncClient, client: httpx2.AsyncClient, cast: Cast, later: Callable[[timedelta], Any]
    ) -> None:
        with later(timedelta(minutes=9)):
            assert (await as_patient.get("/v1/me")).status_code == 200
        with later(timedelta(minutes=11)):
            assert (await as_patient.get("/v1/me")).status_code == 401
            assert (await refreshed(client, cast.patient.refresh_token)).status_code == 200

    async def test_a_phone_in_use_stays_signed_in_and_is_out_after_ninety_days(
        self, client: httpx2.AsyncClient, cast: Cast, later: Callable[[timedelta], Any]
    ) -> None:
        token = cast.patient.refresh_token
        for day in (20, 40, 60, 80):
            with later(timedelta(days=day)):
                answer = await refreshed(client, token)
                assert answer.status_code == 200
                token = answer.json()["refresh_token"]
        with later(timedelta(days=91)):
            assert (await refreshed(client, token)).status_code == 400

    async def test_a_phone_not_in_use_is_out_after_thirty_days(
        self, client: httpx2.AsyncClient, cast: Cast, later: Callable[[timedelta], Any]
    ) -> None:
        with later(timedelta(days=31)):
            assert (await refreshed(client, cast.patient.refresh_token)).status_code == 400
