"""The statements behind several measures at once, two periods, missed check-ins and days of use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from app.check_in_plans.rules import Kept
from app.check_ins.models import CheckIn
from app.core.db import Database
from app.core.sql import Microseconds
from app.identity.access import PatientView
from app.identity.models import PatientDetails
from app.instruments.measures import MEASURES
from app.trends import queries
from app.trends.abstinence import UseDay
from app.trends.days import LocalDay
from app.trends.missed import Prompt
from app.trends.queries import DUE, OBSERVATIONS, Axis, Period, Whose, of_patient

CHECK_INS = CheckIn.__table__.c
DETAILS = PatientDetails.__table__.c
USE_DIARY: Final = "use_diary"
_TEXT = sa.String(40)
_COLUMNS: Final = (
    queries.AXIS | {"number": sa.BigInteger(), "instruments": sa.String()} | queries.DAYS  # a local day stays last
)

_DAYS = queries.days_of(queries.AXIS_AND_DAYS, queries.SERIES)
_PROMPTS = (
    sa.select(Microseconds(DUE.opens_at), DUE.state == Kept.MISSED.value)
    .where(*queries.NOTED, queries.ASKS)
    .order_by(DUE.opens_at, DUE.id)
)
_USE = (
    sa.select(OBSERVATIONS.local_day, OBSERVATIONS.value, CHECK_INS.responses)
    .join_from(
        OBSERVATIONS.check_in_id.table,
        CHECK_INS.id.table,
        sa.and_(
            CHECK_INS.clinic_id == OBSERVATIONS.clinic_id,
            CHECK_INS.patient_id == OBSERVATIONS.patient_id,
            CHECK_INS.id == OBSERVATIONS.check_in_id,
        ),
    )
    .where(
        *queries.SERIES,
        *queries.SPAN,
        queries.IN_DAYS,
    )
    .order_by(OBSERVATIONS.local_day)
)
_SEX = sa.select(DETAILS.sex).where(*of_patient(DETAILS))


@dataclass(frozen=True, slots=True)
class Days:
    """One of several measures: its local days, its values before the first dose, what became of its check-ins."""

    days: list[LocalDay]
    before: list[float]
    asked: Mapping[str, int]


async def days(db: Database, whose: Whose, period: Period) -> list[LocalDay]:
    """Read the local days of a period."""
    rows = await db.ask(_DAYS, whose.parameters | period.parameters)
    return sorted(LocalDay(*row[-5:]) for row in rows)


async def several(
    db: Database, every: Sequence[Whose], period: Period, baseline_length: int
) -> tuple[Axis, list[Days]]:
    """Read several measures of one patient in one trip: the axis, and of each measure what `queries.by_day` reads."""
    parameters = period.parameters | {"baseline_length": baseline_length}
    for number, whose in enumerate(every):
        parameters |= {f"{name}_{number}": value for name, value in whose.parameters.items()}
        parameters |= {name: whose.parameters[name] for name in ("clinic_id", "patient_id")}
    rows = await db.ask(_several(len(every)), parameters)
    asked = [row for row in rows if row.kind == "asked"]
    axis = queries.axis_of([row for row in rows if row.kind != "asked"], period)
    return axis, [
        Days(
            days=sorted(LocalDay(*row[-5:]) for row in rows if row.kind == "day" and row.number == number),
            before=[row.total for row in rows if row.kind == "before" and row.number == number],
            asked=_asked(asked, MEASURES[whose.measure].instrument),
        )
        for number, whose in enumerate(every)
    ]


@lru_cache(maxsize=16)
def _several(count: int) -> sa.CompoundSelect[Any]:
    parts = [*queries.on_axis(_COLUMNS), queries.asked(_COLUMNS, instruments=queries.INSTRUMENTS_ASKED)]
    for number in range(count):
        series = (
            *of_patient(OBSERVATIONS),
            OBSERVATIONS.measure == sa.bindparam(f"measure_{number}"),
            OBSERVATIONS.substance == sa.bindparam(f"substance_{number}"),
        )
        named = {"number": sa.literal_column(str(number), sa.BigInteger())}
        parts += [
            queries.days_of(_COLUMNS, series, **named),
            queries.before_first_dose(_COLUMNS, series, **named),
        ]
    return sa.union_all(*parts)


def _asked(rows: Sequence[Any], instrument: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        if f'"{instrument}"' in row.instruments:
            counts[row.status] = counts.get(row.status, 0) + row.asked
    return counts


async def only_substances(db: Database, patient: PatientView, measures: Sequence[str]) -> dict[str, str | None]:
    """Of each measure the one substance that the patient reports it about, as `queries.only_substance` does."""
    parameters: dict[str, Any] = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
    parameters |= {f"measure_{number}": key for number, key in enumerate(measures)}
    rows = await db.ask(_ends_of_substances(len(measures)), parameters)
    return {measures[number]: None if first != last else first or "" for number, first, last in rows}


@lru_cache(maxsize=16)
def _ends_of_substances(count: int) -> sa.CompoundSelect[Any]:
    parts = []
    for number in range(count):
        measured = (*of_patient(OBSERVATIONS), OBSERVATIONS.measure == sa.bindparam(f"measure_{number}"))
        ends = [
            sa.select(end(OBSERVATIONS.substance)).where(*measured).scalar_subquery()
            for end in (sa.func.min, sa.func.max)
        ]
        parts.append(sa.select(sa.literal_column(str(number), sa.BigInteger()), *ends))
    return sa.union_all(*parts)


async def prompts(db: Database, whose: Whose, period: Period) -> list[Prompt]:
    """Read the due check-ins of a period that asked for the measure and of which it is noted what became of them."""
    rows = await db.ask(_PROMPTS, whose.parameters | period.parameters)
    return [Prompt(opens_at, bool(missed)) for opens_at, missed in rows]


async def use_days(db: Database, whose: Whose, period: Period) -> list[UseDay]:
    """Read the local days with a diary of use, with the most drinks that any of its diaries says."""
    found: dict[date, UseDay] = {}
    rows = await db.ask(_USE, whose.parameters | period.parameters)
    for day, value, responses in rows:
        known = found.get(day, UseDay(day, used=False, drinks=None))
        drinks = _drinks(responses, whose.substance)
        most = max((count for count in (drinks, known.drinks) if count is not None), default=None)
        found[day] = UseDay(day, used=known.used or value > 0, drinks=most)
    return list(found.values())


def _drinks(responses: Sequence[Mapping[str, Any]], substance: str) -> int | None:
    """How many drinks the diary of this substance says."""
    said = (
        each["answers"].get("drinks")
        for each in responses
        if each["instrument"] == USE_DIARY and (each["substance"] or "") == substance
    )
    return next((count for count in said if count is not None), None)


async def sex(db: Database, patient: PatientView) -> str | None:
    """What the record says; None where it says nothing."""
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
    return (await db.read(_SEX, whose)).scalar_one_or_none()
