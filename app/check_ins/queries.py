"""The statements of the hot path and of the lists."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_ins.models import CheckIn, CheckInVersion
from app.core.db import Database
from app.identity.access import PatientView
from app.timeline import service as timeline
from app.timeline.models import TimelineMoment
from app.timeline.rules import Anchor

_check_in, _moment = CheckIn.__table__.c, TimelineMoment.__table__.c
_MOMENT = (
    _moment.named_dosing_session_id,
    _moment.named_appointment_id,
    _moment.dosing_session_id,
    _moment.appointment_id,
    _moment.phase,
    _moment.minutes_from_dose,
    _moment.how,
    _moment.relinks,
)

_WITH_MOMENT = sa.select(CheckIn.__table__, *_MOMENT).join_from(
    CheckIn.__table__,
    TimelineMoment.__table__,
    sa.and_(
        _moment.clinic_id == _check_in.clinic_id,
        _moment.patient_id == _check_in.patient_id,
        _moment.check_in_id == _check_in.id,
    ),
)

_OF_PATIENT = (
    _check_in.clinic_id == sa.bindparam("clinic_id"),
    _check_in.patient_id == sa.bindparam("patient_id"),
)

_BY_ID = _WITH_MOMENT.where(*_OF_PATIENT, _check_in.id.in_(sa.bindparam("ids", expanding=True)))
_ONE = _WITH_MOMENT.where(*_OF_PATIENT, _check_in.id == sa.bindparam("id"))


# The kinds of anchors and this one share a column, so that one statement says all that most reports need.
_A_CHECK_IN = "check_in"
_KNOWN_AND_ANCHORS = timeline.ANCHORS.union_all(
    sa.select(
        _check_in.id, sa.literal(_A_CHECK_IN), _check_in.recorded_at, sa.null(), sa.null(), sa.null(), sa.false()
    ).where(*_OF_PATIENT, _check_in.id.in_(sa.bindparam("ids", expanding=True)))
)


async def known_and_anchors(
    db: Database, patient: PatientView, ids: Sequence[UUID]
) -> tuple[dict[UUID, dict[str, Any]], list[Anchor]]:
    """Those of these check-ins that exist, and all anchors of the patient."""
    arguments = {"clinic_id": patient.clinic_id, "patient_id": patient.id, "ids": list(ids)}
    rows = (await db.read(_KNOWN_AND_ANCHORS, arguments)).all()
    here = [row.id for row in rows if row.kind == _A_CHECK_IN]
    anchors = [timeline.anchor_of(row) for row in rows if row.kind != _A_CHECK_IN]
    return (await stored(db, patient, here) if here else {}), anchors


async def stored(db: Database, patient: PatientView, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Those of these check-ins that exist, with their links."""
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
    if len(ids) == 1:
        found = await db.read(_ONE, whose | {"id": ids[0]})
    else:
        found = await db.read(_BY_ID, whose | {"ids": list(ids)})
    return {row.id: dict(row._mapping) for row in found}  # noqa: SLF001  SQLAlchemy's public name has an underscore


async def page(
    db: Database, patient: PatientView, *conditions: sa.ColumnElement[bool], limit: int
) -> list[dict[str, Any]]:
    """Check-ins of a patient that meet the conditions, the newest first."""
    rows = await db.read(
        _WITH_MOMENT.where(CheckIn.clinic_id == patient.clinic_id, CheckIn.patient_id == patient.id, *conditions)
        .order_by(CheckIn.recorded_at.desc(), CheckIn.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name has an underscore


async def earlier_fingerprints(db: Database, patient: PatientView, ids: Sequence[UUID]) -> set[tuple[UUID, bytes]]:
    """What these check-ins said before they were corrected, so that a late copy of it is recognised."""
    rows = await db.execute(
        sa.select(CheckInVersion.check_in_id, CheckInVersion.fingerprint).where(
            CheckInVersion.clinic_id == patient.clinic_id,
            CheckInVersion.patient_id == patient.id,
            CheckInVersion.check_in_id.in_(ids),
        )
    )
    return {(row.check_in_id, bytes(row.fingerprint)) for row in rows}
