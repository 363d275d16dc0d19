"""What is in the demo clinic, as its people see it through the API."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.care_plans.models import SafetyPlan
from app.check_in_plans.models import DueCheckIn
from app.check_ins.models import CheckIn, CheckInVersion, Observation
from app.core import clock
from app.core.db import Database
from app.credentials.totp import code_of, step_at
from app.demo import authenticator, roster, trial
from app.demo.bedside import SCRIPTS
from app.demo.program import with_new_secret
from app.dosing.rules import SessionStage
from app.events.models import OutboxEvent
from app.identity.models import Clinic, Patient
from app.safety.models import Alert
from app.timeline.models import TimelineMoment
from tests.demo.filled import NOW

NewClient = Callable[..., httpx2.AsyncClient]
SignedIn = Callable[[str], httpx2.AsyncClient]
PERIOD = {"from": "2026-03-29", "to": "2026-06-21"}
TODAY = {"from": "2026-06-20T22:00:00Z", "to": "2026-06-21T22:00:00Z"}


async def trend(client: httpx2.AsyncClient, measure: str, **query: str) -> dict[str, Any]:
    answer = await client.get("/v1/me/trends", params={"measure": measure, **PERIOD, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def patient_id(key: str, sign_ins: dict[str, Any]) -> str:
    return next(str(who["id"]) for who in sign_ins["patients"] if who["email"] == f"{key}@example.org")


class TestStories:
    @pytest.mark.parametrize(
        ("key", "measure", "label"),
        [
            ("sam.rivers", "craving", "improved"),
            ("sam.rivers", "mood", "improved"),
            ("selin", "craving", "unchanged"),
            ("selin", "mood", "unchanged"),
            ("viktor", "craving", "unchanged"),
            ("viktor", "mood", "improved"),
            ("jonas", "craving", "unchanged"),
        ],
    )
    async def test_are_what_the_trends_say(self, signed_in: SignedIn, key: str, measure: str, label: str) -> None:
        assert (await trend(signed_in(key), measure))["change"]["label"] == label

    async def test_a_lapse_after_week_six_is_seen(self, signed_in: SignedIn) -> None:
        weeks = await trend(signed_in("tomasz"), "craving", bucket="week")
        means = [point["mean"] for point in weeks["points"]]

        assert max(means[6:9]) > min(means[3:6]) + 2

    async def test_a_zero_baseline_has_no_percentage(self, signed_in: SignedIn) -> None:
        found = await trend(signed_in("luis"), "craving")

        assert found["baseline"]["value"] == 0
        assert found["change"]["percent"] is None

    async def test_a_newcomer_has_too_little_for_a_baseline(self, signed_in: SignedIn) -> None:
        found = await trend(signed_in("noor"), "craving")

        assert len(found["points"]) > 6
        assert [missing["statistic"] for missing in found["insufficient_data"]] == ["baseline"]

    async def test_short_relief_is_shorter_than_the_responders(self, signed_in: SignedIn) -> None:
        medians = {}
        for key in ("jonas", "sam.rivers"):
            answer = await signed_in(key).get("/v1/me/trends/dose-aligned", params={"measure": "craving", **PERIOD})
            medians[key] = answer.json()["summary"]["median_relief_minutes"]

        assert medians["jonas"] < 60 * 24 * 3 < medians["sam.rivers"]

    async def test_two_substances_need_one_to_be_named(self, signed_in: SignedIn) -> None:
        aylin = signed_in("aylin")
        unnamed = await aylin.get("/v1/me/trends", params={"measure": "craving", **PERIOD})
        levels = [
            (await trend(aylin, "craving", substance=substance))["baseline"]["value"]
            for substance in ("alcohol", "cocaine")
        ]

        assert (unnamed.status_code, unnamed.json()["code"]) == (422, "substance_required")
        assert levels[0] > levels[1] + 1

    async def test_gaps_are_left_where_check_ins_were_missed(self, signed_in: SignedIn) -> None:
        assert (await trend(signed_in("ines"), "craving"))["gaps"]
        assert not (await trend(signed_in("lotte"), "craving"))["gaps"]


class TestArrival:
    async def test_every_check_in_says_when_it_really_arrived(self, db: Database) -> None:
        rows = (
            await db.execute(
                sa.select(CheckIn.recorded_at, CheckIn.received_at, CheckIn.clock_suspect).where(
                    CheckIn.origin != "imported"
                )
            )
        ).all()
        late = [row for row in rows if row.received_at - row.recorded_at > timedelta(hours=12)]

        assert len(rows) > 2500
        assert all(row.received_at <= NOW for row in rows)
        assert all(row.received_at >= row.recorded_at for row in rows if not row.clock_suspect)
        assert len(late) > 100

    async def test_a_clock_ahead_is_shown_but_in_no_statistic(self, db: Database) -> None:
        suspect = sa.select(CheckIn.id).where(CheckIn.clock_suspect)
        counted = await db.scalar(sa.select(sa.func.count()).where(Observation.check_in_id.in_(suspect)))
        kept = (await db.scalars(suspect)).all()

        assert len(kept) > 5
        assert counted == 0

    async def test_what_an_old_app_sent_is_in_quarantine(self, signed_in: SignedIn, sign_ins: dict[str, Any]) -> None:
        pavel = patient_id("pavel", sign_ins)
        answer = await signed_in("nurse").get(f"/v1/patients/{pavel}/quarantined-check-ins")

        assert answer.status_code == 200
        assert len(answer.json()["items"]) == 1

    async def test_days_abroad_are_days_there(self, db: Database) -> None:
        zones = Counter(await db.scalars(sa.select(CheckIn.time_zone).where(CheckIn.origin == "patient")))

        assert zones["America/New_York"] > 8
        assert set(zones) == {"America/New_York", "Europe/Berlin"}


class TestLinks:
    async def test_are_made_by_the_phone_by_time_and_by_a_clinician(self, db: Database) -> None:
        how = Counter(await db.scalars(sa.select(TimelineMoment.how)))

        assert how["time"] > 1000
        assert how["client"] > 200
        assert how["clinician"] == 1

    async def test_a_correction_keeps_the_earlier_answers(self, db: Database) -> None:
        assert await db.scalar(sa.select(sa.func.count()).select_from(CheckInVersion)) == 1


class TestToday:
    async def test_has_sessions_at_every_stage(self, signed_in: SignedIn) -> None:
        answer = await signed_in("prescriber").get("/v1/dosing-sessions", params=TODAY)
        stages = Counter(session["status"] for session in answer.json()["items"])

        assert set(stages) == {stage.value for stage in SessionStage} - {"aborted", "transferred"}

    async def test_is_followed_by_more(self, signed_in: SignedIn) -> None:
        week = {"from": TODAY["to"], "to": "2026-06-28T22:00:00Z"}
        answer = await signed_in("coordinator").get("/v1/dosing-sessions", params=week)

        assert len(answer.json()["items"]) > 5
        assert {session["status"] for session in answer.json()["items"]} == {"scheduled"}

    async def test_doses_are_half_a_milligram_a_kilogram(self, signed_in: SignedIn) -> None:
        answer = await signed_in("sam.rivers").get("/v1/me/dosing-sessions")
        given = [session for session in answer.json()["items"] if session["dose_started_at"]]

        assert {(s["substance"], s["route"], s["dose_mg"]) for s in given} == {("ketamine", "IV", 32.0)}
        for session in given:
            lasted = datetime.fromisoformat(session["dose_ended_at"]) - datetime.fromisoformat(
                session["dose_started_at"]
            )
            assert timedelta(minutes=40) <= lasted < timedelta(minutes=45)


class TestSessions:
    async def test_have_everything_written_down_that_a_session_needs(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        nurse, amal = signed_in("nurse"), patient_id("amal", sign_ins)
        found = await nurse.get("/v1/dosing-sessions", params=TODAY)
        (session,) = (one for one in found.json()["items"] if one["patient_id"] == amal)
        address = f"/v1/dosing-sessions/{session['id']}"

        steps = [step["action"] for step in (await nurse.get(address)).json()["steps"]]
        readings = (await nurse.get(f"{address}/readings")).json()["items"]
        dose = (await nurse.get(f"{address}/dose")).json()["dose"]
        left = (await nurse.get(f"{address}/discharge-criteria")).json()

        assert steps == [
            "schedule", "arrival", "checklist", "clearance", "dose", "dose-end", "readiness", "discharge", "closure",
        ]  # fmt: skip
        assert 8 <= len(readings) <= 12
        assert len({reading["received_at"] for reading in readings[1:]}) == 1
        assert (dose["weight_kg"], dose["lot"][:2], round(dose["mg_per_kg"], 2)) == (72, "K-", 0.5)
        assert (left["in_the_way"], left["discharge"]["crisis_card_given"]) == ([], True)

    async def test_of_the_scripts_are_found_with_their_charts(self, signed_in: SignedIn, db: Database) -> None:
        found = (await roster.read(db)).played
        answers = {
            script: await signed_in("prescriber").get(f"/v1/dosing-sessions/{session_id}/chart.png")
            for script, session_id in found.items()
        }

        assert answers.keys() == SCRIPTS.keys()
        assert {answer.headers["content-type"] for answer in answers.values()} == {"image/png"}

    async def test_are_followed_by_check_ins_that_are_due(self, db: Database) -> None:
        states = Counter(await db.scalars(sa.select(DueCheckIn.state)))

        assert states["answered"] > 900
        assert states["missed"] > 20
        assert states["waiting"] > 20
        still_open = sa.select(sa.func.count()).where(DueCheckIn.state == "missed", DueCheckIn.closes_at > NOW)
        assert await db.scalar(still_open) == 0

    async def test_hold_a_patient_whose_blood_pressure_is_too_high(self, signed_in: SignedIn) -> None:
        alerts = (await signed_in("prescriber").get("/v1/alerts")).json()["items"]

        assert [alert["status"] for alert in alerts if alert["rule"] == "BP-1"] == ["open"]


class TestAlerts:
    async def test_are_open_in_hand_and_resolved(self, db: Database) -> None:
        rows = await db.execute(sa.select(Alert.severity, Alert.status))
        states = Counter((row.severity, row.status) for row in rows)

        assert states["critical", "open"] == 1
        assert states["urgent", "acknowledged"] > 0
        assert states["critical", "resolved"] > 0
        assert sum(count for (_, status), count in states.items() if status != "resolved") < 20

    async def test_that_are_open_begin_with_a_call_for_help(self, signed_in: SignedIn) -> None:
        first, *_ = (await signed_in("nurse").get("/v1/alerts")).json()["items"]

        assert (first["rule"], first["severity"], first["status"]) == ("SUI-4", "critical", "open")

    async def test_say_who_answered_them(self, db: Database) -> None:
        nobody = sa.select(sa.func.count()).where(Alert.status == "resolved", Alert.resolved_by.is_(None))

        assert await db.scalar(nobody) == 0


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


class TestDays:
    async def test_are_asked_for_by_the_plan_that_the_clinic_published(self, signed_in: SignedIn) -> None:
        with clock.told(NOW):
            plan = (await signed_in("sam.rivers").get("/v1/me/check-in-plan")).json()
            due = (await signed_in("sam.rivers").get("/v1/me/due-check-ins?days=14")).json()["items"]
            seen = (await signed_in("sam.rivers").get("/v1/me/adherence")).json()["total"]

        assert (plan["source"], plan["template_version"]) == ("template", 1)
        assert [item["kind"] for item in plan["items"]] == ["fixed", "random", "fixed", "fixed", "on_demand"]
        assert len([one for one in due if one["state"] == "expected"]) > 3 * 12
        assert seen["completed"] > 12
        assert seen["missed"] > 0

    async def test_have_a_plan_of_care_with_goals_and_practice(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        sam = patient_id("sam.rivers", sign_ins)
        with clock.told(NOW):
            found = (await signed_in("therapist").get(f"/v1/patients/{sam}/care-plan")).json()
            done = (await signed_in("therapist").get(f"/v1/patients/{sam}/practice-adherence")).json()["total"]

        assert [stay["phase"] for stay in found["course"]] == ["preparation", "induction", "maintenance"]
        assert {goal["kind"] for goal in found["current"]["goals"]} == {"function", "reduction", "mood"}
        assert len(found["current"]["practice"]) == 2
        assert 0.3 < done["share"] <= 1

    async def test_have_plans_for_a_crisis_some_of_them_signed(self, db: Database) -> None:
        plans = (await db.scalars(sa.select(SafetyPlan.co_signed_at))).all()

        assert len(plans) == 7
        assert 0 < plans.count(None) < 7

    async def test_have_journals_of_which_the_team_sees_what_is_shared(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        keys = ("sam.rivers", "tomasz", "ines", "noor", "emil", "amal", "farid", "ida")
        own, shared = [], []
        for key in keys:
            own += (await signed_in(key).get("/v1/me/journal-entries")).json()["items"]
            path = f"/v1/patients/{patient_id(key, sign_ins)}/journal-entries"
            shared += (await signed_in("therapist").get(path)).json()["items"]

        assert len(own) == 3 * len(keys)
        assert 3 < len(shared) < len(own)
        assert {one["id"] for one in shared} == {one["id"] for one in own if one["shared_at"]}

    async def test_have_a_group_with_one_patient_more_than_places(self, signed_in: SignedIn) -> None:
        with clock.told(NOW):
            groups = (await signed_in("coordinator").get("/v1/groups")).json()["items"]
            week = {"from": TODAY["to"], "to": "2026-06-28T22:00:00Z"}
            meetings = (await signed_in("coordinator").get("/v1/group-sessions", params=week)).json()["items"]

        assert [group["name"] for group in groups] == ["Thursday evening"]
        assert [(meeting["capacity"], meeting["taken"]) for meeting in meetings] == [(7, 7)]

    async def test_have_therapy_that_repeats(self, signed_in: SignedIn) -> None:
        booked = (await signed_in("noor").get("/v1/me/appointments", params={"limit": 100})).json()["items"]
        hours = [datetime.fromisoformat(one["scheduled_at"]) for one in booked if one["kind"] == "cbt"]

        assert len([at for at in hours if (at.hour, at.minute) == (6, 0)]) == 12

    async def test_of_the_script_was_lived_on_two_devices(self, signed_in: SignedIn) -> None:
        plan = (await signed_in("juri").get("/v1/me/check-in-plan")).json()
        (entry,) = (await signed_in("juri").get("/v1/me/journal-entries")).json()["items"]

        assert [item["key"] for item in plan["items"]] == ["breakfast", "midday", "any_time"]
        assert entry["shared_at"] is not None
