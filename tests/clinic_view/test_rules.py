"""Periods that never overlap, and counts from which nobody can be worked out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clinic_view.rules import Cell, Period, Row, Tally, latest_over, period_from, shown

PEOPLE = [UUID(int=number) for number in range(1, 200)]


def cells_of(*counts: int) -> dict[str, Cell]:
    """Cells in which each patient was counted once."""
    found, first = {}, 0
    for name, n in zip("abcde", counts, strict=False):
        found[name] = Cell(n, frozenset(PEOPLE[first : first + n]))
        first += n
    return found


def seen(row: Row) -> tuple[int | None, ...]:
    return (row.total, *row.cells.values())


class TestShown:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ((0, 0, 0), (0, 0, 0, 0)),
            ((20, 12, 0), (32, 20, 12, 0)),
            ((4, 0, 0), (None, None, None, None)),
            ((20, 3, 0), (23, None, None, 0)),
            ((40, 20, 3), (63, 40, None, None)),
            ((40, 3, 4), (47, None, None, None)),
            ((11, 0, 0), (11, 11, 0, 0)),
            ((9, 2, 0), (11, None, None, None)),
            ((20, 20, 3), (43, None, None, None)),
        ],
        ids=[
            "nothing happened",
            "all are of enough",
            "the total is of too few",
            "one is of too few",
            "the next smallest goes with it",
            "two that are together too few take a third",
            "none is of nobody",
            "no room for doubt: what is 0 is hidden too",
            "of two that are the next smallest neither is preferred",
        ],
    )
    def test_hides_what_is_of_too_few_and_what_gives_it_away(
        self, counts: Sequence[int], expected: Sequence[int | None]
    ) -> None:
        assert seen(shown(cells_of(*counts), 11)) == tuple(expected)

    def test_counts_patients_and_not_how_often(self) -> None:
        often = {"attended": Cell(200, frozenset(PEOPLE[:20])), "missed": Cell(40, frozenset(PEOPLE[:4]))}

        assert seen(shown(often, 11)) == (240, None, None)

    def test_hides_more_where_the_hidden_are_the_same_few_patients(self) -> None:
        same_three = frozenset(PEOPLE[:3])
        cells = {"a": Cell(30, same_three), "b": Cell(30, same_three), "c": Cell(90, frozenset(PEOPLE[:15]))}

        assert seen(shown(cells, 11)) == (150, None, None, None)

    @pytest.mark.parametrize(
        ("smallest", "width", "most"), [(3, 3, 13), (4, 3, 14), (4, 4, 11), (5, 2, 22), (5, 3, 18)]
    )
    def test_leaves_every_hidden_number_open_also_to_who_knows_the_rules(
        self, smallest: int, width: int, most: int
    ) -> None:
        """All small rows there are: what is shown of one must be shown of others too, with other hidden numbers."""
        alike: dict[tuple[int | None, ...], list[tuple[int, ...]]] = defaultdict(list)
        for counts in product(range(most + 1), repeat=width):
            if sum(counts) <= most:
                alike[seen(shown(cells_of(*counts), smallest))].append(counts)

        told = [
            (what, rows)
            for what, rows in alike.items()
            for place, number in enumerate(what[1:])
            if number is None and len({row[place] for row in rows}) == 1
        ]

        assert told == []
        assert any(None in what[1:] and what[0] is not None for what in alike)

    @given(
        st.lists(st.dictionaries(st.sampled_from(PEOPLE[:30]), st.integers(1, 9)), min_size=2, max_size=5),
        st.integers(5, 12),
    )
    def test_never_leaves_a_difference_of_too_few(self, counts: Sequence[Mapping[UUID, int]], smallest: int) -> None:
        cells = {name: Cell(sum(of.values()), frozenset(of)) for name, of in zip("abcde", counts, strict=False)}

        row = shown(cells, smallest)

        hidden = [cells[name] for name, number in row.cells.items() if number is None]
        behind = frozenset[UUID]().union(*(cell.patients for cell in hidden))
        assert all(
            number == cells[name].n and (number == 0 or len(cells[name].patients) >= smallest)
            for name, number in row.cells.items()
            if number is not None
        )
        assert row.total in {None, sum(cell.n for cell in cells.values())}
        if row.total is not None and hidden:
            assert len(hidden) > 1
            assert len(behind) >= smallest
            assert sum(cell.n for cell in hidden) >= smallest


class TestTally:
    def test_counts_each_patient_once_and_each_time(self) -> None:
        tally = Tally(("yes", "no"))
        for patient in PEOPLE[:5]:
            tally.count("yes", patient, 2)
            tally.count("yes", patient)

        row = tally.shown(5)

        assert seen(row) == (15, 15, 0)
        assert (row.share("yes"), row.share("no"), row.sum_of("yes", "no")) == (100, 0, 15)

    def test_has_no_share_of_nothing_nor_of_what_is_hidden(self) -> None:
        nothing, few = Tally(("yes", "no")), Tally(("yes", "no"))
        few.count("yes", PEOPLE[0])

        assert nothing.shown(5).share("yes") is None
        assert few.shown(5).share("yes") is None
        assert few.shown(5).sum_of("yes", "no") is None


class TestPeriods:
    @pytest.mark.parametrize(
        ("first_day", "months", "last_day"),
        [
            (date(2026, 7, 1), 3, date(2026, 9, 30)),
            (date(2026, 2, 1), 1, date(2026, 2, 28)),
            (date(2028, 2, 1), 1, date(2028, 2, 29)),
            (date(2026, 7, 1), 6, date(2026, 12, 31)),
            (date(2026, 1, 1), 12, date(2026, 12, 31)),
            (date(2026, 7, 2), 3, None),
            (date(2026, 8, 1), 3, None),
        ],
    )
    def test_begin_on_fixed_days(self, first_day: date, months: int, last_day: date | None) -> None:
        found = period_from(first_day, months)

        assert (found and found.last_day) == last_day

    @pytest.mark.parametrize("months", [1, 3, 6, 12])
    def test_never_overlap_and_leave_no_day_out(self, months: int) -> None:
        day, last = date(2024, 1, 1), None
        while day < date(2028, 1, 1):
            period = period_from(day, months)
            assert period is not None
            assert last is None or period.first_day == last + timedelta(days=1)
            last, day = period.last_day, period.last_day + timedelta(days=1)

    @pytest.mark.parametrize(
        ("today", "months", "expected"),
        [
            (date(2026, 11, 23), 3, Period(date(2026, 7, 1), date(2026, 9, 30))),
            (date(2026, 10, 1), 3, Period(date(2026, 7, 1), date(2026, 9, 30))),
            (date(2026, 9, 30), 3, Period(date(2026, 4, 1), date(2026, 6, 30))),
            (date(2026, 1, 31), 1, Period(date(2025, 12, 1), date(2025, 12, 31))),
            (date(2026, 3, 1), 12, Period(date(2025, 1, 1), date(2025, 12, 31))),
        ],
    )
    def test_the_last_that_is_over(self, today: date, months: int, expected: Period) -> None:
        assert latest_over(today, months) == expected
