"""Answers for the tests of instruments."""

from typing import Any

from hypothesis import strategies as st

from app.instruments.catalogue import current_definitions, raw_document
from app.instruments.definitions import Instrument, Item

ANSWERABLE = [instrument for instrument in current_definitions() if instrument.answerable]
SUMMED = [instrument for instrument in ANSWERABLE if instrument.scoring.method in {"sum", "sum_times"}]
INSTRUMENTS = st.sampled_from(ANSWERABLE)


def values_of(item: Item) -> list[int]:
    return list(item.values) if item.values is not None else list(range(item.minimum, item.maximum + 1))


def answer_to(item: Item) -> st.SearchStrategy[int]:
    return st.sampled_from(values_of(item))


def full_answers(instrument: Instrument) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries({item.key: answer_to(item) for item in instrument.items})


@st.composite
def complete(draw: st.DrawFn) -> tuple[Instrument, dict[str, int]]:
    instrument = draw(INSTRUMENTS)
    return instrument, draw(full_answers(instrument))


@st.composite
def partial(draw: st.DrawFn) -> tuple[Instrument, dict[str, int | None]]:
    """Some answers given, some null, some left out."""
    instrument = draw(INSTRUMENTS)
    answers = draw(
        st.fixed_dictionaries({}, optional={item.key: st.none() | answer_to(item) for item in instrument.items})
    )
    return instrument, answers


def vectors() -> list[tuple[str, str, int, dict[str, Any]]]:
    """Every test vector of the file: key, version, its number, the vector."""
    document = raw_document()
    return [
        (raw["key"], raw["version"], number, vector)
        for raw in [*document["instruments"], *document["restricted_structure_only"]]
        for number, vector in enumerate(raw["test_vectors"])
    ]
