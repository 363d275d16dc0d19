from dataclasses import replace
from datetime import timedelta
from math import inf, nan

import pytest

from app.charts import glyphs
from app.charts.pictures import PHONE, Appointment, Dose, Gap, Measure, Point, Size, TrendPicture
from app.charts.runs import runs
from app.charts.theme import LIGHT
from app.charts.trend import trend_chart
from app.charts.words import ENGLISH
from tests.charts import cases
from tests.charts.cases import BERLIN, CRAVING, FEELING, MOOD, START, on
from tests.charts.drawing import NUMBERS, Drawing

WEEK = TrendPicture(CRAVING, BERLIN, START, START + timedelta(days=7))
FIVE = tuple(Point(on(day), value) for day, value in enumerate((7, 6, 0, 5, 8)))


def drawn(picture: TrendPicture = WEEK, **changes: object) -> Drawing:
    return Drawing(trend_chart(replace(picture, **changes)))  # type: ignore[arg-type]


def heights(drawing: Drawing) -> list[float]:
    """The y of every corner of every run."""
    numbers = [float(n) for run in drawing.all("path", "run") for n in NUMBERS.findall(run.attrib["d"])]
    return numbers[1::2]


class TestGaps:
    def test_break_the_line(self) -> None:
        drawing = drawn(points=FIVE, gaps=(Gap(on(1), on(2)),))

        runs = drawing.all("path", "run")
        assert len(runs) == 2
        assert [run.attrib["d"].count("L") for run in runs] == [1, 2]
        assert [run.attrib["d"].count("M") for run in runs] == [1, 1]

    def test_break_the_band_too(self) -> None:
        points = tuple(replace(point, low=point.value - 0, high=point.value + 1) for point in FIVE)

        assert len(drawn(points=points, gaps=(Gap(on(1), on(2)),)).all("path", "band")) == 2

    def test_leave_a_single_value_as_a_dot(self) -> None:
        drawing = drawn(points=FIVE, gaps=(Gap(on(1), on(2)), Gap(on(2), on(3))))

        assert len(drawing.all("path", "run")) == 2
        assert len(drawing.all("g", "dots")[0]) == 5

    def test_are_hatched_and_named(self) -> None:
        drawing = drawn(points=FIVE, gaps=(Gap(on(4), on(7)),))

        assert len(drawing.all("path", "gap")) == 1
        assert "no values" in drawing.text

    def test_are_named_in_the_legend_where_they_are_narrow(self) -> None:
        drawing = drawn(points=FIVE, gaps=(Gap(on(4), on(4.2)),), size=PHONE)

        assert drawing.text.count("no values") == 1
        assert len(drawing.all("path", "gap")) == 2

    def test_outside_the_period_change_nothing(self) -> None:
        assert trend_chart(replace(WEEK, gaps=(Gap(on(-9), on(-8)),))) == trend_chart(WEEK)

    @pytest.mark.parametrize(
        ("gap", "lengths"),
        [
            (Gap(on(1), on(2)), [2, 3]),
            (Gap(on(1.2), on(1.8)), [2, 3]),
            (Gap(on(0.5), on(2.5)), [1, 1, 1, 2]),
            (Gap(on(-3), on(0)), [5]),
            (Gap(on(4), on(9)), [5]),
        ],
    )
    def test_part_every_pair_of_values_they_lie_between(self, gap: Gap, lengths: list[int]) -> None:
        assert [len(run) for run in runs(FIVE, (gap,))] == lengths


class TestScale:
    def test_spans_the_whole_range_whatever_the_values_are(self) -> None:
        narrow = drawn(points=(Point(on(1), 6), Point(on(2), 7)))

        assert {"0", "2", "4", "6", "8", "10"} <= {words.text for words in narrow.words}
        top, bottom = min(heights(narrow)), max(heights(narrow))
        grid = [float(line.attrib["y1"]) for line in narrow.all("line") if line.get("stroke") == "#e9edf1"]
        assert bottom - top == pytest.approx((max(grid) - min(grid)) / 8, abs=0.2)

    def test_grows_for_a_value_that_lies_outside(self) -> None:
        assert "12" in {words.text for words in drawn(points=(Point(on(1), 12),)).words}

    def test_draws_no_value_where_none_is(self) -> None:
        drawing = drawn(points=tuple(point for point in FIVE if point.value))

        assert len(drawing.all("g", "dots")[0]) == 4
        assert len(heights(drawing)) == 4

    def test_draws_a_reported_zero(self) -> None:
        assert len(heights(drawn(points=FIVE))) == 5

    @pytest.mark.parametrize(
        ("measure", "said"), [(CRAVING, "lower is better"), (MOOD, "higher is better"), (FEELING, "−4 to 4 points")]
    )
    def test_says_which_direction_is_better(self, measure: Measure, said: str) -> None:
        drawing = drawn(measure=measure)

        assert said in drawing.text
        assert [words.text for words in drawing.words if words.turned] == ([] if measure is FEELING else ["better"])


