"""Tokens that are none of ours, or not any more, wherever one can be sent."""

import base64
import zlib
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.core import clock, crypto
from app.core.db import Database
from app.identity import tokens
from app.identity.models import Device
from app.identity.tokens import Kind
from tests.cast import Cast
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
Spoil = Callable[[str], str]


def touched(token: str, position: int) -> str:
    """One bit of it turned over, the checksum made to fit again."""
    prefix, raw = token[:7], bytearray(base64.urlsafe_b64decode(token[7:] + "=" * (-len(token[7:]) % 4)))
    raw[position] ^= 1
    raw[-4:] = zlib.crc32(raw[:-4]).to_bytes(4)
    return prefix + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# What may stand in a header at all; for the form there is more below.
SPOILT: dict[str, Spoil] = {
    "cut": lambda token: token[:-1],
    "cut in half": lambda token: token[: len(token) // 2],
    "its prefix": lambda token: token[:7],
    "without its prefix": lambda token: token[7:],
    "longer": lambda token: token + "A",
    "twice": lambda token: token + token,
    "in capitals": str.upper,
    "of another kind": lambda token: {"agl_at_": "agl_rt_", "agl_rt_": "agl_at_"}[token[:7]] + token[7:],
    "another version": lambda token: touched(token, 0),
    "another key": lambda token: touched(token, 1),
    "another clinic": lambda token: touched(token, 3),
    "another device": lambda token: touched(token, 19),
    "another counter": lambda token: touched(token, 38),
    "a later end": lambda token: touched(token, 39),
    "another signature": lambda token: touched(token, 43),
    "a JWT without algorithm": lambda _: "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "null": lambda _: "null",
}
FOR_FORMS: dict[str, Spoil] = {
    "full-width": lambda token: "".join(chr(ord(letter) + 0xFEE0) for letter in token),
    "Cyrillic": lambda token: token.replace("a", "\N{CYRILLIC SMALL LETTER A}"),
    "with nothing in it": lambda token: token[:9] + "\N{ZERO WIDTH SPACE}" + token[9:],
    "with NUL": lambda token: token + "\0",
    "enormous": lambda token: token * 5000,
}


class TestAccessToken:
    @pytest.mark.parametrize("how", SPOILT)
    async def test_that_was_spoilt_opens_nothing(self, client: httpx2.AsyncClient, cast: Cast, how: str) -> None:
        headers = {"authorization": f"Bearer {SPOILT[how](cast.patient.token)}"}

        answer = await client.get("/v1/me", headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    @pytest.mark.parametrize(
        "header",
        [
            b"", b"Bearer", b"Bearer ", b"Basic Og==", b"Bearer \xff\xfe", b"Bearer agl_at_\xc3\xa9", b"bearer" * 5000,
            b"Bearer " + b"A" * 60_000, b"Bearer agl_at_" + b"=" * 63,
        ],
        ids=lambda header: str(header[:20]) + str(len(header)),
    )  # fmt: skip
    async def test_that_is_none_opens_nothing(self, client: httpx2.AsyncClient, header: bytes) -> None:
        answer = await client.get("/v1/me", headers=[(b"authorization", header)])

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    async def test_is_no_refresh_token_and_the_other_way_round(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.token}

        assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
        assert (await new_client(cast.patient.refresh_token).get("/v1/me")).status_code == 401

    async def test_that_we_signed_for_a_device_of_another_clinic_opens_nothing(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        device_id = await db.scalar(sa.select(Device.id).where(Device.membership_id == cast.patient.membership.id))
        assert device_id is not None
        elsewhere = tokens.write(Kind.ACCESS, an_id(), device_id, 1, clock.now() + timedelta(minutes=5))

        assert (await new_client(elsewhere).get("/v1/me")).status_code == 401

    async def test_that_is_over_opens_nothing(self, new_client: NewClient, cast: Cast) -> None:
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 401

    async def test_signed_with_a_secret_that_left_the_ring_opens_nothing(
        self, new_client: NewClient, cast: Cast
    ) -> None:
        crypto.install(["another-secret-of-a-test-that-is-long"])

        assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 401


class TestRefreshToken:
    @pytest.mark.parametrize("how", [*SPOILT, *FOR_FORMS])
    async def test_that_was_spoilt_gives_nothing_and_ends_nothing(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, how: str
    ) -> None:
        spoilt = (SPOILT | FOR_FORMS)[how](cast.patient.refresh_token)

        answer = await client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": spoilt})

        assert answer.status_code == 400
        assert answer.json()["error"] in {"invalid_grant", "invalid_request"}
        assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 200
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token}
        assert (await client.post("/oauth/token", data=form)).status_code == 200

    async def test_that_was_withdrawn_gives_nothing(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, cast: Cast
    ) -> None:
        (device,) = (await as_patient.get("/v1/me/devices")).json()["items"]
        await as_patient.delete(f"/v1/me/devices/{device['id']}")

        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token}
        assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"

    async def test_from_the_future_is_taken_for_a_theft(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        """Only somebody with our secret could have made it; whoever that is, the device is over."""
        device = (await db.scalars(sa.select(Device).where(Device.membership_id == cast.patient.membership.id))).one()
        ahead = tokens.write(Kind.REFRESH, device.clinic_id, device.id, 9, device.absolute_expires_at)

        answer = await client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": ahead})

        assert answer.json()["error"] == "invalid_grant"
        assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 401
