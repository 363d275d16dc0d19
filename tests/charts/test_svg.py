from xml.etree import ElementTree as ET

import pytest

from app.charts.svg import Linear, area, corners_of, element, escape, hatch, number, path, shorten, text, width_of, wrap


class TestEscape:
    @pytest.mark.parametrize(
        ("words", "written"),
        [
            ("Craving & <b>mood</b>", "Craving &amp; &lt;b&gt;mood&lt;/b&gt;"),
            ('"it\'s"', "&quot;it&#x27;s&quot;"),
            ("two\nlines\tand  spaces", "two lines and spaces"),
            ("bell\x07, null\x00, escape\x1b", "bell, null, escape"),
            ("turned\u202e around\u2066", "turned around"),
            ("half a pair \ud800", "half a pair"),
            ("Müde, 冷静, плохо", "Müde, 冷静, плохо"),
            ("]]>", "]]&gt;"),
        ],
    )
    def test_leaves_nothing_that_xml_or_the_reader_could_misread(self, words: str, written: str) -> None:
        assert escape(words) == written

    def test_makes_any_words_an_attribute(self) -> None:
        drawn = ET.fromstring(element("g", class_='"><script>alert(1)</script>'))  # noqa: S314  our own drawing

        assert drawn.get("class") == '"><script>alert(1)</script>'
        assert len(drawn) == 0


class TestNumber:
    @pytest.mark.parametrize(
        ("value", "written"), [(3, "3"), (3.04, "3"), (3.06, "3.1"), (-0.04, "0"), (-2.55, "-2.5"), (1e3, "1000")]
    )
    def test_has_one_decimal_at_most(self, value: float, written: str) -> None:
        assert number(value) == written


class TestElement:
    def test_leaves_out_what_is_none_and_renames_what_python_cannot_write(self) -> None:
        drawn = element("rect", x=1.25, stroke_width=2, class_="band", fill=None)

        assert drawn == '<rect x="1.2" stroke-width="2" class="band"/>'

    def test_holds_its_children(self) -> None:
        assert element("g", "<a/>", "<b/>", fill="red") == '<g fill="red"><a/><b/></g>'


class TestLinear:
    @pytest.mark.parametrize(("value", "pixel"), [(0, 200), (10, 100), (2.5, 175), (-3, 200), (99, 100)])
    def test_maps_the_scale_and_stops_at_its_ends(self, value: float, pixel: float) -> None:
        assert Linear((0, 10), (200, 100))(value) == pixel


class TestWidth:
    def test_grows_with_words_size_and_weight(self) -> None:
        assert width_of("mm", 12) > width_of("ii", 12)
        assert width_of("mm", 24) == 2 * width_of("mm", 12)
        assert width_of("mm", 12, bold=True) > width_of("mm", 12)

    def test_counts_wide_letters_as_wide_and_accents_not_at_all(self) -> None:
        assert width_of("冷", 12) > width_of("m", 12)
        assert width_of("e\u0301", 12) == width_of("e", 12)


class TestShorten:
    def test_keeps_what_fits(self) -> None:
        assert shorten("Craving", 12, 100) == "Craving"

    def test_ends_in_an_ellipsis_within_the_width(self) -> None:
        short = shorten("A measure with a very long name indeed", 12, 100)

        assert short.startswith("A measure")
        assert short.endswith("…")
        assert width_of(short, 12) <= 100


class TestWrap:
    def test_never_breaks_a_part(self) -> None:
        assert wrap(["one two", "three", "four"], 12, 80, " · ") == ["one two", "three · four"]

    def test_forgets_empty_parts(self) -> None:
        assert wrap(["", " ", "one"], 12, 80) == ["one"]


class TestShapes:
    def test_a_path_is_one_stretch(self) -> None:
        assert path([(0, 0), (1, 2), (3, 4)]) == '<path d="M0 0L1 2L3 4" fill="none"/>'

    def test_an_area_is_closed(self) -> None:
        assert area([(0, 0), (1, 2), (3, 4)], fill="red") == '<path d="M0 0L1 2L3 4Z" fill="red"/>'

    def test_a_square_stands_on_its_corner_unless_it_is_turned(self) -> None:
        assert corners_of((10, 10), 5, 4)[0] == pytest.approx((10, 5))
        assert corners_of((10, 10), 5, 4, turn=0.125)[0] == pytest.approx((10 + 3.5355, 10 - 3.5355), abs=1e-3)

    def test_a_hatch_stays_in_its_rectangle(self) -> None:
        ends = [end for stroke in hatch((10, 20), (50, 90), 7) for end in stroke]

        assert ends
        assert all(10 <= x <= 50 and 20 <= y <= 90 for x, y in ends)

    def test_a_text_has_a_rim_only_where_it_is_asked_for(self) -> None:
        assert "paint-order" not in text("7", (0, 0), fill="red")
        assert 'paint-order="stroke"' in text("7", (0, 0), fill="red", halo="white")
