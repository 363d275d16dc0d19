"""What is unusual about a dose, and per kilogram of what weight: pure functions. They warn; none says what to give."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from app.core.errors import FieldError, InvalidRequest
from app.dosing.rules import DoseRoute
from app.protocols.session_figures import Dosing, PerKilogram

A_MINUTE: Final = timedelta(minutes=1)
DECIMALS: Final = 6
"""A dose per kilogram is held against its range with so many, so that 8.1 mg for 81 kg are 0.1 mg/kg and not less."""


class DoseWarning(StrEnum):
    """What has to be confirmed with a reason.

    `mg_per_kg_outside`: the dose per kilogram is outside of the clinic's range for this route. `mg_per_kg_unknown`: it
    cannot be held against that range. `spray_mg_unusual`: none of the clinic's doses of the spray.
    `infusion_short`, `infusion_long`: the time of an infusion, pauses left out. `other_than_cleared`: another substance
    or route than the one that was cleared. `outside_clearance`: by this correction the dose began outside of the
    clearance.
    """

    MG_PER_KG_OUTSIDE = "mg_per_kg_outside"
    MG_PER_KG_UNKNOWN = "mg_per_kg_unknown"
    SPRAY_MG_UNUSUAL = "spray_mg_unusual"
    INFUSION_SHORT = "infusion_short"
    INFUSION_LONG = "infusion_long"
    OTHER_THAN_CLEARED = "other_than_cleared"
    OUTSIDE_CLEARANCE = "outside_clearance"


AFTER_THE_FACT: Final = frozenset({DoseWarning.INFUSION_SHORT, DoseWarning.INFUSION_LONG})
"""What is only known when it is over; whoever gave the dose confirms it. All others are a prescriber's."""


class NoDosePerKilogram(StrEnum):
    """Why a dose has no figure per kilogram."""

    NO_WEIGHT = "no_weight"
    WEIGHT_TOO_OLD = "weight_too_old"


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning with the numbers that it looked at."""

    code: DoseWarning
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Weight:
    """A body weight in kg, and the day on which it was taken."""

    kg: float
    on: date


def mg_per_kg(
    dose_mg: float, weight: Weight | None, given_on: date, figures: Dosing
) -> tuple[float | None, NoDosePerKilogram | None]:
    """The dose per kilogram, in mg/kg, or why there is none. A weight of a later day than the dose is none."""
    if weight is None or weight.on > given_on:
        return None, NoDosePerKilogram.NO_WEIGHT
    if (given_on - weight.on).days > figures.weight_max_age_days:
        return None, NoDosePerKilogram.WEIGHT_TOO_OLD
    return round(dose_mg / weight.kg, DECIMALS), None


def dose_warnings(
    route: DoseRoute, dose_mg: float, per_kg: tuple[float | None, NoDosePerKilogram | None], figures: Dosing
) -> list[Warned]:
    """What is unusual about an amount. Both ends of a range are in it."""
    value, why_none = per_kg
    if route is DoseRoute.IN_ESKETAMINE:
        usual = list(figures.spray_mg)
        return [] if dose_mg in usual else [_warned(DoseWarning.SPRAY_MG_UNUSUAL, dose_mg=dose_mg, usual_mg=usual)]
    span = _range(route, figures)
    if span is None:
        return []
    said = {"low": span.low, "high": span.high, "route": route.value}
    if value is None:
        return [_warned(DoseWarning.MG_PER_KG_UNKNOWN, why=str(why_none), **said)]
    if not span.low <= value <= span.high:
        return [_warned(DoseWarning.MG_PER_KG_OUTSIDE, mg_per_kg=value, **said)]
    return []


def plan_warnings(given: tuple[str, str], planned: tuple[str | None, str | None]) -> list[Warned]:
    """Whether something else is given than what was cleared: substance and route."""
    if given == planned:
        return []
    inputs = {"substance": given[0], "route": given[1], "planned_substance": planned[0], "planned_route": planned[1]}
    return [_warned(DoseWarning.OTHER_THAN_CLEARED, **inputs)]


def clearance_warnings(
    started_at: datetime, cleared_at: datetime | None, figures: Dosing, tolerance: timedelta
) -> list[Warned]:
    """Whether a dose, as corrected, began outside of its clearance."""
    if cleared_at is not None:
        until = cleared_at + timedelta(minutes=figures.clearance_minutes)
        if cleared_at - tolerance <= started_at <= until:
            return []
    return [_warned(DoseWarning.OUTSIDE_CLEARANCE, clearance_minutes=figures.clearance_minutes)]


@dataclass(frozen=True, slots=True)
class Pause:
    """An infusion stood still; until its end, if it did not go on."""

    paused_at: datetime
    resumed_at: datetime | None


def infusion_minutes(started_at: datetime, ended_at: datetime, pauses: Iterable[Pause]) -> float:
    """Minutes in which an infusion ran."""
    still = timedelta()
    for each in pauses:
        begun, over = max(each.paused_at, started_at), min(each.resumed_at or ended_at, ended_at)
        still += max(over - begun, timedelta())
    return (ended_at - started_at - still) / A_MINUTE


def infusion_warnings(
    route: DoseRoute, started_at: datetime, ended_at: datetime, pauses: Iterable[Pause], figures: Dosing
) -> list[Warned]:
    """Whether an infusion into a vein was shorter or longer than usual. Nothing about other routes."""
    if route is not DoseRoute.IV:
        return []
    minutes = infusion_minutes(started_at, ended_at, pauses)
    if minutes < figures.infusion_min_minutes:
        return [_warned(DoseWarning.INFUSION_SHORT, minutes=minutes, at_least=figures.infusion_min_minutes)]
    if minutes > figures.infusion_max_minutes:
        return [_warned(DoseWarning.INFUSION_LONG, minutes=minutes, at_most=figures.infusion_max_minutes)]
    return []


def unconfirmed(warnings: Sequence[Warned], confirmations: Mapping[str, str]) -> list[Warned]:
    """The warnings that nobody gave a reason for."""
    return [each for each in warnings if each.code not in confirmations]


def check_pause(
    paused_at: datetime, started_at: datetime, pauses: Iterable[Pause], *, now: datetime, tolerance: timedelta
) -> None:
    """Refuse a pause that cannot be true; raises `InvalidRequest` with a pointer. None of the pauses is open."""
    earliest = max([started_at, *(each.resumed_at or each.paused_at for each in pauses)])
    if paused_at > now + tolerance:
        fault = FieldError("/paused_at", "in_the_future", "A pause is recorded when it begins, not before.")
    elif paused_at < earliest:
        fault = FieldError("/paused_at", "before_it_ran", "The infusion did not run then.")
    else:
        return
    raise InvalidRequest(errors=[fault])


def check_resumption(resumed_at: datetime, paused_at: datetime, *, now: datetime, tolerance: timedelta) -> None:
    """Refuse an end of a pause that cannot be true; raises `InvalidRequest` with a pointer."""
    if resumed_at > now + tolerance:
        fault = FieldError("/resumed_at", "in_the_future", "It is recorded when it goes on, not before.")
    elif resumed_at < paused_at:
        fault = FieldError("/resumed_at", "before_the_pause", "It cannot go on before it stood still.")
    else:
        return
    raise InvalidRequest(errors=[fault])


def _range(route: DoseRoute, figures: Dosing) -> PerKilogram | None:
    return {DoseRoute.IV: figures.iv_mg_per_kg, DoseRoute.IM: figures.im_mg_per_kg}.get(route)


def _warned(code: DoseWarning, **inputs: Any) -> Warned:  # noqa: ANN401  JSON values
    return Warned(code, inputs)
