"""Months at a clinic by chance: patients, staff and the worker do whatever they do, and time passes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import planning
from app.check_in_plans.models import DueCheckIn
from app.clinics import service as clinics
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.settings import Settings
from app.dosing import service as dosing
from app.dosing.service import SessionHistory
from app.identity import service as identity
from app.identity import tokens
from app.identity.access import patient_for_writing
from app.identity.models import Membership
from app.overdue.service import look
from app.panel import keeping, service
from app.protocols.rules import Protocol
from app.safety import escalation
from app.safety.models import Alert
from tests.care_plans.plans import a_plan
from tests.cast import Cast
from tests.check_in_plans.plans import BY_CHANCE, MORNING, asking
from tests.check_ins.test_alerts import craving, phq9
from tests.dosing.sessions import DOSE, Clients, text
from tests.dosing.test_lives import ON, Life
from tests.factories import Person, a_patient, an_id

YEARS = timedelta(days=4000)
PHASES = ("screening", "preparation", "induction", "integration", "maintenance", "follow_up")
HOURS = (0, 0, 1, 3, 8, 24, 70)
Summaries = dict[UUID, dict[str, Any]]


@dataclass
class Known:
    """A patient with their phone, and what the test remembers of them."""

    person: Person
    phone: httpx2.AsyncClient
    life: Life
    check_ins: list[UUID] = field(default_factory=list)
    sent: dict[UUID, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    plan_version: int = 0
    care_plan_version: int = 0

    @property
    def address(self) -> str:
        return f"/v1/patients/{self.person.patient_id}"


@dataclass
class Days:
    """One clinic. Whatever succeeds is counted by its name, so that a test sees that it happened."""

    db: Database
    engine: AsyncEngine
    settings: Settings
    cast: Cast
    new_client: Clients
    chance: Random
    document: dict[str, Any]
    now: datetime
    staff: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    patients: list[Known] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    seen: dict[str, set[str]] = field(default_factory=dict)
    """The different values that each column of a summary took."""

    async def begin(self, patients: int) -> None:
        for role in ("prescriber", "nurse", "coordinator"):
            self.staff[role] = self.client(getattr(self.cast, role).membership)
        for _ in range(patients):
            await self.enrol()

    def client(self, membership: Membership) -> httpx2.AsyncClient:
        """A device of somebody's whose token lasts for all the months."""
        with clock.told(self.now):
            begun = identity.begin(self.db, self.settings, membership, "a device", methods="password otp")
        token = tokens.read(begun.access_token, tokens.Kind.ACCESS)
        assert token is not None
        return self.new_client(
            tokens.write(token.kind, token.clinic_id, token.device_id, token.counter, self.now + YEARS)
        )

    async def enrol(self) -> None:
        with clock.told(self.now):
            person = await a_patient(self.db, self.settings, self.cast.clinic)
        assert person.patient is not None
        team = {self.cast.prescriber.membership.id: True, self.cast.nurse.membership.id: False}
        await clinics.put_care_team(self.db, self.cast.clinic.id, person.patient, team)
        phone = self.client(person.membership)
        self.patients.append(Known(person, phone, self.life_of(person, phone)))
        await self.db.finish()

    def life_of(self, person: Person, phone: httpx2.AsyncClient) -> Life:
        return Life(
            self.db,
            self.cast.clinic.id,
            self.staff | {"patient": phone},
            str(person.patient_id),
            self.document,
            self.now,
        )

    async def send(
        self, client: httpx2.AsyncClient, method: str, address: str, body: Any = None, version: object = None
    ) -> httpx2.Response:
        headers = {} if version is None else {"if-match": f'"{version}"'}
        with clock.told(self.now):
            return await client.request(method, address, json=body, headers=headers)

    # What happens ----------------------------------------------------------------------------------------------------

    async def one_thing(self, name: str | None = None) -> str:
        """Let something happen, this or whatever it may be, then let time pass. Says what."""
        name = name or self.chance.choices(list(OFTEN), list(OFTEN.values()))[0]
        happens: Callable[[Days, Known], Any] = getattr(Days, name)
        patient = self.chance.choice(self.patients)
        answer = await happens(self, patient)
        if answer is None or answer.is_success:
            self.done[name] += 1
        else:
            assert answer.status_code in {400, 403, 404, 409, 412, 422}, (name, answer.text)
        await self.db.finish()  # SQLite has one connection
        self.now += timedelta(hours=self.chance.choice(HOURS), minutes=self.chance.randrange(60))
        return f"{name} of {self.patients.index(patient)}"

    def a_report(self, back: int = 40) -> dict[str, Any]:
        chance = self.chance
        responses: list[dict[str, Any]] = [
            craving(chance.choice((0, 1, 2, 2, 6, 8, 9)), chance.choice(("alcohol", "alcohol", "opioid")))
        ]
        if chance.random() < 0.5:
            mood = {"instrument": "mood_nrs", "version": "1", "answers": {"now": chance.randrange(11)}}
            responses.append(mood)
        if chance.random() < 0.1:
            responses.append(phq9(chance.choice((0, 0, 1)), chance.randrange(4)))
        at = self.now - timedelta(minutes=chance.choice((1, 5, 90, back * 60, back * 600)))
        if chance.random() < 0.05:
            at = self.now + timedelta(days=3)  # a clock that is off
        return {
            "recorded_at": text(at),
            "time_zone": chance.choice(("Europe/Berlin", "America/Los_Angeles")),
            "responses": responses,
        }

    async def _due(self, patient: Known) -> str | None:
        rows = await self.db.scalars(
            sa.select(DueCheckIn.id)
            .where(DueCheckIn.patient_id == patient.person.patient_id, DueCheckIn.state.in_(["waiting", "missed"]))
            .where(DueCheckIn.opens_at <= self.now)
            .order_by(DueCheckIn.due_at.desc())
            .limit(3)
        )
        found = rows.all()
        await self.db.finish()
        return str(self.chance.choice(found)) if found else None

    async def check_in(self, patient: Known) -> httpx2.Response:
        report, check_in_id = self.a_report(), an_id()
        if self.chance.random() < 0.7 and (due := await self._due(patient)):
            report["due_check_in_id"] = due
        answer = await self.send(patient.phone, "PUT", f"/v1/me/check-ins/{check_in_id}", report)
        if answer.is_success:
            patient.sent[check_in_id] = (1, report)
        return answer

    async def correct(self, patient: Known) -> httpx2.Response | None:
        if not patient.sent:
            return None
        check_in_id = self.chance.choice([*list(patient.sent)[-2:], self.chance.choice(list(patient.sent))])
        version, report = patient.sent[check_in_id]
        new = self.a_report()
        if "due_check_in_id" in report and self.chance.random() < 0.5:
            new["due_check_in_id"] = report["due_check_in_id"]
        if self.chance.random() < 0.5:
            new["recorded_at"] = report["recorded_at"]
        answer = await self.send(patient.phone, "PUT", f"/v1/me/check-ins/{check_in_id}", new, version)
        if answer.is_success:
            patient.sent[check_in_id] = (answer.json()["version"], new)
        return answer

    async def batch(self, patient: Known) -> httpx2.Response:
        items = [{"id": str(an_id())} | self.a_report(200) for _ in range(self.chance.randrange(1, 6))]
        return await self.send(patient.phone, "POST", "/v1/me/check-ins/batch", {"check_ins": items})

    async def answer_alert(self, patient: Known) -> httpx2.Response | None:
        alerts = await self.db.scalars(
            sa.select(Alert).where(Alert.patient_id == patient.person.patient_id, Alert.status != "resolved")
        )
        found = [(alert.id, alert.version) for alert in alerts]
        await self.db.finish()
        if not found:
            return None
        alert_id, version = self.chance.choice(found)
        action, body = self.chance.choice(
            (("acknowledgement", {}), ("acknowledgement", {}), ("resolution", {"outcome": "safe_now"}))
        )
        answer = await self.send(self.staff["nurse"], "POST", f"/v1/alerts/{alert_id}/{action}", body, version)
        self.done[action] += answer.is_success
        return answer

    async def session(self, patient: Known) -> None:
        """Plan a session, bring it on, or do something else with it; once it is over, think of another."""
        life = patient.life
        if life.status in {"closed", "cancelled"}:
            patient.life = life = self.life_of(patient.person, patient.phone)
        life.now = self.now
        if life.status == "none":
            await life.begin()
            return
        for _ in range(self.chance.choice((1, 1, 6))):
            await life.live(self.chance.choice((ON, ON, ON, ON, "cancellation", "abort", "hold")), 130)
        self.now = max(self.now, life.now)
        self.done[f"session {life.status}"] += 1

    async def move_session(self, patient: Known) -> httpx2.Response | None:
        life = patient.life
        if life.status != "scheduled":
            return None
        at = self.now + timedelta(days=self.chance.randrange(-3, 9))
        address = f"{patient.address}/dosing-sessions/{life.session_id}"
        answer = await self.send(self.staff["coordinator"], "PUT", address, {"scheduled_at": text(at)}, life.version)
        await life.look()
        return answer

    async def correct_dose(self, patient: Known) -> httpx2.Response | None:
        life = patient.life
        if life.status not in {"dosing", "monitoring", "discharge_ready", "discharged", "closed"}:
            return None
        began = self.now - timedelta(hours=self.chance.randrange(1, 60))
        dose = DOSE | {"dose_started_at": text(began), "dose_ended_at": None, "reason": "A wrong clock."}
        if life.status != "dosing":
            dose["dose_ended_at"] = text(began + timedelta(minutes=self.chance.randrange(1, 50)))
        address = f"/v1/dosing-sessions/{life.session_id}/dose-corrections"
        answer = await self.send(self.staff["prescriber"], "POST", address, dose, life.version)
        await life.look()
        self.done["dose corrected"] += answer.is_success
        return answer

    async def dose_elsewhere(self, patient: Known) -> None:
        """Import a dose of the past."""
        began = self.now - timedelta(days=self.chance.randrange(40), hours=self.chance.randrange(24))
        with clock.told(self.now):
            async with unit_of_work(self.engine, self.cast.clinic.id) as db:
                view = await patient_for_writing(db, self.cast.clinic.id, patient.person.patient_id)
                await dosing.import_session(db, view, Protocol(), SessionHistory(an_id(), began, began))

    async def plan_check_ins(self, patient: Known) -> httpx2.Response:
        items = self.chance.choice(((MORNING,), (MORNING, BY_CHANCE), ()))
        body = {"content": asking(*items), "reason": "Agreed."}
        version = patient.plan_version or None
        answer = await self.send(self.staff["nurse"], "PUT", f"{patient.address}/check-in-plan", body, version)
        if answer.is_success:
            patient.plan_version = answer.json()["version"]
        return answer

    async def plan_care(self, patient: Known) -> httpx2.Response:
        phase = self.chance.choice(PHASES)
        owner = self.cast.nurse.membership.id
        body = a_plan(
            owner,
            phase=phase,
            phases=[{"phase": phase, "entry_criteria": "a", "exit_criteria": "b", "owner_id": str(owner)}],
        )
        version = patient.care_plan_version or None
        answer = await self.send(self.staff["nurse"], "PUT", f"{patient.address}/care-plan", body, version)
        if answer.is_success:
            patient.care_plan_version = answer.json()["version"]
        return answer

    async def worker(self, _: Known) -> None:
        with clock.told(self.now):
            await planning.extend(self.engine)
            await look(self.engine)
            await escalation.escalate(self.engine)

    async def new_figures(self, _: Known) -> httpx2.Response:
        desk = self.staff["prescriber"]
        current = (await self.send(desk, "GET", "/v1/protocol")).json()
        figures = current["figures"]
        figures["trends"]["change_range_share"] = self.chance.choice((0.1, 0.2, 0.4))
        figures["trends"]["dose_baseline_wide_days"] = self.chance.choice((5, 7, 14))
        body = {"figures": figures, "reason": "Reviewed."}
        return await self.send(desk, "PUT", "/v1/protocol", body, current["version"])

    async def link(self, patient: Known) -> httpx2.Response | None:
        if not patient.sent:
            return None
        check_in_id = self.chance.choice(list(patient.sent))
        nothing = {"dosing_session_id": None, "appointment_id": None}
        address = f"{patient.address}/check-ins/{check_in_id}/link"
        return await self.send(self.staff["nurse"], "PUT", address, nothing, patient.sent[check_in_id][0])

    async def write_journal(self, patient: Known) -> httpx2.Response:
        entry = {"text": "A quiet day.", "written_at": text(self.now), "time_zone": "Europe/Berlin"}
        return await self.send(patient.phone, "PUT", f"/v1/me/journal-entries/{an_id()}", entry)

    async def arrive(self, _: Known) -> None:
        if len(self.patients) < 4:
            await self.enrol()

    # What must hold --------------------------------------------------------------------------------------------------

    async def kept_and_rebuilt(self) -> tuple[Summaries, Summaries]:
        """The summaries as they were kept, and as they are when made anew; nothing is changed."""
        clinic_id = self.cast.clinic.id
        async with unit_of_work(self.engine, EVERY_CLINIC) as db:
            everybody = [each.person.patient_id for each in self.patients]
            kept = await service.stored(db, clinic_id, everybody)
            await db.execute(
                sa.text("DELETE FROM patient_summaries WHERE clinic_id = :id").bindparams(
                    sa.bindparam("id", clinic_id, sa.Uuid())
                )
            )
            await keeping.make(db, clinic_id, everybody)
            rebuilt = await service.stored(db, clinic_id, everybody)
            await db.abandon()
        for summary in kept.values():
            for name, value in summary.items():
                self.seen.setdefault(name, set()).add(str(value))
        return kept, rebuilt


OFTEN = {
    "check_in": 30,
    "correct": 8,
    "batch": 8,
    "answer_alert": 10,
    "session": 16,
    "move_session": 4,
    "correct_dose": 4,
    "dose_elsewhere": 3,
    "plan_check_ins": 5,
    "plan_care": 4,
    "worker": 12,
    "new_figures": 2,
    "link": 2,
    "write_journal": 1,
    "arrive": 1,
}
"""What happens how often."""
