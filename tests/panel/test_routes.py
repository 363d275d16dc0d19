"""The panel as a clinician reads it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.clinics import service as clinics
from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.care_plans.plans import a_plan
from tests.cast import Cast
from tests.check_ins.test_alerts import craving, phq9
from tests.dosing.sessions import Sessions, text
from tests.factories import Person, a_clinic, a_member_of_staff, a_patient, a_report, an_id

pytestmark = pytest.mark.anyio
Clients = Callable[..., httpx2.AsyncClient]
DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


class Panel:
    """Reads the panel as the nurse."""

    def __init__(self, db: Database, settings: Settings, cast: Cast, new_client: Clients) -> None:
        self.db, self.settings, self.cast, self.new_client = db, settings, cast, new_client
        self.nurse = new_client(cast.nurse.token)

    async def read(self, **asked: Any) -> list[dict[str, Any]]:
        answer = await self.nurse.get("/v1/panel", params=asked)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def order(self, **asked: Any) -> list[str]:
        return [item["patient_id"] for item in await self.read(**asked)]

    async def item(self) -> dict[str, Any]:
        (found,) = await self.read()
        return found

    async def report(self, person: Person, *responses: dict[str, Any], at: datetime = NOW) -> None:
        report = a_report(at, responses=list(responses))
        answer = await self.new_client(person.token).put(f"/v1/me/check-ins/{an_id()}", json=report)
        assert answer.status_code == 201, answer.text

    async def another(self) -> Person:
        """One more patient of the nurse's."""
        person = await a_patient(self.db, self.settings, self.cast.clinic)
        assert person.patient is not None
        await clinics.put_care_team(
            self.db, self.cast.clinic.id, person.patient, {self.cast.nurse.membership.id: False}
        )
        return person


@pytest.fixture
def panel(db: Database, settings: Settings, cast: Cast, new_client: Clients) -> Panel:
    return Panel(db, settings, cast, new_client)


