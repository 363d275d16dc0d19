"""Keys of others, and the two halves of a statement's time; the rest is tested where statements are brought."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey

from app.core import clock
from app.identity.assertions import FAST_CLOCK, NotBelievedError, believe, public_key, read, verify
from tests.signers import a_key, claims_of, in_seconds, public_half, signed

EC = public_half(a_key("P-256"))
LONG_RSA = base64.urlsafe_b64encode(b"\xff" * 1025).decode().rstrip("=")


class TestPublicKey:
    @pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA", "RSA4096", "Ed25519"])
    def test_is_taken(self, kind: str) -> None:
        assert public_key(public_half(a_key(kind))).algorithm is None

    def test_knows_its_only_algorithm(self) -> None:
        assert public_key(EC | {"alg": "ES256", "use": "sig", "key_ops": ["verify"]}).algorithm == "ES256"

    @pytest.mark.parametrize(
        "jwk",
        [
            {},
            {"kty": "oct", "k": "AAAA"},
            {"kty": "EC", "crv": "P-256"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "x": "é", "y": "AA"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "n": LONG_RSA, "e": "AQAB"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
            {"kty": ["EC"]},
            EC | {"use": "enc"},
            EC | {"alg": "HS256"},
            EC | {"alg": "none"},
            EC | {"x": EC["y"]},
            ECKey.generate_key("P-521").as_dict(private=False),
            ECKey.generate_key("secp256k1").as_dict(private=False),
            OKPKey.generate_key("Ed448").as_dict(private=False),
            OKPKey.generate_key("X25519").as_dict(private=False),
            {"kty": "RSA", "n": LONG_RSA[:171], "e": "AQAB"},
            {"kty": "RSA", "e": "AQAB"},
        ],
    )
    def test_is_refused(self, jwk: dict[str, Any]) -> None:
        with pytest.raises(NotBelievedError):
            public_key(jwk)

    @pytest.mark.parametrize("kind", ["P-256", "RSA", "Ed25519"])
    def test_a_private_one_is_refused(self, kind: str) -> None:
        with pytest.raises(NotBelievedError, match="private"):
            public_key(a_key(kind).as_dict(private=True))


class TestVerify:
    def test_is_for_the_whole_message_and_signature(self) -> None:
        statement = read(signed(claims_of("x")))
        keys = {"k1": public_key(EC)}

        assert verify(statement, keys)
        assert not verify(statement, {})
        for change in ({"message": statement.message + b"x"}, {"signature": b""}, {"signature": b"x" * 64}):
            changed: dict[str, Any] = {
                "header": statement.header,
                "claims": statement.claims,
                "message": statement.message,
                "signature": statement.signature,
                **change,
            }
            assert not verify(type(statement)(**changed), keys)


class TestTime:
    @pytest.mark.parametrize(
        ("claim", "seconds", "believed"),
        [
            ("exp", 1, True),
            ("exp", 0, False),
            ("exp", 329, True),
            ("exp", 332, False),
            ("nbf", 29, True),
            ("nbf", 32, False),
            ("iat", 29, True),
            ("iat", 32, False),
            ("iat", -(10**9), True),
        ],
    )
    def test_forgives_a_clock_that_is_a_little_fast(self, claim: str, seconds: int, *, believed: bool) -> None:
        now = clock.now().replace(microsecond=0)
        moment = int(now.timestamp()) + seconds
        statement = read(signed(claims_of("x", aud="us", exp=in_seconds(120)) | {claim: moment}))

        def judge() -> str:
            lasts = timedelta(minutes=5)
            return believe(statement, issuer="x", subject="x", audience="us", now=now, lasts=lasts).subject

        assert timedelta(seconds=30) == FAST_CLOCK
        if believed:
            assert judge() == "x"
        else:
            with pytest.raises(NotBelievedError, match=claim):
                judge()
