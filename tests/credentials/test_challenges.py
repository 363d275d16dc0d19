"""Challenges: ours, for one purpose, for five minutes."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.credentials import challenges
from app.credentials.challenges import NOBODY, Purpose
from tests.factories import an_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "a-secret-of-a-test-that-is-long-enough"


@pytest.fixture(autouse=True)
def _ring() -> None:
    crypto.install([SECRET])


class TestChallenge:
    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_is_read_back(self, purpose: Purpose) -> None:
        account_id = an_id()
        with time_machine.travel(NOW, tick=False):
            read = challenges.read(challenges.write(purpose, account_id, b"h" * 16))

        assert read is not None
        assert (read.purpose, read.account_id, read.user_handle) == (purpose, account_id, b"h" * 16)
        assert read.expires_at == NOW + timedelta(minutes=5)

    def test_is_another_each_time(self) -> None:
        first, second = (challenges.read(challenges.write(Purpose.ACTIVATE)) for _ in range(2))

        assert first is not None
        assert second is not None
        assert first.nonce != second.nonce
        assert first.user_handle != second.user_handle
        assert first.account_id == NOBODY

    @given(st.data())
    def test_is_none_once_touched(self, data: st.DataObject) -> None:
        challenge = bytearray(challenges.write(Purpose.SIGN_IN))
        challenge[data.draw(st.integers(0, len(challenge) - 1))] ^= 1 << data.draw(st.integers(0, 7))

        assert challenges.read(bytes(challenge)) is None

    @given(st.binary(max_size=200))
    def test_is_none_that_we_never_wrote(self, raw: bytes) -> None:
        assert challenges.read(raw) is None

    def test_is_honoured_while_its_secret_is_in_the_ring(self) -> None:
        challenge = challenges.write(Purpose.SIGN_IN)

        crypto.install(["a-new-secret-of-a-test-that-is-long", SECRET])
        assert challenges.read(challenge) is not None
        crypto.install(["a-new-secret-of-a-test-that-is-long"])
        assert challenges.read(challenge) is None
