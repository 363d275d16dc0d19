"""Telling a phone what changed since it last asked."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import to_json

from app.core import clock
from app.core.db import Database
from app.core.etags import composed_tag
from app.core.pagination import CursorExpired
from app.identity.access import PatientAccess, PatientView
from app.identity.changes import Cursor
from app.sync import queries
from app.sync.kinds import BY_NAME, Asked
from app.sync.queries import Changed, Place

MOST: Final = 1000
SHAPE: Final = "1"
"""Part of every entity tag; raised when the same record is told differently."""


def cursor_of(patient: PatientView, text: str | None) -> Cursor | None:
    """Where the phone stopped reading; None at first. Raises `CursorInvalid` and `CursorExpired`.

    Expired is one before which removals are no longer kept, and one from the future: the record was brought back to an
    earlier state, and what the phone has may never have been.
    """
    if text is None:
        return None
    cursor = Cursor.read(text, patient.id)
    forgotten = patient.tombstones_from is not None and cursor.removals_from < patient.tombstones_from
    if forgotten or max(cursor.revision, cursor.began) > patient.revision:
        raise CursorExpired
    return cursor


def tag_of(access: PatientAccess, text: str | None, limit: int) -> str:
    """The entity tag of the answer to this question, as things stand now."""
    patient = access.patient
    return composed_tag("changes", SHAPE, patient.id, text or "", limit, patient.revision)


def nothing_new(cursor: str) -> bytes:
    """The answer that most questions get: nothing changed, go on with the cursor that you have."""
    return b'{"items":[],"next_cursor":"%s","has_more":false}' % cursor.encode()


async def page(db: Database, access: PatientAccess, cursor: Cursor | None, limit: int) -> bytes:
    """What changed since then, as much as fits on one page: a `schemas.ChangePage` as JSON.

    One statement reads things of every kind, one more who takes part in the appointments among them. What changes
    while they run has a later revision than the guard saw, and is told at the next question.
    """
    patient = access.patient
    started = cursor or Cursor(0, patient.revision)
    found = await queries.changed(
        db,
        patient,
        _place(started, first=cursor is None),
        began=started.began,
        upto=patient.revision,
        size=limit + 1,
    )
    more, found = len(found) > limit, found[:limit]
    reached = _stopped(started, found[-1]) if more else started.reached(patient.revision)
    told = [one for one in found if not (one.kind == "check_in" and one.row and one.revision in started.sent)]
    answer = {
        "items": await _items(db, access, told),
        "next_cursor": reached.text(patient.id),
        "has_more": more,
    }
    return to_json(answer)


def _place(cursor: Cursor, *, first: bool) -> Place:
    """From where on to read: in the middle of a revision, or from the one after it."""
    if first or cursor.kind is not None:
        return Place(cursor.revision, cursor.kind, cursor.id)
    return Place(cursor.revision + 1)


def _stopped(cursor: Cursor, last: Changed) -> Cursor:
    """The cursor after a page that does not reach the end."""
    return Cursor(last.revision, cursor.began, last.kind, last.id, cursor.sent)


async def _items(db: Database, access: PatientAccess, found: Sequence[Changed]) -> list[dict[str, Any]]:
    """Each change as it goes over the wire."""
    await _add_participants(db, access, found)
    asked = Asked(clock.now(), access.patient.time_zone)
    return [
        {
            "type": one.kind,
            "id": one.id,
            "version": getattr(one.row, "version", None),
            "deleted": one.row is None,
            "data": None if one.row is None else BY_NAME[one.kind].shown(one.row, asked),
        }
        for one in found
    ]


async def _add_participants(db: Database, access: PatientAccess, found: Sequence[Changed]) -> None:
    rows = [one.row for one in found if one.kind == "appointment" and one.row is not None]
    if rows:
        taking_part = await queries.participants(db, access.clinic.id, [row.id for row in rows])
        for row in rows:
            row.participants = taking_part[row.id]
