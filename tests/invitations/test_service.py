"""Making codes."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.errors import Unavailable
from app.core.settings import Settings
from app.identity.permissions import Role
from app.invitations import rules, service
from app.invitations.models import Invitation
from app.invitations.service import NewInvitation
from tests.cast import Cast
from tests.factories import a_member_of_staff

Invite = Callable[[], Any]


@pytest.fixture
async def invited(as_coordinator: httpx2.AsyncClient) -> dict[str, Any]:
    """A patient who has got a code."""
    patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})).json()
    answer = await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")
    return {"patient_id": patient["id"], **answer.json()}


@pytest.fixture
def invite(db: Database, cast: Cast, settings: Settings) -> Invite:
    """Makes codes for new nurses."""

    async def made() -> NewInvitation:
        new = await service.invite(db, settings, clinic_id=cast.clinic.id, role=Role.NURSE, display_name="N")
        await db.flush()
        return new

    return made


def draw_first(monkeypatch: pytest.MonkeyPatch, *selectors: str) -> None:
    """Let these selectors be drawn first."""
    waiting, random = list(selectors), service._random

    def drawn(characters: int) -> str:
        return waiting.pop(0) if characters == rules.SELECTOR_CHARACTERS and waiting else random(characters)

    monkeypatch.setattr(service, "_random", drawn)


class TestInvitation:
    async def test_a_code_is_made_of_letters_that_cannot_be_mistaken(self, invited: dict[str, Any]) -> None:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", invited["code"])

    async def test_what_is_scanned_is_an_address_with_130_bits_and_nothing_about_anybody(
        self, invited: dict[str, Any], settings: Settings
    ) -> None:
        address, _, code = invited["qr_payload"].partition("#")

        assert address == f"{settings.public_url}/activate"
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", code)
        assert invited["qr_svg"].startswith("<svg ")
        assert code not in invited["qr_svg"]

    async def test_of_neither_form_more_than_a_hash_is_kept(
        self, invited: dict[str, Any], db: Database, cast: Cast
    ) -> None:
        row = (await db.execute(sa.select(Invitation.__table__))).mappings().one()

        verifier, long_code = rules.plain(invited["code"])[4:], invited["qr_payload"][-26:]
        kept = " ".join(str(value) for value in row.values())
        assert row["selector"] == invited["code"][:4]
        assert verifier not in kept
        assert long_code not in kept


class TestSelectors:
    async def test_do_not_clash(self, invite: Invite, monkeypatch: pytest.MonkeyPatch) -> None:
        draw_first(monkeypatch, "AAAA", "AAAA", "AAAA", "CCCC")

        assert [(await invite()).code[:4], (await invite()).code[:4]] == ["AAAA", "CCCC"]

    async def test_drawn_at_once_do_not_clash_either(
        self,
        new_client: Callable[..., httpx2.AsyncClient],
        db: Database,
        settings: Settings,
        cast: Cast,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        as_admin = new_client((await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)).token)
        draw_first(monkeypatch, *["AAAA"] * 4)

        body = {"display_name": "Ada N.", "role": "nurse"}
        answers = await asyncio.gather(*(as_admin.post("/v1/staff/invitations", json=body) for _ in range(4)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["code"][:4] for answer in answers}) == 4

    @pytest.mark.parametrize(
        "over",
        [
            lambda: {"used_at": clock.now()},
            lambda: {"withdrawn_at": clock.now()},
            lambda: {"expires_at": clock.now() - timedelta(seconds=1)},
            lambda: {"wrong_tries": 5},
        ],
        ids=["used", "withdrawn", "expired", "guessed at"],
    )
    async def test_of_codes_that_are_over_are_free_again(
        self, invite: Invite, db: Database, monkeypatch: pytest.MonkeyPatch, over: Callable[[], dict[str, Any]]
    ) -> None:
        draw_first(monkeypatch, "AAAA", "AAAA")
        await invite()
        await db.execute(sa.update(Invitation).values(**over()))
        db.expunge_all()

        assert (await invite()).code[:4] == "AAAA"
        assert sorted(await db.scalars(sa.select(sa.func.coalesce(Invitation.selector, "")))) == ["", "AAAA"]

    async def test_when_none_is_to_be_had_the_caller_is_told_to_come_back(
        self, invite: Invite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draw_first(monkeypatch, *["AAAA"] * (1 + service.DRAWS))
        await invite()

        with pytest.raises(Unavailable):
            await invite()
