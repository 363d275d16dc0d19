"""Recurrence rules: what is one, what is refused, and what they give where clocks move."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.appointments import recurrence
from app.core.errors import InvalidRequest

MONDAY = datetime(2026, 3, 2, 9)  # noqa: DTZ001  by the clock on the wall
BERLIN = "Europe/Berlin"
MOST = 400
QUICK = 0.2
"""Seconds of the processor's time; looking until the year 9999 takes three."""


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def given_by(rule: str, first: str, zone: str = BERLIN, most: int = MOST) -> list[recurrence.Instance]:
    first_at = local(first)
    return recurrence.instances(recurrence.check(rule, first_at, zone, most), first_at, zone, most=most)[0]


def days(rule: str, first: str, zone: str = BERLIN) -> list[str]:
    return [instance.day.isoformat() for instance in given_by(rule, first, zone)]


def refusal(rule: str, first_at: datetime = MONDAY, zone: str = BERLIN, most: int = MOST) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        recurrence.check(rule, first_at, zone, most)
    (fault,) = refused.value.errors
    return fault.pointer, fault.code


class TestRead:
    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("FREQ=DAILY", "FREQ=DAILY"),
            ("freq=weekly;byday=mo,th;count=12", "FREQ=WEEKLY;COUNT=12;BYDAY=MO,TH"),
            ("COUNT=3;FREQ=DAILY;INTERVAL=1", "FREQ=DAILY;COUNT=3"),
            ("FREQ=MONTHLY;INTERVAL=2;BYDAY=2MO,-1FR", "FREQ=MONTHLY;INTERVAL=2;BYDAY=2MO,-1FR"),
            ("FREQ=MONTHLY;BYDAY=+1MO", "FREQ=MONTHLY;BYDAY=1MO"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1,15", "FREQ=MONTHLY;BYMONTHDAY=-1,15"),
            ("FREQ=YEARLY;BYMONTH=3,9;BYDAY=MO;BYSETPOS=1", "FREQ=YEARLY;BYDAY=MO;BYMONTH=3,9;BYSETPOS=1"),
            ("FREQ=WEEKLY;UNTIL=20261231", "FREQ=WEEKLY;UNTIL=20261231"),
            ("FREQ=WEEKLY;UNTIL=20261231T220000Z;WKST=SU", "FREQ=WEEKLY;UNTIL=20261231T220000Z;WKST=SU"),
            ("FREQ=WEEKLY;BYDAY=MO,MO", "FREQ=WEEKLY;BYDAY=MO"),
        ],
    )
    def test_is_written_in_one_way(self, text: str, written: str) -> None:
        rule = recurrence.read(text)
        assert str(rule) == written
        assert recurrence.read(written) == rule

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "WEEKLY",
            "RRULE:FREQ=DAILY",
            "FREQ=FORTNIGHTLY",
            "FREQ=",
            "FREQ=DAILY;",
            "COUNT=3",
            "FREQ=DAILY;FREQ=WEEKLY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;COUNT=1.5",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=367",
            "FREQ=DAILY;COUNT=2;UNTIL=20261231",
            "FREQ=DAILY;UNTIL=2026-12-31",
            "FREQ=DAILY;UNTIL=20261231T220000",
            "FREQ=DAILY;UNTIL=20261332",
            "FREQ=DAILY;UNTIL=99991231T235959Z",
            "FREQ=DAILY;UNTIL=00010101T000000Z",
            "FREQ=DAILY;BYDAY=XX",
            "FREQ=DAILY;BYDAY=1MO",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYDAY=54MO",
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=YEARLY;BYMONTH=-1",
            "FREQ=MONTHLY;BYSETPOS=1",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0",
            "FREQ=WEEKLY;WKST=1",
            "FREQ=WEEKLY;X-HOW=1",
            "FREQ=WEEKLY\r\nEXDATE=20260302",
            "FREQ=DAILY;COUNT=१",
            "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 400),
        ],
    )
    def test_refuses_what_is_no_rule(self, text: str) -> None:
        assert refusal(text) == ("/rule", "illegal_rule")

    @pytest.mark.parametrize(
        "text",
        ["FREQ=HOURLY", "FREQ=MINUTELY;COUNT=2", "FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=9,17", "FREQ=DAILY;BYMINUTE=1"],
    )
    def test_refuses_what_repeats_within_a_day(self, text: str) -> None:
        assert refusal(text) == ("/rule", "too_often")

    @pytest.mark.parametrize(
        "text", ["FREQ=YEARLY;BYWEEKNO=20", "FREQ=YEARLY;BYYEARDAY=100", "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1"]
    )
    def test_says_what_it_does_not_read(self, text: str) -> None:
        assert refusal(text) == ("/rule", "unsupported_part")


