"""Cursors: signed, bound to their list, and harmless when they are not ours."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.core.pagination import MAX_LIMIT, CursorInvalid, PageRequest, make_cursor, read_cursor

KEYS = st.lists(
    st.one_of(
        st.datetimes(timezones=st.just(UTC)),
        st.uuids(),
        st.text(),
        st.integers(-(2**53), 2**53),
        st.booleans(),
        st.none(),
    ),
    max_size=4,
)


@pytest.fixture(autouse=True, scope="module")
def _ring() -> None:
    crypto.install(["a-secret-of-a-test-that-is-long-enough"])


class TestCursor:
    @given(KEYS)
    def test_gives_back_the_key_it_was_made_of(self, key: list[Any]) -> None:
        assert read_cursor(make_cursor(key, "list"), "list") == key

    @given(st.data())
    def test_is_refused_once_altered(self, data: st.DataObject) -> None:
        cursor = make_cursor([datetime(2026, 11, 22, tzinfo=UTC), UUID(int=7)], "list")
        position = data.draw(st.integers(0, len(cursor) - 2))  # the last character holds bits that are not used
        other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda letter: letter != cursor[position]))

        with pytest.raises(CursorInvalid):
            read_cursor(cursor[:position] + other + cursor[position + 1 :], "list")

    @given(st.text())
    def test_is_refused_when_made_up(self, cursor: str) -> None:
        with pytest.raises(CursorInvalid):
            read_cursor(cursor, "list")

    @pytest.mark.parametrize("other", [(), ("other",), ("list", None), ("list", "")])
    def test_is_refused_by_another_list(self, other: tuple[object, ...]) -> None:
        with pytest.raises(CursorInvalid):
            read_cursor(make_cursor([1], "list"), *other)

    def test_cannot_be_signed_by_a_caller(self) -> None:
        body = json.dumps([{"u": str(UUID(int=0))}]).encode()

        with pytest.raises(CursorInvalid):
            read_cursor(base64.urlsafe_b64encode(bytes(12) + body).decode(), "list")

    def test_outlives_the_rotation_of_secrets(self) -> None:
        cursor = make_cursor([1], "list")
        crypto.install(["another-secret-of-a-test-that-is-long", "a-secret-of-a-test-that-is-long-enough"])

        assert read_cursor(cursor, "list") == [1]
        crypto.install(["a-secret-of-a-test-that-is-long-enough"])


class TestPageRequest:
    def test_starts_at_the_beginning(self) -> None:
        assert PageRequest(limit=10, cursor=None).after("list") is None

    def test_goes_on_where_the_page_before_ended(self) -> None:
        assert PageRequest(limit=10, cursor=make_cursor(["x"], "list")).after("list") == ["x"]

    def test_never_gives_more_than_the_most(self) -> None:
        assert PageRequest(limit=10**9, cursor=None).limit == MAX_LIMIT
