"""What a code looks like, and how long it can be used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.invitations import rules

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPEN: dict[str, Any] = {
    "used_at": None, "withdrawn_at": None, "expires_at": NOW + timedelta(seconds=1), "wrong_tries": 4,
}  # fmt: skip


class TestPlain:
    @pytest.mark.parametrize(
        ("written", "drawn"),
        [
            ("7Q2M-K9TX-4BVD", "7Q2MK9TX4BVD"),
            ("7q2m k9tx 4bvd", "7Q2MK9TX4BVD"),
            ("7Q2MK9TX4BVD", "7Q2MK9TX4BVD"),
            ("O0Il-1Uv0-0000", "00111VV00000"),
            ("--  --", ""),
            ("", ""),
        ],
    )
    def test_forgives_how_it_was_written(self, written: str, drawn: str) -> None:
        assert rules.plain(written) == drawn

    @pytest.mark.parametrize(
        "written",
        [
            "７Q2M-K9TX-4BVD",  # noqa: RUF001  a full-width seven, which is what this is about
            "7Q2M-К9ТХ-4ВVD",  # noqa: RUF001  Cyrillic letters
            "7Q2M-K9TX-4BVD\N{ZERO WIDTH SPACE}",
            "7Q2M\N{EN DASH}K9TX\N{EN DASH}4BVD",
            "7Q2M-K9TX-4BV\N{LATIN SMALL LETTER DOTLESS I}",
            "7Q2M-K9TX-4BV\N{LATIN SMALL LETTER LONG S}",
            "\N{LATIN SMALL LIGATURE FI}2M-K9TX-4BVD",
        ],
    )
    def test_is_empty_for_letters_that_only_look_right(self, written: str) -> None:
        assert rules.plain(written) == ""

    @given(st.text(rules.CROCKFORD, min_size=12, max_size=12))
    def test_reads_back_what_was_handed_over(self, drawn: str) -> None:
        assert rules.plain(rules.written(drawn[:4], drawn[4:])) == drawn
        assert rules.plain(rules.written(drawn[:4], drawn[4:]).lower()) == drawn


class TestIsOpen:
    def test_until_something_ends_it(self) -> None:
        assert rules.is_open(NOW, **OPEN)

    @pytest.mark.parametrize(
        "ended",
        [
            {"used_at": NOW},
            {"withdrawn_at": NOW},
            {"expires_at": NOW},
            {"expires_at": NOW - timedelta(days=400)},
            {"wrong_tries": 5},
            {"wrong_tries": 6},
        ],
        ids=str,
    )
    def test_not_after(self, ended: dict[str, Any]) -> None:
        assert not rules.is_open(NOW, **OPEN | ended)
