"""A small vocabulary for drawing: escaped elements, scales, shapes, and how wide a text will be.

Only presentation attributes are written, never `<style>`, `style=`, scripts, links or references to other files, so the
result is safe under a strict content security policy, inline or as an image.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape as _escape
from math import cos, pi, sin
from unicodedata import combining, east_asian_width

Attribute = str | float | None
XY = tuple[float, float]

# First the font of the PNGs, then what phones and desktops have. No web font: nothing is fetched.
FONTS = "'Source Sans Pro', 'Source Sans 3', -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

# What XML 1.0 forbids, and the characters that turn the writing direction of what follows.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"
    "\\ud800-\\udfff\\ufffe\\uffff]"
)

# Advance widths in em, a little more than those of the fonts above: a label may turn out shorter than its box.
_WIDTHS = {
    **dict.fromkeys(" .,:;!'|ijl·", 0.27),
    **dict.fromkeys('ftr()[]{}/\\I-"`*°', 0.36),
    **dict.fromkeys("cszvxykJ^", 0.52),
    **dict.fromkeys("ABEFLPSTXYZ?", 0.63),
    **dict.fromkeys("CDGHKNOQRUVw&", 0.72),
    **dict.fromkeys("mMW%@—…", 0.9),
}
_USUAL_WIDTH = 0.56
_WIDE = 1.05
_BOLDER = 1.06
_HATCH = 6


_PLAIN = re.compile(r"[\w.,:;#()%+*/=-]*", re.ASCII)


def clean(words: str) -> str:
    """Words on one line, without characters that XML forbids or that turn the writing direction."""
    return " ".join(_UNPRINTABLE.sub("", words).split())


def escape(words: str) -> str:
    """Words made safe for text and for attributes."""
    return words if _PLAIN.fullmatch(words) else _escape(clean(words), quote=True)


def number(value: float) -> str:
    """A coordinate with one decimal at most, written the same on every machine."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def element(name: str, *children: str, **attributes: Attribute) -> str:
    """One element; `stroke_width=` becomes `stroke-width`, None leaves an attribute out, children are already SVG."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


@dataclass(frozen=True, slots=True)
class Linear:
    """A straight scale: `domain` onto `pixels`; values outside are drawn at the edge, never beyond it."""

    domain: tuple[float, float]
    pixels: tuple[float, float]

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.domain
        share = (min(max(value, low), high) - low) / (high - low)
        start, end = self.pixels
        return start + share * (end - start)


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """Roughly how many pixels wide a text is, rather too many than too few."""
    em = sum(_WIDTHS.get(letter) or _other_width(letter) for letter in words)
    return em * size * (_BOLDER if bold else 1)


def _other_width(letter: str) -> float:
    if combining(letter):
        return 0
    return _WIDE if east_asian_width(letter) in "WF" or ord(letter) > 0x2FFF else _USUAL_WIDTH  # noqa: PLR2004


def shorten(words: str, size: float, width: float, *, bold: bool = False) -> str:
    """The words, or as many letters of them as fit, with an ellipsis."""
    words = clean(words)
    if width_of(words, size, bold=bold) <= width:
        return words
    room = width - width_of("…", size, bold=bold)
    for index, letter in enumerate(words):
        room -= width_of(letter, size, bold=bold)
        if room < 0:
            return words[:index].rstrip() + "…"
    return words


def wrap(parts: Iterable[str], size: float, width: float, between: str = " ") -> list[str]:
    """Lines made of whole parts where they fit; a part wider than a line is shortened."""
    lines: list[str] = []
    for part in (shorten(part, size, width) for part in parts if clean(part)):
        if lines and width_of(lines[-1] + between + part, size) <= width:
            lines[-1] += between + part
        else:
            lines.append(part)
    return lines


def text(
    words: str,
    at: XY,
    *,
    fill: str,
    size: float = 12,
    anchor: str | None = None,
    bold: bool = False,
    halo: str | None = None,
    **more: Attribute,
) -> str:
    """A line of text on its baseline; `halo` draws a rim in the background's colour, so that lines do not cut it."""
    rim: dict[str, Attribute] = {}
    if halo:
        rim = {"stroke": halo, "stroke_width": 3, "stroke_linejoin": "round", "paint_order": "stroke"}
    return element(
        "text",
        escape(words),
        x=at[0],
        y=at[1],
        font_size=size,
        font_weight="600" if bold else None,
        text_anchor=anchor,
        fill=fill,
        **rim,
        **more,
    )


def line(start: XY, end: XY, stroke: str, **more: Attribute) -> str:
    """A straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], stroke=stroke, **more)


def rectangle(start: XY, end: XY, **more: Attribute) -> str:
    """A rectangle between two corners."""
    return element("rect", x=start[0], y=start[1], width=end[0] - start[0], height=end[1] - start[1], **more)


def circle(at: XY, radius: float, *children: str, **more: Attribute) -> str:
    """A dot."""
    return element("circle", *children, cx=at[0], cy=at[1], r=radius, **more)


def _steps(corners: Sequence[XY]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners)


def path(corners: Sequence[XY], **more: Attribute) -> str:
    """One unbroken line through the corners, not filled."""
    return element("path", d=_steps(corners), fill="none", **more)


def area(corners: Sequence[XY], *children: str, **more: Attribute) -> str:
    """A filled polygon."""
    return element("path", *children, d=_steps(corners) + "Z", **more)


def band(upper: Sequence[XY], lower: Sequence[XY], **more: Attribute) -> str:
    """The area between two lines that run over the same x."""
    return area([*upper, *reversed(lower)], **more)


def triangle(tip: XY, width: float, height: float, *children: str, **more: Attribute) -> str:
    """A triangle that stands on its tip."""
    x, y = tip
    return area([(x, y), (x - width / 2, y - height), (x + width / 2, y - height)], *children, **more)


def corners_of(at: XY, radius: float, corners: int, turn: float = 0) -> list[XY]:
    """The corners of a regular polygon around a centre; `turn` in parts of a full turn, 0 has a corner on top."""
    angles = [2 * pi * (turn + corner / corners) for corner in range(corners)]
    return [(at[0] + radius * sin(angle), at[1] - radius * cos(angle)) for angle in angles]


def hatch(start: XY, end: XY, spacing: float) -> list[tuple[XY, XY]]:
    """Diagonal strokes that fill a rectangle; no pattern with an id, which would clash between two charts of a page."""
    (left, top), (right, bottom) = start, end
    strokes: list[tuple[XY, XY]] = []
    offset = left - (bottom - top) + spacing
    while offset < right:
        begin, stop = max(offset, left), min(offset + bottom - top, right)
        if begin < stop:
            strokes.append(((begin, bottom - (begin - offset)), (stop, bottom - (stop - offset))))
        offset += spacing
    return strokes


def hatched(start: XY, end: XY, **more: Attribute) -> str:
    """A rectangle filled with diagonal strokes."""
    steps = "".join(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" for (x0, y0), (x1, y1) in hatch(start, end, _HATCH))
    return element("path", d=steps, fill="none", **more)
