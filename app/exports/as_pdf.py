"""The copy to print or hand over: tagged for screen readers (PDF/UA-1), with text that can be selected.

All that is printed goes to the template as data, never as markup, so nothing that somebody wrote can be taken for a
command.
"""

import json
from importlib.resources import files
from typing import Any, Final

from app.core.glyphs import FAMILY, SQUARE, fit
from app.core.printing import typeset
from app.exports import schemas, words
from app.exports.blocks import Block, Cell, Chart, Facts, Paragraph, Section, Table
from app.exports.readable import Cover, Readable
from app.exports.service import Reader

MOST_CHECK_INS: Final = 1000
"""Check-ins that are printed one by one: a year of three a day, about 100 pages."""
MOST_ROWS: Final = 1000
"""Rows of any other table."""


async def write(reader: Reader, head: schemas.RecordWithoutAnswers) -> bytes:
    """Write the record."""
    readable = await Readable.of(reader, head)
    sheet = _Sheet()
    sections = [sheet.section(section) async for section in readable.sections(MOST_CHECK_INS)]
    return await typeset(sheet.charts | {"main.typ": template(), "data.json": data_of(readable.cover, sections)})


def template() -> str:
    """What the document looks like."""
    return files("app.exports").joinpath("data/record.typ").read_text(encoding="utf-8")


def data_of(cover: Cover, sections: list[dict[str, Any]]) -> str:
    """What the document says, as the template reads it."""
    said: dict[str, Any] = {
        "family": FAMILY,
        "title": fit(cover.title),
        "name": fit(cover.name),
        "clinic": fit(cover.clinic),
        "made": fit(cover.made),
        "notice": fit(cover.notice),
        "facts": [[fit(name), fit(value)] for name, value in cover.facts],
        "sections": sections,
    }
    squares = SQUARE in json.dumps(said, ensure_ascii=False)
    return json.dumps(said | {"squares": words.UNPRINTABLE if squares else None}, ensure_ascii=False)


class _Sheet:
    """Sections as the template takes them, and the charts that they name."""

    def __init__(self) -> None:
        self.charts: dict[str, str] = {}

    def section(self, section: Section) -> dict[str, Any]:
        """One section."""
        blocks = [part for block in section.blocks for part in self._block(block)]
        return {"level": section.level, "title": fit(section.title), "blocks": blocks}

    def _block(self, block: Block) -> list[dict[str, Any]]:
        match block:
            case Paragraph(text, quiet):
                return [{"kind": "paragraph", "text": fit(text), "quiet": quiet}]
            case Facts(rows):
                return [{"kind": "facts", "rows": [[fit(name), fit(value)] for name, value in rows]}]
            case Chart(svg, spoken):
                name = f"chart-{len(self.charts) + 1}.svg"
                self.charts[name] = svg
                return [{"kind": "chart", "file": name, "spoken": fit(spoken)}]
            case Table():
                return [*self._cut(block), self._table(block)]

    def _cut(self, table: Table) -> list[dict[str, Any]]:
        if len(table.rows) <= MOST_ROWS:
            return []
        said = f"The first {MOST_ROWS} of {len(table.rows)} rows. The HTML copy holds all of them."
        return [{"kind": "paragraph", "text": said, "quiet": True}]

    def _table(self, table: Table) -> dict[str, Any]:
        return {
            "kind": "table",
            "name": fit(table.name),
            "head": [fit(title) for title in table.head],
            "widths": list(table.widths),
            "numbers": sorted(table.numbers),
            "rows": [[_cell(cell) for cell in row] for row in table.rows[:MOST_ROWS]],
        }


def _cell(cell: Cell) -> str | list[list[str]]:
    return fit(cell) if isinstance(cell, str) else [[fit(answer.title), fit(answer.text)] for answer in cell]
