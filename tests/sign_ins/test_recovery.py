"""Accounts that the clinic gives back to their owners."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.credentials import second_factors, totp
from app.credentials.models import OneTimeCodes, Passkey
from app.events.models import OutboxEvent
from app.identity import service as identity
from app.identity.models import Account, Device, Membership, Patient
from app.identity.permissions import Role
from tests.authenticators import Authenticator
from tests.cast import Cast
from tests.factories import PASSWORD, Person, a_clinic, a_member_of_staff

NewClient = Callable[..., httpx2.AsyncClient]
NEW_PASSWORD = "quiet-harbour-lantern-42"
ORIGIN = "http://localhost:8000"


@pytest.fixture
async def invited(as_coordinator: httpx2.AsyncClient) -> dict[str, Any]:
    """A patient who has got a code."""
    patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})).json()
    answer = await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")
    return {"patient_id": patient["id"], **answer.json()}


@pytest.fixture
async def admin(db: Database, settings: Settings, cast: Cast) -> Person:
    return await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)


@pytest.fixture
def as_admin(new_client: NewClient, admin: Person) -> httpx2.AsyncClient:
    return new_client(admin.token)


def attempt(code: str, **but: Any) -> dict[str, Any]:
    return {
        "invitation_code": code, "email": "kim@example.org", "password": NEW_PASSWORD, "device_label": "a phone",
    } | but  # fmt: skip


async def activate(client: httpx2.AsyncClient, code: str, **but: Any) -> httpx2.Response:
    return await client.post("/v1/activations", json=attempt(code, **but))


async def sign_in(client: httpx2.AsyncClient, email: str, password: str, **but: str) -> httpx2.Response:
    body = {"email": email, "password": password, "device_label": "a browser"} | but
    return await client.post("/v1/sign-ins", json=body)


class TestRecoverPatient:
    @pytest.fixture
    async def code(self, as_coordinator: httpx2.AsyncClient, cast: Cast) -> str:
        answer = await as_coordinator.post(f"/v1/patients/{cast.patient_id}/account-recovery")
        assert answer.status_code == 201, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return str(answer.json()["code"])

    async def test_changes_nothing_until_the_code_is_used(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, cast: Cast, code: str
    ) -> None:
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 201
        assert (await as_patient.get("/v1/me")).status_code == 200

    async def test_gives_the_account_back_and_takes_it_from_everybody_else(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, new_client: NewClient, cast: Cast, code: str,
        db: Database,
    ) -> None:  # fmt: skip
        key = Authenticator(ORIGIN)
        asked = (await as_patient.post("/v1/me/passkeys/options")).json()["public_key"]
        await as_patient.post("/v1/me/passkeys", json={"credential": key.make(asked), "label": "a key"})
        await as_patient.post("/v1/me/second-factors")
        accounts = await db.scalar(sa.select(sa.func.count()).select_from(Account))

        answer = await activate(client, code, email=cast.patient.email)

        assert answer.status_code == 201, answer.text
        as_new = new_client(answer.json()["access_token"])
        profile = (await as_new.get("/v1/me")).json()
        assert (profile["patient_id"], profile["id"]) == (cast.patient_id, str(cast.patient.membership.id))
        assert (await as_patient.get("/v1/me")).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token}
        assert (await client.post("/oauth/token", data=form)).status_code == 400
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 401
        assert (await sign_in(client, cast.patient.email, NEW_PASSWORD)).status_code == 201
        assert (await db.scalars(sa.select(Passkey))).all() == []
        assert (await db.scalars(sa.select(OneTimeCodes))).all() == []
        assert await db.scalar(sa.select(sa.func.count()).select_from(Account)) == accounts
        ended = await db.scalars(
            sa.select(Device.ended_because).where(
                Device.membership_id == cast.patient.membership.id, Device.ended_at.is_not(None)
            )
        )
        assert ended.all() == ["recovered"]
        patient = await db.get_one(Patient, UUID(cast.patient_id))
        assert patient.status == "active"

    async def test_is_told_and_kept_in_the_audit(
        self, client: httpx2.AsyncClient, cast: Cast, code: str, db: Database
    ) -> None:
        await activate(client, code, email=cast.patient.email)

        told = (await db.scalars(sa.select(OutboxEvent).order_by(OutboxEvent.id.desc()).limit(1))).one()
        assert (told.type, told.subject_id) == ("patient_account.recovered", UUID(cast.patient_id))
        operations = await db.execute(
            sa.select(AuditEntry.operation, AuditEntry.actor_id).where(AuditEntry.patient_id == UUID(cast.patient_id))
        )
        assert {tuple(row) for row in operations} >= {
            ("recover_patient_account", cast.coordinator.membership.id),
            ("recover_account", cast.patient.membership.id),
        }

    async def test_may_change_the_address(self, client: httpx2.AsyncClient, cast: Cast, code: str) -> None:
        assert (await activate(client, code, email="new@example.org")).status_code == 201

        assert (await sign_in(client, "new@example.org", NEW_PASSWORD)).status_code == 201
        assert (await sign_in(client, cast.patient.email, NEW_PASSWORD)).status_code == 401

    async def test_does_not_take_the_address_of_another(
        self, client: httpx2.AsyncClient, cast: Cast, code: str
    ) -> None:
        answer = await activate(client, code, email=cast.nurse.email)

        assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 201
        assert (await activate(client, code, email=cast.patient.email)).status_code == 201

    async def test_works_with_a_passkey(self, client: httpx2.AsyncClient, cast: Cast, code: str) -> None:
        key = Authenticator(ORIGIN)
        asked = await client.post("/v1/activations/passkey-options", json={"email": cast.patient.email})
        passkey = key.make(asked.json()["public_key"])

        answer = await activate(client, code, email=cast.patient.email, password=None, passkey=passkey)

        assert answer.status_code == 201, answer.text
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 401
        asked = await client.post("/v1/sign-ins/passkey-options")
        body = {"credential": key.sign(asked.json()["public_key"]), "device_label": "a phone"}
        assert (await client.post("/v1/sign-ins/passkey", json=body)).status_code == 201

    async def test_is_one_use_and_ends_as_any_code_does(
        self, client: httpx2.AsyncClient, cast: Cast, code: str
    ) -> None:
        answers = await asyncio.gather(*(activate(client, code, email=cast.patient.email) for _ in range(5)))

        assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422]

    async def test_five_wrong_guesses_end_it(self, client: httpx2.AsyncClient, cast: Cast, code: str) -> None:
        for _ in range(5):
            await activate(client, code[:4] + "-0000-0000", email=cast.patient.email)

        assert (await activate(client, code, email=cast.patient.email)).json()["code"] == "invitation_refused"
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 201

    async def test_a_newer_code_withdraws_it(
        self, client: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient, cast: Cast, code: str
    ) -> None:
        newer = (await as_coordinator.post(f"/v1/patients/{cast.patient_id}/account-recovery")).json()["code"]

        answers = [await activate(client, each, email=cast.patient.email) for each in (code, newer)]

        assert [answer.status_code for answer in answers] == [422, 201]

    async def test_a_membership_that_ended_meanwhile_is_not_given_back(
        self, client: httpx2.AsyncClient, cast: Cast, code: str, db: Database
    ) -> None:
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.patient.membership.id).values(ended_at=clock.now())
        )

        assert (await activate(client, code, email=cast.patient.email)).json()["code"] == "invitation_refused"

    async def test_an_account_that_serves_elsewhere_meanwhile_is_not_given_back(
        self, client: httpx2.AsyncClient, cast: Cast, code: str, db: Database
    ) -> None:
        await join_elsewhere(db, cast.patient)

        assert (await activate(client, code, email=cast.patient.email)).json()["code"] == "invitation_refused"
        assert (await sign_in(client, cast.patient.email, PASSWORD)).status_code == 201

    async def test_one_clinic_alone_gives_no_account_away_that_serves_elsewhere(
        self, as_coordinator: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await join_elsewhere(db, cast.patient)

        answer = await as_coordinator.post(f"/v1/patients/{cast.patient_id}/account-recovery")

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_recover")

    async def test_who_has_no_account_yet_needs_an_invitation(
        self, as_coordinator: httpx2.AsyncClient, invited: dict[str, Any], client: httpx2.AsyncClient
    ) -> None:
        answer = await as_coordinator.post(f"/v1/patients/{invited['patient_id']}/account-recovery")

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_recover")
        assert (await activate(client, invited["code"])).status_code == 201


async def join_elsewhere(db: Database, person: Person) -> None:
    account = await db.get_one(Account, person.membership.account_id)
    elsewhere = await a_clinic(db, name="Elsewhere")
    await identity.add_membership(db, account, clinic_id=elsewhere.id, role=Role.NURSE, display_name="N")


class TestRecoverStaff:
    async def code_for(self, as_admin: httpx2.AsyncClient, person: Person) -> str:
        answer = await as_admin.post(f"/v1/staff/{person.membership.id}/account-recovery")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    async def test_gives_the_account_back_without_its_second_factor(
        self, client: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        as_nurse = new_client(cast.nurse.token)
        begun = (await as_nurse.post("/v1/me/second-factors")).json()
        code = totp.code_of(begun["secret"], totp.step_at(clock.now()))
        confirmed = await as_nurse.post(
            f"/v1/me/second-factors/{begun['id']}/confirmation", json={"one_time_code": code}
        )
        assert confirmed.status_code == 200, confirmed.text

        answer = await activate(client, await self.code_for(as_admin, cast.nurse), email=cast.nurse.email)

        as_recovered = new_client(answer.json()["access_token"])
        assert (await as_nurse.get("/v1/me")).status_code == 401
        assert (await as_recovered.get("/v1/me")).json()["role"] == "nurse"
        record = await as_recovered.get(f"/v1/patients/{cast.patient_id}")
        assert (record.status_code, record.json()["code"]) == (403, "second_factor_needed")
        account_id = cast.nurse.membership.account_id
        assert account_id is not None
        assert await second_factors.held(db, account_id) == frozenset()
        assert (await as_recovered.post("/v1/me/second-factors")).status_code == 201
        told = (await db.scalars(sa.select(OutboxEvent).order_by(OutboxEvent.id.desc()).limit(1))).one()
        assert (told.type, told.subject_id) == ("staff_account.recovered", cast.nurse.membership.id)

    async def test_needs_recent_proof_of_an_admin(
        self, as_admin: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient, cast: Cast, db: Database, admin: Person
    ) -> None:
        path = f"/v1/staff/{cast.nurse.membership.id}/account-recovery"
        by_coordinator = await as_coordinator.post(path)
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))
        by_admin = await as_admin.post(path)

        assert (by_coordinator.status_code, by_admin.status_code) == (403, 401)
        assert by_admin.json()["code"] == "recent_sign_in_required"

    async def test_is_for_colleagues_only(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Elsewhere")
        stranger = await a_member_of_staff(db, settings, elsewhere)
        left = await a_member_of_staff(db, settings, cast.clinic)
        await db.execute(sa.update(Membership).where(Membership.id == left.membership.id).values(ended_at=clock.now()))

        answers = [
            await as_admin.post(f"/v1/staff/{person.membership.id}/account-recovery")
            for person in (stranger, left, cast.patient)
        ]

        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}
