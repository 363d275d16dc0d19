import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bookings.errors import DoubleBooked
from app.bookings.models import Booking
from app.bookings.service import Hold, Resource, ResourceKind, find_taken, hold, hold_all, release
from app.core.db import Database, unit_of_work
from tests.cast import Cast
from tests.factories import a_clinic, an_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
THERAPIST = Resource(ResourceKind.STAFF, an_id(), "/participants/0/staff_id")
ROOM = Resource(ResourceKind.ROOM, an_id(), "/room_id")
PATIENT = Resource(ResourceKind.PATIENT, an_id(), "/scheduled_at")


async def held(db: Database, holder_id: UUID) -> list[tuple[UUID, datetime, datetime, bool]]:
    rows = await db.execute(sa.select(Booking).where(Booking.holder_id == holder_id).order_by(Booking.resource_kind))
    return [(row.resource_id, row.starts_at, row.ends_at, row.overridden) for row in rows.scalars()]


def a_row(clinic_id: UUID, resource_id: UUID, starts_at: datetime = NOON, **but: Any) -> dict[str, Any]:
    return {
        "clinic_id": clinic_id,
        "holder_id": an_id(),
        "resource_id": resource_id,
        "holder_kind": "appointment",
        "resource_kind": "staff",
        "starts_at": starts_at,
        "ends_at": starts_at + HOUR,
        "overridden": False,
    } | but


@pytest.fixture
def clinic_id(cast: Cast) -> UUID:
    return cast.clinic.id


class Held:
    """Holds for new appointments, an hour from noon unless it says otherwise."""

    def __init__(self, db: Database, clinic_id: UUID) -> None:
        self.db, self.clinic_id = db, clinic_id

    async def __call__(
        self,
        *resources: Resource,
        starts_at: datetime = NOON,
        ends_at: datetime | None = None,
        holder_id: UUID | None = None,
        overridden: bool = False,
    ) -> UUID:
        holder = holder_id or an_id()
        ends = ends_at or starts_at + HOUR
        await hold(self.db, self.clinic_id, "appointment", holder, resources, starts_at, ends, overridden=overridden)
        return holder


@pytest.fixture
def holding(db: Database, clinic_id: UUID) -> Held:
    return Held(db, clinic_id)


class TestHold:
    async def test_holds_what_it_needs_and_each_thing_once(self, holding: Held, db: Database) -> None:
        holder = await holding(THERAPIST, ROOM, PATIENT, Resource(ResourceKind.STAFF, THERAPIST.id, "/again"))

        assert await held(db, holder) == [
            (PATIENT.id, NOON, NOON + HOUR, False),
            (ROOM.id, NOON, NOON + HOUR, False),
            (THERAPIST.id, NOON, NOON + HOUR, False),
        ]

    async def test_replaces_what_it_held_also_by_what_overlaps(self, holding: Held, db: Database) -> None:
        holder = await holding(THERAPIST, ROOM)
        await holding(THERAPIST, starts_at=NOON + HOUR / 2, holder_id=holder)

        assert await held(db, holder) == [(THERAPIST.id, NOON + HOUR / 2, NOON + HOUR * 1.5, False)]

    async def test_holds_nothing_of_nothing(self, holding: Held, db: Database) -> None:
        holder = await holding(THERAPIST)
        await holding(holder_id=holder)

        assert await held(db, holder) == []

    @pytest.mark.parametrize(
        ("resource", "code"), [(THERAPIST, "staff_taken"), (ROOM, "room_taken"), (PATIENT, "patient_taken")]
    )
    async def test_refuses_what_is_taken_and_points_at_it(self, holding: Held, resource: Resource, code: str) -> None:
        await holding(resource)
        with pytest.raises(DoubleBooked) as refused:
            await holding(THERAPIST, ROOM, PATIENT, starts_at=NOON + timedelta(minutes=59))

        assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [(resource.pointer, code)]

    async def test_after_a_refusal_nothing_has_changed_and_work_goes_on(self, holding: Held, db: Database) -> None:
        await holding(THERAPIST)
        mine = await holding(THERAPIST, ROOM, starts_at=NOON + HOUR)
        with pytest.raises(DoubleBooked):
            await holding(THERAPIST, holder_id=mine)

        assert len(await held(db, mine)) == 2
        await holding(THERAPIST, holder_id=mine, starts_at=NOON + 2 * HOUR)

    @pytest.mark.parametrize("hours", [-1, 1])
    async def test_one_may_begin_when_another_ends(self, holding: Held, hours: int) -> None:
        await holding(THERAPIST)
        await holding(THERAPIST, starts_at=NOON + hours * HOUR)

    async def test_released_is_free(self, holding: Held, db: Database, clinic_id: UUID) -> None:
        holder = await holding(THERAPIST)
        await release(db, clinic_id, holder)

        await holding(THERAPIST)


