"""Laws that scoring keeps for every instrument and any answers."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.instruments.definitions import Instrument
from app.instruments.rules import score, validate_answers
from tests.instruments.answers import INSTRUMENTS, SUMMED, answer_to, complete, full_answers, partial, values_of


class TestLaws:
    @given(complete(), st.randoms())
    def test_the_order_of_answers_does_not_matter(
        self, case: tuple[Instrument, dict[str, int]], random: Random
    ) -> None:
        instrument, answers = case
        shuffled = list(answers.items())
        random.shuffle(shuffled)

        assert score(instrument, dict(shuffled)) == score(instrument, answers)

    @given(complete())
    def test_every_value_lies_within_its_bounds(self, case: tuple[Instrument, dict[str, int]]) -> None:
        instrument, answers = case

        found = score(instrument, answers)

        assert found.complete
        for measure in instrument.measures:
            assert measure.minimum <= found.measures[measure.key] <= measure.maximum
        if found.total is not None:
            assert instrument.minimum is not None
            assert instrument.maximum is not None
            assert instrument.minimum <= found.total <= instrument.maximum
            assert bool(found.band) == bool(instrument.band_sets)

    @given(partial())
    def test_a_missing_answer_is_never_a_zero(self, case: tuple[Instrument, dict[str, int | None]]) -> None:
        instrument, answers = case
        given_only = {key: answer for key, answer in answers.items() if answer is not None}

        found = score(instrument, answers)

        assert found == score(instrument, given_only)
        assert found.answered_n == sum(item.key in given_only for item in instrument.scored_items)
        if instrument.scoring.method in {"sum", "sum_times"} and found.answered_n < found.scored_n:
            assert found.total is None
        for measure in instrument.measures:
            if measure.of == "item":
                assert found.measures.get(measure.key) == answers.get(measure.name or "")
            elif measure.of == "subscale":
                assert found.measures.get(measure.key) == found.subscales[measure.name or ""]
            else:
                assert found.measures.get(measure.key) == found.total

    @given(partial())
    def test_permitted_answers_have_no_fault(self, case: tuple[Instrument, dict[str, int | None]]) -> None:
        instrument, answers = case

        faults = validate_answers(instrument, answers)

        assert [fault.code for fault in faults] == ([] if set(answers.values()) - {None} else ["no_answers"])

    @given(INSTRUMENTS, st.data())
    def test_true_and_false_are_no_answers(self, instrument: Instrument, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(instrument.items))

        faults = validate_answers(instrument, {item.key: data.draw(st.booleans())})

        assert [fault.code for fault in faults] == ["not_a_whole_number"]

    @given(INSTRUMENTS, st.data())
    def test_no_other_number_is_permitted(self, instrument: Instrument, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(instrument.items))
        answer = data.draw(st.integers())

        assert item.permits(answer) == (answer in values_of(item))

    @given(st.sampled_from(SUMMED), st.data())
    def test_a_sum_rises_with_each_answer_and_falls_with_a_reversed_one(
        self, instrument: Instrument, data: st.DataObject
    ) -> None:
        answers = data.draw(full_answers(instrument))
        item = data.draw(st.sampled_from(instrument.scored_items))
        other = data.draw(answer_to(item))
        step = other - answers[item.key]
        before, after = score(instrument, answers).total, score(instrument, answers | {item.key: other}).total

        assert before is not None
        assert after is not None
        assert after - before == step * instrument.scoring.factor * (-1 if item.reverse_scored else 1)
