"""What changed since a phone last asked, through the front door."""

from typing import Any

import httpx2
import pytest

from tests.factories import a_report, an_id
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio


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
