"""What is decided about a reading before it is stored: whether it can be true, when it was, and what is flagged.

Pure: no clock, no database. A flag is a mark on a chart, made when somebody has typed a number, minutes late. It
never replaces the monitor at the bedside.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from app.core.errors import FieldError
from app.dosing.rules import OLDEST_ENTRY
from app.instruments import catalogue
from app.instruments.rules import score
from app.protocols.rules import Protocol as ClinicProtocol
from app.protocols.session_figures import Limits, Readings

PLAUSIBLE: Final[Mapping[str, tuple[int, int]]] = {
    "systolic": (50, 250),
    "diastolic": (10, 200),
    "heart_rate": (10, 250),
    "spo2": (50, 100),
    "respiratory_rate": (4, 60),
    "temperature": (30, 43),
    "moaas": (0, 5),
}
"""What a living person can have, both ends included; anything else is a slip of the hand, and refused.

Pressure as in RADAR-base's blood pressure form (50-250 mm[Hg]); the others are ours. These are no limits of a clinic:
what is looked at, and what is an alert, are figures of its protocol.
"""

CONFIRMED_BELOW: Final[Mapping[str, int]] = {"spo2": 70}
"""Possible, but mostly a probe that slipped: taken only when whoever recorded it says that it is true."""

VITALS: Final = ("systolic", "diastolic", "heart_rate", "spo2", "respiratory_rate", "temperature")
VALUES: Final = (*VITALS, "moaas")
DISSOCIATION: Final = ("dissociation_brief", "1")
ALDRETE: Final = ("aldrete_modified", "1")
FINGERPRINT_BYTES: Final = 16
A_MINUTE: Final = timedelta(minutes=1)

Level = Literal["amber", "red"]
Because = Literal["below", "above", "rise"]


def answered(items: Mapping[str, int | None] | None) -> dict[str, int] | None:
    """The answers that were given; None where there are none: what is missing is never a zero."""
    return {key: value for key, value in (items or {}).items() if value is not None} or None


def total(instrument: tuple[str, str], items: Mapping[str, int] | None) -> int | None:
    """What the answers come to, by the instrument's own scoring; None while one is missing."""
    if items is None:
        return None
    found = score(catalogue.definition(*instrument), items).total
    return None if found is None else int(found)


def fingerprint(sent: Mapping[str, Any]) -> bytes:
    """The same for two readings that say the same, however their JSON was written. What is null was left out."""
    said = {name: sent[name] for name in VALUES if sent[name] is not None} | {
        "at": sent["taken_at"].isoformat(),
        "dissociation": answered(sent["dissociation"]),
        "aldrete": answered(sent["aldrete"]),
        "confirmed": sorted(set(sent["confirmed"])),
        "note": sent["note"],
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=FINGERPRINT_BYTES).digest()


def faults(sent: Mapping[str, Any]) -> Iterable[FieldError]:
    """What is wrong with a reading, as a tablet sent it, whose numbers are each plausible."""
    systolic, diastolic = sent["systolic"], sent["diastolic"]
    if (systolic is None) != (diastolic is None):
        missing = "/systolic" if systolic is None else "/diastolic"
        yield FieldError(missing, "both_or_none", "Blood pressure is two numbers.")
    elif systolic is not None and diastolic >= systolic:
        yield FieldError("/diastolic", "not_below_systolic", "The lower pressure is below the upper one.")
    for name, below in CONFIRMED_BELOW.items():
        if sent[name] is not None and sent[name] < below and name not in sent["confirmed"]:
            yield FieldError(f"/{name}", "needs_confirmation", "Name it in `confirmed` if it is true.", {"ge": below})
    said = [answered(sent["dissociation"]), answered(sent["aldrete"]), *(sent[name] for name in VALUES)]
    if all(one is None for one in said):
        yield FieldError("", "no_values", "A reading says at least one thing.")


