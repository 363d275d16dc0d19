"""The copy to read on a screen: one page that needs nothing else, safe to open years later from a disk.

It has no script. Its only style is one that the policy names by its hash, and the policy stands in the page as well,
since a saved file has no headers. Whatever somebody wrote is escaped, and kept from turning the writing direction of
what stands beside it.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final

from app.exports import schemas
from app.exports.blocks import Block, Cell, Chart, Facts, Paragraph, Section, Table
from app.exports.packing import Packed
from app.exports.readable import CONTENTS, Cover, Readable
from app.exports.service import Reader

STYLE: Final = files("app.exports").joinpath("data/record.css").read_text(encoding="utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_RULES: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
POLICY: Final = f"{_RULES}; frame-ancestors 'none'; sandbox"
"""The content security policy of the answer; the page's own is the same without what only a header can say."""


async def write(reader: Reader, head: schemas.RecordWithoutAnswers) -> Packed:
    """Write the whole record."""
    readable, made = await Readable.of(reader, head), Packed()
    made.write(_top(readable.cover))
    inside = False
    async for section in readable.sections():
        if section.level == 2 and inside:  # noqa: PLR2004  the level that divides the copy
            made.write("</section>\n")
        inside = True
        made.write(_section(section))
    made.write("</section>\n</main>\n</body>\n</html>\n")
    made.close()
    return made


def _top(cover: Cover) -> str:
    contents = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title in CONTENTS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_RULES}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{escape(cover.title)}, {escape(cover.clinic)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<p class="clinic">{_own(cover.clinic)}</p>
<h1>{escape(cover.title)}</h1>
<p class="notice">{escape(cover.notice)}</p>
{_facts(Facts(cover.facts))}
<nav aria-label="Contents"><h2>Contents</h2><ol>{contents}</ol></nav>
</header>
<main>
"""


def _section(section: Section) -> str:
    begin = f'<section id="{section.key}">\n' if section.key else ""
    heading = f"<h{section.level}>{escape(section.title)}</h{section.level}>\n"
    return begin + heading + "".join(map(_block, section.blocks))


def _block(block: Block) -> str:
    match block:
        case Paragraph(text, quiet):
            return f"<p{_class('quiet' if quiet else '')}>{escape(text)}</p>\n"
        case Facts():
            return _facts(block)
        case Chart(svg):
            return f'<figure tabindex="0">{svg}</figure>\n'
        case Table():
            return _table(block)


def _facts(facts: Facts) -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{_own(value)}</dd></div>" for name, value in facts.rows)
    return f"<dl>{rows}</dl>\n"


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col"{_class(_kind(place, table))}>{escape(title)}</th>' for place, title in enumerate(table.head)
    )
    rows = "".join(f"<tr>{_cells(row, table)}</tr>\n" for row in table.rows)
    name = escape(table.name, quote=True)
    wide = _class("" if table.numbers else "wide")
    return (
        f'<div class="table" role="region" aria-label="{name}" tabindex="0"><table{wide}>'
        f"<caption>{name}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )


def _cells(row: Iterable[Cell], table: Table) -> str:
    written = []
    for place, cell in enumerate(row):
        tag, scope = ("td", "") if place else ("th", ' scope="row"')
        written.append(f"<{tag}{scope}{_class(_kind(place, table))}>{_cell(cell)}</{tag}>")
    return "".join(written)


def _kind(place: int, table: Table) -> str:
    return "number" if place in table.numbers else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return _own(cell)
    return "".join(f"<p><b>{_own(answer.title)}</b> {_own(answer.text)}</p>" for answer in cell)


@lru_cache(maxsize=2048)
def _own(words: str) -> str:
    """Words that somebody wrote: escaped, and with their writing direction kept to themselves."""
    return f'<span dir="auto">{escape(words)}</span>' if not words.isascii() else escape(words)
