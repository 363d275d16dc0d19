from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.dosing.observation_plan import Plan, PointState, Span, Taken, plan, planned
from app.protocols.session_figures import Readings, Wanted
from tests.factories import an_id

BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)
FIGURES = Readings()
NAMED_ONLY = Readings(every_minutes_while_dosing=600, afterwards_minutes=1)
ALL: tuple[Wanted, ...] = ("vitals", "dissociation", "moaas", "aldrete")


def when(minutes: float) -> datetime:
    return BEGUN + timedelta(minutes=minutes)


def taken(minutes: float, *holds: Wanted) -> Taken:
    return Taken(an_id(), when(minutes), frozenset(holds or ALL))


def span(ended: float | None = 40, gone: float | None = None, **but: Any) -> Span:
    known: dict[str, Any] = {
        "begins_at": BEGUN,
        "has_begun": True,
        "ended_at": None if ended is None else when(ended),
        "gone_at": None if gone is None else when(gone),
    }
    return Span(**(known | but))


def states(found: Plan) -> dict[str, PointState]:
    return {point.planned.key: point.state for point in found.points}


def keys(span: Span, now: float = 300) -> list[str]:
    return [point.key for point in planned(span, FIGURES, when(now))]


class TestPlanned:
    def test_is_the_protocols_own_before_a_dose(self) -> None:
        assert keys(span(has_begun=False, ended_at=None)) == ["before", "plus_40", "plus_80", "plus_120"]

    def test_adds_regular_vital_signs_while_it_is_given_and_for_an_hour_after(self) -> None:
        assert keys(span(ended=35)) == [
            "before", "vitals_10", "vitals_20", "vitals_30", "plus_40", "vitals_50", "vitals_65",
            "plus_80", "vitals_95", "plus_120",
        ]  # fmt: skip

    def test_knows_of_the_next_one_while_it_is_given(self) -> None:
        assert keys(span(ended=None), now=24) == [
            "before", "vitals_10", "vitals_20", "vitals_30", "plus_40", "plus_80", "plus_120",
        ]  # fmt: skip

    def test_asks_for_nothing_twice(self) -> None:
        regular = [point.minutes for point in planned(span(ended=120), FIGURES, when(300)) if point.regular]

        assert not {35, 40, 45, 75, 80, 85, 115, 120, 125} & set(regular)

    def test_ends_with_a_dose_that_nobody_ended(self) -> None:
        assert len(keys(span(ended=None), now=60 * 24 * 30)) < 200

    def test_is_the_clinics_own(self) -> None:
        own = Readings.model_validate({"time_points": [], "every_minutes_while_dosing": 20, "afterwards_minutes": 15})

        assert [point.minutes for point in planned(span(ended=40), own, when(0))] == [20, 40, 55]


class TestStates:
    def test_change_as_time_goes_by(self) -> None:
        for now, state in ((29, "expected"), (30, "due"), (50, "due"), (50.1, "missing")):
            assert states(plan(span(), FIGURES, [], when(now)))["plus_40"] == state

    def test_tell_what_was_recorded_in_time_and_what_late(self) -> None:
        late = (50.1, "late"), (64.9, "late")  # from 65 on it serves the next one
        for minute, state in ((29.9, "missing"), (30, "recorded"), (50, "recorded"), *late, (65, "missing")):
            assert states(plan(span(), NAMED_ONLY, [taken(minute)], when(300)))["plus_40"] == state

    def test_do_not_take_a_reading_that_lacks_what_is_wanted(self) -> None:
        found = plan(span(), FIGURES, [taken(40, "vitals", "moaas"), taken(41, "dissociation")], when(300))

        assert states(found)["plus_40"] == "missing"
        assert len(found.unplanned) == 2

    def test_of_the_time_before_end_with_the_dose(self) -> None:
        assert states(plan(span(), FIGURES, [taken(1)], when(300)))["before"] == "missing"
        assert states(plan(span(), FIGURES, [taken(0)], when(300)))["before"] == "recorded"

    def test_are_not_asked_for_once_the_patient_is_gone(self) -> None:
        assert set(states(plan(span(gone=42), FIGURES, [], when(300)))) == {
            "before",
            "vitals_10",
            "vitals_20",
            "plus_40",
        } | {"vitals_30"}

    def test_follow_the_elsewhere_wanted_only_as_far_as_readings_go(self) -> None:
        """The moment before the dose wants the C-SSRS as well, which is answered in a check-in."""
        assert states(plan(span(), FIGURES, [taken(-30, "vitals", "dissociation")], when(0)))["before"] == "recorded"


