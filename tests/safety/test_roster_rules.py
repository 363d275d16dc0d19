"""Who is on call, when the clinic is staffed and until when somebody must have answered, as tables."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.fields import zone
from app.protocols.safety_figures import Within
from app.safety.roster_rules import (
    OnCall,
    Roster,
    Shift,
    Span,
    Staffed,
    acknowledge_by,
    after_minutes,
    is_staffed,
    on_call_at,
    staffed_next,
    staffed_until,
    waits,
)

A, B, C = (OnCall(UUID(int=number)) for number in (1, 2, 3))
DAYS = Span(time(8), time(18))
NIGHTS = Span(time(20), time(8))
WHOLE = Span(time(0), time(0))
WEEKDAYS = tuple(Staffed(day, DAYS) for day in range(5))


def berlin(**but: Any) -> Roster:
    return Roster(**({"time_zone": "Europe/Berlin", "staffed": WEEKDAYS} | but))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


class TestOnCallAt:
    """Monday is 2026-11-23; Berlin is an hour ahead of UTC."""

    @pytest.mark.parametrize(
        ("moment", "who"),
        [
            ("2026-11-23T18:59:59", None),
            ("2026-11-23T19:00:00", A),  # 20:00 there
            ("2026-11-23T23:30:00", A),  # past midnight there
            ("2026-11-24T06:59:59", A),
            ("2026-11-24T07:00:00", None),  # an end is not part of the shift
            ("2026-11-22T23:30:00", None),  # Monday 00:30 there: Sunday's night has nobody
            ("2026-11-30T19:00:00", A),  # every week
        ],
    )
    def test_a_night_lasts_into_the_next_day(self, moment: str, who: OnCall | None) -> None:
        assert on_call_at(berlin(shifts=(Shift(NIGHTS, A, weekday=0),)), utc(moment)) == who

    def test_the_same_time_twice_is_a_whole_day(self) -> None:
        roster = berlin(shifts=(Shift(WHOLE, A, weekday=0),))

        assert on_call_at(roster, utc("2026-11-22T23:00:00")) == A
        assert on_call_at(roster, utc("2026-11-23T22:59:59")) == A
        assert on_call_at(roster, utc("2026-11-23T23:00:00")) is None

    def test_a_shift_of_that_very_day_goes_before_those_of_every_week(self) -> None:
        noon = Span(time(10), time(14))
        shifts = (Shift(noon, B, day=date(2026, 11, 23)), *(Shift(WHOLE, A, weekday=day) for day in range(7)))
        roster = berlin(shifts=shifts)

        told = [on_call_at(roster, at(f"2026-11-23T{hour}+01:00")) for hour in ("09:59", "10:00", "13:59", "14:00")]
        assert told == [A, B, B, A]
        assert on_call_at(roster, at("2026-11-30T12:00+01:00")) == A

    def test_of_two_that_overlap_the_one_that_began_last_counts(self) -> None:
        roster = berlin(shifts=(Shift(WHOLE, A, weekday=0), Shift(DAYS, B, weekday=0)))

        assert on_call_at(roster, at("2026-11-23T12:00+01:00")) == B
        assert on_call_at(roster, at("2026-11-23T07:00+01:00")) == A

    def test_whoever_is_on_call_is_so_on_closed_days_too(self) -> None:
        monday = date(2026, 11, 23)
        roster = berlin(shifts=(Shift(DAYS, A, weekday=0),), closed_on=frozenset({monday}))

        assert on_call_at(roster, at("2026-11-23T12:00+01:00")) == A

    def test_nobody_without_shifts(self) -> None:
        assert on_call_at(berlin(), at("2026-11-23T12:00+01:00")) is None


class TestClocksChange:
    """In Berlin 2026-03-29 has no hour from 2 to 3, and 2026-10-25 has it twice."""

    @pytest.mark.parametrize(
        ("day", "begins", "ends", "hours"),
        [
            ("2026-03-28", "2026-03-28T19:00:00", "2026-03-29T06:00:00", 11),
            ("2026-10-24", "2026-10-24T18:00:00", "2026-10-25T07:00:00", 13),
            ("2026-06-20", "2026-06-20T18:00:00", "2026-06-21T06:00:00", 12),
        ],
    )
    def test_a_night_from_20_to_8_is_one_by_the_clock_on_the_wall(
        self, day: str, begins: str, ends: str, hours: int
    ) -> None:
        assert NIGHTS.on(date.fromisoformat(day), "Europe/Berlin") == (utc(begins), utc(ends))
        assert utc(ends) - utc(begins) == timedelta(hours=hours)

    def test_shifts_that_meet_in_the_hour_that_is_left_out_leave_no_gap(self) -> None:
        early, late = Span(time(0), time(2, 30)), Span(time(2, 30), time(6))
        roster = berlin(shifts=(Shift(early, A, weekday=6), Shift(late, B, weekday=6)))
        night = [utc("2026-03-28T23:00:00") + timedelta(minutes=number) for number in range(5 * 60)]

        assert {on_call_at(roster, moment) for moment in night} == {A, B}

    def test_shifts_that_meet_in_the_hour_that_comes_twice_leave_no_gap(self) -> None:
        early, late = Span(time(0), time(2, 30)), Span(time(2, 30), time(6))
        roster = berlin(shifts=(Shift(early, A, weekday=6), Shift(late, B, weekday=6)))
        night = [utc("2026-10-24T22:00:00") + timedelta(minutes=number) for number in range(7 * 60)]

        assert [on_call_at(roster, moment) for moment in night].count(None) == 0

    @pytest.mark.parametrize("month", [3, 10])
    def test_staffed_hours_begin_at_eight_before_and_after(self, month: int) -> None:
        sunday = date(2026, month, 29 if month == 3 else 25)
        friday = datetime.combine(sunday - timedelta(days=2), time(18), UTC)

        begins = staffed_next(berlin(), friday)

        assert begins is not None
        place = begins.astimezone(zone("Europe/Berlin"))
        assert (place.date(), place.time()) == (sunday + timedelta(days=1), time(8))

    def test_a_minute_is_a_minute_in_a_night_that_is_staffed(self) -> None:
        roster = berlin(staffed=tuple(Staffed(day, NIGHTS) for day in range(7)))

        assert after_minutes(roster, utc("2026-03-29T00:50:00"), 15) == utc("2026-03-29T01:05:00")
        assert after_minutes(roster, utc("2026-10-25T00:50:00"), 15) == utc("2026-10-25T01:05:00")


class TestStaffed:
    @pytest.mark.parametrize(
        ("moment", "until", "following"),
        [
            ("2026-11-23T07:59:59+01:00", None, "2026-11-23T08:00+01:00"),
            ("2026-11-23T08:00+01:00", "2026-11-23T18:00+01:00", "2026-11-24T08:00+01:00"),
            ("2026-11-23T17:59:59+01:00", "2026-11-23T18:00+01:00", "2026-11-24T08:00+01:00"),
            ("2026-11-23T18:00+01:00", None, "2026-11-24T08:00+01:00"),
            ("2026-11-27T18:00+01:00", None, "2026-11-30T08:00+01:00"),  # Friday evening
        ],
    )
    def test_at_and_beside_its_ends(self, moment: str, until: str | None, following: str) -> None:
        assert staffed_until(berlin(), at(moment)) == (at(until) if until else None)
        assert is_staffed(berlin(), at(moment)) is (until is not None)
        assert staffed_next(berlin(), at(moment)) == at(following)

    def test_not_on_days_when_the_clinic_is_closed(self) -> None:
        roster = berlin(closed_on=frozenset({date(2026, 11, 24), date(2026, 11, 25)}))

        assert staffed_next(roster, at("2026-11-23T19:00+01:00")) == at("2026-11-26T08:00+01:00")
        assert not is_staffed(roster, at("2026-11-24T12:00+01:00"))

    def test_hours_that_meet_are_one(self) -> None:
        split = (Staffed(0, Span(time(8), time(12))), Staffed(0, Span(time(12), time(18))))

        assert staffed_until(berlin(staffed=split), at("2026-11-23T09:00+01:00")) == at("2026-11-23T18:00+01:00")

    def test_always_and_never(self) -> None:
        always = berlin(staffed=tuple(Staffed(day, WHOLE) for day in range(7)))
        moment = at("2026-11-23T12:00+01:00")

        assert is_staffed(always, moment)
        assert (staffed_next(always, moment), staffed_until(always, moment)) == (None, None)
        assert (staffed_next(berlin(staffed=()), moment), staffed_until(berlin(staffed=()), moment)) == (None, None)

    def test_only_a_clinic_that_promises_nothing_outside_its_hours_waits_for_them(self) -> None:
        night = at("2026-11-23T22:00+01:00")

        assert waits(berlin(), night)
        assert not waits(berlin(), at("2026-11-23T12:00+01:00"))
        assert not waits(berlin(outside_hours="on_call"), night)
        assert not waits(berlin(staffed=()), night)


class TestAcknowledgeBy:
    """A clinic that is staffed from 8 to 18 on weekdays and promises nothing beside."""

    @pytest.mark.parametrize(
        ("raised", "within", "by"),
        [
            ("2026-11-23T10:00+01:00", "now", "2026-11-23T10:00+01:00"),
            ("2026-11-23T10:00+01:00", "15_minutes", "2026-11-23T10:15+01:00"),
            ("2026-11-23T10:00+01:00", "60_minutes", "2026-11-23T11:00+01:00"),
            ("2026-11-23T10:00+01:00", "2_hours", "2026-11-23T12:00+01:00"),
            ("2026-11-23T10:00+01:00", "4_hours", "2026-11-23T14:00+01:00"),
            ("2026-11-23T17:00+01:00", "60_minutes", "2026-11-23T18:00+01:00"),
            ("2026-11-23T17:50+01:00", "15_minutes", "2026-11-24T08:05+01:00"),  # the rest tomorrow
            ("2026-11-23T17:00+01:00", "4_hours", "2026-11-24T11:00+01:00"),
            ("2026-11-27T17:00+01:00", "4_hours", "2026-11-30T11:00+01:00"),  # over the weekend
            ("2026-11-23T22:00+01:00", "now", "2026-11-24T08:00+01:00"),
            ("2026-11-23T22:00+01:00", "15_minutes", "2026-11-24T08:15+01:00"),
            ("2026-11-23T10:00+01:00", "same_day", "2026-11-23T18:00+01:00"),
            ("2026-11-23T07:00+01:00", "same_day", "2026-11-23T18:00+01:00"),
            ("2026-11-23T18:00+01:00", "same_day", "2026-11-24T18:00+01:00"),  # that day is over
            ("2026-11-28T12:00+01:00", "same_day", "2026-11-30T18:00+01:00"),  # a Saturday
            ("2026-11-23T10:00+01:00", "next_day", "2026-11-24T18:00+01:00"),
            ("2026-11-23T22:00+01:00", "next_day", "2026-11-24T18:00+01:00"),
            ("2026-11-27T10:00+01:00", "next_day", "2026-11-30T18:00+01:00"),
            ("2026-11-28T10:00+01:00", "next_day", "2026-11-30T18:00+01:00"),
            ("2026-11-23T10:00+01:00", "2_days", "2026-11-25T18:00+01:00"),
            ("2026-11-26T10:00+01:00", "2_days", "2026-11-30T18:00+01:00"),
        ],
    )
    def test_counts_the_hours_in_which_somebody_is_there(self, raised: str, within: Within, by: str) -> None:
        assert acknowledge_by(at(raised), within, berlin()) == at(by)

    @pytest.mark.parametrize(
        ("raised", "within", "by"),
        [
            ("2026-11-23T22:00+01:00", "15_minutes", "2026-11-23T22:15+01:00"),
            ("2026-11-23T22:00+01:00", "now", "2026-11-23T22:00+01:00"),
            ("2026-11-23T17:00+01:00", "4_hours", "2026-11-23T21:00+01:00"),
            ("2026-11-23T22:00+01:00", "same_day", "2026-11-24T18:00+01:00"),  # days are working days all the same
        ],
    )
    def test_counts_every_minute_where_somebody_is_always_on_call(self, raised: str, within: Within, by: str) -> None:
        assert acknowledge_by(at(raised), within, berlin(outside_hours="on_call")) == at(by)

    @pytest.mark.parametrize(
        ("raised", "within", "by"),
        [
            ("2026-11-28T22:00+01:00", "15_minutes", "2026-11-28T22:15+01:00"),
            ("2026-11-28T22:00+01:00", "same_day", "2026-11-29T00:00+01:00"),
            ("2026-11-28T22:00+01:00", "next_day", "2026-11-30T00:00+01:00"),
            ("2026-11-28T22:00+01:00", "2_days", "2026-12-01T00:00+01:00"),
            ("2026-10-25T10:00+01:00", "same_day", "2026-10-26T00:00+01:00"),  # a day of 25 hours
        ],
    )
    def test_counts_days_of_the_calendar_where_nobody_has_said_when_anybody_is_there(
        self, raised: str, within: Within, by: str
    ) -> None:
        assert acknowledge_by(at(raised), within, berlin(staffed=())) == at(by)

    def test_skips_days_when_the_clinic_is_closed(self) -> None:
        roster = berlin(closed_on=frozenset({date(2026, 11, 24)}))

        assert acknowledge_by(at("2026-11-23T10:00+01:00"), "next_day", roster) == at("2026-11-25T18:00+01:00")