class TestReadPanel:
    async def test_shows_a_new_patient_of_whom_nothing_is_known(self, panel: Panel, cast: Cast) -> None:
        item = await panel.item()

        assert item.pop("updated_at")
        assert item == {
            "patient_id": cast.patient_id,
            "display_name": "Sam R.",
            "status": "active",
            "phase": None,
            "open_alerts": 0,
            "acknowledged_alerts": 0,
            "worst_alert_severity": None,
            "oldest_open_alert_at": None,
            "latest": {},
            "overdue_check_ins": 0,
            "adherence": {"due": 0, "completed": 0, "late": 0, "missed": 0, "percent": None},
            "last_session": None,
            "next_session": None,
            "days_since_dose": None,
            "relief": None,
        }

    async def test_shows_the_latest_value_of_each_measure_and_the_change_of_its_week(
        self, panel: Panel, cast: Cast
    ) -> None:
        for days, value in ((13, 8), (8, 6), (6, 3), (0, 2)):
            await panel.report(cast.patient, craving(value), at=NOW - days * DAY)
        await panel.report(cast.patient, craving(9, "opioid"), at=NOW - DAY)

        latest = (await panel.item())["latest"]

        assert latest == {
            "craving": {
                "substance": "alcohol",
                "value": 2,
                "at": text(NOW),
                "change_7d": -4.5,
                "other_substances": [
                    {"substance": "opioid", "value": 9, "at": text(NOW - DAY), "change_7d": None},
                ],
            }
        }

    async def test_shows_alerts_until_they_are_resolved(self, panel: Panel, cast: Cast) -> None:
        await panel.report(cast.patient, phq9(1))
        item = await panel.item()
        (alert,) = (await panel.nurse.get("/v1/alerts")).json()["items"]
        address, version = f"/v1/alerts/{alert['id']}", alert["version"]

        assert (item["open_alerts"], item["acknowledged_alerts"]) == (1, 0)
        assert item["worst_alert_severity"] == alert["severity"]
        assert item["oldest_open_alert_at"] == alert["raised_at"]

        await panel.nurse.post(f"{address}/acknowledgement", headers={"if-match": f'"{version}"'})
        item = await panel.item()

        assert (item["open_alerts"], item["acknowledged_alerts"]) == (0, 1)
        assert item["worst_alert_severity"] == alert["severity"]
        assert item["oldest_open_alert_at"] is None

        body, headers = {"outcome": "safe_now"}, {"if-match": f'"{version + 1}"'}
        await panel.nurse.post(f"{address}/resolution", json=body, headers=headers)
        item = await panel.item()

        assert (item["open_alerts"], item["acknowledged_alerts"], item["worst_alert_severity"]) == (0, 0, None)

    async def test_shows_sessions_days_since_the_dose_and_relief(
        self, panel: Panel, cast: Cast, new_client: Clients
    ) -> None:
        for hours in (60, 40, 20):
            await panel.report(cast.patient, craving(8), at=NOW - timedelta(hours=hours))
        session = Sessions(new_client, cast)
        await session.plan(NOW - DAY)
        item = await panel.item()

        assert item["next_session"] == {
            "id": session.session_id,
            "status": "scheduled",
            "scheduled_at": text(NOW - DAY),
            "overdue": True,
        }

        await session.through("arrival", "clearance", "dose")
        item = await panel.item()

        assert item["next_session"] is None
        assert item["last_session"]["id"] == session.session_id
        assert item["last_session"]["status"] == "dosing"
        assert item["days_since_dose"] == 0
        assert item["relief"] == {"state": "not_begun", "since": None, "substance": "alcohol"}

        began = datetime.fromisoformat(item["last_session"]["dose_started_at"])
        for minutes in (1, 2):
            await panel.report(cast.patient, craving(2), at=began + timedelta(minutes=minutes))

        assert (await panel.item())["relief"]["state"] == "relieved"

    async def test_shows_the_phase_of_the_care_plan(self, panel: Panel, cast: Cast) -> None:
        plan = a_plan(cast.nurse.membership.id)
        await panel.nurse.put(f"/v1/patients/{cast.patient_id}/care-plan", json=plan)

        assert (await panel.item())["phase"] == "induction"
        assert await panel.order(phase="induction") == [cast.patient_id]
        assert await panel.order(phase="maintenance") == []


class TestWhoIsShown:
    async def test_only_whom_the_caller_looks_after(self, panel: Panel, cast: Cast) -> None:
        another = await panel.another()

        assert set(await panel.order()) == {cast.patient_id, str(another.patient_id)}
        assert cast.other_patient_id not in await panel.order()

    async def test_only_whom_a_colleague_looks_after_too(self, panel: Panel, cast: Cast) -> None:
        await panel.another()

        assert await panel.order(care_team=str(cast.therapist.membership.id)) == [cast.patient_id]
        assert len(await panel.order(care_team="me")) == 2
        assert await panel.order(care_team=str(an_id())) == []

    async def test_nobody_of_another_clinic(
        self, panel: Panel, db: Database, settings: Settings, new_client: Clients
    ) -> None:
        elsewhere = await a_clinic(db)
        stranger = await a_member_of_staff(
            db, settings, elsewhere, Role.NURSE, patients=(await a_patient(db, settings, elsewhere),)
        )
        theirs = (await new_client(stranger.token).get("/v1/panel")).json()["items"]

        assert len(theirs) == 1
        assert theirs[0]["patient_id"] not in await panel.order()

    async def test_not_for_patients_and_not_for_coordinators(self, cast: Cast, new_client: Clients) -> None:
        for person in (cast.patient, cast.coordinator):
            assert (await new_client(person.token).get("/v1/panel")).status_code == 403


