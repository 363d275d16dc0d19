"""Calls about sessions and safety, which `test_events_recorded.py` makes."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.dosing.models import DosingSession
from app.safety.roster_schemas import WEEKDAYS
from tests.adverse_events.test_routes import an_event
from tests.consents.papers import a_signature
from tests.contract.caller import Caller, calls
from tests.dosing.sessions import TREATMENT, VITALS, a_checklist, a_dose, text, text_of_now, weighed_on
from tests.factories import an_id

RECOVERED = dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)


class Session:
    """Takes one session on, each step on the version that the one before it left."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.id, self.version = caller, an_id(), 0

    async def plan(self, at: datetime, *, version: int | None = None) -> None:
        path = f"/v1/patients/{self.caller.cast.patient_id}/dosing-sessions/{self.id}"
        await self.caller.do("coordinator", "PUT", path, {"scheduled_at": at.isoformat()}, version=version)
        self.version += 1

    async def step(self, path: str, body: object = None, method: str = "POST") -> dict[str, Any]:
        whole = f"/v1/dosing-sessions/{self.id}/{path}"
        answer = await self.caller.do("prescriber", method, whole, body, version=self.version)
        self.version = answer.get("session_version") or answer["version"]
        return answer

    async def measured(self, **values: object) -> None:
        reading = {"id": str(an_id()), "taken_at": text_of_now()} | VITALS | {"aldrete": RECOVERED} | values
        path = f"/v1/dosing-sessions/{self.id}/readings"
        self.version = (await self.caller.do("nurse", "POST", path, {"readings": [reading]}))["session_version"]

    async def ready(self) -> None:
        said = dict.fromkeys(("walks_unaided", "no_new_suicidal_ideation", "tolerates_fluids"), True)
        aside = {"code": "observation_time", "reason": "Nobody waits two hours in a test"}
        await self.step("readiness", said | {"overrides": [aside]})

    async def cleared(self) -> None:
        await self.plan(clock.now())
        await self.step("arrival")
        await self.measured()
        await self.step("checklist", a_checklist(), "PUT")
        await self.step("clearance")


async def agreed(caller: Caller) -> None:
    terms = {"type": TREATMENT, "language": "en", "title": "The treatment", "text": "You can stop.", "questions": []}
    document = (await caller.clients["admin"].post("/v1/consent-documents", json=terms)).json()
    answer = await caller.clients["patient"].post("/v1/me/consents", json=a_signature(document))
    assert answer.status_code == 201, answer.text


@calls(
    "schedule_dosing_session",
    "record_dosing_arrival",
    "record_readings",
    "write_pre_dose_checklist",
    "clear_dosing_session",
    "hold_dosing_session",
    "start_dose",
    "pause_dose",
    "resume_dose",
    "end_dose",
    "correct_dose",
    "assess_readiness",
    "discharge_patient",
    "close_dosing_session",
)
async def sessions(caller: Caller) -> None:
    await agreed(caller)
    session, why = Session(caller), {"reason": "Dizzy."}
    await session.plan(clock.now())
    await session.plan(clock.now() + timedelta(hours=1), version=1)
    await session.step("arrival")
    await session.step("checklist", a_checklist(), "PUT")
    await session.measured()
    await session.step("clearance")
    await session.measured(systolic=150, diastolic=95)
    await session.measured()
    await session.step("clearance")
    await session.step("checklist", a_checklist(), "PUT")
    await session.step("clearance")
    await session.step("hold", why)
    await session.step("clearance")
    given = a_dose()
    await session.step("dose", given)
    pause = (await session.step("pauses", why))["pauses"][0]["id"]
    await session.step(f"pauses/{pause}/resumption")
    ended = (await session.step("dose-end"))["dose_ended_at"]
    correction = given | why | {"dose_ended_at": ended, "weight_kg": 80, "weighed_on": weighed_on()}
    await session.measured()
    await session.ready()
    await session.measured(spo2=85)
    await session.measured()
    await session.ready()
    await session.step("dose-corrections", correction)
    await session.ready()
    await caller.db.execute(sa.delete(DueCheckIn))  # the release before this one asks for nothing until now
    await session.step("discharge", {"escort": {"name": "Mia"}, "instructions_given": True, "crisis_card_given": True})
    earlier = text(datetime.fromisoformat(given["dose_started_at"]) - timedelta(seconds=30))
    await session.step("dose-corrections", correction | {"dose_started_at": earlier})
    await session.step("closure")