class TestBuckets:
    def test_show_their_smallest_and_largest_value(self) -> None:
        drawing = drawn(points=(Point(on(1), 5, 3, 8), Point(on(2), 6, 6, 6)), bucket="day")

        assert len(drawing.all("path", "band")) == 1
        assert "daily mean" in drawing.text
        assert "lowest to highest" in drawing.text

    def test_alone_are_a_bar(self) -> None:
        assert len(drawn(points=(Point(on(1), 5, 3, 8),)).all("rect", "band")) == 1


class TestDoses:
    def test_stand_above_the_plot_with_their_amounts(self) -> None:
        drawing = drawn(doses=(cases.dose(1, 35), cases.dose(4, 42.5)))

        assert len(drawing.all("path", "dose")) == 2
        assert "35 mg" in drawing.text
        assert "42.5 mg" in drawing.text

    def test_show_that_an_amount_was_not_recorded(self) -> None:
        assert "?" in {words.text for words in drawn(doses=(cases.dose(1, None),)).words}

    def test_outside_the_period_are_left_out_but_shade_into_it(self) -> None:
        drawing = drawn(doses=(cases.dose(-1),))

        assert len(drawing.all("path", "dose")) == 0
        assert len(drawing.all("rect", "window")) == 1
        assert "time after a dose" in drawing.text

    def test_shade_overlapping_windows_once(self) -> None:
        drawing = drawn(doses=(cases.dose(1), cases.dose(3)))

        assert len(drawing.all("path", "dose")) == 2
        assert len(drawing.all("rect", "window")) == 1
        assert "dose (shaded: 3 days after)" in drawing.text

    def test_close_together_fan_their_labels_out(self) -> None:
        doses = tuple(cases.dose(day, 40) for day in (2, 2.6))
        drawing = drawn(doses=doses, size=PHONE)

        labels = [words.box for words in drawing.words if words.text == "40 mg"]
        assert len(labels) == 2
        assert not labels[0].meets(labels[1])

    def test_in_a_crowd_keep_every_triangle_and_thin_their_labels(self) -> None:
        doses = tuple(Dose(on(0.1 + index / 8), 84) for index in range(50))
        drawing = drawn(doses=doses, size=PHONE)

        assert len(drawing.all("path", "dose")) == 50
        assert "dose in mg" in drawing.text
        assert 5 < [words.text for words in drawing.words].count("84") < 50
        assert drawing.overlapping() == []


class TestAppointments:
    def test_have_a_glyph_for_each_kind_and_stand_in_the_legend(self) -> None:
        kinds = ("cbt", "mindfulness", "integration", "support_group", "preparation", "acupuncture")
        drawing = drawn(appointments=tuple(Appointment(on(day, 9), kind) for day, kind in enumerate(kinds)))

        glyphs = [
            element.get("d") or "circle" for tag in ("path", "circle") for element in drawing.all(tag, "appointment")
        ]
        assert len(glyphs) == 2 * len(kinds)
        corners = sorted(glyph.count("L") for glyph in glyphs)
        assert corners == sorted([0, 0, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5])
        assert "support group" in drawing.text

    def test_have_a_shape_of_their_own_for_each_kind(self) -> None:
        shapes = {glyphs.appointment(kind, (0, 0), LIGHT) for kind in ENGLISH.kinds}

        assert len(shapes) == len(ENGLISH.kinds)

    def test_that_were_missed_are_hollow(self) -> None:
        drawing = drawn(appointments=(Appointment(on(1), "cbt", "CBT", attended=False),))

        assert "not attended" in drawing.text
        assert drawing.all("path", "appointment")[0].get("fill") == "#ffffff"

    def test_in_a_crowd_become_strokes(self) -> None:
        crowd = tuple(Appointment(on(index / 20), "cbt") for index in range(120))
        drawing = drawn(appointments=crowd, size=PHONE)

        assert len(drawing.all("line", "appointment")) == 120
        assert "appointments" in drawing.text


