"""Our sign-in page: who gets through it, what it tells, and where it leads."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from fastapi import FastAPI

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from app.identity.models import Membership
from tests.cast import Cast
from tests.factories import PASSWORD
from tests.oauth.browser import ADDRESS, ISSUER, REDIRECT, Client, hidden, led_to, opened, told, typed
from tests.one_time_codes import Authenticator, an_authenticator

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def docs() -> Client:
    return Client()


@pytest.fixture
async def authenticator(cast: Cast, db: Database) -> Authenticator:
    """The nurse's."""
    return await an_authenticator(db, cast.nurse)


class TestPage:
    async def test_says_who_wants_what_and_where_one_goes_back_to(
        self, client: httpx2.AsyncClient, docs: Client
    ) -> None:
        page = await opened(client, docs, scope="patients:read trends:read")

        assert page.status_code == 200
        assert "The docs page of Afterglow" in page.text
        assert "(patients:read, trends:read)" in page.text
        assert "127.0.0.1:8000" in page.text

    async def test_runs_nothing_asks_nobody_and_cannot_be_framed_or_kept(
        self, client: httpx2.AsyncClient, docs: Client
    ) -> None:
        page = await opened(client, docs)

        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert "form-action 'self' http://127.0.0.1:8000;" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert "style=" not in page.text
        assert re.findall("<script.*", page.text) == ['<script src="/oauth/page/passkey.js" defer></script>']
        for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await client.get(address)).status_code == 200

    async def test_can_be_used_with_a_keyboard_and_a_screen_reader(
        self, client: httpx2.AsyncClient, docs: Client
    ) -> None:
        page = (await opened(client, docs)).text

        typed_into = re.findall(r'<input id="(\w+)"', page)
        assert typed_into == re.findall(r'<label for="(\w+)"', page)
        assert 'lang="en"' in page
        assert 'name="viewport"' in page
        assert [name for name in ("username", "current-password", "one-time-code") if name not in page] == []

    async def test_keeps_a_cookie_that_no_script_and_no_other_site_gets(
        self, client: httpx2.AsyncClient, docs: Client
    ) -> None:
        cookie = (await opened(client, docs)).headers["set-cookie"].lower()

        assert "httponly" in cookie
        assert "samesite=strict" in cookie


