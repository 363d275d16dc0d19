"""Lists of sessions: plain rows by statements that are built once, since a clinic looks at its day all day long."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.columns import Instant
from app.core.db import Database
from app.core.fields import EARLIEST, LATEST
from app.core.pagination import PageRequest, make_cursor
from app.dosing.models import DosingSession
from app.identity import queries as identity
from app.identity.access import ClinicAccess, PatientAccess
from app.identity.permissions import Reach

_session = DosingSession.__table__.c
_CLINIC = sa.bindparam("clinic_id", type_=sa.Uuid())
_CALLER = sa.bindparam("membership_id", type_=sa.Uuid())
_NOW = sa.bindparam("now", type_=Instant())


async def of_clinic(
    db: Database, access: ClinicAccess, since: datetime, until: datetime, page: PageRequest
) -> tuple[Sequence[Any], str | None]:
    """Read a page of the sessions of a span of time, of the patients whom the caller may know of; its next cursor."""
    filters = ("dosing-sessions", access.caller.membership_id, since, until)
    known = {"clinic_id": access.clinic.id, "since": since, "until": until}
    if access.reach is not Reach.CLINIC:
        known |= {"membership_id": access.caller.membership_id, "now": clock.now()}
    statement = _of_clinic(access.reach, continued=page.cursor is not None)
    return await _page(db, statement, known, page, filters)


async def of_patient(
    db: Database, access: PatientAccess, since: datetime | None, until: datetime | None, page: PageRequest
) -> tuple[Sequence[Any], str | None]:
    """Read a page of one patient's sessions, in a span of time that may be open at either end; its next cursor."""
    filters = ("my-dosing-sessions", access.patient.id, since, until)
    whose = {"clinic_id": access.clinic.id, "patient_id": access.patient.id}
    known = whose | {"since": since or EARLIEST, "until": until or LATEST}
    return await _page(db, _of_patient(continued=page.cursor is not None), known, page, filters)


async def _page(
    db: Database, statement: sa.Select[Any], known: Mapping[str, Any], page: PageRequest, filters: tuple[object, ...]
) -> tuple[Sequence[Any], str | None]:
    after = page.after(*filters)
    place = {} if after is None else {"after_at": after[0], "after_id": after[1]}
    rows = await db.ask(statement, {**known, **place, "size": page.limit + 1})
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.scheduled_at, last.id], *filters)


@lru_cache
def _of_clinic(reach: Reach, *, continued: bool) -> sa.Select[Any]:
    visible = identity.visible_patients(_CLINIC, None if reach is Reach.CLINIC else _CALLER, _NOW)
    return _in_order(_session.patient_id.in_(visible), continued=continued)


@lru_cache
def _of_patient(*, continued: bool) -> sa.Select[Any]:
    return _in_order(_session.patient_id == sa.bindparam("patient_id"), continued=continued)


def _in_order(whose: sa.ColumnElement[bool], *, continued: bool) -> sa.Select[Any]:
    """Select a span of time in the order of the planned begin; `continued` after a place in it."""
    at, this = _session.scheduled_at, _session.id
    where = [_session.clinic_id == _CLINIC, whose, at >= sa.bindparam("since"), at < sa.bindparam("until")]
    if continued:
        after_at, after_id = sa.bindparam("after_at", type_=Instant()), sa.bindparam("after_id", type_=sa.Uuid())
        where += [at >= after_at, sa.or_(at > after_at, this > after_id)]
    size = sa.bindparam("size", type_=sa.Integer())
    return sa.select(DosingSession.__table__).where(*where).order_by(at, this).limit(size)
