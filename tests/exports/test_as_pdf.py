import random
import sys
from typing import Any

import httpx2
import pytest
from pypdf import PdfReader

from app.core import printing
from app.core.printing import TypesettingError
from app.exports import as_pdf, words
from app.exports.blocks import Answer, Facts, Paragraph, Section, Table
from tests.exports.copies import PATHS, Copies
from tests.exports.test_as_html import HOSTILE
from tests.factories import a_report, an_id
from tests.trends.history import History, on


def fonts(reader: PdfReader) -> set[str]:
    """Names of the fonts of all pages, where they are embedded."""
    found: set[str] = set()

    def embedded(font: Any) -> bool:
        descendants = [one.get_object() for one in font.get("/DescendantFonts", [])]
        described = [one.get("/FontDescriptor", {}) for one in [font, *descendants]]
        return any({"/FontFile", "/FontFile2", "/FontFile3"} & set(one) for one in described)

    for page in reader.pages:
        resources: Any = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            assert embedded(font.get_object())
            found.add(font.get_object()["/BaseFont"])
    return found


class TestDocument:
    async def test_is_tagged_titled_and_in_a_language(self, copies: Copies, history: History) -> None:
        await history.reports("mood", [(on(day), day) for day in range(1, 9)])

        reader = await copies.pdf()

        root: Any = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"].startswith("en")
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        assert reader.metadata is not None
        assert reader.metadata.title == "My record, Riverside"
        tags = set(_tags(root["/StructTreeRoot"]))
        assert {"/H1", "/H2", "/H3", "/Table", "/TH", "/TD", "/Figure"} <= tags

    async def test_embeds_the_typeface_of_the_charts_and_no_other(self, copies: Copies, history: History) -> None:
        await history.reports("mood", [(on(day), day) for day in range(1, 9)])

        assert {name.partition("+")[2].partition("-")[0] for name in fonts(await copies.pdf())} == {"SourceSansPro"}

    async def test_holds_words_that_can_be_selected(self, phone: httpx2.AsyncClient, copies: Copies) -> None:
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report(note="Größer als gestern – ČŠŽ, ёлка, Ωμέγα"))

        text = await copies.printed()

        assert "Größer als gestern – ČŠŽ, ёлка, Ωμέγα" in text
        assert "strength of craving right now: 7" in text
        assert words.UNPRINTABLE[:30] not in text

    async def test_says_so_where_its_typeface_has_no_letters_for_a_note(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report(note="well \U0001f600\U0001f3fd مرحبا done"))

        text = " ".join((await copies.printed()).split())

        assert "well ☐ ☐ done" in text
        assert words.UNPRINTABLE in text

    async def test_draws_the_charts_with_what_a_screen_reader_says(self, copies: Copies, history: History) -> None:
        await history.reports("mood", [(on(day), day) for day in range(1, 9)])

        root: Any = (await copies.pdf()).trailer["/Root"]

        spoken = [one["/Alt"] for one in _elements(root["/StructTreeRoot"]) if one.get("/S") == "/Figure"]
        assert len(spoken) == 1
        assert spoken[0].startswith("Line chart of Mood right now, 1 September 2026 to 8 September 2026.")

    async def test_holds_the_newest_check_ins_of_a_long_record_and_says_so(
        self, copies: Copies, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(as_pdf, "MOST_CHECK_INS", 3)
        await history.reports("mood", [(on(day), 5) for day in range(1, 9)])

        text = " ".join((await copies.printed()).split())

        assert "the newest 3 of 8 check-ins" in text
        assert "8 Sep 2026 12:00" in text
        assert "6 Sep 2026 12:00" in text
        assert "5 Sep 2026 12:00" not in text

    async def test_cuts_a_table_that_is_too_long_and_says_so(
        self, copies: Copies, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(as_pdf, "MOST_ROWS", 2)
        for day in range(1, 5):
            await history.appointment(on(day))

        assert "The first 2 of 4 rows." in await copies.printed()


class TestTypesetting:
    async def test_takes_any_words_whatever_they_hold(self) -> None:
        chance = random.Random(1)
        letters = [chr(code) for code in (*range(0x20, 0x250), 0x202E, 0x1F600, 0x5D0, 0x4E2D, 0xFFFD, 0x10FFFF)]
        strange = ["".join(chance.choices(letters, k=chance.randint(0, 60))) for _ in range(300)]
        strange += [*HOSTILE, "#panic()", '#read("/etc/passwd")', "$x^2$ *bold* _it_ @ref <label> // /* \\", "a" * 4000]
        rows = tuple((one, (Answer(one, one),), one) for one in strange)
        sheet = as_pdf._Sheet()
        section = Section("<#>", (Table("*", ("a", "b", "c"), rows, (3, 13, 5)), Facts((("#x", "$"),)), Paragraph("")))

        made = await printing.typeset(
            {"main.typ": as_pdf.template(), "data.json": as_pdf.data_of(a_cover(), [sheet.section(section)])}
        )

        assert made.startswith(b"%PDF")

    async def test_that_fails_is_an_error_without_a_word_of_it(
        self, phone: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(as_pdf, "template", lambda: '#panic("secret words")')

        answer = await phone.get(PATHS["pdf"])

        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")

    async def test_tells_how_it_ended_and_nothing_else(self) -> None:
        with pytest.raises(TypesettingError, match=r"^the typesetter ended with 1$"):
            await printing.typeset({"main.typ": '#panic("secret words")'})

    async def test_is_never_done_in_the_server_itself(self, copies: Copies) -> None:
        await copies.get("pdf")

        assert "typst" not in sys.modules

    async def test_gives_up_what_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(printing, "SECONDS", 0.01)

        with pytest.raises(TypesettingError, match="too long"):
            await printing.typeset({"main.typ": "#while true {}"})


def a_cover() -> Any:
    from app.exports.readable import Cover

    return Cover("My record", "Sam", "Clinic", "today", "notice", (("Name", "Sam"),))


def _elements(node: Any) -> list[Any]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [found for one in node for found in _elements(one)]
    if not hasattr(node, "get"):
        return []
    below = node.get("/K")
    return [node, *(_elements(below) if below is not None else [])]


def _tags(node: Any) -> list[str]:
    return [one["/S"] for one in _elements(node) if "/S" in one]
