from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.charts.calendar import Period, ticks
from app.charts.svg import Linear
from app.charts.words import words_for

BERLIN = ZoneInfo("Europe/Berlin")


def a_period(days: float, zone: str = "Europe/Berlin", start: datetime | None = None) -> Period:
    where = ZoneInfo(zone)
    begin = start or datetime(2026, 8, 31, tzinfo=where)
    return Period(begin, begin + timedelta(days=days), where)


def labels(period: Period, width: float = 880, locale: str = "en-GB") -> list[str]:
    x = Linear((period.start.timestamp(), period.end.timestamp()), (0, width))
    return [tick.label for tick in ticks(period, x, 12, words_for(locale), (-40, width + 40))]


class TestTicks:
    @pytest.mark.parametrize(
        ("days", "width", "first"),
        [
            (2, 880, ["31 Aug", "03:00", "06:00"]),
            (14, 880, ["31 Aug", "1 Sep", "2 Sep"]),
            (28, 880, ["31 Aug", "2 Sep", "4 Sep"]),
            (84, 880, ["31 Aug", "7 Sep", "14 Sep"]),
            (84, 320, ["31 Aug", "14 Sep", "28 Sep"]),
            (200, 320, ["Sep", "Oct", "Nov", "Dec", "Jan 2027"]),
            (730, 320, ["Jan 2027", "Jul", "Jan 2028"]),
            (3650, 320, ["2028", "2030", "2032"]),
        ],
    )
    def test_are_as_fine_as_fits(self, days: float, width: float, first: list[str]) -> None:
        assert labels(a_period(days), width)[: len(first)] == first

    def test_stand_on_the_patients_midnights_across_the_change_of_clocks(self) -> None:
        period = a_period(6, start=datetime(2026, 10, 22, tzinfo=BERLIN))
        x = Linear((period.start.timestamp(), period.end.timestamp()), (0, 880))

        found = [tick.at for tick in ticks(period, x, 12, words_for("en-GB"), (0, 880)) if ":" not in tick.label]

        assert [datetime.fromtimestamp(at, BERLIN).hour for at in found] == [0] * len(found)
        assert 25 * 3600 in {b - a for a, b in pairwise(found)}

    def test_follow_a_zone_with_a_quarter_of_an_hour(self) -> None:
        assert labels(a_period(1, "Asia/Kathmandu"))[:2] == ["31 Aug", "03:00"]

    def test_are_none_where_no_full_hour_lies_in_the_period(self) -> None:
        start = datetime(2026, 8, 31, 10, 5, tzinfo=UTC)

        assert labels(Period(start, start + timedelta(minutes=10), ZoneInfo("UTC"))) == []


class TestPeriod:
    def test_ends_on_the_day_before_when_it_ends_at_midnight(self) -> None:
        period = a_period(7)

        assert (period.first_day.day, period.last_day.day) == (31, 6)

    def test_may_be_shorter_than_a_day(self) -> None:
        period = a_period(0.1)

        assert period.first_day == period.last_day
