"""Keys of others, and what they sign with them: clients, and the fake outside issuer."""

import json
from datetime import timedelta
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from app.core import clock
from app.identity.assertions import ALGORITHMS
from tests.factories import an_id

TOKEN_URL = "http://127.0.0.1:8000/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def a_key(kind: str = "P-256", number: int = 1) -> Key:
    """A key pair of this kind; the same for the same number, since making RSA keys takes long."""
    return _a_key(kind, number)


@cache
def _a_key(kind: str, _number: int) -> Key:
    if kind.startswith("RSA"):
        return RSAKey.generate_key(int(kind[3:] or 2048))
    return OKPKey.generate_key("Ed25519") if kind == "Ed25519" else ECKey.generate_key(kind)


def public_half(key: Key, kid: str = "k1", **but: Any) -> dict[str, Any]:
    """What a client registers of it."""
    return {**key.as_dict(private=False), "kid": kid, **but}


def in_seconds(seconds: float) -> int:
    """A NumericDate this far from now."""
    return int((clock.now() + timedelta(seconds=seconds)).timestamp())


def signed(claims: dict[str, Any], key: Key | None = None, algorithm: str = "ES256", **header: Any) -> str:
    """A compact JWT; what is None in the header is left out."""
    named = {"alg": algorithm, "kid": "k1", **header}
    kept = {name: value for name, value in named.items() if value is not None}
    # The library warns of the old name of Ed25519; a signature is the same under both.
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    message = f"{_encoded(kept)}.{_encoded(claims)}"
    model = registry.algorithms[ALGORITHMS.get(algorithm, algorithm)]
    return f"{message}.{_base64(model.sign(message.encode(), key or a_key()))}"


def unsigned(claims: dict[str, Any], algorithm: Any, signature: bytes = b"", **header: Any) -> str:
    """What somebody sends who has no key."""
    return f"{_encoded({'alg': algorithm, 'kid': 'k1', **header})}.{_encoded(claims)}.{_base64(signature)}"


def _encoded(part: Any) -> str:
    return _base64(json.dumps(part).encode())


def _base64(raw: bytes) -> str:
    from joserfc.util import urlsafe_b64encode

    return urlsafe_b64encode(raw).decode()


def claims_of(client_id: str, **but: Any) -> dict[str, Any]:
    """What a client says of itself; what is None is left out."""
    said = {
        "iss": client_id,
        "sub": client_id,
        "aud": TOKEN_URL,
        "jti": str(an_id()),
        "exp": in_seconds(120),
        "iat": in_seconds(0),
        **but,
    }
    return {name: value for name, value in said.items() if value is not None}


def by_assertion(assertion: str, **but: str) -> dict[str, str]:
    """The form of a client that proves itself so."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **but,
    }
