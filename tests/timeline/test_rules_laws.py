"""What holds whatever the timeline."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from app.timeline.rules import (
    Anchor,
    How,
    Link,
    Moment,
    affected_span,
    link,
    phase_of,
)
from tests.timeline.cases import DAY, HOUR, MINUTE, NOON, TICK, WINDOWS, a_dose, a_plan, an_appointment, linked

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
