"""Days without use, from the use diary. A day that nobody reported is unknown, neither abstinent nor a use day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from app.trends.days import LocalDay
from app.trends.rules import Rule

ABSTINENCE_RULE: Final = Rule("any_report_of_use_is_a_day_of_use", "1")
FIRST_RULE: Final = Rule("first_report_after_the_day", "1")


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
    rule: Rule = ABSTINENCE_RULE


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
    found = _first_after(dose_day, [(day.day, day.highest > 0) for day in days])
    return None if found is None else FirstUse(found[0], censored=found[1])


# Until the first ------------------------------------------------------------------------------------------------------


class Happening(StrEnum):
    """What is waited for."""

    USE = "use"
    HEAVY_DAY = "heavy_day"


class Origin(StrEnum):
    """The day from which it is counted, itself left out."""

    FIRST_DOSE = "first_dose"
    QUIT_DAY = "quit_day"


@dataclass(frozen=True, slots=True)
class UseDay:
    """What the diaries say of one local day. `drinks`: the most of any report; None where nobody said a number."""

    day: date
    used: bool
    drinks: int | None

    def is_heavy(self, drinks_above: int) -> bool | None:
        """Whether it was a heavy day; None for a day of use of which nobody knows how many drinks it was."""
        if self.drinks is None:
            return None if self.used else False
        return self.drinks > drinks_above


@dataclass(frozen=True, slots=True)
class TimeTo:
    """Local days from a day to the first of something after it."""

    happening: Happening
    origin: Origin
    origin_day: date
    days: int | None
    """None without a report after the day."""
    censored: bool | None
    """True where it was not reported: it took longer than `days`, which reach to the last report."""
    unreported_days: int
    """Days in between of which nobody reported: it may have happened on one of them."""
    rule: Rule = FIRST_RULE


def times_to(
    origins: Collection[tuple[Origin, date]], days: Sequence[UseDay], drinks_above: int | None
) -> list[TimeTo]:
    """Count local days to the first use and, for alcohol, to the first heavy day, from each of these days.

    `days` are all with a report from the earliest origin on, in order. A heavy day has more drinks than `drinks_above`;
    None leaves heavy days out. A day of use of an unknown number of drinks is no report of a heavy day.
    """
    reported = [(day.day, day.used) for day in days]
    happenings = [(Happening.USE, reported)]
    if drinks_above is not None:
        heavy = [(day.day, day.is_heavy(drinks_above)) for day in days]
        happenings.append((Happening.HEAVY_DAY, [(day, was) for day, was in heavy if was is not None]))
    return [_time_to(happening, *origin, found) for origin in origins for happening, found in happenings]


def _time_to(happening: Happening, origin: Origin, day: date, reported: Sequence[tuple[date, bool]]) -> TimeTo:
    found = _first_after(day, reported)
    if found is None:
        return TimeTo(happening, origin, day, None, None, 0)
    length, censored = found
    seen = sum(0 < (each - day).days <= length for each, _ in reported)
    return TimeTo(happening, origin, day, length, censored, length - seen)


def _first_after(day: date, reported: Sequence[tuple[date, bool]]) -> tuple[int, bool] | None:
    """Days to the first on which it happened, or to the last report; whether it did not happen."""
    later = [(each, happened) for each, happened in reported if each > day]
    if not later:
        return None
    first = next((each for each, happened in later if happened), None)
    return ((first or later[-1][0]) - day).days, first is None
