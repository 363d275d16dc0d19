"""The copy that both sides keep: the text that was signed, what was answered, and the signature, as one page of HTML.

Everything that anybody wrote is escaped; there is no style, no script and no address in it, so that it can be printed,
saved and read in ten years.
"""

import html
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from app.core.fields import zone

HEADING, ITEM = "#", "- "
TOP, LOWEST = 2, 4
"""The title of the page is the first heading; those of the text come below it."""


def page(consent: Mapping[str, Any], questions: Iterable[Mapping[str, Any]], *, clinic: str, time_zone: str) -> str:
    """One consent as a page. Times are those of the clock on the patient's wall."""
    title, language = html.escape(consent["title"]), html.escape(consent["language"], quote=True)
    body = [f"<h1>{title}</h1>", f"<p>{html.escape(clinic)}</p>", *_blocks(consent["text"])]
    body += _answered(questions, consent["answers"])
    body += ["<h2>Signature</h2>", "<dl>"]
    body += [f"<dt>{term}</dt><dd>{html.escape(said)}</dd>" for term, said in _signature(consent, time_zone)]
    body.append("</dl>")
    lines = "\n".join(body)
    head = f'<head><meta charset="utf-8"><title>{title}</title></head>'
    return f'<!doctype html>\n<html lang="{language}">\n{head}\n<body>\n{lines}\n</body>\n</html>\n'


def _blocks(text: str) -> Iterator[str]:
    """Headings, lists and paragraphs, as blank lines part them."""
    for block in text.replace("\r\n", "\n").split("\n\n"):
        items: list[str] = []
        words: list[str] = []
        for line in block.splitlines():
            if line.startswith(HEADING):
                level = min(TOP + len(line) - len(line.lstrip(HEADING)) - 1, LOWEST)
                yield f"<h{level}>{html.escape(line.lstrip(HEADING).strip())}</h{level}>"
            elif line.startswith(ITEM):
                items.append(f"<li>{html.escape(line.removeprefix(ITEM).strip())}</li>")
            elif items and line.startswith(" "):
                items[-1] = items[-1].removesuffix("</li>") + f" {html.escape(line.strip())}</li>"
            elif line.strip():
                words.append(html.escape(line.strip()))
        if words:
            yield f"<p>{' '.join(words)}</p>"
        if items:
            yield f"<ul>{''.join(items)}</ul>"


def _answered(questions: Iterable[Mapping[str, Any]], answers: Mapping[str, str]) -> Iterator[str]:
    lines = []
    for question in questions:
        said = next(
            (choice["text"] for choice in question["choices"] if choice["key"] == answers.get(question["key"])), ""
        )
        lines.append(f"<dt>{html.escape(question['text'])}</dt><dd>{html.escape(said)}</dd>")
    if lines:
        yield from ("<h2>What you answered</h2>", "<dl>", *lines, "</dl>")


def _signature(consent: Mapping[str, Any], time_zone: str) -> Iterator[tuple[str, str]]:
    who = consent["signature"]
    yield (
        "Signed by",
        who if consent["signer"] == "patient" else f"{who} ({consent['signer']}, {consent['relationship']})",
    )
    yield "Signed on", _moment(consent["signed_at"], time_zone)
    yield "Text first shown on", _moment(consent["presented_at"], time_zone)
    if consent["capacity_statement"]:
        yield "Stated when signing", consent["capacity_statement"]
    if consent["recipients"]:
        yield "May be given to", "; ".join(_recipient(each) for each in consent["recipients"])
        yield "What may be given", ", ".join(each.replace("_", " ") for each in consent["categories"])
        yield "What for", ", ".join(each.replace("_", " ") for each in consent["purposes"])
        yield "Ends on", _moment(consent["expires_at"], time_zone) if consent["expires_at"] else "when it is withdrawn"
    yield "Document", f"{consent['type']}, version {consent['document_version']}"
    yield "SHA-256 of the text", consent["text_hash"]
    yield "Number of this consent", str(consent["id"])
    if consent["withdrawn_at"]:
        yield "Withdrawn on", _moment(consent["withdrawn_at"], time_zone)


def _recipient(recipient: Mapping[str, Any]) -> str:
    kind = str(recipient["recipient_class"]).replace("_", " ")
    return f"{recipient['name']} ({kind})" if recipient["name"] else f"any {kind}"


def _moment(at: datetime, time_zone: str) -> str:
    return f"{at.astimezone(zone(time_zone)):%Y-%m-%d %H:%M} ({time_zone})"