class TestCheck:
    @pytest.mark.parametrize(
        "text",
        [
            "FREQ=WEEKLY;BYDAY=TU",
            "FREQ=MONTHLY;BYMONTHDAY=3",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "FREQ=YEARLY;BYMONTH=4",
            "FREQ=MONTHLY;BYDAY=2MO",
            "FREQ=YEARLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2",
            "FREQ=YEARLY;BYDAY=MO;BYSETPOS=1",
            "FREQ=YEARLY;BYMONTH=3,9;BYDAY=MO;BYSETPOS=2",
        ],
    )
    def test_refuses_a_rule_that_begins_on_another_day(self, text: str) -> None:
        assert refusal(text) == ("/first_at", "not_in_rule")

    @pytest.mark.parametrize(
        "text",
        [
            "FREQ=WEEKLY;BYDAY=MO",
            "FREQ=MONTHLY;BYMONTHDAY=2,-30",
            "FREQ=MONTHLY;BYMONTHDAY=-30",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=1MO",
            "FREQ=YEARLY;BYDAY=9MO",
            "FREQ=YEARLY;BYDAY=-44MO",
            "FREQ=MONTHLY;BYDAY=1MO,3TU",
            "FREQ=MONTHLY;BYDAY=-5MO",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-10",
            "FREQ=YEARLY;BYDAY=MO;BYSETPOS=9",
            "FREQ=YEARLY;BYMONTH=3,9;BYSETPOS=1",
            "FREQ=YEARLY;BYMONTH=1,3;BYSETPOS=-1",
        ],
    )
    def test_takes_one_that_begins_with_its_first_day(self, text: str) -> None:
        assert given_by(text, MONDAY.isoformat())[0].local == MONDAY

    @pytest.mark.parametrize(
        "text",
        ["FREQ=DAILY;COUNT=401", "FREQ=DAILY;COUNT=10000", "FREQ=DAILY;COUNT=999999999", "FREQ=DAILY;UNTIL=20991231"],
    )
    def test_refuses_ten_thousand_at_once(self, text: str) -> None:
        began = time.process_time()
        assert refusal(text) == ("/rule", "too_many_repetitions")
        assert time.process_time() - began < QUICK

    def test_takes_as_many_as_the_clinic_allows(self) -> None:
        assert len(given_by("FREQ=DAILY;COUNT=400", MONDAY.isoformat())) == MOST
        assert refusal("FREQ=DAILY;COUNT=13", most=12) == ("/rule", "too_many_repetitions")

    @pytest.mark.parametrize(
        "text",
        [
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYDAY=MO;BYMONTHDAY=31;BYMONTH=4",
            "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=31",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=1MO;BYSETPOS=366",
        ],
    )
    def test_does_not_look_for_what_never_comes(self, text: str) -> None:
        began = time.process_time()
        assert refusal(text) == ("/first_at", "not_in_rule")
        assert time.process_time() - began < QUICK

    def test_refuses_an_end_before_the_first(self) -> None:
        assert refusal("FREQ=DAILY;UNTIL=20260301") == ("/rule", "ends_before_start")

    @pytest.mark.parametrize("until", ["20260304", "20260304T080000Z"])
    def test_ends_with_the_day_or_the_instant_that_it_names(self, until: str) -> None:
        assert days(f"FREQ=DAILY;UNTIL={until}", "2026-03-02T09:00") == ["2026-03-02", "2026-03-03", "2026-03-04"]

    def test_ends_before_an_instant_that_comes_later(self) -> None:
        assert days("FREQ=DAILY;UNTIL=20260304T075959Z", "2026-03-02T09:00") == ["2026-03-02", "2026-03-03"]


class TestLeftOut:
    def test_takes_days_of_the_rule(self) -> None:
        rule = recurrence.read("FREQ=WEEKLY")
        recurrence.check_left_out([date(2026, 3, 9), date(2026, 3, 16)], rule, MONDAY, BERLIN, MOST)

    def test_points_at_days_on_which_nothing_would_be(self) -> None:
        rule = recurrence.read("FREQ=WEEKLY;COUNT=2")
        with pytest.raises(InvalidRequest) as refused:
            recurrence.check_left_out([date(2026, 3, 9), date(2026, 3, 16)], rule, MONDAY, BERLIN, MOST)
        assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/left_out/1", "not_in_rule")]


