"""Plans, templates and zones as the people of a clinic and their patients use them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import due, planning
from app.check_in_plans.models import CheckInPlanning, DueCheckIn
from app.core import clock
from app.core.db import Database
from app.identity.models import PatientRevision
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.rules import Anchor, AnchorKind, LinkingWindows
from tests.cast import Cast
from tests.check_in_plans.plans import (
    AFTER_SIX_HOURS,
    BY_CHANCE,
    FORTNIGHTLY,
    MORNING,
    WHENEVER,
    asking,
    kept,
    locked,
    placed,
)
from tests.dosing.sessions import Clients
from tests.factories import an_id

HOUR = timedelta(hours=1)
EIGHT = datetime(2026, 10, 20, 6, 10, tzinfo=UTC)  # ten past eight in Berlin, five days before the clocks move


def plan(*items: dict[str, Any], reason: str = "Agreed.", around_doses: bool = True) -> dict[str, Any]:
    return {"content": asking(*items, around_doses=around_doses), "reason": reason}


class Desk:
    """Asks as the people of the clinic and the patient do."""

    def __init__(self, new_client: Clients, cast: Cast) -> None:
        self.me, self.nurse = new_client(cast.patient.token), new_client(cast.nurse.token)
        self.prescriber, self.coordinator = new_client(cast.prescriber.token), new_client(cast.coordinator.token)
        self.path = f"/v1/patients/{cast.patient_id}/check-in-plan"

    async def put(self, body: dict[str, Any], version: int | None = None) -> httpx2.Response:
        headers = {} if version is None else {"if-match": f'"{version}"'}
        return await self.nurse.put(self.path, json=body, headers=headers)

    async def publish(self, body: dict[str, Any], version: int | None = None, key: str = "default") -> httpx2.Response:
        headers = {} if version is None else {"if-match": f'"{version}"'}
        return await self.prescriber.put(f"/v1/check-in-templates/{key}", json=body, headers=headers)

    async def zone(self, name: str, version: int) -> httpx2.Response:
        return await self.me.put("/v1/me/time-zone", json={"time_zone": name}, headers={"if-match": f'"{version}"'})


@pytest.fixture
def desk(new_client: Clients, cast: Cast) -> Desk:
    return Desk(new_client, cast)


async def waiting(db: Database) -> list[DueCheckIn]:
    db.expunge_all()
    return [each for each in await kept(db) if each.state == "waiting"]


class TestPlan:
    async def test_without_one_a_patient_is_asked_only_around_doses(self, desk: Desk, engine: AsyncEngine) -> None:
        answer = await desk.me.get("/v1/me/check-in-plan")

        assert {name: answer.json()[name] for name in ("version", "source", "items", "around_doses")} == {
            "version": 0, "source": "protocol", "items": [], "around_doses": True
        }  # fmt: skip
        assert await planning.extend(engine) == 0

    async def test_is_planned_at_once_and_seen_by_both_with_its_history(
        self, desk: Desk, db: Database, cast: Cast
    ) -> None:
        with clock.told(EIGHT):
            first = await desk.put(plan(MORNING, BY_CHANCE, FORTNIGHTLY, AFTER_SIX_HOURS, WHENEVER))
        assert first.status_code == 201, first.text
        rows = await waiting(db)

        assert len([each for each in rows if each.time_point == "morning"]) == 31
        assert len([each for each in rows if each.time_point == "by_chance"]) == 31 * 4
        assert {each.plan_version for each in rows} == {1}
        shown = (await desk.me.get("/v1/me/check-in-plan")).json()
        assert (shown["source"], shown["reason"], len(shown["items"])) == ("own", "Agreed.", 5)
        assert shown["planned_until"] == "2026-11-19T23:00:00.000Z"
        again = await desk.put(plan(MORNING, BY_CHANCE, FORTNIGHTLY, AFTER_SIX_HOURS, WHENEVER))
        assert (again.status_code, again.json()["version"]) == (200, 1)
        assert (await desk.put(plan())).status_code == 428
        assert (await desk.put(plan(), 7)).json()["current"]["version"] == 1
        with clock.told(EIGHT):
            assert (await desk.put(plan(reason="Too much."), 1)).json()["version"] == 2
        assert {each.state for each in await kept(db)} == {"cancelled"}
        for reader, path in ((desk.me, "/v1/me/check-in-plan"), (desk.coordinator, desk.path)):
            history = (await reader.get(f"{path}/history")).json()["items"]
            assert [(each["version"], each["reason"]) for each in history] == [(2, "Too much."), (1, "Agreed.")]
            assert history[0]["made_by"] == str(cast.nurse.membership.id)

    async def test_leaves_what_is_open_and_what_was_answered_and_remakes_what_lies_ahead(
        self, desk: Desk, db: Database, cast: Cast
    ) -> None:
        with clock.told(EIGHT):
            await desk.put(plan(MORNING))
        before = [(each.id, each.due_at) for each in await waiting(db)]
        at_nine = EIGHT + 50 * timedelta(minutes=1)
        with clock.told(at_nine):
            await desk.put(plan(MORNING | {"instruments": ["mood_nrs"]}), 1)
            changed = await waiting(db)
            await desk.put(plan(MORNING | {"local_times": ["10:00"]}), 2)
        first, *later = await waiting(db)

        assert [(each.id, each.due_at) for each in changed] == before
        assert changed[0].instruments == ["craving_nrs", "mood_nrs"]
        assert {tuple(each.instruments) for each in changed[1:]} == {("mood_nrs",)}
        assert (first.id, first.local_time) == (before[0][0], "09:00")
        assert {each.local_time for each in later} == {"10:00"}
        assert len([each for each in await kept(db) if each.state == "cancelled"]) == 30
        await due.answered(db, await locked(db, cast), first.id, an_id(), at_nine)
        await db.finish()
        with clock.told(at_nine):
            await desk.put(plan(MORNING), 3)
        assert [(each.id, each.due_at) for each in await waiting(db)] == before[1:]
        assert (await kept(db))[0].state == "answered"

    async def test_reaches_what_is_asked_around_doses_but_not_what_is_open(
        self, desk: Desk, db: Database, cast: Cast
    ) -> None:
        dose = Anchor(an_id(), AnchorKind.DOSING_SESSION, EIGHT, started_at=EIGHT)
        await timeline.place_anchor(db, await locked(db, cast), dose, LinkingWindows.of(Protocol().linking))
        with clock.told(EIGHT):
            await placed(db, cast, dose.id, EIGHT, EIGHT)
        with clock.told(EIGHT + HOUR / 2):
            await desk.put(plan(AFTER_SIX_HOURS, around_doses=False))
        states = {each.time_point: each.state for each in await kept(db)}

        assert (states.pop("after_40m"), states.pop("after_6h")) == ("waiting", "waiting")
        assert set(states.values()) == {"cancelled"}

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (plan(MORNING, MORNING), "/content/items/1/key"),
            (plan(MORNING | {"local_times": ["25:00"]}), "/content/items/0/fixed/local_times/0"),
            (plan(MORNING | {"kind": "yearly"}), "/content/items/0"),
            ({"template_key": "nobody", "reason": "x"}, "/template_key"),
            ({"reason": "x"}, ""),
            (plan(MORNING) | {"template_key": "default"}, ""),
        ],
    )
    async def test_that_cannot_be_is_refused_with_its_place(
        self, desk: Desk, body: dict[str, Any], pointer: str
    ) -> None:
        answer = await desk.put(body)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_of_somebody_else_is_not_found(self, desk: Desk, cast: Cast) -> None:
        path = desk.path.replace(cast.patient_id, cast.other_patient_id)

        assert (await desk.nurse.get(path)).status_code == 404
        assert (await desk.nurse.put(path, json=plan(MORNING))).status_code == 404

    async def test_is_answered_with_304_until_it_changes(self, desk: Desk, engine: AsyncEngine) -> None:
        await desk.put(plan(MORNING))
        tag = (await desk.me.get("/v1/me/check-in-plan")).headers["etag"]

        async def again() -> int:
            return (await desk.me.get("/v1/me/check-in-plan", headers={"if-none-match": tag})).status_code

        assert await again() == 304
        with clock.told(clock.now() + 48 * HOUR):
            await planning.extend(engine)
        assert await again() == 200


class TestTemplates:
    async def test_the_default_reaches_everybody_without_a_plan_by_the_worker(
        self, desk: Desk, db: Database, engine: AsyncEngine, cast: Cast
    ) -> None:
        with clock.told(EIGHT):
            assert (await desk.publish(plan(MORNING))).status_code == 201
            assert await planning.extend(engine) == 2
            assert await planning.extend(engine) == 0
            before = {each.id for each in await waiting(db)}
            assert (await desk.publish(plan(MORNING | {"local_times": ["11:00"]}))).status_code == 428
            later = await desk.publish(plan(MORNING | {"local_times": ["11:00"]}, reason="Later."), 1)
            assert await planning.extend(engine) == 2
        rows = await waiting(db)

        assert later.json()["version"] == 2
        assert len(before) == len(rows) == 62
        assert {(each.local_time, each.template_version, each.plan_version) for each in rows} == {("11:00", 2, None)}
        shown = (await desk.me.get("/v1/me/check-in-plan")).json()
        assert (shown["version"], shown["source"], shown["template_version"]) == (0, "template", 2)
        versions = (await desk.coordinator.get("/v1/check-in-templates", params={"key": "default"})).json()["items"]
        assert [(each["version"], each["reason"]) for each in versions] == [(2, "Later."), (1, "Agreed.")]
        (newest,) = (await desk.coordinator.get("/v1/check-in-templates")).json()["items"]
        assert newest == (await desk.coordinator.get("/v1/check-in-templates/default")).json() == versions[0]

    async def test_a_patient_follows_one_by_its_name(self, desk: Desk, db: Database, engine: AsyncEngine) -> None:
        with clock.told(EIGHT):
            await desk.publish(plan(MORNING), key="gentle")
            assert await planning.extend(engine) == 0
            answer = await desk.put({"template_key": "gentle", "reason": "Once a day."})
            assert answer.json()["template_version"] == 1
            await desk.publish(plan(BY_CHANCE), 1, key="gentle")
            assert await planning.extend(engine) == 1

        assert {each.time_point for each in await waiting(db)} == {"by_chance"}

    async def test_is_published_by_few_and_refused_when_it_cannot_be(self, desk: Desk) -> None:
        path = "/v1/check-in-templates/default"

        assert (await desk.nurse.put(path, json=plan(MORNING))).status_code == 403
        assert (await desk.publish(plan(MORNING, MORNING))).json()["errors"][0]["code"] == "key_taken"
        assert (await desk.nurse.get(path)).status_code == 404
        assert (await desk.publish(plan(MORNING), key="No Good")).status_code == 422


class TestPlanningOn:
    async def test_goes_on_day_by_day_and_asks_for_nothing_twice(
        self, desk: Desk, db: Database, engine: AsyncEngine
    ) -> None:
        with clock.told(EIGHT):
            await desk.put(plan(MORNING))
        first = {each.id for each in await kept(db)}
        await db.finish()
        for days in (1, 2, 20):
            with clock.told(EIGHT + days * 24 * HOUR):
                assert await planning.extend(engine) == 1
                assert await planning.extend(engine) == 0
        db.expunge_all()
        rows = await kept(db)

        assert first < {each.id for each in rows}
        assert [each.local_day for each in rows] == sorted({each.local_day for each in rows if each.local_day})
        assert len(rows) == 51
        assert {each.due_at.hour for each in rows} == {7, 8}  # the clocks moved on the 25th

    async def test_stops_when_the_patient_withdraws_their_consent(
        self, desk: Desk, db: Database, engine: AsyncEngine
    ) -> None:
        with clock.told(EIGHT):
            await desk.put(plan(MORNING))
            await db.execute(sa.update(PatientRevision).values(app_consent_withdrawn_at=EIGHT))
            await db.finish()
            assert await planning.extend(engine) == 1
            assert await waiting(db) == []
            await db.finish()
            assert await planning.extend(engine) == 0
            await db.execute(sa.update(PatientRevision).values(app_consent_withdrawn_at=None))
            await db.finish()
            assert await planning.extend(engine) == 1

        assert len(await waiting(db)) == 31

    async def test_one_that_fails_keeps_nobody_else_from_being_planned(
        self, desk: Desk, db: Database, engine: AsyncEngine, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await desk.publish(plan(MORNING))
        original = planning.plan

        async def failing(db: Database, patient: Any, protocol: Any) -> int:
            if patient.id == cast.patient.patient_id:
                raise RuntimeError("no space left on device")
            return await original(db, patient, protocol)

        monkeypatch.setattr(planning, "plan", failing)
        assert await planning.extend(engine) == 1
        monkeypatch.undo()
        assert await planning.extend(engine) == 1
        assert len(list(await db.scalars(sa.select(CheckInPlanning)))) == 2


class TestTimeZone:
    async def test_moves_what_lies_ahead_and_leaves_what_was(self, desk: Desk, db: Database) -> None:
        with clock.told(EIGHT):
            await desk.put(plan(MORNING | {"local_times": ["09:00", "21:00"]}))
        ids = {each.id for each in await kept(db)}
        with clock.told(EIGHT + 8 * HOUR):  # ten past four in the afternoon, in New York ten past ten in the morning
            answer = await desk.zone("America/New_York", 1)
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
        db.expunge_all()
        morning, evening, *later = await kept(db)

        assert (morning.time_zone, morning.local_time, morning.due_at.hour) == ("Europe/Berlin", "09:00", 7)
        assert (evening.time_zone, evening.local_time, evening.due_at.hour) == ("America/New_York", "21:00", 1)
        assert {each.time_zone for each in later} == {"America/New_York"}
        assert ids == {each.id for each in [morning, evening, *later]}
        assert (await desk.me.get("/v1/me/check-in-plan")).json()["time_zone"] == "America/New_York"

    async def test_is_changed_by_choice_with_its_history(self, desk: Desk, cast: Cast) -> None:
        path = f"/v1/patients/{cast.patient_id}/time-zone"
        patient = (await desk.coordinator.get(f"/v1/patients/{cast.patient_id}")).json()

        assert (await desk.me.get("/v1/me/time-zone")).json() == {
            "time_zone": "Europe/Berlin", "version": 1, "changes": []
        }  # fmt: skip
        assert (await desk.zone("Europe/Berlin", 1)).json()["version"] == 1
        assert (await desk.me.put("/v1/me/time-zone", json={"time_zone": "Asia/Tokyo"})).status_code == 428
        assert (await desk.zone("Asia/Tokyo", 3)).json()["current"]["version"] == 1
        assert (await desk.zone("Mars/Olympus", 1)).status_code == 422
        assert (await desk.zone("Asia/Tokyo", 1)).status_code == 200
        back = {"time_zone": "Europe/Berlin"}
        assert (await desk.nurse.put(path, json=back, headers={"if-match": '"2"'})).status_code == 403
        assert (await desk.coordinator.put(path, json=back, headers={"if-match": '"2"'})).status_code == 200
        changes = (await desk.nurse.get(path)).json()["changes"]
        assert [(each["to_zone"], each["by_patient"]) for each in changes] == [
            ("Europe/Berlin", False), ("Asia/Tokyo", True)
        ]  # fmt: skip
        now = (await desk.coordinator.get(f"/v1/patients/{cast.patient_id}")).json()
        assert now["version"] == patient["version"] + 2
