from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.labels import Box, along, fan, first_free, in_rows


class TestBox:
    def test_meets_what_shares_area_and_not_what_only_touches(self) -> None:
        box = Box(0, 0, 10, 10)

        assert box.meets(Box(9, 9, 20, 20))
        assert not box.meets(Box(10, 0, 20, 10))


class TestFirstFree:
    def test_takes_the_first_that_is_inside_and_meets_nothing(self) -> None:
        outside, taken, free = Box(-5, 0, 5, 5), Box(0, 0, 10, 10), Box(20, 0, 30, 10)

        assert first_free([outside, taken, free], [Box(8, 8, 9, 9)], Box(0, 0, 100, 100)) == free

    def test_finds_nothing_where_nothing_is_free(self) -> None:
        assert first_free([Box(0, 0, 10, 10)], [Box(8, 8, 9, 9)], Box(0, 0, 100, 100)) is None


class TestInRows:
    def test_uses_the_second_row_only_where_the_first_is_taken(self) -> None:
        assert in_rows([(0, 10), (5, 15), (30, 40)], 2, 2) == [0, 1, 0]

    def test_leaves_out_what_fits_in_no_row(self) -> None:
        assert in_rows([(0, 10), (5, 15), (8, 18)], 2, 2) == [0, 1, None]


class TestFan:
    def test_leaves_labels_alone_that_do_not_touch(self) -> None:
        assert fan([10, 50, 90], [20, 20, 20], 4, 0, 100) == [10, 50, 90]

    def test_parts_two_that_touch_by_the_same_amount(self) -> None:
        assert fan([50, 54], [20, 20], 4, 0, 100) == [40, 64]

    def test_keeps_a_block_between_the_ends(self) -> None:
        assert fan([2, 3], [20, 20], 4, 0, 100) == [10, 34]

    @given(
        st.lists(st.tuples(st.floats(0, 300), st.floats(1, 20)), max_size=10),
        st.floats(0, 5),
    )
    def test_never_lets_labels_touch(self, labels: list[tuple[float, float]], gap: float) -> None:
        labels = sorted(labels)
        sizes = [size for _, size in labels]
        centres = fan([wanted for wanted, _ in labels], sizes, gap, 0, 300)

        ends = [(centre - size / 2, centre + size / 2) for centre, size in zip(centres, sizes, strict=True)]
        assert all(right + gap <= left + 1e-6 for (_, right), (left, _) in pairwise(ends))
        assert all(left >= -1e-6 and right <= 300 + 1e-6 for left, right in ends)


class TestAlong:
    def test_covers_a_line_without_holes(self) -> None:
        boxes = along([(0, 0), (40, 30)], 3)

        for step in range(41):
            x, y = step, step * 0.75
            assert any(box.left <= x <= box.right and box.top <= y <= box.bottom for box in boxes), (x, y)

    @pytest.mark.parametrize("corners", [[], [(5, 5)]])
    def test_has_a_box_for_each_corner(self, corners: list[tuple[float, float]]) -> None:
        assert len(along(corners, 3)) == len(corners)
