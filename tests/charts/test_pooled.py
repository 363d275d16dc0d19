"""All doses as one: what is drawn, and what is not."""

from dataclasses import replace

import pytest

from app.charts.pictures import DoseAlignedPicture, Pooled, PooledStretch, Size
from app.charts.pooled import pooled_chart
from tests.charts.cases import CURVES, NARROW, NO_DOSES, pooled, pooled_of
from tests.charts.drawing import Drawing


def picture(*stretches: PooledStretch, n: int = 4) -> DoseAlignedPicture:
    return replace(pooled_of(), pooled=Pooled(stretches, n, 7))


def stretch(start: float, end: float, median: float | None, *quartiles: float, n: int = 4) -> PooledStretch:
    lower, upper = quartiles or (None, None)
    return PooledStretch(start * 60, end * 60, n, 4, median, lower, upper)


def draw(*stretches: PooledStretch) -> Drawing:
    return Drawing(pooled_chart(picture(*stretches)))


class TestMedians:
    def test_are_as_wide_as_their_stretch(self) -> None:
        one, other = draw(stretch(0, 2, 5, 4, 6), stretch(2, 48, 5, 4, 6)).all("line", "median")

        assert one.attrib["x2"] == other.attrib["x1"]
        assert float(other.attrib["x2"]) > float(other.attrib["x1"])

    def test_are_dashed_where_there_are_too_few_doses_for_quartiles(self) -> None:
        sure, unsure = draw(stretch(0, 2, 5, 4, 6), stretch(2, 4, 5, n=2)).all("line", "median")

        assert sure.get("stroke-dasharray") is None
        assert unsure.get("stroke-dasharray") is not None

    def test_leave_out_a_stretch_without_a_value(self) -> None:
        drawing = draw(stretch(0, 2, 5, 4, 6), stretch(2, 4, None, n=0), stretch(4, 6, 3, 2, 4))

        assert len(drawing.all("line", "median")) == 2
        joined = [line for line in drawing.all("line") if line.get("stroke-width") == "1.2" and not line.get("class")]
        assert joined == []

    def test_are_joined_where_one_follows_the_other(self) -> None:
        drawing = draw(stretch(0, 2, 5, 4, 6), stretch(2, 4, 3, 2, 4))

        joined = [line for line in drawing.all("line") if line.get("stroke-width") == "1.2" and not line.get("class")]
        assert [line.attrib["x1"] == line.attrib["x2"] for line in joined] == [True]

    def test_leave_out_a_stretch_that_the_axis_cuts(self) -> None:
        assert len(draw(stretch(240, 400, 5, 4, 6), stretch(0, 2, 5, 4, 6)).all("line", "median")) == 1


class TestBands:
    def test_span_the_quartiles(self) -> None:
        (band,) = draw(stretch(0, 48, 5, 3, 7)).all("rect", "band")

        assert float(band.attrib["height"]) > 20

    def test_are_seen_where_both_quartiles_are_equal(self) -> None:
        (band,) = draw(stretch(0, 48, 5, 5, 5)).all("rect", "band")

        assert float(band.attrib["height"]) == 4

    def test_are_not_there_without_quartiles(self) -> None:
        assert draw(stretch(0, 48, 5, n=2)).all("rect", "band") == []


class TestCounts:
    def test_stand_below_each_stretch(self) -> None:
        drawing = draw(stretch(0, 12, 5, 4, 6, n=4), stretch(12, 240, 4, 3, 5, n=3))

        assert [one.text for one in drawing.all("g", "counts")[0]] == ["doses", "4", "3"]

    def test_say_why_there_are_fewer_later(self) -> None:
        drawing = Drawing(pooled_chart(pooled_of()))

        assert "Fewer doses reach the later times" in drawing.text


class TestWords:
    def test_speak_every_stretch(self) -> None:
        described = draw(stretch(0, 2, 5, 4, 6), stretch(2, 4, 3, n=2)).root[1].text or ""

        assert "0 to 2 h: 5 (4 doses, middle half 4 to 6)" in described
        assert "2 h to 4 h: 3 (2 doses)" in described

    def test_say_that_there_is_no_dose(self) -> None:
        drawing = Drawing(pooled_chart(replace(NO_DOSES, pooled=None)))

        assert "No dose yet" in drawing.text


class TestStretches:
    def test_refuse_to_end_before_they_start(self) -> None:
        with pytest.raises(ValueError, match="starts before it ends"):
            PooledStretch(60, 60, 1, 1)


class TestStrips:
    def test_give_way_where_the_plot_would_become_too_low(self) -> None:
        low = Drawing(pooled_chart(replace(pooled_of(), size=Size(360, 260))))
        high = Drawing(pooled_chart(replace(pooled_of(), size=NARROW)))

        assert low.all("g", "readings") == []
        assert len(high.all("g", "readings")) == 1

    def test_keep_the_readings_of_each_dose_apart(self) -> None:
        (strip,) = Drawing(pooled_chart(pooled_of())).all("g", "readings")

        assert len([one for one in strip if one.tag.endswith("path")]) == len(CURVES) - 1

    def test_do_not_need_a_value(self) -> None:
        bare = replace(pooled_of(), pooled=pooled(CURVES[:0]))

        assert "No values yet" in Drawing(pooled_chart(bare)).text
