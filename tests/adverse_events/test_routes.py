from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.adverse_events.models import AdverseEvent
from app.core import clock
from app.core.db import Database
from app.events.models import OutboxEvent
from app.safety.models import Alert
from tests.cast import Cast
from tests.dosing.sessions import Sessions, text
from tests.dosing.watching import dosed
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]


def an_event(**but: Any) -> dict[str, Any]:
    return {
        "onset_at": text(clock.now() - timedelta(minutes=30)),
        "term": "Nausea",
        "grade": 2,
        "serious": False,
        "relatedness": "probable",
        "expected": True,
        "action": "drug_given",
        "outcome": "recovering",
        "reporter": "patient",
    } | but


class Events:
    """Writes adverse events down as a nurse."""

    def __init__(self, new_client: NewClient, cast: Cast) -> None:
        self.cast, self.id = cast, str(an_id())
        self.nurse = new_client(cast.nurse.token)

    async def put(self, body: dict[str, Any], version: int | None = None, **but: str) -> httpx2.Response:
        headers = {} if version is None else {"if-match": f'"{version}"'}
        event_id, patient_id = but.get("event_id", self.id), but.get("patient_id", self.cast.patient_id)
        path = f"/v1/patients/{patient_id}/adverse-events/{event_id}"
        return await self.nurse.put(path, json=body, headers=headers)

    async def read(self) -> dict[str, Any]:
        answer = await self.nurse.get(f"/v1/adverse-events/{self.id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def events(new_client: NewClient, cast: Cast) -> Events:
    return Events(new_client, cast)


@pytest.fixture
def sessions(new_client: NewClient, cast: Cast) -> Sessions:
    return Sessions(new_client, cast)


async def told(db: Database) -> list[str]:
    ours = OutboxEvent.type.startswith("adverse")
    return list(await db.scalars(sa.select(OutboxEvent.type).where(ours).order_by(OutboxEvent.id)))


async def alerts(db: Database) -> list[tuple[str, dict[str, Any]]]:
    return [(each.rule, each.inputs) for each in await db.scalars(sa.select(Alert).order_by(Alert.raised_at))]


class TestRecordAdverseEvent:
    async def test_stores_it_once(self, events: Events, db: Database) -> None:
        body = an_event()
        first, again = await events.put(body), await events.put(body)

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert first.json()["onset_minutes_from_dose"] is None
        assert first.json()["reporting"] is None
        assert await told(db) == ["adverse_event.recorded"]
        assert await alerts(db) == []

    async def test_counts_from_the_dose_of_its_session(self, events: Events, sessions: Sessions, db: Database) -> None:
        session = await dosed(db, sessions)
        started = session.dose_started_at
        assert started
        stored = await events.put(
            an_event(session_id=sessions.session_id, onset_at=text(started + timedelta(minutes=40, seconds=59)))
        )
        listed = await events.nurse.get(f"/v1/dosing-sessions/{sessions.session_id}/adverse-events")

        assert stored.json()["onset_minutes_from_dose"] == 40
        assert [each["id"] for each in listed.json()["items"]] == [events.id]

    @pytest.mark.parametrize(
        ("grade", "serious", "raised"), [(2, False, []), (3, False, ["AE-1"]), (1, True, ["AE-1"])]
    )
    async def test_raises_an_alert_when_it_is_severe_or_serious(
        self, events: Events, db: Database, grade: int, serious: bool, raised: list[str]
    ) -> None:
        criteria = ["hospitalisation"] if serious else []
        await events.put(an_event(grade=grade, serious=serious, seriousness_criteria=criteria))

        assert [rule for rule, _ in await alerts(db)] == raised

    async def test_a_correction_keeps_what_was_said_and_alerts_when_it_is_worse(
        self, events: Events, db: Database
    ) -> None:
        body = an_event()
        await events.put(body)
        blind = await events.put(body | {"grade": 3})
        stale = await events.put(body | {"grade": 3}, version=2)
        corrected = await events.put(body | {"grade": 3}, version=1)
        better = await events.put(body | {"grade": 3, "outcome": "recovered"}, version=2)

        assert (blind.status_code, stale.status_code, corrected.status_code) == (428, 412, 200)
        assert stale.json()["current"]["grade"] == 2
        assert better.json()["version"] == 3
        shown = await events.read()
        assert [(each["version"], each["grade"], each["outcome"]) for each in shown["earlier_versions"]] == [
            (1, 2, "recovering"),
            (2, 3, "recovering"),
        ]
        assert await alerts(db) == [("AE-1", {"grade": 3, "serious": False})]
        assert await told(db) == [
            "adverse_event.recorded", "adverse_event.corrected", "adverse_event.corrected"
        ]  # fmt: skip

    async def test_shows_by_when_it_has_to_be_reported_until_it_was(self, events: Events, db: Database) -> None:
        body = an_event(serious=True, seriousness_criteria=["important_medical"])
        first = (await events.put(body)).json()
        (stored,) = await db.scalars(sa.select(AdverseEvent))
        stored.recorded_at -= timedelta(days=16)
        overdue = (await events.read())["reporting"]
        report = {"recipient": "regulator", "reported_at": text(clock.now()), "reference": "MW-2026-0117"}
        reported = (await events.put(body | {"reported_to": [report]}, version=1)).json()

        assert (first["reporting"]["state"], first["reporting"]["days"]) == ("due", 15)
        assert overdue["state"] == "overdue"
        assert reported["reporting"]["state"] == "reported"
        assert reported["reporting"]["report_by"] == overdue["report_by"]
        assert reported["first_recorded_at"] != reported["recorded_at"]

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [
            ({"grade": 0}, "/grade"),
            ({"grade": 6}, "/grade"),
            ({"grade": True}, "/grade"),
            ({"serious": 1}, "/serious"),
            ({"serious": True}, "/seriousness_criteria"),
            ({"seriousness_criteria": ["death"]}, "/seriousness_criteria"),
            ({"resolved_at": "2026-01-01T00:00:00Z"}, "/resolved_at"),
            ({"onset_at": "2090-01-01T00:00:00Z"}, "/onset_at"),
            ({"session_id": str(an_id())}, "/session_id"),
            ({"term": " "}, "/term"),
            ({"term_code": "a b"}, "/term_code"),
            ({"severity": 3}, "/severity"),
        ],
    )
    async def test_refuses_what_cannot_be(self, events: Events, but: dict[str, Any], pointer: str) -> None:
        answer = await events.put(an_event(**but))

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_a_session_of_somebody_else_is_none_of_theirs(
        self, events: Events, sessions: Sessions, new_client: NewClient
    ) -> None:
        path = f"/v1/patients/{sessions.cast.other_patient_id}/dosing-sessions/{sessions.session_id}"
        await sessions.who["coordinator"].put(path, json={"scheduled_at": text(clock.now())})

        assert (await events.put(an_event(session_id=sessions.session_id))).status_code == 422

    async def test_does_not_take_an_id_that_is_another_patients(self, events: Events, db: Database) -> None:
        await events.put(an_event())
        (stored,) = await db.scalars(sa.select(AdverseEvent))
        stored.patient_id = events.cast.other_patient.patient_id

        answer = await events.put(an_event())

        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")
        assert (await events.nurse.get(f"/v1/adverse-events/{events.id}")).status_code == 404


class TestListAdverseEvents:
    async def test_lists_the_latest_onset_first_in_pages(self, events: Events) -> None:
        ids = [str(an_id()) for _ in range(3)]
        for minutes, event_id in enumerate(ids, start=10):
            onset = text(clock.now() - timedelta(minutes=minutes))
            assert (await events.put(an_event(onset_at=onset), event_id=event_id)).status_code == 201
        path = f"/v1/patients/{events.cast.patient_id}/adverse-events"
        first = (await events.nurse.get(path, params={"limit": 2})).json()
        second = (await events.nurse.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()

        assert [each["id"] for each in first["items"] + second["items"]] == ids
        assert second["next_cursor"] is None
