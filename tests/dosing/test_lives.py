"""Lives of a session: people do whatever they like, in any order, and what must never happen never does."""

import hashlib
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.audit.models import AuditEntry
from app.clinics import service as clinics
from app.consents.models import Consent
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DischargeAssessment, DosingSession, DosingSessionStep, Reading
from app.dosing.rules import MAY_FOLLOW, SessionAction, SessionStage, open_moves
from app.events.models import OutboxEvent
from app.identity import service as identity
from app.identity.models import Membership
from app.protocols.rules import Protocol
from tests.cast import Cast
from tests.dosing.sessions import TREATMENT, VITALS, Clients, a_checklist, text
from tests.factories import a_patient, an_id

FIGURES = Protocol()
HAPPY = {
    "scheduled": ["agree", "arrival"],
    "checked_in": ["measure", "check", "clearance"],
    "held": ["measure", "check", "clearance"],
    "cleared": ["dose"],
    "dosing": ["dose-end"],
    "monitoring": ["wait", "recovered", "readiness"],
    "aborted": ["wait", "recovered", "readiness"],
    "discharge_ready": ["discharge"],
    "discharged": ["closure"],
    "transferred": ["closure"],
}
ON, LATER, UNWILLING = "on", "on, but later", "on, though the patient has withdrawn"
"""Whatever brings a session of this stage on; without these, lives would end in the waiting room."""
WHY = {"reason": "Not well"}
RELAXED = {"unreal": 0, "detached": 0, "time": 0, "distress": 0}
ALDRETE = dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)
STATED = {"walks_unaided": True, "no_new_suicidal_ideation": True, "tolerates_fluids": True}
ASIDE = [{"code": code, "reason": "Lives next door"} for code in ("observation_time", "aldrete", "dissociation")]
LEAVING = {"escort": {"name": "Mia"}, "instructions_given": True, "crisis_card_given": True}
INFUSION = {"substance": "ketamine", "route": "IV", "dose_mg": 40}
POSTED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "arrival": ("coordinator", "arrival", {}),
    "clearance": ("prescriber", "clearance", {}),
    "clearance with reasons": (
        "prescriber",
        "clearance",
        {"overrides": [{"code": "contraindications", "reason": "Talked over with the patient"}]},
    ),
    "dose": ("nurse", "dose", INFUSION),
    "unusual dose": ("nurse", "dose", INFUSION | {"dose_mg": 400}),
    "dose-end": ("nurse", "dose-end", {}),
    "readiness": ("nurse", "readiness", STATED),
    "readiness with reasons": ("prescriber", "readiness", STATED | {"overrides": ASIDE}),
    "nurse's reasons": ("nurse", "readiness", STATED | {"overrides": ASIDE}),
    "discharge": ("nurse", "discharge", LEAVING),
    "closure": ("nurse", "closure", {}),
    "hold": ("nurse", "hold", WHY),
    "abort": ("nurse", "abort", WHY),
    "transfer": ("prescriber", "transfer", WHY | {"destination": "Emergency department"}),
    "cancellation": ("coordinator", "cancellation", WHY),
}
MEASURED: dict[str, dict[str, Any]] = {
    "measure": {},
    "hypertensive": {"systolic": 205, "diastolic": 125},
    "dissociated": {"dissociation": dict.fromkeys(RELAXED, 3)},
    "recovered": {"aldrete": ALDRETE},
}
CHECKED: dict[str, dict[str, Any]] = {
    "check": {},
    "check with a contraindication": {"contraindications": ["aneurysmal_vascular_disease"]},
}
ACTS = st.one_of(
    st.just(ON),
    st.sampled_from([ON, LATER, UNWILLING]),
    st.sampled_from([*POSTED, *MEASURED, *CHECKED, "agree", "withdraw", "patient tries", "stale", "wait"]),
)
LIVES = st.lists(st.tuples(ACTS, st.integers(1, 150)), min_size=4, max_size=26)


