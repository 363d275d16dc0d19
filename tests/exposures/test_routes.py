"""How much a patient was given, and signs of harm, from what was written elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.safety.models import Alert
from tests.dosing.sessions import Sessions, text
from tests.factories import an_id

URINARY = {"frequency": 1, "urgency": 1, "pain": 0, "blood": 0, "night": 1}


def a_check_in(days_ago: float, *responses: dict[str, Any]) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {"recorded_at": text(at), "time_zone": "Europe/Berlin", "responses": list(responses)}


def urinary(**but: int) -> dict[str, Any]:
    return {"instrument": "urinary_check", "version": "1", "answers": URINARY | but}


def craving(now: int, substance: str = "ketamine") -> dict[str, Any]:
    return {"instrument": "craving_nrs", "version": "1", "substance": substance, "answers": {"now": now}}


async def report(sessions: Sessions, days_ago: float, *responses: dict[str, Any]) -> str:
    check_in_id = str(an_id())
    answer = await sessions.me.put(f"/v1/me/check-ins/{check_in_id}", json=a_check_in(days_ago, *responses))
    assert answer.status_code == 201, answer.text
    return check_in_id


async def exposure(sessions: Sessions, by: str = "nurse") -> dict[str, Any]:
    answer = await sessions.who[by].get(f"/v1/patients/{sessions.cast.patient_id}/exposure")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ask(sessions: Sessions, days_ago: float = 0, by: str = "coordinator", **but: Any) -> httpx2.Response:
    asked = {"id": str(an_id()), "requested_at": text(datetime.now(UTC) - timedelta(days=days_ago))} | but
    return await sessions.who[by].post(f"/v1/patients/{sessions.cast.patient_id}/extra-session-requests", json=asked)


class TestExposure:
    async def test_of_somebody_who_was_given_nothing_is_empty(self, sessions: Sessions) -> None:
        found = await exposure(sessions)

        assert (found["sessions_total"], found["cumulative_mg"], found["last_dose_at"]) == (0, {}, None)
        signs = found["toxicity"]
        assert (signs["urinary"]["checks"], signs["screens"]["found"], signs["craving"]["latest"]) == ([], [], None)
        assert (signs["extra_requests"]["requests"], signs["open_alerts"]) == (0, [])

    async def test_is_derived_from_sessions(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance", "dose")

        found = await exposure(sessions, "prescriber")

        assert (found["sessions_7d"], found["sessions_28d"], found["sessions_total"]) == (1, 1, 1)
        assert (found["cumulative_mg"], found["sessions_imported"]) == ({"ketamine": 40}, 0)
        assert 0 < found["hours_since_last_dose"] < 1

    async def test_gathers_signs_of_harm_with_where_they_come_from(self, sessions: Sessions) -> None:
        oldest, *_, latest = [await report(sessions, ago, urinary(blood=int(ago == 2))) for ago in (5, 4, 3, 2)]
        wanted = await report(sessions, 1, craving(6), craving(9, "alcohol"))
        await sessions.through("arrival")
        today = datetime.now(UTC).date().isoformat()
        lines = [{"substance": "ketamine", "result": "pos"}, {"substance": "cocaine", "result": "pos"}]
        await sessions.check(urine_drug_screen={"tested_on": today, "results": lines})
        await sessions.check(urine_drug_screen={"tested_on": today, "results": lines}, note="Corrected.")

        signs = (await exposure(sessions))["toxicity"]

        checks = signs["urinary"]["checks"]
        assert [(each["total"], each["blood"]) for each in checks] == [(4, 1), (3, 0), (3, 0)]
        assert checks[0]["check_in_id"] == latest
        assert oldest not in {each["check_in_id"] for each in checks}
        assert (signs["craving"]["latest"]["value"], signs["craving"]["latest"]["check_in_id"]) == (6, wanted)
        assert signs["screens"]["found"] == [{"session_id": sessions.session_id, "tested_on": today, "in_plan": False}]
        assert signs["screens"]["screens"] == 1
        assert {each["rule"] for each in signs["open_alerts"]} == {"TOX-1", "TOX-2"}
        assert all(signs[name]["source"] for name in ("urinary", "screens", "craving", "extra_requests"))


class TestExtraSessionRequests:
    async def test_are_kept_once_and_listed_the_newest_first(self, sessions: Sessions, db: Database) -> None:
        request: dict[str, Any] = {
            "id": str(an_id()),
            "note": "It helps so much.",
            "requested_at": text(datetime.now(UTC)),
        }
        first, again = await ask(sessions, **request), await ask(sessions, **request)
        other = await ask(sessions, **request | {"note": "Another."})
        older = await ask(sessions, 20, "nurse")

        assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
        assert (other.status_code, other.json()["code"]) == (409, "id_taken")
        path = f"/v1/patients/{sessions.cast.patient_id}/extra-session-requests"
        page = (await sessions.who["nurse"].get(path, params={"limit": 1})).json()
        rest = (await sessions.who["nurse"].get(path, params={"limit": 1, "cursor": page["next_cursor"]})).json()
        assert (page["items"], rest["items"], rest["next_cursor"]) == ([first.json()], [older.json()], None)
        stored = await db.scalar(sa.text("SELECT note FROM extra_session_requests WHERE note IS NOT NULL"))
        assert b"helps" not in bytes(stored)

    async def test_twice_within_the_days_of_the_figures_are_a_sign(self, sessions: Sessions, db: Database) -> None:
        await ask(sessions)
        await ask(sessions, 15)
        before = (await db.scalars(sa.select(Alert.rule))).all()
        await ask(sessions, 13.9)

        assert before == []
        assert (await db.scalars(sa.select(Alert.rule))).all() == ["TOX-2"]
        assert (await exposure(sessions))["toxicity"]["extra_requests"]["requests"] == 2

    async def test_are_written_down_when_they_were_made_and_not_before(self, sessions: Sessions) -> None:
        answer = await ask(sessions, -1)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "in_the_future")

    async def test_of_another_patient_are_not_found(self, sessions: Sessions) -> None:
        path = f"/v1/patients/{sessions.cast.other_patient_id}/extra-session-requests"

        assert (await sessions.who["nurse"].get(path)).status_code == 404
        assert (await sessions.who["nurse"].post(path, json={"id": str(an_id())})).status_code == 404
        assert (await sessions.who["coordinator"].get(path)).json()["items"] == []
