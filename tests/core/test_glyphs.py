import pytest

from app.core.glyphs import SQUARE, drawable, fit, font_files


class TestDrawable:
    def test_holds_the_letters_of_europe_and_no_emoji(self) -> None:
        assert set(map(ord, "aZ09ÄöüßéŁčñØþ–“”…€ёΩώ−☐")) <= drawable()
        assert not {0x1F600, 0x0645, 0x4E2D, 0x0} & drawable()

    def test_is_what_a_renderer_finds_in_the_fonts(self) -> None:
        assert [path.name for path in font_files()] == ["SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf"]
        assert 1000 < len(drawable()) < 3000


class TestFit:
    @pytest.mark.parametrize(
        ("words", "drawn"),
        [
            ("", ""),
            ("plain words", "plain words"),
            ("größer – “so”", "größer – “so”"),
            ("o\u0308 decomposed", "ö decomposed"),
            ("two\nlines", "two\nlines"),
            ("two\r\nlines\tand a tab", "two\nlines and a tab"),
            ("well \U0001f600\U0001f3fd\u200d\U0001f4bb done", f"well {SQUARE} done"),
            ("مرحبا you", f"{SQUARE} you"),
            ("thin\u2009space and\u00a0none", None),
            ("\u202eturned", "turned"),
            ("so\u00adft", "soft"),
            ("heart \u2764\ufe0f", f"heart {SQUARE}"),
            ("bell \x07", f"bell {SQUARE}"),
        ],
    )
    def test_keeps_what_can_be_drawn_and_marks_the_rest(self, words: str, drawn: str | None) -> None:
        fitted = fit(words)

        assert drawn is None or fitted == drawn
        assert all(ord(letter) in drawable() or letter in "\n\u200b" for letter in fitted)

    def test_lets_long_words_break(self) -> None:
        fitted = fit("short " + "a" * 60)

        assert fitted.replace("\u200b", "") == "short " + "a" * 60
        assert max(map(len, fitted.replace("\u200b", " ").split())) <= 24
