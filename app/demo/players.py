"""Plays the scripted sessions at the demo clinic, through the real application."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from app.core.db import unit_of_work
from app.core.settings import Settings
from app.demo import acts, in_process, inline_sqlite
from app.demo.people import TIME_ZONE
from app.demo.play import Answer, Headers, Play
from app.demo.stage import Stage
from app.identity import service as identity
from app.identity.models import Membership
from app.main import create_app

LASTS = timedelta(hours=12)
OWN = {"patient": "phone", "tablet": "tablet"}
"""The devices of a patient, as the scripts call them."""
STAFF = ("prescriber", "nurse", "therapist", "coordinator")


class Players:
    """The people of the demo clinic, each with a tablet."""

    def __init__(self, engine: AsyncEngine, settings: Settings, stage: Stage) -> None:
        self._engine = engine
        self._settings = settings
        self._stage = stage
        self._app: Starlette | None = None
        self._tokens: dict[tuple[str, str], str] = {}
        self._plays: dict[str, Play] = {}

    async def ask(self, act: acts.Asked) -> None:
        """Send the request of an act; it is that moment already."""
        if self._app is None:
            self._app = create_app(self._settings)
            inline_sqlite.install(self._app.state.engine)
        who = self._of(act.patient, act.request.who)
        if who not in self._tokens:
            self._tokens[who] = await self._sign_in(*who)
        play = self._plays.get(act.patient)
        if play is None:
            play = self._plays[act.patient] = self._play(act.patient, act.begin)
        await play.ask(act.request)

    async def close(self) -> None:
        """Put the tablets away."""
        if self._app is not None:
            await self._app.state.engine.dispose()

    def _play(self, patient: str, begin: datetime) -> Play:
        async def send(who: str, method: str, path: str, body: Any, headers: Headers) -> Answer:  # noqa: ANN401  JSON
            return await in_process.ask(self._app, method, path, self._tokens[self._of(patient, who)], body, headers)

        known = {key: str(self._stage.people[key].membership_id) for key in STAFF}
        return Play(send, begin, ZoneInfo(TIME_ZONE), patient=str(self._stage.patient_ids[patient]), **known)

    def _of(self, patient: str, who: str) -> tuple[str, str]:
        """Whose device it is, and which."""
        return (patient, OWN[who]) if who in OWN else (who, "tablet")

    async def _sign_in(self, who: str, device: str) -> str:
        if who == "anybody":
            return ""
        async with unit_of_work(self._engine) as db:
            membership = await db.get_one(Membership, self._stage.people[who].membership_id)
            methods = "password" if membership.patient_id else "password otp"
            tokens = identity.begin(db, self._settings, membership, device, methods=methods, access_lasts=LASTS)
            return tokens.access_token
