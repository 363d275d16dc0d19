"""What a code looks like, and how long it can be used."""

from datetime import datetime, timedelta

LIFE = timedelta(days=7)
WRONG_TRIES = 5
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Letters and digits that cannot be mistaken for one another, five bits each."""
SELECTOR_CHARACTERS = 4
VERIFIER_CHARACTERS = 8
SHORT_CHARACTERS = SELECTOR_CHARACTERS + VERIFIER_CHARACTERS
LONG_CHARACTERS = 26
"""130 bits: nobody guesses that, so it is found by its hash and needs no count of tries."""
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": "", "U": "V"})


def plain(code: str) -> str:
    """A code as it was drawn, however it was written down; empty when it cannot be one.

    Case, spaces, hyphens and the usual mistakes of reading are forgiven. Letters of other alphabets that look the same
    are not: no keyboard that a code is typed on offers them by chance.
    """
    return code.upper().translate(_LOOKALIKES) if code.isascii() else ""


def written(selector: str, verifier: str) -> str:
    """A short code as it is handed over: `SSSS-VVVV-VVVV`."""
    half = VERIFIER_CHARACTERS // 2
    return f"{selector}-{verifier[:half]}-{verifier[half:]}"


def is_open(
    now: datetime, *, used_at: datetime | None, withdrawn_at: datetime | None, expires_at: datetime, wrong_tries: int
) -> bool:
    """Whether a code can still be used."""
    return used_at is None and withdrawn_at is None and now < expires_at and wrong_tries < WRONG_TRIES
