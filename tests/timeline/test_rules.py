from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.protocols.rules import Linking
from app.timeline.rules import (
    Anchor,
    AnchorKind,
    How,
    Link,
    LinkingWindows,
    Moment,
    Phase,
    affected_span,
    link,
    minutes_from_dose,
    phase_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WINDOWS = LinkingWindows.of(Linking())
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_dose(number: int = 1, at: datetime = NOON, **but: object) -> Anchor:
    """Make a session whose dose started at `at` and ended 40 minutes later."""
    facts = {"scheduled_at": at, "started_at": at, "ended_at": at + 40 * MINUTE} | but
    return Anchor(id=UUID(int=number), kind=AnchorKind.DOSING_SESSION, **facts)  # type: ignore[arg-type]


def a_plan(number: int = 1, at: datetime = NOON, **but: object) -> Anchor:
    """Make a session that is scheduled and has not started."""
    return a_dose(number, at, started_at=None, ended_at=None, **but)


def an_appointment(number: int = 100, at: datetime = NOON, **but: object) -> Anchor:
    facts = {"scheduled_at": at, "ends_at": at + HOUR} | but
    return Anchor(id=UUID(int=number), kind=AnchorKind.APPOINTMENT, **facts)  # type: ignore[arg-type]


def linked(at: datetime, *anchors: Anchor, windows: LinkingWindows = WINDOWS, **moment: object) -> Link:
    return link(Moment(at, **moment), anchors, windows)  # type: ignore[arg-type]


class TestPhasesAroundOneDose:
    @pytest.mark.parametrize(
        ("since_dose", "phase"),
        [
            (-72 * HOUR - TICK, None),
            (-72 * HOUR, Phase.BEFORE),
            (-TICK, Phase.BEFORE),
            (0 * HOUR, Phase.DURING),
            (40 * MINUTE - TICK, Phase.DURING),
            (40 * MINUTE, Phase.FIRST_DAY),
            (24 * HOUR - TICK, Phase.FIRST_DAY),
            (24 * HOUR, Phase.SECOND_AND_THIRD_DAY),
            (72 * HOUR - TICK, Phase.SECOND_AND_THIRD_DAY),
            (72 * HOUR, Phase.TO_TWO_WEEKS),
            (14 * DAY - TICK, Phase.TO_TWO_WEEKS),
            (14 * DAY, None),
        ],
    )
    def test_every_boundary_holds_to_the_microsecond(self, since_dose: timedelta, phase: Phase | None) -> None:
        dose = a_dose()

        found = linked(NOON + since_dose, dose)

        assert found.phase == phase
        assert found.dosing_session_id == (dose.id if phase else None)
        assert found.how == (How.TIME if phase else None)
        assert phase_of(NOON + since_dose, dose, WINDOWS) == phase

    def test_without_a_recorded_end_the_default_length_of_the_clinic_applies(self) -> None:
        running = a_dose(ended_at=None)

        assert linked(NOON + 120 * MINUTE - TICK, running).phase == Phase.DURING
        assert linked(NOON + 120 * MINUTE, running).phase == Phase.FIRST_DAY

    def test_a_clinic_may_set_other_limits(self) -> None:
        windows = LinkingWindows.of(Linking(before_hours=24, dosing_session_minutes=60, after_days=7))

        assert linked(NOON - 25 * HOUR, a_dose(), windows=windows).phase is None
        assert linked(NOON - 24 * HOUR, a_dose(), windows=windows).phase == Phase.BEFORE
        assert linked(NOON + 60 * MINUTE, a_dose(ended_at=None), windows=windows).phase == Phase.FIRST_DAY
        assert linked(NOON + 7 * DAY, a_dose(), windows=windows).phase is None

    def test_phases_count_from_the_start_of_the_dose_and_not_from_the_plan(self) -> None:
        late = a_dose(scheduled_at=NOON - 3 * HOUR)

        assert linked(NOON - HOUR, late).phase == Phase.BEFORE
        assert linked(NOON - HOUR, late).minutes_from_dose == -60
        assert linked(NOON + 23 * HOUR, late).phase == Phase.FIRST_DAY

    def test_a_dose_stopped_early_was_still_a_dose(self) -> None:
        assert linked(NOON + HOUR, a_dose(ended_at=NOON + 2 * MINUTE)).phase == Phase.FIRST_DAY


class TestMinutesFromDose:
    @pytest.mark.parametrize(
        ("since_dose", "minutes"),
        [
            (-72 * HOUR, -4320),
            (-MINUTE - TICK, -2),
            (-MINUTE, -1),
            (-TICK, -1),
            (0 * HOUR, 0),
            (MINUTE - TICK, 0),
            (MINUTE, 1),
            (14 * DAY - TICK, 20159),
        ],
    )
    def test_counts_whole_minutes_rounded_down(self, since_dose: timedelta, minutes: int) -> None:
        assert linked(NOON + since_dose, a_dose()).minutes_from_dose == minutes

    def test_is_unknown_until_the_dose_starts(self) -> None:
        assert linked(NOON - HOUR, a_plan()) == Link(UUID(int=1), None, Phase.BEFORE, None, How.TIME)
        assert minutes_from_dose(NOON - HOUR, a_plan()) is None


class TestSessionsWithoutADose:
    def test_a_planned_session_counts_up_to_its_planned_start_only(self) -> None:
        assert linked(NOON - 72 * HOUR, a_plan()).phase == Phase.BEFORE
        assert linked(NOON - TICK, a_plan()).phase == Phase.BEFORE
        assert linked(NOON, a_plan()) == Link()
        assert linked(NOON + HOUR, a_plan()) == Link()

    def test_what_was_reported_between_plan_and_late_start_is_before_once_the_dose_starts(self) -> None:
        at = NOON + 10 * MINUTE

        assert linked(at, a_plan()).phase is None
        assert linked(at, replace(a_plan(), started_at=NOON + HOUR)).phase == Phase.BEFORE

    def test_a_cancelled_session_never_links_by_time(self) -> None:
        assert linked(NOON - HOUR, a_plan(cancelled=True)) == Link()
        assert linked(NOON + HOUR, a_plan(cancelled=True)) == Link()


class TestWhenWindowsOverlap:
    def test_during_wins_over_everything(self) -> None:
        first, second, running, planned = (
            a_dose(1, NOON - 20 * HOUR),
            a_dose(2, NOON - 2 * HOUR),
            a_dose(3, NOON - 4 * HOUR, ended_at=NOON + HOUR),
            a_plan(4, NOON + HOUR),
        )

        assert linked(NOON, first, second, running, planned).dosing_session_id == running.id

    def test_then_the_latest_dose_of_the_last_24_hours(self) -> None:
        earlier, later, planned = a_dose(1, NOON - 20 * HOUR), a_dose(2, NOON - 3 * HOUR), a_plan(3, NOON + HOUR)

        assert linked(NOON, earlier, later, planned).dosing_session_id == later.id
        assert linked(NOON, earlier, planned).dosing_session_id == earlier.id

    def test_then_the_next_dose(self) -> None:
        past = a_dose(1, NOON - 25 * HOUR)
        next_plan, later_plan = a_plan(2, NOON + 30 * HOUR), a_plan(3, NOON + 60 * HOUR)

        assert linked(NOON, past, later_plan, next_plan).dosing_session_id == next_plan.id
        assert linked(NOON, past, next_plan).phase == Phase.BEFORE

    def test_then_the_latest_dose_of_the_last_14_days(self) -> None:
        long_ago, lately = a_dose(1, NOON - 9 * DAY), a_dose(2, NOON - 4 * DAY)

        assert linked(NOON, lately, long_ago) == Link(lately.id, None, Phase.TO_TWO_WEEKS, 4 * 1440, How.TIME)
        assert linked(NOON, long_ago, a_dose(3, NOON - 2 * DAY)).phase == Phase.SECOND_AND_THIRD_DAY

    def test_two_doses_at_the_same_instant_are_told_apart_by_id_in_any_order(self) -> None:
        one, two = a_dose(1), a_dose(2)

        assert linked(NOON + HOUR, one, two) == linked(NOON + HOUR, two, one)
        assert linked(NOON - HOUR, one, two) == linked(NOON - HOUR, two, one)


class TestAppointments:
    @pytest.mark.parametrize(
        ("since_start", "belongs"),
        [(-TICK, False), (0 * HOUR, True), (HOUR, True), (4 * HOUR - TICK, True), (4 * HOUR, False)],
    )
    def test_belongs_from_the_start_until_three_hours_after_the_end(
        self, since_start: timedelta, *, belongs: bool
    ) -> None:
        appointment = an_appointment()

        assert linked(NOON + since_start, appointment).appointment_id == (appointment.id if belongs else None)

    def test_without_a_planned_end_the_default_length_applies(self) -> None:
        open_ended = an_appointment(ends_at=None)

        assert linked(NOON + 230 * MINUTE - TICK, open_ended).appointment_id == open_ended.id
        assert linked(NOON + 230 * MINUTE, open_ended).appointment_id is None

    def test_the_one_that_is_on_wins_over_the_one_that_is_over(self) -> None:
        over, on = an_appointment(1), an_appointment(2, NOON + 2 * HOUR)

        assert linked(NOON + 150 * MINUTE, on, over).appointment_id == on.id
        assert linked(NOON + 110 * MINUTE, on, over).appointment_id == over.id

    def test_of_two_that_are_over_the_one_that_ended_last_wins(self) -> None:
        long_one, short_one = an_appointment(1, ends_at=NOON + 3 * HOUR), an_appointment(2, NOON + HOUR)

        assert linked(NOON + 4 * HOUR, long_one, short_one).appointment_id == long_one.id

    def test_of_two_that_are_on_the_one_begun_last_wins(self) -> None:
        day_clinic, group = an_appointment(1, ends_at=NOON + 6 * HOUR), an_appointment(2, NOON + HOUR)

        assert linked(NOON + 90 * MINUTE, day_clinic, group).appointment_id == group.id

    def test_a_cancelled_one_never_links_by_time(self) -> None:
        assert linked(NOON + HOUR, an_appointment(cancelled=True)) == Link()

    def test_has_no_say_in_the_phase(self) -> None:
        dose, group = a_dose(1, NOON - 30 * HOUR), an_appointment()

        assert linked(NOON, dose, group) == Link(dose.id, group.id, Phase.SECOND_AND_THIRD_DAY, 1800, How.TIME)
        assert linked(NOON, group) == Link(None, group.id, None, None, How.TIME)


class TestTheClientsWord:
    def test_wins_over_time(self) -> None:
        near, named = a_dose(1, NOON - HOUR), a_dose(2, NOON - 3 * DAY)

        found = linked(NOON, near, named, named_dosing_session_id=named.id)

        assert found == Link(named.id, None, Phase.TO_TWO_WEEKS, 3 * 1440, How.CLIENT)

    def test_stands_outside_every_window_but_has_no_phase_there(self) -> None:
        named = a_dose(1, NOON - 20 * DAY)

        found = linked(NOON, named, named_dosing_session_id=named.id)

        assert found == Link(named.id, None, None, 20 * 1440, How.CLIENT)

    def test_stands_for_a_cancelled_session_without_a_phase(self) -> None:
        cancelled, held = a_plan(1, NOON + HOUR, cancelled=True), a_dose(2, NOON - 2 * HOUR)

        found = linked(NOON, cancelled, held, named_dosing_session_id=cancelled.id)

        assert found == Link(cancelled.id, None, None, None, How.CLIENT)

    def test_of_something_that_is_not_on_the_timeline_is_passed_over(self) -> None:
        dose, group = a_dose(1, NOON - HOUR), an_appointment()

        found = linked(NOON, dose, group, named_dosing_session_id=group.id, named_appointment_id=UUID(int=9))

        assert found == linked(NOON, dose, group)
        assert found.how == How.TIME

    def test_about_one_half_leaves_the_other_to_time(self) -> None:
        dose, group, named = a_dose(1, NOON - HOUR), an_appointment(100), an_appointment(101, NOON - 5 * DAY)

        assert linked(NOON, dose, group, named, named_appointment_id=named.id) == Link(
            dose.id, named.id, Phase.FIRST_DAY, 60, How.CLIENT
        )
        assert linked(NOON, dose, group, named, named_dosing_session_id=dose.id).appointment_id == group.id

    def test_nothing_on_the_timeline_is_no_link(self) -> None:
        assert linked(NOON, named_dosing_session_id=UUID(int=1)) == Link()


class TestSuspectClocks:
    def test_are_never_linked_by_time(self) -> None:
        assert linked(NOON, a_dose(), an_appointment(), placeable=False) == Link()

    def test_keep_the_clients_word_without_phase_or_minutes(self) -> None:
        dose, group = a_dose(), an_appointment()

        found = linked(NOON, dose, group, placeable=False, named_dosing_session_id=dose.id)

        assert found == Link(dose.id, None, None, None, How.CLIENT)

    def test_keep_a_clinicians_correction_without_phase_or_minutes(self) -> None:
        dose = a_dose()

        found = linked(NOON, dose, placeable=False, corrected=True, corrected_dosing_session_id=dose.id)

        assert found == Link(dose.id, None, None, None, How.CLINICIAN)


class TestACliniciansCorrection:
    def test_wins_over_the_client_and_over_time(self) -> None:
        near, named, right = a_dose(1, NOON - HOUR), a_dose(2, NOON - 2 * DAY), a_dose(3, NOON - DAY)

        word = Moment(NOON, named_dosing_session_id=named.id, corrected=True, corrected_dosing_session_id=right.id)

        found = link(word, [near, named, right], WINDOWS)

        assert found == Link(right.id, None, Phase.SECOND_AND_THIRD_DAY, 1440, How.CLINICIAN)

    def test_may_say_that_it_belongs_to_none(self) -> None:
        found = linked(NOON, a_dose(), an_appointment(), named_dosing_session_id=UUID(int=1), corrected=True)

        assert found == Link(how=How.CLINICIAN)

    def test_decides_both_halves(self) -> None:
        dose, group = a_dose(), an_appointment()

        found = linked(NOON, dose, group, corrected=True, corrected_appointment_id=group.id)

        assert found == Link(None, group.id, None, None, How.CLINICIAN)

    def test_of_something_that_is_gone_is_not_replaced_by_a_guess(self) -> None:
        found = linked(NOON, a_dose(1), corrected=True, corrected_dosing_session_id=UUID(int=9))

        assert found == Link(how=How.CLINICIAN)

    def test_counts_the_phase_anew_when_the_dose_starts_later(self) -> None:
        dose = a_dose(1, NOON)
        delayed = replace(dose, started_at=NOON + 2 * HOUR, ended_at=None)

        assert linked(NOON + HOUR, dose, corrected=True, corrected_dosing_session_id=dose.id).phase == Phase.FIRST_DAY
        assert linked(NOON + HOUR, delayed, corrected=True, corrected_dosing_session_id=dose.id).phase == Phase.BEFORE


# Times on a coarse grid with an odd microsecond here and there, so that boundaries, ties and overlaps really happen.
instants = st.builds(
    lambda steps, ticks: NOON + steps * 20 * MINUTE + ticks * TICK,
    st.integers(0, 72 * 30),
    st.sampled_from([-1, 0, 0, 1]),
)
lengths = st.one_of(st.none(), st.builds(lambda steps: steps * 20 * MINUTE, st.integers(0, 80)))


@st.composite
def anchors_of(draw: st.DrawFn, number: int) -> Anchor:
    at, length, cancelled = draw(instants), draw(lengths), draw(st.sampled_from([False, False, False, True]))
    if draw(st.booleans()):
        return an_appointment(number, at, ends_at=None if length is None else at + length, cancelled=cancelled)
    if cancelled or draw(st.booleans()):
        return a_plan(number, at, cancelled=cancelled)
    started = draw(st.one_of(st.just(at), instants))
    return a_dose(number, at, started_at=started, ended_at=None if length is None else started + length)


@st.composite
def timelines(draw: st.DrawFn) -> list[Anchor]:
    return [draw(anchors_of(number)) for number in range(1, draw(st.integers(1, 7)))]


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    ids = st.one_of(st.none(), st.none(), st.integers(1, 8).map(lambda number: UUID(int=number)))
    return Moment(
        at=draw(instants),
        placeable=draw(st.sampled_from([True, True, True, False])),
        named_dosing_session_id=draw(ids),
        named_appointment_id=draw(ids),
        corrected=draw(st.sampled_from([False, False, False, True])),
        corrected_dosing_session_id=draw(ids),
        corrected_appointment_id=draw(ids),
    )


def names(moment: Moment, anchor_id: UUID) -> bool:
    return anchor_id in {
        moment.named_dosing_session_id,
        moment.named_appointment_id,
        moment.corrected_dosing_session_id,
        moment.corrected_appointment_id,
    }


def shifted(anchor: Anchor, by: timedelta) -> Anchor:
    """Move every time of an anchor by as much."""
    return replace(
        anchor,
        scheduled_at=anchor.scheduled_at + by,
        ends_at=anchor.ends_at and anchor.ends_at + by,
        started_at=anchor.started_at and anchor.started_at + by,
        ended_at=anchor.ended_at and anchor.ended_at + by,
    )


class TestWhateverTheTimeline:
    @given(timelines(), st.lists(moments(), max_size=5), st.randoms())
    def test_the_order_of_anchors_does_not_matter(
        self, timeline: list[Anchor], reports: list[Moment], chance: Random
    ) -> None:
        mixed = timeline.copy()
        chance.shuffle(mixed)

        assert [link(m, mixed, WINDOWS) for m in reports] == [link(m, timeline, WINDOWS) for m in reports]

    @given(timelines(), moments(), st.timedeltas(min_value=-900 * DAY, max_value=900 * DAY))
    def test_only_distances_in_time_matter(self, timeline: list[Anchor], report: Moment, by: timedelta) -> None:
        moved = [shifted(anchor, by) for anchor in timeline]

        assert link(replace(report, at=report.at + by), moved, WINDOWS) == link(report, timeline, WINDOWS)

    @given(timelines(), moments())
    def test_a_correction_survives(self, timeline: list[Anchor], report: Moment) -> None:
        corrected = replace(report, corrected=True, corrected_dosing_session_id=None, corrected_appointment_id=None)

        assert link(corrected, timeline, WINDOWS) == Link(how=How.CLINICIAN)

    @given(timelines(), moments())
    def test_a_suspect_clock_is_never_linked_by_time(self, timeline: list[Anchor], report: Moment) -> None:
        found = link(replace(report, placeable=False), timeline, WINDOWS)

        assert found.how != How.TIME
        assert found.phase is None
        assert found.minutes_from_dose is None
        assert found.how is not None or found == Link()

    @given(timelines(), instants)
    def test_a_link_by_time_is_to_something_that_reaches_the_moment(self, timeline: list[Anchor], at: datetime) -> None:
        found = linked(at, *timeline)

        fitting = {a.id for a in timeline if a.kind == "dosing_session" and phase_of(at, a, WINDOWS) is not None}
        assert found.dosing_session_id in fitting if fitting else found.dosing_session_id is None
        assert (found.phase is None) == (found.dosing_session_id is None)

    @given(timelines(), instants)
    def test_adding_a_dose_out_of_reach_changes_nothing(self, timeline: list[Anchor], at: datetime) -> None:
        too_long_ago, too_far_ahead = a_dose(50, at - 14 * DAY), a_dose(51, at + 72 * HOUR + TICK)

        assert linked(at, *timeline, too_long_ago, too_far_ahead) == linked(at, *timeline)


class TestAffectedSpan:
    def test_of_a_plan_is_the_time_before_it(self) -> None:
        assert affected_span(None, a_plan(), WINDOWS) == (NOON - 72 * HOUR, NOON)

    def test_of_a_start_reaches_from_before_the_earlier_to_two_weeks_after_the_dose(self) -> None:
        started = replace(a_plan(), started_at=NOON + HOUR)

        assert affected_span(a_plan(), started, WINDOWS) == (NOON - 72 * HOUR, NOON + HOUR + 14 * DAY)

    def test_of_an_appointment_ends_with_the_hours_after_it(self) -> None:
        assert affected_span(an_appointment(), an_appointment(cancelled=True), WINDOWS) == (NOON, NOON + 4 * HOUR)

    def test_of_no_change_is_nothing(self) -> None:
        assert affected_span(a_dose(), a_dose(), WINDOWS) is None
        assert affected_span(None, a_plan(cancelled=True), WINDOWS) is None
        assert affected_span(None, None, WINDOWS) is None

    @settings(max_examples=300)
    @given(st.data(), timelines(), st.lists(moments(), min_size=1, max_size=20))
    def test_relinking_only_there_is_the_same_as_relinking_everything(
        self, data: st.DataObject, timeline: list[Anchor], reports: list[Moment]
    ) -> None:
        anchors = {anchor.id: anchor for anchor in timeline}
        links = [link(report, list(anchors.values()), WINDOWS) for report in reports]

        for _ in range(data.draw(st.integers(1, 4), label="moves")):
            number = data.draw(st.integers(1, 8), label="which")
            new = data.draw(st.one_of(st.none(), anchors_of(number)), label="becomes")
            old = anchors.pop(UUID(int=number), None)
            if new is not None:
                anchors[new.id] = new
            now = list(anchors.values())
            span = affected_span(old, new, WINDOWS)
            for index, report in enumerate(reports):
                if (span and span[0] <= report.at < span[1]) or names(report, UUID(int=number)):
                    links[index] = link(report, now, WINDOWS)

            assert links == [link(report, now, WINDOWS) for report in reports]

    @given(timelines(), instants)
    def test_the_ends_are_where_a_link_may_begin_and_end(self, timeline: list[Anchor], at: datetime) -> None:
        for anchor in timeline:
            span = affected_span(None, anchor, WINDOWS)
            found = linked(at, anchor)
            if span is None or not span[0] <= at < span[1]:
                assert found == Link()


def test_the_phases_of_one_dose_follow_each_other_without_a_hole() -> None:
    order = [None, *Phase, None]
    edges = [-72 * HOUR, 0 * HOUR, 40 * MINUTE, 24 * HOUR, 72 * HOUR, 14 * DAY]

    for edge, (earlier, later) in zip(edges, pairwise(order), strict=True):
        assert phase_of(NOON + edge - TICK, a_dose(), WINDOWS) == earlier
        assert phase_of(NOON + edge, a_dose(), WINDOWS) == later