class TestMatching:
    def test_serves_as_many_as_it_can(self) -> None:
        """The nearest is not always the best: +44 is nearer to +40, but only it can serve it as well as +45."""
        figures = Readings.model_validate(
            {
                "time_points": [
                    {"key": "one", "minutes": 40, "tolerance_minutes": 5, "wants": ["vitals"]},
                    {"key": "two", "minutes": 46, "tolerance_minutes": 12, "wants": ["vitals"]},
                ],
                "every_minutes_while_dosing": 600,
                "afterwards_minutes": 1,
            }
        )
        found = plan(span(), figures, [taken(44), taken(57)], when(300))

        assert set(states(found).values()) == {PointState.RECORDED}

    def test_lists_apart_what_nobody_planned(self) -> None:
        extra = taken(24, "vitals")
        found = plan(span(), FIGURES, [taken(20, "vitals"), extra], when(26))

        assert found.unplanned == (extra.id,)


WANTED = st.sets(st.sampled_from(ALL), min_size=1)
TAKEN = st.lists(st.builds(lambda minutes, holds: taken(minutes, *holds), st.integers(-70, 200), WANTED), max_size=14)
SPANS = st.builds(span, st.none() | st.integers(1, 90), st.none() | st.integers(60, 200))
NOWS = st.integers(-100, 300).map(when)


class TestAnyPlan:
    @given(SPANS, TAKEN, NOWS)
    def test_uses_each_reading_once_or_lists_it_apart(self, over: Span, readings: list[Taken], now: datetime) -> None:
        found = plan(over, FIGURES, readings, now)
        used = [reading for point in found.points for reading in point.reading_ids]

        assert sorted([*used, *found.unplanned]) == sorted(reading.id for reading in readings)

    @given(SPANS, TAKEN, NOWS)
    def test_gives_a_moment_only_what_it_wants(self, over: Span, readings: list[Taken], now: datetime) -> None:
        by_id = {reading.id: reading for reading in readings}
        for point in plan(over, FIGURES, readings, now).points:
            for reading in (by_id[known] for known in point.reading_ids):
                tolerance = timedelta(minutes=point.planned.tolerance)
                assert point.planned.recordable <= reading.holds
                assert (abs(reading.at - point.due_at) <= tolerance) == (point.state is PointState.RECORDED)

    @given(SPANS, TAKEN, NOWS, st.randoms(use_true_random=False))
    def test_does_not_ask_in_which_order_they_came(
        self, over: Span, readings: list[Taken], now: datetime, random: Any
    ) -> None:
        mixed = list(readings)
        random.shuffle(mixed)

        assert plan(over, FIGURES, mixed, now) == plan(over, FIGURES, readings, now)

    @given(SPANS, TAKEN, NOWS, st.timedeltas(timedelta(days=-2), timedelta(days=2)))
    def test_moves_with_the_dose(self, over: Span, readings: list[Taken], now: datetime, by: timedelta) -> None:
        moved = Span(
            begins_at=over.begins_at + by,
            has_begun=True,
            ended_at=None if over.ended_at is None else over.ended_at + by,
            gone_at=None if over.gone_at is None else over.gone_at + by,
        )
        here = plan(over, FIGURES, readings, now)
        there = plan(moved, FIGURES, [Taken(one.id, one.at + by, one.holds) for one in readings], now + by)

        assert [(p.planned, p.due_at + by, p.state, p.reading_ids) for p in here.points] == [
            (p.planned, p.due_at, p.state, p.reading_ids) for p in there.points
        ]
        assert here.unplanned == there.unplanned

    @given(SPANS, TAKEN, NOWS, st.integers(-70, 200))
    def test_never_serves_fewer_moments_for_one_reading_more(
        self, over: Span, readings: list[Taken], now: datetime, minute: int
    ) -> None:
        def served(found: Plan) -> int:
            return sum(point.state is PointState.RECORDED for point in found.points)

        fewer = plan(over, FIGURES, readings, now)
        more = plan(over, FIGURES, [*readings, taken(minute)], now)

        assert served(fewer) <= served(more) <= served(fewer) + 1
