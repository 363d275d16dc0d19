from datetime import UTC, datetime, timedelta

import pytest

from app.core import days
from app.core.errors import InvalidRequest


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class TestDayOf:
    @pytest.mark.parametrize(
        ("moment", "zone", "first", "hours"),
        [
            ("2026-11-22T18:30Z", "Europe/Berlin", "2026-11-21T23:00Z", 24),
            ("2026-11-22T23:30Z", "Europe/Berlin", "2026-11-22T23:00Z", 24),
            ("2026-03-29T12:00Z", "Europe/Berlin", "2026-03-28T23:00Z", 23),
            ("2026-10-25T12:00Z", "Europe/Berlin", "2026-10-24T22:00Z", 25),
            ("2026-03-29T12:00Z", "Asia/Beirut", "2026-03-28T22:00Z", 23),
            ("2026-11-22T03:00Z", "America/Los_Angeles", "2026-11-21T08:00Z", 24),
        ],
    )
    def test_goes_from_midnight_to_midnight_on_the_wall(self, moment: str, zone: str, first: str, hours: int) -> None:
        assert days.day_of(at(moment), zone) == (at(first), at(first) + timedelta(hours=hours))


class TestSpan:
    NOW = at("2026-11-22T18:30Z")

    def test_is_today_when_nothing_is_named(self) -> None:
        assert days.span(None, None, "Europe/Berlin", now=self.NOW) == days.day_of(self.NOW, "Europe/Berlin")

    def test_is_the_rest_of_the_day_of_the_one_end_that_is_named(self) -> None:
        noon, midnight = at("2026-12-01T12:00+01:00"), at("2026-12-02T00:00+01:00")

        assert days.span(noon, None, "Europe/Berlin", now=self.NOW) == (noon, midnight)
        assert days.span(None, midnight, "Europe/Berlin", now=self.NOW) == (at("2026-12-01T00:00+01:00"), midnight)

    def test_takes_both_ends_as_they_are(self) -> None:
        first, last = at("2026-01-01T00:00Z"), at("2026-12-31T00:00Z")

        assert days.span(first, last, "Europe/Berlin", now=self.NOW) == (first, last)

    def test_refuses_ends_with_nothing_between(self) -> None:
        with pytest.raises(InvalidRequest) as refused:
            days.span(self.NOW, self.NOW, "Europe/Berlin", now=self.NOW)

        assert refused.value.errors[0].pointer == "/query/to"
