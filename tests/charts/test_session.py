from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts.pictures import AlignedPoint, Size
from app.charts.runs import stretches
from app.charts.session import session_chart
from app.charts.session_pictures import (
    LEAST_HEIGHT,
    LEAST_WIDTH,
    SESSION_PHONE,
    AlertMark,
    Bounds,
    Given,
    PlanMark,
    SessionPicture,
    StepMark,
)
from app.charts.session_words import ENGLISH, GERMAN
from tests.charts.cases import BERLIN
from tests.charts.drawing import NUMBERS, SVG, Drawing
from tests.charts.session_cases import BEGUN, BOUNDS, EMPTY, HYPERTENSIVE, UNEVENTFUL, plan, values


def drawn(picture: SessionPicture) -> Drawing:
    return Drawing(session_chart(picture))


def description(picture: SessionPicture) -> str:
    return drawn(picture).root[1].text or ""


class TestValues:
    def test_are_each_drawn_once(self) -> None:
        every = drawn(UNEVENTFUL).all("path", "value") + drawn(UNEVENTFUL).all("circle", "value")
        marks = [mark for mark in every if mark.find(f"{SVG}title") is not None]  # those of the legend have none

        assert len(marks) == sum(len(points) for points in UNEVENTFUL.values.values())

    def test_are_not_joined_across_a_long_gap(self) -> None:
        picture = replace(UNEVENTFUL, values=values((0, 10, 70, 80), spo2=(98, 97, 97, 98)))

        runs = [len(NUMBERS.findall(run.attrib["d"])) // 2 for run in drawn(picture).all("path", "run")]
        assert runs == [2, 2]
        assert [len(run) for run in stretches(picture.shown("spo2"), 45)] == runs

    def test_that_are_missing_are_no_zero(self) -> None:
        picture = replace(UNEVENTFUL, values=values((0, 10, 20), dissociation=(4, None, 6)))

        assert len(drawn(picture).all("circle", "value")) == 2

    def test_beyond_a_limit_have_its_colour(self) -> None:
        picture = replace(UNEVENTFUL, given=None, steps=(), planned=(), values=values((0, 10, 20), spo2=(94, 93.9, 89)))
        fills = [mark.attrib["fill"] for mark in drawn(picture).all("circle", "value")]

        assert fills == ["#0067a5", "#8f6a00", "#b3202c"]

    def test_off_the_usual_scale_make_it_grow(self) -> None:
        picture = replace(UNEVENTFUL, values=values((0, 10), systolic=(231, 120), diastolic=(30, 80)))
        words = {one.text for one in drawn(picture).words}

        assert {"20", "240"} <= words
        assert drawn(picture).outside() == []


class TestBounds:
    @pytest.mark.parametrize(
        ("value", "level"),
        [
            (39, "red"),
            (40, "amber"),
            (49, "amber"),
            (50, None),
            (110, None),
            (111, "amber"),
            (130, "amber"),
            (131, "red"),
        ],
    )
    def test_are_fine_themselves(self, value: float, level: str | None) -> None:
        assert Bounds(50, 110, 40, 130).level(value) == level


class TestMarks:
    def test_that_are_missing_are_hollow(self) -> None:
        drawing = drawn(replace(HYPERTENSIVE, planned=plan(missing=(30, 95), recorded=(40,))))
        missing = [mark for mark in drawing.all("circle", "missing") if mark.find(f"{SVG}title") is not None]

        assert [mark.attrib["fill"] for mark in missing] == ["#ffffff", "#ffffff"]

    def test_of_alerts_stand_at_their_moment_and_are_named(self) -> None:
        drawing = drawn(HYPERTENSIVE)

        assert [word.text for word in drawing.words if word.text in {"BP-2", "O2-1", "SED-1"}].count("BP-2") == 2
        assert len([one for one in drawing.all("path", "alert") if one.find(f"{SVG}title") is not None]) == 4

    def test_of_the_dose_show_when_it_was_given_and_stood_still(self) -> None:
        drawing = drawn(HYPERTENSIVE)

        assert len(drawing.all("rect", "given")) == 1
        assert len(drawing.all("path", "paused")) == 2  # the second is in the legend

    def test_of_a_dose_that_is_being_given_end_now(self) -> None:
        ongoing = replace(UNEVENTFUL, given=Given("ketamine", 40, "IV"), now=20)
        whole = replace(ongoing, now=None)

        width = [float(drawn(picture).all("rect", "given")[0].attrib["width"]) for picture in (ongoing, whole)]
        assert width[0] < width[1]


class TestWords:
    def test_say_what_can_be_seen(self) -> None:
        said = description(HYPERTENSIVE)

        assert "Systolic: 10 values between 132 and 192; the last 138 at 120 min." in said
        assert "Dose Ketamine 40 mg, IV, until 41 min, paused from 33 min." in said
        assert "BP-2 critical, 45 min" in said
        assert "Planned readings that are missing: 30 min, 95 min." in said
        assert "does not replace the monitor" in said

    def test_say_that_there_is_nothing_yet(self) -> None:
        assert "No readings." in description(EMPTY)
        assert "No readings" in drawn(EMPTY).text
        assert "minutes from the planned begin at 10:05" in drawn(EMPTY).text

    def test_are_whole_in_every_language(self) -> None:
        for name in (field.name for field in fields(ENGLISH)):
            english, german = getattr(ENGLISH, name), getattr(GERMAN, name)
            if isinstance(english, str):
                assert english.count("{}") == german.count("{}"), name
            else:
                assert english.keys() == german.keys(), name


class TestSize:
    @pytest.mark.parametrize("size", [Size(LEAST_WIDTH - 1, 700), Size(400, LEAST_HEIGHT - 1)])
    def test_is_not_too_small_to_read(self, size: Size) -> None:
        with pytest.raises(ValueError, match="at least"):
            replace(UNEVENTFUL, size=size)

    def test_needs_a_span_and_a_gap(self) -> None:
        with pytest.raises(ValueError, match="starts before"):
            replace(UNEVENTFUL, start=10, end=10)
        with pytest.raises(ValueError, match="longer than nothing"):
            replace(UNEVENTFUL, gap_minutes=0)


MINUTES = st.floats(-800, 800)
POINTS = st.lists(st.builds(AlignedPoint, MINUTES, st.floats(0, 260)), max_size=12).map(tuple)
PICTURES = st.builds(
    SessionPicture,
    st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda since: BEGUN + since),
    st.just(BERLIN),
    st.floats(-720, -1),
    st.floats(1, 720),
    st.floats(1, 200),
    st.sampled_from(["dose", "planned_begin", "now"]),
    values=st.fixed_dictionaries({}, optional=dict.fromkeys((*BOUNDS, "dissociation"), POINTS)),
    bounds=st.sampled_from([BOUNDS, {}]),
    given=st.none()
    | st.builds(
        Given,
        st.sampled_from(["ketamine", "esketamine", None]),
        st.none() | st.floats(0.5, 500),
        st.sampled_from(["IV", "IN_esketamine", None]),
        st.none() | MINUTES,
        st.lists(st.tuples(MINUTES, st.none() | MINUTES), max_size=2).map(tuple),
    ),
    steps=st.lists(st.builds(StepMark, MINUTES, st.sampled_from([*ENGLISH.stages, "other"])), max_size=9).map(tuple),
    alerts=st.lists(
        st.builds(
            AlertMark,
            MINUTES,
            st.sampled_from(["BP-2", "DIS-1", "SED-2"]),
            st.sampled_from(["routine", "urgent", "critical"]),
        ),
        max_size=9,
    ).map(tuple),
    planned=st.lists(st.builds(PlanMark, MINUTES, st.sampled_from(list(ENGLISH.states))), max_size=9).map(tuple),
    now=st.none() | MINUTES,
    locale=st.sampled_from(["en-US", "de-DE", "xx"]),
    theme=st.sampled_from(["light", "dark"]),
    size=st.sampled_from([SESSION_PHONE, Size(960, 760), Size(LEAST_WIDTH, LEAST_HEIGHT), Size(2000, 600)]),
)  # fmt: skip


class TestAnySession:
    @settings(max_examples=40)
    @given(PICTURES)
    def test_stays_inside_its_view_and_lays_no_words_on_one_another(self, picture: SessionPicture) -> None:
        drawing = drawn(picture)

        assert drawing.outside() == []
        assert drawing.overlapping() == []
