"""The canonical text of an entry, and the hash that chains it."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.models import AuditEntry
from app.audit.rules import GENESIS, canonical, chained
from app.identity.permissions import Role

AN_ID = UUID("0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907")
AT = datetime(2026, 11, 22, 17, 30, 12, 345678, tzinfo=UTC)
FIELDS = st.dictionaries(
    st.sampled_from([column.name for column in AuditEntry.__table__.columns]),
    st.none() | st.text(max_size=20) | st.integers() | st.uuids() | st.binary(max_size=40),
)


class TestCanonical:
    def test_is_a_text_that_anybody_can_write_down_again(self) -> None:
        fields = {"operation": "é\n", "id": AN_ID, "at": AT, "seq": 7, "mark": b"\x01\xff", "actor_role": Role.NURSE}

        assert canonical(fields) == (
            b'{"actor_role":"nurse","at":1795368612345678,"id":"0199f3d27c1e7b609f3a5d2e8c41a907",'
            b'"mark":"01ff","operation":"\\u00e9\\n","seq":7}'
        )

    @given(FIELDS)
    def test_neither_the_order_of_the_columns_nor_empty_ones_matter(self, fields: dict[str, Any]) -> None:
        filled = {name: value for name, value in reversed(fields.items()) if value is not None}

        assert canonical(filled) == canonical(fields) == canonical(fields | {"added_next_year": None})

    @given(FIELDS, FIELDS)
    def test_two_that_differ_have_two_texts(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        def plain(fields: dict[str, Any]) -> dict[str, Any]:
            return {
                name: value.hex if isinstance(value, UUID) else value.hex() if isinstance(value, bytes) else value
                for name, value in fields.items()
                if value is not None
            }

        assert (canonical(one) == canonical(other)) == (plain(one) == plain(other))

    def test_an_id_is_its_digits_whichever_driver_made_it(self) -> None:
        class Drivers(UUID):
            """The driver of PostgreSQL makes ids of a class of its own."""

        assert canonical({"id": Drivers(int=7)}) == canonical({"id": UUID(int=7)})

    def test_a_moment_is_the_same_in_every_zone(self) -> None:
        elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

        assert canonical({"at": AT}) == canonical({"at": elsewhere})


class TestChained:
    def test_covers_what_stood_before_and_the_entry(self) -> None:
        first = chained(GENESIS, {"id": AN_ID, "seq": 1, "hash": b"whatever"})

        assert first == sha256(bytes(32) + canonical({"id": AN_ID, "seq": 1})).digest()
        assert chained(first, {"id": AN_ID, "seq": 2}) != chained(GENESIS, {"id": AN_ID, "seq": 2})

    @pytest.mark.parametrize("column", [c.name for c in AuditEntry.__table__.columns if c.name != "hash"])
    def test_covers_every_column_but_itself(self, column: str) -> None:
        whole = dict.fromkeys((c.name for c in AuditEntry.__table__.columns), "x")

        assert chained(GENESIS, whole) != chained(GENESIS, whole | {column: None})
