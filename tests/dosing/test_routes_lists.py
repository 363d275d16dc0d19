from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from app.core.settings import Settings
from tests.dosing.sessions import NOON, Sessions, text
from tests.factories import an_id


class TestListDosingSessions:
    async def plan_many(self, sessions: Sessions, *times: datetime, patient_id: str | None = None) -> None:
        for at in times:
            path = f"/v1/patients/{patient_id or sessions.cast.patient_id}/dosing-sessions/{an_id()}"
            assert (await sessions.who["coordinator"].put(path, json={"scheduled_at": text(at)})).status_code == 201

    def times(self, answer: httpx2.Response) -> list[str]:
        return [item["scheduled_at"] for item in answer.json()["items"]]

    async def test_is_today_by_the_clock_of_the_clinic(self, sessions: Sessions) -> None:
        now = datetime.now(UTC)
        await self.plan_many(sessions, now + timedelta(days=2), now, now - timedelta(days=2))

        assert self.times(await sessions.who["nurse"].get("/v1/dosing-sessions")) == [text(now)]

    async def test_takes_a_span_and_sorts_by_time(self, sessions: Sessions) -> None:
        times = [NOON + timedelta(hours=hours) for hours in (5, 1, 3, 0)]
        await self.plan_many(sessions, *times)
        span = {"from": text(NOON), "to": text(NOON + timedelta(hours=5))}

        answer = await sessions.who["nurse"].get("/v1/dosing-sessions", params=span)

        assert self.times(answer) == [text(at) for at in sorted(times)[:3]]

    async def test_goes_page_by_page_through_equal_times_too(self, sessions: Sessions) -> None:
        await self.plan_many(sessions, *[NOON] * 5, *[NOON + timedelta(hours=1)] * 2)
        span: dict[str, Any] = {"from": text(NOON), "to": text(NOON + timedelta(hours=5)), "limit": 3}
        pages: list[list[str]] = []
        cursor = None
        while cursor or not pages:
            answer = await sessions.who["nurse"].get(
                "/v1/dosing-sessions", params=span | ({"cursor": cursor} if cursor else {})
            )
            pages.append([item["id"] for item in answer.json()["items"]])
            cursor = answer.json()["next_cursor"]

        assert [len(page) for page in pages] == [3, 3, 1]
        assert len({session_id for page in pages for session_id in page}) == 7

    async def test_a_cursor_belongs_to_its_span(self, sessions: Sessions) -> None:
        await self.plan_many(sessions, NOON, NOON)
        span: dict[str, Any] = {"from": text(NOON), "to": text(NOON + timedelta(hours=5)), "limit": 1}
        cursor = (await sessions.who["nurse"].get("/v1/dosing-sessions", params=span)).json()["next_cursor"]
        wider = span | {"to": text(NOON + timedelta(hours=6)), "cursor": cursor}

        answer = await sessions.who["nurse"].get("/v1/dosing-sessions", params=wider)

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    async def test_shows_the_patients_whom_one_looks_after(self, sessions: Sessions) -> None:
        await self.plan_many(sessions, NOON)
        await self.plan_many(sessions, NOON, patient_id=sessions.cast.other_patient_id)
        span = {"from": text(NOON)}

        seen = {}
        for role, client in sessions.who.items():
            answer = await client.get("/v1/dosing-sessions", params=span)
            seen[role] = {item["patient_id"] for item in answer.json()["items"]}

        one, both = {sessions.cast.patient_id}, {sessions.cast.patient_id, sessions.cast.other_patient_id}
        assert seen == {"nurse": one, "prescriber": one, "coordinator": both}

    async def test_is_one_statement_beside_those_of_the_guard(
        self, sessions: Sessions, queries: list[str], settings: Settings
    ) -> None:
        await self.plan_many(sessions, NOON, NOON)
        await sessions.who["nurse"].get("/v1/dosing-sessions", params={"from": text(NOON)})
        queries.clear()

        await sessions.who["nurse"].get("/v1/dosing-sessions", params={"from": text(NOON)})

        assert sum("FROM dosing_sessions" in statement for statement in queries) == 1
        # Who is calling and the sessions; on SQLite the audit entry as well, which on PostgreSQL notes itself.
        assert len(queries) == (3 if settings.is_sqlite else 2)

    async def test_refuses_a_span_without_anything_between(self, sessions: Sessions) -> None:
        answer = await sessions.who["nurse"].get("/v1/dosing-sessions", params={"from": text(NOON), "to": text(NOON)})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/to")

    async def test_is_not_for_patients(self, sessions: Sessions) -> None:
        assert (await sessions.me.get("/v1/dosing-sessions")).status_code == 403

    async def test_a_patient_sees_their_own(self, sessions: Sessions) -> None:
        await self.plan_many(sessions, NOON + timedelta(days=9), NOON)
        await self.plan_many(sessions, NOON, patient_id=sessions.cast.other_patient_id)

        everything = await sessions.me.get("/v1/me/dosing-sessions")
        later = await sessions.me.get("/v1/me/dosing-sessions", params={"from": text(NOON + timedelta(days=1))})
        sooner = await sessions.me.get("/v1/me/dosing-sessions", params={"to": text(NOON + timedelta(days=1))})

        assert self.times(everything) == [text(NOON), text(NOON + timedelta(days=9))]
        assert self.times(later) == [text(NOON + timedelta(days=9))]
        assert self.times(sooner) == [text(NOON)]
        assert "patient_id" not in everything.json()["items"][0]
