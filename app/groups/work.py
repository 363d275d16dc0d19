"""What the worker does for groups: letting members follow their meetings, and booking further ahead.

Places that came free are given to those who wait, in the order in which they joined, one patient after another, each
in a transaction of their own under their own lock. Several workers may do the same; the second finds it done.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments.series_extension import booked_until
from app.core import clock
from app.core.db import EVERY_CLINIC, unit_of_work
from app.core.logging import describe, log
from app.groups import service, settling
from app.groups.models import Group, GroupMember, GroupSession
from app.groups.settling import Member
from app.identity.access import patient_for_writing
from app.identity.models import Clinic
from app.protocols import service as protocols
from app.protocols.rules import Protocol

AT_ONCE: Final = 500
"""Meetings looked at in one round; the next round takes the rest."""


async def settle(engine: AsyncEngine) -> int:
    """Let the members of every meeting that changed follow it; how many meetings were settled.

    One patient who fails is logged and keeps no other from following; their meetings are looked at again.
    """
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        this = GroupSession
        found = await db.execute(
            sa.select(this.clinic_id, this.group_id, this.id, this.unsettled_at)
            .where(this.unsettled_at.is_not(None))
            .order_by(this.unsettled_at)
            .limit(AT_ONCE)
        )
        groups: dict[tuple[UUID, UUID], list[Any]] = {}
        for row in found:
            groups.setdefault((row.clinic_id, row.group_id), []).append(row)
    settled = 0
    for (clinic_id, group_id), rows in groups.items():
        try:
            settled += await _settle_group(engine, clinic_id, group_id, rows)
        except Exception as error:  # noqa: BLE001  whatever it is, other groups must not wait for this one
            log.error("group_not_settled", clinic_id=str(clinic_id), **describe(error))
    return settled


async def extend(engine: AsyncEngine) -> int:
    """Book ahead every group that has no end, as far as its clinic does; how many meetings were added."""
    now, made = clock.now(), 0
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        found = await db.execute(
            sa.select(Group.clinic_id, Group.id, Group.planned_until, Clinic.protocol_version)
            .join(Clinic, Clinic.id == Group.clinic_id)
            .where(Group.planned_until.is_not(None), Group.ended_at.is_(None))
            .order_by(Group.clinic_id, Group.id)
        )
        rows = [
            (row, protocol)
            for row in found.all()
            if row.planned_until < booked_until(now, protocol := await _protocol_of(db, row))
        ]
    for row, protocol in rows:
        try:
            made += await _extend(engine, row.clinic_id, row.id, protocol)
        except Exception as error:  # noqa: BLE001  whatever it is, other groups must not wait for this one
            log.error("group_not_extended", clinic_id=str(row.clinic_id), **describe(error))
    return made


async def _settle_group(engine: AsyncEngine, clinic_id: UUID, group_id: UUID, rows: Sequence[Any]) -> int:
    async with unit_of_work(engine, clinic_id) as db:
        clinic = await db.get_one(Clinic, clinic_id)
        protocol = await protocols.at_version(db, clinic_id, clinic.protocol_version)
        found = await db.scalars(
            sa.select(GroupMember.patient_id)
            .where(GroupMember.clinic_id == clinic_id, GroupMember.group_id == group_id, GroupMember.left_at.is_(None))
            .order_by(GroupMember.joined_at, GroupMember.patient_id)
        )
        patients = found.all()
    for patient_id in patients:
        await _settle_patient(engine, clinic_id, group_id, patient_id, protocol, [row.id for row in rows])
    async with unit_of_work(engine, clinic_id) as db:
        for row in sorted(rows, key=lambda row: row.id):
            this = GroupSession
            await db.execute(  # what came free or was moved meanwhile is looked at in the next round
                sa.update(this)
                .where(this.clinic_id == clinic_id, this.id == row.id, this.unsettled_at == row.unsettled_at)
                .values(unsettled_at=None)
                .execution_options(synchronize_session=False)
            )
    return len(rows)


async def _settle_patient(
    engine: AsyncEngine, clinic_id: UUID, group_id: UUID, patient_id: UUID, protocol: Protocol, ids: Sequence[UUID]
) -> None:
    async with unit_of_work(engine, clinic_id) as db:
        patient = await patient_for_writing(db, clinic_id, patient_id)
        membership = await db.scalar(
            sa.select(GroupMember).where(
                GroupMember.clinic_id == clinic_id,
                GroupMember.group_id == group_id,
                GroupMember.patient_id == patient_id,
                GroupMember.left_at.is_(None),
            )
        )
        if membership is None:  # they left meanwhile, and took everything with them
            return
        group = await db.get_one(Group, (clinic_id, group_id))
        sessions = await db.scalars(
            sa.select(GroupSession).where(GroupSession.clinic_id == clinic_id, GroupSession.id.in_(ids))
        )
        await settling.settle(db, group, sessions.all(), Member(patient, protocol, None, membership))


async def _extend(engine: AsyncEngine, clinic_id: UUID, group_id: UUID, protocol: Protocol) -> int:
    async with unit_of_work(engine, clinic_id) as db:
        group = await db.get_one(Group, (clinic_id, group_id), with_for_update=True)
        if group.ended_at is not None or group.planned_until is None:
            return 0
        if group.planned_until >= booked_until(clock.now(), protocol):  # another worker was faster
            return 0
        return await service.extend(db, protocol, group)


async def _protocol_of(db: Any, row: Any) -> Protocol:  # noqa: ANN401  a row
    return await protocols.at_version(db, row.clinic_id, row.protocol_version)
