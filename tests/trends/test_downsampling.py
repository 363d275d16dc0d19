"""Fewer points of the same shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trends.downsampling import lttb

A_LINE = st.lists(st.floats(-100, 100), max_size=200)


class TestLttb:
    @given(A_LINE, st.integers(0, 220))
    def test_keeps_as_many_as_asked_for_in_order_of_time(self, values: list[float], points: int) -> None:
        kept = lttb(range(len(values)), values, points)

        assert len(kept) == min(points, len(values))
        assert kept == sorted(set(kept))
        assert set(kept) <= set(range(len(values)))

    @given(A_LINE.filter(lambda values: len(values) > 2), st.integers(2, 220))
    def test_keeps_both_ends(self, values: list[float], points: int) -> None:
        kept = lttb(range(len(values)), values, points)

        assert (kept[0], kept[-1]) == (0, len(values) - 1)

    @given(
        st.lists(st.integers(0, 10), min_size=5, max_size=120),
        st.integers(3, 40),
        st.integers(-9, 9),
        st.sampled_from([0.5, 2, 64]),
    )
    def test_keeps_the_same_points_of_a_moved_and_stretched_line(
        self, values: list[int], points: int, up: int, factor: float
    ) -> None:
        times = list(range(0, 4 * len(values), 4))
        moved = [factor * (value + up) for value in values]

        assert lttb(times, values, points) == lttb([factor * (t + 1000) for t in times], moved, points)

    def test_keeps_a_lone_spike(self) -> None:
        values = [3.0] * 1000
        values[617] = 10.0

        assert 617 in lttb(range(1000), values, 50)

    def test_keeps_the_corners_of_a_step(self) -> None:
        values = [8.0] * 50 + [2.0] * 50
        kept = lttb(range(100), values, 12)

        assert {values[index] for index in kept} == {8.0, 2.0}
        assert any(abs(index - 49.5) < 1 for index in kept)

    @pytest.mark.parametrize(("points", "kept"), [(0, []), (1, [0]), (2, [0, 4]), (3, [0, 2, 4]), (5, [0, 1, 2, 3, 4])])
    def test_works_down_to_nothing(self, points: int, kept: list[int]) -> None:
        assert lttb(range(5), [0, 0, 9, 0, 0], points) == kept
