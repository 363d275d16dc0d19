"""Stored readings as they go over the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.dosing import reading_schemas as schemas
from app.dosing.reading_rules import minutes_from_dose

_DISSOCIATION = ("unreal", "detached", "time", "distress")
_ALDRETE = ("activity", "respiration", "circulation", "consciousness", "oxygen")


def present(row: Mapping[str, Any], dose_started_at: datetime | None) -> schemas.Reading:
    """A stored row; its minutes are counted from the dose as it is known now, which may have been corrected."""
    return schemas.Reading.model_validate(_shown(row, dose_started_at))


def present_version(row: Mapping[str, Any], dose_started_at: datetime | None) -> schemas.ReadingEarlierVersion:
    """A stored row of how a reading was before."""
    return schemas.ReadingEarlierVersion.model_validate(_shown(row, dose_started_at))


def _shown(row: Mapping[str, Any], dose_started_at: datetime | None) -> dict[str, Any]:
    return {
        **row,
        "minutes_from_dose": minutes_from_dose(row["at"], dose_started_at),
        "dissociation": _scored(row["dissociation_items"], _DISSOCIATION, row["dissociation"]),
        "aldrete": _scored(row["aldrete_items"], _ALDRETE, row["aldrete"]),
    }


def _scored(items: Mapping[str, int] | None, names: tuple[str, ...], total: int | None) -> dict[str, int | None] | None:
    return None if items is None else {name: items.get(name) for name in names} | {"total": total}
