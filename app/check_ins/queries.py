"""The statements of the hot path and of the lists."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_ins.danger_signs import Known, Seen, Wanted
from app.check_ins.models import CheckIn, CheckInVersion, Observation
from app.core.columns import EPOCH
from app.core.db import Database
from app.core.hot import Among, Hot, Ids
from app.identity.access import PatientView
from app.timeline import service as timeline
from app.timeline.models import TimelineMoment
from app.timeline.rules import Anchor

_check_in, _moment, _seen = CheckIn.__table__.c, TimelineMoment.__table__.c, Observation.__table__.c
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

_THESE = Among(_check_in.id, sa.bindparam("ids", type_=Ids()))
_BY_ID = Hot(_WITH_MOMENT.where(*_OF_PATIENT, _THESE))
_ONE = Hot(_WITH_MOMENT.where(*_OF_PATIENT, _check_in.id == sa.bindparam("id")))


# Anchors, what is here already and what was seen before share their columns, so that one statement says all that a
# report needs: kinds of anchors, these two, and the columns that only observations have at the end.
_A_CHECK_IN, _SEEN = "check_in", "seen"
_ONLY_SEEN = (_seen.measure, _seen.substance, _seen.local_day, _seen.value)
_NOT_SEEN = tuple(sa.cast(sa.null(), column.type).label(column.name) for column in _ONLY_SEEN)
_ANCHORS = timeline.ANCHORS.add_columns(*_NOT_SEEN)
_KNOWN = sa.select(
    _check_in.id,
    sa.literal(_A_CHECK_IN),
    _check_in.recorded_at,
    sa.null(),
    sa.null(),
    sa.null(),
    sa.false(),
    *_NOT_SEEN,
).where(*_OF_PATIENT, _THESE)


def _series(number: int, wanted: Wanted) -> sa.Select[Any]:
    """The earlier numbers of one series."""
    conditions: list[sa.ColumnElement[bool]] = [
        _seen.clinic_id == sa.bindparam("clinic_id"),
        _seen.patient_id == sa.bindparam("patient_id"),
        _seen.measure == sa.bindparam(f"measure_{number}", type_=_seen.measure.type),
        _seen.recorded_at < sa.bindparam("until", type_=_seen.recorded_at.type),
    ]
    if wanted.substance is not None:
        conditions.append(_seen.substance == sa.bindparam(f"substance_{number}", type_=_seen.substance.type))
    if wanted.since is not None:
        conditions.append(_seen.recorded_at >= sa.bindparam(f"since_{number}", type_=_seen.recorded_at.type))
    return sa.select(
        _seen.check_in_id,
        sa.literal(_SEEN),
        _seen.recorded_at,
        sa.null(),
        sa.null(),
        sa.null(),
        sa.false(),
        *_ONLY_SEEN,
    ).where(*conditions)


@lru_cache(maxsize=256)
def _known_anchors_and_seen(shape: tuple[tuple[bool, bool], ...]) -> Hot:
    """The statement for so many series, each of one substance or of any, since a moment or from the start."""
    parts = [
        _series(number, Wanted("", "" if of_one else None, EPOCH if since else None))
        for number, (of_one, since) in enumerate(shape)
    ]
    return Hot(sa.union_all(_ANCHORS, _KNOWN, *parts))


async def known_anchors_and_seen(
    db: Database, patient: PatientView, ids: Sequence[UUID], wanted: Sequence[Wanted], until: datetime
) -> tuple[dict[UUID, dict[str, Any]], list[Anchor], Seen]:
    """Those of these check-ins that exist, all anchors of the patient, and the numbers wanted of before a moment."""
    arguments: dict[str, Any] = {"clinic_id": patient.clinic_id, "patient_id": patient.id, "ids": list(ids)}
    if wanted:
        arguments["until"] = until
    for number, each in enumerate(wanted):
        arguments[f"measure_{number}"] = each.measure
        if each.substance is not None:
            arguments[f"substance_{number}"] = each.substance
        if each.since is not None:
            arguments[f"since_{number}"] = each.since
    shape = tuple((each.substance is not None, each.since is not None) for each in wanted)
    here: list[UUID] = []
    anchors: list[Anchor] = []
    seen: dict[tuple[str, str], list[Known]] = {}
    for row in await db.read(_known_anchors_and_seen(shape), arguments):
        check_in_id, kind, at, *_, measure, substance, day, value = row
        if kind == _SEEN:  # a hundred of them where somebody tells often: nothing is called for each that need not be
            series = seen.get((measure, substance))
            if series is None:
                series = seen[measure, substance] = []
            series.append((at, check_in_id, day, value))
        elif kind == _A_CHECK_IN:
            here.append(check_in_id)
        else:
            anchors.append(timeline.anchor_of(row))
    return (await stored(db, patient, here) if here else {}), anchors, seen


async def stored(db: Database, patient: PatientView, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Those of these check-ins that exist, with their links."""
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
    if len(ids) == 1:
        found = await db.read(_ONE, whose | {"id": ids[0]})
    else:
        found = await db.read(_BY_ID, whose | {"ids": list(ids)})
    return {row.id: row._asdict() for row in found}


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
