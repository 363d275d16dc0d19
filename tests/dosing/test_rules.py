from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidRequest
from app.core.moves import IllegalMove
from app.dosing.rules import (
    LEADS_TO,
    MAY_FOLLOW,
    DoseRoute,
    SessionAction,
    SessionStage,
    Substance,
    check_dose,
    check_dose_end,
    check_fall,
    check_is_being_given,
    check_is_open_to_checklist,
    check_move,
    check_no_show,
    open_moves,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)
TICK = timedelta(microseconds=1)


class TestStages:
    def test_every_stage_has_its_line_in_the_table(self) -> None:
        assert set(MAY_FOLLOW) == set(SessionStage)
        assert set(LEADS_TO) == set(SessionAction)

    def test_every_stage_can_be_reached_and_all_but_the_last_can_be_left(self) -> None:
        assert frozenset().union(*MAY_FOLLOW.values()) == set(SessionStage)
        assert {stage for stage, following in MAY_FOLLOW.items() if not following} == {
            SessionStage.CLOSED,
            SessionStage.CANCELLED,
        }

    @pytest.mark.parametrize(
        ("stage", "moves"),
        [
            (SessionStage.SCHEDULED, ["move", "arrival", "cancellation"]),
            (SessionStage.CHECKED_IN, ["clearance", "hold", "transfer", "cancellation"]),
            (SessionStage.HELD, ["clearance", "transfer", "cancellation"]),
            (SessionStage.CLEARED, ["clearance", "dose", "hold", "transfer", "cancellation"]),
            (SessionStage.DOSING, ["dose-end", "abort", "transfer"]),
            (SessionStage.ABORTED, ["readiness", "transfer"]),
            (SessionStage.MONITORING, ["readiness", "transfer"]),
            (SessionStage.DISCHARGE_READY, ["readiness", "discharge", "transfer"]),
            (SessionStage.DISCHARGED, ["closure"]),
            (SessionStage.TRANSFERRED, ["closure"]),
            (SessionStage.CLOSED, []),
            (SessionStage.CANCELLED, []),
        ],
    )
    def test_each_offers_its_moves_and_no_other(self, stage: SessionStage, moves: list[str]) -> None:
        assert list(open_moves(stage)) == moves
        for action in SessionAction:
            if action in moves:
                assert {check_move(stage, action)} == LEADS_TO[action]
            else:
                with pytest.raises(IllegalMove):
                    check_move(stage, action)

    @pytest.mark.parametrize(
        ("stage", "action", "missing"),
        [
            (SessionStage.SCHEDULED, SessionAction.DOSE, ["arrival", "clearance"]),
            (
                SessionStage.SCHEDULED,
                SessionAction.CLOSURE,
                ["arrival", "clearance", "dose", "dose-end", "readiness", "discharge"],
            ),
            (SessionStage.CHECKED_IN, SessionAction.DOSE, ["clearance"]),
            (SessionStage.DOSING, SessionAction.CLOSURE, ["dose-end", "readiness", "discharge"]),
            (SessionStage.ABORTED, SessionAction.DISCHARGE, ["readiness"]),
            (SessionStage.MONITORING, SessionAction.DOSE_END, []),
            (SessionStage.DISCHARGE_READY, SessionAction.DOSE_END, []),
            (SessionStage.DOSING, SessionAction.CANCELLATION, []),
            (SessionStage.CLOSED, SessionAction.ARRIVAL, []),
        ],
    )
    def test_a_refusal_says_what_is_missing(
        self, stage: SessionStage, action: SessionAction, missing: list[str]
    ) -> None:
        with pytest.raises(IllegalMove) as refused:
            check_move(stage, action)

        assert refused.value.members["current"] == stage
        assert refused.value.members["missing"] == missing

    @given(st.lists(st.sampled_from(SessionAction), max_size=30))
    def test_no_dose_without_arrival_and_clearance_and_nothing_after_the_end(
        self, attempts: list[SessionAction]
    ) -> None:
        stage, done = SessionStage.SCHEDULED, []
        for action in attempts:
            if action in open_moves(stage):
                stage = check_move(stage, action)
                done.append(action)

        if SessionAction.DOSE in done:
            before = done[: done.index(SessionAction.DOSE)]
            assert SessionAction.ARRIVAL in before
            assert SessionAction.CLEARANCE in before
            assert SessionAction.CANCELLATION not in done
            assert done.count(SessionAction.DOSE) == 1
        for last in (SessionAction.CLOSURE, SessionAction.CANCELLATION):
            assert last not in done[:-1]