@dataclass
class Life:
    """One session of a new patient, from the plan on. Time passes only as the life says."""

    db: Database
    clinic_id: UUID
    people: dict[str, httpx2.AsyncClient]
    patient_id: str
    document: dict[str, Any]
    now: datetime
    session_id: str = field(default_factory=lambda: str(an_id()))
    version: int = 0
    status: str = "none"
    done_to_session: int = 0

    async def send(self, who: str, method: str, address: str, body: object = None) -> httpx2.Response:
        with clock.told(self.now):
            return await self.people[who].request(
                method, address, json=body, headers={"if-match": f'"{self.version}"'} if self.version else {}
            )

    async def post(self, who: str, action: str, **body: object) -> httpx2.Response:
        return await self.send(who, "POST", f"/v1/dosing-sessions/{self.session_id}/{action}", body or None)

    async def look(self) -> None:
        await self.db.finish()
        self.db.expunge_all()
        seen = await self.db.get_one(DosingSession, (self.clinic_id, UUID(self.session_id)))
        self.version, self.status = seen.version, seen.status

    async def begin(self) -> None:
        address = f"/v1/patients/{self.patient_id}/dosing-sessions/{self.session_id}"
        answer = await self.send("coordinator", "PUT", address, {"scheduled_at": text(self.now)})
        assert answer.status_code == 201, answer.text
        await self.look()

    async def live(self, act: str, minutes: int) -> None:
        self.now += timedelta(minutes=minutes if act == LATER else 0)
        if act == UNWILLING:
            await self.withdraw()
        for each in HAPPY.get(self.status, []) if act.startswith(ON) else [act]:
            before = self.version, self.status
            answer = await self.do(each, minutes)
            self.now += timedelta(minutes=minutes if each == "wait" else 1)
            await self.look()
            assert not each.startswith(("patient", "stale")) or (self.version, self.status) == before
            if answer is None:
                continue
            assert answer.status_code in {200, 201, 403, 409, 412, 422}, answer.text
            if answer.is_success:
                self.done_to_session += each not in {"agree", "withdraw"}
            elif each != "measure":
                assert (self.version, self.status) == before
            if answer.status_code == 409 and answer.json()["code"] == "illegal_move":
                named = {str(move) for move in open_moves(SessionStage(before[1]))}
                assert set(answer.json()["open_moves"]) == named
                assert answer.json()["current"] == before[1]

    async def do(self, act: str, minutes: int) -> httpx2.Response | None:
        """Try it; None where nothing was tried that could be refused."""
        if act in POSTED:
            who, action, body = POSTED[act]
            return await self.post(who, action, **body)
        if act in MEASURED:
            return await self.measure(**MEASURED[act])
        if act in CHECKED:
            return await self.check(**CHECKED[act])
        if act == "agree":
            return await self.sign()
        if act == "withdraw":
            return await self.withdraw()
        if act == "patient tries":
            await self.let_the_patient_try(list(SessionAction)[1 + minutes % (len(SessionAction) - 1)])
        if act == "stale":
            await self.act_on_an_old_version()
        return None

    async def let_the_patient_try(self, action: SessionAction) -> None:
        answer = await self.post("patient", action.value, **WHY)
        assert answer.status_code in {403, 422}, answer.text

    async def act_on_an_old_version(self) -> None:
        self.version -= 1
        answer = await self.post("nurse", "hold", **WHY)
        self.version += 1
        assert answer.status_code in {412, 428}, answer.text

    async def measure(self, **but: Any) -> httpx2.Response:
        reading = {"id": str(an_id()), "taken_at": text(self.now)} | VITALS | {"dissociation": RELAXED} | but
        return await self.post("nurse", "readings", readings=[reading])

    async def check(self, **but: Any) -> httpx2.Response:
        weighed = (self.now - timedelta(days=2)).date().isoformat()
        address = f"/v1/dosing-sessions/{self.session_id}/checklist"
        return await self.send("nurse", "PUT", address, a_checklist(weighed_on=weighed) | but)

    async def sign(self) -> httpx2.Response:
        form = {
            "document_id": self.document["id"],
            "language": "en",
            "text_hash": hashlib.sha256(self.document["text"].encode()).hexdigest(),
            "presented_at": text(self.now),
            "signature": "Sam Rivers",
            "answers": {},
            "capacity_statement": "I am sober and not in withdrawal.",
        }
        return await self.send("patient", "POST", "/v1/me/consents", form)

    async def withdraw(self) -> httpx2.Response | None:
        mine = (await self.send("patient", "GET", "/v1/me/consents")).json()["items"]
        standing = [each["id"] for each in mine if each["status"] == "in_force"]
        if not standing:
            return None
        return await self.send("patient", "POST", f"/v1/me/consents/{standing[0]}/withdrawal", {})


LONG = timedelta(days=9)
MakesLives = Callable[[datetime], Awaitable[Life]]


@pytest.fixture
async def new_life(db: Database, settings: Settings, cast: Cast, new_client: Clients) -> MakesLives:
    """Makes lives of new patients, with the same people of the clinic.

    Everybody has a new device each time: how often one asks is counted by its clock, and the next life begins earlier
    than the last one ended.
    """

    def someone(membership: Membership) -> httpx2.AsyncClient:
        begun = identity.begin(db, settings, membership, "a tablet", methods="password otp", access_lasts=LONG)
        return new_client(begun.access_token)

    words = {"type": TREATMENT, "language": "en", "title": "The treatment", "text": "You can stop at any time."}
    document = (await someone(cast.prescriber.membership).post("/v1/consent-documents", json=words)).json()

    async def make(now: datetime) -> Life:
        patient = await a_patient(db, settings, cast.clinic)
        assert patient.patient is not None
        team = {cast.prescriber.membership.id: True, cast.nurse.membership.id: False}
        await clinics.put_care_team(db, cast.clinic.id, patient.patient, team)
        people = {role: someone(getattr(cast, role).membership) for role in ("prescriber", "nurse", "coordinator")}
        people["patient"] = someone(patient.membership)
        return Life(db, cast.clinic.id, people, str(patient.patient_id), document, now)

    return make


