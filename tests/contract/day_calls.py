"""Calls about a patient's day, which `test_events_recorded.py` makes: what is planned, booked and practised."""

from datetime import timedelta
from typing import Any

from app.core import clock
from tests.appointments.bookings import a_plan
from tests.care_plans.plans import ASSIGNMENT, a_reward_plan
from tests.care_plans.plans import a_plan as a_care_plan
from tests.care_plans.test_practice import a_log
from tests.care_plans.test_safety_plans import a_safety_plan
from tests.check_in_plans.plans import MORNING, asking
from tests.contract.caller import Caller, calls
from tests.factories import an_id


@calls("write_check_in_plan", "publish_check_in_template", "change_my_time_zone", "change_patient_time_zone")
async def plans(caller: Caller) -> None:
    record, content = f"/v1/patients/{caller.cast.patient_id}", asking(MORNING)
    await caller.do("admin", "PUT", "/v1/check-in-templates/default", {"content": content, "reason": "Every morning."})
    await caller.do("nurse", "PUT", f"{record}/check-in-plan", {"content": content, "reason": "Agreed."})
    await caller.do("patient", "PUT", "/v1/me/time-zone", {"time_zone": "Asia/Tokyo"}, version=1)
    await caller.do("coordinator", "PUT", f"{record}/time-zone", {"time_zone": "Europe/Berlin"}, version=2)


@calls("plan_appointment_series", "cancel_appointment_series")
async def series(caller: Caller) -> None:
    this = an_id()
    path = f"/v1/patients/{caller.cast.patient_id}/appointment-series/{this}"
    plan = {"kind": "cbt", "rule": "FREQ=DAILY;COUNT=1", "first_at": "2090-03-06T09:00", "minutes": 50}
    await caller.do("therapist", "PUT", path, plan)
    await caller.do("therapist", "PUT", path, plan | {"minutes": 90}, version=1)
    await caller.do("therapist", "PUT", path, plan | {"first_at": "2090-03-07T09:00"}, version=2)
    ending = {"by": "clinic", "reason": "other"}
    await caller.do("therapist", "POST", f"/v1/appointment-series/{this}/cancellation", ending, version=3)


@calls(
    *("plan_group", "end_group", "join_group", "leave_group", "move_group_session", "cancel_group_session"),
)
async def groups(caller: Caller) -> None:
    async def meeting() -> dict[str, Any]:
        found = (await caller.clients["coordinator"].get(path)).json()["sessions"]
        return next(dict(each) for each in found if each["status"] == "booked")

    path, member = f"/v1/groups/{an_id()}", caller.cast.patient_id
    plan = {"name": "A group", "kind": "mbrp", "capacity": 2, "minutes": 90, "first_at": "2090-03-06T09:00"}
    await caller.do("coordinator", "PUT", path, plan)
    await caller.do("coordinator", "PUT", path, plan | {"first_at": "2090-03-07T09:00"}, version=1)
    await caller.do("therapist", "PUT", f"{path}/members/{member}", {})
    await caller.do("therapist", "DELETE", f"{path}/members/{member}")
    now = await meeting()
    elsewhere = {"scheduled_at": "2090-03-08T09:00:00Z", "ends_at": "2090-03-08T10:00:00Z", "capacity": 2}
    await caller.do("coordinator", "PUT", f"/v1/group-sessions/{now['id']}", elsewhere, version=now["version"])
    weekly = plan | {"first_at": "2090-03-07T09:00", "rule": "FREQ=WEEKLY;COUNT=2"}
    await caller.do("coordinator", "PUT", path, weekly, version=2)
    now, off = await meeting(), {"reason": "staff_unavailable"}
    await caller.do("coordinator", "POST", f"/v1/group-sessions/{now['id']}/cancellation", off, version=now["version"])
    await caller.do("coordinator", "POST", f"{path}/cancellation", {"reason": "other"}, version=3)


@calls(
    *("book_appointment", "record_appointment_arrival", "record_attendance", "cancel_appointment"),
    *("cancel_my_appointment", "put_room", "put_working_hours"),
)
async def appointments(caller: Caller) -> None:
    plan = f"/v1/patients/{caller.cast.patient_id}/appointments"
    came, missed, mine, then = an_id(), an_id(), an_id(), clock.now() - timedelta(hours=2)
    await caller.do("therapist", "PUT", f"{plan}/{came}", a_plan(then - timedelta(hours=1)))
    await caller.do("therapist", "PUT", f"{plan}/{came}", a_plan(then), version=1)
    await caller.do("therapist", "POST", f"/v1/appointments/{came}/arrival", version=2)
    attended = {"attendance": "attended"}
    await caller.do("therapist", "POST", f"/v1/appointments/{came}/attendance", attended, version=3)
    await caller.clients["therapist"].put(f"{plan}/{missed}", json=a_plan(clock.now() + timedelta(days=1)))
    cancelled = {"by": "patient", "reason": "illness"}
    await caller.do("therapist", "POST", f"/v1/appointments/{missed}/cancellation", cancelled, version=1)
    await caller.clients["therapist"].put(f"{plan}/{mine}", json=a_plan(clock.now() + timedelta(days=2)))
    await caller.do("patient", "POST", f"/v1/me/appointments/{mine}/cancellation", {}, version=1)
    await caller.do("coordinator", "PUT", f"/v1/rooms/{an_id()}", {"name": "Room 2", "places": 8})
    hours = f"/v1/staff/{caller.cast.therapist.membership.id}/working-hours"
    await caller.do("coordinator", "PUT", hours, {"hours": []})


@calls("write_care_plan", "log_practice")
async def care_plans(caller: Caller) -> None:
    plan = a_care_plan(caller.cast.prescriber.membership.id)
    path = f"/v1/patients/{caller.cast.patient_id}/care-plan"
    await caller.do("therapist", "PUT", path, plan)
    await caller.do("therapist", "PUT", path, plan | {"goals": []}, version=1)
    done, log = a_log(assignment_id=ASSIGNMENT), f"/v1/me/practice-logs/{an_id()}"
    await caller.do("patient", "PUT", log, done)
    await caller.do("patient", "PUT", log, done | {"minutes": 20}, version=1)


@calls("write_safety_plan", "co_sign_safety_plan")
async def safety_plans(caller: Caller) -> None:
    theirs = f"/v1/patients/{caller.cast.patient_id}/safety-plan"
    await caller.do("patient", "PUT", "/v1/me/safety-plan", a_safety_plan())
    await caller.do("patient", "PUT", "/v1/me/safety-plan", a_safety_plan(on_my_own=[]), version=1)
    await caller.do("therapist", "POST", f"{theirs}/co-signature", version=2)


@calls("write_contingency_plan", "record_contingency_result")
async def rewards(caller: Caller) -> None:
    record = f"/v1/patients/{caller.cast.patient_id}"
    plan, met = f"{record}/contingency-plan", an_id()
    await caller.do("nurse", "PUT", plan, a_reward_plan())
    await caller.do("nurse", "PUT", plan, a_reward_plan(first_cents=300), version=1)
    result = {"at": clock.now().isoformat(), "outcome": "met"}
    await caller.do("nurse", "PUT", f"{record}/contingency-results/{met}", result)
    corrected = result | {"outcome": "not_met", "corrects": str(met)}
    await caller.do("nurse", "PUT", f"{record}/contingency-results/{an_id()}", corrected)


AREAS = (plans, series, groups, appointments, care_plans, safety_plans, rewards)