class TestOrder:
    async def test_need_puts_open_alerts_first_then_those_in_hand_then_check_ins_missed(
        self, panel: Panel, cast: Cast
    ) -> None:
        quiet, in_hand, waiting = cast.patient, await panel.another(), await panel.another()
        await panel.report(in_hand, phq9(1))
        (alert,) = (await panel.nurse.get("/v1/alerts")).json()["items"]
        headers = {"if-match": f'"{alert["version"]}"'}
        await panel.nurse.post(f"/v1/alerts/{alert['id']}/acknowledgement", headers=headers)
        await panel.report(waiting, phq9(1))

        expected = [str(person.patient_id) for person in (waiting, in_hand, quiet)]
        assert await panel.order() == expected
        assert await panel.order(alert_severity="routine") == expected[:2]

    async def test_every_order_pages_through_everybody_once(self, panel: Panel, cast: Cast) -> None:
        others = [await panel.another() for _ in range(3)]
        await panel.report(others[1], craving(3))
        everybody = {cast.patient_id, *(str(person.patient_id) for person in others)}
        for sort in ("need", "overdue", "days_since_dose", "next_session", "adherence"):
            seen, cursor = [], None
            while True:
                asked = {"sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {})
                answer = (await panel.nurse.get("/v1/panel", params=asked)).json()
                seen += [item["patient_id"] for item in answer["items"]]
                cursor = answer["next_cursor"]
                if cursor is None:
                    break

            assert len(seen) == len(everybody)
            assert set(seen) == everybody

    async def test_a_cursor_of_another_question_is_refused(self, panel: Panel) -> None:
        await panel.another()
        first = (await panel.nurse.get("/v1/panel", params={"limit": 1})).json()

        answer = await panel.nurse.get("/v1/panel", params={"cursor": first["next_cursor"], "sort": "overdue"})

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


class TestFilters:
    async def test_by_the_latest_value_of_a_measure(self, panel: Panel, cast: Cast) -> None:
        low = await panel.another()
        await panel.report(cast.patient, craving(8))
        await panel.report(low, craving(2))

        assert await panel.order(measure="craving", at_least=8) == [cast.patient_id]
        assert await panel.order(measure="craving", at_most=7.5) == [str(low.patient_id)]
        assert await panel.order(measure="craving", at_least=3, at_most=7) == []
        assert len(await panel.order(measure="craving")) == 2
        assert await panel.order(measure="craving_vas") == []

    async def test_a_bound_needs_its_measure(self, panel: Panel) -> None:
        answer = await panel.nurse.get("/v1/panel", params={"at_most": 3})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/query/at_most"

    @pytest.mark.parametrize(
        "asked", [{"measure": "joy"}, {"sort": "name"}, {"alert_severity": "mild"}, {"limit": 0}, {"colour": "red"}]
    )
    async def test_refuses_what_it_does_not_know(self, panel: Panel, asked: dict[str, Any]) -> None:
        assert (await panel.nurse.get("/v1/panel", params=asked)).status_code == 422

    async def test_nobody_is_overdue_without_a_plan(self, panel: Panel) -> None:
        assert await panel.order(overdue=True) == []


class TestAskedAgain:
    async def test_nothing_is_sent_while_nothing_has_changed(self, panel: Panel, cast: Cast) -> None:
        first = await panel.nurse.get("/v1/panel")
        again = await panel.nurse.get("/v1/panel", headers={"if-none-match": first.headers["etag"]})
        await panel.report(cast.patient, craving(8))
        after = await panel.nurse.get("/v1/panel", headers={"if-none-match": first.headers["etag"]})

        assert (first.status_code, again.status_code, after.status_code) == (200, 304, 200)
        assert first.headers["cache-control"] == "private, no-cache"

    async def test_takes_one_statement_beside_the_guard(self, panel: Panel, queries: list[str]) -> None:
        await panel.another()
        await panel.read()
        queries.clear()
        await panel.read()

        assert len([statement for statement in queries if "patient_summaries" in statement]) == 1
        assert len(queries) <= 3
