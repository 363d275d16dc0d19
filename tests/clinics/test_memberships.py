"""Colleagues who leave."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import CareTeamMember, Device
from app.identity.permissions import Role
from tests.cast import Cast
from tests.factories import PASSWORD, Person, a_member_of_staff, an_id

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def admin(db: Database, settings: Settings, cast: Cast) -> Person:
    return await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)


@pytest.fixture
def by_admin(new_client: NewClient, admin: Person) -> httpx2.AsyncClient:
    return new_client(admin.token)


class TestEndStaffMembership:
    async def test_ends_everything_at_once(
        self, by_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        staff_id = cast.nurse.membership.id
        code = (await by_admin.post(f"/v1/staff/{staff_id}/account-recovery")).json()["code"]
        as_nurse = new_client(cast.nurse.token)
        assert (await as_nurse.get("/v1/me")).status_code == 200

        answer = await by_admin.delete(f"/v1/staff/{staff_id}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert (await as_nurse.get("/v1/me")).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": cast.nurse.refresh_token}
        assert (await client.post("/oauth/token", data=form)).status_code == 400
        body = {"email": cast.nurse.email, "password": PASSWORD, "device_label": "a browser"}
        assert (await client.post("/v1/sign-ins", json=body)).status_code == 401
        body = {"invitation_code": code, "email": cast.nurse.email, "password": PASSWORD + "2", "device_label": "b"}
        assert (await client.post("/v1/activations", json=body)).json()["code"] == "invitation_refused"
        assert str(staff_id) not in {each["id"] for each in (await by_admin.get("/v1/staff")).json()["items"]}
        because = await db.scalars(sa.select(Device.ended_because).where(Device.membership_id == staff_id))
        assert because.all() == ["left"]

    async def test_leaves_the_care_teams_as_they_are_otherwise(
        self, by_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        path = f"/v1/patients/{cast.patient_id}"
        before = (await by_admin.get(path)).json()
        emergency = CareTeamMember(
            id=new_id(), clinic_id=cast.clinic.id, patient_id=cast.other_patient.patient_id,
            membership_id=cast.nurse.membership.id, kind="emergency", responsible=False, since=clock.now(),
            until=clock.now() + timedelta(hours=1),
        )  # fmt: skip
        db.add(emergency)
        await db.flush()

        await by_admin.delete(f"/v1/staff/{cast.nurse.membership.id}")

        after = (await by_admin.get(path)).json()
        stayed = [each for each in before["care_team"] if each["staff_id"] != str(cast.nurse.membership.id)]
        assert after["care_team"] == stayed
        assert len(stayed) == 2
        assert after["version"] == before["version"] + 1
        places = await db.scalars(
            sa.select(CareTeamMember).where(CareTeamMember.membership_id == cast.nurse.membership.id)
        )
        assert {place.kind: place.until is not None and place.until <= clock.now() for place in places} == {
            "member": True,
            "emergency": True,
        }
        told = list(await db.scalars(sa.select(OutboxEvent.type).order_by(OutboxEvent.id)))[-3:]
        assert sorted(told) == ["care_team.changed", "care_team.changed", "staff.left"]

    async def test_can_be_repeated_and_tells_once(self, by_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        path = f"/v1/staff/{cast.nurse.membership.id}"

        answers = [await by_admin.delete(path) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 204]
        told = await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type == "staff.left"))
        assert len(told.all()) == 1

    async def test_nobody_ends_their_own(self, by_admin: httpx2.AsyncClient, admin: Person) -> None:
        answer = await by_admin.delete(f"/v1/staff/{admin.membership.id}")

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_end_yourself")

    async def test_is_for_admins_who_proved_themselves_lately(
        self, by_admin: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        path = f"/v1/staff/{cast.nurse.membership.id}"
        by_coordinator = await as_coordinator.delete(path)
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))

        assert (by_coordinator.status_code, (await by_admin.delete(path)).status_code) == (403, 401)

    async def test_of_patients_strangers_and_nobody_is_not_there(
        self, by_admin: httpx2.AsyncClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        from tests.cast import a_cast

        elsewhere = await a_cast(db, settings)
        named: list[Any] = [cast.patient.membership.id, elsewhere.nurse.membership.id, an_id()]

        assert {(await by_admin.delete(f"/v1/staff/{each}")).status_code for each in named} == {404}
