from dataclasses import replace
from itertools import pairwise

import pytest

from app.charts.dose_aligned import dose_aligned_chart
from app.charts.pictures import PHONE, AlignedPoint, DoseAlignedPicture, Relief
from app.charts.runs import stretches
from app.charts.since_dose import SinceDose
from app.charts.spoken import relief
from app.charts.words import words_for
from tests.charts import cases
from tests.charts.drawing import NUMBERS, Drawing

FOUR = cases.ALIGNED["aligned"]
MEDIAN = "Median relief 6.8 days"
SCALE = SinceDose(4320, 20160, 100, 900)


def drawn(picture: DoseAlignedPicture = FOUR, **changes: object) -> Drawing:
    return Drawing(dose_aligned_chart(replace(picture, **changes)))  # type: ignore[arg-type]


class TestSinceDose:
    def test_keeps_its_ends_and_the_dose(self) -> None:
        assert (SCALE(-4320), SCALE(0), SCALE(20160)) == (100, 260, 900)

    def test_rises_all_the_way(self) -> None:
        times = [-4320, -1440, -60, -1, 0, 1, 40, 60, 240, 1440, 4320, 10080, 20160]

        assert all(SCALE(earlier) < SCALE(later) for earlier, later in pairwise(times))

    def test_shows_forty_minutes_and_the_second_week_on_one_axis(self) -> None:
        assert SCALE(40) - SCALE(0) > 50
        assert SCALE(20160) - SCALE(10080) > 100

    def test_stops_at_its_ends(self) -> None:
        assert (SCALE(-9999), SCALE(99999)) == (100, 900)

    def test_may_begin_at_the_dose(self) -> None:
        assert SinceDose(0, 20160, 100, 900)(0) == 100
        assert SinceDose(0, 20160, 100, 900)(-5) == 100


class TestCurves:
    def test_are_one_group_each_with_their_day_and_amount(self) -> None:
        drawing = drawn()

        assert len(drawing.all("g", "curve")) == 4
        for label in ("14 Sep, 35 mg", "5 Oct, 40 mg", "26 Oct, 40 mg", "16 Nov, 42.5 mg"):
            assert label in drawing.text

    def test_leave_the_amount_out_on_a_phone(self) -> None:
        assert "16 Nov" in {words.text for words in drawn(size=PHONE).words}

    def test_break_where_values_are_too_far_apart(self) -> None:
        points = [AlignedPoint(minutes, 5) for minutes in (-60, 60, 4380, 8701)]

        assert [len(run) for run in stretches(points, 4320)] == [3, 1]
        whole, broken = drawn(gap_minutes=20000), drawn(gap_minutes=60)
        assert len(whole.all("path", "run")) == 4
        assert len(broken.all("path", "run")) == 3
        assert sum(run.attrib["d"].count("L") for run in broken.all("path", "run")) == 3

    def test_end_at_their_last_value(self) -> None:
        drawing = drawn(cases.ALIGNED["aligned_one"])
        ends = [float(n) for run in drawing.all("path", "run") for n in NUMBERS.findall(run.attrib["d"])[::2]]
        dots = [float(dot.attrib["cx"]) for dot in drawing.all("g", "curve")[0] if dot.tag.endswith("circle")]

        assert max(ends) == max(dots)

    def test_beyond_the_fifth_are_drawn_without_a_name(self) -> None:
        drawing = drawn(cases.ALIGNED["aligned_many"])

        assert len(drawing.all("g", "curve")) == 12
        assert len([words for words in drawing.words if words.text.endswith(", 84 mg")]) == 5
        assert "earlier doses" in drawing.text

    def test_give_the_latest_dose_the_strongest_line(self) -> None:
        widths = [float(curve.attrib["stroke-width"]) for curve in drawn().all("g", "curve")]

        assert widths == [1.5, 1.5, 1.5, 2.6]

    def test_take_their_order_from_the_doses_and_not_from_the_caller(self) -> None:
        assert dose_aligned_chart(replace(FOUR, curves=FOUR.curves[::-1])) == dose_aligned_chart(FOUR)


