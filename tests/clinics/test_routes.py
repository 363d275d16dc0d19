"""A clinic's administration through the front door."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import CareTeamMember, Membership
from app.identity.permissions import Role
from app.protocols.models import ProtocolVersion
from app.protocols.rules import Protocol
from tests.cast import Cast, a_cast
from tests.factories import a_member_of_staff, an_id

NewClient = Callable[..., httpx2.AsyncClient]


async def told(db: Database) -> list[tuple[str, int]]:
    """What the outside world was told, in order."""
    found = await db.execute(sa.select(OutboxEvent.type, OutboxEvent.version).order_by(OutboxEvent.id))
    return [(row[0], row[1]) for row in found]


class TestEnrolPatient:
    async def test_adds_a_patient_who_is_invited(self, as_coordinator: httpx2.AsyncClient, db: Database) -> None:
        await db.finish()
        before = await told(db)

        answer = await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})

        assert answer.status_code == 201
        body = answer.json()
        assert (body["display_name"], body["status"], body["version"]) == ("Kim L.", "invited", 1)
        assert body["time_zone"] == "Europe/Berlin"
        assert body["care_team"] == []
        assert answer.headers["etag"] == '"1"'
        assert (await told(db))[len(before) :] == [("patient.enrolled", 1)]

    async def test_keeps_the_zone_where_the_patient_lives(self, as_coordinator: httpx2.AsyncClient) -> None:
        answer = await as_coordinator.post("/v1/patients", json={"display_name": "Kim", "time_zone": "Asia/Tokyo"})

        assert answer.json()["time_zone"] == "Asia/Tokyo"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/display_name"),
            ({"display_name": ""}, "/display_name"),
            ({"display_name": "x" * 201}, "/display_name"),
            ({"display_name": 7}, "/display_name"),
            ({"display_name": "Kim", "time_zone": "Mars/Base"}, "/time_zone"),
            ({"display_name": "Kim", "status": "active"}, "/status"),
            ({"display_name": "Kim", "clinic_id": str(an_id())}, "/clinic_id"),
        ],
    )
    async def test_points_at_what_is_wrong(
        self, as_coordinator: httpx2.AsyncClient, body: dict[str, Any], pointer: str
    ) -> None:
        answer = await as_coordinator.post("/v1/patients", json=body)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


class TestListPatients:
    async def test_pages_through_all_of_them_once(self, as_coordinator: httpx2.AsyncClient, cast: Cast) -> None:
        for number in range(7):
            await as_coordinator.post("/v1/patients", json={"display_name": f"Patient {number}"})

        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await as_coordinator.get(
                "/v1/patients", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
            seen += [item["display_name"] for item in page.json()["items"]]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break

        assert seen[:7] == [f"Patient {number}" for number in reversed(range(7))]
        assert len(seen) == 9

    async def test_costs_the_same_however_many_there_are(
        self, as_coordinator: httpx2.AsyncClient, queries: list[str], cast: Cast
    ) -> None:
        await as_coordinator.get("/v1/patients")
        queries.clear()
        await as_coordinator.get("/v1/patients")
        few = len(queries)
        for number in range(5):
            await as_coordinator.post("/v1/patients", json={"display_name": f"Patient {number}"})
        queries.clear()

        await as_coordinator.get("/v1/patients")

        assert len(queries) == few

    async def test_a_cursor_belongs_to_one_clinic(
        self, as_coordinator: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)
        cursor = (await as_coordinator.get("/v1/patients", params={"limit": 1})).json()["next_cursor"]

        answer = await new_client(elsewhere.coordinator.token).get("/v1/patients", params={"cursor": cursor})

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


class TestReadPatient:
    async def test_tells_who_looks_after_them(self, as_prescriber: httpx2.AsyncClient, cast: Cast) -> None:
        answer = await as_prescriber.get(f"/v1/patients/{cast.patient_id}")

        team = {member["staff_id"]: member["role"] for member in answer.json()["care_team"]}
        assert team == {
            str(person.membership.id): person.membership.role
            for person in (cast.prescriber, cast.nurse, cast.therapist)
        }

    async def test_answers_304_to_who_has_it_already(self, as_prescriber: httpx2.AsyncClient, cast: Cast) -> None:
        address = f"/v1/patients/{cast.patient_id}"
        tag = (await as_prescriber.get(address)).headers["etag"]

        answer = await as_prescriber.get(address, headers={"If-None-Match": tag})

        assert (answer.status_code, answer.content) == (304, b"")


class TestInvitePatient:
    async def test_gives_a_code_once(self, as_coordinator: httpx2.AsyncClient, db: Database) -> None:
        patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim"})).json()

        answer = await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")

        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.json()["code"]) == 14

    async def test_refuses_who_has_an_account(self, as_coordinator: httpx2.AsyncClient, cast: Cast) -> None:
        answer = await as_coordinator.post(f"/v1/patients/{cast.patient_id}/invitations")

        assert (answer.status_code, answer.json()["code"]) == (409, "already_active")


class TestCareTeam:
    @pytest.fixture
    def address(self, cast: Cast) -> str:
        return f"/v1/patients/{cast.patient_id}/care-team"

    @pytest.fixture
    async def tag(self, as_coordinator: httpx2.AsyncClient, cast: Cast) -> str:
        return str((await as_coordinator.get(f"/v1/patients/{cast.patient_id}")).headers["etag"])

    async def test_is_replaced_and_told(
        self,
        as_coordinator: httpx2.AsyncClient,
        new_client: NewClient,
        cast: Cast,
        db: Database,
        address: str,
        tag: str,
    ) -> None:
        nurse = str(cast.nurse.membership.id)

        answer = await as_coordinator.put(
            address, json={"members": [{"staff_id": nurse, "responsible": True}]}, headers={"If-Match": tag}
        )

        assert answer.status_code == 200, answer.text
        assert [(m["staff_id"], m["responsible"]) for m in answer.json()["care_team"]] == [(nurse, True)]
        assert answer.headers["etag"] != tag
        assert (await told(db))[-1] == ("care_team.changed", answer.json()["version"])
        record = f"/v1/patients/{cast.patient_id}"
        assert (await new_client(cast.nurse.token).get(record)).status_code == 200
        assert (await new_client(cast.therapist.token).get(record)).status_code == 404
        history = await db.scalar(
            sa.select(sa.func.count()).select_from(CareTeamMember).where(CareTeamMember.until.is_not(None))
        )
        assert history == 3

    async def test_leaves_alone_who_stays_as_they_were(
        self, as_coordinator: httpx2.AsyncClient, cast: Cast, address: str, tag: str
    ) -> None:
        before = (await as_coordinator.get(f"/v1/patients/{cast.patient_id}")).json()["care_team"]

        after = await as_coordinator.put(
            address, json={"members": [{"staff_id": m["staff_id"]} for m in before]}, headers={"If-Match": tag}
        )

        assert after.json()["care_team"] == before

    async def test_may_be_empty(self, as_coordinator: httpx2.AsyncClient, address: str, tag: str) -> None:
        answer = await as_coordinator.put(address, json={"members": []}, headers={"If-Match": tag})

        assert answer.json()["care_team"] == []

    async def test_takes_one_named_twice_as_one(
        self, as_coordinator: httpx2.AsyncClient, cast: Cast, address: str, tag: str
    ) -> None:
        nurse = {"staff_id": str(cast.nurse.membership.id)}

        answer = await as_coordinator.put(address, json={"members": [nurse, nurse]}, headers={"If-Match": tag})

        assert len(answer.json()["care_team"]) == 1

    async def test_is_not_changed_blindly_or_on_something_old(
        self, as_coordinator: httpx2.AsyncClient, address: str, tag: str
    ) -> None:
        blind = await as_coordinator.put(address, json={"members": []})
        await as_coordinator.put(address, json={"members": []}, headers={"If-Match": tag})

        stale = await as_coordinator.put(address, json={"members": []}, headers={"If-Match": tag})

        assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
        assert stale.json()["current"]["care_team"] == []

    async def test_holds_only_staff_who_work_here(
        self,
        as_coordinator: httpx2.AsyncClient,
        cast: Cast,
        db: Database,
        settings: Settings,
        address: str,
        tag: str,
    ) -> None:
        elsewhere = await a_cast(db, settings)
        left = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE)
        await db.execute(
            sa.update(Membership).where(Membership.id == left.membership.id).values(ended_at=left.membership.created_at)
        )
        strangers = [elsewhere.nurse.membership.id, cast.patient.membership.id, an_id(), left.membership.id]
        named = [cast.nurse.membership.id, *strangers]

        answer = await as_coordinator.put(
            address, json={"members": [{"staff_id": str(each)} for each in named]}, headers={"If-Match": tag}
        )

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_staff")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [
            f"/members/{number}/staff_id" for number in (1, 2, 3, 4)
        ]


class TestStaff:
    async def test_are_listed_without_patients(self, as_coordinator: httpx2.AsyncClient, cast: Cast) -> None:
        items = (await as_coordinator.get("/v1/staff")).json()["items"]

        assert [item["role"] for item in items] == ["coordinator", "nurse", "prescriber", "therapist"]

    async def test_are_invited_by_who_administers_the_clinic(
        self, as_admin: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient
    ) -> None:
        body = {"display_name": "Ada N.", "role": "nurse"}

        assert (await as_admin.post("/v1/staff/invitations", json=body)).status_code == 201
        assert (await as_coordinator.post("/v1/staff/invitations", json=body)).status_code == 403

    @pytest.mark.parametrize("role", ["patient", "service", "admin", "", None])
    async def test_are_invited_to_roles_of_staff_only(self, as_admin: httpx2.AsyncClient, role: Any) -> None:
        answer = await as_admin.post("/v1/staff/invitations", json={"display_name": "Ada", "role": role})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/role")


class TestProtocol:
    async def test_is_unsigned_at_first(self, as_prescriber: httpx2.AsyncClient) -> None:
        answer = await as_prescriber.get("/v1/protocol")

        body = answer.json()
        assert (body["version"], body["signed_off_by"], body["signed_off_at"]) == (1, None, None)
        assert body["figures"] == Protocol().model_dump(mode="json")
        assert answer.headers["etag"] == 'W/"1"'  # weak, as it is compressed

    async def test_answers_304_to_who_has_it_already(self, as_prescriber: httpx2.AsyncClient) -> None:
        answer = await as_prescriber.get("/v1/protocol", headers={"If-None-Match": '"1"'})

        assert (answer.status_code, answer.content) == (304, b"")

    async def test_a_change_is_a_new_version_that_is_signed(
        self, as_prescriber: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        figures = Protocol().model_dump(mode="json")
        figures["linking"]["before_hours"] = 48

        answer = await as_prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Reviewed."}, headers={"If-Match": '"1"'}
        )

        body = answer.json()
        assert answer.status_code == 200
        assert (body["version"], body["signed_off_by"]) == (2, str(cast.prescriber.membership.id))
        assert body["figures"]["linking"]["before_hours"] == 48
        assert (await as_prescriber.get("/v1/protocol")).json() == body
        assert (await told(db))[-1] == ("protocol.changed", 2)
        versions = list(await db.scalars(sa.select(ProtocolVersion.version).order_by(ProtocolVersion.version)))
        assert versions == [1, 2]

    async def test_is_not_changed_blindly_or_on_something_old(self, as_prescriber: httpx2.AsyncClient) -> None:
        body = {"figures": Protocol().model_dump(mode="json"), "reason": "Reviewed."}

        blind = await as_prescriber.put("/v1/protocol", json=body)
        await as_prescriber.put("/v1/protocol", json=body, headers={"If-Match": '"1"'})
        stale = await as_prescriber.put("/v1/protocol", json=body, headers={"If-Match": '"1"'})

        assert (blind.status_code, stale.status_code) == (428, 412)
        assert stale.json()["current"]["version"] == 2

    @pytest.mark.parametrize(
        ("section", "figure", "value"),
        [
            ("linking", "before_hours", -1),
            ("linking", "before_hours", "72"),
            ("linking", "after_days", 0),
            ("linking", "no_such", 1),
            ("trends", "alpha", 0),
            ("trends", "alpha", 0.5),
            ("trends", "change_range_share", "0.2"),
            ("trends", "change_range_share", True),
            ("trends", "slope_min", 4.5),
            ("instruments", "prorate_phq9", 1),
        ],
    )
    async def test_refuses_figures_that_make_no_sense(
        self, as_prescriber: httpx2.AsyncClient, section: str, figure: str, value: Any
    ) -> None:
        figures = Protocol().model_dump(mode="json")
        figures[section][figure] = value

        answer = await as_prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Reviewed."}, headers={"If-Match": '"1"'}
        )

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/figures/{section}/{figure}"

    async def test_is_signed_by_a_prescriber_only(self, as_coordinator: httpx2.AsyncClient) -> None:
        body = {"figures": Protocol().model_dump(mode="json"), "reason": "Reviewed."}

        answer = await as_coordinator.put("/v1/protocol", json=body, headers={"If-Match": '"1"'})

        assert answer.status_code == 403
