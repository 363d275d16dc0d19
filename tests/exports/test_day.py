"""The patient's day in their copy: long lists in pages, deleted entries nowhere, and nobody else of a group."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core.db import Database
from app.exports import service
from app.exports.readable import Ends
from app.journals.models import JournalEntry
from tests.cast import Cast
from tests.exports.copies import Copies
from tests.factories import an_id

FIRST = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


@pytest.fixture
async def diary(db: Database, cast: Cast) -> list[dict[str, Any]]:
    """Five entries, two of them written at the same moment; every second one is shared."""
    rows = [
        {
            "clinic_id": cast.clinic.id,
            "patient_id": cast.patient.patient_id,
            "id": an_id(),
            "text": f"entry {number} <b>&</b>\nover two lines",
            "written_at": FIRST + timedelta(days=20 * (number // 2)),
            "time_zone": "America/New_York",
            "shared_at": FIRST if number % 2 else None,
            "version": 1,
            "revision": 1,
            "received_at": FIRST,
        }
        for number in range(5)
    ]
    await db.execute(sa.insert(JournalEntry), rows)
    return rows


class TestLongLists:
    async def test_are_whole_and_in_order_however_they_fall_into_pages(
        self, copies: Copies, diary: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "PAGE", 2)

        held = (await copies.json())["journal_entries"]

        wanted = sorted(diary, key=lambda row: (row["written_at"], row["id"]), reverse=True)
        assert [one["id"] for one in held] == [str(row["id"]) for row in wanted]
        assert [one["shared_at"] is not None for one in held] == [row["shared_at"] is not None for row in wanted]

    async def test_are_told_by_month_with_the_clock_of_the_place(
        self, copies: Copies, diary: list[dict[str, Any]]
    ) -> None:
        page = await copies.page()

        journal = page.words[page.words.rindex("Your journal\n") :]
        assert sorted(re.findall(r"entry (\d) <b>&</b>\nover two lines", journal)) == list("01234")
        assert "(03:00 in America/New_York)" in journal
        assert journal.count("nobody but you") == 3
        assert page.headings.count("September 2026") == 1
        assert page.headings.count("October 2026") == 1

    async def test_of_due_check_ins_say_what_became_of_each(self, copies: Copies, cast: Cast, db: Database) -> None:
        day, now = timedelta(days=1), datetime.now(UTC)
        states = {
            "expected": ("waiting", now + day, None),
            "open": ("waiting", now - timedelta(minutes=5), None),
            "answered": ("answered", now - 3 * day, now - 3 * day),
            "late": ("answered", now - 3 * day, now - 2 * day),
            "missed": ("missed", now - 3 * day, None),
            "withdrawn": ("cancelled", now - 3 * day, None),
        }
        rows = [
            {
                "clinic_id": cast.clinic.id,
                "patient_id": cast.patient.patient_id,
                "id": an_id(),
                "time_point": name,
                "opens_at": at,
                "due_at": at,
                "closes_at": at + timedelta(hours=2),
                "instruments": ["craving_nrs"],
                "state": state,
                "answered_at": answered,
                "revision": 1,
            }
            for name, (state, at, answered) in states.items()
        ]
        await db.execute(sa.insert(DueCheckIn), rows)

        held = (await copies.json())["due_check_ins"]
        words = (await copies.page()).words

        assert {one["time_point"]: one["state"] for one in held} == {name: name for name in states}
        for said in ("not due yet", "can be answered now", "answered late", "missed", "not wanted any more"):
            assert said in words


class TestJournal:
    async def test_holds_no_word_that_was_deleted(self, copies: Copies, phone: httpx2.AsyncClient) -> None:
        entry = {"written_at": "2026-11-20T20:00:00Z", "time_zone": "Europe/Berlin"}
        kept, gone = (f"/v1/me/journal-entries/{an_id()}" for _ in range(2))
        await phone.put(kept, json=entry | {"text": "this stays"})
        await phone.put(gone, json=entry | {"text": "this goes"})
        await phone.delete(gone)

        for kind in ("json", "html"):
            text = (await copies.get(kind)).text
            assert "this stays" in text
            assert "this goes" not in text


async def pages(*rows: list[dict[str, Any]]) -> Any:
    for page in rows:
        yield page


class TestEnds:
    @pytest.mark.parametrize(
        ("most", "letters", "kept", "reached"),
        [
            (None, 0, 5, False),
            (5, 500, 5, False),
            (4, 500, 4, True),
            (0, 500, 0, True),
            (5, 499, 4, True),
            (5, 250, 2, True),
        ],
    )
    async def test_a_list_ends_after_so_many_rows_or_letters(
        self, most: int | None, letters: int, kept: int, *, reached: bool
    ) -> None:
        ends = Ends(most, letters)
        entry = {"text": "x" * 100}

        through = [row async for page in ends.of(pages([entry] * 3, [entry] * 2)) for row in page]

        assert (len(through), ends.reached) == (kept, reached)
