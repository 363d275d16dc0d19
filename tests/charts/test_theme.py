import pytest

from app.charts.theme import DARK, LIGHT, Theme


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
class TestContrast:
    def test_of_words_is_four_and_a_half_or_more(self, theme: Theme) -> None:
        words = (theme.ink, theme.muted, theme.value, theme.dose, theme.amber, theme.red, *theme.curves)

        assert [colour for colour in words if contrast(colour, theme.background) < 4.5] == []

    def test_of_lines_and_glyphs_is_three_or_more_also_on_shading(self, theme: Theme) -> None:
        shapes = (theme.value, theme.dose, theme.ink, theme.amber, theme.red)
        grounds = (theme.background, theme.window, theme.band)

        assert [(one, ground) for one in shapes for ground in grounds if contrast(one, ground) < 3] == []
        assert contrast(theme.appointment, theme.background) >= 3

    def test_tells_every_curve_from_the_others_and_from_the_dose(self, theme: Theme) -> None:
        assert len({*theme.curves, theme.older, theme.dose}) == len(theme.curves) + 2
