"""How much of what was booked was attended: dosing sessions and appointments of a period. Pure.

Only what is over by the day on which it is asked counts, or what was recorded already, so that the figures change with
the record and the day and never by the minute. What the clinic called off was not booked; what nobody has written down
is counted apart, and is neither attended nor missed.
"""

from collections.abc import Sequence
from typing import Any

from app.dosing.rules import SessionStage
from app.integration.rules import Count, count, is_offered, took_part


def sessions(rows: Sequence[Any], *, today_starts: int) -> Count:
    """Count dosing sessions: rows of those that were not cancelled, and of those to which nobody came."""
    outcomes = [_came(row) for row in rows]
    return count([came for row, came in zip(rows, outcomes, strict=True) if came is not None or row.at < today_starts])


def appointments(rows: Sequence[Any], *, until: int, today_starts: int) -> Count:
    """Count the appointments up to an instant that the patient was offered, also those that they called off."""
    outcomes = [
        (row.at, took_part(row.status, row.attendance))
        for row in rows
        if row.at < until and is_offered(row.status, row.attendance)
    ]
    return count([came for at, came in outcomes if came is not None or at < today_starts])


def _came(row: Any) -> bool | None:  # noqa: ANN401  a row
    """Whether the patient came to a session; None where nothing is recorded of it."""
    match row.status:
        case SessionStage.SCHEDULED:
            return None
        case SessionStage.CANCELLED:
            return False
        case _:
            return True
