"""Hours, days and weeks of the patient's own clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trends import buckets

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/Los_Angeles",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Pacific/Apia",
    )
]
SECONDS = st.integers(
    int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2028, 1, 1, tzinfo=UTC).timestamp())
)
INSTANTS = SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


class TestBounds:
    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Berlin", date(2026, 3, 29), 23),
            ("Europe/Berlin", date(2026, 10, 25), 25),
            ("Europe/Berlin", date(2026, 11, 22), 24),
            ("America/Los_Angeles", date(2026, 11, 1), 25),
            ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
            ("Africa/Cairo", date(2026, 4, 24), 23),  # the clock skips midnight
            ("Africa/Cairo", date(2026, 10, 29), 25),  # and comes back to it
        ],
    )
    def test_knows_the_length_of_a_local_day(self, zone: str, day: date, hours: float) -> None:
        start, end = buckets.bounds(day, day, ZoneInfo(zone))

        assert end - start == timedelta(hours=hours)

    def test_starts_a_day_at_its_first_instant_where_the_clock_skips_midnight(self) -> None:
        assert buckets.start_of(date(2026, 4, 24), ZoneInfo("Africa/Cairo")) == datetime(2026, 4, 23, 22, tzinfo=UTC)

    @given(INSTANTS, st.sampled_from(ZONES))
    def test_puts_every_instant_on_exactly_one_day(self, at: datetime, zone: ZoneInfo) -> None:
        day = at.astimezone(zone).date()
        start, end = buckets.bounds(day, day, zone)

        assert start <= at < end


class TestByDay:
    @given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 2, 1)), st.integers(0, 10).map(float))))
    def test_loses_no_value_and_makes_up_none(self, values: list[tuple[date, float]]) -> None:
        days = buckets.by_day(values)

        assert [day.day for day in days] == sorted({day for day, _ in values})
        assert sum(day.n for day in days) == len(values)
        for day in days:
            of = [value for at, value in values if at == day.day]
            assert (day.lowest, day.highest, day.n) == (min(of), max(of), len(of))
            assert day.mean == sum(of) / len(of)


class TestByWeek:
    def test_starts_on_monday_and_weighs_every_value_alike(self) -> None:
        sunday, monday, tuesday = date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 24)
        weeks = buckets.by_week(buckets.by_day([(sunday, 1), (monday, 8), (monday, 8), (tuesday, 2)]))

        assert [(week.day, week.mean, week.lowest, week.highest, week.n) for week in weeks] == [
            (date(2026, 11, 16), 1, 1, 1, 1),
            (monday, 6, 2, 8, 3),
        ]


class TestByHour:
    def test_makes_two_of_the_hour_that_the_clock_repeats(self) -> None:
        values = [
            (buckets.microseconds(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)), 120, 3.0),
            (buckets.microseconds(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)), 60, 7.0),
        ]
        hours = buckets.by_hour(values)

        assert [(buckets.instant(hour.at), hour.mean) for hour in hours] == [
            (datetime(2026, 10, 25, 0, tzinfo=UTC), 3),
            (datetime(2026, 10, 25, 1, tzinfo=UTC), 7),
        ]
        assert {buckets.instant(hour.at).astimezone(BERLIN).hour for hour in hours} == {2}

    def test_follows_the_clock_on_the_wall_where_it_is_half_an_hour_off(self) -> None:
        ten = buckets.microseconds(datetime(2026, 11, 22, 10, tzinfo=UTC))
        hours = buckets.by_hour([(ten + minute * buckets.MINUTE, 330, 1.0) for minute in (29, 30, 59)])

        assert [((hour.at - ten) // buckets.MINUTE, hour.n) for hour in hours] == [(-30, 1), (30, 2)]

    @given(st.lists(st.tuples(INSTANTS, st.sampled_from([-570, -60, 0, 120, 345]), st.integers(0, 10).map(float))))
    def test_loses_no_value_and_starts_within_the_hour_before_it(
        self, values: list[tuple[datetime, int, float]]
    ) -> None:
        hours = buckets.by_hour((buckets.microseconds(at), offset, value) for at, offset, value in values)

        assert sum(hour.n for hour in hours) == len(values)
        starts = [buckets.instant(hour.at) for hour in hours]
        assert starts == sorted(set(starts))
        for at, *_ in values:
            assert any(timedelta(0) <= at - start < timedelta(hours=1) for start in starts)
