"""The registry of measures: every number that answers can yield, by its key."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from app.instruments.catalogue import current_definitions, definition
from app.instruments.definitions import Measure


class _Registry(Mapping[str, Measure]):
    """The measures of all current instruments, gathered when first asked for."""

    @cached_property
    def _by_key(self) -> dict[str, Measure]:
        return {measure.key: measure for instrument in current_definitions() for measure in instrument.measures}

    def __getitem__(self, key: str) -> Measure:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)


MEASURES: Final[Mapping[str, Measure]] = _Registry()
"""All measures, such as `MEASURES["craving"]`."""


def measures_of(instrument_key: str) -> tuple[Measure, ...]:
    """Return the measures that the instrument yields; `UnknownInstrument` when there is no such instrument."""
    return definition(instrument_key).measures
