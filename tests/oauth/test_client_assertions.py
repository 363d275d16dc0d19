"""Programs that prove themselves by what they sign, and everything that proves nothing."""

import asyncio
import base64
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from joserfc.jwk import RSAKey

from app.api_clients.models import ApiClient
from app.core import clock
from app.core.db import Database
from app.identity.models import UsedAssertion
from tests.cast import Cast
from tests.factories import an_api_client, an_id
from tests.programs import Program, ask, refused
from tests.signers import TOKEN_URL, a_key, by_assertion, claims_of, in_seconds, public_half, signed, unsigned

NewClient = Callable[..., httpx2.AsyncClient]


class TestAssertion:
    @pytest.mark.parametrize(
        ("kind", "algorithm"),
        [
            ("P-256", "ES256"),
            ("P-384", "ES384"),
            ("RSA", "RS256"),
            ("RSA", "RS384"),
            ("Ed25519", "Ed25519"),
            ("Ed25519", "EdDSA"),
        ],
    )
    async def test_is_taken_from_each_kind_of_key(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, kind: str, algorithm: str
    ) -> None:
        keys = {"keys": [public_half(a_key("P-256", 2), "other"), public_half(a_key(kind))]}
        client_id, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)

        answer = await ask(client, **by_assertion(signed(claims_of(client_id), a_key(kind), algorithm)))

        assert answer.status_code == 200
        assert (await new_client(answer.json()["access_token"]).get("/v1/patients")).status_code == 200

    async def test_may_name_a_list_of_one_audience_and_the_client_beside_it(
        self, client: httpx2.AsyncClient, signer: str
    ) -> None:
        form = by_assertion(signed(claims_of(signer, aud=[TOKEN_URL], nbf=in_seconds(-5))), client_id=signer)

        assert (await ask(client, **form)).status_code == 200

    @pytest.mark.parametrize(
        "but",
        [
            {"exp": None},
            {"exp": -1},
            {"exp": 400},
            {"nbf": 60},
            {"iat": 60},
        ],
        ids=str,
    )
    async def test_out_of_its_time_is_refused(
        self, client: httpx2.AsyncClient, signer: str, but: dict[str, int | None]
    ) -> None:
        moments = {name: None if away is None else in_seconds(away) for name, away in but.items()}

        answer = await ask(client, **by_assertion(signed(claims_of(signer, **moments))))

        assert refused(answer)
        assert next(iter(but)) in answer.json()["error_description"]

    async def test_ends_with_its_expiry(self, client: httpx2.AsyncClient, signer: str) -> None:
        assertion = signed(claims_of(signer, exp=in_seconds(60)))

        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
            assert refused(await ask(client, **by_assertion(assertion)))

    @pytest.mark.parametrize(
        ("but", "named"),
        [
            ({"aud": "http://127.0.0.1:8000"}, "aud"),
            ({"aud": "https://elsewhere.example/oauth/token"}, "aud"),
            ({"aud": [TOKEN_URL, "https://elsewhere.example"]}, "aud"),
            ({"aud": []}, "aud"),
            ({"aud": None}, "aud"),
            ({"aud": {"a": 1}}, "aud"),
            ({"iss": "https://elsewhere.example"}, "iss"),
            ({"iss": None}, "iss"),
            ({"jti": None}, "jti"),
            ({"jti": ""}, "jti"),
            ({"jti": 7}, "jti"),
            ({"jti": "x" * 256}, "jti"),
            ({"exp": "soon"}, "exp"),
            ({"exp": True}, "exp"),
            ({"exp": 10**18}, "exp"),
            ({"exp": [1]}, "exp"),
            ({"nbf": "now"}, "nbf"),
        ],
        ids=str,
    )
    async def test_for_or_from_another_is_refused(
        self, client: httpx2.AsyncClient, signer: str, but: dict[str, Any], named: str
    ) -> None:
        answer = await ask(client, **by_assertion(signed(claims_of(signer, **but))))

        assert refused(answer)
        assert named in answer.json()["error_description"]

    async def test_about_another_client_is_refused(
        self, client: httpx2.AsyncClient, signer: str, program: Program, cast: Cast, db: Database
    ) -> None:
        keys = {"keys": [public_half(a_key("P-256", 2))]}
        other, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)
        attempts = [
            claims_of(signer, sub=other),
            claims_of(other),
            claims_of(signer, sub=program[0]),
            claims_of(program[0]),
            claims_of(signer, sub=str(an_id())),
            claims_of(signer, sub=None),
            claims_of(signer, sub=7),
            claims_of(signer, sub=signer.upper()),
        ]

        for claims in attempts:
            assert refused(await ask(client, **by_assertion(signed(claims))))
        assert refused(await ask(client, **by_assertion(signed(claims_of(signer)), client_id=other)))

    async def test_of_a_client_that_was_ended_is_refused(
        self, client: httpx2.AsyncClient, signer: str, db: Database
    ) -> None:
        await db.execute(sa.update(ApiClient).values(ended_at=clock.now()))

        assert refused(await ask(client, **by_assertion(signed(claims_of(signer)))))

    async def test_is_used_once(self, client: httpx2.AsyncClient, signer: str) -> None:
        form = by_assertion(signed(claims_of(signer)))

        first, second = await ask(client, **form), await ask(client, **form)

        assert first.status_code == 200
        assert refused(second)
        assert "jti" in second.json()["error_description"]

    async def test_is_used_once_by_all_who_bring_it_at_once(self, client: httpx2.AsyncClient, signer: str) -> None:
        form = by_assertion(signed(claims_of(signer)))

        answers = await asyncio.gather(*(ask(client, **form) for _ in range(8)))

        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7

    async def test_is_used_up_even_if_it_asked_for_too_much(self, client: httpx2.AsyncClient, signer: str) -> None:
        form = by_assertion(signed(claims_of(signer)))

        assert (await ask(client, **form, scope="staff:read")).json()["error"] == "invalid_scope"
        assert refused(await ask(client, **form))

    async def test_two_clients_may_use_the_same_id(
        self, client: httpx2.AsyncClient, signer: str, cast: Cast, db: Database
    ) -> None:
        keys = {"keys": [public_half(a_key())]}
        other, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)

        answers = [await ask(client, **by_assertion(signed(claims_of(who, jti="1")))) for who in (signer, other)]

        assert [answer.status_code for answer in answers] == [200, 200]

    async def test_ids_are_forgotten_when_they_are_over(
        self, client: httpx2.AsyncClient, signer: str, db: Database
    ) -> None:
        for _ in range(3):
            await ask(client, **by_assertion(signed(claims_of(signer))))
        with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
            await ask(client, **by_assertion(signed(claims_of(signer))))

        assert await db.scalar(sa.select(sa.func.count()).select_from(UsedAssertion)) == 1


