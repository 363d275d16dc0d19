"""What changed since a phone last asked, through the front door."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.appointments.models import Appointment
from app.core.db import Database
from app.sync.kinds import BY_NAME
from tests.cast import Cast
from tests.check_ins.test_alerts import phq9
from tests.factories import a_report, an_id
from tests.sync import records
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio
THREE = (["SELECT"] * 3, ["WITH", "SELECT", "SELECT"])
"""The guard's, on PostgreSQL with the audit entry in it; the changes; who takes part in appointments."""
ADDRESSES = {
    "check_in": "/v1/me/check-ins/{}",
    "dosing_session": "/v1/me/dosing-sessions/{}",
    "journal_entry": "/v1/me/journal-entries/{}",
}
LISTS = {
    "alert": "/v1/me/alerts",
    "appointment": "/v1/me/appointments",
    "due_check_in": "/v1/me/due-check-ins?days=60&past_days=60",
    "practice_log": "/v1/me/practice-logs",
}
PLANS = {
    "care_plan": "/v1/me/care-plan",
    "contingency_plan": "/v1/me/contingency-plan",
    "safety_plan": "/v1/me/safety-plan",
}


async def report(client: httpx2.AsyncClient, **but: Any) -> str:
    check_in_id = str(an_id())
    answer = await client.put(f"/v1/me/check-ins/{check_in_id}", json=a_report(**but))
    assert answer.status_code == 201, answer.text
    return check_in_id


