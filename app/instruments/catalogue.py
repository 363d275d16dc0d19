"""The definitions of `data/instruments.json`: read once, when the first one is needed."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from app.instruments.definitions import (
    AskedIf,
    Band,
    BandSet,
    Change,
    Instrument,
    Item,
    Level,
    LevelSet,
    Loinc,
    Measure,
    SafetyItem,
    Scoring,
    Subscale,
)
from app.instruments.errors import UnknownInstrument, UnknownInstrumentVersion


def definition(key: str, version: str | None = None) -> Instrument:
    """Return the instrument of this key, in this version or the current one.

    Raises `UnknownInstrument` or `UnknownInstrumentVersion`.
    """
    found = find_definition(key, version)
    if found is None:
        raise UnknownInstrument if key not in _catalogue()[1] else UnknownInstrumentVersion
    return found


def find_definition(key: str, version: str | None = None) -> Instrument | None:
    """Look up the same without an error, for a caller that has to say which of many answers was at fault."""
    by_version, current = _catalogue()
    return current.get(key) if version is None else by_version.get((key, version))


def current_definitions() -> tuple[Instrument, ...]:
    """Return every instrument in its current version, in the order of the file, restricted ones last."""
    return tuple(_catalogue()[1].values())


@lru_cache(maxsize=1)
def _catalogue() -> tuple[dict[tuple[str, str], Instrument], dict[str, Instrument]]:
    """Index every definition by key and version, and the current ones by key: the last of a key is current."""
    document = raw_document()
    every = [_instrument(raw, restricted=False) for raw in document["instruments"]]
    every += [_instrument(raw, restricted=True) for raw in document["restricted_structure_only"]]
    return {(found.key, found.version): found for found in every}, {found.key: found for found in every}


def raw_document() -> dict[str, Any]:
    """Read the file as it stands."""
    text = files("app.instruments").joinpath("data/instruments.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def content_hash(raw: Mapping[str, Any]) -> str:
    """SHA-256 of a definition in canonical JSON, less its test vectors, which are no part of what is defined."""
    content = {name: value for name, value in raw.items() if name != "test_vectors"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _instrument(raw: Mapping[str, Any], *, restricted: bool) -> Instrument:
    scoring = _scoring(raw["scoring"])
    items = _items(raw, scoring)
    total = raw["total"] or {}
    return Instrument(
        key=raw["key"],
        version=raw["version"],
        title=raw["title"],
        domain=raw["domain"],
        completed_by=raw["completed_by"],
        substance=raw.get("substance"),
        import_only=raw.get("import_only", False),
        validated=raw.get("validated"),
        restricted=restricted,
        items=items,
        scoring=scoring,
        missing_rule=raw.get("missing_rule"),
        minimum=total.get("minimum"),
        maximum=total.get("maximum"),
        higher_is=raw["higher_is"],
        band_sets=tuple(_band_set(found) for found in raw.get("band_sets", ())),
        cutoffs=raw.get("cutoffs", {}),
        cutoffs_depend_on_sex=raw.get("cutoffs_depend_on_sex", False),
        cutoff_source=raw.get("cutoff_source"),
        change=_change(raw),
        measures=tuple(_measure(found, raw, items, scoring) for found in raw["measures"]),
        safety_items=tuple(_safety_item(found) for found in raw.get("safety_items", ())),
        recall_window_days=raw.get("recall_window_days"),
        recall_note=raw.get("recall_note"),
        min_interval_days=raw.get("min_interval_days"),
        recommended_interval_days=raw.get("recommended_interval_days"),
        interval_note=raw.get("interval_note"),
        loinc=_loinc(raw.get("loinc")),
        answer_codes=raw.get("answer_codes", {}),
        licence=raw["licence"],
        licence_class=raw["licence_class"],
        wording_may_ship=raw["wording_may_ship"],
        wording=raw["wording"],
        source=tuple(raw["source"]),
        note=raw.get("note"),
        warning=raw.get("warning"),
        content_hash=content_hash(raw),
    )


def _scoring(raw: Mapping[str, Any]) -> Scoring:
    levels = raw.get("levels")
    return Scoring(
        method=raw["method"],
        primary=raw.get("primary"),
        factor=raw.get("factor", 1),
        min_answered=raw.get("min_answered"),
        proration_min_answered=raw.get("proration", {}).get("min_answered"),
        subscales=tuple(
            Subscale(name, tuple(found["items"]), found["minimum"], found["maximum"], found["higher_is"])
            for name, found in raw.get("subscales", {}).items()
        ),
        levels=levels
        and LevelSet(
            levels["name"],
            levels["version"],
            levels.get("source"),
            tuple(Level(found["key"], tuple(found["any"])) for found in levels["levels"]),
        ),
    )


def _items(raw: Mapping[str, Any], scoring: Scoring) -> tuple[Item, ...]:
    """Read the items in order; numbered ones of a restricted scale have no words, only their number in the form."""
    asked = [
        *raw.get("items", ()),
        *(
            {"key": f"item_{number}", "label": f"item {number}", "number": number, "values": run["values"]}
            for run in raw.get("numbered_items", ())
            for number in run["numbers"]
        ),
    ]
    subscale_of = {key: subscale.name for subscale in scoring.subscales for key in subscale.items}
    only = subscale_of if scoring.method == "subscale_sum" else {found["key"] for found in asked}
    return (
        *(_item(found, subscale_of.get(found["key"]), scored=found["key"] in only) for found in asked),
        *(_item(found, None, scored=False, optional=True) for found in raw.get("unscored_items", ())),
    )


def _item(raw: Mapping[str, Any], subscale: str | None, *, scored: bool, optional: bool = False) -> Item:
    values = raw["values"]
    is_range = isinstance(values, dict)
    return Item(
        key=raw["key"],
        label=raw["label"],
        minimum=values["min"] if is_range else min(values),
        maximum=values["max"] if is_range else max(values),
        values=None if is_range else tuple(values),
        number=raw.get("number"),
        subscale=subscale,
        reverse_scored=raw.get("reverse_scored", False),
        scored=scored,
        optional=optional,
        asked_if=AskedIf(**raw["asked_if"]) if "asked_if" in raw else None,
        loinc=raw.get("loinc"),
        loinc_verified=raw.get("loinc_verified", False),
        note=raw.get("note"),
    )


def _band_set(raw: Mapping[str, Any]) -> BandSet:
    return BandSet(raw["name"], raw["version"], raw.get("source"), tuple(Band(**found) for found in raw["bands"]))


def _safety_item(raw: Mapping[str, Any]) -> SafetyItem:
    conditions = {name: raw.get(name) for name in SafetyItem.__dataclass_fields__ if name != "rule"}
    return SafetyItem(rule=raw["rule"], **conditions)


def _loinc(raw: Mapping[str, Any] | None) -> Loinc | None:
    return None if raw is None else Loinc(raw["panel"], raw["total"], raw["verified"], raw.get("note"))


def _change(raw: Mapping[str, Any]) -> Change | None:
    found = raw.get("change")
    return None if found is None else Change(**{name: found.get(name) for name in Change.__dataclass_fields__})


def _measure(
    raw: Mapping[str, Any], instrument: Mapping[str, Any], items: tuple[Item, ...], scoring: Scoring
) -> Measure:
    """Take range and direction of a measure from what it is made of, unless the file says otherwise."""
    name = raw.get("name")
    bounds: Item | Subscale | None = None
    if raw["of"] == "item":
        bounds = next(item for item in items if item.key == name)
    elif raw["of"] == "subscale":
        bounds = next(subscale for subscale in scoring.subscales if subscale.name == name)
    whole = raw["of"] == "total" or name == scoring.primary
    cutoffs = instrument.get("cutoffs", {}) if whole else {}
    return Measure(
        key=raw["key"],
        instrument=instrument["key"],
        of=raw["of"],
        name=name,
        title=raw["title"],
        unit=raw["unit"],
        minimum=bounds.minimum if bounds else instrument["total"]["minimum"],
        maximum=bounds.maximum if bounds else instrument["total"]["maximum"],
        higher_is=raw.get("higher_is") or getattr(bounds, "higher_is", None) or instrument["higher_is"],
        per_substance=instrument.get("substance") == "parameter",
        change=_change(instrument) if whole else None,
        remission_below=cutoffs.get("remission_lt"),
        response_pct=cutoffs.get("response_pct_reduction_gte"),
    )
