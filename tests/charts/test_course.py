"""The course on one page and the calendar of check-ins: what is drawn, and what is not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts.adherence import adherence_chart
from app.charts.course import by_week, course_chart
from app.charts.course_pictures import MOST_PANELS, AdherencePicture, CoursePicture, Kept, Panel
from app.charts.pictures import Dose, Measure, Point
from tests.charts.cases import START, on
from tests.charts.course_cases import CALENDAR, COURSES, EMPTY_COURSE, FIRST, NOTHING_ASKED, USED, course
from tests.charts.drawing import Drawing
from tests.charts.test_anything import INSTANTS, LOOKS, MEASURES, POINTS, WORDS

WIDTHS = st.sampled_from([280, 360, 600, 960])
DAYS = st.integers(0, 730).map(lambda days: FIRST + timedelta(days=days))
COUNTS = st.integers(0, 4)
KEPT = st.builds(Kept, DAYS, COUNTS, COUNTS, COUNTS)


def unique(found: list[Kept]) -> tuple[Kept, ...]:
    return tuple({one.day: one for one in found}.values())


CALENDARS = st.builds(
    lambda ends, kept, doses, width, locale, theme: AdherencePicture(
        min(ends), max(ends), unique(kept), tuple(doses), locale, theme, width
    ),
    st.tuples(DAYS, DAYS), st.lists(KEPT, max_size=30), st.lists(DAYS, max_size=4), WIDTHS,
    LOOKS["locale"], LOOKS["theme"],
)  # fmt: skip
PANELS = st.builds(
    lambda measure, points, baseline: Panel(measure, tuple(points), (), baseline),
    MEASURES, st.lists(POINTS, max_size=12), st.none() | st.floats(-20, 120),
) | st.builds(lambda points: Panel(USED, tuple(points), yes_no=True), st.lists(POINTS, max_size=6))  # fmt: skip
COURSES_OF_ANYTHING = st.builds(
    lambda start, days, panels, doses, kept, width, locale, theme, left_out: CoursePicture(
        course().zone, start, start + timedelta(days=days), tuple(panels), "day",
        tuple(Dose(at) for at in doses), (), unique(kept), tuple(left_out), locale, theme, width,
    ),
    INSTANTS, st.integers(1, 400), st.lists(PANELS, max_size=4), st.lists(INSTANTS, max_size=4),
    st.lists(KEPT, max_size=10), WIDTHS, LOOKS["locale"], LOOKS["theme"], st.lists(WORDS, max_size=2),
)  # fmt: skip


class TestCalendar:
    def test_has_each_day_once(self) -> None:
        drawing = Drawing(adherence_chart(CALENDAR))

        assert len(drawing.all("g", "kept")) == len(CALENDAR.kept)
        assert len(drawing.all("circle", "none")) == 84 - len(CALENDAR.kept) + len(["legend"])

    def test_fills_a_day_as_far_as_it_was_answered(self) -> None:
        one = AdherencePicture(FIRST, FIRST, (Kept(FIRST, 1, 0, 2),))

        (day,) = Drawing(adherence_chart(one)).all("g", "kept")
        heights = {rect.get("class"): float(rect.attrib["height"]) for rect in day if rect.tag.endswith("rect")}
        assert heights["completed"] == pytest.approx(heights["due"] / 3, abs=0.1)

    def test_crosses_only_days_on_which_all_were_missed(self) -> None:
        days = (Kept(FIRST, 0, 0, 2), Kept(FIRST + timedelta(days=1), 0, 1, 1))

        drawing = Drawing(adherence_chart(AdherencePicture(FIRST, FIRST + timedelta(days=1), days)))

        assert [len([one for one in day if one.get("class") == "missed"]) for day in drawing.all("g", "kept")] == [1, 0]

    def test_does_not_take_a_day_without_check_ins_for_a_missed_one(self) -> None:
        drawing = Drawing(adherence_chart(NOTHING_ASKED))

        assert drawing.all("g", "kept") == []
        assert "No check-ins were asked for" in drawing.text

    def test_speaks_its_counts(self) -> None:
        described = Drawing(adherence_chart(CALENDAR)).root[1].text or ""

        assert "73.6 % answered in time (170 of 231), 16 late, 45 missed" in described
        assert "Dose: 14 September" in described

    def test_names_the_days_as_its_reader_does(self) -> None:
        german = Drawing(adherence_chart(replace(CALENDAR, locale="de-DE")))

        assert {"Mo", "Mi", "Fr", "So"} <= {words.text for words in german.words}
        assert "73,6 %" in german.text

    def test_refuses_too_many_days(self) -> None:
        with pytest.raises(ValueError, match="731 days"):
            AdherencePicture(FIRST, FIRST + timedelta(days=731))

    @given(CALENDARS)
    @settings(max_examples=40)
    def test_stays_inside_its_view_whatever_it_shows(self, picture: AdherencePicture) -> None:
        drawing = Drawing(adherence_chart(picture))

        assert drawing.outside() == []
        assert drawing.overlapping() == []


class TestCourse:
    def test_has_all_doses_run_through_all_of_it(self) -> None:
        drawing = Drawing(course_chart(course()))

        assert len(drawing.all("path", "dose")) == 4
        bottoms = {line.attrib["y2"] for line in drawing.all("line") if line.get("stroke-dasharray") == "2 3"}
        assert len(bottoms) == 1

    def test_spans_each_scale_wholly(self) -> None:
        text = Drawing(course_chart(course())).text

        assert "0 to 27 points" in text
        assert "| 27 |" in text

    def test_draws_yes_and_no_apart_from_nothing(self) -> None:
        points = (Point(on(3), 0, 0, 0), Point(on(4), 0.5, 0, 1))
        panel = Panel(USED, points, yes_no=True)
        drawing = Drawing(course_chart(replace(course(), panels=(panel,))))

        assert (len(drawing.all("rect", "yes")), len(drawing.all("rect", "no"))) == (1, 1)

    def test_says_what_has_no_place(self) -> None:
        assert "Not shown: Withdrawal" in Drawing(course_chart(course())).text

    def test_says_that_there_is_nothing_yet(self) -> None:
        drawing = Drawing(course_chart(EMPTY_COURSE))

        assert "No values yet" in drawing.text
        assert "No values yet" in (drawing.root[1].text or "")

    def test_speaks_each_measure(self) -> None:
        described = Drawing(course_chart(COURSES["course"])).root[1].text or ""

        for words in ("Craving, alcohol", "Mood", "PHQ-9", "Used. Yes", "4 doses", "21 of 22 attended"):
            assert words in described

    def test_counts_weeks_from_monday(self) -> None:
        days = [Kept(date(2026, 9, 6), 1), Kept(date(2026, 9, 7), 0, 0, 2), Kept(date(2026, 9, 13), 1, 1)]

        assert by_week(days) == [Kept(date(2026, 8, 31), 1), Kept(date(2026, 9, 7), 1, 1, 2)]

    def test_refuses_more_panels_than_a_page_has(self) -> None:
        with pytest.raises(ValueError, match="panels"):
            replace(course(), panels=(Panel(USED),) * (MOST_PANELS + 1))

    def test_refuses_what_is_no_number(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            Panel(Measure("Mood", "", 0, 10, "better"), baseline=float("nan"))

    def test_refuses_a_period_that_ends_before_it_starts(self) -> None:
        with pytest.raises(ValueError, match="before it ends"):
            CoursePicture(course().zone, START, START)

    def test_leaves_out_what_lies_outside_of_the_period(self) -> None:
        later = replace(course(), start=on(40), end=on(60))
        drawing = Drawing(course_chart(later))

        assert len(drawing.all("path", "dose")) == 1
        assert drawing.outside() == []

    @given(COURSES_OF_ANYTHING)
    @settings(max_examples=40)
    def test_stays_inside_its_view_whatever_it_shows(self, picture: CoursePicture) -> None:
        drawing = Drawing(course_chart(picture))

        assert drawing.outside() == []
        assert drawing.overlapping() == []
