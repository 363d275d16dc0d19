"""Reading several measures at once, two periods side by side, doses by what was given, and what was missed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.db import Database
from app.identity.access import PatientAccess
from app.trends import comparison_queries, comparisons, missed, queries, service, smoothing
from app.trends.asked import Asked
from app.trends.buckets import by_week, microseconds
from app.trends.comparisons import DoseGroup, PeriodChange, PeriodFigures
from app.trends.missed import Missed
from app.trends.queries import Whose
from app.trends.rules import DAY, HOUR, Scale
from app.trends.service import AlignedReading, Found, Reading
from app.trends.smoothing import Method


@dataclass(frozen=True, slots=True)
class PeriodsReading:
    """Two periods of one measure."""

    asked: Asked
    substance: str | None
    protocol_version: int
    first: PeriodFigures
    second: PeriodFigures
    change: PeriodChange


@dataclass(frozen=True, slots=True)
class DosesReading:
    """The doses of a period, one by one and by what was given."""

    aligned: AlignedReading
    groups: Sequence[DoseGroup]


@dataclass(frozen=True, slots=True)
class MissedReading:
    """What was missed after worse values and after others."""

    asked: Asked
    substance: str | None
    protocol_version: int
    missed: Missed


async def several(
    db: Database, access: PatientAccess, every: Sequence[Asked], bucket: str, smooth: Method | None
) -> list[Reading]:
    """Read several measures of one period: two statements at most. Raises `SubstanceRequired`."""
    unsettled = [asked.measure.key for asked in every if asked.measure.per_substance and asked.substance is None]
    only = await comparison_queries.only_substances(db, access.patient, unsettled) if unsettled else {}
    series = []
    for asked in every:
        whose = Whose(access.patient, asked.measure.key, asked.substance or "")
        if asked.measure.key in only:
            substance = only[asked.measure.key]
            whose = (
                await service.several_substances(db, whose)
                if substance is None
                else replace(whose, substance=substance)
            )
        series.append(whose)
    protocol = access.protocol.trends
    axis, found = await comparison_queries.several(
        db, series, service.period_of(access, every[0]), protocol.baseline_days * DAY
    )
    readings = []
    for asked, whose, of_measure in zip(every, series, found, strict=True):
        shown = by_week(of_measure.days) if bucket == "week" else of_measure.days
        read = Found(shown, of_measure.days, of_measure.before, of_measure.asked)
        reading = service.judged(access, asked, "week" if bucket == "week" else "day", whose.substance, axis, read)
        if smooth is not None:
            gap = service.shortest_gap(asked, protocol)
            reading = replace(reading, smoothed=smoothing.smooth(of_measure.days, smooth, gap, protocol))
        readings.append(reading)
    return readings


async def periods(db: Database, access: PatientAccess, first: Asked, second: Asked) -> PeriodsReading:
    """Read one measure in two periods. Raises `SubstanceRequired`."""
    whose = await service.whose_is(db, access, first)
    one, other = [
        comparisons.figures_of(
            asked.first_day,
            asked.last_day,
            asked.days_begun,
            await comparison_queries.days(db, whose, service.period_of(access, asked)),
        )
        for asked in (first, second)
    ]
    return PeriodsReading(
        asked=first,
        substance=whose.substance or None,
        protocol_version=access.clinic.protocol_version,
        first=one,
        second=other,
        change=comparisons.compare(one, other, first.measure, access.protocol.trends),
    )


async def doses(db: Database, access: PatientAccess, asked: Asked) -> DosesReading:
    """Read what followed the doses of a period. Raises `SubstanceRequired`."""
    aligned = await service.dose_aligned(db, access, asked)
    return DosesReading(aligned, comparisons.groups_of(aligned.doses, aligned.curves, access.protocol.trends))


async def missed_after(db: Database, access: PatientAccess, asked: Asked) -> MissedReading:
    """Read which check-ins of a period were missed, and what was reported before them. Raises `SubstanceRequired`."""
    whose = await service.whose_is(db, access, asked)
    protocol, (start, end) = access.protocol.trends, map(microseconds, asked.span)
    prompts = await comparison_queries.prompts(db, whose, service.period_of(access, asked))
    rows = await queries.values(db, whose, start - protocol.missed_after_hours * HOUR, end)
    found = missed.missed_after(
        prompts,
        [at for at, _ in rows],
        [value for _, value in rows],
        own=[value for at, value in rows if at >= start],
        scale=Scale.of(asked.measure),
        protocol=protocol,
    )
    return MissedReading(asked, whose.substance or None, access.clinic.protocol_version, found)
