"""Nights in which clocks move, and the ones in which they look as if they did."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fields import zone
from app.core.local_times import left_out, resolve, resolve_local

# Zone, what was asked for, whether the day has that time, the instant (UTC) that is meant, what the clock shows then.
# The rules are those of tzdata 2026.6.
CASES = [
    (
        "America/Los_Angeles",
        "2018-03-11T02:30",
        "gap",
        "2018-03-11T10:30",
        "2018-03-11T03:30",
    ),  # spring gap; inside the real Soyster 2018 study
    ("America/New_York", "2026-11-01T01:30", "fold", "2026-11-01T05:30", "2026-11-01T01:30"),  # autumn fold
    ("America/New_York", "2026-03-08T02:30", "gap", "2026-03-08T07:30", "2026-03-08T03:30"),  # spring gap
    ("Europe/London", "2026-03-29T01:30", "gap", "2026-03-29T01:30", "2026-03-29T02:30"),  # spring gap
    ("Europe/Berlin", "2026-10-25T02:30", "fold", "2026-10-25T00:30", "2026-10-25T02:30"),  # fold
    ("Australia/Lord_Howe", "2026-04-05T01:45", "fold", "2026-04-04T14:45", "2026-04-05T01:45"),  # 30-minute fold
    ("Australia/Lord_Howe", "2026-10-04T02:15", "gap", "2026-10-03T15:45", "2026-10-04T02:45"),  # 30-minute gap
    (
        "America/Sao_Paulo",
        "2018-11-04T00:00",
        "gap",
        "2018-11-04T03:00",
        "2018-11-04T01:00",
    ),  # gap at midnight: the day has no 00:00
    (
        "Pacific/Apia",
        "2011-12-30T12:00",
        "gap",
        "2011-12-30T22:00",
        "2011-12-31T12:00",
    ),  # whole day missing (date line)
    (
        "Africa/Cairo",
        "2024-04-26T00:30",
        "gap",
        "2024-04-25T22:30",
        "2024-04-26T01:30",
    ),  # midnight gap, DST brought back in 2023
    (
        "Africa/Casablanca",
        "2026-02-15T02:30",
        "fold",
        "2026-02-15T01:30",
        "2026-02-15T02:30",
    ),  # Ramadan: clock moves although in winter
    (
        "America/Mexico_City",
        "2023-04-02T02:30",
        "plain",
        "2023-04-02T08:30",
        "2023-04-02T02:30",
    ),  # no DST any more: must be a plain time
    ("America/Nuuk", "2023-03-26T00:30", "plain", "2023-03-26T02:30", "2023-03-26T00:30"),  # changed base offset
    ("Asia/Kathmandu", "2026-06-01T08:00", "plain", "2026-06-01T02:15", "2026-06-01T08:00"),  # +05:45
    ("Antarctica/Troll", "2026-03-29T02:00", "gap", "2026-03-29T02:00", "2026-03-29T04:00"),  # 2-hour jump
    ("America/Havana", "2026-11-01T00:30", "fold", "2026-11-01T04:30", "2026-11-01T00:30"),  # fold at midnight
    ("Asia/Beirut", "2026-03-29T00:30", "gap", "2026-03-28T22:30", "2026-03-29T01:30"),  # gap at midnight
    ("Europe/Dublin", "2026-10-25T01:30", "fold", "2026-10-25T00:30", "2026-10-25T01:30"),  # negative DST in tzdata
    (
        "America/Asuncion",
        "2025-03-23T00:30",
        "plain",
        "2025-03-23T03:30",
        "2025-03-23T00:30",
    ),  # permanent DST since 2024
    ("Asia/Gaza", "2026-03-28T02:30", "gap", "2026-03-28T00:30", "2026-03-28T03:30"),  # Ramadan-dependent rules
]


class TestResolving:
    @pytest.mark.parametrize(("place", "asked", "kind", "instant", "shown"), CASES)
    def test_knows_the_nights_of_the_world(self, place: str, asked: str, kind: str, instant: str, shown: str) -> None:
        found = resolve_local(datetime.fromisoformat(asked), place)

        assert found.at == datetime.fromisoformat(instant).replace(tzinfo=UTC)
        assert found.local == datetime.fromisoformat(shown)
        assert (found.shifted, found.folded) == (kind == "gap", kind == "fold")

    def test_keeps_nine_at_nine_when_the_clocks_move(self) -> None:
        at_nine = [resolve(date(2026, 10, day), time(9), "Europe/Berlin") for day in (24, 25, 26)]

        assert [each.local.hour for each in at_nine] == [9, 9, 9]
        assert [each.at.hour for each in at_nine] == [7, 8, 8]

    @given(
        local=st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001  wall-clock times
        place=st.sampled_from(sorted({case[0] for case in CASES})),
    )
    def test_says_what_the_clock_shows_at_the_instant(self, local: datetime, place: str) -> None:
        found = resolve_local(local, place)

        assert found.at.astimezone(zone(place)).replace(tzinfo=None) == found.local
        assert found.shifted == (found.local != local)
        assert found.local >= local
        assert not (found.shifted and found.folded)

    @given(
        local=st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31)),  # noqa: DTZ001  wall-clock times
        place=st.sampled_from(sorted({case[0] for case in CASES})),
    )
    def test_takes_the_first_of_two(self, local: datetime, place: str) -> None:
        found = resolve_local(local, place)
        earlier = [each for each in _hours_before(found.at) if _shown(each, place) == found.local]

        assert earlier == []


class TestDaysThatAreLeftOut:
    def test_knows_the_day_that_samoa_never_had(self) -> None:
        day = date(2011, 12, 30)

        assert left_out(day, resolve(day, time(12), "Pacific/Apia"))
        assert left_out(day, resolve(day, time(), "Pacific/Apia"))

    def test_takes_no_night_for_one(self) -> None:
        day = date(2018, 11, 4)

        assert not left_out(day, resolve(day, time(), "America/Sao_Paulo"))
        assert not left_out(day, resolve(day, time(9), "America/Sao_Paulo"))


def _hours_before(moment: datetime) -> Iterator[datetime]:
    return (moment - timedelta(minutes=minutes) for minutes in (30, 60, 120, 180))


def _shown(moment: datetime, place: str) -> datetime:
    return moment.astimezone(zone(place)).replace(tzinfo=None)
