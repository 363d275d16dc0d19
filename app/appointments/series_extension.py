"""Booking further ahead what repeats without an end. The worker calls `extend` each hour; so may several workers.

Each series is done in a transaction of its own, under the lock of its patient, after looking at it once more.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import series
from app.appointments.models import AppointmentSeries
from app.core import clock
from app.core.db import EVERY_CLINIC, unit_of_work
from app.core.logging import describe, log
from app.identity.access import patient_for_writing
from app.identity.models import Clinic
from app.protocols import service as protocols
from app.protocols.rules import Protocol

AT_ONCE: Final = timedelta(days=1)
"""A series is taken up again when so much of the time ahead is not booked yet."""


def booked_until(now: datetime, protocol: Protocol) -> datetime:
    """What is booked less far than this is booked further."""
    return now + timedelta(days=protocol.booking.planned_days) - AT_ONCE


async def extend(engine: AsyncEngine) -> int:
    """Book ahead every series that has no end, as far as its clinic does; how many appointments were made.

    One that fails is logged and keeps no other from going on; it is found again at the next call.
    """
    now, made = clock.now(), 0
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        going_on = (
            sa.select(AppointmentSeries.clinic_id)
            .where(AppointmentSeries.planned_until.is_not(None), AppointmentSeries.ended_at.is_(None))
            .distinct()
        )
        clinics = (await db.scalars(sa.select(Clinic).where(Clinic.id.in_(going_on)).order_by(Clinic.id))).all()
        known = [(clinic.id, await protocols.at_version(db, clinic.id, clinic.protocol_version)) for clinic in clinics]
    for clinic_id, protocol in known:
        async with unit_of_work(engine, clinic_id) as db:
            due = await db.execute(
                sa.select(AppointmentSeries.id, AppointmentSeries.patient_id).where(
                    AppointmentSeries.clinic_id == clinic_id,
                    AppointmentSeries.planned_until < booked_until(now, protocol),
                    AppointmentSeries.ended_at.is_(None),
                )
            )
            rows = due.all()
        for row in rows:
            try:
                made += await _extend(engine, clinic_id, protocol, row.patient_id, row.id)
            except Exception as error:  # noqa: BLE001  whatever it is, the others must not wait for this one
                log.error("series_not_extended", clinic_id=str(clinic_id), **describe(error))
    return made


async def _extend(engine: AsyncEngine, clinic_id: UUID, protocol: Protocol, patient_id: UUID, series_id: UUID) -> int:
    async with unit_of_work(engine, clinic_id) as db:
        patient = await patient_for_writing(db, clinic_id, patient_id)
        found = await db.get(AppointmentSeries, (clinic_id, series_id))
        if found is None or found.ended_at is not None or found.planned_until is None:
            return 0
        if found.planned_until >= booked_until(clock.now(), protocol):  # another worker was faster
            return 0
        return await series.extend(db, series.Who(patient, protocol, None), found)
