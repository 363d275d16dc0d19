"""What a clinic's wording may look like, and which language is shown."""

from typing import Any

import pytest

from app.instruments.rules import choose_language, definition, wording_faults


def words(*items: str) -> list[dict[str, Any]]:
    return [{"item": item, "text": "A question", "answers": []} for item in items]


class TestWordingFaults:
    def test_words_for_every_item_are_enough(self) -> None:
        assert wording_faults(definition("phq2"), words("low_mood", "anhedonia")) == []

    def test_items_beside_the_scale_may_have_words(self) -> None:
        phq9 = definition("phq9")
        needed = [item.key for item in phq9.items if not item.optional]

        assert len(needed) == 9
        assert wording_faults(phq9, words(*needed)) == []
        assert wording_faults(phq9, words(*needed, "functional_difficulty")) == []

    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            (words("anhedonia"), [("/items", "items_missing")]),
            (words("anhedonia", "low_mood", "sleep"), [("/items/2/item", "unknown_item")]),
            (words("anhedonia", "low_mood", "anhedonia"), [("/items/2/item", "item_repeated")]),
            (words("sleep"), [("/items/0/item", "unknown_item"), ("/items", "items_missing")]),
        ],
    )
    def test_names_the_item_at_fault(self, items: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
        faults = wording_faults(definition("phq2"), items)

        assert [(fault.pointer, fault.code) for fault in faults] == expected

    def test_says_which_items_have_no_words(self) -> None:
        (fault,) = wording_faults(definition("phq2"), words("low_mood"))

        assert fault.params == {"missing": ["anhedonia"]}

    def test_only_permitted_answers_have_words_and_each_once(self) -> None:
        items = words("anhedonia", "low_mood")
        items[1]["answers"] = [{"value": value, "text": "An answer"} for value in (0, 4, 0, 3)]

        faults = wording_faults(definition("phq2"), items)

        assert [(fault.pointer, fault.code) for fault in faults] == [
            ("/items/1/answers/1/value", "value_not_permitted"),
            ("/items/1/answers/2/value", "value_repeated"),
        ]

    def test_an_instrument_without_item_keys_takes_no_words(self) -> None:
        (fault,) = wording_faults(definition("kset"), words("anything"))

        assert (fault.pointer, fault.code) == ("/instrument", "not_answerable")

    def test_lists_a_limited_number_of_faults(self) -> None:
        assert len(wording_faults(definition("phq2"), words(*(f"item{number}" for number in range(100))))) == 20


class TestChooseLanguage:
    @pytest.mark.parametrize(
        ("available", "wanted", "usual", "chosen"),
        [
            (["en", "de"], "de", "en-US", "de"),
            (["en", "de-AT", "de"], "de", "en-US", "de"),
            (["de-AT"], "de-CH", "en-US", "de-AT"),
            (["pt-BR"], "PT-br", "en-US", "pt-BR"),
            (["en"], "fr", "en-US", None),
            (["de", "en"], None, "en-US", "en"),
            (["de", "fr"], None, "en-US", "de"),
            ([], None, "en-US", None),
            ([], "en", "en-US", None),
        ],
    )
    def test_is_the_one_asked_for_or_close_to_it(
        self, available: list[str], wanted: str | None, usual: str, chosen: str | None
    ) -> None:
        assert choose_language(available, wanted, usual) == chosen
