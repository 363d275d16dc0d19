"""Each event by a real call: it lands with the fact, never without it, and never for somebody who was refused.

Every call is made four times: by somebody who may not; with a commit that fails, after which neither the event nor the
fact may be left; for real; and once more, which may tell something new only where it does something new.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.check_in_plans.models import DueCheckIn
from app.core import clock, openapi
from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DosingSession
from app.events.models import OutboxEvent
from app.identity.permissions import Role
from app.safety.roster_schemas import WEEKDAYS
from tests.adverse_events.test_routes import an_event
from tests.answers import Answers
from tests.appointments.bookings import a_plan
from tests.cast import Cast, a_cast
from tests.check_in_plans.plans import MORNING, asking
from tests.consents.papers import a_document, a_signature
from tests.contract.expected_events import NEVER_RECORDED, TOLD
from tests.dosing.sessions import TREATMENT, VITALS, a_checklist, a_dose, text, text_of_now, weighed_on
from tests.factories import Person, a_member_of_staff, a_report, an_id
from tests.instruments.test_routes import a_wording
from tests.webhooks.world import an_endpoint

RECOVERED = dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)
NewClient = Callable[..., httpx2.AsyncClient]
Pairs = set[tuple[str, str]]


class Caller:
    """Makes calls, and keeps what each of them told."""

    def __init__(
        self,
        app: FastAPI,
        db: Database,
        new_client: NewClient,
        promises: Answers,
        patch: pytest.MonkeyPatch,
        cast: Cast,
        people: dict[str, Person],
    ) -> None:
        self.db, self.cast, self.people = db, cast, people
        self.told: Pairs = set()
        self.clients = {name: new_client(person.token) for name, person in people.items()} | {"anybody": new_client()}
        self._promises, self._patch = promises, patch
        self._names = {
            (method, str(route.path)): str(route.name)
            for route in openapi.routes(app)
            for method in route.methods or ()
        }

    async def do(
        self,
        who: str,
        method: str,
        path: str,
        body: object = None,
        *,
        version: int | None = None,
        again: set[str] = frozenset(),  # type: ignore[assignment]  # events that a second call tells too
    ) -> dict[str, Any]:
        """One call that must succeed; what it answered."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}

        async def call(caller: str) -> tuple[httpx2.Response, set[str]]:
            before = await self._outbox()
            answer = await self.clients[caller].request(method, path, json=body, headers=headers)
            events = [event for event_id, event in (await self._outbox()).items() if event_id not in before]
            assert len(events) == len(set(events)), "one fact, one event"
            return answer, set(events)

        if who != "anybody":
            refused, told = await call("researcher")
            assert (refused.status_code, told) == (403, set()), f"{method} {path}"
        with self._patch.context() as patch:
            patch.setattr(Database, "commit", _commit_of_a_full_disk)
            failed, told = await call(who)
            assert (failed.status_code, told) == (500, set()), f"{method} {path}: {failed.text}"
        answer, told = await call(who)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        assert told, f"{method} {path} told nothing"
        name = self._names[method, str(self._promises.template(path))]
        self.told |= {(name, event) for event in told}
        _, told = await call(who)
        assert told == set(again), f"{method} {path}, again"
        return dict(answer.json()) if answer.content else {}

    async def code(self, who: str, path: str) -> str:
        """A code of the clinic."""
        answer = await self.clients[who].post(path)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    async def _outbox(self) -> dict[object, str]:
        await self.db.finish()
        self.db.expunge_all()
        rows = await self.db.execute(sa.select(OutboxEvent.id, OutboxEvent.type))
        found = {row.id: row.type for row in rows}
        await self.db.finish()
        return found


_commit = Database.commit


async def _commit_of_a_full_disk(self: Database) -> None:
    """Fails for the transaction that holds an event: whatever must happen with it must not have happened before."""
    if self.request is not None and self._rings:
        msg = "no space left on device"
        raise RuntimeError(msg)
    await _commit(self)


