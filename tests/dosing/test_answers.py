"""Lists of sessions, written by hand, beside the schema that every other answer goes through."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.dosing import answers
from app.dosing.rules import SessionStage
from app.dosing.schemas import DosingSessionPage, OwnDosingSessionPage
from tests.dosing.sessions import NOON
from tests.factories import an_id


def _row(stage: SessionStage, **but: Any) -> SimpleNamespace:
    given = stage not in {SessionStage.SCHEDULED, SessionStage.CANCELLED}
    return SimpleNamespace(
        **{
            "id": an_id(),
            "patient_id": an_id(),
            "status": stage.value,
            "version": 3,
            "scheduled_at": NOON,
            "dose_started_at": NOON + timedelta(microseconds=1999) if given else None,
            "dose_ended_at": NOON + timedelta(minutes=40) if given else None,
            "substance": "ketamine" if given else None,
            "route": "IV" if given else None,
            "dose_mg": 40.0 if given else None,
            "origin": "clinic",
            "cancellation_reason": "café ☕" if stage is SessionStage.CANCELLED else None,
            "no_show": stage is SessionStage.CANCELLED,
            "cleared_at": NOON if given else None,
            "session_clinician_id": an_id() if given else None,
        }
        | but
    )


@pytest.mark.parametrize("cursor", [None, "more"])
def test_are_what_the_schema_would_write(cursor: str | None) -> None:
    rows = [*map(_row, SessionStage), _row(SessionStage.CLOSED, dose_mg=37.5, origin="imported", route=None)]
    page = {"items": rows, "next_cursor": cursor}

    assert answers.of_clinic(rows, cursor).decode() == DosingSessionPage.model_validate(page).model_dump_json()
    assert answers.of_patient(rows, cursor).decode() == OwnDosingSessionPage.model_validate(page).model_dump_json()
