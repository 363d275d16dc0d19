from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from app.core.db import Database
from tests.appointments.bookings import HOUR, NOON, Bookings, a_plan, text
from tests.factories import an_id


async def book_many(bookings: Bookings, *times: datetime, patient_id: str | None = None, **but: object) -> None:
    for at in times:
        path = f"/v1/patients/{patient_id or bookings.cast.patient_id}/appointments/{an_id()}"
        assert (await bookings.who["coordinator"].put(path, json=a_plan(at, **but))).status_code == 201


def times_in(answer: httpx2.Response) -> list[str]:
    return [item["scheduled_at"] for item in answer.json()["items"]]


class TestListAppointments:
    async def test_is_today_by_the_clock_of_the_clinic(self, bookings: Bookings) -> None:
        now = datetime.now(UTC)
        await book_many(bookings, now + timedelta(days=2), now, now - timedelta(days=2))

        assert times_in(await bookings.who["nurse"].get("/v1/appointments")) == [text(now)]

    async def test_takes_a_span_and_sorts_by_time(self, bookings: Bookings) -> None:
        times = [NOON + hours * HOUR for hours in (5, 1, 3, 0)]
        await book_many(bookings, *times)
        span = {"from": text(NOON), "to": text(NOON + 5 * HOUR)}

        answer = await bookings.who["nurse"].get("/v1/appointments", params=span)

        assert times_in(answer) == [text(at) for at in sorted(times)[:3]]

    async def test_goes_page_by_page(self, bookings: Bookings) -> None:
        guest = {"role": "guest", "name": "Sister"}
        await book_many(bookings, *[NOON] * 3, NOON + HOUR, participants=[guest], status="proposed")
        span: dict[str, Any] = {"from": text(NOON), "to": text(NOON + 5 * HOUR), "limit": 2}
        first = (await bookings.who["nurse"].get("/v1/appointments", params=span)).json()
        second = (
            await bookings.who["nurse"].get("/v1/appointments", params=span | {"cursor": first["next_cursor"]})
        ).json()

        items = first["items"] + second["items"]
        assert second["next_cursor"] is None
        assert len({item["id"] for item in items}) == 4
        assert [item["participants"][0]["name"] for item in items] == ["Sister"] * 4

    async def test_shows_the_patients_whom_one_looks_after(self, bookings: Bookings) -> None:
        await book_many(bookings, NOON)
        await book_many(bookings, NOON, patient_id=bookings.cast.other_patient_id)

        seen = {}
        for role, client in bookings.who.items():
            answer = await client.get("/v1/appointments", params={"from": text(NOON)})
            seen[role] = {item["patient_id"] for item in answer.json()["items"]}

        one, both = {bookings.cast.patient_id}, {bookings.cast.patient_id, bookings.cast.other_patient_id}
        assert seen == {"nurse": one, "therapist": one, "coordinator": both}

    async def test_takes_few_statements_however_many_there_are(
        self, bookings: Bookings, queries: list[str], db: Database
    ) -> None:
        await book_many(bookings, *[NOON + n * HOUR for n in range(5)])
        await bookings.who["nurse"].get("/v1/appointments", params={"from": text(NOON)})
        queries.clear()

        await bookings.who["nurse"].get("/v1/appointments", params={"from": text(NOON)})

        # Who is calling, with the audit entry; the appointments; who takes part. On SQLite the entry is apart.
        assert len(queries) == (3 if db.is_postgresql else 4)


class TestListMyAppointments:
    async def test_shows_my_own(self, bookings: Bookings) -> None:
        await book_many(bookings, NOON + timedelta(days=9), NOON)
        await book_many(bookings, NOON, patient_id=bookings.cast.other_patient_id)

        everything = await bookings.me.get("/v1/me/appointments")
        later = await bookings.me.get("/v1/me/appointments", params={"from": text(NOON + HOUR)})
        sooner = await bookings.me.get("/v1/me/appointments", params={"to": text(NOON + HOUR)})

        assert times_in(everything) == [text(NOON), text(NOON + timedelta(days=9))]
        assert times_in(later) == [text(NOON + timedelta(days=9))]
        assert times_in(sooner) == [text(NOON)]
        assert {"patient_id", "reason", "open_moves"} & set(everything.json()["items"][0]) == set()

    async def test_is_not_for_staff(self, bookings: Bookings) -> None:
        assert (await bookings.who["nurse"].get("/v1/me/appointments")).status_code == 403