class TestSigningIn:
    async def test_leads_back_with_a_code_the_state_and_who_answered(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator
    ) -> None:
        page = await opened(client, docs)
        address, given = led_to(await typed(client, page, cast.nurse.email, PASSWORD, authenticator.code()))

        assert address == REDIRECT
        assert set(given) == {"code", "state", "iss"}
        assert (given["state"], given["iss"]) == (docs.state, ISSUER)

    async def test_leaves_no_cookie_behind(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator
    ) -> None:
        await typed(client, await opened(client, docs), cast.nurse.email, PASSWORD, authenticator.code())

        assert dict(client.cookies) == {}

    async def test_forgives_how_the_address_and_the_code_are_written(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator
    ) -> None:
        code = authenticator.code()
        page = await opened(client, docs)

        answer = await typed(client, page, f" {cast.nurse.email.upper()} ", PASSWORD, f"{code[:3]} {code[3:]}")

        assert answer.status_code == 303

    async def test_a_patient_gets_through_with_a_password(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        answer = await typed(client, await opened(client, docs), cast.patient.email, PASSWORD)

        assert answer.status_code == 303

    async def test_tells_the_same_whatever_was_wrong(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator
    ) -> None:
        page = await opened(client, docs)
        attempts = [
            (cast.nurse.email, PASSWORD, authenticator.wrong()),
            (cast.nurse.email, PASSWORD, ""),
            (cast.nurse.email, "wrong", authenticator.code()),
            ("nobody@example.org", PASSWORD, authenticator.code()),
            ("no address", PASSWORD, ""),
            ("", "", ""),
        ]
        answers = [await typed(client, page, *attempt) for attempt in attempts]

        assert {answer.status_code for answer in answers} == {401}
        without_address = {re.sub(r'name="email".*', "", answer.text) for answer in answers}
        assert len(without_address) == 1
        assert told(answers[0]).startswith("That is not right.")

    async def test_repeats_the_address_without_running_it(self, client: httpx2.AsyncClient, docs: Client) -> None:
        script = '"><script>alert(1)</script>'
        answer = await typed(client, await opened(client, docs), script, "x")

        assert "<script>" not in answer.text
        assert "&lt;script&gt;" in answer.text

    async def test_never_repeats_the_password_or_the_code(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        answer = await typed(client, await opened(client, docs), cast.nurse.email, "a-wrong-secret", "918273")

        assert "a-wrong-secret" not in answer.text
        assert "918273" not in answer.text

    async def test_one_time_code_used_twice_lets_nobody_in(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, cast: Cast, authenticator: Authenticator
    ) -> None:
        code, other = authenticator.code(), new_client()
        first = await typed(client, await opened(client, docs), cast.nurse.email, PASSWORD, code)
        second = await typed(other, await opened(other, docs), cast.nurse.email, PASSWORD, code)

        assert (first.status_code, second.status_code) == (303, 401)

    async def test_who_left_the_clinic_does_not_get_in(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, db: Database, authenticator: Authenticator
    ) -> None:
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        answer = await typed(client, await opened(client, docs), cast.nurse.email, PASSWORD, authenticator.code())

        assert answer.status_code == 401

    async def test_who_tries_too_often_is_told_so_on_a_page(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, app: FastAPI, settings: Settings
    ) -> None:
        app.state.limits = limits = Limits(
            settings.model_copy(update={"limit_sign_in_account": "2/300"}), app.state.engine
        )
        page = await opened(client, docs)
        answers = [await typed(client, page, cast.nurse.email, "wrong") for _ in range(3)]
        await limits.settle()

        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert told(answers[2]).startswith("That was tried too often.")
        assert int(answers[2].headers["retry-after"]) > 0
        assert "location" not in answers[2].headers

    async def test_is_in_the_audit_however_it_ends(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator, db: Database
    ) -> None:
        page = await opened(client, docs)
        for code in (authenticator.wrong(), authenticator.code()):
            await typed(client, page, cast.nurse.email, PASSWORD, code)

        entries = await db.execute(
            sa.select(AuditEntry.operation, AuditEntry.outcome, AuditEntry.reason)
            .where(AuditEntry.actor_id == cast.nurse.membership.id)
            .order_by(AuditEntry.id)
        )
        assert [tuple(entry) for entry in entries][-2:] == [
            ("sign_in", "denied", None), ("authorize", "allowed", "docs"),
        ]  # fmt: skip

    async def test_cancel_goes_back_without_a_code(self, client: httpx2.AsyncClient, docs: Client) -> None:
        page = await opened(client, docs)
        address, given = led_to(await client.post(ADDRESS, data=hidden(page) | {"step": "cancel"}))

        assert address == REDIRECT
        assert (given["error"], given["state"]) == ("access_denied", docs.state)
        assert "code" not in given


class TestForgery:
    """Another site makes the browser send our form: it has neither the cookie nor a request that fits it."""

    async def test_a_form_without_the_cookie_is_refused(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, cast: Cast
    ) -> None:
        page = await opened(client, docs)

        answer = await typed(new_client(), page, cast.patient.email, PASSWORD)

        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_a_form_with_another_browsers_cookie_is_refused(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, cast: Cast
    ) -> None:
        attackers, victims = client, new_client()
        page = await opened(attackers, docs)
        await opened(victims, Client())

        assert (await typed(victims, page, cast.patient.email, PASSWORD)).status_code == 400

    async def test_two_windows_of_one_browser_do_not_disturb_each_other(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        first = await opened(client, docs)
        await opened(client, Client())

        assert (await typed(client, first, cast.patient.email, PASSWORD)).status_code == 303

    @pytest.mark.parametrize("change", ["cut", "altered", "empty", "not base64", "twice", "missing"])
    async def test_a_request_that_was_changed_is_refused(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast, change: str
    ) -> None:
        sealed = hidden(await opened(client, docs))["request"]
        middle = len(sealed) // 2
        request: Any = {
            "cut": sealed[:-8],
            "altered": sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :],
            "empty": "",
            "not base64": "é" * 40,
            "twice": [sealed, sealed],
            "missing": None,
        }[change]
        form = {"email": cast.patient.email, "password": PASSWORD, "step": "sign-in"}

        answer = await client.post(ADDRESS, data=form | ({} if request is None else {"request": request}))

        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_a_page_that_was_open_for_half_an_hour_is_refused(
        self, client: httpx2.AsyncClient, docs: Client, cast: Cast
    ) -> None:
        page = await opened(client, docs)
        cookies = dict(client.cookies)

        with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
            client.cookies.update(cookies)
            assert (await typed(client, page, cast.patient.email, PASSWORD)).status_code == 400

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b"{}"),
            ("multipart/form-data; boundary=x", b"not a form"),
            ("application/x-www-form-urlencoded", b"%%%&&&==\xff"),
            ("text/plain", b""),
        ],
    )
    async def test_anything_but_its_form_is_refused(
        self, client: httpx2.AsyncClient, content_type: str, body: bytes
    ) -> None:
        answer = await client.post(ADDRESS, content=body, headers={"content-type": content_type})

        assert answer.status_code == 400
