"""Who is told, as tables; and that somebody always is, as long as anybody works there."""

from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.identity.permissions import Role
from app.safety.findings import Notify
from app.safety.ladder import Level
from app.safety.recipients import CLINICAL, Colleague, People
from app.safety.roster_rules import OnCall

OWNER, TEAM_DOCTOR, TEAM_NURSE, ON_CALL, SECOND, LEAD, COORDINATOR, OTHER_DOCTOR, ADMIN, GONE = (
    UUID(int=number) for number in range(1, 11)
)
STAFF = (
    Colleague(OWNER, Role.THERAPIST, in_care_team=True, responsible=True),
    Colleague(TEAM_DOCTOR, Role.PRESCRIBER, in_care_team=True),
    Colleague(TEAM_NURSE, Role.NURSE, in_care_team=True),
    Colleague(ON_CALL, Role.NURSE),
    Colleague(SECOND, Role.THERAPIST),
    Colleague(LEAD, Role.PRESCRIBER),
    Colleague(COORDINATOR, Role.COORDINATOR),
    Colleague(OTHER_DOCTOR, Role.PRESCRIBER),
    Colleague(ADMIN, Role.CLINIC_ADMIN),
)
STRANGERS = tuple(Colleague(each.id, each.role) for each in STAFF)


def people(**but: Any) -> People:
    values: dict[str, Any] = {"staff": STAFF, "on_call": OnCall(ON_CALL, SECOND), "lead_id": LEAD}
    return People(**(values | but))


class TestFirst:
    @pytest.mark.parametrize(
        ("notify", "told"),
        [
            (Notify.ON_DUTY, [ON_CALL]),
            (Notify.PLAN_OWNER, [OWNER]),
            (Notify.PRESCRIBER, [TEAM_DOCTOR]),
            (Notify.COORDINATOR, [COORDINATOR]),
            (Notify.CLINIC_LEAD, [LEAD]),
            (Notify.SESSION_CLINICIAN, [TEAM_NURSE]),  # while no session says whose it is
        ],
    )
    def test_whoever_the_rule_names(self, notify: Notify, told: list[UUID]) -> None:
        assert people().first_for([notify]) == told

    def test_whoever_has_the_session(self) -> None:
        assert people(session_clinician_id=SECOND).first_for([Notify.SESSION_CLINICIAN]) == [SECOND]

    def test_several_once_each_in_the_order_of_the_rule(self) -> None:
        told = people(on_call=OnCall(OWNER)).first_for([Notify.ON_DUTY, Notify.PLAN_OWNER, Notify.PRESCRIBER])

        assert told == [OWNER, TEAM_DOCTOR]

    @pytest.mark.parametrize(
        ("notify", "but", "told"),
        [
            (Notify.ON_DUTY, {"on_call": None}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),
            (Notify.ON_DUTY, {"on_call": OnCall(GONE)}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),
            (Notify.ON_DUTY, {"on_call": OnCall(ADMIN)}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),  # could not open it
            (Notify.CLINIC_LEAD, {"lead_id": None}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),
            (Notify.CLINIC_LEAD, {"lead_id": GONE}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),
            (Notify.SESSION_CLINICIAN, {"session_clinician_id": GONE}, [TEAM_NURSE]),
            (Notify.PLAN_OWNER, {"staff": STAFF[1:]}, [TEAM_DOCTOR, TEAM_NURSE]),
            (Notify.PRESCRIBER, {"staff": STRANGERS}, [ON_CALL]),
            (Notify.PRESCRIBER, {"staff": STRANGERS, "on_call": None}, [TEAM_DOCTOR, LEAD, OTHER_DOCTOR]),
            (Notify.PLAN_OWNER, {"staff": STRANGERS}, [ON_CALL]),
            (Notify.COORDINATOR, {"staff": STAFF[:6]}, [ON_CALL]),
            (Notify.COORDINATOR, {"staff": STRANGERS[:4], "on_call": None, "lead_id": None}, [TEAM_DOCTOR]),
        ],
    )
    def test_somebody_else_where_they_are_not_there(
        self, notify: Notify, but: dict[str, Any], told: list[UUID]
    ) -> None:
        assert people(**but).first_for([notify]) == told

    @given(
        staff=st.lists(
            st.builds(
                Colleague,
                st.sampled_from([each.id for each in STAFF]),
                st.sampled_from([role for role in Role if role not in {Role.PATIENT, Role.SERVICE}]),
                in_care_team=st.booleans(),
                responsible=st.booleans(),
            ),
            unique_by=lambda each: each.id,
        ),
        on_call=st.none() | st.builds(OnCall, st.sampled_from([ON_CALL, GONE]), st.sampled_from([SECOND, None])),
        lead_id=st.sampled_from([LEAD, GONE, None]),
        notify=st.lists(st.sampled_from(Notify), min_size=1, max_size=3),
    )
    def test_somebody_always_is_who_may_open_it(
        self, staff: list[Colleague], on_call: OnCall | None, lead_id: UUID | None, notify: list[Notify]
    ) -> None:
        told = people(staff=staff, on_call=on_call, lead_id=lead_id).first_for(notify)

        may = {each.id for each in staff if each.role in CLINICAL}
        coordinators = {each.id for each in staff if each.role is Role.COORDINATOR}
        assert set(told) <= may | coordinators
        assert bool(told) or not may


class TestNextRungs:
    @pytest.mark.parametrize(
        ("level", "but", "asked"),
        [
            (Level.FIRST, {}, [ON_CALL]),
            (Level.SECOND, {}, [SECOND]),
            (Level.SECOND, {"on_call": OnCall(ON_CALL)}, [LEAD]),
            (Level.SECOND, {"on_call": None, "lead_id": None}, [OWNER, TEAM_DOCTOR, TEAM_NURSE]),
            (Level.LEAD, {}, [LEAD]),
            (Level.LEAD, {"lead_id": None}, [TEAM_DOCTOR, LEAD, OTHER_DOCTOR]),
        ],
    )
    def test_go_to_whoever_is_there(self, level: Level, but: dict[str, Any], asked: list[UUID]) -> None:
        assert people(**but).at(level) == asked
