"""The secrets of clients."""

import base64
import hashlib
import re
import zlib

from app.api_clients import secrets


class TestSecrets:
    def test_are_recognised_by_prefix_and_checksum(self) -> None:
        secret = secrets.make()

        assert re.fullmatch(r"agl_cs_[A-Za-z0-9_-]{48}", secret)
        raw = base64.urlsafe_b64decode(secret.removeprefix("agl_cs_"))
        assert zlib.crc32(raw[:32]).to_bytes(4) == raw[32:]

    def test_are_never_the_same(self) -> None:
        assert len({secrets.make() for _ in range(1000)}) == 1000

    def test_are_kept_as_a_hash(self) -> None:
        assert secrets.digest("agl_cs_x") == hashlib.sha256(b"agl_cs_x").digest()
