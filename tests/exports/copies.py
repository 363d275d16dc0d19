"""A patient's copies as they come over HTTP, read back."""

import io
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx2
from pypdf import PdfReader

PATHS = {"json": "/v1/me/export", "html": "/v1/me/export/html", "pdf": "/v1/me/export/pdf"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its words, and the words by table."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.headings: list[str] = []
        self._heading = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._heading = tag in {"h1", "h2", "h3"}
        if self._heading:
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        self._heading = False

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._heading:
            self.headings[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


@dataclass(frozen=True, slots=True)
class Copies:
    """Asks for one patient's copies."""

    phone: httpx2.AsyncClient

    async def get(self, kind: str, **headers: str) -> httpx2.Response:
        """One copy, as it comes."""
        answer = await self.phone.get(PATHS[kind], headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    async def json(self) -> dict[str, Any]:
        """The copy for programs."""
        found: dict[str, Any] = (await self.get("json")).json()
        return found

    async def page(self) -> Page:
        """The copy to read on a screen."""
        return Page((await self.get("html")).text)

    async def pdf(self) -> PdfReader:
        """The copy to print."""
        return PdfReader(io.BytesIO((await self.get("pdf")).content))

    async def printed(self) -> str:
        """The words of the copy to print, with the places taken out at which a line may break."""
        pages = (await self.pdf()).pages
        return "\n".join(page.extract_text() for page in pages).replace("\u200b", "")
