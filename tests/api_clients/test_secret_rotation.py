"""Changing the secret of a program without a pause, or at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.api_clients.models import ApiClientSecret
from app.core import clock
from app.core.db import Database
from tests.cast import Cast
from tests.factories import an_api_client
from tests.programs import Program, a_token, by_post
from tests.signers import a_key, public_half

NewClient = Callable[..., httpx2.AsyncClient]


class TestRotateSecret:
    async def rotate(self, as_admin: httpx2.AsyncClient, program: Program, **body: Any) -> httpx2.Response:
        return await as_admin.post(f"/v1/api-clients/{program[0]}/secret-rotation", json=body)

    async def test_both_count_until_the_old_one_ends(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, program: Program
    ) -> None:
        answer = await self.rotate(as_admin, program, keep_old_hours=2)

        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        new = program[0], answer.json()["client_secret"]
        assert new[1] != program[1]
        assert len(answer.json()["secrets"]) == 2
        assert [(await by_post(client, each)).status_code for each in (program, new)] == [200, 200]
        with time_machine.travel(clock.now() + timedelta(hours=2, seconds=1), tick=True):
            assert [(await by_post(client, each)).status_code for each in (program, new)] == [401, 200]

    async def test_two_count_at_most(self, as_admin: httpx2.AsyncClient, program: Program) -> None:
        await self.rotate(as_admin, program)

        assert (await self.rotate(as_admin, program)).json()["code"] == "two_secrets_live"

    async def test_a_leaked_one_ends_now_with_all_that_was_got_with_it(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        await self.rotate(as_admin, program)
        as_program = new_client(await a_token(client, program))

        answer = await self.rotate(as_admin, program, keep_old_hours=0)

        assert len(answer.json()["secrets"]) == 1
        assert (await as_program.get("/v1/patients")).status_code == 401
        assert (await by_post(client, program)).status_code == 401
        assert (await by_post(client, (program[0], answer.json()["client_secret"]))).status_code == 200

    async def test_a_rotation_does_not_lengthen_what_was_to_end(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, program: Program, db: Database
    ) -> None:
        ends = clock.now() + timedelta(minutes=30)
        await db.execute(sa.update(ApiClientSecret).values(ends_at=ends))

        await self.rotate(as_admin, program, keep_old_hours=24)

        with time_machine.travel(ends + timedelta(seconds=1), tick=True):
            assert (await by_post(client, program)).status_code == 401

    @pytest.mark.parametrize("hours", [-1, 169, 1.5, "24", None])
    async def test_keeps_the_old_one_for_a_week_at_most(
        self, as_admin: httpx2.AsyncClient, program: Program, hours: Any
    ) -> None:
        answer = await self.rotate(as_admin, program, keep_old_hours=hours)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/keep_old_hours")

    async def test_a_client_with_a_key_has_none(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        keys = {"keys": [public_half(a_key())]}
        signer = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)

        assert (await self.rotate(as_admin, signer)).json()["code"] == "no_secret"

    async def test_one_can_be_ended_alone(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        rotated = (await self.rotate(as_admin, program)).json()
        old = rotated["secrets"][1]["id"]
        as_program = new_client(await a_token(client, program))

        answer = await as_admin.delete(f"/v1/api-clients/{program[0]}/secrets/{old}")

        assert answer.status_code == 204
        assert (await as_program.get("/v1/patients")).status_code == 401
        assert (await by_post(client, program)).status_code == 401
        assert (await by_post(client, (program[0], rotated["client_secret"]))).status_code == 200
        assert (await as_admin.delete(f"/v1/api-clients/{program[0]}/secrets/{old}")).status_code == 404
