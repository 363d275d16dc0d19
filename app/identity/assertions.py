"""What others signed (JSON Web Tokens, RFC 7519), how we read it, and when we believe it.

Others are clients with a key of their own, and an outside issuer. Only a few ways of signing count, all of them with a
public key that was registered or fetched before; what a statement says of how it was signed only chooses among them.
Nothing is believed twice: the id of a statement is remembered until the statement is over anyway.

The library is imported by what uses it: it holds two megabytes, and most processes never see a statement.
"""
# ruff: noqa: PLC0415  see above

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.db import Database
from app.core.errors import Problem
from app.core.requests import strict_json
from app.identity.models import UsedAssertion

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, Key

ALGORITHMS = {
    "ES256": "ES256",
    "ES384": "ES384",
    "RS256": "RS256",
    "RS384": "RS384",
    "Ed25519": "Ed25519",
    "EdDSA": "Ed25519",  # the older name, which leaves the curve open
}
"""Accepted values of `alg`, and the one way of signing that each stands for."""

CURVES = frozenset({"P-256", "P-384", "Ed25519"})
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 4096
FAST_CLOCK = timedelta(seconds=30)
"""How far ahead of ours a signer's clock may be."""
LONGEST_JTI = 255
_PARTS = 3
_ES256_BYTES = 64


class NotBelievedError(Exception):
    """A statement or a key that does not count, and why, in words for the one who signed it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Somebody's key, and the only way of signing that it is for, if it says so."""

    key: "Key"
    algorithm: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement that can be read. Whether its signer is who it says is open until `verify`."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """What a believed statement says of itself."""

    subject: str
    jti: str
    expires_at: datetime


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """The key that a JWK (RFC 7517) describes, or `NotBelievedError` when it cannot be one to check signatures with."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    texts = {name: value for name, value in jwk.items() if isinstance(value, str)}
    if texts.get("use", "sig") != "sig" or texts.get("alg", "ES256") not in ALGORITHMS:
        raise NotBelievedError("It is not for signatures that are accepted here.")
    if texts.get("kty") not in {"EC", "RSA", "OKP"}:
        raise NotBelievedError("Its kind is not accepted: use EC (P-256, P-384), RSA or OKP (Ed25519).")
    try:
        if texts["kty"] == "RSA" and not LEAST_RSA_BITS <= _bits(texts["n"]) <= MOST_RSA_BITS:
            raise NotBelievedError("An RSA key must have 2048 to 4096 bits.")
        key = import_key(dict[str, str | list[str]](texts))
    except (JoseError, ValueError, TypeError, KeyError):
        raise NotBelievedError("It is not a key that can be read.") from None
    if texts["kty"] != "RSA" and getattr(key, "curve_name", None) not in CURVES:
        raise NotBelievedError("Its kind is not accepted: use EC (P-256, P-384), RSA or OKP (Ed25519).")
    if getattr(key, "is_private", False):
        raise NotBelievedError("It is a private key. Make a new one and send its public half only.")
    return PublicKey(key, texts.get("alg"))


def _bits(number: str) -> int:
    return int.from_bytes(_decoded(number)).bit_length()


