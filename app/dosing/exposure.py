"""How much a patient was given so far, derived from the sessions each time that somebody asks. Stored nowhere.

Every dose that began counts, also one that was stopped or ended in a transfer. History from elsewhere counts for the
totals; the intervals between doses (FREQ-1) are ours alone, since imported times may be invented.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.dosing.models import DosingSession
from app.dosing.rules import SessionOrigin, Substance
from app.identity.access import PatientView

A_DAY: Final = timedelta(days=1)
AN_HOUR: Final = timedelta(hours=1)
A_WEEK: Final = timedelta(days=7)
FOUR_WEEKS: Final = timedelta(days=28)
COUNTED: Final = frozenset({Substance.KETAMINE.value, Substance.ESKETAMINE.value, None})
"""What makes an exposure to ketamine. A dose of history whose substance is not known counts, to be careful."""


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose that began."""

    started_at: datetime
    substance: str | None
    dose_mg: float | None
    imported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a patient was given up to a moment."""

    sessions_7d: int
    sessions_28d: int
    sessions_total: int
    cumulative_mg: Mapping[str, float]
    """By substance, in mg; a dose whose amount is not known adds nothing."""
    unknown_mg: int
    """How many of the doses say no amount."""
    mean_interval_days: float | None
    """Between the begins of consecutive doses; None with fewer than two."""
    weeks_on_course: float | None
    """Since the first dose; None without one."""
    first_dose_at: datetime | None
    last_dose_at: datetime | None
    hours_since: float | None


def exposure(doses: Iterable[Dose], at: datetime) -> Exposure:
    """Derive the exposure up to `at`; later doses are left out, and a window includes neither more nor less."""
    given = sorted((each for each in doses if each.started_at <= at), key=lambda each: each.started_at)
    milligrams: dict[str, float] = defaultdict(float)
    for each in given:
        if each.substance is not None and each.dose_mg is not None:
            milligrams[each.substance] += each.dose_mg
    first, last = (given[0].started_at, given[-1].started_at) if given else (None, None)
    intervals = len(given) - 1
    return Exposure(
        sessions_7d=_within(given, at, A_WEEK),
        sessions_28d=_within(given, at, FOUR_WEEKS),
        sessions_total=len(given),
        cumulative_mg=dict(sorted(milligrams.items())),
        unknown_mg=sum(each.dose_mg is None for each in given),
        mean_interval_days=None
        if first is None or last is None or not intervals
        else (last - first) / A_DAY / intervals,
        weeks_on_course=None if first is None else (at - first) / A_WEEK,
        first_dose_at=first,
        last_dose_at=last,
        hours_since=None if last is None else (at - last) / AN_HOUR,
    )


def given_here(doses: Iterable[Dose]) -> list[Dose]:
    """The doses to which rules about intervals apply."""
    return [each for each in doses if not each.imported]


def _within(given: Sequence[Dose], at: datetime, span: timedelta) -> int:
    return sum(each.started_at > at - span for each in given)


async def doses_of(db: Database, patient: PatientView, *, but: UUID | None = None) -> list[Dose]:
    """Every dose of ketamine or esketamine that the patient was given, except in the session `but`."""
    rows = await db.execute(
        sa.select(
            DosingSession.id,
            DosingSession.dose_started_at,
            DosingSession.substance,
            DosingSession.dose_mg,
            DosingSession.origin,
        )
        .where(
            DosingSession.clinic_id == patient.clinic_id,
            DosingSession.patient_id == patient.id,
            DosingSession.dose_started_at.is_not(None),
        )
        .order_by(DosingSession.dose_started_at)
    )
    return [
        Dose(row.dose_started_at, row.substance, row.dose_mg, row.origin == SessionOrigin.IMPORTED.value)
        for row in rows
        if row.id != but and row.substance in COUNTED
    ]


async def of_patient(db: Database, patient: PatientView, at: datetime) -> Exposure:
    """Derive a patient's exposure up to a moment."""
    return exposure(await doses_of(db, patient), at)