class TestBookingTwiceOnPurpose:
    async def test_marks_only_what_is_taken(self, holding: Held, db: Database) -> None:
        await holding(THERAPIST)
        holder = await holding(THERAPIST, ROOM, overridden=True)

        assert [(this, overridden) for this, _, _, overridden in await held(db, holder)] == [
            (ROOM.id, False),
            (THERAPIST.id, True),
        ]

    async def test_leaves_the_rest_held_against_others(self, holding: Held) -> None:
        await holding(THERAPIST)
        await holding(THERAPIST, ROOM, overridden=True)

        with pytest.raises(DoubleBooked):
            await holding(ROOM)

    async def test_what_was_booked_twice_is_taken_too(self, holding: Held, db: Database, clinic_id: UUID) -> None:
        first = await holding(THERAPIST)
        await holding(THERAPIST, overridden=True)
        await release(db, clinic_id, first)

        with pytest.raises(DoubleBooked):
            await holding(THERAPIST)


class TestHoldAll:
    async def test_holds_all_or_nothing(self, db: Database, clinic_id: UUID, holding: Held) -> None:
        await holding(ROOM, starts_at=NOON + 5 * HOUR)
        wanted = [Hold(an_id(), [ROOM], NOON + n * HOUR, NOON + (n + 1) * HOUR) for n in range(7)]
        with pytest.raises(DoubleBooked):
            await hold_all(db, clinic_id, "appointment", wanted)
        assert await held(db, wanted[0].holder_id) == []
        assert await find_taken(db, clinic_id, wanted) == {(wanted[5].holder_id, ROOM.id)}

        await hold_all(db, clinic_id, "appointment", wanted[:5])
        assert len(await held(db, wanted[4].holder_id)) == 1

    async def test_refuses_those_that_overlap_each_other(self, db: Database, clinic_id: UUID) -> None:
        wanted = [Hold(an_id(), [ROOM], NOON + n * HOUR, NOON + (n + 2) * HOUR) for n in range(3)]

        with pytest.raises(DoubleBooked):
            await hold_all(db, clinic_id, "appointment", wanted)


