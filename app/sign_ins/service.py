"""Signing devices in."""

from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.schemas import Tokens
from app.sign_ins.proving import Claim, prove, prove_with_passkey
from app.sign_ins.schemas import PasskeySignInWrite, SignInWrite


async def sign_in(db: Database, settings: Settings, attempt: SignInWrite) -> Tokens:
    """Sign a device in. Unknown addresses take as long as wrong passwords and get the same answer."""
    claim = Claim(attempt.email, attempt.password.get_secret_value(), attempt.one_time_code)
    proof = await prove(db, settings, claim)
    return identity.begin(db, settings, proof.membership, attempt.device_label, methods=proof.methods)


async def sign_in_with_passkey(db: Database, settings: Settings, attempt: PasskeySignInWrite) -> Tokens:
    """Sign a device in for the owner of a passkey."""
    proof = await prove_with_passkey(db, settings, attempt.credential)
    return identity.begin(db, settings, proof.membership, attempt.device_label, methods=proof.methods)
