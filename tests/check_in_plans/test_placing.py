"""Planning again and again: whatever is done in whatever order, what lies ahead is what one would plan now.

The machine below schedules, moves, starts and cancels sessions, edits the plan, travels, answers and lets time pass, in
memory. The rows are those of the database; the plan is made anew after each step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.placing import Dose, Placing, place_around, place_by_the_calendar
from app.check_in_plans.plan_items import PlanContent
from app.check_in_plans.plan_queries import Held
from app.check_in_plans.plan_rules import Occurrence, around, by_the_calendar, moments_around
from app.core.fields import zone
from app.identity.access import PatientView
from app.protocols.rules import Protocol
from tests.check_in_plans.plans import AFTER_SIX_HOURS, BY_CHANCE, FORTNIGHTLY, MORNING, content
from tests.factories import an_id

FIGURES = Protocol()
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 10, 20, 6, tzinfo=UTC)  # clocks move in Europe on the 25th, in New York a week later
PLANS = [
    content(),
    content(MORNING),
    content(MORNING, BY_CHANCE, FORTNIGHTLY),
    content(MORNING | {"local_times": ["02:30", "09:00", "21:00"], "closes_minutes_after": 60}),
    content(MORNING | {"opens_minutes_before": 600}, AFTER_SIX_HOURS, around_doses=False),
    content(AFTER_SIX_HOURS | {"key": "plus_4h"}, MORNING | {"key": "evening", "local_times": ["21:00"]}),
]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Australia/Lord_Howe"]
HOURS = st.sampled_from([-3, 1, 2, 5, 20, 24, 26, 100, 300])


class Memory:
    """A database of due check-ins, as far as `Placing` needs one."""

    def __init__(self) -> None:
        self.rows: dict[UUID, DueCheckIn] = {}
        self.now = BEGIN

    def stage(self, _: object, row: Mapping[str, Any]) -> None:
        assert row["id"] not in self.rows, "asked for twice"
        asks_from = row["opens_at"] if row["dosing_session_id"] is None else row["closes_at"]
        assert asks_from > self.now, "asked for when it was too late"
        self.rows[row["id"]] = DueCheckIn(**row)

    def stage_change(self, *_: object) -> None:
        """The patient's counter is of no interest here."""

    def touch(self, *_: object) -> None:
        """Nor is what is kept of the patient."""


@dataclass(frozen=True)
class Session:
    """A dosing session."""

    id: UUID
    scheduled_at: datetime
    started_at: datetime | None = None
    wanted: bool = True


