"""The axis of time since a dose, which the charts around doses share."""

from dataclasses import dataclass

from app.charts.frame import SMALL
from app.charts.labels import Box
from app.charts.svg import line, text, triangle, width_of
from app.charts.theme import Theme
from app.charts.words import Words

_BEFORE_SHARE = 0.2
_STRETCH = 0.4
_TICKS = (0, 1440, 10080, 4320, -4320, 240, 60, 20160, -1440, 40320, -10080, 720, -240)


@dataclass(frozen=True, slots=True)
class SinceDose:
    """Minutes since a dose to pixels: hours near the dose are drawn wide, days far from it narrow.

    Distance from the dose grows with the 0.4th power of time, so that 40 minutes and 14 days are legible on one
    axis; the time before the dose has a fifth of the width.
    """

    before: float
    after: float
    left: float
    right: float

    def __call__(self, minutes: float) -> float:
        """The x of a time; times outside are drawn at the edge."""
        side, reach = (self.right - self.zero, self.after) if minutes >= 0 else (self.left - self.zero, self.before)
        share: float = (min(abs(minutes), reach) / reach) ** _STRETCH if reach else 0
        return self.zero + side * share

    @property
    def zero(self) -> float:
        """Where the dose is."""
        return self.left + (self.right - self.left) * (_BEFORE_SHARE if self.before else 0)


def draw_dose(x: SinceDose, plot: Box, bottom: float, words: Words, theme: Theme) -> str:
    """The dose above the plot, and a fine line down from it as far as `bottom`."""
    zero = x.zero
    return "".join(
        (
            line((zero, plot.top - 3), (zero, bottom), theme.dose, stroke_opacity=0.5, stroke_dasharray="2 3"),
            triangle((zero, plot.top - 3), 11, 9, fill=theme.dose, class_="dose"),
            text(words.say.dose, (zero, plot.top - 16), fill=theme.dose, anchor="middle", bold=True),
        )
    )


def draw_times(x: SinceDose, foot: float, width: float, words: Words, theme: Theme) -> str:
    """The times below the plot, the most telling first, as many as stand apart; `foot` is where the ticks begin."""
    parts: list[str] = []
    taken: list[Box] = []
    for minutes in _TICKS:
        if not -x.before <= minutes <= x.after:
            continue
        at, label = x(minutes), words.since(minutes)
        half = width_of(label, SMALL) / 2 + 4
        box = Box(at - half, 0, at + half, 1)
        if any(box.meets(other) for other in taken) or not 0 <= box.left <= box.right <= width:
            continue
        taken.append(box)
        parts.append(line((at, foot), (at, foot + 4), theme.axis))
        parts.append(text(label, (at, foot + 18), fill=theme.muted, size=SMALL, anchor="middle"))
    return "".join(parts)
