"""Checkpoints: signed so that anybody can check them, and read back from wherever they were kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.audit import checkpoints
from app.audit.checkpoints import Checkpoint, UnreadableError
from app.core import crypto
from app.core.settings import SAMPLE_SECRET, Settings

AT = datetime(2026, 11, 22, 17, 30, 12, 345678, tzinfo=UTC)
DIGEST = bytes(range(32))


@pytest.fixture
def signed(settings: Settings) -> Checkpoint:
    return checkpoints.sign(4711, DIGEST, AT)


class TestSign:
    def test_can_be_checked_by_anybody_with_what_stands_in_it(self, signed: Checkpoint) -> None:
        told = signed.as_json()

        text = f"afterglow audit checkpoint {told['seq']} {told['hash']} {told['at']}"
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public_key"]))
        key.verify(bytes.fromhex(told["signature"]), text.encode())
        assert told["at"] == "2026-11-22T17:30:12.345Z"

    def test_the_same_secret_has_the_same_key_in_every_process(self, signed: Checkpoint) -> None:
        crypto.install([SAMPLE_SECRET])

        assert checkpoints.public_key() == signed.public_key

    @pytest.mark.parametrize(
        "change",
        [
            {"seq": 4712},
            {"hash": bytes(32)},
            {"at": datetime(2026, 1, 1, tzinfo=UTC)},
            {"signature": bytes(64)},
            {"public_key": b"short"},
            {"public_key": Ed25519PrivateKey.generate().public_key().public_bytes_raw()},
        ],
    )
    def test_any_change_breaks_it(self, signed: Checkpoint, change: dict[str, object]) -> None:
        assert signed.is_signed()
        changed = replace(signed, **change)  # type: ignore[arg-type]  # one field or another
        assert (changed.is_signed(), changed.is_ours()) == (False, False)

    def test_whose_it_is_depends_on_the_ring(self, signed: Checkpoint) -> None:
        before = signed.is_ours()
        crypto.install(["n" * 40, SAMPLE_SECRET])
        during = signed.is_ours()
        crypto.install(["n" * 40])

        assert (before, during, signed.is_ours()) == (True, True, False)
        assert signed.is_signed()


class TestReadFile:
    @pytest.mark.parametrize(
        "text",
        [
            "{0}",
            '{{"intact": true, "checkpoint": {0}, "findings": []}}',
            '{{"level": "info", "event": "started"}}\n{0}\nnot JSON, but "signature"\n',
            "[{0}]",
        ],
        ids=["alone", "in an answer", "in a log", "in a list"],
    )
    def test_finds_it_wherever_it_was_kept(self, signed: Checkpoint, tmp_path: Path, text: str) -> None:
        file = tmp_path / "kept"
        file.write_text(text.format(json.dumps(signed.as_json() | {"event": "audit_checkpoint"})), encoding="utf-8")

        (found,) = checkpoints.read_file(file)

        assert found.is_signed()
        assert (found.seq, found.hash) == (4711, DIGEST)

    @pytest.mark.parametrize("text", ["", "{}", '{"intact": true, "checkpoint": null}', "12\n13"])
    def test_says_when_there_is_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "kept").write_text(text, encoding="utf-8")

        with pytest.raises(UnreadableError, match="no checkpoint"):
            checkpoints.read_file(tmp_path / "kept")

    @pytest.mark.parametrize("change", [{"hash": "xyz"}, {"seq": None}, {"at": "yesterday"}, {"signature": 7}])
    def test_says_when_one_is_damaged(self, signed: Checkpoint, tmp_path: Path, change: dict[str, object]) -> None:
        (tmp_path / "kept").write_text(json.dumps(signed.as_json() | change), encoding="utf-8")

        with pytest.raises(UnreadableError, match="damaged"):
            checkpoints.read_file(tmp_path / "kept")
