"""What both charts share: the document, the heading, the y axis, the legend and the notes below."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from app.charts.labels import Box
from app.charts.pictures import Measure, Size
from app.charts.svg import (
    FONTS,
    XY,
    Linear,
    area,
    clean,
    element,
    escape,
    line,
    path,
    rectangle,
    shorten,
    text,
    width_of,
    wrap,
)
from app.charts.theme import Theme
from app.charts.words import Words

PAD = 16
TITLE = 17
SMALL = 12
LINE = 16
LEGEND_LINE = 18
DATES = 23
LEAST_PLOT = 84
_ITEM_GAP = 14
_TICK_SPACE = 22
_MOST_TICKS = 6
_BETTER = 18
_KEPT_NOTES = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the legend: its words, its symbol drawn around a centre, and how wide the symbol is."""

    label: str
    symbol: Callable[[XY], str]
    width: float = 18


@dataclass(frozen=True, slots=True)
class Below:
    """What stands below the plot: rows of legend entries with their x, and lines of notes."""

    legend: list[list[tuple[float, Entry]]]
    notes: list[str]

    @property
    def height(self) -> float:
        """How much room it takes."""
        legend, notes = len(self.legend) * LEGEND_LINE, len(self.notes) * LINE
        return (legend + 4 if legend else 0) + (notes + 2 if notes else 0)


def document(size: Size, theme: Theme, title: str, description: str, *, language: str, parts: Iterable[str]) -> str:
    """The SVG document, with a name and a summary for people who hear it instead of seeing it."""
    title, description = clean(title), clean(description)
    key = f"{crc32((title + description).encode()):08x}"
    return element(
        "svg",
        element("title", escape(title), id=f"t{key}"),
        element("desc", escape(description), id=f"d{key}"),
        rectangle((0, 0), (size.width, size.height), fill=theme.background),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        width=size.width,
        height=size.height,
        viewBox=f"0 0 {size.width} {size.height}",
        lang=language,
        role="img",
        aria_labelledby=f"t{key}",
        aria_describedby=f"d{key}",
        font_family=FONTS,
    )


def heading(title: str, details: Sequence[str], size: Size, theme: Theme) -> tuple[str, float]:
    """The title and the lines below it, and where they end."""
    room = size.width - 2 * PAD
    shown = shorten(title, TITLE, room, bold=True)
    parts = [text(shown, (PAD, PAD + 14), fill=theme.ink, size=TITLE, bold=True)]
    y = PAD + 14.0
    for words in wrap(details, SMALL, room, " · "):
        y += LINE + 2
        parts.append(text(words, (PAD, y), fill=theme.muted, size=SMALL))
    return "".join(parts), y + 6


def below(entries: Sequence[Entry], notes: Sequence[str], size: Size, room: float) -> Below:
    """Legend and notes broken into lines.

    Where the plot would become too low, long notes give way first, then the legend from its end, then the notes.
    """
    width = size.width - 2 * PAD
    rows: list[list[tuple[float, Entry]]] = []
    x = 0.0
    for entry in entries:
        needed = entry.width + 6 + width_of(entry.label, SMALL)
        if not rows or x + needed > width:
            rows.append([])
            x = 0.0
        rows[-1].append((PAD + x, entry))
        x += needed + _ITEM_GAP
    lines = [part for note in notes for part in wrap(clean(note).split(), SMALL, width)]
    found, whole = Below(rows, lines), len(lines)
    while found.height > room and (rows or lines):
        (rows if rows and len(lines) <= _KEPT_NOTES else lines).pop()
    if lines and len(lines) < whole:
        lines[-1] = shorten(lines[-1], SMALL, width - width_of("…", SMALL)).removesuffix("…") + "…"
    return found


