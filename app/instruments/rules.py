"""Checking and scoring answers. Pure: the same answers to the same definition always come to the same score.

Missing answers stay missing. A sum with a gap has no total, unless the instrument may be prorated and the clinic turned
that on. Sources of every range, band and cut-off stand in the definitions.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import FieldError
from app.instruments.catalogue import current_definitions, definition, find_definition
from app.instruments.definitions import Instrument, Item, LevelSet, Measure, SafetyItem

__all__ = [
    "SafetyFlag",
    "Score",
    "choose_language",
    "current_definitions",
    "definition",
    "find_definition",
    "score",
    "validate_answers",
    "wording_faults",
]

MAX_FAULTS = 20
NAMEABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class SafetyFlag:
    """A safety item of the definition that these answers meet. `item` is null when the total meets it.

    The flag names the alert rule; whether and how urgently somebody is told is decided there.
    """

    rule: str
    item: str | None


@dataclass(frozen=True, slots=True)
class Score:
    """What one set of answers comes to.

    `total` is null when the scale has none or answers are missing. `band` is the key of a band, `band_set` the name
    and version of the set it was taken from. `complete` says whether every answer that the total (or the subscales)
    needs was given; a mean that forgives a few gaps can have a total without being complete. `subscales` names every
    subscale, null where it is incomplete. `measures` holds only values that exist. `answered_n` of `scored_n` items
    that count were answered. `safety_unanswered` names safety items that were left out.
    """

    total: float | None
    band: str | None
    band_set: str | None
    complete: bool
    prorated: bool
    answered_n: int
    scored_n: int
    subscales: dict[str, int | None]
    measures: dict[str, float]
    safety_flags: tuple[SafetyFlag, ...]
    safety_unanswered: tuple[str, ...]


def validate_answers(instrument: Instrument, answers: Mapping[str, Any], *, pointer: str = "") -> list[FieldError]:
    """List what is wrong with these answers; an empty list means that they can be kept and scored.

    A null answer is a missing one. Missing answers are no fault, since incomplete forms are kept without a total, but
    at least one answer is needed. `pointer` is where the answers stand in the request. At most 20 faults are listed.
    """
    if not instrument.answerable:
        return [
            FieldError(pointer, "not_answerable", "Answers to this instrument cannot be taken: it has no item keys.")
        ]
    faults: list[FieldError] = []
    for fault in _faults(instrument, answers, pointer):
        faults.append(fault)
        if len(faults) == MAX_FAULTS:
            return faults
    if not faults and all(answer is None for answer in answers.values()):
        faults.append(FieldError(pointer, "no_answers", "At least one question must be answered."))
    return faults


def score(
    instrument: Instrument, answers: Mapping[str, int | None], *, prorate: bool = False, band_set: str | None = None
) -> Score:
    """Score answers that `validate_answers` found no fault with.

    `prorate` allows a total from incomplete answers where the definition does (PHQ-9: 7 of 9, safety item answered).
    `band_set` chooses another set of bands by its name. Raises `ValueError` for answers that are not permitted and
    `LookupError` for a band set that does not exist.
    """
    fault = next(_faults(instrument, answers, ""), None)
    if fault is not None:
        raise ValueError(f"{instrument.key}: {fault.code}")
    given = {key: answer for key, answer in answers.items() if answer is not None}
    answered_n = sum(item.key in given for item in instrument.scored_items)
    complete = _is_complete(instrument, given)
    total, prorated = _total(instrument, given, prorate=prorate)
    band, bands_used = _band(instrument, given, total, band_set)
    subscales = _subscales(instrument, given)
    return Score(
        total=total,
        band=band,
        band_set=bands_used,
        complete=complete,
        prorated=prorated,
        answered_n=answered_n,
        scored_n=len(instrument.scored_items),
        subscales=subscales,
        measures=_measures(instrument.measures, given, total, subscales),
        safety_flags=tuple(
            SafetyFlag(safety.rule, safety.item) for safety in instrument.safety_items if _meets(safety, given, total)
        ),
        safety_unanswered=tuple(item.key for item in _safety_items(instrument) if _is_missing(item, given)),
    )


def wording_faults(instrument: Instrument, items: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """List what is wrong with a wording `[{"item", "text", "answers": [{"value", "text"}]}]` of this instrument.

    Every item needs words, optional ones may have them, none twice, and only permitted answers can be named.
    """
    if not instrument.answerable:
        return [
            FieldError("/instrument", "not_answerable", "The instrument has no item keys that words could go with.")
        ]
    faults: list[FieldError] = []
    named: set[str] = set()
    for number, words in enumerate(items):
        key, pointer = words["item"], f"/items/{number}/item"
        item = instrument.items_by_key.get(key)
        if item is None:
            faults.append(FieldError(pointer, "unknown_item", "The instrument has no item of this key."))
        elif key in named:
            faults.append(FieldError(pointer, "item_repeated", "This item has words already."))
        else:
            named.add(key)
            faults.extend(_answer_faults(item, [answer["value"] for answer in words["answers"]], f"/items/{number}"))
    missing = [item.key for item in instrument.items if not item.optional and item.key not in named]
    if missing:
        faults.append(FieldError("/items", "items_missing", "Every item needs words.", {"missing": missing}))
    return faults[:MAX_FAULTS]


def choose_language(available: Sequence[str], wanted: str | None, usual: str) -> str | None:
    """Choose among languages: the one wanted, else another kind of it (`de-CH` for `de`).

    When none is wanted, the usual one is, and the first available will do.
    """
    for tag in available:
        if tag.lower() == (wanted or usual).lower():
            return tag
    for tag in available:
        if tag.lower().partition("-")[0] == (wanted or usual).lower().partition("-")[0]:
            return tag
    return available[0] if available and wanted is None else None


def _answer_faults(item: Item, values: list[int], pointer: str) -> Iterator[FieldError]:
    for number, value in enumerate(values):
        where = f"{pointer}/answers/{number}/value"
        if not item.permits(value):
            yield FieldError(where, "value_not_permitted", "Is not among the permitted answers.", _limits(item))
        elif value in values[:number]:
            yield FieldError(where, "value_repeated", "This answer has words already.")


def _faults(instrument: Instrument, answers: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    items = instrument.items_by_key
    for key, answer in answers.items():
        item = items.get(key)
        if item is None:
            where = f"{pointer}/{key}" if NAMEABLE.fullmatch(key) else pointer
            yield FieldError(where, "unknown_item", "The instrument has no item of this key.")
        elif answer is None:
            continue
        elif type(answer) is not int:  # true is an int to Python, and no answer
            yield FieldError(f"{pointer}/{key}", "not_a_whole_number", "Must be a whole number.")
        elif not item.permits(answer):
            yield FieldError(
                f"{pointer}/{key}", "value_not_permitted", "Is not among the permitted answers.", _limits(item)
            )


def _limits(item: Item) -> dict[str, Any]:
    if item.values is None:
        return {"minimum": item.minimum, "maximum": item.maximum}
    return {"permitted": list(item.values)}


def _is_missing(item: Item, given: Mapping[str, int]) -> bool:
    """Whether the item should have been answered and was not. An item that was not to be asked is not missing."""
    if item.key in given:
        return False
    condition = item.asked_if
    return condition is None or given.get(condition.item, condition.equals) == condition.equals


def _is_complete(instrument: Instrument, given: Mapping[str, int]) -> bool:
    primary = instrument.scoring.primary
    if primary is not None:
        return primary in given
    return instrument.answerable and not any(_is_missing(item, given) for item in instrument.scored_items)


def _total(instrument: Instrument, given: Mapping[str, int], *, prorate: bool) -> tuple[float | None, bool]:
    """Return the total and whether it was prorated."""
    scoring = instrument.scoring
    points = [item.points(given[item.key]) for item in instrument.scored_items if item.key in given]
    n = len(instrument.scored_items)
    match scoring.method:
        case "single":
            return given.get(scoring.primary or ""), False
        case "mean":
            return (sum(points) / len(points) if len(points) >= (scoring.min_answered or n) else None), False
        case "sum" | "sum_times" if len(points) == n:
            return scoring.factor * sum(points), False
        case "sum" | "sum_times" if prorate and _may_prorate(instrument, given, len(points)):
            return scoring.factor * _prorated(sum(points), len(points), n), True
        case _:
            return None, False


def _may_prorate(instrument: Instrument, given: Mapping[str, int], answered: int) -> bool:
    needed = instrument.scoring.proration_min_answered
    return needed is not None and answered >= needed and all(item.key in given for item in _safety_items(instrument))


def _prorated(points: int, answered: int, n: int) -> int:
    """Return the mean answer times the number of items, in whole numbers, halves up."""
    return (2 * points * n + answered) // (2 * answered)


def _subscales(instrument: Instrument, given: Mapping[str, int]) -> dict[str, int | None]:
    items = instrument.items_by_key
    return {
        subscale.name: sum(items[key].points(given[key]) for key in subscale.items)
        if all(key in given for key in subscale.items)
        else None
        for subscale in instrument.scoring.subscales
    }


def _band(
    instrument: Instrument, given: Mapping[str, int], total: float | None, name: str | None
) -> tuple[str | None, str | None]:
    """Return the key of the band and the reference of the set it is from."""
    levels = instrument.scoring.levels
    if levels is not None:
        level = _level(levels, instrument.items_by_key, given)
        return level, (levels.reference if level else None)
    bands = instrument.band_set(name)
    if bands is None or total is None:
        return None, None
    band = bands.band(total)
    return (band.key, bands.reference) if band else (None, None)


def _level(levels: LevelSet, items: Mapping[str, Item], given: Mapping[str, int]) -> str | None:
    """Find the most serious level with a yes. A lower one is only said when all that could raise it was answered."""
    for level in levels.levels[:-1]:
        if any(given.get(key) == 1 for key in level.any):
            return level.key
        if any(_is_missing(items[key], given) for key in level.any):
            return None
    return levels.levels[-1].key


def _measures(
    measures: tuple[Measure, ...], given: Mapping[str, int], total: float | None, subscales: Mapping[str, int | None]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure in measures:
        value: float | None = total
        if measure.of == "item":
            value = given.get(measure.name or "")
        elif measure.of == "subscale":
            value = subscales[measure.name or ""]
        if value is not None:
            found[measure.key] = value
    return found


def _safety_items(instrument: Instrument) -> list[Item]:
    return [instrument.items_by_key[safety.item] for safety in instrument.safety_items if safety.item is not None]


def _meets(safety: SafetyItem, given: Mapping[str, int], total: float | None) -> bool:
    if safety.item is not None and safety.gte is not None:
        answer = given.get(safety.item)
        return answer is not None and answer >= safety.gte
    if total is None:
        return False
    if safety.total_gte is not None:
        return total >= safety.total_gte
    return safety.total_lte is not None and total <= safety.total_lte
