"""What is under way, how it ended, and what becomes of it then."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.consents.disclosures import Disclosed
from app.core.db import Database
from app.core.ids import new_id
from app.webhooks import metrics, rules
from app.webhooks.lanes import Lane
from app.webhooks.models import WebhookAttempt
from app.webhooks.rules import Outcome
from app.webhooks.sending import Answer

_chance: Final = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery that was claimed, and what allows it."""

    lane: Lane
    delivery: Any
    disclosed: Disclosed | None
    not_after: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended."""

    sent: Sent
    at: datetime
    answer: Answer


def after(ended: Ended, now: datetime) -> dict[str, Any]:
    """What becomes of a delivery after this attempt."""
    row, answer = ended.sent.delivery, ended.answer
    if answer.outcome is Outcome.DELIVERED:
        return finished(row, "delivered", now, finished_at=now)
    if answer.outcome is Outcome.TOO_LATE:  # it was not tried
        return finished(row, "pending", now, attempts=row.attempts - 1)
    wait = rules.wait(row.attempts, _chance.uniform(-1, 1), answer.retry_after)
    if wait is None or row.kind == "test" or answer.outcome is Outcome.GONE:
        return finished(row, "failed", now, finished_at=now)
    return finished(row, "pending", now + wait)


def finished(
    row: Any,  # noqa: ANN401  a row
    state: str,
    due_at: datetime,
    *,
    attempts: int | None = None,
    finished_at: datetime | None = None,
    refusal: str | None = None,
) -> dict[str, Any]:
    """What is written of a delivery that is in nobody's hands any more (`queries.FINISHED`)."""
    return {
        "id": row.id,
        "state": state,
        "due_at": due_at,
        "attempts": row.attempts if attempts is None else attempts,
        "finished_at": finished_at,
        "refusal": refusal,
    }


def note_attempt(
    db: Database,
    row: Any,  # noqa: ANN401  a row
    number: int,
    at: datetime,
    answer: Answer,
    disclosure_id: UUID | None,
) -> None:
    """Write an attempt down, and count it."""
    metrics.counted(answer.outcome, answer.milliseconds / 1000)
    db.stage(
        WebhookAttempt,
        {
            "id": new_id(),
            "clinic_id": row.clinic_id,
            "delivery_id": row.id,
            "number": number,
            "at": at,
            "milliseconds": answer.milliseconds,
            "outcome": answer.outcome.value,
            "status": answer.status,
            "answer": answer.text,
            "disclosure_id": disclosure_id,
        },
    )


def note_lost(db: Database, rows: Sequence[Any], now: datetime) -> None:
    """Write down that nobody knows how these attempts ended."""
    for row in rows:
        note_attempt(db, row, row.attempts, row.claimed_at or now, Answer(Outcome.LOST, milliseconds=0), None)
