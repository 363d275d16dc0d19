"""Days without use, from the use diary. A day that nobody reported is unknown, neither abstinent nor a use day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.trends.days import LocalDay


@dataclass(frozen=True, slots=True)
class Abstinence:
    """Days without use of the substance in a period, counted two ways, since who stops reporting has often used."""

    abstinent_days: int
    days_with_values: int
    days: int
    percent: float | None
    """Abstinent days of 100 days with a report; None without any."""
    worst_case_percent: float | None
    """The same, with every day without a report counted as a day of use."""


@dataclass(frozen=True, slots=True)
class FirstUse:
    """Days from a dose to the first reported use."""

    days: int
    censored: bool
    """True where no use was reported; `days` then reaches to the last report."""


def abstinence(days: Sequence[LocalDay], period_days: int) -> Abstinence:
    """Count the days without use; a local day on which any report says "used" is a day of use."""
    clean = sum(day.highest <= 0 for day in days)
    return Abstinence(
        abstinent_days=clean,
        days_with_values=len(days),
        days=period_days,
        percent=100 * clean / len(days) if days else None,
        worst_case_percent=100 * clean / period_days if period_days else None,
    )


def first_use_after(dose_day: date, days: Sequence[LocalDay]) -> FirstUse | None:
    """Count local days from a dose to the first use after it; None without a report after that day."""
    later = [day for day in days if day.day > dose_day]
    if not later:
        return None
    used = next((day for day in later if day.highest > 0), None)
    return FirstUse(((used or later[-1]).day - dose_day).days, censored=used is None)