@pytest.fixture
async def caller(
    app: FastAPI,
    db: Database,
    settings: Settings,
    new_client: NewClient,
    promises: Callable[[FastAPI], Answers],
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    cast = await a_cast(db, settings)
    names = ("patient", "prescriber", "nurse", "therapist", "coordinator")
    people = {name: getattr(cast, name) for name in names}
    for name, role in (("researcher", Role.RESEARCHER), ("admin", Role.CLINIC_ADMIN), ("on_call", Role.NURSE)):
        people[name] = await a_member_of_staff(db, settings, cast.clinic, role)
    return Caller(app, db, new_client, promises(app), monkeypatch, cast, people)


Area = Callable[[Caller], Awaitable[None]]
AREAS: dict[str, tuple[Area, tuple[str, ...]]] = {}


def calls(*operations: str) -> Callable[[Area], Area]:
    """Says which operations an area calls, with all that they can tell."""

    def keep(area: Area) -> Area:
        AREAS[area.__name__] = (area, operations)
        return area

    return keep


@calls("activate", "enrol_patient", "set_care_team", "end_staff_membership", "sign_protocol")
async def clinic(caller: Caller) -> None:
    record, address = f"/v1/patients/{caller.cast.patient_id}", "kim@example.org"
    kim = await caller.do("coordinator", "POST", "/v1/patients", {"display_name": "Kim L."}, again={"patient.enrolled"})
    for path, who, email in (
        (f"/v1/patients/{kim['id']}/invitations", "coordinator", address),
        (f"/v1/patients/{kim['id']}/account-recovery", "coordinator", address),
        (
            f"/v1/staff/{caller.people['therapist'].membership.id}/account-recovery",
            "admin",
            caller.people["therapist"].email,
        ),
    ):
        form = {"email": email, "password": "quiet-harbour-lantern-42", "device_label": "a phone"}
        await caller.do("anybody", "POST", "/v1/activations", form | {"invitation_code": await caller.code(who, path)})
    members = [{"staff_id": str(caller.people["nurse"].membership.id), "responsible": True}]
    version = int((await caller.clients["coordinator"].get(record)).json()["version"])
    await caller.do("coordinator", "PUT", f"{record}/care-team", {"members": members}, version=version)
    await caller.do("admin", "DELETE", f"/v1/staff/{members[0]['staff_id']}")
    figures = (await caller.clients["prescriber"].get("/v1/protocol")).json()["figures"]
    await caller.do("prescriber", "PUT", "/v1/protocol", {"figures": figures, "reason": "Reviewed."}, version=1)


@calls("submit_check_in", "submit_check_in_batch", "record_patient_check_in", "correct_check_in_link")
async def check_ins(caller: Caller) -> None:
    own, batched = str(an_id()), str(an_id())
    of_patient = f"/v1/patients/{caller.cast.patient_id}/check-ins"
    by_staff = f"{of_patient}/{an_id()}"
    now = clock.now()
    await caller.do("patient", "PUT", f"/v1/me/check-ins/{own}", a_report(now))
    await caller.do("patient", "PUT", f"/v1/me/check-ins/{own}", a_report(now, note="later"), version=1)
    await caller.do("nurse", "PUT", by_staff, a_report(now))
    await caller.do("nurse", "PUT", by_staff, a_report(now, note="later"), version=1)
    batch = "/v1/me/check-ins/batch"
    await caller.do("patient", "POST", batch, {"check_ins": [{"id": batched} | a_report(now)]})
    corrected = {"id": batched, "base_version": 1} | a_report(now, note="later")
    await caller.do("patient", "POST", batch, {"check_ins": [corrected]})
    nothing = {"dosing_session_id": None, "appointment_id": None}
    await caller.do("nurse", "PUT", f"{of_patient}/{own}/link", nothing, version=2, again={"check_in.relinked"})


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


@calls("write_check_in_plan", "publish_check_in_template", "change_my_time_zone", "change_patient_time_zone")
async def plans(caller: Caller) -> None:
    record, content = f"/v1/patients/{caller.cast.patient_id}", asking(MORNING)
    await caller.do("admin", "PUT", "/v1/check-in-templates/default", {"content": content, "reason": "Every morning."})
    await caller.do("nurse", "PUT", f"{record}/check-in-plan", {"content": content, "reason": "Agreed."})
    await caller.do("patient", "PUT", "/v1/me/time-zone", {"time_zone": "Asia/Tokyo"}, version=1)
    await caller.do("coordinator", "PUT", f"{record}/time-zone", {"time_zone": "Europe/Berlin"}, version=2)


@calls("add_instrument_wording", "publish_consent_document", "sign_consent", "withdraw_consent")
async def papers(caller: Caller) -> None:
    await caller.do("prescriber", "POST", "/v1/instruments", a_wording())
    document = await caller.do("admin", "POST", "/v1/consent-documents", a_document())
    consent = await caller.do("patient", "POST", "/v1/me/consents", a_signature(document))
    await caller.do("patient", "POST", f"/v1/me/consents/{consent['id']}/withdrawal")


@calls("open_emergency_access", "disable_webhook_endpoint")
async def oversight(caller: Caller) -> None:
    why = {"reason_code": "medical_emergency", "reason": "Fell in the corridor."}
    record = f"/v1/patients/{caller.cast.other_patient_id}"
    await caller.do("on_call", "POST", f"{record}/emergency-access", why)
    endpoint = await an_endpoint(caller.db, caller.cast, "https://ehr.example/hook")
    await caller.do("admin", "POST", f"/v1/webhook-endpoints/{endpoint.id}/disabling")


@pytest.mark.parametrize("area", AREAS)
async def test_each_operation_tells_what_is_declared_with_its_fact_and_not_without(caller: Caller, area: str) -> None:
    act, operations = AREAS[area]

    await act(caller)

    declared = {(name, event) for name in operations for event in TOLD[name].split()}
    assert caller.told - _judged(operations) == declared - _judged(operations)


def _judged(operations: tuple[str, ...]) -> Pairs:
    """What rules tell of what was written. They judge many writes in one way; one of them stands for all."""
    by_rules = ("alert.raised", "alert.repeated", "care_team.changed")
    return {
        (name, event)
        for name in operations
        if name != "request_help" and "alert.raised" in TOLD[name].split()
        for event in by_rules
    }


def test_no_operation_is_left_out() -> None:
    assert sorted(name for _, operations in AREAS.values() for name in operations) == sorted(TOLD)
    assert not {event for events in TOLD.values() for event in events.split()} & set(NEVER_RECORDED)
