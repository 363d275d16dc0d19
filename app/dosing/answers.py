"""Lists of sessions as JSON, in the shapes of `schemas.py`: written from rows, since a clinic asks for its day all day.

The tests compare every answer with the schemas.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic_core import to_json

from app.core.fields import instant_text
from app.dosing import rules

_OPEN_MOVES: Final = {stage.value: rules.open_moves(stage) for stage in rules.SessionStage}


def of_clinic(rows: Sequence[Any], next_cursor: str | None) -> bytes:
    """Write a `schemas.DosingSessionPage`."""
    return to_json({"items": [_session(row) for row in rows], "next_cursor": next_cursor})


def of_patient(rows: Sequence[Any], next_cursor: str | None) -> bytes:
    """Write a `schemas.OwnDosingSessionPage`."""
    return to_json({"items": [_own(row) for row in rows], "next_cursor": next_cursor})


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(moment)


def _own(row: Any) -> dict[str, Any]:  # noqa: ANN401  a row
    return {
        "id": row.id,
        "status": row.status,
        "version": row.version,
        "scheduled_at": instant_text(row.scheduled_at),
        "dose_started_at": _at(row.dose_started_at),
        "dose_ended_at": _at(row.dose_ended_at),
        "substance": row.substance,
        "route": row.route,
        "dose_mg": row.dose_mg,
    }


def _session(row: Any) -> dict[str, Any]:  # noqa: ANN401  the same
    return _own(row) | {
        "patient_id": row.patient_id,
        "origin": row.origin,
        "cancellation_reason": row.cancellation_reason,
        "no_show": row.no_show,
        "cleared_at": _at(row.cleared_at),
        "session_clinician_id": row.session_clinician_id,
        "open_moves": _OPEN_MOVES[row.status],
    }