@calls("abort_dose", "transfer_patient", "cancel_dosing_session", "record_extra_session_request")
async def stops(caller: Caller) -> None:
    await agreed(caller)
    session, other, third, why = Session(caller), Session(caller), Session(caller), {"reason": "Dizzy."}
    await session.cleared()
    await session.step("dose", a_dose())
    await other.plan(clock.now() + timedelta(days=3))
    await third.plan(clock.now())
    await third.step("arrival")
    caller.told.clear()  # of what had to come before
    await session.step("abort", why)
    await third.step("transfer", why | {"destination": "Harbour Hospital"})
    await other.step("cancellation", why)
    path = f"/v1/patients/{caller.cast.patient_id}/extra-session-requests"
    await caller.do("coordinator", "POST", path, {"id": str(an_id())})


@calls("set_patient_details", "record_adverse_event", "change_rems_report", "submit_rems_report")
async def reports(caller: Caller) -> None:
    record, session_id = f"/v1/patients/{caller.cast.patient_id}", an_id()
    details = {"born_on": "1988-03-14", "sex": "female"}
    await caller.do("nurse", "PUT", f"{record}/details", details, version=0)
    planned = {"scheduled_at": clock.now().isoformat()}
    await caller.clients["coordinator"].put(f"{record}/dosing-sessions/{session_id}", json=planned)
    await caller.db.execute(sa.update(DosingSession).values(substance="esketamine", dose_started_at=clock.now()))
    event = an_event(grade=3, session_id=str(session_id))
    path = f"{record}/adverse-events/{an_id()}"
    await caller.do("nurse", "PUT", path, event)
    await caller.do("nurse", "PUT", path, event | {"grade": 4}, version=1)
    report = f"/v1/dosing-sessions/{session_id}/rems-report"
    await caller.do("nurse", "PUT", report, {"enrolled": True}, version=0)
    await caller.do("nurse", "POST", f"{report}/submission", {"reference": "RM-0117"}, version=1)


@calls("request_help", "acknowledge_alert", "hand_over_alert", "resolve_alert", "set_on_call_roster")
async def alerts(caller: Caller) -> None:
    on_call, therapist = (str(caller.people[name].membership.id) for name in ("on_call", "therapist"))
    record = f"/v1/patients/{caller.cast.patient_id}"
    seen = (await caller.clients["coordinator"].get(record)).headers["ETag"]
    await caller.clients["coordinator"].put(f"{record}/care-team", json={"members": []}, headers={"If-Match": seen})
    shift = {"weekday": "monday", "begins": "00:00", "ends": "00:00", "first_id": on_call}
    week = [shift | {"weekday": day} for day in WEEKDAYS]
    await caller.do("admin", "PUT", "/v1/on-call-roster", {"country": "US", "shifts": week})
    for _ in range(2):
        await caller.do("patient", "POST", "/v1/me/help-requests", {"id": str(an_id())})
    (alert,) = (await caller.clients["on_call"].get("/v1/alerts")).json()["items"]
    path = f"/v1/alerts/{alert['id']}"
    await caller.do("on_call", "POST", f"{path}/acknowledgement", version=2)
    await caller.do("on_call", "POST", f"{path}/hand-over", {"to_staff_id": therapist}, version=3)
    await caller.do("therapist", "POST", f"{path}/resolution", {"outcome": "safe_now"}, version=4)


AREAS = (sessions, stops, reports, alerts)
