"""Placing anchors and moments, and linking again whatever a change can reach."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.identity.access import PatientView
from app.timeline.models import TimelineAnchor, TimelineMoment
from app.timeline.rules import Anchor, AnchorKind, Link, LinkingWindows, Moment, affected_span, link

_ANCHOR = (
    TimelineAnchor.id,
    TimelineAnchor.kind,
    TimelineAnchor.scheduled_at,
    TimelineAnchor.ends_at,
    TimelineAnchor.started_at,
    TimelineAnchor.ended_at,
    TimelineAnchor.cancelled,
)
_LINK_COLUMNS = ("dosing_session_id", "appointment_id", "phase", "minutes_from_dose", "how")


async def anchors_of(db: Database, patient: PatientView) -> list[Anchor]:
    """All anchors of a patient."""
    rows = await db.execute(
        sa.select(*_ANCHOR).where(
            TimelineAnchor.clinic_id == patient.clinic_id, TimelineAnchor.patient_id == patient.id
        )
    )
    return [_anchor(row) for row in rows]


def _anchor(row: Any) -> Anchor:  # noqa: ANN401  a row
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
    before = await anchors_of(db, patient)
    old = next((known for known in before if known.id == anchor.id), None)
    if old == anchor:
        return
    values = asdict(anchor) | {"kind": anchor.kind.value, "clinic_id": patient.clinic_id, "patient_id": patient.id}
    if old is None:
        await db.execute(sa.insert(TimelineAnchor).values(values))
    else:
        await db.execute(
            sa.update(TimelineAnchor)
            .where(
                TimelineAnchor.clinic_id == patient.clinic_id,
                TimelineAnchor.patient_id == patient.id,
                TimelineAnchor.id == anchor.id,
            )
            .values(values)
        )
    after = [known for known in before if known.id != anchor.id] + [anchor]
    reached = [
        getattr(TimelineMoment, name) == anchor.id
        for name in (
            "named_dosing_session_id",
            "named_appointment_id",
            "corrected_dosing_session_id",
            "corrected_appointment_id",
        )
    ]
    span = affected_span(old, anchor, windows)
    if span is not None:
        reached.append(sa.and_(TimelineMoment.at >= span[0], TimelineMoment.at < span[1]))
    await _link_again(db, patient, sa.or_(*reached), after, windows)


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
        .values(
            corrected=True, corrected_dosing_session_id=dosing_session_id, corrected_appointment_id=appointment_id
        )
    )
    await _link_again(
        db, patient, TimelineMoment.check_in_id == check_in_id, await anchors_of(db, patient), windows
    )


async def _link_again(
    db: Database, patient: PatientView, which: sa.ColumnElement[bool], anchors: Sequence[Anchor], windows: LinkingWindows
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
                new | {"relinks": row.relinks + 1, "revision": patient.revise(db)},
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
