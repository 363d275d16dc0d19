"""Many who want the same places at the same moment."""

import asyncio
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments.models import Appointment
from app.core.db import Database
from app.core.settings import Settings
from app.groups import work
from app.groups.models import GroupSession
from tests.cast import Cast
from tests.factories import a_patient
from tests.groups.meetings import Clients, Meetings

AT_ONCE = 8
PLACES = 24
PATIENTS = 29
BUSY = 503


@pytest.fixture
async def patients(db: Database, settings: Settings, cast: Cast) -> list[str]:
    return [str((await a_patient(db, settings, cast.clinic)).patient_id) for _ in range(PATIENTS)]


async def join_all(group: Meetings, new_client: Clients, patients: list[str]) -> list[int]:
    """Eight members of staff enrol all of them, each the next who is left."""
    left, answers = iter(patients), list[int]()

    async def enrol(client_group: Meetings) -> None:
        for patient_id in left:
            answer = await client_group.join(patient_id)
            while answer.status_code == BUSY:  # a lock was not had in time; nothing was stored, so they try again
                answer = await client_group.join(patient_id)
            answers.append(answer.status_code)

    clients = [new_client(group.cast.coordinator.token) for _ in range(AT_ONCE)]
    theirs = [Meetings(client, group.cast) for client in clients]
    for each in theirs:
        each.id = group.id
    await asyncio.gather(*(enrol(each) for each in theirs))
    return answers


class TestEnrolment:
    async def test_eight_at_once_fill_every_place_once(
        self, group: Meetings, new_client: Clients, patients: list[str], db: Database
    ) -> None:
        await group.put(capacity=PLACES, rule="FREQ=WEEKLY;COUNT=2")
        assert await join_all(group, new_client, patients) == [201] * PATIENTS
        for meeting in (await group.read())["sessions"]:
            found = await db.execute(
                sa.select(Appointment.status, sa.func.count())
                .where(Appointment.group_session_id == UUID(meeting["id"]))
                .group_by(Appointment.status)
            )
            assert dict(iter(found)) == {"booked": PLACES, "waitlist": PATIENTS - PLACES}
            assert meeting["taken"] == PLACES


class TestFreedPlaces:
    async def test_two_workers_and_those_who_leave_keep_the_count(
        self, group: Meetings, new_client: Clients, patients: list[str], db: Database, engine: AsyncEngine
    ) -> None:
        await group.put(capacity=4, rule="FREQ=WEEKLY;COUNT=2")
        await join_all(group, new_client, patients[:12])
        members = (await group.members())["items"]
        there = [m["patient_id"] for m in members if m["places"][0]["status"] == "booked"]
        await asyncio.gather(
            *(group.leave(patient_id) for patient_id in there[:3]), work.settle(engine), work.settle(engine)
        )
        await work.settle(engine)
        await db.finish()
        db.expunge_all()
        for meeting in await db.scalars(sa.select(GroupSession)):
            booked = await db.scalar(
                sa.select(sa.func.count()).where(
                    Appointment.group_session_id == meeting.id, Appointment.status == "booked"
                )
            )
            assert (meeting.taken, booked) == (4, 4)
        waiting = [m["patient_id"] for m in members if m["places"][0]["status"] == "waitlist"]
        now = {m["patient_id"]: m["places"][0]["status"] for m in (await group.members())["items"]}
        assert [now[patient_id] for patient_id in waiting[:4]] == ["booked"] * 3 + ["waitlist"]
