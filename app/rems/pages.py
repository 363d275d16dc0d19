"""A report to print: as one page of HTML without style, script or address, and as a PDF that screen readers read.

Everything that anybody wrote is escaped, or goes to the template as data. The page says that nobody was sent anything.
"""

import html
import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from typing import Any, Final

from app.core.fields import zone
from app.core.glyphs import FAMILY, fit
from app.core.printing import typeset

TITLE: Final = "Patient monitoring, esketamine nasal spray"
NOTICE: Final = (
    "Prepared from the clinic's record, to be checked and sent by the clinic: this software sends it to nobody. Only "
    "the programme's own form counts."
)
SECTIONS: Final = {
    "patient": "Patient",
    "medicines": "Medicines taken beside it",
    "setting": "Clinician and setting",
    "session": "Treatment session",
    "events": "Events",
}
SOURCES: Final = {
    "session": "from the session",
    "clinic": "from the clinic's record",
    "added": "entered for this report",
    "not_applicable": "",
    "missing": "missing",
}
_BLANK: Final = "________"


def page(report: Mapping[str, Any], time_zone: str) -> str:
    """The report as a page of HTML; times are those of the clock on the clinic's wall."""
    body = [f"<h1>{TITLE}</h1>", f"<p>{html.escape(NOTICE)}</p>", "<dl>"]
    body += [f"<dt>{html.escape(name)}</dt><dd>{html.escape(said)}</dd>" for name, said in _facts(report, time_zone)]
    body.append("</dl>")
    for title, rows in _sections(report):
        body += [f"<h2>{html.escape(title)}</h2>", "<table>", "<thead><tr><th>Field</th><th>Answer</th><th>Source</th>"]
        body += ["</tr></thead>", "<tbody>"]
        for row in rows:
            label, value, source = (html.escape(cell) for cell in row)
            body.append(f'<tr><th scope="row">{label}</th><td>{value}</td><td>{source}</td></tr>')
        body += ["</tbody>", "</table>"]
    lines = "\n".join(body)
    head = f'<head><meta charset="utf-8"><title>{TITLE}</title></head>'
    return f'<!doctype html>\n<html lang="en">\n{head}\n<body>\n{lines}\n</body>\n</html>\n'


async def pdf(report: Mapping[str, Any], time_zone: str) -> bytes:
    """The report as a document to print."""
    template = files("app.rems").joinpath("data/report.typ").read_text(encoding="utf-8")
    said = {
        "family": FAMILY,
        "title": TITLE,
        "notice": fit(NOTICE),
        "facts": [[fit(name), fit(value)] for name, value in _facts(report, time_zone)],
        "sections": [
            {"title": title, "rows": [[fit(cell) for cell in row] for row in rows]} for title, rows in _sections(report)
        ],
    }
    return await typeset({"main.typ": template, "data.json": json.dumps(said, ensure_ascii=False)})


def _facts(report: Mapping[str, Any], time_zone: str) -> list[tuple[str, str]]:
    sent = report["submitted_at"]
    return [
        ("Session", str(report["session_id"])),
        ("Due", _moment(report["due_at"], time_zone)),
        ("Sent by the clinic", "not yet" if sent is None else _moment(sent, time_zone)),
        ("Reference", report["reference"] or _BLANK),
        ("Fields missing", str(len(report["missing"]))),
    ]


def _moment(at: datetime, time_zone: str) -> str:
    return f"{at.astimezone(zone(time_zone)):%Y-%m-%d %H:%M} ({time_zone})"


def _sections(report: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    grouped = groupby(report["entries"], key=lambda entry: entry["section"])
    return [(SECTIONS[name], [_row(entry) for entry in entries]) for name, entries in grouped]


def _row(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    value = entry["value"]
    if isinstance(value, bool):
        said = "yes" if value else "no"
    elif value is None:
        said = "does not apply" if entry["source"] == "not_applicable" else _BLANK
    else:
        said = f"{value:g}" if isinstance(value, float) else str(value)
    return entry["label"], said, SOURCES[entry["source"]]