class TestForgery:
    async def test_alg_none_is_refused(self, client: httpx2.AsyncClient, signer: str) -> None:
        algorithms: list[Any] = ["none", "None", "NONE", "", None, 7, ["ES256"], {}]
        for algorithm in algorithms:
            assert refused(await ask(client, **by_assertion(unsigned(claims_of(signer), algorithm))))

    async def test_the_public_key_as_a_shared_secret_is_refused(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        key = a_key("RSA")
        assert isinstance(key, RSAKey)
        keys = {"keys": [public_half(key)]}
        client_id, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)
        for secret in (key.as_pem(private=False), key.as_der(private=False)):
            message = unsigned(claims_of(client_id), "HS256").rpartition(".")[0]
            signature = hmac.digest(secret, message.encode(), "sha256")
            forged = f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

            assert refused(await ask(client, **by_assertion(forged)))

    @pytest.mark.parametrize(
        "header",
        [
            {"kid": "k2"},
            {"kid": None},
            {"kid": ["k1"]},
            {"kid": "../k1"},
            {"jwk": public_half(a_key("P-256", 2))},
            {"jku": "https://elsewhere.example/keys"},
            {"x5u": "https://elsewhere.example/chain"},
        ],
        ids=lambda header: str(next(iter(header.items())))[:20],
    )
    async def test_a_key_that_was_not_registered_is_refused(
        self, client: httpx2.AsyncClient, signer: str, header: dict[str, Any]
    ) -> None:
        assert refused(await ask(client, **by_assertion(signed(claims_of(signer), a_key("P-256", 2), **header))))

    async def test_an_unknown_kid_is_refused_though_the_signature_is_right(
        self, client: httpx2.AsyncClient, signer: str
    ) -> None:
        assert refused(await ask(client, **by_assertion(signed(claims_of(signer), kid="k2"))))
        assert refused(await ask(client, **by_assertion(signed(claims_of(signer), kid=None))))

    @pytest.mark.parametrize("algorithm", ["ES384", "RS256", "Ed25519"])
    async def test_another_way_of_signing_than_the_keys_is_refused(
        self, client: httpx2.AsyncClient, signer: str, algorithm: str
    ) -> None:
        kind = {"ES384": "P-384", "RS256": "RSA", "Ed25519": "Ed25519"}[algorithm]

        assert refused(await ask(client, **by_assertion(signed(claims_of(signer), a_key(kind), algorithm))))

    async def test_a_key_is_for_one_way_of_signing_if_it_says_so(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        keys = {"keys": [public_half(a_key("RSA"), alg="RS384")]}
        client_id, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)

        answers = [
            await ask(client, **by_assertion(signed(claims_of(client_id), a_key("RSA"), algorithm)))
            for algorithm in ("RS256", "RS384")
        ]

        assert [answer.status_code for answer in answers] == [401, 200]

    @pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES256K", "HS256", "RS1"])
    async def test_other_algorithms_are_refused(self, client: httpx2.AsyncClient, signer: str, algorithm: str) -> None:
        assert refused(await ask(client, **by_assertion(unsigned(claims_of(signer), algorithm, b"x" * 64))))

    async def test_what_must_be_understood_and_is_not_is_refused(self, client: httpx2.AsyncClient, signer: str) -> None:
        assertion = signed(claims_of(signer), crit=["b64"], b64=False)

        assert refused(await ask(client, **by_assertion(assertion)))

    async def test_a_changed_claim_is_refused(self, client: httpx2.AsyncClient, signer: str) -> None:
        header, _, signature = signed(claims_of(signer)).split(".")
        claims = signed(claims_of(signer)).split(".")[1]

        assert refused(await ask(client, **by_assertion(f"{header}.{claims}.{signature}")))

    @pytest.mark.parametrize(
        "text",
        [
            "x",
            "..",
            "a.b.c",
            "é.é.é",
            "e30.e30.",
            "e30.W10.AA",
            "W10.e30.AA",
            "e30.e30.e30.e30.e30",
            ".".join(base64.urlsafe_b64encode(part).decode() for part in (b"[" * 900, b"{}", b"")),
            ".".join(base64.urlsafe_b64encode(part).decode() for part in (b'{"alg":NaN}', b"{}", b"")),
            ".".join(base64.urlsafe_b64encode(part).decode() for part in (b'{"alg":"ES256","alg":"none"}', b"{}", b"")),
        ],
        ids=lambda text: text[:20],
    )
    async def test_what_is_no_jwt_is_refused(self, client: httpx2.AsyncClient, text: str) -> None:
        assert refused(await ask(client, **by_assertion(text)))

    @pytest.mark.parametrize(
        "form",
        [
            {"client_assertion_type": ""},
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            {"client_assertion": "x" * 8193},
            {"client_secret": "agl_cs_x"},
        ],
        ids=str,
    )
    async def test_a_form_that_is_none_says_so(
        self, client: httpx2.AsyncClient, signer: str, form: dict[str, str]
    ) -> None:
        answer = await ask(client, **(by_assertion(signed(claims_of(signer))) | form))

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    async def test_of_nobody_takes_the_same_statements(
        self, client: httpx2.AsyncClient, signer: str, queries: list[str]
    ) -> None:
        sent = []
        for who in (signer, str(an_id())):
            assertion = signed(claims_of(who), a_key("P-256", 2))
            await client.get("/healthz")
            queries.clear()
            await ask(client, **by_assertion(assertion))
            sent.append(list(queries))

        assert sent[0] == sent[1]
