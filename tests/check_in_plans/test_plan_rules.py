"""What a plan asks for and when: pure, day by day, in the nights when clocks move too."""

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.check_in_plans.plan_items import USUAL, PlanContent
from app.check_in_plans.plan_rules import (
    Occurrence,
    around,
    by_the_calendar,
    end_of,
    last_planned_day,
    moments_around,
    stable_id,
)
from app.core.fields import zone
from app.protocols.day_figures import Asking
from app.protocols.rules import Protocol
from app.protocols.session_figures import TimePoint
from tests.check_in_plans.plans import AFTER_SIX_HOURS, BY_CHANCE, FORTNIGHTLY, MORNING, WHENEVER, content

PATIENT, SESSION = UUID(int=7), UUID(int=8)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"
MINUTE = timedelta(minutes=1)


def asked(plan: PlanContent, first: date, days: int = 1, place: str = BERLIN) -> list[Occurrence]:
    return by_the_calendar(plan, PATIENT, place, first, first + timedelta(days=days - 1), Asking())


def at(*times: str) -> PlanContent:
    return content(MORNING | {"local_times": list(times)})


class TestFixedTimes:
    def test_nine_stays_nine_when_the_clocks_move(self) -> None:
        found = asked(content(MORNING), date(2026, 10, 24), days=3)

        assert [each.due_at.hour for each in found] == [7, 8, 8]
        assert {(each.local_time, each.time_zone, each.shifted) for each in found} == {("09:00", BERLIN, False)}
        assert [each.local_day.day for each in found] == [24, 25, 26]

    @pytest.mark.parametrize(
        ("place", "day", "local_time", "due_at", "shifted"),
        [
            (BERLIN, date(2026, 3, 29), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), True),
            (BERLIN, date(2026, 10, 25), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False),
            ("Antarctica/Troll", date(2026, 3, 29), "02:00", datetime(2026, 3, 29, 2, 0, tzinfo=UTC), True),
            ("America/Sao_Paulo", date(2018, 11, 4), "00:00", datetime(2018, 11, 4, 3, 0, tzinfo=UTC), True),
            ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", datetime(2026, 4, 4, 14, 45, tzinfo=UTC), False),
        ],
    )
    def test_shift_forward_and_say_so_and_take_the_first_of_two(
        self, place: str, day: date, local_time: str, due_at: datetime, shifted: bool
    ) -> None:
        (found,) = asked(at(local_time), day, place=place)

        assert (found.due_at, found.shifted, found.local_time) == (due_at, shifted, local_time)

    def test_a_day_that_a_country_left_out_asks_for_nothing(self) -> None:
        found = asked(content(MORNING), date(2011, 12, 29), days=3, place="Pacific/Apia")

        assert [each.local_day.day for each in found] == [29, 31]

    def test_only_on_their_weekdays_and_within_their_days(self) -> None:
        item = MORNING | {"weekdays": ["mon", "fri"], "starts_on": "2026-11-24", "ends_on": "2026-12-04"}

        assert [each.local_day.isoformat() for each in asked(content(item), date(2026, 11, 20), days=30)] == [
            "2026-11-27", "2026-11-30", "2026-12-04"
        ]  # fmt: skip

    def test_open_before_and_close_after_and_remind_as_the_clinic_or_the_item_says(self) -> None:
        (usual,) = asked(content(MORNING), NOON.date())
        (own,) = asked(content(MORNING | {"reminder_minutes": [-15, 60]}), NOON.date())

        assert (usual.due_at - usual.opens_at, usual.closes_at - usual.due_at) == (30 * MINUTE, 180 * MINUTE)
        assert (usual.reminders, own.reminders) == ((0,), (-15, 60))


class TestEveryNDays:
    def test_counts_from_its_first_day(self) -> None:
        found = asked(content(FORTNIGHTLY), date(2026, 10, 20), days=60)

        assert [each.local_day.isoformat() for each in found] == [
            "2026-11-01", "2026-11-15", "2026-11-29", "2026-12-13"
        ]  # fmt: skip


