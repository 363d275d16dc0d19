"""A clinic's figures: signed off, versioned, and applied."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Clinic
from app.identity.permissions import Role
from app.protocols.models import ProtocolVersion
from tests import factories
from tests.factories import Person, a_report, an_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def clinic(db: Database) -> Clinic:
    """A clinic with the proposed figures."""
    return await factories.a_clinic(db)


@pytest.fixture
async def patient(db: Database, settings: Settings, clinic: Clinic) -> Person:
    """One of its patients."""
    return await factories.a_patient(db, settings, clinic)


@pytest.fixture
async def as_prescriber(
    db: Database,
    settings: Settings,
    clinic: Clinic,
    patient: Person,
    new_client: Callable[..., httpx2.AsyncClient],
) -> httpx2.AsyncClient:
    """The browser of a prescriber who looks after the patient."""
    return new_client((await factories.a_member_of_staff(db, settings, clinic, patients=(patient,))).token)


class TestReadProtocol:
    async def test_says_that_nobody_signed_the_proposed_figures(self, as_prescriber: httpx2.AsyncClient) -> None:
        answer = await as_prescriber.get("/v1/protocol")

        assert answer.json()["version"] == 1
        assert answer.json()["signed_off_by"] is None
        assert answer.json()["figures"]["linking"]["after_days"] == 14
        assert answer.json()["unsigned_sections"] == list(answer.json()["figures"])


class TestSignProtocol:
    async def test_adds_a_version_with_who_signed_and_keeps_the_one_before(
        self, as_prescriber: httpx2.AsyncClient, db: Database
    ) -> None:
        figures = (await as_prescriber.get("/v1/protocol")).json()["figures"]
        figures["trends"]["baseline_min_values"] = 4

        answer = await as_prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Reviewed."}, headers={"If-Match": '"1"'}
        )

        assert answer.status_code == 200
        assert answer.json()["version"] == 2
        assert answer.json()["signed_off_by"] is not None
        versions = (await db.scalars(sa.select(ProtocolVersion).order_by(ProtocolVersion.version))).all()
        assert [version.figures["trends"]["baseline_min_values"] for version in versions] == [3, 4]
        assert answer.json()["unsigned_sections"] == []

    async def test_puts_no_name_on_what_was_not_sent(self, as_prescriber: httpx2.AsyncClient) -> None:
        figures = (await as_prescriber.get("/v1/protocol")).json()["figures"]
        del figures["safety"]

        answer = await as_prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Reviewed."}, headers={"If-Match": '"1"'}
        )

        assert answer.json()["unsigned_sections"] == ["safety"]

    async def test_puts_none_on_what_a_later_release_brought(
        self, as_prescriber: httpx2.AsyncClient, db: Database, clinic: Clinic
    ) -> None:
        version = await db.get_one(ProtocolVersion, (clinic.id, 1))
        version.signed_off_at, version.signed_sections = version.made_at, None
        version.figures = {name: section for name, section in version.figures.items() if name != "escalation"}
        await db.finish()

        answer = await as_prescriber.get("/v1/protocol")

        assert answer.json()["unsigned_sections"] == ["escalation"]

    async def test_needs_the_version_that_was_read(self, as_prescriber: httpx2.AsyncClient) -> None:
        body = {"figures": {}, "reason": "Reviewed."}

        blind = await as_prescriber.put("/v1/protocol", json=body)
        stale = await as_prescriber.put("/v1/protocol", json=body, headers={"If-Match": '"7"'})

        assert (blind.status_code, stale.status_code) == (428, 412)
        assert stale.json()["current"]["version"] == 1

    async def test_is_for_prescribers(
        self, db: Database, settings: Settings, clinic: Clinic, new_client: Callable[..., httpx2.AsyncClient]
    ) -> None:
        nurse = await factories.a_member_of_staff(db, settings, clinic, Role.NURSE)

        answer = await new_client(nurse.token).put(
            "/v1/protocol", json={"figures": {}, "reason": "Reviewed."}, headers={"If-Match": '"1"'}
        )

        assert answer.status_code == 403

    async def test_links_what_is_stored_by_the_new_windows(
        self,
        as_prescriber: httpx2.AsyncClient,
        patient: Person,
        new_client: Callable[..., httpx2.AsyncClient],
    ) -> None:
        as_patient = new_client(patient.token)
        day = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
        session_id, check_in_id = an_id(), an_id()
        await as_prescriber.put(
            f"/v1/patients/{patient.patient_id}/dosing-sessions/{session_id}", json={"scheduled_at": day.isoformat()}
        )
        before = day - timedelta(hours=73)
        await as_patient.put(f"/v1/me/check-ins/{check_in_id}", json=a_report(before))
        assert (await as_patient.get(f"/v1/me/check-ins/{check_in_id}")).json()["link"]["phase"] is None

        figures = (await as_prescriber.get("/v1/protocol")).json()["figures"]
        figures["linking"]["before_hours"] = 96
        await as_prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Longer."}, headers={"If-Match": '"1"'}
        )

        link = (await as_patient.get(f"/v1/me/check-ins/{check_in_id}")).json()["link"]
        assert (link["dosing_session_id"], link["phase"]) == (str(session_id), "before")