class TestStates:
    def test_without_values_it_says_so_and_draws_no_line(self) -> None:
        drawing = drawn()

        assert "No values yet" in drawing.text
        assert drawing.all("path", "run") == []
        assert drawing.all("g", "dots") == []

    def test_names_the_statistics_that_lack_data(self) -> None:
        assert "Insufficient data for: baseline, trend" in drawn(insufficient=("baseline", "slope")).text

    def test_draws_the_baseline_and_names_it(self) -> None:
        drawing = drawn(points=FIVE, baseline=6.5)

        assert len(drawing.all("line", "baseline")) == 1
        assert "baseline 6.5" in drawing.text

    def test_ends_its_line_at_the_last_value(self) -> None:
        drawing = drawn(points=FIVE[:2])

        last = drawing.all("circle", "last")[0]
        assert max(float(n) for n in NUMBERS.findall(drawing.all("path", "run")[0].attrib["d"])[::2]) == float(
            last.attrib["cx"]
        )

    def test_names_single_values_under_the_pointer_only_while_they_are_few(self) -> None:
        many = tuple(Point(on(index / 20), 5) for index in range(139))

        assert "31 Aug 12:00: 7" in trend_chart(replace(WEEK, points=FIVE))
        assert not [dot for dot in drawn(points=many).all("circle") if len(dot)]

    def test_keeps_its_last_value_unnamed_rather_than_on_a_line(self) -> None:
        points = tuple(Point(on(3 + index / 400), index % 2 * 10) for index in range(60))
        drawing = drawn(points=(*points, Point(on(3.16), 5)), gaps=(Gap(on(3.16), on(9)),), size=PHONE)

        assert len(drawing.all("circle", "last")) == 1

    def test_shortens_a_caption_that_would_push_the_plot_away(self) -> None:
        drawing = drawn(caption="a long sentence that says much " * 60, size=PHONE)

        assert drawing.text.endswith("…")
        assert drawing.outside() == []


class TestWords:
    def test_of_strangers_are_escaped(self) -> None:
        nasty = '<script>alert("x")</script>&\x00'
        picture = replace(
            WEEK,
            measure=replace(CRAVING, name=nasty, unit=nasty),
            appointments=(Appointment(on(1), nasty, nasty),),
            doses=(Dose(on(2), 40, nasty),),
            caption=nasty,
            insufficient=(nasty,),
        )
        svg = trend_chart(picture)

        assert "<script" not in svg
        assert Drawing(svg).root[0].text == '<script>alert("x")</script>&'

    def test_are_german_in_a_german_clinic(self) -> None:
        drawing = drawn(cases.TRENDS["responder_phone_dark_german"])

        assert drawing.root.get("lang") == "de"
        assert "31. Aug. – 22. Nov. 2026" in drawing.text
        assert "42,5 mg" in drawing.text
        assert "niedriger ist besser" in drawing.text

    def test_put_the_month_first_in_america(self) -> None:
        assert "Aug 31 – Sep 6, 2026" in drawn(locale="en-US").text


class TestSpokenSummary:
    def test_tells_what_can_be_seen(self) -> None:
        summary = Drawing(trend_chart(cases.responder())).root[1].text or ""

        assert "Craving, alcohol, 31 August 2026 to 22 November 2026." in summary
        assert "0 to 10 points, lower is better." in summary
        assert "74 values between 1 and 7.7; first 7.3 on 31 August, last 2 on 22 November." in summary
        assert "Stretches without values: 1; the line is broken there." in summary
        assert "Baseline 7." in summary
        assert "4 doses: 35 mg (14 September), 40 mg (5 October)" in summary

    def test_tells_that_there_is_nothing(self) -> None:
        assert "No values yet." in (drawn().root[1].text or "")

    def test_tells_a_single_value(self) -> None:
        assert "One value: 7 on 31 August." in (drawn(points=FIVE[:1]).root[1].text or "")


class TestRefusals:
    @pytest.mark.parametrize("value", [nan, inf, -inf])
    def test_of_what_is_no_number(self, value: float) -> None:
        with pytest.raises(ValueError, match="finite"):
            Point(on(1), value)

    def test_of_a_period_that_ends_before_it_starts(self) -> None:
        with pytest.raises(ValueError, match="period"):
            replace(WEEK, end=START)

    def test_of_a_scale_upside_down(self) -> None:
        with pytest.raises(ValueError, match="scale"):
            Measure("Craving", "", 10, 0, "worse")

    def test_of_a_size_too_small_to_read(self) -> None:
        with pytest.raises(ValueError, match="at least"):
            Size(200, 100)
