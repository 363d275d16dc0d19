from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bookings.rules import Hours, Span, Week, free_times, joined, meeting, open_spans, usual_week, without
from app.core.fields import zone
from app.protocols.day_figures import Booking

BERLIN = "Europe/Berlin"
ZERO = datetime(2026, 11, 23, tzinfo=UTC)
SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)
"""The nights on which the clocks of Berlin move, at two and at three."""


def at(hour: float) -> datetime:
    return ZERO + timedelta(hours=hour)


def spans(*hours: tuple[float, float]) -> list[Span]:
    return [Span(at(begins), at(ends)) for begins, ends in hours]


def around(day: date) -> Span:
    noon = datetime.combine(day, time(12), UTC)
    return Span(noon - timedelta(days=1), noon + timedelta(days=1))


def wall(span: Span, name: str = BERLIN) -> tuple[str, str]:
    begins, ends = (each.astimezone(zone(name)) for each in span)
    return f"{begins:%a %H:%M%z}", f"{ends:%a %H:%M%z}"


class TestOpenSpans:
    def test_usual_hours_are_those_of_the_wall_clock_from_monday_to_friday(self) -> None:
        week = open_spans(usual_week(Booking()), frozenset(), Span(at(0), at(7 * 24)), BERLIN)

        assert [f"{span.begins:%a %H}-{span.ends:%H}" for span in week] == [
            "Mon 07-17", "Tue 07-17", "Wed 07-17", "Thu 07-17", "Fri 07-17",
        ]  # fmt: skip

    def test_nine_stays_nine_when_clocks_move(self) -> None:
        hours = Week(tuple(Hours(day, time(9), time(10)) for day in range(7)))

        assert [wall(span) for span in open_spans(hours, frozenset(), around(SPRING), BERLIN)] == [
            ("Sun 09:00+0200", "Sun 10:00+0200"),
            ("Mon 09:00+0200", "Mon 10:00+0200"),
        ]

    @pytest.mark.parametrize(("day", "hours"), [(SPRING, 7), (AUTUMN, 9)])
    def test_a_night_in_which_clocks_move_is_shorter_or_longer(self, day: date, hours: int) -> None:
        night = Week((Hours(5, time(22), time(6)),))

        (span,) = open_spans(night, frozenset(), around(day), BERLIN)
        assert span.ends - span.begins == timedelta(hours=hours)

    def test_hours_that_a_clock_skips_are_none(self) -> None:
        skipped = Week((Hours(6, time(2, 15), time(3)),))

        assert open_spans(skipped, frozenset(), around(SPRING), BERLIN) == []

    def test_hours_that_touch_are_one_span(self) -> None:
        week = Week((Hours(0, time(8), time(12)), Hours(0, time(12), time(16)), Hours(0, time(15), time(17))))

        assert open_spans(week, frozenset(), Span(at(0), at(24)), "UTC") == spans((8, 17))

    def test_the_same_time_twice_is_a_whole_day_and_reaches_in_from_the_day_before(self) -> None:
        week = Week((Hours(0, time(8), time(8)),))

        assert open_spans(week, frozenset(), Span(at(24), at(48)), "UTC") == spans((24, 32))

    def test_closed_days_and_days_away_begin_no_hours(self) -> None:
        week = Week(
            tuple(Hours(day, time(9), time(10)) for day in range(7)), ((date(2026, 11, 25), date(2026, 11, 27)),)
        )

        found = open_spans(week, frozenset({date(2026, 11, 23)}), Span(at(0), at(7 * 24)), "UTC")
        assert [span.begins.day for span in found] == [24, 28, 29]


class TestFreeTimes:
    def test_are_in_steps_of_the_wall_clock_and_fit_whole(self) -> None:
        begins = [span.begins for span in free_times(spans((8.1, 9.5)), timedelta(minutes=50), 15, "UTC")]

        assert begins == [at(8.25), at(8.5)]

    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            (SPRING, ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]),
            (AUTUMN, ["01:00+0200", "01:30+0200", "02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100",
                      "03:30+0100"]),
        ],
    )  # fmt: skip
    def test_skip_what_a_clock_skips_and_offer_both_of_what_comes_twice(self, day: date, expected: list[str]) -> None:
        night = open_spans(Week((Hours(6, time(1), time(4)),)), frozenset(), around(day), BERLIN)
        found = free_times(night, timedelta(minutes=30), 30, BERLIN)

        assert [f"{span.begins.astimezone(zone(BERLIN)):%H:%M%z}" for span in found] == expected

    def test_come_back_to_the_grid_where_clocks_move_by_half_a_step(self) -> None:
        place = "Australia/Lord_Howe"  # by half an hour, at two
        night = open_spans(Week((Hours(6, time(0), time(5)),)), frozenset(), around(date(2026, 10, 4)), place)
        found = [f"{span.begins.astimezone(zone(place)):%H:%M}" for span in free_times(night, timedelta(0), 60, place)]

        assert found[:4] == ["00:00", "01:00", "03:00", "04:00"]


HOURS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=8)


def hours_in(some: list[Span]) -> set[int]:
    return {hour for hour in range(61) if any(span.begins <= at(hour) < span.ends for span in some)}


class TestSpans:
    @given(HOURS, HOURS)
    def test_hold_the_hours_that_sets_of_hours_hold(
        self, some: list[tuple[int, int]], others: list[tuple[int, int]]
    ) -> None:
        one, other = joined(spans(*some)), joined(spans(*others))

        assert hours_in(one) == {hour for begins, ends in some for hour in range(begins, ends)}
        assert hours_in(meeting(one, other)) == hours_in(one) & hours_in(other)
        assert hours_in(without(one, spans(*others))) == hours_in(one) - hours_in(other)
        for found in (one, meeting(one, other), without(one, spans(*others))):
            assert all(span.begins < span.ends for span in found)
            assert all(before.ends <= after.begins for before, after in pairwise(found))
