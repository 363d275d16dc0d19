"""Passkeys: WebAuthn credentials that are discoverable and verify their user.

Such a passkey is two factors at once, what one has and what one knows or is, so it signs staff in on its own. What the
authenticator answers is checked by the library `webauthn`, which is an extra: without it everything here raises
`PasskeysUnavailable`.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import challenges
from app.credentials.challenges import NOBODY, Challenge, Purpose
from app.credentials.errors import (
    LastCredential,
    PasskeyNotAccepted,
    PasskeyRefused,
    PasskeysUnavailable,
    TooManyPasskeys,
)
from app.credentials.models import Passkey
from app.identity.models import Account

PASSKEY: Final = "passkey"
"""Its name in `Device.methods`."""
NAME = "Afterglow"
MAX_PASSKEYS = 20
MAX_CREDENTIAL_ID_BYTES = 1023
MAX_ANSWER_CHARACTERS = 20_000
ALGORITHMS = (-8, -7, -257)
"""Ed25519, ES256, RS256: what phones, browsers, keys and Windows make."""

Credential = dict[str, Any]
"""What `PublicKeyCredential.toJSON()` gives."""
Options = dict[str, Any]
"""What `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` of a browser take."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A credential that an authenticator has just made for us."""

    credential_id: bytes
    user_handle: bytes
    public_key: bytes
    sign_count: int


async def of_account(db: Database, account_id: UUID) -> list[Passkey]:
    """The account's passkeys, the newest first."""
    found = await db.scalars(
        sa.select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.created_at.desc(), Passkey.id)
    )
    return list(found.all())


async def are_held(db: Database, account_id: UUID) -> bool:
    """Whether the account has any."""
    return await db.scalar(sa.select(Passkey.id).where(Passkey.account_id == account_id).limit(1)) is not None


def options_to_activate(settings: Settings, name: str) -> Options:
    """How an authenticator is asked for a passkey of an account that is not there yet."""
    return _creation(settings, challenges.write(Purpose.ACTIVATE), name, [])


async def options_to_add(db: Database, settings: Settings, account: Account) -> Options:
    """How an authenticator is asked for one more passkey of an account."""
    have = await of_account(db, account.id)
    if len(have) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    challenge = challenges.write(Purpose.ADD, account.id, have[0].user_handle if have else None)
    return _creation(settings, challenge, account.email, have)


