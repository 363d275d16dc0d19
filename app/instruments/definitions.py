"""The shape of an instrument's definition: frozen, and the same whether it comes from the file or from a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Direction = Literal["worse", "better", "neutral"]
"""What a higher number means for the patient."""

Method = Literal["sum", "sum_times", "mean", "single", "subscale_sum", "levels", "none"]

WordingKind = Literal["project", "short_labels", "bring_your_own"]
"""Whether the labels are the whole question, our short words for it, or only numbers of licensed items."""


@dataclass(frozen=True, slots=True)
class AskedIf:
    """The item is asked only when another one was answered like this."""

    item: str
    equals: int


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `values` lists what may be answered; without it, every whole number of the range may.

    `scored` items count towards a total, a subscale, a level or a measure; `optional` ones stand beside the scale and
    may always be left out.
    """

    key: str
    label: str
    minimum: int
    maximum: int
    values: tuple[int, ...] | None
    number: int | None
    subscale: str | None
    reverse_scored: bool
    scored: bool
    optional: bool
    asked_if: AskedIf | None
    loinc: str | None
    loinc_verified: bool
    note: str | None

    def permits(self, answer: int) -> bool:
        """Whether this number is an answer to the item."""
        return self.minimum <= answer <= self.maximum if self.values is None else answer in self.values

    def points(self, answer: int) -> int:
        """Return what the answer adds to a sum: itself, or its mirror image when the item is reverse-scored."""
        return self.minimum + self.maximum - answer if self.reverse_scored else answer


@dataclass(frozen=True, slots=True)
class Band:
    """A range of totals, both ends included."""

    key: str
    label: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class BandSet:
    """One way to divide a total into bands. Others may exist, so its name and version go with every score."""

    name: str
    version: str
    source: str | None
    bands: tuple[Band, ...]

    @property
    def reference(self) -> str:
        """Name and version in one, such as `phq9.default/1`."""
        return f"{self.name}/{self.version}"

    def band(self, total: float) -> Band | None:
        """Find the band that a total lies in."""
        return next((band for band in self.bands if band.minimum <= total <= band.maximum), None)


@dataclass(frozen=True, slots=True)
class Subscale:
    """A sum over some of the items, with a direction of its own."""

    name: str
    items: tuple[str, ...]
    minimum: int
    maximum: int
    higher_is: Direction


@dataclass(frozen=True, slots=True)
class Level:
    """A triage level, reached when any of these items is answered yes (1)."""

    key: str
    any: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LevelSet:
    """Levels from the most to the least serious; the last holds when nothing was answered yes."""

    name: str
    version: str
    source: str | None
    levels: tuple[Level, ...]

    @property
    def reference(self) -> str:
        """Name and version in one."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Scoring:
    """How answers become a total.

    `primary` is the item that is the total of a `single` instrument; `factor` multiplies a sum; `min_answered` is how
    many items a mean needs, `proration_min_answered` how many a prorated sum needs (none: never prorated).
    """

    method: Method
    primary: str | None
    factor: int
    min_answered: int | None
    proration_min_answered: int | None
    subscales: tuple[Subscale, ...]
    levels: LevelSet | None


@dataclass(frozen=True, slots=True)
class SafetyItem:
    """Answers or totals that a clinician should hear of, by the name of the alert rule they belong to.

    Exactly one condition is set. `total_above_baseline_gte` needs an earlier total and the minutes since the dose, so
    the alert rules judge it, not the score.
    """

    rule: str
    item: str | None
    gte: int | None
    total_gte: int | None
    total_lte: int | None
    total_above_baseline_gte: int | None
    after_minutes: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """Published figures about change, in the measure's own unit or in percent; null where none was found."""

    mcid_points: float | None
    mcid_source: str | None
    mcid_pct: float | None
    mcid_pct_source: str | None
    reliable_change_points_gte: float | None
    reliable_change_source: str | None
    sem: float | None
    mdc95: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that an instrument yields, and what is needed to draw and judge it.

    `of` says what it is taken from: the total, one item (`name`) or one subscale (`name`). With `per_substance`, values
    of different substances are different series. `remission_below` and `response_pct` are published cut-offs: a value
    under the first is remission, a fall by the second (percent of the baseline) is a response.
    """

    key: str
    instrument: str
    of: Literal["total", "item", "subscale"]
    name: str | None
    title: str
    unit: str
    minimum: int
    maximum: int
    higher_is: Direction
    per_substance: bool
    change: Change | None
    remission_below: float | None
    response_pct: float | None


@dataclass(frozen=True, slots=True)
class Loinc:
    """Codes of the whole instrument; null where none is known, since a near match is worse than none."""

    panel: str | None
    total: str | None
    verified: bool
    note: str | None


@dataclass(frozen=True)
class Instrument:
    """A questionnaire in one version."""

    key: str
    version: str
    title: str
    domain: str
    completed_by: str
    substance: str | None
    import_only: bool
    validated: bool | None
    restricted: bool
    items: tuple[Item, ...]
    scoring: Scoring
    missing_rule: str | None
    minimum: int | None
    maximum: int | None
    higher_is: Direction | None
    band_sets: tuple[BandSet, ...]
    cutoffs: Mapping[str, float]
    cutoffs_depend_on_sex: bool
    cutoff_source: str | None
    change: Change | None
    measures: tuple[Measure, ...]
    safety_items: tuple[SafetyItem, ...]
    recall_window_days: int | None
    recall_note: str | None
    min_interval_days: int | None
    recommended_interval_days: int | None
    interval_note: str | None
    loinc: Loinc | None
    answer_codes: Mapping[str, str]
    licence: str
    licence_class: str
    wording_may_ship: bool
    wording: WordingKind
    source: tuple[str, ...]
    note: str | None
    warning: str | None
    content_hash: str

    @cached_property
    def items_by_key(self) -> dict[str, Item]:
        """The items by their key."""
        return {item.key: item for item in self.items}

    @cached_property
    def scored_items(self) -> tuple[Item, ...]:
        """The items that a total, a subscale, a level or a measure is made of."""
        return tuple(item for item in self.items if item.scored)

    @property
    def answerable(self) -> bool:
        """Whether answers can be taken: the items and their values are known."""
        return bool(self.items)

    @property
    def takes_substance(self) -> bool:
        """Whether an answer should say which substance it is about."""
        return self.substance == "parameter"

    def band_set(self, name: str | None = None) -> BandSet | None:
        """Find the band set of this name, or the default one; `LookupError` for a name that does not exist."""
        if name is None:
            return self.band_sets[0] if self.band_sets else None
        for candidate in self.band_sets:
            if name in {candidate.name, candidate.reference}:
                return candidate
        raise LookupError(f"{self.key} has no band set of that name")