async def kept(db: Database, cast: Cast, life: Life, kind: Any) -> list[Any]:
    """Every row of a kind about this session."""
    found = await db.scalars(
        sa.select(kind).where(kind.clinic_id == cast.clinic.id, kind.session_id == UUID(life.session_id))
    )
    return list(found)


async def check_steps(db: Database, cast: Cast, life: Life) -> list[DosingSessionStep]:
    """Each step follows the one before by the table, and nothing is missing, told or audited twice."""
    steps = sorted(await kept(db, cast, life, DosingSessionStep), key=lambda step: step.version)
    assert [step.version for step in steps] == list(range(1, life.version + 1))
    assert steps[-1].to_status == life.status
    stands = {"checklist", "pause", "resumption", "dose-correction"}
    for before, step in itertools.pairwise(steps):
        assert step.from_status == before.to_status
        if step.action not in stands:
            assert SessionStage(step.to_status) in MAY_FOLLOW[SessionStage(before.to_status)]
    told = await db.scalars(sa.select(OutboxEvent).where(OutboxEvent.subject_id == UUID(life.session_id)))
    assert {event.version for event in told} >= {step.version for step in steps}
    allowed = await db.scalars(
        sa.select(AuditEntry).where(
            AuditEntry.subject_id == UUID(life.session_id),
            AuditEntry.outcome == "allowed",
            AuditEntry.permission.not_like("%:read"),
        )
    )
    by_whom = [entry.actor_id for entry in allowed]
    assert all(by_whom.count(step.actor_id) for step in steps)
    assert len(by_whom) >= life.done_to_session
    return steps


async def check_dose(db: Database, cast: Cast, life: Life, steps: list[DosingSessionStep]) -> None:
    """No dose without a clearance of the last hour, and none without a consent that stood."""
    dose = next((step for step in steps if step.action == "dose"), None)
    session = await db.get_one(DosingSession, (cast.clinic.id, UUID(life.session_id)))
    assert (session.dose_started_at is not None) is (dose is not None)
    if dose is None or session.dose_started_at is None:
        return
    cleared = [step.at for step in steps if step.action == "clearance" and step.version < dose.version]
    assert timedelta() <= session.dose_started_at - cleared[-1] <= timedelta(minutes=FIGURES.dosing.clearance_minutes)
    consents = await db.scalars(sa.select(Consent).where(Consent.patient_id == UUID(life.patient_id)))
    began = session.dose_started_at
    assert any(
        each.signed_at <= began and (each.withdrawn_at is None or each.withdrawn_at > began) for each in consents
    )


async def check_discharge(db: Database, cast: Cast, life: Life, steps: list[DosingSessionStep]) -> None:
    """Nobody goes home before the least time of observation, unless a prescriber set that aside by name."""
    home = next((step for step in steps if step.action == "discharge"), None)
    if home is None:
        return
    session = await db.get_one(DosingSession, (cast.clinic.id, UUID(life.session_id)))
    assert session.dose_ended_at is not None
    watched = home.at - session.dose_ended_at >= timedelta(minutes=FIGURES.discharge.observation_minutes)
    assessments = sorted(await kept(db, cast, life, DischargeAssessment), key=lambda each: each.assessed_at)
    found = {each["code"]: each for each in json.loads(assessments[-1].criteria)}
    for each in found.values():
        assert each["met"] or (
            each["override"]["reason"] and each["override"]["by"] == str(cast.prescriber.membership.id)
        )
    assert watched or found["observation_time"]["override"]


class TestLives:
    @hypothesis.settings(
        max_examples=40,
        suppress_health_check=[
            hypothesis.HealthCheck.function_scoped_fixture,
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
        ],
    )
    @given(acts=LIVES)
    async def test_whatever_people_do_nothing_unsafe_happens(
        self, acts: list[tuple[str, int]], new_life: MakesLives, db: Database, cast: Cast
    ) -> None:
        life = await new_life(datetime.now(UTC))
        await life.begin()
        readings = 0

        for act, minutes in acts:
            await life.live(act, minutes)
            now_kept = len(await kept(db, cast, life, Reading))
            assert now_kept >= readings
            readings = now_kept

        steps = await check_steps(db, cast, life)
        await check_dose(db, cast, life, steps)
        await check_discharge(db, cast, life, steps)

    async def test_a_life_that_only_goes_on_ends_well(self, new_life: MakesLives) -> None:
        """Otherwise the lives above would not come far, and prove nothing."""
        life = await new_life(datetime.now(UTC))
        await life.begin()

        for _ in range(9):
            await life.live(ON, 125)

        assert life.status == "closed"