class Life(RuleBasedStateMachine):
    """A patient's weeks."""

    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.now, self.plan, self.place = Memory(), BEGIN, PLANS[0], ZONES[0]
        self.known: dict[UUID, Session] = {}
        self.answers: dict[UUID, UUID] = {}
        self.frozen: dict[UUID, tuple[Any, ...]] = {}
        self.meanings: dict[UUID, tuple[Any, ...]] = {}
        self.patient = an_id()

    # ------------------------------------------------------------------------------------------------ what happens
    @rule(plan=st.sampled_from(PLANS))
    def edit(self, plan: PlanContent) -> None:
        self.plan = plan
        self.replan()

    @rule(place=st.sampled_from(ZONES))
    def travel(self, place: str) -> None:
        self.place = place
        self.replan()

    @rule(hours=st.sampled_from([1, 2, 3, 5, 20, 40]))
    def wait(self, hours: int) -> None:
        self.now = self.memory.now = self.now + hours * HOUR
        self.note_what_was_missed()
        self.place_by_the_calendar()

    @rule(target=sessions, hours=HOURS)
    def schedule(self, hours: int) -> UUID:
        session = Session(an_id(), self.now + hours * HOUR)
        self.known[session.id] = session
        self.place_around(session)
        return session.id

    @rule(session_id=sessions, hours=HOURS)
    def move(self, session_id: UUID, hours: int) -> None:
        session = self.known[session_id]
        if session.wanted and session.started_at is None:
            self.change(replace(session, scheduled_at=self.now + hours * HOUR))

    @rule(session_id=sessions, minutes=st.integers(0, 300))
    def start_or_correct(self, session_id: UUID, minutes: int) -> None:
        session = self.known[session_id]
        if session.wanted:
            self.change(replace(session, started_at=self.now - timedelta(minutes=minutes)))

    @rule(session_id=sessions)
    def cancel(self, session_id: UUID) -> None:
        session = self.known[session_id]
        if session.started_at is None:
            self.change(replace(session, wanted=False))

    @rule(which=st.integers(0, 1000), late=st.booleans())
    def answer(self, which: int, late: bool) -> None:
        wanted = {"missed"} if late else {"waiting"}
        rows = [
            row
            for row in self.rows()
            if row.state in wanted and row.opens_at <= self.now and row.id not in self.answers
        ]
        if rows:
            row = rows[which % len(rows)]
            row.state, row.check_in_id, row.answered_at = "answered", an_id(), self.now
            self.answers[row.id] = row.check_in_id

    # ------------------------------------------------------------------------------------------------ what is done
    def rows(self, session_id: UUID | None = None) -> list[DueCheckIn]:
        found = [row for row in self.memory.rows.values() if session_id in {None, row.dosing_session_id}]
        return sorted(found, key=lambda row: (row.due_at, row.id))

    def placing(self) -> Placing:
        view = PatientView(self.patient, UUID(int=1), self.place, "active", 0)
        return Placing(self.memory, view, Held(self.plan, None, None))  # type: ignore[arg-type]

    def by_the_calendar(self) -> list[Occurrence]:
        today = self.now.astimezone(zone(self.place)).date()
        return by_the_calendar(self.plan, self.patient, self.place, today, today + timedelta(days=8), FIGURES.asking)

    def around(self, session: Session) -> list[Occurrence]:
        moments = moments_around(self.plan, FIGURES.readings.time_points, FIGURES.asking)
        begins_at = session.started_at or session.scheduled_at
        return around(moments, self.patient, session.id, begins_at, self.place) if session.wanted else []

    def place_by_the_calendar(self) -> int:
        placing = self.placing()
        rows = [row for row in self.rows() if row.dosing_session_id is None]
        place_by_the_calendar(placing, rows, self.by_the_calendar(), self.now)
        return placing.changed

    def place_around(self, session: Session, *, keep_open: bool = False) -> int:
        placing = self.placing()
        dose = Dose(session.id, session.started_at is not None, session.wanted)
        place_around(placing, self.rows(session.id), self.around(session), dose, self.now, keep_open=keep_open)
        return placing.changed

    def change(self, session: Session) -> None:
        self.known[session.id] = session
        self.place_around(session)
        waiting = {row.time_point: row for row in self.rows(session.id) if row.state == "waiting"}
        asked = {each.item: each for each in self.around(session)}
        assert all((row.due_at, row.id) == (asked[key].due_at, asked[key].id) for key, row in waiting.items())
        done = {row.time_point for row in self.rows(session.id) if row.state == "answered"}
        assert {key for key, each in asked.items() if each.closes_at > self.now} <= set(waiting) | done

    def replan(self) -> None:
        open_now = {
            row.id: (row.due_at, row.closes_at, row.state, row.time_zone)
            for row in self.rows()
            if row.state == "waiting" and row.opens_at <= self.now and not row.awaits_dose
        }
        self.place_by_the_calendar()
        for session in self.known.values():
            self.place_around(session, keep_open=True)
        for row_id, before in open_now.items():
            row = self.memory.rows[row_id]
            assert (row.due_at, row.closes_at, row.state, row.time_zone) == before

    def note_what_was_missed(self) -> None:
        for row in self.rows():
            if row.state == "waiting" and row.closes_at < self.now and not row.awaits_dose:
                row.state = "missed"

    # --------------------------------------------------------------------------------------------- what always holds
    @invariant()
    def what_lies_ahead_is_what_one_would_plan_now(self) -> None:
        self.place_by_the_calendar()
        ahead = {
            row.id: (row.due_at, row.opens_at, row.closes_at, row.local_time, row.time_zone)
            for row in self.rows()
            if row.dosing_session_id is None and row.state == "waiting" and row.opens_at > self.now
        }
        asked_before = {
            row.id for row in self.rows() if row.state != "cancelled" and (row.opens_at <= self.now or row.answered_at)
        }
        from_scratch = {
            each.id: (each.due_at, each.opens_at, each.closes_at, each.local_time, each.time_zone)
            for each in self.by_the_calendar()
            if each.opens_at > self.now and each.id not in asked_before
        }
        assert ahead == from_scratch

    @invariant()
    def planning_again_changes_nothing(self) -> None:
        assert self.place_by_the_calendar() == 0
        assert sum(self.place_around(each, keep_open=True) for each in self.known.values()) == 0

    @invariant()
    def no_answer_is_lost_and_no_id_stands_for_something_else(self) -> None:
        for row_id, check_in_id in self.answers.items():
            row = self.memory.rows[row_id]
            assert (row.state, row.check_in_id) == ("answered", check_in_id)
        for row in self.rows():
            meaning = (row.time_point, row.dosing_session_id, row.minutes_from_dose is None)
            assert self.meanings.setdefault(row.id, meaning) == meaning

    @invariant()
    def what_is_past_stays_in_the_zone_in_which_it_was_asked(self) -> None:
        for row in self.rows():
            if row.dosing_session_id is None and row.closes_at < self.now and row.state != "cancelled":
                said = (row.due_at, row.local_day, row.local_time, row.time_zone)
                assert self.frozen.setdefault(row.id, said) == said

    @invariant()
    def nobody_is_asked_around_a_dose_that_does_not_take_place(self) -> None:
        for session in self.known.values():
            if not session.wanted:
                states = {(row.state, (row.minutes_from_dose or 0) < 0) for row in self.rows(session.id)}
                assert "waiting" not in {state for state, _ in states}
                assert ("missed", False) not in states


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=30, stateful_step_count=16, deadline=None)