class TestTheDatabase:
    """Whatever the application asks: no two bookings of one thing overlap."""

    @pytest.mark.parametrize("minutes", [-59, 0, 30, 59])
    async def test_refuses_a_second_booking(self, db: Database, clinic_id: UUID, minutes: int) -> None:
        await db.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id)])
        with pytest.raises(IntegrityError, match="ex_bookings_not_twice"):
            await db.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id, NOON + timedelta(minutes=minutes))])

    async def test_refuses_to_move_one_over_another(self, db: Database, clinic_id: UUID) -> None:
        rows = [a_row(clinic_id, ROOM.id), a_row(clinic_id, ROOM.id, NOON + 3 * HOUR)]
        await db.execute(sa.insert(Booking), rows)
        with pytest.raises(IntegrityError, match="ex_bookings_not_twice"):
            await db.execute(sa.update(Booking).where(Booking.holder_id == rows[1]["holder_id"]).values(starts_at=NOON))

    @pytest.mark.parametrize("but", [{"overridden": True}, {"starts_at": NOON + HOUR, "ends_at": NOON + 2 * HOUR}])
    async def test_takes_what_was_meant_or_begins_later(
        self, db: Database, clinic_id: UUID, but: dict[str, Any]
    ) -> None:
        await db.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id), a_row(clinic_id, ROOM.id, **but)])

    async def test_tells_the_rooms_of_two_clinics_apart_that_have_one_id(self, db: Database, clinic_id: UUID) -> None:
        other = await a_clinic(db)
        await db.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id), a_row(other.id, ROOM.id)])

    async def test_becomes_double_booked_when_somebody_wrote_without_queueing(
        self, db: Database, clinic_id: UUID, holding: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await db.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id)])
        looked: list[Sequence[Hold]] = []

        async def blind_at_first(db: Database, clinic_id: UUID, holds: Sequence[Hold]) -> frozenset[Any]:
            looked.append(holds)
            return frozenset() if len(looked) == 1 else await find_taken(db, clinic_id, holds)

        monkeypatch.setattr("app.bookings.service.find_taken", blind_at_first)
        with pytest.raises(DoubleBooked) as refused:
            await holding(ROOM, THERAPIST)

        assert [fault.code for fault in refused.value.errors] == ["room_taken"]
        assert len((await db.scalars(sa.select(Booking))).all()) == 1  # the transaction goes on


class TestRaces:
    async def test_of_many_at_once_one_has_it(self, db: Database, engine: AsyncEngine, clinic_id: UUID) -> None:
        await db.finish()

        async def take(resources: list[Resource]) -> bool:
            try:
                async with unit_of_work(engine, clinic_id) as mine:
                    await hold(mine, clinic_id, "appointment", an_id(), resources, NOON, NOON + HOUR)
            except DoubleBooked:
                return False
            return True

        order = [[ROOM, THERAPIST], [THERAPIST, ROOM]]
        assert sum(await asyncio.gather(*(take(order[n % 2]) for n in range(8)))) == 1

    @pytest.mark.postgresql
    async def test_whoever_writes_without_queueing_is_waited_for(
        self, db: Database, engine: AsyncEngine, clinic_id: UUID
    ) -> None:
        await db.finish()
        async with unit_of_work(engine, clinic_id) as rude:
            await rude.execute(sa.insert(Booking), [a_row(clinic_id, ROOM.id)])

            async def take() -> None:
                async with unit_of_work(engine, clinic_id) as mine:
                    await hold(mine, clinic_id, "appointment", an_id(), [ROOM, THERAPIST], NOON, NOON + HOUR)

            waiting = asyncio.create_task(take())
            await asyncio.sleep(0.1)
            assert not waiting.done()
        with pytest.raises(DoubleBooked) as refused:
            await waiting
        assert [fault.pointer for fault in refused.value.errors] == ["/room_id"]

    @pytest.mark.postgresql
    async def test_what_is_being_booked_twice_on_purpose_is_waited_for_too(
        self, db: Database, engine: AsyncEngine, clinic_id: UUID, holding: Held
    ) -> None:
        """The constraint leaves such rows out; who looks first has to queue."""
        await holding(ROOM)
        await db.finish()
        async with unit_of_work(engine, clinic_id) as first:
            half = NOON + HOUR / 2
            await hold(first, clinic_id, "appointment", an_id(), [ROOM], half, half + HOUR, overridden=True)

            async def take() -> None:
                async with unit_of_work(engine, clinic_id) as mine:
                    await hold(mine, clinic_id, "appointment", an_id(), [ROOM], NOON + HOUR, NOON + 2 * HOUR)

            waiting = asyncio.create_task(take())
            await asyncio.sleep(0.1)
            assert not waiting.done()
        with pytest.raises(DoubleBooked):
            await waiting
