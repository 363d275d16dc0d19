"""Authorization codes: made when somebody signed in on our page, exchanged once within a minute by the client.

A code names its clinic, so that the wall around it stands before the first statement, and is 256 random bits.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.core import clock
from app.core.db import EVERY_CLINIC, Database
from app.core.ids import new_id
from app.core.oauth import TokenRefusedError
from app.core.settings import Settings
from app.identity import proofs
from app.identity import service as identity
from app.identity.models import Membership
from app.identity.schemas import Tokens
from app.oauth import clients
from app.oauth.authorization import AuthorizationRequest
from app.oauth.models import AuthorizationCode
from app.oauth.schemas import TokenRequest

LIFE = timedelta(seconds=60)
REMEMBERED = timedelta(days=1)
PREFIX = "agl_ac_"
SECRET_BYTES = 32
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


async def issue(
    db: Database, membership: Membership, request: AuthorizationRequest, *, methods: str, label: str
) -> str:
    """A code for what this member allows the client of the request to do."""
    now = clock.now()
    await db.execute(
        sa.delete(AuthorizationCode).where(
            AuthorizationCode.clinic_id == membership.clinic_id, AuthorizationCode.expires_at < now - REMEMBERED
        )
    )
    code = _written(membership.clinic_id)
    db.add(
        AuthorizationCode(
            id=new_id(),
            clinic_id=membership.clinic_id,
            membership_id=membership.id,
            code_hash=_hash(code),
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            methods=methods,
            scopes=request.scopes,
            device_label=label,
            expires_at=now + LIFE,
            created_at=now,
        )
    )
    _note(db, membership, "authorize", reason=request.client_id)
    return code


async def exchange(db: Database, settings: Settings, form: TokenRequest) -> Tokens:
    """The tokens for a code, or `TokenRefusedError`. A code that is brought again ends the device that it gave."""
    if form.code is None or form.client_id is None or form.redirect_uri is None or form.code_verifier is None:
        raise TokenRefusedError(
            "invalid_request", "Needed are: code, client_id, redirect_uri, and code_verifier as PKCE asks."
        )
    clinic_id = _clinic_of(form.code)
    if clinic_id is None:
        raise _refused()
    await db.enter(clinic_id)
    code = await db.scalar(
        sa.select(AuthorizationCode).where(AuthorizationCode.code_hash == _hash(form.code)).with_for_update()
    )
    membership = await db.get(Membership, code.membership_id) if code else None
    if code is None or membership is None:
        raise _refused()
    why = _fault(code, form)
    if code.device_id is not None:
        await proofs.end_stolen(db, code.device_id)
    code.used_at = code.used_at or clock.now()
    if why is None and (membership.ended_at is not None or await clients.find(db, settings, code.client_id) is None):
        why = "member or client ended"
    if why is not None:
        _note(db, membership, "exchange_code", denied=True, reason=why, device_id=code.device_id)
        raise _refused()
    device_id = new_id()
    tokens = identity.begin(
        db,
        settings,
        membership,
        code.device_label,
        methods=code.methods,
        scopes=code.scopes,
        device_id=device_id,
        client_id=None if code.client_id == clients.DOCS else UUID(code.client_id),
        authenticated_at=code.created_at,
    )
    await db.flush()
    code.device_id = device_id
    return tokens


def _fault(code: AuthorizationCode, form: TokenRequest) -> str | None:
    """Why this code gives nothing to who brought it."""
    checks = (
        (code.used_at is None, "code used before"),
        (clock.now() < code.expires_at, "code expired"),
        (form.client_id == code.client_id, "another client"),
        (form.redirect_uri == code.redirect_uri, "another redirect address"),
        (_verifies(form.code_verifier or "", code.code_challenge), "wrong code_verifier"),
    )
    return next((why for fine, why in checks if not fine), None)


def _verifies(verifier: str, challenge: str) -> bool:
    if VERIFIER.fullmatch(verifier) is None:
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())


def _written(clinic_id: UUID) -> str:
    raw = clinic_id.bytes + secrets.token_bytes(SECRET_BYTES)
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _clinic_of(code: str) -> UUID | None:
    try:
        raw = base64.b64decode(code.removeprefix(PREFIX), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not code.startswith(PREFIX) or len(raw) != SECRET_BYTES + 16:
        return None
    clinic_id = UUID(bytes=raw[:16])
    return None if clinic_id == EVERY_CLINIC else clinic_id


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _refused() -> TokenRefusedError:
    """One answer for everything, since whoever brings a wrong code must not learn what is wrong with it."""
    return TokenRefusedError("invalid_grant", "This code counts no longer. Sign in again.")


def _note(
    db: Database,
    membership: Membership,
    operation: str,
    *,
    denied: bool = False,
    reason: str | None = None,
    device_id: UUID | None = None,
) -> None:
    audit.record(
        db,
        operation=operation,
        permission="public",
        outcome="denied" if denied else "allowed",
        clinic_id=membership.clinic_id,
        actor_id=membership.id,
        actor_role=membership.role,
        patient_id=membership.patient_id,
        device_id=device_id,
        reason=reason,
    )
