"""Laws of the chain: whatever is done to any row of any chain without the secrets, that row's place is named."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit import checkpoints, marks
from app.audit.chain import Finding, Walk
from app.audit.checkpoints import Checkpoint
from app.audit.rules import GENESIS, chained
from app.core import clock, crypto
from app.core.ids import new_id

BEGIN = clock.now()
Rows = list[dict[str, Any]]


@pytest.fixture(autouse=True, scope="module")
def ring() -> Iterator[None]:
    before = crypto._ring
    crypto.install(["secret" * 8])
    yield
    crypto._ring = before


def sealed(number: int, signed_every: int) -> tuple[Rows, list[Checkpoint]]:
    """A chain as the sealer makes it, its last entry signed."""
    rows: Rows = []
    signed, before = [], GENESIS
    for seq in range(1, number + 1):
        entry: dict[str, Any] = {
            "id": new_id(), "at": BEGIN + timedelta(seconds=seq), "clinic_id": new_id(), "actor_id": new_id(),
            "actor_role": "nurse", "device_id": new_id(), "operation": "read_patient", "permission": "patients:read",
            "patient_id": new_id(), "subject_id": None, "outcome": "allowed", "reason": None, "request_id": None,
            "address_prefix": None,
        }  # fmt: skip
        row = entry | {"mark": marks.whole(entry), "seq": seq, "flaw": None}
        before = chained(before, row)
        rows.append(row | {"hash": before})
        if seq % signed_every == 0 or seq == number:
            signed.append(checkpoints.sign(seq, before, BEGIN))
    return rows, signed


def rechained(rows: Rows) -> Rows:
    """The same rows, numbered and chained anew, as anybody can who knows how."""
    before, made = GENESIS, []
    for seq, row in enumerate(rows, 1):
        before = chained(before, row | {"seq": seq})
        made.append(row | {"seq": seq, "hash": before})
    return made


def found(rows: Rows, signed: list[Checkpoint]) -> list[Finding]:
    walk, by_seq = Walk(), {each.seq: each for each in signed}
    findings: list[Finding] = []
    for row in sorted(rows, key=lambda row: int(row["seq"])):
        findings += walk.entry(row)
        if row["seq"] in by_seq:
            findings += walk.checkpoint(by_seq[row["seq"]])
    return [*findings, *walk.end([each for each in signed if each.seq > (walk.seq or 0)], [])]


CHAINS = st.tuples(st.integers(1, 25), st.integers(1, 9))
COLUMNS = st.sampled_from(["clinic_id", "actor_id", "actor_role", "device_id", "operation", "patient_id", "request_id"])


@st.composite
def chains(draw: st.DrawFn) -> tuple[Rows, list[Checkpoint], int]:
    """A chain, and the place of one of its rows."""
    number, signed_every = draw(CHAINS)
    return *sealed(number, signed_every), draw(st.integers(0, number - 1))


class TestLaws:
    @given(chains())
    def test_an_intact_chain_is_intact(self, case: tuple[Rows, list[Checkpoint], int]) -> None:
        rows, signed, _ = case

        assert found(rows, signed) == []

    @given(chains(), COLUMNS)
    def test_a_changed_row_is_named(self, case: tuple[Rows, list[Checkpoint], int], column: str) -> None:
        rows, signed, at = case
        rows[at] = rows[at] | {column: new_id().hex}

        assert [(each.kind, each.seq, each.entry_id) for each in found(rows, signed)] == [
            ("changed", at + 1, rows[at]["id"])
        ]

    @given(chains(), COLUMNS)
    def test_a_changed_row_is_named_though_all_was_chained_anew(
        self, case: tuple[Rows, list[Checkpoint], int], column: str
    ) -> None:
        rows, signed, at = case
        rows[at] = rows[at] | {column: new_id().hex}

        findings = found(rechained(rows), signed)

        assert ("forged", at + 1) == (findings[0].kind, findings[0].seq)
        assert any(each.kind == "rewritten" for each in findings)

    @given(chains())
    def test_a_removed_row_is_named(self, case: tuple[Rows, list[Checkpoint], int]) -> None:
        rows, signed, at = case
        last = at == len(rows) - 1
        del rows[at]

        assert [(each.kind, each.seq) for each in found(rows, signed)] == [("cut" if last else "missing", at + 1)]

    @given(chains())
    def test_a_removed_row_is_noticed_though_all_was_chained_anew(
        self, case: tuple[Rows, list[Checkpoint], int]
    ) -> None:
        rows, signed, at = case
        del rows[at]

        findings = found(rechained(rows), signed)

        assert {each.kind for each in findings} <= {"rewritten", "cut"}
        assert findings[-1].kind == "cut"

    @given(chains(), st.booleans())
    def test_an_added_row_is_named(self, case: tuple[Rows, list[Checkpoint], int], anew: bool) -> None:
        rows, signed, at = case
        added = rows[at] | {"id": new_id()}
        rows.insert(at + 1, added)
        changed = rechained(rows) if anew else [*rows[:at], *rechained(rows)[at:]]

        findings = found(changed, signed)

        assert ("forged", added["id"]) in [(each.kind, each.entry_id) for each in findings]

    @given(chains(), st.integers(0, 24))
    def test_two_rows_that_changed_places_are_noticed(
        self, case: tuple[Rows, list[Checkpoint], int], other: int
    ) -> None:
        rows, signed, at = case
        other %= len(rows)
        rows[at], rows[other] = rows[other] | {"seq": at + 1}, rows[at] | {"seq": other + 1}

        findings = found(rows, signed)

        assert {each.seq for each in findings} >= ({at + 1, other + 1} if at != other else set())
        assert bool(found(rechained(rows), signed)) == (at != other)
