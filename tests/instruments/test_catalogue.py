"""The definitions themselves: what is published stays as it is, and everything needed is there."""

import json
import re
import subprocess
import sys

import pytest

from app.instruments.catalogue import content_hash, current_definitions, definition, find_definition, raw_document
from app.instruments.definitions import Instrument
from app.instruments.errors import UnknownInstrument, UnknownInstrumentVersion
from tests.instruments.answers import values_of
from tests.instruments.published import PUBLISHED

EVERY = pytest.mark.parametrize("instrument", current_definitions(), ids=lambda found: found.key)


class TestFinding:
    def test_gives_the_current_version_unless_one_is_named(self) -> None:
        assert definition("phq9") is definition("phq9", "1")
        assert definition("moaa_s").version == "5-0"

    def test_says_whether_the_key_or_the_version_is_unknown(self) -> None:
        with pytest.raises(UnknownInstrument):
            definition("phq10")
        with pytest.raises(UnknownInstrumentVersion):
            definition("phq9", "0")
        assert find_definition("phq10") is None
        assert find_definition("phq9", "0") is None

    def test_lists_restricted_scales_last(self) -> None:
        restricted = [instrument.restricted for instrument in current_definitions()]

        assert (len(restricted), sum(restricted)) == (38, 15)
        assert restricted == sorted(restricted)

    def test_reads_the_file_only_when_a_definition_is_needed(self) -> None:
        program = "import app.instruments.rules, app.instruments.measures as m, app.instruments.catalogue as c;"
        program += (
            "print(c._catalogue.cache_info().currsize); m.MEASURES['mood']; print(c._catalogue.cache_info().currsize)"
        )

        printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

        assert printed.split() == ["0", "1"]


class TestPublishedDefinitions:
    def test_never_change_under_their_version(self) -> None:
        """A definition that has to change gets a new version; a new version gets a new line in `published.py`."""
        document = raw_document()
        every = [*document["instruments"], *document["restricted_structure_only"]]

        assert {(raw["key"], raw["version"]): content_hash(raw)[:16] for raw in every} == PUBLISHED

    def test_the_hash_covers_all_but_the_test_vectors(self) -> None:
        raw = {"key": "a", "items": [1], "test_vectors": [1]}

        assert content_hash(raw) == content_hash(raw | {"test_vectors": []})
        assert content_hash(raw) != content_hash(raw | {"items": [2]})

    def test_no_key_and_version_stands_twice(self) -> None:
        document = raw_document()
        keys = [
            (raw["key"], raw["version"])
            for part in ("instruments", "restricted_structure_only")
            for raw in document[part]
        ]

        assert len(keys) == len(set(keys))


