"""Setting one-time codes up on our sign-in page, which staff without a second factor cannot pass by."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.core import clock
from app.core.db import Database
from app.credentials import passkeys
from app.credentials.models import OneTimeCodes
from app.credentials.passkeys import NewPasskey
from app.identity.models import Membership
from app.oauth.models import AuthorizationCode
from tests.cast import Cast
from tests.factories import PASSWORD
from tests.oauth.browser import ADDRESS, REDIRECT, Client, hidden, led_to, opened, told, typed
from tests.one_time_codes import Authenticator


@pytest.fixture
def docs() -> Client:
    return Client()


class TestEnrolment:
    async def begun(
        self, client: httpx2.AsyncClient, docs: Client, email: str
    ) -> tuple[httpx2.Response, Authenticator]:
        page = await typed(client, await opened(client, docs), email, PASSWORD)
        assert page.status_code == 200, told(page)
        key = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
        assert key
        return page, Authenticator(key[1].replace(" ", ""))

    async def finished(
        self, client: httpx2.AsyncClient, page: httpx2.Response, code: str, **but: str
    ) -> httpx2.Response:
        return await client.post(ADDRESS, data=hidden(page) | {"one_time_code": code, "step": "enrol"} | but)

    async def test_lets_staff_without_a_second_factor_set_one_up_and_leads_on(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, db: Database
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)

        address, given = led_to(await self.finished(client, page, authenticator.code()))

        assert (address, given["state"]) == (REDIRECT, docs.state)
        code = (await db.scalars(sa.select(AuthorizationCode))).one()
        assert code.methods == "password otp"
        assert (await db.scalars(sa.select(OneTimeCodes))).one().confirmed_at is not None

    async def test_shows_the_seed_as_a_picture_too(self, client: httpx2.AsyncClient, docs: Client, cast: Cast) -> None:
        page, _ = await self.begun(client, docs, cast.nurse.email)

        picture = re.search(r'<img src="data:image/svg\+xml,([^"]+)"', page.text)
        assert picture
        assert unquote(unescape(picture[1])).startswith("<svg")
        assert page.headers["cache-control"] == "no-store"

    async def test_a_wrong_code_shows_the_same_seed_again(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)

        again = await self.finished(client, page, authenticator.wrong())

        assert again.status_code == 401
        assert told(again).startswith("That was not the code")
        assert (await self.finished(client, again, authenticator.code())).status_code == 303

    async def test_gives_no_code_before_the_first_one_time_code(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, db: Database
    ) -> None:
        page, _ = await self.begun(client, docs, cast.nurse.email)
        await self.finished(client, page, "")
        await typed(client, page, cast.nurse.email, PASSWORD)

        assert (await db.scalars(sa.select(AuthorizationCode))).all() == []

    async def test_is_not_offered_to_who_has_a_passkey_and_brings_a_password(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, db: Database
    ) -> None:
        """Who learned the password could otherwise set up a factor of their own beside the owner's passkey."""
        assert cast.nurse.membership.account_id is not None
        made = NewPasskey(b"credential", b"handle", b"key", 0)
        await passkeys.add(db, cast.nurse.membership.account_id, made, "a key")

        answer = await typed(client, await opened(client, docs), cast.nurse.email, PASSWORD)

        assert answer.status_code == 401
        assert told(answer).startswith("This account has a passkey")
        assert (await db.scalars(sa.select(OneTimeCodes))).all() == []

    async def test_cannot_be_done_twice(self, client: httpx2.AsyncClient, docs: Client, cast: Cast) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)
        cookies = dict(client.cookies)
        await self.finished(client, page, authenticator.code())
        client.cookies.update(cookies)

        again = await self.finished(client, page, authenticator.code(steps=1))

        assert again.status_code == 400

    async def test_belongs_to_the_request_that_it_was_begun_for(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)
        other = hidden(await opened(client, Client()))["request"]

        assert (await self.finished(client, page, authenticator.code(), request=other)).status_code == 400

    @pytest.mark.parametrize("enrolment", ["", "x", "é", "A" * 200])
    async def test_cannot_be_made_up(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, enrolment: str
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)

        answer = await self.finished(client, page, authenticator.code(), enrolment=enrolment)

        assert answer.status_code == 400

    async def test_is_over_after_a_quarter_of_an_hour(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)

        with time_machine.travel(clock.now() + timedelta(minutes=16), tick=True):
            assert (await self.finished(client, page, authenticator.code())).status_code == 400

    async def test_is_closed_to_who_left_in_between(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, db: Database
    ) -> None:
        page, authenticator = await self.begun(client, docs, cast.nurse.email)
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        assert (await self.finished(client, page, authenticator.code())).status_code == 400
