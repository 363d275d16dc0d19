"""Reading a drawing back: its elements, where they reach, and where its words stand."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from app.charts.labels import Box
from app.charts.svg import width_of

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
ASCENT, DESCENT = 0.75, 0.22


@dataclass(frozen=True)
class Words:
    """A text as drawn, and roughly where."""

    text: str
    size: float
    box: Box
    turned: bool


class Drawing:
    """An SVG document, parsed; refuses what is not well-formed."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)  # noqa: S314  our own drawing
        _, _, width, height = (float(part) for part in self.root.attrib["viewBox"].split())
        self.view = Box(0, 0, width, height)

    def all(self, tag: str, class_: str | None = None) -> list[ET.Element]:
        """Elements of a kind, in the order of drawing."""
        found = self.root.iter(SVG + tag)
        return [element for element in found if class_ is None or element.get("class") == class_]

    @property
    def words(self) -> list[Words]:
        """Every text that is drawn."""
        found = []
        for element in self.all("text"):
            text, size = element.text or "", float(element.attrib["font-size"])
            width = width_of(text, size, bold=element.get("font-weight") == "600")
            x, y = float(element.attrib["x"]), float(element.attrib["y"])
            left = {"middle": x - width / 2, "end": x - width}.get(element.get("text-anchor", ""), x)
            box = Box(left, y - ASCENT * size, left + width, y + DESCENT * size)
            turned = element.get("transform") is not None
            if turned:
                box = Box(x - ASCENT * size, y - width / 2, x + DESCENT * size, y + width / 2)
            found.append(Words(text, size, box, turned))
        return found

    @property
    def text(self) -> str:
        """All words that are drawn, one after the other."""
        return " | ".join(words.text for words in self.words)

    def corners(self) -> list[tuple[float, float]]:
        """The corners of every shape."""
        found: list[tuple[float, float]] = []
        for element in self.all("path"):
            numbers = [float(number) for number in NUMBERS.findall(element.attrib["d"])]
            found += zip(numbers[::2], numbers[1::2], strict=True)
        for element in self.all("rect"):
            x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
            assert min(width, height) >= 0
            found += [(x, y), (x + width, y + height)]
        for element in self.all("circle"):
            x, y, radius = (float(element.attrib[key]) for key in ("cx", "cy", "r"))
            found += [(x - radius, y - radius), (x + radius, y + radius)]
        for element in self.all("line"):
            x0, y0, x1, y1 = (float(element.attrib[key]) for key in ("x1", "y1", "x2", "y2"))
            found += [(x0, y0), (x1, y1)]
        return found

    def outside(self) -> list[object]:
        """Whatever does not lie inside the view."""
        view = self.view
        shapes: list[object] = [
            at for at in self.corners() if not (view.left <= at[0] <= view.right and view.top <= at[1] <= view.bottom)
        ]
        return shapes + [words for words in self.words if not view.holds(words.box)]

    def overlapping(self) -> list[tuple[str, str]]:
        """Pairs of words that lie on one another."""
        words = self.words
        return [
            (one.text, other.text)
            for index, one in enumerate(words)
            for other in words[index + 1 :]
            if one.box.meets(other.box)
        ]
