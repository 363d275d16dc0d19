"""Whatever is written about a patient through the front door, their phone is told, of every kind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Base, Database
from app.identity.models import PatientRevision
from app.sync.kinds import BY_NAME
from tests.care_plans.plans import a_plan, a_reward_plan
from tests.cast import Cast
from tests.check_in_plans.plans import MORNING
from tests.check_ins.test_alerts import phq9
from tests.dosing.sessions import Sessions, a_dose, text
from tests.factories import a_report, an_id
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio
Clients = Callable[..., httpx2.AsyncClient]
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


class Told:
    """Does one thing after another, and says of which kinds the phone was told then."""

    def __init__(self, phone: Phone, cast: Cast, new_client: Clients) -> None:
        self.phone, self.cast = phone, cast
        self.me = phone.client
        self.staff = {
            name: new_client(getattr(cast, name).token) for name in ("prescriber", "nurse", "therapist", "coordinator")
        }

    async def by(self, who: str, method: str, address: str, body: Any = None, version: object = None) -> set[str]:
        client = self.me if who == "patient" else self.staff[who]
        headers = {} if version is None else {"if-match": f'"{version}"'}
        answer = await client.request(method, address, json=body, headers=headers)
        assert answer.is_success, answer.text
        return await self.kinds()

    async def kinds(self) -> set[str]:
        told = {kind for kind, _ in await self.phone.sync()}
        assert self.phone.things == (await self.phone.anew()).things
        return told

    def of_patient(self, rest: str) -> str:
        return f"/v1/patients/{self.cast.patient_id}/{rest}"


@pytest.fixture
def told(phone: Phone, cast: Cast, new_client: Clients) -> Told:
    return Told(phone, cast, new_client)


class TestEveryWriteIsTold:
    async def test_of_check_ins_and_what_they_belong_to(self, told: Told) -> None:
        mine = f"/v1/me/check-ins/{an_id()}"
        here = datetime.now(UTC) - timedelta(minutes=5)
        plan = {"scheduled_at": text(here + timedelta(hours=3))}

        assert await told.by("patient", "PUT", mine, a_report(here)) == {"check_in"}
        assert await told.by("patient", "PUT", mine, a_report(here, note="b"), 1) == {"check_in"}
        assert await told.by("nurse", "PUT", told.of_patient(f"check-ins/{an_id()}"), a_report(here)) == {"check_in"}
        session = told.of_patient(f"dosing-sessions/{an_id()}")
        assert {"check_in", "dosing_session"} <= await told.by("coordinator", "PUT", session, plan)
        link = told.of_patient(f"check-ins/{mine.rpartition('/')[2]}/link")
        nothing = {"dosing_session_id": None, "appointment_id": None}
        assert await told.by("therapist", "PUT", link, nothing, 2) == {"check_in"}

    async def test_of_sessions_and_what_is_asked_for_around_them(
        self, told: Told, cast: Cast, new_client: Clients
    ) -> None:
        session = Sessions(new_client, cast)
        await session.agree()
        await told.kinds()

        await session.plan()
        assert "dosing_session" in await told.kinds()
        await session.act("arrival")
        assert await told.kinds() == {"dosing_session"}
        await session.get_ready()
        assert await told.kinds() == {"dosing_session"}
        await session.act("clearance")
        assert await told.kinds() == {"dosing_session"}
        await session.act("dose", **a_dose())
        assert await told.kinds() >= {"dosing_session", "due_check_in"}
        due = [each for (kind, _), each in told.phone.things.items() if kind == "due_check_in"]
        now = next(each for each in due if each["state"] in {"open", "expected"})
        answer = a_report(due_check_in_id=now["id"])
        assert {"check_in", "due_check_in"} <= await told.by("patient", "PUT", f"/v1/me/check-ins/{an_id()}", answer)
        receipt = {"due_check_in_id": due[-1]["id"], "delivered_at": text(datetime.now(UTC))}
        receipts = {"receipts": [receipt]}
        assert await told.by("patient", "POST", "/v1/me/due-check-ins/receipts", receipts) == {"due_check_in"}

    async def test_of_appointments(self, told: Told) -> None:
        appointment_id = an_id()
        plan = {"kind": "cbt", "scheduled_at": text(SOON), "ends_at": text(SOON + timedelta(hours=1))}
        address, act = told.of_patient(f"appointments/{appointment_id}"), f"/v1/appointments/{appointment_id}"

        assert await told.by("therapist", "PUT", address, plan) == {"appointment"}
        assert await told.by("therapist", "PUT", address, plan | {"kind": "mindfulness"}, 1) == {"appointment"}
        gone = {"by": "clinic", "reason": "illness"}
        assert await told.by("therapist", "POST", f"{act}/cancellation", gone, 2) == {"appointment"}

    async def test_of_alerts(self, told: Told) -> None:
        danger = f"/v1/me/check-ins/{an_id()}"

        assert await told.by("patient", "PUT", danger, a_report(responses=[phq9(1)])) == {"check_in", "alert"}
        again = f"/v1/me/check-ins/{an_id()}"
        assert "alert" in await told.by("patient", "PUT", again, a_report(responses=[phq9(1)]))
        (alert_id,) = [each for kind, each in told.phone.things if kind == "alert"]
        listed = (await told.staff["nurse"].get(f"/v1/alerts/{alert_id}")).json()
        address, version = f"/v1/alerts/{alert_id}", listed["version"]
        assert await told.by("nurse", "POST", f"{address}/acknowledgement", {}, version) == {"alert"}
        assert told.phone.things["alert", alert_id]["seen"]
        assert await told.by("nurse", "POST", f"{address}/resolution", {"outcome": "safe_now"}, version + 1) == {
            "alert"
        }
        assert told.phone.things["alert", alert_id]["closed"]
        assert await told.by("patient", "POST", "/v1/me/help-requests") == {"alert"}

    async def test_of_plans(self, told: Told, cast: Cast) -> None:
        content = {"template_key": None, "content": {"items": [MORNING], "around_doses": True}, "reason": "evenings"}
        care, owner = told.of_patient("care-plan"), cast.therapist.membership.id
        rewards, result = told.of_patient("contingency-plan"), told.of_patient(f"contingency-results/{an_id()}")
        safety = {"warning_signs": ["I stop answering."]}

        assert await told.by("therapist", "PUT", told.of_patient("check-in-plan"), content) >= {"check_in_plan"}
        assert await told.by("therapist", "PUT", care, a_plan(owner)) == {"care_plan"}
        assert await told.by("therapist", "PUT", care, a_plan(owner, goals=[]), 1) == {"care_plan"}
        assert await told.by("therapist", "PUT", rewards, a_reward_plan()) == {"contingency_plan"}
        met = {"at": text(datetime.now(UTC) + timedelta(seconds=2)), "outcome": "met"}
        assert await told.by("therapist", "PUT", result, met) == {"contingency_plan"}
        assert await told.by("patient", "PUT", "/v1/me/safety-plan", safety) == {"safety_plan"}
        signature = told.of_patient("safety-plan/co-signature")
        assert await told.by("therapist", "POST", signature, version=1) == {"safety_plan"}
        practised = {"modality": "mindfulness", "done_at": text(datetime.now(UTC)), "time_zone": "Europe/Berlin"}
        assert await told.by("patient", "PUT", f"/v1/me/practice-logs/{an_id()}", practised) == {"practice_log"}

    async def test_of_journals(self, told: Told) -> None:
        entry = f"/v1/me/journal-entries/{an_id()}"
        said = {"text": "The river.", "written_at": text(datetime.now(UTC)), "time_zone": "Europe/Berlin"}

        assert await told.by("patient", "PUT", entry, said) == {"journal_entry"}
        assert await told.by("patient", "POST", f"{entry}/sharing", {"shared": True}, 1) == {"journal_entry"}
        assert await told.by("patient", "DELETE", entry) == {"journal_entry"}


class TestEveryKind:
    def test_every_table_that_counts_its_changes_is_told_of(self) -> None:
        """Or says here why it is not. A new table with a revision must be decided on."""
        counted = {
            table.name for table in Base.metadata.tables.values() if {"revision", "patient_id"} <= set(table.c.keys())
        }
        told = {branch.revision.table.name for kind in BY_NAME.values() for branch in kind.branches}
        otherwise = {
            "patient_revisions",  # the counter itself
            "patient_summaries",  # made of the rest of the record, for the clinician's panel
            "tombstones",  # told as what is no longer there
            "contingency_results",  # shown with their plan, which is told anew with each
            "appointment_series",  # the patient is shown its appointments
            "group_members",  # the same
        }

        assert counted - told == otherwise

    async def test_no_row_is_of_a_later_revision_than_its_patient(
        self, told: Told, db: Database, cast: Cast, new_client: Clients
    ) -> None:
        """What a phone could never have read up to."""
        await Sessions(new_client, cast).through("arrival", "clearance", "dose")
        await told.by("patient", "POST", "/v1/me/help-requests")
        newest = dict((await db.execute(sa.select(PatientRevision.patient_id, PatientRevision.revision))).all())

        for kind in BY_NAME.values():
            for branch in kind.branches:
                table = branch.revision.table
                for patient_id, revision in await db.execute(sa.select(table.c.patient_id, branch.revision)):
                    assert 0 < revision <= newest[patient_id], table.name