def read(text: str) -> Signed:
    """Take a compact JWT apart, believing nothing; `NotBelievedError` when it is none that we accept."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise NotBelievedError("It is not a signed JWT.")
    try:
        header, claims = (strict_json(_decoded(part)) for part in parts[:2])
        signature = _decoded(parts[2])
    except (Problem, ValueError):
        raise NotBelievedError("It is not a signed JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotBelievedError("It is not a signed JWT.")
    algorithm = header.get("alg")
    if "crit" in header or not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotBelievedError(f"It must be signed with one of {', '.join(ALGORITHMS)}.")
    return Signed(header, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def _decoded(part: str) -> bytes:
    if not part.isascii() or "=" in part:
        raise ValueError(part)
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(part) from error


def verify(signed: Signed, keys: Mapping[str, PublicKey]) -> bool:
    """Whether the key that the statement names is among these and made its signature; takes about as long if not."""
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    kid, named = signed.header.get("kid"), signed.header["alg"]
    found = keys.get(kid) if isinstance(kid, str) else None
    if found is None or found.algorithm not in {None, named}:
        padded = signed.signature[:_ES256_BYTES].ljust(_ES256_BYTES, b"\1")
        JWSRegistry.algorithms["ES256"].verify(signed.message, padded, _nobodys())
        return False
    algorithm = JWSRegistry.algorithms[ALGORITHMS[named]]
    try:
        algorithm.check_key(found.key)
    except JoseError:
        return False
    return algorithm.verify(signed.message, signed.signature, found.key)


@cache
def _nobodys() -> "ECKey":
    """A key to check with where there is none, so that this takes as long. Its private half is thrown away here."""
    from joserfc.jwk import ECKey

    return ECKey.generate_key("P-256", private=True)


def believe(
    signed: Signed,
    *,
    issuer: str,
    subject: str | None,
    audience: str,
    now: datetime,
    lasts: timedelta,
    alone: bool = True,
) -> Statement:
    """What the statement says of itself, once its signature was verified; `NotBelievedError` when it does not count.

    `subject` is whom it must be about, if that is known. It must be over within `lasts` from now. With `alone`, it must
    be meant for this audience and for nobody else, who could otherwise bring it here.
    """
    claims = signed.claims
    said_subject, jti = claims.get("sub"), claims.get("jti")
    if claims.get("iss") != issuer:
        raise NotBelievedError("Its issuer (iss) is another.")
    if not isinstance(said_subject, str) or not said_subject or subject not in {None, said_subject}:
        raise NotBelievedError("Its subject (sub) is missing or another.")
    meant_for = claims.get("aud")
    if meant_for not in (audience, [audience]) and (
        alone or not isinstance(meant_for, list) or audience not in meant_for
    ):
        raise NotBelievedError("Its audience (aud) is another.")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise NotBelievedError(f"Its id (jti) is missing or longer than {LONGEST_JTI} characters.")
    expires = _moment(claims, "exp")
    if expires is None or expires <= now:
        raise NotBelievedError("It has expired (exp), or does not say when it will.")
    if expires > now + lasts + FAST_CLOCK:
        raise NotBelievedError(f"It lasts longer (exp) than {lasts.total_seconds() / 60:.0f} minutes.")
    for name in ("nbf", "iat"):
        begins = _moment(claims, name)
        if begins is not None and begins > now + FAST_CLOCK:
            raise NotBelievedError(f"It does not count yet ({name}).")
    return Statement(said_subject, jti, expires)


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate; None when it is not there."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotBelievedError(f"Its {name} is not a number of seconds.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotBelievedError(f"Its {name} is not a moment in time.") from None


def authenticated_at(signed: Signed) -> datetime | None:
    """When the statement says that its subject proved who they are (`auth_time`)."""
    return _moment(signed.claims, "auth_time")


async def use_once(db: Database, clinic_id: UUID, issuer: str, statement: Statement, now: datetime) -> bool:
    """Use a statement up; False when it was used before. Of several at once, one gets True.

    What is over is forgotten on the way: it would not be believed again.
    """
    over = sa.select(UsedAssertion.fingerprint).where(
        UsedAssertion.clinic_id == clinic_id, UsedAssertion.expires_at < now
    )
    await db.execute(
        sa.delete(UsedAssertion).where(
            UsedAssertion.clinic_id == clinic_id,
            UsedAssertion.fingerprint.in_(over.limit(100).with_for_update(skip_locked=True)),
        )
    )
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    fingerprint = hashlib.sha256(f"{issuer}\0{statement.jti}".encode()).digest()
    kept = await db.execute(
        insert(UsedAssertion)
        .values(clinic_id=clinic_id, fingerprint=fingerprint, expires_at=statement.expires_at)
        .on_conflict_do_nothing()
        .returning(UsedAssertion.fingerprint)
    )
    return kept.first() is not None
