"""Making codes."""

import re
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from app.invitations import service
from tests.cast import Cast


@pytest.fixture
async def invited(as_coordinator: httpx2.AsyncClient) -> dict[str, Any]:
    """A patient who has got a code."""
    patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})).json()
    invitation = (await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")).json()
    return {"patient_id": patient["id"], "code": invitation["code"], "expires_at": invitation["expires_at"]}


class TestInvitation:
    async def test_selectors_do_not_clash(
        self, db: Database, cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn = iter(["AAAA", "BBBBBBBB", "AAAA", "CCCC", "DDDDDDDD"])
        monkeypatch.setattr(service, "_random", lambda _: next(drawn))

        codes = []
        for _ in range(2):
            made = await service.invite(db, settings, clinic_id=cast.clinic.id, role=Role.NURSE, display_name="N")
            codes.append(made.code)
            await db.flush()

        assert codes == ["AAAA-BBBB-BBBB", "CCCC-DDDD-DDDD"]

    async def test_a_code_is_made_of_letters_that_cannot_be_mistaken(self, invited: dict[str, Any]) -> None:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", invited["code"])
