"""One-time codes by RFC 6238, as every authenticator app makes them: SHA-1, six digits, 30 seconds.

Apps ignore other choices that an enrolment asks for, and a code that lives a minute gains nothing from a longer digest.
"""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS = 30
DIGITS = 6
SEED_BYTES = 20
NEIGHBOURS = 1
"""Steps before and after the present one that are taken too: phones' clocks are seconds off, and people type."""
ISSUER = "Afterglow"


def new_seed() -> str:
    """A random seed in base32, 160 bits."""
    return base64.b32encode(secrets.token_bytes(SEED_BYTES)).decode()


def step_at(at: datetime) -> int:
    """The number of the 30 seconds that `at` lies in, counted since 1970."""
    return int(at.timestamp()) // STEP_SECONDS


def code_of(seed: str, step: int) -> str:
    """The code of one step."""
    key = base64.b32decode(seed)
    made = TOTP(key, DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303  what authenticators compute
    return made.generate(step * STEP_SECONDS).decode()


def step_of(seed: str, code: str, at: datetime, after: int | None) -> int | None:
    """The step whose code this is, if it may be used at this moment; `after` is the last step that was used."""
    now, found = step_at(at), None
    for step in range(now - NEIGHBOURS, now + NEIGHBOURS + 1):
        right = hmac.compare_digest(code_of(seed, step).encode(), code.encode())
        if right and (after is None or step > after):
            found = step
    return found


def address(seed: str, account: str) -> str:
    """The `otpauth:` address that an authenticator app takes, mostly from a QR code."""
    # The issuer stands in both places, since apps differ in where they look. It must not tell which clinic this is.
    query = urlencode({"secret": seed, "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(f'{ISSUER}:{account}', safe=':')}?{query}"
