"""Whatever is put into a picture: it is drawn without an error, well-formed, and inside its view."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts.dose_aligned import dose_aligned_chart
from app.charts.pictures import (
    DESKTOP,
    PHONE,
    AlignedAppointment,
    AlignedPoint,
    Appointment,
    Dose,
    DoseAlignedPicture,
    DoseCurve,
    Gap,
    Measure,
    Point,
    Pooled,
    PooledStretch,
    Relief,
    Size,
    TrendPicture,
)
from app.charts.pooled import pooled_chart
from app.charts.runs import runs
from app.charts.trend import trend_chart
from tests.charts.cases import START
from tests.charts.drawing import NUMBERS, Drawing

SIZES = st.sampled_from([PHONE, DESKTOP, Size(280, 260), Size(600, 300)])
ZONES = st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]).map(ZoneInfo)
LOOKS = {"locale": st.sampled_from(["en-US", "en", "de-DE", "xx"]), "theme": st.sampled_from(["light", "dark"])}
INSTANTS = st.timedeltas(timedelta(days=-400), timedelta(days=4000)).map(lambda since: START + since)
WORDS = st.text(max_size=60)
VALUES = st.floats(-20, 120, allow_nan=False)
MEASURES = st.builds(
    Measure, WORDS, WORDS, st.sampled_from([0, -4]), st.sampled_from([1, 3, 10, 27, 63, 100]),
    st.sampled_from(["better", "worse", "neutral"]),
)  # fmt: skip
DOSES = st.builds(
    lambda at, amount, unit, shade: Dose(at, amount, unit, None if shade is None else at + shade),
    INSTANTS, st.none() | st.floats(0.5, 500), st.sampled_from(["mg", "mg/kg", "<units of a long name>"]),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=30)),
)  # fmt: skip
POINTS = st.builds(
    lambda at, values: Point(at, values[1], values[0], values[2]),
    INSTANTS, st.tuples(VALUES, VALUES, VALUES).map(sorted),
) | st.builds(Point, INSTANTS, VALUES)  # fmt: skip
PERIODS = st.tuples(INSTANTS, st.timedeltas(timedelta(seconds=1), timedelta(days=5000)))


@st.composite
def trends(draw: st.DrawFn) -> TrendPicture:
    start, length = draw(PERIODS)
    return TrendPicture(
        draw(MEASURES), draw(ZONES), start, start + length,
        points=tuple(draw(st.lists(POINTS, max_size=25))),
        bucket=draw(st.sampled_from(["raw", "hour", "day", "week"])),
        gaps=tuple(draw(st.lists(st.builds(Gap, INSTANTS, INSTANTS), max_size=4))),
        doses=tuple(draw(st.lists(DOSES, max_size=12))),
        appointments=tuple(draw(st.lists(st.builds(Appointment, INSTANTS, WORDS, WORDS, st.booleans()), max_size=12))),
        baseline=draw(st.none() | VALUES),
        insufficient=tuple(draw(st.lists(WORDS, max_size=3))),
        caption=draw(st.text(max_size=400)),
        size=draw(SIZES),
        **{name: draw(look) for name, look in LOOKS.items()},  # type: ignore[arg-type]
    )  # fmt: skip


MINUTES = st.floats(-9000, 40000)
CURVES = st.builds(
    DoseCurve, DOSES, st.lists(st.builds(AlignedPoint, MINUTES, VALUES), max_size=15).map(tuple),
    *[st.none() | VALUES] * 2, *[st.none() | MINUTES] * 3,
    readings=st.lists(st.builds(AlignedPoint, MINUTES, VALUES), max_size=4).map(tuple),
    therapies=st.lists(
        st.builds(AlignedAppointment, MINUTES, st.builds(Appointment, INSTANTS, WORDS, WORDS, st.booleans())),
        max_size=4,
    ).map(tuple),
)  # fmt: skip
STRETCHES = st.builds(
    lambda start, length, n, values: PooledStretch(start, start + length, n, n, values[1], values[0], values[2]),
    MINUTES, st.floats(1, 20000), st.integers(1, 30), st.tuples(VALUES, VALUES, VALUES).map(sorted),
) | st.builds(
    lambda start, length, value: PooledStretch(start, start + length, 1, 2, value), MINUTES, st.floats(1, 20000), VALUES
)  # fmt: skip
POOLED = st.builds(Pooled, st.lists(STRETCHES, max_size=8).map(tuple), st.integers(0, 30), st.none() | VALUES)
ALIGNED = st.builds(
    DoseAlignedPicture, MEASURES, ZONES, st.sampled_from([0, 60, 4320]), st.sampled_from([240, 20160, 60000]),
    st.floats(1, 20000), st.lists(CURVES, max_size=9).map(tuple),
    st.none() | st.builds(Relief, st.none() | st.floats(1, 30000), *[st.integers(0, 9)] * 3),
    st.none() | POOLED,
    st.lists(WORDS, max_size=3).map(tuple), st.text(max_size=400), **LOOKS, size=SIZES,
)  # fmt: skip


class TestTrend:
    @given(trends())
    def test_stays_inside_its_view(self, picture: TrendPicture) -> None:
        assert Drawing(trend_chart(picture)).outside() == []

    @given(trends())
    def test_lays_no_words_on_one_another(self, picture: TrendPicture) -> None:
        assert Drawing(trend_chart(picture)).overlapping() == []

    @given(trends())
    def test_draws_every_value_of_the_period_once_and_no_other(self, picture: TrendPicture) -> None:
        drawing = Drawing(trend_chart(picture))
        held = sorted((p for p in picture.points if picture.start <= p.at <= picture.end), key=lambda p: p.at)

        long = [run for run in runs(held, picture.gaps) if len(run) > 1]
        drawn = [len(NUMBERS.findall(run.attrib["d"])) // 2 for run in drawing.all("path", "run")]
        assert drawn == [len(run) for run in long]


class TestDoseAligned:
    @given(ALIGNED)
    def test_stays_inside_its_view(self, picture: DoseAlignedPicture) -> None:
        assert Drawing(dose_aligned_chart(picture)).outside() == []

    @given(ALIGNED)
    def test_lays_no_words_on_one_another(self, picture: DoseAlignedPicture) -> None:
        assert Drawing(dose_aligned_chart(picture)).overlapping() == []


class TestPooled:
    @given(ALIGNED)
    @settings(max_examples=40)
    def test_stays_inside_its_view(self, picture: DoseAlignedPicture) -> None:
        assert Drawing(pooled_chart(picture)).outside() == []

    @given(ALIGNED)
    @settings(max_examples=40)
    def test_lays_no_words_on_one_another(self, picture: DoseAlignedPicture) -> None:
        assert Drawing(pooled_chart(picture)).overlapping() == []
