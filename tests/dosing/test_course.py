from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.dosing.course import Course, Measured, newly_found
from app.protocols.safety_figures import Safety
from tests.factories import an_id

FIGURES = Safety()
BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def at(minutes: float, **values: int) -> Measured:
    return Measured(id=an_id(), at=BEGUN + timedelta(minutes=minutes), **values)


def pressure(minutes: float, systolic: int, diastolic: int = 80) -> Measured:
    return at(minutes, systolic=systolic, diastolic=diastolic)


def course(*readings: Measured, begun: datetime | None = BEGUN) -> Course:
    return Course.of(readings, begun)


def found(before: Course, after: Course, *changed: Measured) -> list[tuple[float, str, str]]:
    """What is told: minute, rule, severity."""
    return [
        ((reading.at - BEGUN) / timedelta(minutes=1), finding.rule, str(finding.severity))
        for reading, findings in newly_found(before, after, {one.id for one in changed}, FIGURES)
        for finding in findings
    ]


class TestBaseline:
    def test_is_the_newest_of_each_value_before_the_dose(self) -> None:
        seen = course(
            pressure(-30, 120), at(-20, dissociation=2), pressure(-10, 126, 82), at(-5, spo2=98), pressure(0, 150)
        )

        assert (seen.baseline.systolic, seen.baseline.diastolic, seen.baseline.dissociation) == (126, 82, 2)

    def test_is_missing_before_a_dose(self) -> None:
        seen = course(pressure(-30, 120), begun=None)

        assert seen.baseline.systolic is None
        assert seen.inputs_of(seen.readings[0], FIGURES).before_dose

    def test_is_not_held_against_readings_before_the_dose(self) -> None:
        seen = course(pressure(-30, 90), pressure(-5, 135))

        assert seen.inputs_of(seen.readings[1], FIGURES).baseline_systolic is None


class TestInputs:
    def test_count_whole_minutes_downwards(self) -> None:
        seen = course(at(-0.5, spo2=98), at(40.9, spo2=98))

        assert [seen.inputs_of(reading, FIGURES).minutes_from_dose for reading in seen.readings] == [-1, 40]

    def test_know_how_long_ago_it_was_too_high_as_well(self) -> None:
        seen = course(pressure(30, 185), pressure(34, 150), pressure(40, 190), pressure(50, 150))
        since = [seen.inputs_of(reading, FIGURES).minutes_since_over for reading in seen.readings]

        assert since == [None, None, 10, None]


class TestNewlyFound:
    def test_is_what_a_new_reading_brings(self) -> None:
        before, new = course(pressure(-10, 120)), pressure(40, 161)

        assert found(before, course(*before.readings, new), new) == [(40, "BP-2", "urgent")]

    def test_is_critical_when_a_second_confirms(self) -> None:
        before, new = course(pressure(40, 185)), pressure(45, 184)

        assert found(before, course(*before.readings, new), new) == [(45, "BP-2", "critical")]

    def test_is_nothing_for_what_was_told_already(self) -> None:
        before, new = course(pressure(40, 185)), at(45, spo2=98)

        assert found(before, course(*before.readings, new), new) == []

    def test_confirms_also_when_the_first_comes_late(self) -> None:
        before, late = course(pressure(45, 184)), pressure(40, 185)

        assert found(before, course(late, *before.readings), late) == [(40, "BP-2", "urgent"), (45, "BP-2", "critical")]

    def test_finds_a_rise_also_when_the_baseline_comes_late(self) -> None:
        before, late = course(pressure(40, 150)), pressure(-10, 105)

        assert found(before, course(late, *before.readings), late) == [(40, "BP-2", "urgent")]

    def test_judges_a_correction_anew_but_not_when_only_words_were_corrected(self) -> None:
        first = pressure(40, 118)
        before = course(first)
        right = Measured(id=first.id, at=first.at, systolic=188, diastolic=80)

        assert found(before, course(right), right) == [(40, "BP-2", "urgent")]
        assert found(course(right), course(right), right) == []


READINGS = st.lists(
    st.builds(
        lambda minutes, systolic, dissociation: at(
            minutes, **({} if systolic is None else {"systolic": systolic, "diastolic": 60}),
            **({} if dissociation is None else {"dissociation": dissociation}),
        ),
        st.integers(-40, 200), st.none() | st.integers(80, 230), st.none() | st.integers(0, 16),
    ),
    max_size=8,
)  # fmt: skip


class TestAnyOrder:
    @given(READINGS, st.randoms(use_true_random=False))
    def test_brings_the_same_signs_in_the_end(self, readings: list[Measured], random: object) -> None:
        """However late and mixed up readings come, what one upload would have found has been found, and named so."""
        whole = _all_at_once(readings)
        mixed = list(readings)
        random.shuffle(mixed)  # type: ignore[attr-defined]
        told: set[tuple[UUID, str, str]] = set()
        here: list[Measured] = []
        for reading in mixed:
            before, after = course(*here), course(*here, reading)
            for one, findings in newly_found(before, after, {reading.id}, FIGURES):
                told |= {(one.id, finding.rule, str(finding.severity)) for finding in findings}
            here.append(reading)

        assert whole <= told


def _all_at_once(readings: list[Measured]) -> set[tuple[UUID, str, str]]:
    everything = newly_found(course(), course(*readings), {one.id for one in readings}, FIGURES)
    return {(one.id, finding.rule, str(finding.severity)) for one, findings in everything for finding in findings}
