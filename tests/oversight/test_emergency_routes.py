"""Opening a record in an emergency: at once, for an hour, with a reason, a review, and before the patient's eyes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity import service as identity
from app.identity.models import Account, CareTeamMember, Device, Membership
from app.identity.permissions import Role
from app.oversight.models import EmergencyAccess
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff, a_report, an_id
from tests.oversight.conftest import WHY

NewClient = Callable[..., httpx2.AsyncClient]


async def opened_by(caller: httpx2.AsyncClient, address: str) -> dict[str, Any]:
    answer = await caller.post(address, json=WHY)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


class TestOpenEmergencyAccess:
    async def test_lets_in_at_once_and_says_until_when(
        self, as_nurse: httpx2.AsyncClient, cast: Cast, emergency_address: str
    ) -> None:
        record = f"/v1/patients/{cast.other_patient_id}/check-ins"
        before = await as_nurse.get(record)

        answer = await as_nurse.post(emergency_address, json=WHY)

        body = answer.json()
        assert (before.status_code, answer.status_code) == (404, 201)
        assert (await as_nurse.get(record)).status_code == 200
        assert (body["reason_code"], body["reason"]) == (WHY["reason_code"], WHY["reason"])
        assert body["opened_by"] == {
            "staff_id": str(cast.nurse.membership.id), "display_name": cast.nurse.membership.display_name,
            "role": "nurse",
        }  # fmt: skip
        assert (body["patient_id"], body["version"], body["reviewed_at"]) == (cast.other_patient_id, 1, None)
        assert answer.headers["etag"] == '"1"'

    async def test_lasts_an_hour(
        self, as_nurse: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, emergency_address: str
    ) -> None:
        begin = clock.now()
        with clock.told(begin):
            body = await opened_by(as_nurse, emergency_address)
            lasting = await _token(db, cast.nurse)
        record = f"/v1/patients/{cast.other_patient_id}/check-ins"

        async def seen(minutes: float) -> int:
            with clock.told(begin + timedelta(minutes=minutes)):
                return (await new_client(lasting).get(record)).status_code

        assert body["until"] > body["opened_at"]
        assert [await seen(minutes) for minutes in (0.1, 59.9, 60, 61, 600)] == [200, 200, 404, 404, 404]

    async def test_lasts_as_long_as_is_set(
        self, as_nurse: httpx2.AsyncClient, app: Any, settings: Settings, emergency_address: str
    ) -> None:
        app.state.settings = settings.model_copy(update={"emergency_access_minutes": 15})

        with clock.told(clock.now().replace(microsecond=0)):
            body = await opened_by(as_nurse, emergency_address)
            expected = clock.now() + timedelta(minutes=15)

        assert body["until"] == f"{expected:%Y-%m-%dT%H:%M:%S}.000Z"

    async def test_lets_do_what_the_role_may_do(
        self, as_nurse: httpx2.AsyncClient, cast: Cast, emergency_address: str
    ) -> None:
        await opened_by(as_nurse, emergency_address)

        wrote = await as_nurse.put(
            f"/v1/patients/{cast.other_patient_id}/check-ins/{an_id()}", json=a_report() | {"note": None}
        )
        beyond = await as_nurse.put(
            f"/v1/patients/{cast.other_patient_id}/care-team", json={"members": []}, headers={"If-Match": '"1"'}
        )

        assert (wrote.status_code, beyond.status_code) == (201, 403)

    async def test_again_while_it_is_open_changes_nothing(
        self, as_nurse: httpx2.AsyncClient, db: Database, emergency_address: str
    ) -> None:
        first = await opened_by(as_nurse, emergency_address)

        again = await as_nurse.post(emergency_address, json=WHY | {"reason": "Pressed twice, I think."})

        assert (again.status_code, again.json()) == (200, first)
        assert await db.scalar(sa.select(sa.func.count()).select_from(EmergencyAccess)) == 1

    async def test_is_not_for_who_looks_after_the_patient(self, as_nurse: httpx2.AsyncClient, cast: Cast) -> None:
        answer = await as_nurse.post(f"/v1/patients/{cast.patient_id}/emergency-access", json=WHY)

        assert (answer.status_code, answer.json()["code"]) == (409, "already_in_care_team")

    async def test_makes_nobody_a_member_of_the_care_team(
        self, as_nurse: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, emergency_address: str
    ) -> None:
        record = f"/v1/patients/{cast.other_patient_id}"
        await opened_by(as_nurse, emergency_address)
        as_coordinator = new_client(cast.coordinator.token)

        file = await as_coordinator.get(record)
        await as_coordinator.put(
            f"{record}/care-team", json={"members": []}, headers={"If-Match": file.headers["etag"]}
        )

        assert file.json()["care_team"] == []
        assert (await as_nurse.get(record)).status_code == 200  # a new care team does not end an emergency
        (place,) = await db.scalars(sa.select(CareTeamMember).where(CareTeamMember.kind == "emergency"))
        assert (place.responsible, place.until is not None) == (False, True)

    async def test_needs_a_recent_sign_in(
        self, as_nurse: httpx2.AsyncClient, cast: Cast, db: Database, emergency_address: str
    ) -> None:
        long_ago = clock.now() - timedelta(hours=1)
        await db.execute(
            sa.update(Device)
            .where(Device.membership_id == cast.nurse.membership.id)
            .values(signed_in_at=long_ago, authenticated_at=long_ago)
        )

        answer = await as_nurse.post(emergency_address, json=WHY)

        assert (answer.status_code, answer.json()["code"]) == (401, "recent_sign_in_required")
        assert await db.scalar(sa.select(sa.func.count()).select_from(EmergencyAccess)) == 0

    async def test_stops_at_the_wall_of_the_clinic(
        self, as_nurse: httpx2.AsyncClient, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)

        for patient_id in (elsewhere.patient_id, str(an_id())):
            answer = await as_nurse.post(f"/v1/patients/{patient_id}/emergency-access", json=WHY)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("role", [Role.COORDINATOR, Role.RESEARCHER, Role.PRIVACY_OFFICER, Role.CLINIC_ADMIN])
    async def test_is_for_those_who_treat(
        self,
        new_client: NewClient,
        cast: Cast,
        db: Database,
        settings: Settings,
        role: Role,
        emergency_address: str,
    ) -> None:
        caller = new_client((await a_member_of_staff(db, settings, cast.clinic, role)).token)

        assert (await caller.post(emergency_address, json=WHY)).status_code == 403

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"reason_code": "curiosity"}, "/reason_code"),
            ({"reason": "short"}, "/reason"),
            ({"reason": "x" * 1001}, "/reason"),
            ({"until": "2030-01-01T00:00:00Z"}, "/until"),
        ],
    )
    async def test_needs_a_reason(
        self, as_nurse: httpx2.AsyncClient, emergency_address: str, change: dict[str, str], pointer: str
    ) -> None:
        answer = await as_nurse.post(emergency_address, json=WHY | change)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_is_told_and_its_reason_is_sealed(
        self, as_nurse: httpx2.AsyncClient, cast: Cast, db: Database, emergency_address: str
    ) -> None:
        body = await opened_by(as_nurse, emergency_address)

        event = (await db.scalars(sa.select(OutboxEvent).where(OutboxEvent.type == "emergency_access.opened"))).one()
        assert (str(event.subject_id), str(event.patient_id)) == (body["id"], cast.other_patient_id)
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "open_emergency_access"))).one()
        assert (str(entry.patient_id), entry.outcome) == (cast.other_patient_id, "allowed")
        raw = await db.scalar(sa.text("SELECT reason FROM emergency_accesses"))
        assert b"unresponsive" not in bytes(raw)


async def _token(db: Database, person: Person) -> str:
    """An access token that lasts a day."""
    settings = Settings()
    tokens = identity.begin(
        db, settings, person.membership, "another browser", methods="password otp", access_lasts=timedelta(days=1)
    )
    await db.finish()
    return tokens.access_token


class TestReview:
    @pytest.fixture
    async def opened(self, as_nurse: httpx2.AsyncClient, emergency_address: str) -> dict[str, Any]:
        return await opened_by(as_nurse, emergency_address)

    @pytest.fixture
    def address(self, opened: dict[str, Any]) -> str:
        return f"/v1/emergency-accesses/{opened['id']}"

    async def test_waits_in_the_queue_until_it_is_written(
        self, as_officer: httpx2.AsyncClient, opened: dict[str, Any], address: str, officer: Person
    ) -> None:
        async def queue(reviewed: str) -> list[str]:
            page = await as_officer.get("/v1/emergency-accesses", params={"reviewed": reviewed})
            return [item["id"] for item in page.json()["items"]]

        before = (await queue("false"), await queue("true"))
        answer = await as_officer.post(
            f"{address}/review", json={"outcome": "justified", "note": "As agreed."}, headers={"If-Match": '"1"'}
        )

        assert before == ([opened["id"]], [])
        assert answer.status_code == 200
        body = answer.json()
        assert (body["outcome"], body["note"], body["version"]) == ("justified", "As agreed.", 2)
        assert (body["reviewed_by"], body["reviewed_at"] is not None) == (str(officer.membership.id), True)
        assert (await queue("false"), await queue("true")) == ([], [opened["id"]])

    async def test_is_written_once_and_never_blindly(self, as_officer: httpx2.AsyncClient, address: str) -> None:
        review = {"outcome": "not_justified", "note": None}

        blind = await as_officer.post(f"{address}/review", json=review)
        first = await as_officer.post(f"{address}/review", json=review, headers={"If-Match": '"1"'})
        stale = await as_officer.post(f"{address}/review", json=review, headers={"If-Match": '"1"'})
        again = await as_officer.post(f"{address}/review", json=review, headers={"If-Match": '"2"'})

        assert [each.status_code for each in (blind, first, stale, again)] == [428, 200, 412, 409]
        assert stale.json()["current"]["outcome"] == "not_justified"
        assert again.json()["code"] == "already_reviewed"

    async def test_is_not_for_the_one_who_opened_it_under_another_role(
        self, new_client: NewClient, cast: Cast, db: Database, settings: Settings, address: str
    ) -> None:
        account = await db.get_one(Account, cast.nurse.membership.account_id)
        other = await identity.add_membership(
            db, account, clinic_id=cast.clinic.id, role=Role.PRIVACY_OFFICER, display_name="The nurse, again"
        )
        token = identity.begin(db, settings, other, "a phone", methods="password otp").access_token

        answer = await new_client(token).post(
            f"{address}/review", json={"outcome": "justified"}, headers={"If-Match": '"1"'}
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "own_emergency_access")

    async def test_is_read_with_a_tag(
        self, as_officer: httpx2.AsyncClient, opened: dict[str, Any], address: str
    ) -> None:
        answer = await as_officer.get(address)

        assert answer.json() == opened
        unchanged = await as_officer.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert unchanged.status_code == 304

    async def test_of_another_clinic_is_not_there(
        self, new_client: NewClient, db: Database, settings: Settings, address: str
    ) -> None:
        elsewhere = await a_cast(db, settings)
        caller = new_client((await a_member_of_staff(db, settings, elsewhere.clinic, Role.PRIVACY_OFFICER)).token)

        assert (await caller.get(address)).status_code == 404
        assert (await caller.get("/v1/emergency-accesses")).json()["items"] == []
        answer = await caller.post(f"{address}/review", json={"outcome": "unclear"}, headers={"If-Match": '"1"'})
        assert answer.status_code == 404

    async def test_pages_through_all_of_them_once(
        self, as_officer: httpx2.AsyncClient, new_client: NewClient, cast: Cast, emergency_address: str
    ) -> None:
        for person in (cast.nurse, cast.therapist, cast.prescriber):
            await new_client(person.token).post(emergency_address, json=WHY)

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            wanted = {"limit": 1} | ({"cursor": cursor} if cursor else {})
            page = (await as_officer.get("/v1/emergency-accesses", params=wanted)).json()
            seen += [item["opened_by"]["role"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert seen == ["prescriber", "therapist", "nurse"]


class TestListMyRecordAccesses:
    async def test_tells_who_did_what_and_what_was_an_emergency(
        self, as_nurse: httpx2.AsyncClient, as_other_patient: httpx2.AsyncClient, cast: Cast, emergency_address: str
    ) -> None:
        record = f"/v1/patients/{cast.other_patient_id}"
        await as_nurse.get(record)  # denied: nothing was seen
        await opened_by(as_nurse, emergency_address)
        await as_nurse.get(f"{record}/check-ins")
        await as_other_patient.get("/v1/me/check-ins")

        items = (await as_other_patient.get("/v1/me/record-accesses")).json()["items"]

        assert [(item["what"], item["wrote"], item["emergency"]) for item in items] == [
            ("Read your check-ins", False, True),
            ("Opened your record in an emergency", True, False),
        ]
        assert items[0]["who"] == {
            "staff_id": str(cast.nurse.membership.id), "display_name": cast.nurse.membership.display_name,
            "role": "nurse",
        }  # fmt: skip
        assert (items[0]["emergency_reason"], items[1]["emergency_reason"]) == ("medical_emergency", None)

    async def test_shows_what_i_did_myself_if_asked(self, new_client: NewClient, cast: Cast) -> None:
        as_patient = new_client(cast.patient.token)
        await as_patient.get("/v1/me/check-ins")

        without = (await as_patient.get("/v1/me/record-accesses")).json()["items"]
        with_own = (await as_patient.get("/v1/me/record-accesses", params={"own": "true"})).json()["items"]

        assert without == []
        assert {"Read your check-ins"} <= {item["what"] for item in with_own}

    async def test_pages_through_all_of_them_once(
        self, as_nurse: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        for _ in range(5):
            await as_nurse.get(f"/v1/patients/{cast.patient_id}")
        as_patient = new_client(cast.patient.token)

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            wanted = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await as_patient.get("/v1/me/record-accesses", params=wanted)).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert len(seen) == len(set(seen)) == 5

    async def test_knows_somebody_who_left(
        self, as_nurse: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        await as_nurse.get(f"/v1/patients/{cast.patient_id}")
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.nurse.membership.id).values(ended_at=clock.now())
        )

        (item,) = (await new_client(cast.patient.token).get("/v1/me/record-accesses")).json()["items"]

        assert item["who"]["display_name"] == cast.nurse.membership.display_name
