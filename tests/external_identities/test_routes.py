"""Saying who staff are at the outside issuer."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.external_identities.models import ExternalIdentity
from app.identity.models import Device
from app.identity.permissions import Role
from tests.cast import Cast
from tests.external_identities.fake_issuer import ISSUER, SUBJECT, FakeIssuer
from tests.factories import Person, a_clinic, a_member_of_staff, an_api_client, an_id

NewClient = Callable[..., httpx2.AsyncClient]


def address(person: Person) -> str:
    return f"/v1/staff/{person.membership.id}/external-identity"


async def link(as_admin: httpx2.AsyncClient, person: Person, subject: str = SUBJECT) -> httpx2.Response:
    return await as_admin.put(address(person), json={"subject": subject})


@pytest.mark.usefixtures("trusted")
class TestLink:
    async def test_says_who_somebody_is(
        self, as_admin: httpx2.AsyncClient, admin: Person, cast: Cast, db: Database
    ) -> None:
        answer = await link(as_admin, cast.nurse)

        assert answer.status_code == 200
        body = answer.json()
        assert (body["issuer"], body["subject"], body["linked_by"]) == (ISSUER, SUBJECT, str(admin.membership.id))
        assert (await as_admin.get(address(cast.nurse))).json() == body
        kept = await db.scalar(sa.text("SELECT subject FROM external_identities"))
        assert SUBJECT.encode() not in bytes(kept or b"")

    async def test_saying_it_again_changes_nothing(self, as_admin: httpx2.AsyncClient, cast: Cast) -> None:
        assert (await link(as_admin, cast.nurse)).json() == (await link(as_admin, cast.nurse)).json()

    async def test_one_person_is_one_subject(self, as_admin: httpx2.AsyncClient, cast: Cast) -> None:
        await link(as_admin, cast.nurse)

        assert (await link(as_admin, cast.nurse, "another")).json()["code"] == "already_linked"
        assert (await link(as_admin, cast.therapist)).json()["code"] == "already_linked"
        assert (await link(as_admin, cast.therapist, SUBJECT.upper())).json()["code"] == "already_linked"

    async def test_is_for_people_who_work_here(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        far_nurse = await a_member_of_staff(db, settings, elsewhere, Role.NURSE)
        program, _ = await an_api_client(db, cast.clinic)
        left = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE)
        left.membership.ended_at = clock.now()

        ids = [far_nurse.membership.id, cast.patient.membership.id, program, left.membership.id, an_id()]

        for staff_id in ids:
            for method, body in (("PUT", {"subject": SUBJECT}), ("GET", None), ("DELETE", None)):
                answer = await as_admin.request(method, f"/v1/staff/{staff_id}/external-identity", json=body)
                assert answer.status_code == 404

    async def test_each_clinic_says_it_for_itself(
        self, as_admin: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        far_admin = await a_member_of_staff(db, settings, elsewhere, Role.CLINIC_ADMIN)
        far_nurse = await a_member_of_staff(db, settings, elsewhere, Role.NURSE)

        answers = [await link(as_admin, cast.nurse), await link(new_client(far_admin.token), far_nurse)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert (await new_client(far_admin.token).get(address(cast.nurse))).status_code == 404

    @pytest.mark.parametrize("subject", ["", "x" * 256, 7, None])
    async def test_points_at_what_is_wrong(self, as_admin: httpx2.AsyncClient, cast: Cast, subject: object) -> None:
        answer = await as_admin.put(address(cast.nurse), json={"subject": subject})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/subject")

    async def test_needs_a_recent_sign_in(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))

        assert (await link(as_admin, cast.nurse)).json()["code"] == "recent_sign_in_required"

    async def test_of_two_at_once_one_is_told(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from app.external_identities import service

        async def nobody(*_: object) -> list[ExternalIdentity]:
            return []

        await link(as_admin, cast.nurse)
        monkeypatch.setattr(service, "_with_subject", nobody)

        assert (await link(as_admin, cast.therapist)).json()["code"] == "already_linked"
        assert len((await db.scalars(sa.select(ExternalIdentity))).all()) == 1


class TestUnlink:
    async def test_can_be_done_twice(self, as_admin: httpx2.AsyncClient, cast: Cast, trusted: FakeIssuer) -> None:
        await link(as_admin, cast.nurse)

        assert [(await as_admin.delete(address(cast.nurse))).status_code for _ in range(2)] == [204, 204]
        assert (await as_admin.get(address(cast.nurse))).status_code == 404


class TestWithoutAnIssuer:
    async def test_nobody_can_be_linked(self, as_admin: httpx2.AsyncClient, cast: Cast) -> None:
        assert (await link(as_admin, cast.nurse)).json()["code"] == "no_outside_issuer"