class TestInstances:
    def test_nine_stays_nine(self) -> None:
        found = given_by("FREQ=WEEKLY;COUNT=3", "2026-03-21T09:00")
        assert [instance.at.strftime("%m-%d %H:%M") for instance in found] == [
            "03-21 08:00",
            "03-28 08:00",
            "04-04 07:00",
        ]
        assert not any(instance.resolved.shifted or instance.resolved.folded for instance in found)

    def test_a_gap_shifts_forward_and_says_so_once(self) -> None:
        found = given_by("FREQ=DAILY;COUNT=3", "2026-03-28T02:30")
        assert [instance.at.strftime("%d %H:%M") for instance in found] == ["28 01:30", "29 01:30", "30 00:30"]
        assert [instance.resolved.shifted for instance in found] == [False, True, False]
        assert found[1].resolved.local == local("2026-03-29T03:30")
        assert found[1].local == local("2026-03-29T02:30")

    def test_of_a_time_that_comes_twice_the_first_is_taken(self) -> None:
        found = given_by("FREQ=DAILY;COUNT=3", "2026-10-24T02:30")
        assert [instance.at.strftime("%d %H:%M") for instance in found] == ["24 00:30", "25 00:30", "26 01:30"]
        assert [instance.resolved.folded for instance in found] == [False, True, False]

    def test_leaves_out_a_day_that_a_country_left_out(self) -> None:
        assert days("FREQ=DAILY;UNTIL=20111231", "2011-12-29T09:00", "Pacific/Apia") == ["2011-12-29", "2011-12-31"]

    def test_stops_where_it_is_told_to_and_says_whether_that_is_all(self) -> None:
        rule = recurrence.read("FREQ=WEEKLY")
        until = datetime(2026, 3, 16, 8, tzinfo=UTC)
        within, whole = recurrence.instances(rule, MONDAY, BERLIN, most=MOST, until=until)
        assert [instance.day.day for instance in within] == [2, 9]
        assert not whole

    def test_says_so_when_it_gave_all(self) -> None:
        rule = recurrence.read("FREQ=WEEKLY;COUNT=2")
        assert recurrence.instances(rule, MONDAY, BERLIN, most=MOST)[1]
        assert recurrence.instances(rule, MONDAY, BERLIN, most=MOST, until=datetime(2027, 1, 1, tzinfo=UTC))[1]

    def test_what_never_ends_ends_with_what_the_clinic_allows(self) -> None:
        rule = recurrence.read("FREQ=DAILY")
        within, whole = recurrence.instances(rule, MONDAY, BERLIN, most=5, until=datetime(2099, 1, 1, tzinfo=UTC))
        assert (len(within), whole) == (5, True)


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@st.composite
def a_rule(draw: st.DrawFn) -> tuple[str, datetime, str]:
    """A rule, its first begin on the wall clock (half of them in the small hours), and a zone."""
    hour = draw(st.one_of(st.integers(0, 3), st.integers(0, 23)))
    day = draw(st.dates(date(2024, 1, 1), date(2027, 12, 31)))
    first = datetime(day.year, day.month, day.day, hour, draw(st.sampled_from([0, 15, 30, 59])))  # noqa: DTZ001
    this, n = WEEKDAYS[day.weekday()], (day.day - 1) // 7 + 1
    others = ",".join(draw(st.lists(st.sampled_from(WEEKDAYS), max_size=3)))
    and_others = f",{others}" if others else ""
    rule = draw(
        st.sampled_from(
            [
                "FREQ=DAILY",
                "FREQ=WEEKLY",
                f"FREQ=WEEKLY;BYDAY={this}{and_others}",
                f"FREQ=WEEKLY;BYDAY={this}{and_others};WKST=SU",
                "FREQ=MONTHLY",
                f"FREQ=MONTHLY;BYDAY={n}{this}",
                f"FREQ=MONTHLY;BYMONTHDAY={day.day},-1",
                f"FREQ=YEARLY;BYMONTH={day.month};BYDAY={n}{this}",
                f"FREQ=DAILY;BYDAY={this}{and_others}",
            ]
        )
    )
    interval = draw(st.sampled_from([1, 1, 2, 3]))
    end = draw(
        st.one_of(
            st.integers(1, 30).map(lambda count: f";COUNT={count}"),
            st.integers(1, 300).map(lambda after: f";UNTIL={day + timedelta(days=after):%Y%m%d}T{hour:02d}0000Z"),
        )
    )
    return f"{rule};INTERVAL={interval}{end}", first, draw(st.sampled_from(ZONES))


class TestSecondOpinion:
    """`recurring-ical-events` reads the same series from a calendar file, and is asked which instants it gives."""

    @settings(max_examples=60)
    @given(what=a_rule(), spared=st.sets(st.integers(0, 29), max_size=3))
    def test_both_give_the_same_instants(self, what: tuple[str, datetime, str], spared: set[int]) -> None:
        text, first, zone = what
        try:
            rule = recurrence.check(text, first, zone, 500)
        except InvalidRequest as refused:
            assert refused.errors[0].code == "ends_before_start"  # noqa: PT017  all else is in order
            return
        found, whole = recurrence.instances(rule, first, zone, most=500)
        left_out = [instance.local for n, instance in enumerate(found) if n in spared]
        expected = [instance.at for n, instance in enumerate(found) if n not in spared]
        assert whole
        assert in_calendar(str(rule), first, zone, left_out, until=found[-1].at) == expected


def in_calendar(rule: str, first: datetime, zone: str, left_out: list[datetime], until: datetime) -> list[datetime]:
    """The begins of a series as somebody else reads them from an ICS file."""
    import icalendar
    import recurring_ical_events  # type: ignore[import-untyped]  # it has no types

    stamps = "".join(f"EXDATE;TZID={zone}:{at:%Y%m%dT%H%M%S}\r\n" for at in left_out)
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART;TZID={zone}:{first:%Y%m%dT%H%M%S}\r\nDURATION:PT50M\r\nRRULE:{rule}\r\n{stamps}"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendar: Any = icalendar.Calendar.from_ical(text)
    events = recurring_ical_events.of(calendar).between(first - timedelta(days=2), until + timedelta(days=40))
    return sorted({event["DTSTART"].dt.astimezone(UTC) for event in events})
