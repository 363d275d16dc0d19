"""The guard: who is let in to whose record, what everybody else is told, and what the audit says of it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import AuditReads, Settings
from app.identity import service as identity
from app.identity import tokens
from app.identity.access import patient_for_writing
from app.identity.models import CareTeamMember, Device, Membership
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff, a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]


async def last_entry(db: Database) -> AuditEntry:
    return (await db.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))).one()


class TestToken:
    @pytest.mark.parametrize(
        "header",
        [
            "", "Bearer", "Bearer ", "Bearer x", "Basic abc", "Bearer agl_at_", "bearer agl_at_é", "Token {token}",
            "{token}", "Bearer {refresh_token}", "Bearer {token}x", "Bearer {token},{token}",
        ],
    )  # fmt: skip
    async def test_one_that_is_none_is_a_401(self, client: httpx2.AsyncClient, cast: Cast, header: str) -> None:
        sent = header.format(token=cast.patient.token, refresh_token=cast.patient.refresh_token)

        answer = await client.get("/v1/me", headers={b"Authorization": sent.encode("latin-1")})

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    async def test_the_scheme_may_be_written_in_any_case(
        self, client: httpx2.AsyncClient, cast: Cast, scheme: str
    ) -> None:
        answer = await client.get("/v1/me", headers={"Authorization": f"{scheme} {cast.patient.token}"})

        assert answer.status_code == 200

    async def test_one_of_a_device_that_never_was_is_a_401(self, new_client: NewClient, settings: Settings) -> None:
        token = tokens.write(tokens.Kind.ACCESS, an_id(), an_id(), 1, clock.now() + timedelta(minutes=5))

        for address in ("/v1/me", "/v1/me/check-ins", f"/v1/patients/{an_id()}"):
            assert (await new_client(token).get(address)).status_code == 401

    async def test_one_of_somebody_who_left_is_a_401(self, new_client: NewClient, cast: Cast, db: Database) -> None:
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        assert (await new_client(cast.nurse.token).get("/v1/me")).status_code == 401
        assert (await new_client(cast.patient.token).get("/v1/me/check-ins")).status_code == 401

    async def test_the_first_call_with_a_newer_one_confirms_it(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token}
        newer = (await client.post("/oauth/token", data=form)).json()["access_token"]
        whose = Device.membership_id == cast.patient.membership.id
        before = await db.scalar(sa.select(Device.confirmed_n).where(whose))

        await new_client(newer).get("/v1/me/check-ins")

        db.expire_all()
        assert (before, await db.scalar(sa.select(Device.confirmed_n).where(whose))) == (1, 2)


class TestOwnRecord:
    @pytest.mark.parametrize("who", ["prescriber", "nurse", "therapist", "coordinator"])
    @pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", a_report())])
    async def test_staff_have_none(
        self, new_client: NewClient, cast: Cast, db: Database, who: str, method: str, body: object
    ) -> None:
        person: Person = getattr(cast, who)

        answer = await new_client(person.token).request(method, f"/v1/me/check-ins/{an_id()}", json=body)

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        entry = await last_entry(db)
        assert (entry.outcome, entry.actor_id, entry.patient_id) == ("denied", person.membership.id, None)


class TestScopes:
    async def test_an_app_that_may_do_little_does_no_more_to_the_record_of_who_signed_in_with_it(
        self, new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        given = identity.begin(
            db, settings, cast.patient.membership, "An app", methods="password", scopes="trends:read profile:read"
        )
        await db.finish()
        app = new_client(given.access_token)

        refused = await app.get("/v1/me/check-ins")
        entry = await last_entry(db)

        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="check_ins:read"'
        assert (entry.outcome, entry.permission) == ("denied", "check_ins:read")
        assert (await app.get("/v1/me/trends?measure=craving")).status_code == 200
        assert (await last_entry(db)).outcome == "allowed"


class TestSomebodysRecord:
    @pytest.mark.parametrize("address", ["/v1/patients/{0}", "/v1/patients/{0}/check-ins"])
    async def test_a_patient_may_not_use_the_ways_of_staff(
        self, new_client: NewClient, cast: Cast, db: Database, address: str
    ) -> None:
        for patient_id in (cast.patient_id, cast.other_patient_id, str(an_id())):
            answer = await new_client(cast.patient.token).get(address.format(patient_id))

            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert (await last_entry(db)).outcome == "denied"

    async def test_those_who_look_after_a_patient_are_let_in(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        for who in (cast.prescriber, cast.nurse, cast.therapist):
            answer = await new_client(who.token).get(f"/v1/patients/{cast.patient_id}/check-ins")

            assert answer.status_code == 200
            entry = await last_entry(db)
            assert (entry.outcome, entry.operation) == ("allowed", "list_patient_check_ins")
            assert (entry.actor_id, entry.actor_role) == (who.membership.id, who.membership.role)
            assert str(entry.patient_id) == cast.patient_id
            assert entry.permission == "check_ins:read"
            assert entry.request_id == answer.headers["x-request-id"]

    async def test_others_of_the_clinic_may_not_know_of_the_patient(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        for who in (cast.prescriber, cast.nurse, cast.therapist):
            hidden = await new_client(who.token).get(f"/v1/patients/{cast.other_patient_id}/check-ins")
            absent = await new_client(who.token).get(f"/v1/patients/{an_id()}/check-ins")

            assert (hidden.status_code, absent.status_code) == (404, 404)
            assert {**hidden.json(), "request_id": ""} == {**absent.json(), "request_id": ""}
            assert (await last_entry(db)).outcome == "denied"

    async def test_the_audit_says_whose_record_was_asked_for(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        await new_client(cast.nurse.token).get(f"/v1/patients/{cast.other_patient_id}/check-ins/{an_id()}")

        entry = await last_entry(db)

        assert (entry.outcome, str(entry.patient_id)) == ("denied", cast.other_patient_id)

    async def test_who_reaches_the_clinic_needs_no_place_in_the_team(self, new_client: NewClient, cast: Cast) -> None:
        as_coordinator = new_client(cast.coordinator.token)

        for patient_id in (cast.patient_id, cast.other_patient_id):
            assert (await as_coordinator.get(f"/v1/patients/{patient_id}")).status_code == 200
        assert (await as_coordinator.get(f"/v1/patients/{an_id()}")).status_code == 404

    async def test_lists_show_only_whom_one_may_know_of(self, new_client: NewClient, cast: Cast) -> None:
        async def seen_by(person: Person) -> set[str]:
            page = (await new_client(person.token).get("/v1/patients")).json()
            return {item["id"] for item in page["items"]}

        assert await seen_by(cast.nurse) == {cast.patient_id}
        assert await seen_by(cast.coordinator) == {cast.patient_id, cast.other_patient_id}

    async def test_an_id_that_is_none_names_nobody(self, new_client: NewClient, cast: Cast) -> None:
        assert (await new_client(cast.nurse.token).get("/v1/patients/me")).status_code == 404

    async def test_a_permission_that_is_not_held_is_a_403_whoever_the_patient_is(
        self, new_client: NewClient, cast: Cast
    ) -> None:
        as_coordinator = new_client(cast.coordinator.token)

        for patient_id in (cast.patient_id, cast.other_patient_id, an_id()):
            answer = await as_coordinator.get(f"/v1/patients/{patient_id}/check-ins")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    async def test_whoever_leaves_the_team_is_out_at_once(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        as_nurse = new_client(cast.nurse.token)
        assert (await as_nurse.get(f"/v1/patients/{cast.patient_id}")).status_code == 200

        await db.execute(sa.update(CareTeamMember).values(until=clock.now()))

        assert (await as_nurse.get(f"/v1/patients/{cast.patient_id}")).status_code == 404

    async def test_a_place_in_the_team_that_ends_later_still_counts(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.update(CareTeamMember).values(until=clock.now() + timedelta(hours=1)))

        assert (await new_client(cast.nurse.token).get(f"/v1/patients/{cast.patient_id}")).status_code == 200


class TestSomebodysThing:
    @pytest.fixture
    async def session_id(self, new_client: NewClient, cast: Cast) -> str:
        """A dosing session of the patient."""
        address = f"/v1/patients/{cast.patient_id}/dosing-sessions/{an_id()}"
        planned = await new_client(cast.prescriber.token).put(address, json={"scheduled_at": "2026-12-01T10:00:00Z"})
        return str(planned.json()["id"])

    async def test_is_opened_by_who_looks_after_its_patient(
        self, new_client: NewClient, cast: Cast, db: Database, session_id: str
    ) -> None:
        assert (await new_client(cast.nurse.token).get(f"/v1/dosing-sessions/{session_id}")).status_code == 200
        entry = await last_entry(db)
        assert (str(entry.patient_id), str(entry.subject_id)) == (cast.patient_id, session_id)

    async def test_is_hidden_from_everybody_else(
        self, new_client: NewClient, cast: Cast, db: Database, settings: Settings, session_id: str
    ) -> None:
        stranger = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE)
        elsewhere = await a_cast(db, settings)

        for person in (stranger, elsewhere.nurse, elsewhere.coordinator):
            answer = await new_client(person.token).get(f"/v1/dosing-sessions/{session_id}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestWallsBetweenClinics:
    async def test_nobody_of_another_clinic_gets_through(
        self, new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        other = await a_cast(db, settings)
        check_in_id = an_id()
        await new_client(cast.patient.token).put(f"/v1/me/check-ins/{check_in_id}", json=a_report())

        for person in (other.prescriber, other.nurse, other.therapist, other.coordinator):
            caller = new_client(person.token)
            for address in ("", "/check-ins", f"/check-ins/{check_in_id}"):
                answer = await caller.get(f"/v1/patients/{cast.patient_id}{address}")
                assert answer.status_code in {403, 404}
                assert answer.json()["code"] in {"forbidden", "not_found"}
                entry = await last_entry(db)
                assert (entry.outcome, entry.clinic_id, entry.patient_id) == ("denied", other.clinic.id, None)
        assert (await new_client(other.patient.token).get(f"/v1/me/check-ins/{check_in_id}")).status_code == 404

    async def test_a_place_in_a_team_of_another_clinic_cannot_even_be_stored(
        self, cast: Cast, db: Database, settings: Settings
    ) -> None:
        other = await a_cast(db, settings)
        await db.finish()
        db.add(
            CareTeamMember(
                id=an_id(),
                clinic_id=cast.clinic.id,
                patient_id=UUID(cast.patient_id),
                membership_id=other.nurse.membership.id,
                kind="member",
                responsible=False,
                since=clock.now(),
            )
        )

        with pytest.raises(sa.exc.IntegrityError):
            await db.flush()
        await db.rollback()


class TestAudit:
    async def test_a_refusal_for_another_reason_is_an_allowed_access(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        as_patient, address = new_client(cast.patient.token), f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=a_report())
        before = len(list(await db.scalars(sa.select(AuditEntry.id))))
        requests = [
            as_patient.put(address, json=a_report() | {"note": "other"}),
            as_patient.put(address, json=a_report() | {"note": "other"}, headers={"If-Match": '"9"'}),
            as_patient.put(address, json=a_report() | {"mood": 1}),
            as_patient.get(f"/v1/me/check-ins/{an_id()}"),
            as_patient.get("/v1/me/check-ins", params={"cursor": "x"}),
            as_patient.get("/v1/me/check-ins", params={"limit": "x"}),
        ]

        statuses = [(await request).status_code for request in requests]

        entries = list(await db.scalars(sa.select(AuditEntry).order_by(AuditEntry.id).offset(before)))
        assert statuses == [409, 412, 422, 404, 400, 422]
        assert [entry.outcome for entry in entries] == ["allowed"] * 6
        assert {str(entry.patient_id) for entry in entries} == {cast.patient_id}

    @pytest.mark.parametrize("reads", AuditReads)
    async def test_a_read_is_recorded_however_durable(
        self, app: object, new_client: NewClient, cast: Cast, db: Database, settings: Settings, reads: AuditReads
    ) -> None:
        app.state.settings = settings.model_copy(update={"audit_reads": reads})  # type: ignore[attr-defined]

        await new_client(cast.patient.token).get("/v1/me/check-ins")
        await new_client(cast.nurse.token).get(f"/v1/patients/{cast.patient_id}")

        operations = set(await db.scalars(sa.select(AuditEntry.operation)))
        assert {"list_my_check_ins", "read_patient"} <= operations

    @pytest.mark.parametrize(
        ("address", "prefix"),
        [
            ("192.0.2.17", "192.0.2.0/24"),
            ("2001:db8:1:2::9", "2001:db8:1::/48"),
            ("testclient", None),
            ("", None),
        ],
    )
    async def test_an_address_is_kept_too_coarse_to_be_a_person(
        self, app: object, cast: Cast, db: Database, address: str, prefix: str | None
    ) -> None:
        await db.finish()
        transport = httpx2.ASGITransport(app, client=(address, 1) if address else None)  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as caller:
            await caller.get("/v1/me", headers=cast.nurse.headers)

        assert (await last_entry(db)).address_prefix == prefix


class TestClinicsThings:
    async def test_a_name_in_the_address_is_no_subject(self, new_client: NewClient, cast: Cast, db: Database) -> None:
        await new_client(cast.nurse.token).get("/v1/instruments/craving_nrs")

        entry = await last_entry(db)
        assert (entry.operation, entry.subject_id) == ("read_instrument", None)

    @pytest.mark.parametrize("address", ["/v1/patients", "/v1/staff", "/v1/protocol"])
    async def test_are_none_of_a_patients_business(self, new_client: NewClient, cast: Cast, address: str) -> None:
        answer = await new_client(cast.patient.token).get(address)

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


class TestForWriting:
    async def test_gives_the_patient_as_the_guard_would(self, cast: Cast, db: Database) -> None:
        patient = await patient_for_writing(db, cast.clinic.id, UUID(cast.patient_id))

        assert (str(patient.id), patient.clinic_id, patient.revision) == (cast.patient_id, cast.clinic.id, 0)

    async def test_counts_the_changes_of_one_transaction_once(self, cast: Cast, db: Database) -> None:
        patient = await patient_for_writing(db, cast.clinic.id, UUID(cast.patient_id))

        assert (patient.revise(db), patient.revise(db)) == (1, 1)
        await db.finish()
        assert (await patient_for_writing(db, cast.clinic.id, UUID(cast.patient_id))).revision == 1
