"""No statement on a clinic's things runs without saying which clinic, in whatever shape it is written."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased

from app.clinics import service as clinics
from app.core import clock
from app.core.clinic_wall import WrongClinicError
from app.core.db import EVERY_CLINIC, Database, new_session
from app.core.ids import new_id
from app.identity.models import CareTeamMember, Patient
from tests.factories import a_clinic

Shape = Callable[[Database, UUID], Awaitable[Any]]
Other = aliased(Patient)


async def _get(db: Database, patient_id: UUID) -> Any:
    return await db.get(Patient, patient_id)


def _scalars(build: Callable[[UUID], sa.Select[Any]]) -> Shape:
    async def run(db: Database, patient_id: UUID) -> Any:
        return (await db.scalars(build(patient_id))).first()

    return run


async def _update(db: Database, patient_id: UUID) -> Any:
    changed = await db.execute(sa.update(Patient).where(Patient.id == patient_id).values(version=9))
    return changed.rowcount or None  # type: ignore[attr-defined]  # a cursor's result


async def _delete(db: Database, patient_id: UUID) -> Any:
    gone = await db.execute(sa.delete(CareTeamMember).where(CareTeamMember.patient_id == patient_id))
    return gone.rowcount or None  # type: ignore[attr-defined]  # a cursor's result


SHAPES: dict[str, Shape] = {
    "get": _get,
    "entity": _scalars(lambda patient: sa.select(Patient).where(Patient.id == patient)),
    "columns": _scalars(lambda patient: sa.select(Patient.status).where(Patient.id == patient)),
    "aliased": _scalars(lambda patient: sa.select(Other).where(Other.id == patient)),
    "count": _scalars(
        lambda patient: sa.select(sa.func.nullif(sa.func.count(Patient.id), 0)).where(Patient.id == patient)
    ),
    "subquery": _scalars(lambda patient: sa.select(sa.select(Patient.id).where(Patient.id == patient).subquery().c.id)),
    "CTE": _scalars(lambda patient: sa.select(sa.select(Patient.id).where(Patient.id == patient).cte().c.id)),
    "EXISTS": _scalars(
        lambda patient: sa.select(sa.literal(1)).where(sa.select(Patient.id).where(Patient.id == patient).exists())
    ),
    "IN": _scalars(
        lambda patient: sa.select(Other.id).where(Other.id.in_(sa.select(Patient.id).where(Patient.id == patient)))
    ),
    "join": _scalars(
        lambda patient: (
            sa.select(Patient.id)
            .join(CareTeamMember, CareTeamMember.patient_id == Patient.id)
            .where(Patient.id == patient)
        )
    ),
    "union": _scalars(
        lambda patient: sa.select(
            sa.union_all(
                sa.select(Patient.id).where(Patient.id == patient), sa.select(Other.id).where(Other.id == patient)
            )
            .subquery()
            .c.id
        )
    ),
    "bulk update": _update,
    "bulk delete": _delete,
}


@pytest.fixture
async def two_clinics(db: Database) -> tuple[UUID, UUID, UUID]:
    """A clinic, another one, and a patient of the first with somebody who looks after them."""
    from app.core.settings import Settings
    from app.credentials import service as credentials
    from app.identity import service as identity
    from app.identity.permissions import Role

    ours, theirs = await a_clinic(db), await a_clinic(db, name="Hillside")
    patient = await clinics.enrol(db, ours.id, display_name="Sam R.", time_zone="Europe/Berlin")
    settings = Settings(password_hash_memory_kib=8, password_hash_rounds=1)
    account = await credentials.add_account(db, settings, "nurse@example.org", "never-signed-in-with")
    nurse = await identity.add_membership(db, account, clinic_id=ours.id, role=Role.NURSE, display_name="N")
    db.add(
        CareTeamMember(
            id=new_id(),
            clinic_id=ours.id,
            patient_id=patient.id,
            membership_id=nurse.id,
            kind="member",
            responsible=False,
            since=clock.now(),
        )
    )
    await db.finish()
    return ours.id, theirs.id, patient.id


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
class TestStatements:
    async def test_find_what_is_the_clinics(
        self, shape: Shape, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        ours, _, patient_id = two_clinics
        async with new_session(engine, ours) as db:
            assert await shape(db, patient_id) is not None

    async def test_find_nothing_of_another_clinic(
        self, shape: Shape, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        _, theirs, patient_id = two_clinics
        async with new_session(engine, theirs) as db:
            assert await shape(db, patient_id) is None

    async def test_fail_without_a_clinic(
        self, shape: Shape, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        async with new_session(engine) as db:
            with pytest.raises(WrongClinicError):
                await shape(db, two_clinics[2])


class TestWriting:
    async def test_refuses_a_thing_of_another_clinic(
        self, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        ours, theirs, _ = two_clinics
        async with new_session(engine, theirs) as db:
            with pytest.raises(WrongClinicError):
                await clinics.enrol(db, ours, display_name="Kim L.", time_zone="Europe/Berlin")

    async def test_refuses_to_move_a_thing_to_another_clinic(
        self, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        ours, theirs, patient_id = two_clinics
        async with new_session(engine, ours) as db:
            patient = await db.get_one(Patient, patient_id)
            patient.clinic_id = theirs
            with pytest.raises(WrongClinicError):
                await db.flush()


class TestEntering:
    async def test_later_in_a_transaction_counts_from_then_on(
        self, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine
    ) -> None:
        ours, theirs, patient_id = two_clinics
        async with new_session(engine, theirs) as db:
            assert await db.get(Patient, patient_id) is None
            await db.enter(ours)
            assert await db.get(Patient, patient_id) is not None

    async def test_every_clinic_cannot_be_entered(self, engine: AsyncEngine) -> None:
        """Commands say it when they begin; nothing that a request can name leads there."""
        async with new_session(engine) as db:
            with pytest.raises(WrongClinicError):
                await db.enter(EVERY_CLINIC)

    async def test_ends_with_the_transaction(self, two_clinics: tuple[UUID, UUID, UUID], engine: AsyncEngine) -> None:
        """The next transaction on the same connection has to say anew what it is for."""
        ours, _, patient_id = two_clinics
        async with new_session(engine, ours) as db:
            assert await db.get(Patient, patient_id) is not None
            await db.finish()
        async with new_session(engine) as db:
            with pytest.raises(WrongClinicError):
                await db.get(Patient, patient_id)
