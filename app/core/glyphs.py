"""Which letters the typeface of the PDF has, read from the font itself, and what becomes of all others.

A missing letter would be drawn as nothing, or refuse to be drawn. It is shown as a white square instead, and the
document says what that means.
"""

import struct
import unicodedata
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

FONT_PACKAGE: Final = "font_source_sans_pro"
FAMILY: Final = "Source Sans Pro"
WEIGHTS: Final = ("Regular", "Semibold")
SQUARE: Final = "\u2610"
LONGEST: Final = 24
"""Letters without a space after which a line may break anywhere."""
_BREAK: Final = "\u200b"
_SEGMENTS, _GROUPS = 4, 12
"""The two formats of a character map that fonts of today have."""


@lru_cache(maxsize=1)
def font_files() -> tuple[Path, ...]:
    """The files of the weights that the document uses."""
    return tuple(Path(str(files(FONT_PACKAGE) / "files" / f"SourceSansPro-{weight}.ttf")) for weight in WEIGHTS)


@lru_cache(maxsize=1)
def drawable() -> frozenset[int]:
    """The code points that every weight has."""
    return frozenset.intersection(*(_code_points(path.read_bytes()) for path in font_files()))


def fit(words: str) -> str:
    """The words in letters that can be drawn, with a square for each run of others."""
    if words.isascii() and words.isprintable() and len(words) <= LONGEST:
        return words
    written: list[str] = []
    for letter in unicodedata.normalize("NFC", words):
        drawn = _fit(letter)
        if drawn == SQUARE and written and written[-1] == SQUARE:
            continue
        if drawn:
            written.append(drawn)
    return _breakable("".join(written))


def _fit(letter: str) -> str:
    if letter == "\n" or (ord(letter) in drawable() and letter.isprintable()):
        return letter
    category = unicodedata.category(letter)
    if category == "Zs" or letter == "\t":
        return " "
    invisible = category == "Cf" or letter == "\r" or 0xFE00 <= ord(letter) <= 0xFE0F  # noqa: PLR2004  variation selectors
    return "" if invisible else SQUARE


def _breakable(words: str) -> str:
    """The same, with places to break where a word is longer than a narrow column."""
    if not any(len(word) > LONGEST for word in words.split()):
        return words
    lines = (_BREAK.join(word[at : at + LONGEST] for at in range(0, len(word), LONGEST)) for word in words.split(" "))
    return " ".join(lines)


def _code_points(font: bytes) -> frozenset[int]:
    """Every code point that the font maps to a glyph (OpenType, table `cmap`)."""
    tables = struct.unpack_from(">H", font, 4)[0]
    records = (struct.unpack_from(">4sLLL", font, 12 + 16 * n) for n in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    maps = struct.unpack_from(">H", font, start + 2)[0]
    found: set[int] = set()
    for n in range(maps):
        at = start + struct.unpack_from(">HHL", font, start + 4 + 8 * n)[2]
        kind = struct.unpack_from(">H", font, at)[0]
        if kind == _SEGMENTS:
            found |= _segments(font, at)
        elif kind == _GROUPS:
            groups = struct.unpack_from(">L", font, at + 12)[0]
            for first, last, _ in struct.iter_unpack(">LLL", font[at + 16 : at + 16 + 12 * groups]):
                found |= set(range(first, last + 1))
    return frozenset(found)


def _segments(font: bytes, at: int) -> set[int]:
    twice = struct.unpack_from(">H", font, at + 6)[0]
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts = struct.unpack_from(f">{count}H", font, at + 16 + twice)
    return {code for first, last in zip(starts, ends, strict=True) for code in range(first, last + 1) if code != 0xFFFF}  # noqa: PLR2004  the end mark
