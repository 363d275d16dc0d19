"""What is asked for around a dose, in the database: placed, moved and withdrawn with the session."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.identity.models import PatientRevision
from app.protocols.rules import Protocol
from tests.cast import Cast
from tests.check_in_plans.plans import kept, locked, placed, told
from tests.dosing.sessions import Clients, Sessions, a_dose, revision_of
from tests.factories import an_id

HOUR = timedelta(hours=1)
POINTS = ["run_up_24h", "after_40m", "after_2h", "plus_4h", "plus_24h", "plus_72h", "plus_7d", "plus_14d"]


@pytest.fixture
def now() -> datetime:
    return clock.now().astimezone(UTC).replace(microsecond=0)


@pytest.fixture
def session_id() -> UUID:
    return an_id()


async def states(db: Database) -> list[tuple[str, str]]:
    return [(each.time_point, each.state) for each in await kept(db)]


class TestPlacing:
    async def test_asks_once_for_each_moment_tells_once_and_keeps_the_ids(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        at = now + 48 * HOUR

        assert await placed(db, cast, session_id, at) == 8
        ids = [each.id for each in await kept(db)]
        assert await placed(db, cast, session_id, at) == 0

        assert [each.time_point for each in await kept(db)] == POINTS
        assert [each.id for each in await kept(db)] == ids
        assert [each.awaits_dose for each in await kept(db)] == [False, *[True] * 7]
        assert [each.due_at - at for each in await kept(db)][:3] == [-24 * HOUR, timedelta(minutes=40), 2 * HOUR]
        assert (await kept(db))[0].instrument_versions == {"craving_nrs": "1", "mood_nrs": "1"}
        assert await told(db) == ["due_check_in.changed"]
        assert await revision_of(db, cast.patient) == 1

    async def test_asks_for_nothing_that_is_over_already(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now + HOUR)

        assert [each.time_point for each in await kept(db)] == POINTS[1:]

    async def test_moves_with_the_session_and_then_with_the_dose(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now + 48 * HOUR)
        await placed(db, cast, session_id, now + 99 * HOUR)
        assert {each.due_at - timedelta(minutes=each.minutes_from_dose or 0) for each in await kept(db)} == {
            now + 99 * HOUR
        }
        with clock.told(now + 100 * HOUR):
            await placed(db, cast, session_id, now + 99 * HOUR, now + 100 * HOUR)
        rows = await kept(db)

        assert {each.due_at - timedelta(minutes=each.minutes_from_dose or 0) for each in rows} == {now + 100 * HOUR}
        assert not any(each.awaits_dose for each in rows)
        assert len(await told(db)) == 3

    async def test_an_answer_stands_and_is_moved_only_with_the_dose_that_it_follows(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now + 10 * HOUR, None)
        with clock.told(now + 11 * HOUR):
            await placed(db, cast, session_id, now + 10 * HOUR, now + 10 * HOUR)
        before = {each.id: each.due_at for each in await kept(db)}
        (first, at), (second, later), *_ = before.items()
        await due.answered(db, await locked(db, cast), first, an_id(), at)
        with clock.told(now + 12 * HOUR):
            moved = await placed(db, cast, session_id, now + 10 * HOUR, now + 9 * HOUR)

        rows = {each.id: each for each in await kept(db)}
        assert (rows[first].state, rows[first].due_at) == ("answered", at - HOUR)
        assert (rows[second].due_at, moved) == (later - HOUR, len(rows))

    async def test_what_was_missed_waits_again_when_it_moves_ahead(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now, now)
        due.miss(db, await locked(db, cast), (await kept(db))[:2])
        await db.finish()
        with clock.told(now + 2.5 * HOUR):
            await placed(db, cast, session_id, now, now + 2 * HOUR)

        assert (await states(db))[:2] == [("after_40m", "waiting"), ("after_2h", "waiting")]

    async def test_what_waits_is_withdrawn_when_there_is_no_dose_and_asked_for_never_again(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now + 20 * HOUR)
        run_up = (await kept(db))[0]
        await due.answered(db, await locked(db, cast), run_up.id, an_id(), now)
        changed = await placed(db, cast, session_id, now + 20 * HOUR, wanted=False)

        assert changed == 7
        assert await states(db) == [("run_up_24h", "answered"), *((point, "cancelled") for point in POINTS[1:])]
        assert await placed(db, cast, session_id, now + 20 * HOUR, wanted=False) == 0

    async def test_takes_up_what_the_release_before_asked_for(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        old = an_id()
        db.add(
            DueCheckIn(
                clinic_id=cast.clinic.id,
                patient_id=cast.patient.patient_id,
                id=old,
                dosing_session_id=session_id,
                time_point="plus_24h",
                opens_at=now + 18 * HOUR,
                due_at=now + 24 * HOUR,
                closes_at=now + 30 * HOUR,
                instruments=["craving_nrs"],
                state="waiting",
                revision=1,
            )
        )
        await db.flush()
        await placed(db, cast, session_id, now, now)
        rows = {each.time_point: each for each in await kept(db)}

        assert rows["plus_24h"].id == old
        assert (rows["plus_24h"].minutes_from_dose, rows["plus_24h"].local_day is None) == (1440, False)
        assert len(rows) == 7

    async def test_a_clinic_that_asks_for_nothing_plans_nothing(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        nothing = Protocol.model_validate({"readings": {"time_points": ()}})

        assert await placed(db, cast, session_id, now, now, protocol=nothing) == 0
        assert await told(db) == []

    async def test_nobody_is_asked_whose_answers_may_not_be_stored(
        self, db: Database, cast: Cast, now: datetime, session_id: UUID
    ) -> None:
        await placed(db, cast, session_id, now + 48 * HOUR)
        await db.execute(sa.update(PatientRevision).values(app_consent_withdrawn_at=now))

        assert await placed(db, cast, session_id, now + 48 * HOUR) == 8
        assert {state for _, state in await states(db)} == {"cancelled"}


class TestSessions:
    @pytest.fixture
    def sessions(self, new_client: Clients, cast: Cast) -> Sessions:
        return Sessions(new_client, cast)

    async def shown(self, sessions: Sessions) -> dict[str, dict[str, Any]]:
        answer = await sessions.me.get("/v1/me/due-check-ins", params={"days": 60})
        assert answer.status_code == 200
        return {each["time_point"]: each for each in answer.json()["items"]}

    async def test_are_asked_around_from_the_planning_to_the_correction(
        self, sessions: Sessions, now: datetime
    ) -> None:
        await sessions.plan(now + 48 * HOUR)
        planned = await self.shown(sessions)
        await sessions.plan(now + 1 * HOUR, if_match=f'"{sessions.version}"')
        moved = await self.shown(sessions)
        await sessions.agree()
        await sessions.act("arrival")
        await sessions.get_ready()
        await sessions.act("clearance")
        await sessions.act("dose", **a_dose())
        begun = await self.shown(sessions)

        assert list(planned) == POINTS
        assert {each["state"] for each in planned.values()} == {"expected"}
        assert {key: each["id"] for key, each in planned.items()} == {key: each["id"] for key, each in begun.items()}
        assert moved["run_up_24h"]["state"] == begun["run_up_24h"]["state"] == "withdrawn"
        assert moved["plus_24h"]["due_at"] > begun["plus_24h"]["due_at"]

    async def test_neither_open_nor_are_missed_while_the_dose_has_not_begun(
        self, sessions: Sessions, now: datetime
    ) -> None:
        with clock.told(now - 3 * HOUR):
            await sessions.plan(now - 2 * HOUR)
        late = await self.shown(sessions)

        assert {late[key]["state"] for key in ("after_40m", "after_2h", "plus_4h")} == {"expected"}

    @pytest.mark.parametrize("action", ["cancellation", "transfer"])
    async def test_are_withdrawn_with_a_session_that_has_no_dose(
        self, sessions: Sessions, now: datetime, action: str
    ) -> None:
        await sessions.plan(now + 1 * HOUR)
        await sessions.act("arrival")
        answer = await sessions.act(
            action, reason="Fell ill", **({"destination": "St. Mary"} if action == "transfer" else {})
        )

        assert answer.status_code == 200, answer.text
        assert {each["state"] for each in (await self.shown(sessions)).values()} == {"withdrawn"}
