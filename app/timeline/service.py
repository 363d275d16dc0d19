"""Placing anchors and moments, and linking again whatever a change can reach."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.identity.access import PatientView
from app.timeline.models import TimelineAnchor, TimelineMoment
from app.timeline.rules import Anchor, AnchorKind, Link, LinkingWindows, Moment, affected_span, link

_anchors = TimelineAnchor.__table__.c
ANCHORS = sa.select(
    _anchors.id,
    _anchors.kind,
    _anchors.scheduled_at,
    _anchors.ends_at,
    _anchors.started_at,
    _anchors.ended_at,
    _anchors.cancelled,
).where(_anchors.clinic_id == sa.bindparam("clinic_id"), _anchors.patient_id == sa.bindparam("patient_id"))
_LINK_COLUMNS = ("dosing_session_id", "appointment_id", "phase", "minutes_from_dose", "how")


async def anchors_of(db: Database, patient: PatientView) -> list[Anchor]:
    """All anchors of a patient."""
    rows = await db.read(ANCHORS, {"clinic_id": patient.clinic_id, "patient_id": patient.id})
    return [anchor_of(row) for row in rows]


def anchor_of(row: Any) -> Anchor:  # noqa: ANN401  a row
    """A row of `ANCHORS`."""
    return Anchor(
        id=row.id,
        kind=AnchorKind(row.kind),
        scheduled_at=row.scheduled_at,
        ends_at=row.ends_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cancelled=row.cancelled,
    )


async def place_anchor(db: Database, patient: PatientView, anchor: Anchor, windows: LinkingWindows) -> None:
    """Put an anchor on the timeline, or move it, and link again every moment that this can reach."""
    await place_anchors(db, patient, [anchor], windows)


async def place_anchors(db: Database, patient: PatientView, anchors: Sequence[Anchor], windows: LinkingWindows) -> None:
    """Do the same with many anchors, and link again once: an import brings a whole history."""
    before = {known.id: known for known in await anchors_of(db, patient)}
    changed = [anchor for anchor in anchors if before.get(anchor.id) != anchor]
    new = [_anchor_columns(patient, anchor) for anchor in changed if anchor.id not in before]
    if new:
        await db.execute(sa.insert(TimelineAnchor), new)
    moved = [_anchor_columns(patient, anchor) for anchor in changed if anchor.id in before]
    if moved:
        await db.execute(sa.update(TimelineAnchor), moved)
    if not changed:
        return
    spans = [span for anchor in changed if (span := affected_span(before.get(anchor.id), anchor, windows))]
    after = before | {anchor.id: anchor for anchor in changed}
    await _link_again(db, patient, _reached_by(changed, spans), list(after.values()), windows)


def _anchor_columns(patient: PatientView, anchor: Anchor) -> dict[str, Any]:
    return {
        "clinic_id": patient.clinic_id,
        "patient_id": patient.id,
        "id": anchor.id,
        "kind": anchor.kind.value,
        "scheduled_at": anchor.scheduled_at,
        "ends_at": anchor.ends_at,
        "started_at": anchor.started_at,
        "ended_at": anchor.ended_at,
        "cancelled": anchor.cancelled,
    }


def _reached_by(anchors: Sequence[Anchor], spans: Sequence[tuple[datetime, datetime]]) -> sa.ColumnElement[bool]:
    """Moments that name one of these anchors, were corrected to one, or lie in the time that one reaches."""
    ids = [anchor.id for anchor in anchors]
    reached = [
        getattr(TimelineMoment, name).in_(ids)
        for name in (
            "named_dosing_session_id",
            "named_appointment_id",
            "corrected_dosing_session_id",
            "corrected_appointment_id",
        )
    ]
    if spans:
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        reached.append(sa.and_(TimelineMoment.at >= first, TimelineMoment.at < last))
    return sa.or_(*reached)


async def link_everything_again(db: Database, patient: PatientView, windows: LinkingWindows) -> int:
    """Link all of a patient's moments again, after the clinic's windows changed; how many links are now different."""
    return await _link_again(db, patient, sa.true(), await anchors_of(db, patient), windows)


async def correct_link(
    db: Database,
    patient: PatientView,
    check_in_id: UUID,
    *,
    dosing_session_id: UUID | None,
    appointment_id: UUID | None,
    windows: LinkingWindows,
) -> None:
    """Record what a clinician says a moment belongs to; it outlives every automatic linking."""
    this = _moments_of(patient, TimelineMoment.check_in_id == check_in_id)
    await db.execute(
        sa.update(TimelineMoment)
        .where(*this)
        .values(corrected=True, corrected_dosing_session_id=dosing_session_id, corrected_appointment_id=appointment_id)
    )
    await _link_again(db, patient, TimelineMoment.check_in_id == check_in_id, await anchors_of(db, patient), windows)


async def _link_again(
    db: Database,
    patient: PatientView,
    which: sa.ColumnElement[bool],
    anchors: Sequence[Anchor],
    windows: LinkingWindows,
) -> int:
    rows = (await db.execute(sa.select(TimelineMoment.__table__).where(*_moments_of(patient, which)))).all()
    changed = 0
    for row in rows:
        new = link_columns(link(_moment(row), anchors, windows))
        if any(getattr(row, name) != new[name] for name in _LINK_COLUMNS):
            changed += 1
            db.stage_change(
                TimelineMoment,
                {"clinic_id": patient.clinic_id, "patient_id": patient.id, "check_in_id": row.check_in_id},
                new | {"relinks": row.relinks + 1, "revision": patient.revise(db, ())},
            )
    return changed


def _moments_of(patient: PatientView, which: sa.ColumnElement[bool]) -> tuple[sa.ColumnElement[bool], ...]:
    return TimelineMoment.clinic_id == patient.clinic_id, TimelineMoment.patient_id == patient.id, which


def _moment(row: Any) -> Moment:  # noqa: ANN401  a row
    return Moment(
        at=row.at,
        placeable=row.placeable,
        named_dosing_session_id=row.named_dosing_session_id,
        named_appointment_id=row.named_appointment_id,
        corrected=row.corrected,
        corrected_dosing_session_id=row.corrected_dosing_session_id,
        corrected_appointment_id=row.corrected_appointment_id,
    )


def link_columns(found: Link) -> dict[str, Any]:
    """A link as the columns of a moment."""
    return {
        "dosing_session_id": found.dosing_session_id,
        "appointment_id": found.appointment_id,
        "phase": None if found.phase is None else found.phase.value,
        "minutes_from_dose": found.minutes_from_dose,
        "how": None if found.how is None else found.how.value,
    }
