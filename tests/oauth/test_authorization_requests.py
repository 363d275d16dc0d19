"""What a client may ask our sign-in page for, and where a browser is never sent."""

from urllib.parse import urlencode

import httpx2
import pytest
from pydantic import SecretStr

from app.core.settings import Environment, Settings
from app.oauth import clients
from app.oauth.authorization import address, origin
from tests.oauth.browser import ADDRESS, ISSUER, REDIRECT, Client, led_to, opened, told


@pytest.fixture
def docs() -> Client:
    return Client()


class TestOpenRedirect:
    @pytest.mark.parametrize(
        "redirect_uri",
        [
            None,
            "",
            "https://evil.example/",
            "https://evil.example/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000.evil.example/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000@evil.example/docs/oauth2-redirect.html",
            "http://user@127.0.0.1:8000/docs/oauth2-redirect.html",
            "http://127.0.0.1.evil.example:8000/docs/oauth2-redirect.html",
            "http://127.0.0.1:80:80/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000/docs/oauth2-redirect.html/../../../evil",
            "http://127.0.0.1:8000/docs/../docs/oauth2-redirect.html",
            "http://127.0.0.1:8000//evil.example/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000/docs/oauth2-redirect.html?next=https://evil.example",
            "http://127.0.0.1:8000/docs/oauth2-redirect.html#x",
            "http://127.0.0.1:8000/docs/oauth2-redirect.html/",
            "http://127.0.0.1:8000/docs/OAUTH2-redirect.html",
            "HTTP://127.0.0.1:8000/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000/docs/oauth2-redirect.html\r\nSet-Cookie: a=b",
            "//127.0.0.1:8000/docs/oauth2-redirect.html",
            "/docs/oauth2-redirect.html",
            "javascript:alert(1)//docs/oauth2-redirect.html",
            "data:text/html,x/docs/oauth2-redirect.html",
            "http://127.0.0.1:٨٠٠٠/docs/oauth2-redirect.html",
            "http://127.0.0.1:/docs/oauth2-redirect.html",
            "http://127.0.0.1:8000/" + "a" * 3000 + "/docs/oauth2-redirect.html",
        ],
    )
    async def test_an_address_that_is_not_registered_is_never_gone_to(
        self, client: httpx2.AsyncClient, docs: Client, redirect_uri: str | None
    ) -> None:
        answer = await opened(client, docs, redirect_uri=redirect_uri, response_type="nonsense")

        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "evil" not in answer.text
        assert "form-action 'none'" in answer.headers["content-security-policy"]

    @pytest.mark.parametrize("client_id", [None, "", "unknown", "docs\0", "DOCS", "docs ", "é" * 200])
    async def test_nor_is_that_of_a_client_that_nobody_knows(
        self, client: httpx2.AsyncClient, docs: Client, client_id: str | None
    ) -> None:
        answer = await opened(client, docs, client_id=client_id)

        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert told(answer).startswith("The app that sent you here is not known")

    @pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
    async def test_nor_one_of_two(self, client: httpx2.AsyncClient, docs: Client, name: str) -> None:
        asked = [*docs.asks().items(), (name, docs.asks()[name])]

        answer = await client.get(f"{ADDRESS}?{urlencode(asked)}")

        assert (answer.status_code, "location" in answer.headers) == (400, False)


class TestRefusals:
    @pytest.mark.parametrize(
        ("but", "error"),
        [
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code token"}, "unsupported_response_type"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"code_challenge": "a" * 44}, "invalid_request"),
            ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": "s256"}, "invalid_request"),
            ({"code_challenge_method": "S512"}, "invalid_request"),
            ({"scope": "everything"}, "invalid_scope"),
            ({"scope": "patients:read nonsense"}, "invalid_scope"),
        ],
        ids=str,
    )
    async def test_go_to_the_client_with_its_state(
        self, client: httpx2.AsyncClient, docs: Client, but: dict[str, str | None], error: str
    ) -> None:
        where, given = led_to(await opened(client, docs, **but))

        assert where == REDIRECT
        assert (given["error"], given["state"], given["iss"]) == (error, docs.state, ISSUER)
        assert "code" not in given

    @pytest.mark.parametrize("name", ["state", "code_challenge", "code_challenge_method", "response_type", "scope"])
    async def test_a_parameter_that_comes_twice_is_refused(
        self, client: httpx2.AsyncClient, docs: Client, name: str
    ) -> None:
        asked = [*docs.asks(scope="patients:read").items(), (name, "x")]

        _, given = led_to(await client.get(f"{ADDRESS}?{urlencode(asked)}"))

        assert given["error"] == "invalid_request"

    @pytest.mark.parametrize("state", [None, "", "a b&c=d#e%é🙂", "x" * 2000])
    async def test_the_state_comes_back_as_it_was(
        self, client: httpx2.AsyncClient, docs: Client, state: str | None
    ) -> None:
        _, given = led_to(await opened(client, docs, state=state, response_type="token"))

        assert given.get("state") == (state or None)

    async def test_a_state_without_end_is_not_carried_around(self, client: httpx2.AsyncClient, docs: Client) -> None:
        _, given = led_to(await opened(client, docs, state="x" * 2001))

        assert (given["error"], "state" in given) == ("invalid_request", False)

    async def test_parameters_that_nobody_knows_are_ignored(self, client: httpx2.AsyncClient, docs: Client) -> None:
        assert (await opened(client, docs, nonce="x", prompt="none")).status_code == 200


class TestDocsPage:
    @pytest.mark.parametrize(
        "origin_of_page",
        ["http://localhost:8000", "http://127.0.0.1:8123", "http://[::1]:9", "http://localhost"],
    )
    async def test_on_ones_own_machine_may_be_opened_by_any_name_of_it(
        self, client: httpx2.AsyncClient, docs: Client, origin_of_page: str
    ) -> None:
        answer = await opened(client, docs, redirect_uri=f"{origin_of_page}/docs/oauth2-redirect.html")

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("redirect_uri", "may"),
        [
            ("https://clinic.example/docs/oauth2-redirect.html", True),
            ("http://clinic.example/docs/oauth2-redirect.html", False),
            ("http://127.0.0.1:8000/docs/oauth2-redirect.html", False),
            ("http://localhost:8000/docs/oauth2-redirect.html", False),
        ],
    )
    async def test_in_production_has_one_address(self, redirect_uri: str, may: bool) -> None:
        settings = Settings(
            environment=Environment.PRODUCTION,
            public_url="https://clinic.example",
            secret_keys=[SecretStr("0123456789abcdefghijklmnopqrstuvwxyz")],
            database_url="postgresql://nobody@nowhere/none",
        )
        docs = await clients.find(None, settings, "docs")  # type: ignore[arg-type]  # the docs page is in no table
        assert docs is not None

        assert docs.may_redirect_to(redirect_uri) is may


class TestAddresses:
    def test_parameters_join_those_that_are_registered(self, settings: Settings) -> None:
        assert address(settings, "https://a.example/b?c=d", "s", {"code": "x"}).startswith(
            "https://a.example/b?c=d&code=x&state=s&iss="
        )

    @pytest.mark.parametrize(
        ("redirect_uri", "wanted"),
        [
            ("https://a.example/b?c", "https://a.example"),
            ("http://127.0.0.1:5000/x", "http://127.0.0.1:5000"),
            ("org.example.app:/signed-in", "org.example.app:"),
        ],
    )
    def test_the_policy_allows_their_origin_or_scheme(self, redirect_uri: str, wanted: str) -> None:
        assert origin(redirect_uri) == wanted
