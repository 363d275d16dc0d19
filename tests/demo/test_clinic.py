"""Who is in the demo clinic, as its people see it through the API, and what is on record of them."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.check_ins.models import CheckIn
from app.core import clock
from app.core.db import Database
from app.credentials.totp import code_of, step_at
from app.demo import authenticator, trial
from app.demo.bedside import SCRIPTS
from app.demo.program import with_new_secret
from app.events.models import OutboxEvent
from app.identity.models import Clinic, Patient
from app.timeline.models import TimelineMoment
from tests.demo.filled import NewClient, SignedIn, patient_id


class TestPeople:
    def test_can_be_signed_in_by_a_script(self, sign_ins: dict[str, Any]) -> None:
        assert set(sign_ins) == {"base_url", "clinic", "patients", "clinicians", "api_client"}
        assert sign_ins["clinic"]["time_zone"] == "Europe/Berlin"
        assert all(set(who) == {"id", "email", "password", "access_token"} for who in sign_ins["patients"])
        assert all(
            set(who) == {"role", "id", "email", "password", "totp_secret", "access_token"}
            for who in sign_ins["clinicians"]
        )
        assert set(sign_ins["api_client"]) == {"client_id", "client_secret"}
        assert sign_ins["patients"][0]["email"] == "sam.rivers@example.org"
        assert len(sign_ins["patients"]) == 26

    def test_are_staff_of_every_role(self, sign_ins: dict[str, Any]) -> None:
        assert Counter(who["role"] for who in sign_ins["clinicians"]) == {
            "prescriber": 1,
            "nurse": 2,
            "therapist": 2,
            "coordinator": 1,
            "clinic_admin": 1,
            "researcher": 1,
            "privacy_officer": 1,
        }

    async def test_are_whom_their_tokens_say(self, signed_in: SignedIn, sign_ins: dict[str, Any]) -> None:
        sam, nurse = (await signed_in("sam.rivers").get("/v1/me"), await signed_in("nurse").get("/v1/me"))

        assert sam.json()["patient_id"] == sign_ins["patients"][0]["id"]
        assert nurse.json()["id"] == next(who["id"] for who in sign_ins["clinicians"] if who["role"] == "nurse")

    async def test_have_a_program_that_gets_a_new_secret_each_time(
        self, client: httpx2.AsyncClient, new_client: NewClient, sign_ins: dict[str, Any], db: Database
    ) -> None:
        program = sign_ins["api_client"]
        token = await client.post("/oauth/token", data={"grant_type": "client_credentials"} | program)
        patients = await new_client(token.json()["access_token"]).get("/v1/patients")
        assert {item["id"] for item in patients.json()["items"]} <= {who["id"] for who in sign_ins["patients"]}

        clinic = await db.get_one(Clinic, UUID(sign_ins["clinic"]["id"]))
        again = await with_new_secret(db, clinic)

        assert again["client_id"] == program["client_id"]
        assert again["client_secret"] != program["client_secret"]
        stale = await client.post("/oauth/token", data={"grant_type": "client_credentials"} | program)
        assert stale.status_code == 401

    async def test_sign_in_with_the_example_of_the_docs_page(self, client: httpx2.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()["components"]["schemas"]
        example = {
            name: document["SignInWrite"]["properties"][name]["examples"][0]
            for name in ("email", "password", "device_label")
        }

        assert (await client.post("/v1/sign-ins", json=example)).status_code == 201

    async def test_staff_sign_in_with_the_one_time_codes_that_a_script_can_make(
        self, client: httpx2.AsyncClient, new_client: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        codes = {who["totp_secret"] for who in sign_ins["clinicians"]}
        for who in sign_ins["clinicians"]:
            body = {"email": who["email"], "password": who["password"], "device_label": "a script"}
            assert (await client.post("/v1/sign-ins", json=body)).json()["code"] == "second_factor_required"
            body["one_time_code"] = code_of(who["totp_secret"], step_at(clock.now()))
            tokens = (await client.post("/v1/sign-ins", json=body)).json()
            assert (await new_client(tokens["access_token"]).get("/v1/staff")).status_code == 200

        assert len(codes) == len(sign_ins["clinicians"])

    async def test_one_patient_is_unknown_to_two_of_them(self, signed_in: SignedIn, sign_ins: dict[str, Any]) -> None:
        ruth = patient_id("ruth", sign_ins)
        looked_at = {
            key: (await signed_in(key).get(f"/v1/patients/{ruth}/trends", params={"measure": "craving"})).status_code
            for key in ("prescriber", "nurse", "nurse2", "therapist", "therapist2")
        }

        assert looked_at == {"prescriber": 200, "nurse": 200, "nurse2": 404, "therapist": 200, "therapist2": 404}

    async def test_all_others_are_known_to_every_clinician(self, signed_in: SignedIn, sign_ins: dict[str, Any]) -> None:
        everybody = {who["id"] for who in sign_ins["patients"]}
        hidden = {who["id"] for who in sign_ins["patients"] if who["email"].startswith("ruth")}
        for key in ("prescriber", "nurse", "nurse2", "therapist", "therapist2", "coordinator", "admin"):
            answer = await signed_in(key).get("/v1/patients", params={"limit": 100})

            assert {found["id"] for found in answer.json()["items"]} >= everybody - hidden, key


class TestRecord:
    async def test_every_write_is_in_the_audit_and_in_the_outbox(self, db: Database) -> None:
        written = Counter(await db.scalars(sa.select(AuditEntry.operation)))
        told = Counter(await db.scalars(sa.select(OutboxEvent.type)))

        assert written["start_dose"] == told["dosing_session.started"] + len(SCRIPTS)  # each is refused one first
        assert written["enrol_patient"] == 26
        assert written["submit_check_in"] > 1500
        assert told["check_in.corrected"] == 1

    async def test_events_sort_in_the_order_in_which_they_happened(self, db: Database) -> None:
        happened = (await db.scalars(sa.select(OutboxEvent.happened_at).order_by(OutboxEvent.id))).all()

        assert list(happened) == sorted(happened)


class TestTrialRecords:
    async def test_are_labelled_and_behind_a_wall(
        self,
        db: Database,
        signed_in: SignedIn,
        client: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
    ) -> None:
        clinic = (await db.scalars(sa.select(Clinic).where(Clinic.name == trial.CLINIC))).one()
        people = (await db.scalars(sa.select(Patient).where(Patient.clinic_id == clinic.id))).all()
        sign_in = {"email": trial.READER.email, "password": "quiet-harbour-lantern-42", "device_label": "a browser"}
        sign_in["one_time_code"] = code_of(authenticator.seed_of(trial.READER.email), step_at(clock.now()))
        reader = new_client((await client.post("/v1/sign-ins", json=sign_in)).json()["access_token"])
        path = f"/v1/patients/{people[0].id}/check-ins"

        assert len(people) == 61
        assert all("real trial record" in person.display_name for person in people)
        assert (await reader.get(path)).status_code == 200
        assert (await signed_in("prescriber").get(path)).status_code == 404

    async def test_have_their_scores_before_and_after_the_first_dose(self, db: Database) -> None:
        phases = Counter(
            await db.scalars(
                sa.select(TimelineMoment.phase)
                .join(CheckIn, CheckIn.id == TimelineMoment.check_in_id)
                .where(CheckIn.origin == "imported", TimelineMoment.how == "client")
            )
        )

        assert phases["before"] == 61
        assert sum(phases.values()) == 122
