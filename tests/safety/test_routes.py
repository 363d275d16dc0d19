"""Alerts over HTTP: who sees which, and how they are answered. Nothing but a person closes one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core import clock
from app.core.db import Database
from app.protocols.rules import Protocol
from app.safety.catalogue import RULES
from app.safety.rule_figures import SHARED, figures_of
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.factories import Person, a_clinic, a_member_of_staff, an_id
from tests.safety.conftest import OnDuty
from tests.safety.raising import CRITICAL, ROUTINE, URGENT, Raiser, a_roster, an_alert, notices, steps, with_roster


class Answerer:
    """Answers one alert as different people."""

    def __init__(self, new_client: Clients, alert_id: UUID) -> None:
        self._new_client, self.path = new_client, f"/v1/alerts/{alert_id}"

    async def read(self, person: Person) -> httpx2.Response:
        return await self._new_client(person.token).get(self.path)

    async def act(self, person: Person, action: str, version: int | None = 1, **body: object) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self._new_client(person.token).post(f"{self.path}/{action}", json=body or None, headers=headers)


@pytest.fixture
async def answering(new_client: Clients, raising: Raiser) -> Answerer:
    return Answerer(new_client, await raising.one(CRITICAL))


class TestList:
    async def test_the_most_severe_first_and_of_those_the_oldest(
        self, db: Database, cast: Cast, new_client: Clients
    ) -> None:
        now = clock.now()
        wanted = [("critical", 1), ("critical", 0), ("urgent", 3), ("urgent", 2), ("routine", 4)]
        for severity, hours in sorted(wanted, key=str):
            raised_at = now - timedelta(hours=hours)
            await an_alert(db, cast.clinic.id, cast.patient.patient_id, severity=severity, raised_at=raised_at)
        client, found, pages = new_client(cast.nurse.token), [], [""]
        for more in pages:
            page = (await client.get(f"/v1/alerts?limit=2{more}")).json()
            found += [(item["severity"], item["raised_at"]) for item in page["items"]]
            pages += [f"&cursor={cursor}" for cursor in [page["next_cursor"]] if cursor]

        assert len(pages) == 3
        assert [severity for severity, _ in found] == [severity for severity, _ in wanted]
        assert found[0][1] < found[1][1]
        assert found[2][1] < found[3][1]

    async def test_filters(self, db: Database, cast: Cast, new_client: Clients, raising: Raiser) -> None:
        critical, urgent = [raised.id for raised in await raising(CRITICAL, URGENT)]
        closed = await an_alert(db, cast.clinic.id, cast.patient.patient_id, status="resolved")
        taken = await an_alert(
            db, cast.clinic.id, cast.patient.patient_id, status="acknowledged", owner_id=cast.nurse.membership.id
        )
        client = new_client(cast.nurse.token)

        async def listed(query: str) -> set[str]:
            return {item["id"] for item in (await client.get(f"/v1/alerts?{query}")).json()["items"]}

        assert await listed("") == {str(each) for each in (critical, urgent, taken.id)}
        assert await listed("status=resolved") == {str(closed.id)}
        assert await listed("status=open&severity=urgent") == {str(urgent)}
        assert await listed(f"patient_id={cast.other_patient_id}") == set()
        assert await listed("mine=true") == {str(each) for each in (critical, urgent, taken.id)}  # told, or has it
        assert (await client.get("/v1/alerts?status=closed")).status_code == 422

    async def test_only_of_patients_whom_the_caller_looks_after(
        self, db: Database, cast: Cast, new_client: Clients
    ) -> None:
        alert = await an_alert(db, cast.clinic.id, cast.other_patient.patient_id)
        client = new_client(cast.nurse.token)

        assert (await client.get("/v1/alerts")).json()["items"] == []
        assert (await client.get(f"/v1/alerts/{alert.id}")).status_code == 404

    async def test_a_coordinator_sees_only_what_is_for_them_and_no_figures(
        self, raising: Raiser, cast: Cast, new_client: Clients
    ) -> None:
        critical, routine = [raised.id for raised in await raising(CRITICAL, ROUTINE)]
        client = new_client(cast.coordinator.token)

        (item,) = (await client.get("/v1/alerts")).json()["items"]
        assert (item["id"], item["inputs"], item["threshold"]) == (str(routine), None, None)
        record = (await client.get(f"/v1/alerts/{routine}")).json()
        assert [step["inputs"] for step in record["steps"]] == [None]
        for method, path in (("GET", ""), ("POST", "/acknowledgement")):
            answer = await client.request(method, f"/v1/alerts/{critical}{path}", headers={"If-Match": '"1"'})
            assert answer.status_code == 404


class TestRead:
    async def test_shows_all_that_it_rests_on_and_who_is_told(self, answering: Answerer, cast: Cast) -> None:
        answer = await answering.read(cast.nurse)

        body = answer.json()
        rule = RULES["SUI-1"]
        assert (body["rule"], body["rule_version"], body["protocol_version"]) == ("SUI-1", rule.version, 1)
        assert (body["title"], body["text"], body["source"]) == (rule.title, rule.text, rule.source)
        assert (body["inputs"], body["threshold"]) == ({"item9": 3}, {"sui1_critical_from": 3})
        assert [step["action"] for step in body["steps"]] == ["raised"]
        assert {(notice["state"], notice["channel"], notice["level"]) for notice in body["notices"]} == {
            ("pending", "mail", "first")
        }
        assert len(body["notices"]) == 3
        assert body["open_moves"] == ["acknowledgement", "hand-over", "resolution"]
        assert (answer.headers["etag"], body["overdue"]) == ('W/"1"', False)  # it was compressed

    async def test_is_not_sent_twice_unless_it_is_overdue(
        self, raising: Raiser, new_client: Clients, cast: Cast
    ) -> None:
        path = f"/v1/alerts/{await raising.one(CRITICAL)}"
        client = new_client(cast.nurse.token, **{"if-none-match": '"1"'})
        with_time = [(await client.get(path)).status_code]
        old = f"/v1/alerts/{await raising.one(URGENT, clock.now() - timedelta(days=5))}"
        with_time.append((await client.get(old)).status_code)

        assert with_time == [304, 200]


class TestAnswers:
    async def test_acknowledging_puts_a_name_on_it_and_stops_the_rest(
        self, answering: Answerer, cast: Cast, db: Database
    ) -> None:
        answer = await answering.act(cast.nurse, "acknowledgement", note="calling now")

        body = answer.json()
        nurse = str(cast.nurse.membership.id)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert (body["status"], body["owner_id"], body["acknowledged_by"]) == ("acknowledged", nurse, nurse)
        assert (body["next_step_at"], body["open_moves"]) == (None, ["hand-over", "resolution"])
        assert {notice.state for notice in await notices(db, UUID(body["id"]))} == {"needless"}
        record = (await answering.read(cast.therapist)).json()
        assert [(step["action"], step["actor_id"], step["note"]) for step in record["steps"]] == [
            ("raised", None, None),
            ("acknowledged", nurse, "calling now"),
        ]

    async def test_resolving_an_open_one_acknowledges_it_in_the_same_step(
        self, answering: Answerer, cast: Cast, db: Database
    ) -> None:
        answer = await answering.act(cast.nurse, "resolution", outcome="safe_now", note="spoke for an hour")

        body = answer.json()
        assert (body["status"], body["outcome"], body["version"]) == ("resolved", "safe_now", 2)
        assert body["acknowledged_at"] == body["resolved_at"] is not None
        assert (await answering.read(cast.nurse)).json()["resolution_note"] == "spoke for an hour"
        assert [action for action, _, _ in await steps(db, UUID(body["id"]))] == ["raised", "resolved"]

    async def test_what_is_resolved_is_done(self, answering: Answerer, cast: Cast) -> None:
        await answering.act(cast.nurse, "resolution", outcome="other")
        answers = [
            await answering.act(cast.nurse, "acknowledgement", 2),
            await answering.act(cast.nurse, "resolution", 2, outcome="other"),
            await answering.act(cast.nurse, "hand-over", 2, to_staff_id=str(cast.therapist.membership.id)),
        ]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "illegal_move")] * 3
        assert (answers[0].json()["current"], answers[0].json()["open_moves"]) == ("resolved", [])

    async def test_of_two_at_once_one_is_told(self, answering: Answerer, cast: Cast) -> None:
        first = await answering.act(cast.nurse, "acknowledgement")
        second = await answering.act(cast.therapist, "acknowledgement")
        again = await answering.act(cast.therapist, "acknowledgement", 2)

        assert [answer.status_code for answer in (first, second, again)] == [200, 412, 409]
        assert second.json()["current"]["owner_id"] == str(cast.nurse.membership.id)

    @pytest.mark.parametrize("action", ["acknowledgement", "resolution", "hand-over"])
    async def test_needs_the_version_that_was_read(self, answering: Answerer, cast: Cast, action: str) -> None:
        body = {"resolution": {"outcome": "other"}, "hand-over": {"to_staff_id": str(cast.nurse.membership.id)}}

        answers = [await answering.act(cast.nurse, action, version, **body.get(action, {})) for version in (None, 9)]

        assert [answer.status_code for answer in answers] == [428, 412]

    async def test_that_it_was_found_again_has_to_be_seen(
        self, raising: Raiser, answering: Answerer, cast: Cast
    ) -> None:
        await raising(CRITICAL)

        assert (await answering.act(cast.nurse, "resolution", 1, outcome="other")).status_code == 412
        assert (await answering.act(cast.nurse, "resolution", 2, outcome="other")).status_code == 200

    async def test_an_outcome_is_one_that_is_known(self, answering: Answerer, cast: Cast) -> None:
        assert (await answering.act(cast.nurse, "resolution", outcome="gone")).status_code == 422


class TestHandOver:
    async def test_gives_it_to_somebody_who_is_told_and_can_open_it(
        self, answering: Answerer, cast: Cast, on_duty: OnDuty, db: Database
    ) -> None:
        await answering.act(cast.nurse, "acknowledgement")
        before = await answering.read(on_duty.first)
        answer = await answering.act(cast.nurse, "hand-over", 2, to_staff_id=str(on_duty.first.membership.id))

        body = answer.json()
        assert (before.status_code, answer.status_code) == (404, 200)
        assert (body["status"], body["owner_id"], body["version"]) == (
            "acknowledged",
            str(on_duty.first.membership.id),
            3,
        )
        assert (await answering.read(on_duty.first)).status_code == 200
        pending = [notice for notice in await notices(db, UUID(body["id"])) if notice.state == "pending"]
        assert [(notice.membership_id, notice.level) for notice in pending] == [(on_duty.first.membership.id, "owner")]

    async def test_an_open_one_stays_open_and_goes_on_up_the_ladder(self, answering: Answerer, cast: Cast) -> None:
        answer = await answering.act(cast.nurse, "hand-over", to_staff_id=str(cast.therapist.membership.id))

        assert answer.json()["status"] == "open"
        assert answer.json()["next_step_at"] is not None

    async def test_not_to_somebody_who_could_not_open_it(
        self, answering: Answerer, cast: Cast, db: Database, settings: Any
    ) -> None:
        elsewhere = await a_member_of_staff(db, settings, await a_clinic(db))
        for nobody in (an_id(), cast.coordinator.membership.id, elsewhere.membership.id, cast.patient.membership.id):
            answer = await answering.act(cast.nurse, "hand-over", to_staff_id=str(nobody))

            assert (answer.status_code, answer.json()["code"]) == (422, "cannot_take_over")
            assert [error["pointer"] for error in answer.json()["errors"]] == ["/to_staff_id"]


class TestRules:
    async def test_shows_each_with_the_figures_of_the_clinic(self, new_client: Clients, cast: Cast) -> None:
        client = new_client(cast.nurse.token)
        answer = await client.get("/v1/alert-rules")

        shown = {item["id"]: item for item in answer.json()["items"]}
        assert set(shown) == set(RULES)
        assert shown["BP-1"]["figures"] == {
            "safety.bp1_systolic_above": 140,
            "safety.bp1_diastolic_above": 90,
        }
        assert shown["SUI-1"]["within"] == {"urgent": "60_minutes", "critical": "15_minutes"}
        again = await client.get("/v1/alert-rules", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304

    def test_every_figure_belongs_to_a_rule(self) -> None:
        protocol = Protocol()
        known = {path for rule in RULES for path in figures_of(rule, protocol)}

        assert {f"safety.{name}" for name in type(protocol.safety).model_fields} == {
            path for path in known if path.startswith("safety.")
        } | set(SHARED)


class TestMyAlerts:
    async def test_shows_a_patient_what_was_said_and_whether_somebody_saw_it(
        self, raising: Raiser, answering: Answerer, cast: Cast, new_client: Clients, db: Database
    ) -> None:
        await raising(ROUTINE)
        await an_alert(db, cast.clinic.id, cast.other_patient.patient_id)
        await answering.act(cast.nurse, "acknowledgement")
        client = new_client(cast.patient.token)

        newest, oldest = (await client.get("/v1/me/alerts")).json()["items"]

        assert set(newest) == {"id", "at", "text", "seen", "seen_at", "closed", "closed_at"}
        assert (newest["seen"], newest["text"]) == (False, RULES["MISS-2"].patient_text)
        assert (oldest["seen"], oldest["closed"], oldest["text"]) == (True, False, RULES["SUI-1"].patient_text)
        first = (await client.get("/v1/me/alerts?limit=1")).json()
        second = (await client.get(f"/v1/me/alerts?limit=1&cursor={first['next_cursor']}")).json()
        assert [first["items"][0]["id"], second["items"][0]["id"]] == [newest["id"], oldest["id"]]
        assert second["next_cursor"] is None


async def test_a_roster_of_the_clinic_is_used_at_once(
    raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty, new_client: Clients
) -> None:
    await with_roster(db, cast.clinic, a_roster(on_duty.first))
    alert_id = await raising.one(CRITICAL)

    assert (await new_client(on_duty.first.token).get("/v1/alerts?mine=true")).json()["items"][0]["id"] == str(alert_id)
