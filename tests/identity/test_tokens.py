"""Tokens: signed by us, for one use, and worthless once touched."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.identity import tokens
from app.identity.tokens import Kind, Refresh, refresh_rule
from tests.factories import an_id

SECRET = "a-secret-of-a-test-that-is-long-enough"
EXPIRY = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _ring() -> None:
    crypto.install([SECRET])


class TestWrite:
    @given(st.uuids(), st.uuids(), st.integers(0, 2**32 - 1), st.sampled_from(Kind))
    def test_is_read_back(self, clinic_id: UUID, device_id: UUID, counter: int, kind: Kind) -> None:
        token = tokens.read(tokens.write(kind, clinic_id, device_id, counter, EXPIRY), kind)

        assert token == tokens.Token(kind, clinic_id, device_id, counter, EXPIRY)

    def test_is_the_same_text_each_time(self) -> None:
        device = an_id(), an_id()

        assert tokens.write(Kind.REFRESH, *device, 2, EXPIRY) == tokens.write(Kind.REFRESH, *device, 2, EXPIRY)
        assert tokens.write(Kind.REFRESH, *device, 2, EXPIRY) != tokens.write(Kind.REFRESH, *device, 3, EXPIRY)

    def test_can_be_recognised_by_a_scanner_of_secrets(self) -> None:
        text = tokens.write(Kind.ACCESS, an_id(), an_id(), 1, EXPIRY)
        raw = base64.urlsafe_b64decode(text.removeprefix("agl_at_"))

        assert text.startswith("agl_at_")
        assert len(text) == 91
        assert zlib.crc32(raw[:-4]) == int.from_bytes(raw[-4:])


class TestRead:
    @given(st.data())
    def test_refuses_what_was_touched(self, data: st.DataObject) -> None:
        text = tokens.write(Kind.ACCESS, an_id(), an_id(), 7, EXPIRY)
        raw = bytearray(base64.urlsafe_b64decode(text.removeprefix("agl_at_")))
        position = data.draw(st.integers(0, len(raw) - 5))
        raw[position] ^= 1 << data.draw(st.integers(0, 7))
        raw[-4:] = zlib.crc32(raw[:-4]).to_bytes(4)

        assert tokens.read("agl_at_" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), Kind.ACCESS) is None

    @given(
        st.one_of(
            st.text(),
            st.text().map(lambda text: "agl_at_" + text),
            st.binary().map(lambda raw: "agl_at_" + base64.urlsafe_b64encode(raw).decode()),
        )
    )
    def test_refuses_what_we_never_wrote(self, text: str) -> None:
        assert tokens.read(text, Kind.ACCESS) is None

    def test_takes_no_token_for_another_use(self) -> None:
        refresh = tokens.write(Kind.REFRESH, an_id(), an_id(), 1, EXPIRY)

        assert tokens.read(refresh, Kind.ACCESS) is None
        assert tokens.read(refresh.replace("agl_rt_", "agl_at_"), Kind.ACCESS) is None

    def test_honours_every_secret_of_the_ring_and_no_other(self) -> None:
        text = tokens.write(Kind.ACCESS, an_id(), an_id(), 1, EXPIRY)

        crypto.install(["a-new-secret-of-a-test-that-is-long", SECRET])
        assert tokens.read(text, Kind.ACCESS) is not None
        crypto.install(["a-new-secret-of-a-test-that-is-long"])
        assert tokens.read(text, Kind.ACCESS) is None

    def test_leaves_it_to_the_caller_whether_it_is_over(self) -> None:
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)

        token = tokens.read(tokens.write(Kind.ACCESS, an_id(), an_id(), 1, long_ago), Kind.ACCESS)

        assert token is not None
        assert token.expires_at == long_ago

    def test_refuses_a_version_that_it_does_not_know(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "VERSION", 3)
        text = tokens.write(Kind.ACCESS, an_id(), an_id(), 1, EXPIRY + timedelta(days=1))
        monkeypatch.undo()

        assert tokens.read(text, Kind.ACCESS) is None


class TestRefreshRule:
    @pytest.mark.parametrize(
        ("presented", "newest", "confirmed", "then"),
        [
            (1, 1, 0, Refresh.NEXT),
            (5, 5, 5, Refresh.NEXT),
            (4, 5, 4, Refresh.SAME_AGAIN),
            (4, 5, 0, Refresh.SAME_AGAIN),
            (4, 5, 5, Refresh.REUSED),
            (3, 5, 4, Refresh.REUSED),
            (6, 5, 5, Refresh.REUSED),
            (0, 5, 0, Refresh.REUSED),
        ],
    )
    def test_is_that_of_the_confirmed_successor(
        self, presented: int, newest: int, confirmed: int, then: Refresh
    ) -> None:
        assert refresh_rule(presented, newest, confirmed) is then
