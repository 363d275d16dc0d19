"""The wire types: what they take, and how they are written."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.core.fields import EARLIEST, LATEST, Day, Moment, TimeZoneName, WallTime, Whole, instant_text, zone

MOMENTS, DAYS = TypeAdapter[datetime](Moment), TypeAdapter[date](Day)
WALL_TIMES = TypeAdapter[datetime](WallTime)
ZONES, WHOLES = TypeAdapter[str](TimeZoneName), TypeAdapter[int](Whole)

OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS_ANYWHERE = st.builds(
    lambda moment, offset: moment.astimezone(offset),
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001  it adds the zone
    OFFSETS,
)


class TestMoment:
    @given(MOMENTS_ANYWHERE)
    def test_means_the_same_after_a_round_trip(self, moment: datetime) -> None:
        read = MOMENTS.validate_python(moment.isoformat())
        written = json.loads(MOMENTS.dump_json(read))

        assert read == moment
        assert MOMENTS.validate_python(written) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            (datetime(2026, 11, 22, 18, 30, 12, tzinfo=UTC), "2026-11-22T18:30:12.000Z"),
            (datetime(2026, 11, 22, 18, 30, 12, 999_999, tzinfo=UTC), "2026-11-22T18:30:12.999Z"),
            (datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T23:30:00.000Z"),
        ],
    )
    def test_is_written_in_utc_with_three_decimals(self, moment: datetime, text: str) -> None:
        assert instant_text(moment) == text

    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-22T18:30:12Z", "2026-11-22t18:30:12z", "2026-11-22T19:30:12+01:00", "2026-11-22T18:30:12.0Z",
            "2026-11-22T18:30:12.000000000Z", "2026-11-22T13:00:12-05:30",
        ],
    )  # fmt: skip
    def test_takes_every_way_of_rfc_3339(self, text: str) -> None:
        assert MOMENTS.validate_python(text) == datetime(2026, 11, 22, 18, 30, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        "value",
        [
            None, True, 0, 1790000000, 1790000000.5, "", "now", "1790000001", "2026-11-22", "2026-11-22T18:30:12",
            "2026-11-22 18:30:12Z", "20261122T183012Z", "2026-11-22T18:30Z", "2026-11-22T18:30:12+0100",
            "2026-11-22T18:30:60Z", "2026-02-30T00:00:00Z", "2026-11-22T18:30:12.Z", "2026-11-22T18:30:12Z\n",
            "+2026-11-22T18:30:12Z", "2026-11-22T18:30:12+25:00", "2026-11-22T24:00:00Z", [], {},
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            MOMENTS.validate_python(value)

        assert refused.value.errors()[0]["type"] == "instant_format"

    @pytest.mark.parametrize("text", ["1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2000-01-01T00:30:00+01:00"])
    def test_lies_between_2000_and_2100(self, text: str) -> None:
        with pytest.raises(ValidationError) as refused:
            MOMENTS.validate_python(text)

        assert refused.value.errors()[0]["type"] == "instant_range"

    def test_takes_both_ends_of_what_is_allowed(self) -> None:
        for moment in (EARLIEST, LATEST - timedelta(milliseconds=1)):
            assert MOMENTS.validate_python(instant_text(moment)) == moment


class TestDay:
    def test_takes_a_day(self) -> None:
        assert DAYS.validate_python("2026-11-22") == date(2026, 11, 22)
        assert DAYS.dump_json(date(2026, 11, 22)) == b'"2026-11-22"'
        assert DAYS.validate_python(date(2026, 11, 22)) == date(2026, 11, 22)

    @pytest.mark.parametrize(
        "value",
        [
            None, 0, 20261122, "", "2026-11-31", "1999-12-31", "2100-01-01", "2026-11-22T00:00:00Z", "22.11.2026",
            "2026-W47-7", datetime(2026, 11, 22, tzinfo=UTC),
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            DAYS.validate_python(value)


class TestTimeZoneName:
    @pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
    def test_takes_names_of_iana(self, name: str) -> None:
        assert ZONES.validate_python(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            "", "Berlin", "Europe", "europe/berlin", "../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "x" * 65,
            "CEST+1", 1, "Europe/Ber\u0000lin", ".",
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, name: Any) -> None:
        with pytest.raises(ValidationError):
            ZONES.validate_python(name)

    def test_a_zone_is_read_once(self) -> None:
        assert zone("Europe/Berlin") is zone("Europe/Berlin")


class TestWhole:
    @pytest.mark.parametrize("value", [True, False, "4", 4.0, 4.5, None, 2**53, -(2**53), [4]])
    def test_refuses_what_is_no_whole_number_or_not_held_exactly(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            WHOLES.validate_python(value)

    @pytest.mark.parametrize("value", [0, -1, 10, 2**53 - 1])
    def test_takes_whole_numbers(self, value: int) -> None:
        assert WHOLES.validate_python(value) == value


class TestWallTime:
    @pytest.mark.parametrize("text", ["2026-11-22T09:00", "2000-01-01T00:00", "2099-12-31T23:59"])
    def test_means_the_same_after_a_round_trip(self, text: str) -> None:
        assert json.loads(WALL_TIMES.dump_json(WALL_TIMES.validate_python(text))) == text

    @pytest.mark.parametrize(
        "value",
        [
            None, True, 900, "", "09:00", "2026-11-22", "2026-11-22T09:00:00", "2026-11-22T09:00Z", "2026-11-22 09:00",
            "2026-11-22T09:00+01:00", "2026-11-22T24:00", "2026-02-30T09:00", "1999-12-31T09:00", "2100-01-01T00:00",
            "२०२६-11-22T09:00", datetime(2026, 11, 22, 9, tzinfo=UTC),
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            WALL_TIMES.validate_python(value)
        assert refused.value.errors()[0]["type"] == "wall_time_format"