def _creation(settings: Settings, challenge: bytes, name: str, have: list[Passkey]) -> Options:
    _library()
    read = challenges.read(challenge)
    assert read is not None  # noqa: S101  written by the caller
    return {
        "rp": {"id": settings.passkey_domain, "name": NAME},
        "user": {"id": _encoded(read.user_handle), "name": name, "displayName": name},
        "challenge": _encoded(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": _milliseconds(),
        "excludeCredentials": [{"type": "public-key", "id": _encoded(each.credential_id)} for each in have],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def options_to_sign_in(settings: Settings) -> Options:
    """How an authenticator is asked who is there. The same for everybody, so it tells nothing of who has an account."""
    return _request(settings, challenges.write(Purpose.SIGN_IN), [])


async def options_to_confirm(db: Database, settings: Settings, account: Account) -> Options:
    """How the owner of an account that is signed in is asked to prove it again."""
    return _request(settings, challenges.write(Purpose.CONFIRM, account.id), await of_account(db, account.id))


def _request(settings: Settings, challenge: bytes, have: list[Passkey]) -> Options:
    _library()
    return {
        "rpId": settings.passkey_domain,
        "challenge": _encoded(challenge),
        "timeout": _milliseconds(),
        "allowCredentials": [{"type": "public-key", "id": _encoded(each.credential_id)} for each in have],
        "userVerification": "required",
    }


async def made(
    db: Database, settings: Settings, credential: Credential, purpose: Purpose, account_id: UUID = NOBODY
) -> NewPasskey:
    """The passkey that an authenticator made when asked for this purpose, or `PasskeyNotAccepted`."""
    library = _library()
    raw, challenge = _challenge_in(credential)
    if challenge is None or not _is_asked(challenge, purpose, account_id):
        raise PasskeyNotAccepted
    try:
        checked = library.verify_registration_response(
            credential=_plain(credential, "clientDataJSON", "attestationObject"),
            expected_challenge=raw,
            expected_rp_id=settings.passkey_domain,
            expected_origin=settings.passkey_origins,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except Exception:  # noqa: BLE001  a stranger's bytes: the library raises whatever its parsers do
        raise PasskeyNotAccepted from None
    if len(checked.credential_id) > MAX_CREDENTIAL_ID_BYTES or not await challenges.use_up(db, challenge):
        raise PasskeyNotAccepted
    return NewPasskey(checked.credential_id, challenge.user_handle, checked.credential_public_key, checked.sign_count)


async def add(db: Database, account_id: UUID, new: NewPasskey, label: str) -> Passkey:
    """Let it sign the account in. A credential that is known already belongs to somebody, and is refused."""
    passkey = Passkey(
        id=new_id(),
        account_id=account_id,
        credential_id=new.credential_id,
        user_handle=new.user_handle,
        public_key=new.public_key,
        sign_count=new.sign_count,
        label=label,
        created_at=clock.now(),
    )
    try:
        async with db.begin_nested():
            db.add(passkey)
            await db.flush()
    except IntegrityError:
        raise PasskeyNotAccepted from None
    return passkey


async def used(
    db: Database, settings: Settings, credential: Credential, purpose: Purpose, account_id: UUID = NOBODY
) -> Passkey:
    """The passkey that has just signed a challenge for this purpose, or `PasskeyRefused`."""
    library = _library()
    raw, challenge = _challenge_in(credential)
    passkey = await db.scalar(
        sa.select(Passkey).where(Passkey.credential_id == _decoded(credential.get("rawId"))).with_for_update()
    )
    if (
        passkey is None
        or challenge is None
        or not _is_asked(challenge, purpose, account_id)
        or account_id not in {NOBODY, passkey.account_id}
        or not _knows(credential, passkey, must_tell=purpose is Purpose.SIGN_IN)
    ):
        raise PasskeyRefused(keeps_writes=True)
    try:
        checked = library.verify_authentication_response(
            credential=_plain(credential, "clientDataJSON", "authenticatorData", "signature"),
            expected_challenge=raw,
            expected_rp_id=settings.passkey_domain,
            expected_origin=settings.passkey_origins,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  a stranger's bytes: the library raises whatever its parsers do
        raise PasskeyRefused(keeps_writes=True) from None
    if not await challenges.use_up(db, challenge):
        raise PasskeyRefused(keeps_writes=True)
    passkey.sign_count, passkey.last_used_at = checked.new_sign_count, clock.now()
    return passkey


async def remove(db: Database, account: Account, passkey_id: UUID) -> None:
    """Forget one, unless the account could not be signed in any more."""
    await db.execute(sa.select(Account.id).where(Account.id == account.id).with_for_update(key_share=True))
    have = await of_account(db, account.id)
    found = next((each for each in have if each.id == passkey_id), None)
    if found is None:
        raise NotFound
    if len(have) == 1 and account.password_hash is None:
        raise LastCredential
    await db.delete(found)


async def remove_all(db: Database, account_id: UUID) -> None:
    """Forget them all: their owner lost them."""
    await db.execute(sa.delete(Passkey).where(Passkey.account_id == account_id))


def _library() -> Any:  # noqa: ANN401  a module
    """The library, loaded with the first passkey: it is large, and most processes never see one."""
    try:
        return import_module("webauthn")
    except ImportError:
        raise PasskeysUnavailable from None


def _is_asked(challenge: Challenge, purpose: Purpose, account_id: UUID) -> bool:
    """Whether we asked this, of this account, and lately."""
    return challenge.purpose is purpose and challenge.account_id == account_id and clock.now() < challenge.expires_at


def _knows(credential: Credential, passkey: Passkey, *, must_tell: bool) -> bool:
    """Whether the authenticator knows the account by the handle that we gave it."""
    told = _part(credential, "userHandle")
    return not must_tell if told is None else _decoded(told) == passkey.user_handle


def _challenge_in(credential: Credential) -> tuple[bytes, Challenge | None]:
    """The challenge that was answered, as it was sent and as we read it."""
    try:
        told = json.loads(_decoded(_part(credential, "clientDataJSON")))
    except (ValueError, RecursionError):
        return b"", None
    raw = _decoded(told.get("challenge")) if isinstance(told, dict) else b""
    return raw, challenges.read(raw)


def _part(credential: Credential, name: str) -> object:
    answer = credential.get("response")
    return answer.get(name) if isinstance(answer, dict) else None


def _plain(credential: Credential, *names: str) -> Credential:
    """Only what is checked, and only text of a sensible length: browsers add more, and the library reads some of it."""
    parts = {"id": credential.get("id"), "rawId": credential.get("rawId")}
    answer = {name: _part(credential, name) for name in names}
    for text in (*parts.values(), *answer.values()):
        if not isinstance(text, str) or len(text) > MAX_ANSWER_CHARACTERS:
            raise ValueError
    return {**parts, "type": credential.get("type"), "response": answer}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: object) -> bytes:
    """Base64url as browsers write it; empty when it is not."""
    if not isinstance(text, str) or len(text) > MAX_ANSWER_CHARACTERS:
        return b""
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _milliseconds() -> int:
    return int(challenges.LIFE.total_seconds()) * 1000
