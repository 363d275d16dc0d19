"""The statements behind readings: plain rows, since a tablet sends one every few minutes, all day, in every room."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.dosing.models import DosingSession, DosingSessionStep, Reading, ReadingVersion
from app.dosing.rules import SessionStage

_session, _reading, _version = DosingSession.__table__.c, Reading.__table__.c, ReadingVersion.__table__.c
_CLINIC = sa.bindparam("clinic_id", type_=sa.Uuid())
_SESSION = sa.bindparam("session_id", type_=sa.Uuid())
_OF_SESSION = (_reading.clinic_id == _CLINIC, _reading.session_id == _SESSION)
GONE: Final = frozenset({SessionStage.DISCHARGED, SessionStage.TRANSFERRED})
"""The patient is not here any more, and the record is not closed yet."""

_COURSE = (
    sa.select(
        _session.status,
        _session.version.label("session_version"),
        _session.dose_started_at,
        _session.session_clinician_id,
        _reading.id,
        _reading.at,
        _reading.systolic,
        _reading.diastolic,
        _reading.dissociation,
    )
    .select_from(
        sa.outerjoin(
            DosingSession.__table__,
            Reading.__table__,
            sa.and_(_reading.clinic_id == _session.clinic_id, _reading.session_id == _session.id),
        )
    )
    .where(_session.clinic_id == _CLINIC, _session.id == _SESSION)
)
_STORED = sa.select(Reading.__table__).where(*_OF_SESSION)
_THESE = _STORED.where(_reading.id.in_(sa.bindparam("ids", expanding=True)))
_EARLIER = sa.select(_version.reading_id, _version.fingerprint).where(
    _version.clinic_id == _CLINIC,
    _version.session_id == _SESSION,
    _version.reading_id.in_(sa.bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Here:
    """The session as readings need it, and as much of the earlier ones as others are judged by."""

    status: SessionStage
    version: int
    dose_started_at: datetime | None
    session_clinician_id: UUID | None
    readings: tuple[Any, ...]


async def here(db: Database, clinic_id: UUID, session_id: UUID) -> Here:
    """Read a session, which the guard found to be there, with its readings in one statement."""
    rows = (await db.read(_COURSE, {"clinic_id": clinic_id, "session_id": session_id})).all()
    first = rows[0]
    return Here(
        SessionStage(first.status),
        first.session_version,
        first.dose_started_at,
        first.session_clinician_id,
        tuple(row for row in rows if row.id is not None),
    )


async def stored(
    db: Database, clinic_id: UUID, session_id: UUID, ids: Sequence[UUID] | None = None
) -> list[dict[str, Any]]:
    """Whole readings of a session, all of them or these, in the order in which they were taken."""
    arguments: dict[str, Any] = {"clinic_id": clinic_id, "session_id": session_id}
    if ids is not None:
        arguments["ids"] = list(ids)
    rows = await db.read(_STORED if ids is None else _THESE, arguments)
    found = [dict(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name has an underscore
    return sorted(found, key=lambda row: (row["at"], row["id"]))


async def earlier_fingerprints(
    db: Database, clinic_id: UUID, session_id: UUID, ids: Sequence[UUID]
) -> set[tuple[UUID, bytes]]:
    """What these readings said before they were corrected, so that a late copy of it is recognised."""
    rows = await db.read(_EARLIER, {"clinic_id": clinic_id, "session_id": session_id, "ids": list(ids)})
    return {(row.reading_id, bytes(row.fingerprint)) for row in rows}


async def gone_at(db: Database, clinic_id: UUID, session_id: UUID) -> datetime | None:
    """When the patient went home or was transferred; None while they are here."""
    return await db.scalar(
        sa.select(sa.func.max(DosingSessionStep.at)).where(
            DosingSessionStep.clinic_id == clinic_id,
            DosingSessionStep.session_id == session_id,
            DosingSessionStep.to_status.in_([stage.value for stage in GONE]),
            DosingSessionStep.from_status.not_in([stage.value for stage in GONE]),
        )
    )


async def versions(db: Database, clinic_id: UUID, session_id: UUID, reading_id: UUID) -> list[dict[str, Any]]:
    """What a reading said before its corrections, the newest first."""
    rows = await db.read(
        sa.select(ReadingVersion.__table__)
        .where(_version.clinic_id == clinic_id, _version.session_id == session_id, _version.reading_id == reading_id)
        .order_by(_version.version.desc())
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name has an underscore