class TestFirstSync:
    async def test_an_empty_record_is_one_empty_page(self, phone: Phone) -> None:
        page = await phone.ask()

        assert (page["items"], page["has_more"]) == ([], False)

    async def test_tells_the_whole_record_page_by_page(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        ids = [await report(as_patient) for _ in range(7)]
        phone.limit = 3

        told = await phone.sync()

        assert told == [("check_in", each) for each in ids]
        answer = await as_patient.get(f"/v1/me/check-ins/{ids[0]}")
        assert phone.things["check_in", ids[0]] == answer.json()


class TestNothingNew:
    async def test_is_answered_by_the_guard_alone(
        self, phone: Phone, as_patient: httpx2.AsyncClient, queries: list[str]
    ) -> None:
        await report(as_patient)
        await phone.sync()
        cursor = phone.cursor
        queries.clear()

        page = await phone.ask()

        assert page == {"items": [], "next_cursor": cursor, "has_more": False}
        assert len([each for each in queries if each.startswith(("SELECT", "WITH"))]) == 1

    async def test_the_same_question_is_not_answered_twice(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        await report(as_patient)
        first = await as_patient.get("/v1/me/changes")
        tag = first.headers["etag"]

        again = await as_patient.get("/v1/me/changes", headers={"If-None-Match": tag})
        await report(as_patient)
        later = await as_patient.get("/v1/me/changes", headers={"If-None-Match": tag})

        assert (again.status_code, again.content) == (304, b"")
        assert later.status_code == 200
        assert len(later.json()["items"]) == 2


class TestAThousandChanges:
    async def test_of_every_kind_are_one_request_and_three_statements(
        self, phone: Phone, db: Database, cast: Cast, queries: list[str]
    ) -> None:
        await phone.ask()  # what a token or a worker does once is over
        await records.fill(db, cast, 1000)
        await db.finish()
        queries.clear()

        page = await phone.ask()

        assert (len(page["items"]), page["has_more"]) == (1000, False)
        assert {item["type"] for item in page["items"]} == set(BY_NAME)
        assert [each.split()[0] for each in queries if "INTO audit_entries" not in each[:30]] in THREE

    async def test_come_in_pages_of_any_size_once_each_and_in_order(
        self, phone: Phone, db: Database, cast: Cast
    ) -> None:
        await records.fill(db, cast, 60)
        await db.execute(sa.update(Appointment).values(revision=60))
        whole = await phone.anew()

        for size in (1, 7, 59, 60):
            small = Phone(phone.client, size)
            told = await small.sync()
            assert told == [(item["type"], item["id"]) for item in whole.told]

    async def test_show_each_thing_as_its_own_address_does(
        self, phone: Phone, db: Database, cast: Cast, as_patient: httpx2.AsyncClient
    ) -> None:
        await records.fill(db, cast, 12)
        await phone.sync()

        for (kind, thing_id), shown in phone.things.items():
            if kind in ADDRESSES:
                answer = await as_patient.get(ADDRESSES[kind].format(thing_id))
                assert answer.json() == shown
            elif kind in LISTS:
                listed = (await as_patient.get(LISTS[kind])).json()["items"]
                assert next(item for item in listed if item["id"] == thing_id) == shown
            elif kind == "check_in_plan":
                (newest,) = (await as_patient.get("/v1/me/check-in-plan/history")).json()["items"]
                assert newest == shown
            else:
                current = (await as_patient.get(PLANS[kind])).json()["current"]
                assert {name: value for name, value in current.items() if not name.endswith("_name")} == {
                    name: value for name, value in shown.items() if not name.endswith("_name")
                }


class TestCursors:
    async def test_of_another_patient_are_refused(
        self, phone: Phone, cast: Cast, new_client: Callable[..., httpx2.AsyncClient]
    ) -> None:
        await phone.sync()

        answer = await new_client(cast.other_patient.token).get("/v1/me/changes", params={"cursor": phone.cursor or ""})

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    async def test_that_were_altered_are_refused(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        await phone.sync()
        good = phone.cursor or ""
        other = "A" if good[-4] != "A" else "B"

        for bad in ("", "x", good[:-4] + other + good[-3:], good[: len(good) // 2], "42"):
            answer = await as_patient.get("/v1/me/changes", params={"cursor": bad})
            assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid"), bad

    async def test_of_other_lists_are_refused(self, as_patient: httpx2.AsyncClient) -> None:
        await report(as_patient)
        await report(as_patient)
        cursor = (await as_patient.get("/v1/me/check-ins", params={"limit": 1})).json()["next_cursor"]

        assert (await as_patient.get("/v1/me/changes", params={"cursor": cursor})).status_code == 400


class TestAfterAnUpload:
    async def test_what_was_sent_is_not_told_again(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        await phone.sync()

        sent = await upload(as_patient, phone.cursor)
        phone.cursor = sent["next_cursor"]

        assert await phone.sync() == []

    async def test_what_others_did_meanwhile_is_told(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        await phone.sync()
        of_the_other_phone = await report(as_patient)

        for _ in range(3):
            phone.cursor = (await upload(as_patient, phone.cursor))["next_cursor"]
        between = await report(as_patient)
        phone.cursor = (await upload(as_patient, phone.cursor))["next_cursor"]

        assert await phone.sync() == [("check_in", of_the_other_phone), ("check_in", between)]

    async def test_what_came_of_it_is_told(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        """An alert of the same transaction, for one; and what the check-in says later, when it was corrected."""
        await phone.sync()
        known = a_report() | {"id": str(an_id())}

        for sent in (known, a_report(responses=[phq9(2)]) | {"id": str(an_id())}):
            phone.cursor = (await upload(as_patient, phone.cursor, sent))["next_cursor"]
        told = await phone.sync()
        corrected = await as_patient.put(
            f"/v1/me/check-ins/{known['id']}", json=a_report(note="other"), headers={"If-Match": '"1"'}
        )

        assert {kind for kind, _ in told} == {"alert"}
        assert corrected.status_code == 200
        assert await phone.sync() == [("check_in", known["id"])]

    async def test_nothing_is_held_up_by_a_cursor_that_cannot_be_read(self, as_patient: httpx2.AsyncClient) -> None:
        assert len((await upload(as_patient, "x" * 3000))["results"]) == 1

    async def test_a_repeated_upload_moves_nothing(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        sent = a_report() | {"id": str(an_id())}
        await upload(as_patient, None, sent)
        await phone.sync()

        assert (await upload(as_patient, phone.cursor, sent))["next_cursor"] == phone.cursor


async def upload(
    client: httpx2.AsyncClient, cursor: str | None, check_in: dict[str, Any] | None = None
) -> dict[str, Any]:
    wanted = {} if cursor is None else {"cursor": cursor}
    batch = {"check_ins": [check_in or a_report() | {"id": str(an_id())}]}
    answer = await client.post("/v1/me/check-ins/batch", json=batch, params=wanted)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
