"""Keeping labels apart: boxes, rows, and places that are free."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def meets(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Whether the other lies wholly inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


def first_free(candidates: Iterable[Box], taken: Sequence[Box], within: Box) -> Box | None:
    """The first candidate that lies inside and meets nothing, or None."""
    for box in candidates:
        if within.holds(box) and not any(box.meets(other) for other in taken):
            return box
    return None


def merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans from left to right; those that overlap become one, and empty ones are left out."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def in_rows(spans: Sequence[tuple[float, float]], rows: int, gap: float) -> list[int | None]:
    """A row for each span (from left to right), the lowest one free; None where all rows are taken there."""
    reach = [float("-inf")] * rows
    chosen: list[int | None] = []
    for start, end in spans:
        row = next((index for index in range(rows) if start >= reach[index] + gap), None)
        if row is not None:
            reach[row] = end
        chosen.append(row)
    return chosen


def fan(wanted: Sequence[float], sizes: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Centres (rising) as near the wanted ones as can be, without touching, between the ends if there is room.

    Neighbours that touch become one block, which stands where its members want it on average.
    """
    blocks: list[_Block] = []
    for index, (centre, size) in enumerate(zip(wanted, sizes, strict=True)):
        block = _Block([index], [0.0], [centre - size / 2], size)
        block.settle(low, high)
        while blocks and blocks[-1].start + blocks[-1].size + gap > block.start:
            block = blocks.pop().joined(block, gap)
            block.settle(low, high)
        blocks.append(block)
    found = {
        index: block.start + offset
        for block in blocks
        for index, offset in zip(block.members, block.offsets, strict=True)
    }
    return [found[index] + size / 2 for index, size in enumerate(sizes)]


@dataclass(slots=True)
class _Block:
    """Labels in a row: who they are, how far each is from the first, where each wants the block, and its extent."""

    members: list[int]
    offsets: list[float]
    wishes: list[float]
    size: float
    start: float = 0

    def settle(self, low: float, high: float) -> None:
        self.start = max(low, min(sum(self.wishes) / len(self.wishes), high - self.size))

    def joined(self, other: "_Block", gap: float) -> "_Block":
        shift = self.size + gap
        return _Block(
            self.members + other.members,
            self.offsets + [offset + shift for offset in other.offsets],
            self.wishes + [wish - shift for wish in other.wishes],
            shift + other.size,
        )


def along(corners: Sequence[tuple[float, float]], reach: float) -> list[Box]:
    """Small boxes that cover a line, so that a label can keep off it."""
    boxes = [Box(x - reach, y - reach, x + reach, y + reach) for x, y in corners]
    for (x0, y0), (x1, y1) in pairwise(corners):
        steps = ceil(max(abs(x1 - x0), abs(y1 - y0)) / (2 * reach))
        for step in range(1, steps):
            x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
            boxes.append(Box(x - reach, y - reach, x + reach, y + reach))
    return boxes
