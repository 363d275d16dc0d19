from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from app.protocols.rules import Linking
from app.timeline.rules import (
    How,
    Link,
    LinkingWindows,
    Moment,
    Phase,
    link,
    minutes_from_dose,
    phase_of,
)
from tests.timeline.cases import DAY, HOUR, MINUTE, NOON, TICK, WINDOWS, a_dose, a_plan, an_appointment, linked


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


def test_the_phases_of_one_dose_follow_each_other_without_a_hole() -> None:
    order = [None, *Phase, None]
    edges = [-72 * HOUR, 0 * HOUR, 40 * MINUTE, 24 * HOUR, 72 * HOUR, 14 * DAY]

    for edge, (earlier, later) in zip(edges, pairwise(order), strict=True):
        assert phase_of(NOON + edge - TICK, a_dose(), WINDOWS) == earlier
        assert phase_of(NOON + edge, a_dose(), WINDOWS) == later
