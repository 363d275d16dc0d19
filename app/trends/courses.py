"""What only some measures are asked for, in statements of its own: days to the first use, and recovery."""

from datetime import date, timedelta
from typing import Final

from app.care_plans import service as care_plans
from app.core.db import Database
from app.identity.access import PatientAccess
from app.instruments.measures import MEASURES
from app.protocols.rules import Trends
from app.trends import abstinence, comparison_queries, days, queries, rules
from app.trends.abstinence import Origin, TimeTo
from app.trends.asked import Asked
from app.trends.buckets import bounds, instant
from app.trends.criteria import CASENESS, CaseScore, Recovery, recovery_of
from app.trends.queries import Period, Whose
from app.trends.rules import DAY

ALCOHOL: Final = "alcohol"


async def times_to(
    db: Database, access: PatientAccess, whose: Whose, asked: Asked, first_dose: int | None
) -> list[TimeTo]:
    """Count the days to the first use and to the first heavy day, from the first dose and from the quit day.

    Both are followed to the end of the period from their own day on, also where the period begins later.
    """
    origins: list[tuple[Origin, date]] = []
    if first_dose is not None:
        origins.append((Origin.FIRST_DOSE, instant(first_dose).astimezone(asked.zone).date()))
    quit_day = await care_plans.quit_day(db, access.patient, whose.substance)
    if quit_day is not None:
        origins.append((Origin.QUIT_DAY, quit_day))
    origins = [each for each in origins if each[1] <= asked.last_day]
    if not origins:
        return []
    since = min(day for _, day in origins)
    period = Period(since, asked.last_day, *bounds(since, asked.last_day, asked.zone), timedelta())
    reported = await comparison_queries.use_days(db, whose, period)
    drinks_above = await _heavy_above(db, access) if whose.substance == ALCOHOL else None
    return abstinence.times_to(origins, reported, drinks_above)


async def _heavy_above(db: Database, access: PatientAccess) -> int:
    """A heavy day has more drinks than this. Where the sex is not known, the lower figure holds, as in USE-2."""
    figures = access.protocol.safety
    is_male = await comparison_queries.sex(db, access.patient) == "male"
    return figures.use2_drinks_above_men if is_male else figures.use2_drinks_above_women


async def recovery(
    db: Database, whose: Whose, period: Period, asked: Asked, protocol: Trends, this: CaseScore
) -> Recovery:
    """Judge recovery by this measure and the other one, read from the same period."""
    other = next(key for key in CASENESS if key != this.measure.key)
    axis, local_days, before = await queries.by_day(
        db, Whose(whose.patient, other), period, protocol.baseline_days * DAY
    )
    window = None if axis.first_dose is None else rules.first_dose_window(axis.first_dose, protocol)
    baseline = rules.first_dose_baseline(window, before, protocol)
    dose_day = None if axis.first_dose is None else instant(axis.first_dose).astimezone(asked.zone).date()
    latest = days.latest_after(dose_day, local_days, protocol.latest_days)
    scores = {this.measure.key: this, other: CaseScore(MEASURES[other], baseline.value, latest.mean)}
    return recovery_of([scores[key] for key in CASENESS])
