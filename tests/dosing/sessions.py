"""Sessions, as the people of a clinic plan and run them over HTTP."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from tests.cast import Cast
from tests.factories import Person, an_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOSE: dict[str, Any] = {"substance": "ketamine", "route": "IV", "dose_mg": 40}
TREATMENT = "treatment_ketamine_off_label"
VITALS: dict[str, Any] = {
    "systolic": 124,
    "diastolic": 78,
    "heart_rate": 68,
    "spo2": 98,
    "respiratory_rate": 14,
    "temperature": 36.6,
    "moaas": 5,
    "dissociation": {"unreal": 0, "detached": 0, "time": 0, "distress": 0},
}
NOT_TAKEN = {"used": False}
Clients = Callable[..., httpx2.AsyncClient]


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of_now() -> str:
    return text(datetime.now(UTC))


def weighed_on(days_ago: int = 2) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()


def a_dose(**but: Any) -> dict[str, Any]:
    """An infusion that began a few minutes ago, so that it can end now: the clocks of a clinic differ by as much."""
    return DOSE | {"dose_started_at": text(datetime.now(UTC) - timedelta(minutes=4))} | but


def a_checklist(**but: Any) -> dict[str, Any]:
    """A checklist on which nothing has to be looked at."""
    return {
        "planned_substance": "ketamine",
        "planned_route": "IV",
        "identity_two_factors": True,
        "weight_kg": 80,
        "weighed_on": weighed_on(),
        "solids_hours": 9,
        "clear_fluids_hours": 3,
        "escort": {"name": "Mia Rivers", "phone": "+49 30 1234567"},
        "no_self_drive": True,
        "pregnancy_test": {"result": "na"},
        "breath_alcohol": 0,
        "alcohol": {"used": True, "hours_ago": 60},
        "sedatives": NOT_TAKEN,
        "opioids": NOT_TAKEN,
        "stimulants": NOT_TAKEN,
        "maoi": NOT_TAKEN,
        "withdrawal": {"scale": "ciwa_ar", "total": 3},
        "psychosis": False,
        "mania": False,
        "delirium": False,
        "suicide_risk": {"reviewed": "phq9_item9", "decision": "go_on"},
        "capacity_confirmed": True,
        "contraindications": [],
        "conditions": [],
    } | but


class Sessions:
    """Does with a session what people do with it, each with their own client, always on the version last seen."""

    def __init__(self, new_client: Clients, cast: Cast) -> None:
        self.cast = cast
        self.session_id = str(an_id())
        self.version = 0
        self.who = {name: new_client(getattr(cast, name).token) for name in ("prescriber", "nurse", "coordinator")}
        self.me = new_client(cast.patient.token)

    @property
    def path(self) -> str:
        return f"/v1/patients/{self.cast.patient_id}/dosing-sessions/{self.session_id}"

    async def plan(
        self, at: datetime = NOON, *, if_match: str | None = None, by: str = "coordinator"
    ) -> httpx2.Response:
        headers = {"if-match": if_match} if if_match else {}
        answer = await self.who[by].put(self.path, json={"scheduled_at": text(at)}, headers=headers)
        return self._seen(answer)

    async def act(self, action: str, by: str = "prescriber", **body: object) -> httpx2.Response:
        answer = await self.who[by].post(
            f"/v1/dosing-sessions/{self.session_id}/{action}",
            headers={"if-match": f'"{self.version}"'},
            json=body or None,
        )
        return self._seen(answer)

    async def agree(self) -> None:
        """Let the patient sign the consent to the treatment, unless they have signed one."""
        signed = (await self.me.get("/v1/me/consents")).json()["items"]
        if any(each["type"] == TREATMENT for each in signed):
            return
        documents = (await self.me.get("/v1/consent-documents", params={"type": TREATMENT})).json()["items"]
        if documents:
            document = (await self.me.get(f"/v1/consent-documents/{documents[0]['id']}")).json()
        else:
            text = {"type": TREATMENT, "language": "en", "title": "The treatment", "text": "You can stop at any time."}
            document = (await self.who["prescriber"].post("/v1/consent-documents", json=text)).json()
        form = {
            "document_id": document["id"],
            "language": document["language"],
            "text_hash": hashlib.sha256(document["text"].encode()).hexdigest(),
            "presented_at": text_of_now(),
            "signature": "Sam Rivers",
            "answers": {question["key"]: "any_time" for question in document["questions"]},
            "capacity_statement": "I am sober and not in withdrawal.",
        }
        answer = await self.me.post("/v1/me/consents", json=form)
        assert answer.status_code == 201, answer.text

    async def measure(self, by: str = "nurse", **but: Any) -> httpx2.Response:
        """Take a reading now; without other words everything is as it should be."""
        reading = {"id": str(an_id()), "taken_at": text_of_now()} | VITALS | but
        answer = await self.who[by].post(
            f"/v1/dosing-sessions/{self.session_id}/readings", json={"readings": [reading]}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"][0]["outcome"] in {"created", "corrected"}, answer.text
        self.version = answer.json()["session_version"]
        return answer

    async def check(self, by: str = "nurse", **but: Any) -> httpx2.Response:
        """Write the checklist down; without other words nothing has to be looked at."""
        answer = await self.who[by].put(
            f"/v1/dosing-sessions/{self.session_id}/checklist",
            json=a_checklist(**but),
            headers={"if-match": f'"{self.version}"'},
        )
        if answer.is_success:
            self.version = answer.json()["session_version"]
        return answer

    async def get_ready(self) -> None:
        """Do what comes before a clearance: vital signs and the checklist."""
        await self.measure()
        answer = await self.check()
        assert answer.status_code == 200, answer.text

    async def go_home(self, *, until: str = "discharge") -> None:
        """Do what comes before the closure, setting aside how long a patient is watched."""
        await self.measure(
            aldrete=dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)
        )
        said: dict[str, Any] = {"walks_unaided": True, "no_new_suicidal_ideation": True, "tolerates_fluids": True}
        aside = [{"code": "observation_time", "reason": "Nobody waits two hours in a test"}]
        answer = await self.act("readiness", **said, overrides=aside)
        assert answer.status_code == 200, answer.text
        if until == "readiness":
            return
        leaving: dict[str, Any] = {
            "escort": {"name": "Mia Rivers"},
            "instructions_given": True,
            "crisis_card_given": True,
        }
        answer = await self.act("discharge", **leaving)
        assert answer.status_code == 200, answer.text

    async def through(self, *actions: str) -> httpx2.Response:
        """Plan the session and take these steps, each with what it needs before."""
        answer = await self.plan()
        if "clearance" in actions:
            await self.agree()
        for action in actions:
            if action == "clearance":
                await self.get_ready()
            if action == "closure":
                await self.go_home()
            answer = await self.act(action, **(a_dose() if action == "dose" else {}))
            assert answer.status_code == 200, answer.text
        return answer

    def _seen(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.is_success:
            seen = answer.json()
            self.version = seen["session_version"] if "session_version" in seen else seen["version"]
            assert answer.headers["etag"] == f'"{self.version}"'
        return answer


async def told(db: Database) -> list[tuple[str, int]]:
    """What subscribers will hear of sessions."""
    rows = await db.execute(
        sa.select(OutboxEvent.type, OutboxEvent.version)
        .where(OutboxEvent.type.startswith("dosing_session."))
        .order_by(OutboxEvent.id)
    )
    return [(row.type.removeprefix("dosing_session."), row.version) for row in rows]


async def revision_of(db: Database, person: Person) -> int:
    found = await db.scalar(
        sa.select(PatientRevision.revision).where(PatientRevision.patient_id == person.membership.patient_id)
    )
    return found or 0