class TestRandomTimes:
    @given(
        day=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
        place=st.sampled_from([BERLIN, "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        patient=st.uuids(),
        first=st.integers(0, 60),
        prompts=st.integers(1, 4),
    )
    def test_lie_in_their_windows_apart_and_are_the_same_again(
        self, day: date, place: str, patient: UUID, first: int, prompts: int
    ) -> None:
        windows = [
            {"from_time": f"00:{first:02}" if first < 60 else "01:00", "until_time": "06:00", "prompts": prompts},
            {"from_time": "06:00", "until_time": "12:00", "prompts": 2},
        ]
        plan = content(BY_CHANCE | {"windows": windows})
        found = by_the_calendar(plan, patient, place, day, day, Asking())

        assert found == by_the_calendar(plan, patient, place, day, day, Asking())
        assert len(found) == prompts + 2
        local = [each.due_at.astimezone(zone(place)).replace(tzinfo=None) for each in found]
        assert all((moment.date() == day and moment.hour < 12) or moment.hour == 12 for moment in local)
        assert all(later.due_at - earlier.due_at >= 60 * MINUTE for earlier, later in itertools.pairwise(found))
        assert all(each.opens_at == each.due_at and not each.shifted for each in found)
        assert len({each.id for each in found}) == len(found)

    def test_are_not_the_same_on_two_days_or_for_two_people(self) -> None:
        def minutes(patient: int, day: date) -> list[timedelta]:
            found = by_the_calendar(content(BY_CHANCE), UUID(int=patient), BERLIN, day, day, Asking())
            return [each.due_at - datetime(day.year, day.month, day.day, tzinfo=UTC) for each in found]

        days = [date(2026, 11, day) for day in range(1, 29)]
        assert len({tuple(minutes(1, day)) for day in days}) == len(days)
        assert len({tuple(minutes(patient, days[0])) for patient in range(28)}) == 28

    def test_are_spread_over_the_window(self) -> None:
        item = BY_CHANCE | {"windows": [{"from_time": "10:00", "until_time": "14:00", "prompts": 1}]}
        found = asked(content(item), date(2026, 1, 1), days=1000)
        hours = [each.due_at.astimezone(zone(BERLIN)).hour for each in found]

        assert all(200 < hours.count(hour) < 300 for hour in (10, 11, 12, 13))

    def test_are_as_many_as_fit_in_a_window_that_a_night_made_short(self) -> None:
        item = BY_CHANCE | {"windows": [{"from_time": "01:30", "until_time": "03:30", "prompts": 3}]}
        usual, short = (len(asked(content(item), day)) for day in (date(2026, 3, 28), date(2026, 3, 29)))

        assert (usual, short) == (3, 2)


class TestIds:
    def test_follow_from_what_it_is_and_not_from_zone_window_or_version(self) -> None:
        day = NOON.date()
        (here,) = asked(content(MORNING), day)
        (there,) = asked(content(MORNING), day, place="America/New_York")
        (wider,) = asked(content(MORNING | {"closes_minutes_after": 600, "instruments": ["phq9"]}), day)
        (other_key,) = asked(content(MORNING | {"key": "early"}), day)
        (other_time,) = asked(at("09:01"), day)

        assert here.id == there.id == wider.id
        assert len({here.id, other_key.id, other_time.id, asked(content(MORNING), day, days=2)[1].id}) == 4

    @given(st.lists(st.uuids(), min_size=2, max_size=2, unique=True), st.text(max_size=5))
    def test_are_uuids_of_version_8_and_nobody_shares_one(self, people: list[UUID], key: str) -> None:
        one, other = (stable_id(person, key) for person in people)

        assert one != other
        assert (one.version, one.variant) == (8, "specified in RFC 4122")

    def test_never_change_between_releases(self) -> None:
        assert str(stable_id(PATIENT, "morning", date(2026, 11, 22), "09:00")) == "7e1cd20d-d24b-825e-bff3-a44a6cfc837d"


class TestAroundADose:
    def test_asks_for_the_patients_moments_of_the_protocol(self) -> None:
        moments = moments_around(USUAL, Protocol().readings.time_points, Asking())
        found = around(moments, PATIENT, SESSION, NOON, BERLIN)

        assert [(each.item, each.minutes_from_dose) for each in found] == [
            ("run_up_24h", -1440), ("after_40m", 40), ("after_2h", 120), ("plus_4h", 240), ("plus_24h", 1440),
            ("plus_72h", 4320), ("plus_7d", 10080), ("plus_14d", 20160),
        ]  # fmt: skip
        assert all(each.due_at == NOON + each.minutes_from_dose * MINUTE for each in found if each.minutes_from_dose)
        assert found[1].instruments == ("craving_nrs", "mood_nrs", "dissociation_brief")
        assert (found[1].local_day, found[1].local_time) == (NOON.date(), "13:40")

    def test_keeps_what_is_before_a_dose_before_it_and_what_is_after_it_after(self) -> None:
        points = [
            TimePoint(key="soon", minutes=10, tolerance_minutes=60, by="patient", wants=("vitals", "mood")),
            TimePoint(key="just_before", minutes=-10, tolerance_minutes=60, by="patient", wants=("mood",)),
            TimePoint(key="staff", minutes=40, tolerance_minutes=10, by="staff", wants=("mood",)),
            TimePoint(key="no_form", minutes=40, tolerance_minutes=10, by="patient", wants=("vitals",)),
            TimePoint(key="soon", minutes=20, tolerance_minutes=60, by="patient", wants=("mood",)),
        ]
        before, after = around(moments_around(USUAL, points, Asking()), PATIENT, SESSION, NOON, BERLIN)

        assert (before.item, before.closes_at) == ("just_before", NOON)
        assert (after.item, after.opens_at, after.instruments) == ("soon", NOON, ("mood_nrs",))

    def test_an_item_takes_the_place_of_the_time_point_with_its_key(self) -> None:
        points = Protocol().readings.time_points
        own = AFTER_SIX_HOURS | {"key": "plus_4h"}
        keys = {each.key: each.minutes for each in moments_around(content(own, WHENEVER), points, Asking())}
        alone = moments_around(content(own, around_doses=False), points, Asking())

        assert (len(keys), keys["plus_4h"]) == (8, 360)
        assert [each.key for each in alone] == ["plus_4h"]

    def test_keeps_its_ids_when_the_dose_moves(self) -> None:
        moments = moments_around(USUAL, Protocol().readings.time_points, Asking())
        here, moved = (around(moments, PATIENT, SESSION, each, BERLIN) for each in (NOON, NOON + 99 * MINUTE))

        assert [each.id for each in here] == [each.id for each in moved]
        assert {m.due_at - h.due_at for h, m in zip(here, moved, strict=True)} == {99 * MINUTE}

    def test_moves_across_the_night_in_which_clocks_move_by_real_hours(self) -> None:
        moments = moments_around(USUAL, Protocol().readings.time_points, Asking())
        dose = datetime(2026, 10, 24, 8, tzinfo=UTC)
        day_after = next(each for each in around(moments, PATIENT, SESSION, dose, BERLIN) if each.item == "plus_24h")

        assert day_after.due_at - dose == timedelta(hours=24)
        assert day_after.local_time == "09:00"  # the dose was at ten


class TestHowFar:
    def test_is_the_end_of_a_local_day(self) -> None:
        last = last_planned_day(NOON, "Pacific/Auckland", Asking())

        assert last == date(2026, 12, 23)
        assert end_of(last, "Pacific/Auckland") == datetime(2026, 12, 23, 11, tzinfo=UTC)