class TestStandingWhereItIs:
    @pytest.mark.parametrize("stage", SessionStage)
    def test_a_dose_is_being_given_only_while_it_is(self, stage: SessionStage) -> None:
        if stage is SessionStage.DOSING:
            check_is_being_given(stage)
            return
        with pytest.raises(IllegalMove):
            check_is_being_given(stage)

    @pytest.mark.parametrize("stage", SessionStage)
    def test_a_checklist_is_written_between_the_arrival_and_the_dose(self, stage: SessionStage) -> None:
        if stage in {SessionStage.CHECKED_IN, SessionStage.HELD, SessionStage.CLEARED}:
            check_is_open_to_checklist(stage)
            return
        with pytest.raises(IllegalMove) as refused:
            check_is_open_to_checklist(stage)
        assert refused.value.body()["missing"] == (["arrival"] if stage is SessionStage.SCHEDULED else [])

    @pytest.mark.parametrize("stage", SessionStage)
    @pytest.mark.parametrize("to_stage", SessionStage)
    def test_what_was_written_down_moves_three_stages_and_no_other(
        self, stage: SessionStage, to_stage: SessionStage
    ) -> None:
        falls = {
            SessionStage.CHECKED_IN: SessionStage.HELD,
            SessionStage.CLEARED: SessionStage.HELD,
            SessionStage.DISCHARGE_READY: SessionStage.MONITORING,
        }
        if falls.get(stage) is to_stage:
            check_fall(stage, to_stage)
            return
        with pytest.raises(IllegalMove):
            check_fall(stage, to_stage)


class TestNoShow:
    @pytest.mark.parametrize(
        ("stage", "minutes_late", "code"),
        [
            (SessionStage.SCHEDULED, 1, None),
            (SessionStage.SCHEDULED, 0, None),
            (SessionStage.SCHEDULED, -1, "may_still_come"),
            (SessionStage.CHECKED_IN, 60, "somebody_came"),
        ],
    )
    def test_is_said_of_who_has_not_come_by_then(
        self, stage: SessionStage, minutes_late: int, code: str | None
    ) -> None:
        planned = datetime(2026, 11, 22, 12, tzinfo=UTC)
        now = planned + timedelta(minutes=minutes_late)
        if code is None:
            check_no_show(stage, planned, now=now)
            return
        with pytest.raises(InvalidRequest) as refused:
            check_no_show(stage, planned, now=now)
        assert [fault.code for fault in refused.value.errors] == [code]


class TestCheckDose:
    def refused(self, **but: object) -> set[tuple[str, str]]:
        facts = {"substance": Substance.KETAMINE, "route": DoseRoute.IV, "started_at": NOW} | but
        try:
            check_dose(**facts, now=NOW, tolerance=TOLERANCE)  # type: ignore[arg-type]
        except InvalidRequest as problem:
            return {(fault.pointer, fault.code) for fault in problem.errors}
        return set()

    @pytest.mark.parametrize("route", [route for route in DoseRoute if route is not DoseRoute.IN_ESKETAMINE])
    def test_takes_ketamine_by_every_route_but_the_spray(self, route: DoseRoute) -> None:
        assert not self.refused(route=route)
        assert self.refused(route=DoseRoute.IN_ESKETAMINE) == {("/route", "route_needs_esketamine")}

    @pytest.mark.parametrize("route", DoseRoute)
    def test_takes_esketamine_by_every_route(self, route: DoseRoute) -> None:
        assert not self.refused(substance=Substance.ESKETAMINE, route=route)

    def test_takes_a_start_between_a_week_ago_and_the_clocks_tolerance(self) -> None:
        assert not self.refused(started_at=NOW + TOLERANCE)
        assert not self.refused(started_at=NOW - timedelta(days=7))
        assert self.refused(started_at=NOW + TOLERANCE + TICK) == {("/dose_started_at", "in_the_future")}
        assert self.refused(started_at=NOW - timedelta(days=7) - TICK) == {("/dose_started_at", "too_long_ago")}


class TestCheckDoseEnd:
    def refused(self, started_at: datetime, ended_at: datetime) -> str | None:
        try:
            check_dose_end(started_at, ended_at, now=NOW, tolerance=TOLERANCE)
        except InvalidRequest as problem:
            return problem.errors[0].code
        return None

    def test_takes_an_end_from_the_start_until_a_day_later(self) -> None:
        begun = NOW - timedelta(days=1)

        assert self.refused(begun, begun) is None
        assert self.refused(begun, NOW) is None
        assert self.refused(begun, begun - TICK) == "ends_before_start"
        assert self.refused(begun - TICK, NOW) == "too_long"

    def test_refuses_an_end_in_the_future(self) -> None:
        assert self.refused(NOW, NOW + TOLERANCE) is None
        assert self.refused(NOW, NOW + TOLERANCE + TICK) == "in_the_future"