class TestMarks:
    def test_show_where_relief_begins_and_ends(self) -> None:
        drawing = drawn()

        assert len(drawing.all("circle", "onset")) == 4 + 1
        assert len(drawing.all("rect", "return")) == 3 + 1

    def test_are_open_where_the_end_was_not_seen(self) -> None:
        marks = drawn().all("rect", "open")

        assert len(marks) == 1 + 1
        assert marks[0].get("fill") == "#ffffff"

    def test_stand_on_a_value_even_when_relief_was_cut_off_later(self) -> None:
        late = replace(FOUR.curves[-1], censored_minutes=20000)

        shifted, usual = (drawn(curves=(one,)).all("rect", "open")[0] for one in (late, FOUR.curves[-1]))
        assert shifted.attrib == usual.attrib

    def test_are_none_without_relief(self) -> None:
        bare = replace(FOUR.curves[0], onset_minutes=None, return_minutes=None)
        drawing = drawn(curves=(bare,))

        assert drawing.all("circle", "onset") == []
        assert drawing.all("rect", "return") == []
        assert drawing.all("rect", "open") == []


class TestLevels:
    def test_are_those_of_the_latest_dose(self) -> None:
        drawing = drawn()

        assert len(drawing.all("line", "baseline")) == 1
        assert len(drawing.all("line", "relief")) == 1
        assert "baseline 6 (16 Nov)" in drawing.text
        assert "relief at 4 or less" in drawing.text

    def test_turn_round_where_higher_is_better(self) -> None:
        assert "relief at 6 or more" in drawn(cases.ALIGNED["aligned_mood"]).text

    def test_off_the_scale_are_not_drawn(self) -> None:
        drawing = drawn(curves=(replace(FOUR.curves[-1], relief_at=-1),))

        assert drawing.all("line", "relief") == []
        assert "relief at" not in drawing.text


class TestCaption:
    @pytest.mark.parametrize(
        ("found", "said"),
        [
            (Relief(9840, 4, 1, 1), MEDIAN + " by Kaplan–Meier (4 doses with relief, 1 still open, 1 without relief)"),
            (Relief(None, 1, 1), "Median relief not reached yet (1 dose with relief, 1 still open)"),
            (Relief(None, 0, 0, 2), "Median relief: insufficient data (2 without relief)"),
            (Relief(None, 0), "Median relief: insufficient data"),
        ],
    )  # fmt: skip
    def test_tells_the_median_and_what_it_rests_on(self, found: Relief, said: str) -> None:
        assert relief(found, words_for("en")) == said
        assert said in drawn(relief=found).text

    def test_is_german_in_a_german_clinic(self) -> None:
        text = drawn(cases.ALIGNED["aligned_phone_dark_german"]).text

        assert "Linderung im Median 6,8 Tage nach Kaplan–Meier" in text


class TestStates:
    def test_without_doses_says_so(self) -> None:
        drawing = drawn(cases.NO_DOSES)

        assert "No dose yet" in drawing.text
        assert "Insufficient data for: median relief" in drawing.text

    def test_without_values_says_so(self) -> None:
        drawing = drawn(cases.NO_VALUES)

        assert "No values yet" in drawing.text
        assert drawing.all("g", "curve") == []

    def test_refuses_a_time_around_the_dose_that_is_none(self) -> None:
        with pytest.raises(ValueError, match="positive minutes"):
            replace(FOUR, after_minutes=0)


class TestSpokenSummary:
    def test_tells_every_dose(self) -> None:
        summary = drawn().root[1].text or ""

        assert "from 3 days before a dose to 14 days after it" in summary
        assert "40 mg on 5 October: baseline 7, relief after 4 h, until 7 days after the dose." in summary
        assert "42.5 mg on 16 November: baseline 6, relief after 78 min, no end seen within 5 days." in summary
        assert "Median relief 6.8 days" in summary

    def test_tells_of_a_dose_that_brought_no_relief(self) -> None:
        assert "no relief found" in (drawn(cases.ALIGNED["aligned_two_days_apart"]).root[1].text or "")

    def test_counts_the_doses_it_does_not_tell(self) -> None:
        many = cases.ALIGNED["aligned_many"]
        twice = (*many.curves, *(replace(one, dose=replace(one.dose, at=cases.on(-100))) for one in many.curves))

        assert "And 12 more." in (drawn(many, curves=twice).root[1].text or "")