def draw_below(found: Below, top: float, size: Size, theme: Theme) -> str:
    """The legend and the notes."""
    parts: list[str] = []
    y = top + 4
    for row in found.legend:
        for x, entry in row:
            label = shorten(entry.label, SMALL, size.width - PAD - x - entry.width - 6)
            parts.append(entry.symbol((x + entry.width / 2, y + LEGEND_LINE / 2)))
            parts.append(text(label, (x + entry.width + 6, y + LEGEND_LINE / 2 + 4), fill=theme.muted, size=SMALL))
        y += LEGEND_LINE
    y += 2 if found.legend else 0
    for note in found.notes:
        y += LINE
        parts.append(text(note, (PAD, y - 4), fill=theme.muted, size=SMALL))
    return "".join(parts)


def span(measure: Measure, values: Iterable[float]) -> tuple[float, float]:
    """The whole scale; it only ever grows, for a value that lies outside of it."""
    known = [measure.low, measure.high, *values]
    return min(known), max(known)


def scale_values(low: float, high: float, height: float) -> list[float]:
    """Where the grid lines are: equal steps from one end of the scale to the other, round ones if there are any."""
    most = max(1, min(_MOST_TICKS, int(height / _TICK_SPACE)))
    counts = [count for count in range(1, most + 1) if _whole((high - low) / count)] or [1]
    count = max(counts, key=lambda count: (count > 1 and _round((high - low) / count), count))
    return [low + (high - low) * index / count for index in range(count + 1)]


def _whole(step: float) -> bool:
    return abs(step - round(step)) < 1e-9  # noqa: PLR2004


def _round(step: float) -> bool:
    digits = f"{step:.0f}".rstrip("0")
    return digits in {"1", "2", "5", "25"}


def axis_room(measure: Measure, span: tuple[float, float], words: Words) -> float:
    """How far from the left edge the plot begins: direction, numbers, and a little air."""
    numbers = max(width_of(words.number(end), SMALL) for end in span)
    return PAD + (_BETTER if measure.higher_is != "neutral" else 0) + numbers + 8


def draw_scale(measure: Measure, y: Linear, plot: Box, theme: Theme, words: Words) -> str:
    """Grid lines with their values, and an arrow that points to the better end."""
    arrow = "" if measure.higher_is == "neutral" else _better(plot, theme, words, up=measure.higher_is == "better")
    return draw_grid(y, plot, theme, words) + arrow


def draw_grid(y: Linear, plot: Box, theme: Theme, words: Words) -> str:
    """Grid lines with their values."""
    parts: list[str] = []
    low, high = y.domain
    for value in scale_values(low, high, plot.height):
        height = y(value)
        edge = value == low
        parts.append(line((plot.left, height), (plot.right, height), theme.axis if edge else theme.grid))
        parts.append(text(words.number(value), (plot.left - 8, height + 4), fill=theme.muted, anchor="end"))
    return "".join(parts)


def _better(plot: Box, theme: Theme, words: Words, *, up: bool) -> str:
    x = PAD + 4.0
    length = width_of(words.say.better, SMALL)
    tip, tail = (plot.top, plot.top + 24) if up else (plot.bottom, plot.bottom - 24)
    wing = 5 if up else -5
    middle = tail + (length / 2 + 6) * (1 if up else -1)
    return "".join(
        (
            path([(x, tail), (x, tip + wing)], stroke=theme.muted, stroke_width=1.2),
            area([(x, tip), (x - 3.5, tip + wing * 1.4), (x + 3.5, tip + wing * 1.4)], fill=theme.muted),
            text(
                words.say.better,
                (x + 4, middle),
                fill=theme.muted,
                anchor="middle",
                transform=f"rotate(-90 {x + 4:.1f} {middle:.1f})",
            ),
        )
    )


def notice(words: str, plot: Box, theme: Theme) -> str:
    """A sentence in the middle of an empty plot."""
    shown = shorten(words, 15, plot.width - 8, bold=True)
    at = ((plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2 + 5)
    return text(shown, at, fill=theme.muted, size=15, anchor="middle", bold=True, halo=theme.background)
