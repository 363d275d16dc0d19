import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exports.packing import Packed, _takes_gzip


@given(st.lists(st.text() | st.binary(max_size=200_000), max_size=5))
def test_what_was_written_comes_out_again(parts: list[str | bytes]) -> None:
    made, whole = Packed(), b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    for part in parts:
        made.write(part)
    made.close()

    packed = b"".join(made.packed())
    assert zlib.decompress(packed, 31) == b"".join(made.unpacked()) == whole
    assert (made.length, made.packed_length) == (len(whole), len(packed))


def test_nothing_comes_out_in_pieces_that_are_too_large() -> None:
    made = Packed()
    made.write(b"x" * 1_000_000)
    made.close()

    assert max(map(len, made.unpacked())) <= 64 * 1024


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP ; q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q = 0.0", False),
        ("identity", False),
        ("", False),
        ("x-gzip-not", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(accepted: str, *, takes: bool) -> None:
    assert _takes_gzip(accepted) is takes