class TestEveryDefinition:
    @EVERY
    def test_states_its_licence(self, instrument: Instrument) -> None:
        assert instrument.licence_class in raw_document()["licence_classes"]
        assert instrument.licence
        assert instrument.source
        assert instrument.wording_may_ship == (instrument.wording != "bring_your_own")
        assert instrument.restricted == (instrument.licence_class == "restricted")

    @EVERY
    def test_has_items_with_values_and_keys_of_their_own(self, instrument: Instrument) -> None:
        assert len(instrument.items_by_key) == len(instrument.items)
        for item in instrument.items:
            assert item.label
            assert re.fullmatch(r"[a-z][a-z0-9_]*", item.key)
            assert values_of(item) == sorted(set(values_of(item)))
            assert item.permits(item.minimum)
            assert item.permits(item.maximum)
            assert {item.minimum + item.maximum - value for value in values_of(item)} == set(values_of(item)) or (
                not item.reverse_scored
            )

    @EVERY
    def test_refers_only_to_items_it_has(self, instrument: Instrument) -> None:
        named = {key for subscale in instrument.scoring.subscales for key in subscale.items}
        named |= {safety.item for safety in instrument.safety_items if safety.item}
        named |= {item.asked_if.item for item in instrument.items if item.asked_if}
        named |= {
            key
            for level in (instrument.scoring.levels.levels if instrument.scoring.levels else ())
            for key in level.any
        }
        named |= {instrument.scoring.primary} if instrument.scoring.primary else set()

        assert named <= set(instrument.items_by_key)

    @EVERY
    def test_has_the_range_that_its_items_add_up_to(self, instrument: Instrument) -> None:
        items, scoring = instrument.scored_items, instrument.scoring
        if scoring.method in {"sum", "sum_times"}:
            assert instrument.minimum == scoring.factor * sum(item.minimum for item in items)
            assert instrument.maximum == scoring.factor * sum(item.maximum for item in items)
        elif scoring.method in {"mean", "single"}:
            bounds = instrument.items_by_key[scoring.primary] if scoring.primary else items[0]
            assert (instrument.minimum, instrument.maximum) == (bounds.minimum, bounds.maximum)
        else:
            assert (instrument.minimum, instrument.maximum) == (None, None)
        for subscale in scoring.subscales:
            members = [instrument.items_by_key[key] for key in subscale.items]
            assert subscale.minimum == sum(item.minimum for item in members)
            assert subscale.maximum == sum(item.maximum for item in members)

    @EVERY
    def test_divides_its_range_into_bands_without_gap_or_overlap(self, instrument: Instrument) -> None:
        assert len({bands.reference for bands in instrument.band_sets}) == len(instrument.band_sets)
        for bands in instrument.band_sets:
            assert bands.name.startswith(f"{instrument.key}.")
            assert bands.bands[0].minimum == instrument.minimum
            assert bands.bands[-1].maximum == instrument.maximum
            for lower, upper in zip(bands.bands, bands.bands[1:], strict=False):
                assert upper.minimum == lower.maximum + 1

    @EVERY
    def test_says_which_way_is_worse_wherever_there_is_a_total(self, instrument: Instrument) -> None:
        assert instrument.higher_is is not None or instrument.minimum is None

    @EVERY
    def test_ends_its_levels_with_the_one_that_holds_without_a_yes(self, instrument: Instrument) -> None:
        levels = instrument.scoring.levels.levels if instrument.scoring.levels else ()

        assert [not level.any for level in levels] == [False] * (len(levels) - 1) + [True] * bool(levels)

    @EVERY
    def test_takes_a_substance_when_its_measures_are_kept_apart_by_one(self, instrument: Instrument) -> None:
        assert all(measure.per_substance == instrument.takes_substance for measure in instrument.measures)

    @EVERY
    def test_has_one_condition_in_each_safety_item(self, instrument: Instrument) -> None:
        for safety in instrument.safety_items:
            conditions = [safety.gte, safety.total_gte, safety.total_lte, safety.total_above_baseline_gte]
            assert sum(condition is not None for condition in conditions) == 1
            assert (safety.item is None) == (safety.gte is None)


class TestTheFile:
    @pytest.fixture
    def texts(self) -> list[str]:
        """Every string of the file."""
        return [json.loads(text) for text in re.findall(r'"(?:[^"\\]|\\.)*"', json.dumps(raw_document()))]

    def test_has_no_half_written_sentences(self, texts: list[str]) -> None:
        for text in texts:
            assert not re.search(r"\(\s*\)|\s{2}|^\s|\s$|\s[,;:)]|\(\s|;;|\bin and\b", text), text

    def test_names_no_place_on_a_machine(self, texts: list[str]) -> None:
        for text in texts:
            assert not re.search(r"(^|\s)/(home|tmp|work|usr|var|root|Users)\b|[A-Z]:\\", text), text

    def test_restricted_scales_have_numbers_instead_of_words(self) -> None:
        for instrument in current_definitions():
            if instrument.restricted:
                for item in instrument.items:
                    assert re.fullmatch(r"item \d+(, lifetime|, past 3 months)?|level", item.label)

    def test_is_strict_json(self) -> None:
        json.dumps(raw_document(), allow_nan=False)
