"""The key ring: one secret in use, older ones honoured, and what rotation may never change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.core.crypto import KeyRing

OLD, NEW, OTHER = ("old-" + "o" * 40, "new-" + "n" * 40, "other-" + "x" * 40)


class TestRotation:
    def test_the_new_secret_seals_and_the_old_one_still_opens(self) -> None:
        before, during = KeyRing([OLD]), KeyRing([NEW, OLD])
        sealed_before, sealed_during = before.seal("note", "t.c"), during.seal("note", "t.c")

        assert during.open(sealed_before, "t.c") == "note"
        assert during.open(sealed_during, "t.c") == "note"
        assert KeyRing([NEW]).open(sealed_during, "t.c") == "note"

    def test_what_the_old_secret_sealed_is_lost_with_it(self) -> None:
        with pytest.raises(ValueError, match="not in the ring"):
            KeyRing([NEW]).open(KeyRing([OLD]).seal("note", "t.c"), "t.c")

    def test_signatures_of_both_are_honoured(self) -> None:
        signed_before = KeyRing([OLD]).sign(b"message", b"use")
        during = KeyRing([NEW, OLD])

        assert during.verify(signed_before, b"message", b"use")
        assert during.verify(during.sign(b"message", b"use"), b"message", b"use")
        assert during.sign(b"message", b"use") != signed_before
        assert not KeyRing([NEW]).verify(signed_before, b"message", b"use")

    def test_people_are_found_by_an_index_of_either(self) -> None:
        during = KeyRing([NEW, OLD])

        assert during.blind_index("sam@example.org") == KeyRing([NEW]).blind_index(" Sam@example.org")
        assert set(during.blind_indexes("sam@example.org").values()) == {
            KeyRing([secret]).blind_index("sam@example.org") for secret in (OLD, NEW)
        }

    def test_secrets_are_told_apart_by_their_ids(self) -> None:
        assert KeyRing([NEW, OLD, NEW]).ids == (KeyRing([NEW]).first_id, KeyRing([OLD]).first_id)

    def test_two_secrets_that_cannot_be_told_apart_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crypto, "KEY_ID_BYTES", 0)

        with pytest.raises(ValueError, match="choose another") as refused:
            KeyRing([NEW, OLD])

        assert NEW not in str(refused.value)

    def test_a_key_is_named_by_its_id(self) -> None:
        old, both = KeyRing([OLD]), KeyRing([NEW, OLD])

        assert both.sign_with(old.first_id, b"m", b"u") == old.sign(b"m", b"u")
        assert both.sign_with(both.first_id, b"m", b"u") == both.sign(b"m", b"u")
        assert old.sign_with(both.first_id, b"m", b"u") is None


class TestSigning:
    def test_a_signature_is_for_one_message_and_one_use(self) -> None:
        ring = KeyRing([OLD])
        signature = ring.sign(b"message", b"use")

        assert not ring.verify(signature, b"another", b"use")
        assert not ring.verify(signature, b"message", b"other")
        assert not KeyRing([OTHER]).verify(signature, b"message", b"use")

    def test_the_first_bytes_of_a_signature_are_enough(self) -> None:
        ring = KeyRing([OLD])

        assert ring.verify(ring.sign(b"message", b"use")[:12], b"message", b"use")


class TestSealing:
    @given(st.binary(max_size=80))
    def test_what_we_did_not_seal_is_refused(self, sealed: bytes) -> None:
        with pytest.raises(ValueError, match="sealed"):
            KeyRing([OLD]).open(sealed, "t.c")

    @given(st.data())
    def test_one_flipped_bit_is_noticed(self, data: st.DataObject) -> None:
        ring = KeyRing([OLD])
        sealed = bytearray(ring.seal("a note", "t.c"))
        position = data.draw(st.integers(0, len(sealed) - 1))
        sealed[position] ^= 1 << data.draw(st.integers(0, 7))

        with pytest.raises(ValueError, match="sealed"):
            ring.open(bytes(sealed), "t.c")


class TestKeys:
    def test_are_missing_until_they_are_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crypto, "_ring", None)

        with pytest.raises(RuntimeError, match="no key ring"):
            crypto.keys()
