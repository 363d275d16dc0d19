"""What is answered to a report, as JSON in the shape of `schemas.CheckIn`.

Written by hand where the check-in was made just now: a model of it, checked and copied, takes as long as scoring and
linking it. What was read from the database goes through the schema, which knows what earlier releases left out. The
tests compare the two.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from app.check_ins import service
from app.check_ins.reports import Outcome, Result, Shown
from app.core.errors import ProblemDocument
from app.core.fields import instant_text
from app.safety.schemas import SafetyNotice


def check_in(found: Result) -> dict[str, Any] | None:
    """The check-in as it stands now, where there is one, with what the patient is shown after sending it."""
    if found.check_in is None:
        return None
    if found.outcome in {Outcome.CREATED, Outcome.CORRECTED}:
        return _made(found.check_in, found.shown)
    return service.present(found.check_in, found.shown).model_dump(mode="json")


def _made(row: Mapping[str, Any], shown: Shown) -> dict[str, Any]:
    notice = shown.safety_notice
    return {
        "id": row["id"],
        "version": row["version"],
        "recorded_at": instant_text(row["recorded_at"]),
        "time_zone": row["time_zone"],
        "received_at": instant_text(row["received_at"]),
        "clock_suspect": row["clock_suspect"],
        "late": row["late"],
        "origin": row["origin"],
        "due_check_in_id": row["due_check_in_id"],
        "dosing_session_id": row["named_dosing_session_id"],
        "appointment_id": row["named_appointment_id"],
        "responses": row["responses"],
        "note": row["note"],
        "scores": [
            score if score["total"] is None else score | {"total": float(score["total"])} for score in row["scores"]
        ],
        "link": {
            "dosing_session_id": row["dosing_session_id"],
            "appointment_id": row["appointment_id"],
            "phase": row["phase"],
            "minutes_from_dose": row["minutes_from_dose"],
            "how": row["how"],
        },
        "alerts": [
            {"id": alert.id, "text": alert.text, "raised_at": instant_text(alert.raised_at)} for alert in shown.alerts
        ],
        "safety_notice": None if notice is None else SafetyNotice.model_validate(notice).model_dump(mode="json"),
    }


def result(check_in_id: Any, found: Result) -> dict[str, Any]:  # noqa: ANN401  an id, where it could be read
    """What became of one item of a batch, in the shape of `schemas.CheckInBatchResult`."""
    return {
        "id": check_in_id,
        "outcome": found.outcome.value,
        "check_in": check_in(found),
        "problem": None
        if found.problem is None
        else ProblemDocument.model_validate(found.problem.body()).model_dump(mode="json"),
    }


body = to_json
"""The JSON of one of these."""
