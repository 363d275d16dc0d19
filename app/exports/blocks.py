"""What the readable copies are made of, before anything is HTML or PDF: plain words in sections, facts and tables."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Words under a short heading of their own, such as an instrument and what was answered to it."""

    title: str
    text: str


Cell = str | tuple[Answer, ...]
"""One field of a table: words (which may have lines), or several headed ones."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One or more sentences. A `quiet` one is beside the point."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one below the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head. `widths` are shares of the line; 0 takes no more than it needs. `numbers` stand to the right.

    `name` is what a screen reader calls it.
    """

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with what a screen reader says of it."""

    svg: str
    spoken: str


Block = Paragraph | Facts | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it. Level 2 divides the copy, level 3 a section of it."""

    title: str
    blocks: tuple[Block, ...] = ()
    level: int = 2
    key: str = ""
    """Name of a section that the table of contents points to."""