@dataclass(frozen=True, slots=True)
class When:
    """When a reading was taken by our clock, and what is to be said of it."""

    at: datetime
    clock_suspect: bool
    received_late: bool


def placed(
    taken_at: datetime, *, device_time: datetime | None, received_at: datetime, protocol: ClinicProtocol
) -> When:
    """Put the time of a tablet right by ours.

    `device_time` is what the tablet's clock said when it sent. Off by more than the clinic's tolerance, it moves the
    reading by as much. What would still lie ahead of us was taken by the time it came at the latest.
    """
    tolerance = timedelta(minutes=protocol.linking.clock_tolerance_minutes)
    skew = timedelta() if device_time is None else received_at - device_time
    at = taken_at + skew if abs(skew) > tolerance else taken_at
    if at > received_at + tolerance:
        at = received_at
    late = received_at - at > timedelta(minutes=protocol.readings.received_late_minutes)
    return When(at, at != taken_at, late)


def time_faults(when: When, received_at: datetime) -> Iterable[FieldError]:
    """What is wrong with when it was."""
    if when.at < received_at - OLDEST_ENTRY:
        yield FieldError("/taken_at", "too_long_ago", "Older history comes in by import.")


def minutes_from_dose(at: datetime, dose_started_at: datetime | None) -> int | None:
    """Count whole minutes from the begin of the dose, rounded down; None while there is none."""
    return None if dose_started_at is None else (at - dose_started_at) // A_MINUTE


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was measured last before the dose; None where nothing was."""

    systolic: int | None = None
    diastolic: int | None = None
    dissociation: int | None = None


NO_BASELINE: Final = Baseline()


def flags(values: Mapping[str, Any], baseline: Baseline, protocol: ClinicProtocol) -> list[dict[str, Any]]:
    """What is to be looked at (amber) or looked at at once (red), each with the figure it was held against.

    One flag for each value, the graver one; a rise over the pressure before the dose is amber where nothing else is.
    """
    figures, found = protocol.readings, []
    for name in VITALS:
        value = values[name]
        if value is None:
            continue
        flag = _beyond(name, value, getattr(figures, name)) or _rise(name, value, baseline, figures)
        if flag is not None:
            found.append(flag)
    found += _scored(values, protocol)
    return found


def _beyond(name: str, value: float, limits: Limits) -> dict[str, Any] | None:
    levels: tuple[tuple[Level, float | None, float | None], ...] = (
        ("red", limits.red_below, limits.red_above),
        ("amber", limits.amber_below, limits.amber_above),
    )
    for level, below, above in levels:
        if below is not None and value < below:
            return _flag(name, level, "below", below)
        if above is not None and value > above:
            return _flag(name, level, "above", above)
    return None


def _rise(name: str, value: float, baseline: Baseline, figures: Readings) -> dict[str, Any] | None:
    if name not in {"systolic", "diastolic"}:
        return None
    before = getattr(baseline, name)
    rise = getattr(figures, f"{name}_rise")
    return _flag(name, "amber", "rise", rise) if before is not None and value - before >= rise else None


def _scored(values: Mapping[str, Any], protocol: ClinicProtocol) -> Iterable[dict[str, Any]]:
    moaas, distress, safety = values["moaas"], distress_of(values["dissociation_items"]), protocol.safety
    if moaas is not None and moaas <= safety.sed2_up_to:
        yield _flag("moaas", "red", "below", safety.sed2_up_to + 1)
    elif moaas is not None and moaas <= safety.sed1_up_to:
        yield _flag("moaas", "amber", "below", safety.sed1_up_to + 1)
    if distress is not None and distress >= safety.dis2_from:
        yield _flag("distress", "amber", "above", safety.dis2_from - 1)


def distress_of(items: Mapping[str, int] | None) -> int | None:
    """The answer about distress, where it was given."""
    return None if items is None else items.get("distress")


def _flag(name: str, level: Level, because: Because, limit: float) -> dict[str, Any]:
    return {"name": name, "level": level, "because": because, "limit": limit}
