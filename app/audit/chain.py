"""Following the chain: what does not fit, and where. It sees one entry after the other and remembers a few figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from app.audit import marks
from app.audit.checkpoints import Checkpoint
from app.audit.rules import GENESIS, chained

ROWS_PER_CHECKPOINT: Final = 1000
MOST_UNSIGNED: Final = 2 * ROWS_PER_CHECKPOINT
"""More entries than this without a checkpoint between them never happen: one was taken away."""
NOTICED: Final = "notice_tampering"
"""The operation of the entry by which a sealer says that what it sealed is gone or changed."""

Kind = Literal["changed", "missing", "misplaced", "forged", "unmarked", "unknown_key", "rewritten", "cut", "unsigned",
               "false_checkpoint", "noticed"]  # fmt: skip

_SAID: Final[dict[str, str]] = {
    "forged": "The application did not write it like this: its mark is wrong.",
    "unmarked": "It has no mark: the application did not write it, or a release did that made no marks.",
    "unknown_key": "Its mark is by a secret that is not in the ring, and no checkpoint vouches for it.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit: what kind, at which entry, and in words."""

    kind: Kind
    seq: int | None
    entry_id: UUID | None
    said: str


class Walk:
    """One way along the chain: from its beginning, or from somewhere in it.

    Give it each entry in the order of `seq`, each checkpoint right after its entry, and `end` at the end.
    """

    def __init__(self, *, from_the_beginning: bool = True) -> None:
        self.entries = 0
        self.seq: int | None = 0 if from_the_beginning else None
        self.good: Checkpoint | None = None
        self._before: bytes | None = GENESIS if from_the_beginning else None
        self._signed: int | None = self.seq
        self._astray = False
        self._said_unsigned = False
        self._unvouched: tuple[int, UUID | None] | None = None

    def entry(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """The next entry."""
        self.entries += 1
        seq, its_id = int(row["seq"]), UUID(int=row["id"].int)
        if seq < 1:
            yield Finding("misplaced", seq, its_id, "No entry has such a number: it was put there.")
            return
        yield from self._gap(seq)
        fits = row["hash"] is not None and (self._before is None or chained(self._before, row) == bytes(row["hash"]))
        if not fits:
            yield Finding("changed", seq, its_id, "It does not fit its hash and the entry before it.")
        else:
            yield from self._mark(row, seq, its_id)
        self.seq, self._before = seq, None if row["hash"] is None else bytes(row["hash"])
        if self._signed is None:
            self._signed = seq
        if seq - self._signed > MOST_UNSIGNED and not self._said_unsigned:
            self._said_unsigned = True
            yield Finding("unsigned", self._signed + 1, None, f"No checkpoint signs {self._signed + 1} to {seq}.")

    def _gap(self, seq: int) -> Iterator[Finding]:
        if self.seq is None or seq == self.seq + 1:
            return
        first, last = self.seq + 1, seq - 1
        gone = f"The entry {first} is" if first == last else f"The entries {first} to {last} are"
        yield Finding("missing", first, None, f"{gone} gone.")
        self._before = None

    def _mark(self, row: Mapping[str, Any], seq: int, its_id: UUID) -> Iterator[Finding]:
        flaw = row["flaw"] or marks.flaw(row)
        if flaw == "unknown_key" and row["flaw"] is None:  # its secret has left the ring since it was sealed
            self._unvouched = self._unvouched or (seq, its_id)
        elif flaw is not None:
            kind: Any = flaw if flaw in _SAID else "forged"
            yield Finding(kind, seq, its_id, _SAID[kind])
        elif row["operation"] == NOTICED:
            yield Finding(
                "noticed", seq, its_id, f"The sealer noticed at {row['at']:%Y-%m-%d %H:%M:%S}: {row['reason']}."
            )

    def checkpoint(self, signed: Checkpoint, *, kept: bool = False) -> Iterator[Finding]:
        """A checkpoint of the entry that came last: a stored one, or one that was `kept` elsewhere.

        A stored one by a secret that is not in the ring proves nothing, since anybody can sign with a key of their own.
        It may stem from a secret that has left, and is let pass if it fits and a later one by a secret of the ring too.
        """
        fits, ours = signed.hash == self._before, signed.is_ours()
        if not signed.is_signed() or not (fits or ours or kept):
            yield _false(signed)
        elif not fits:
            if not self._astray:
                since = f"between {self._signed + 1} and {signed.seq}" if self._signed is not None else "before it"
                said = f"It is not what was signed at {signed.at:%Y-%m-%d %H:%M:%S}: something {since} was rewritten."
                yield Finding("rewritten", signed.seq, None, said)
            self._astray = True
        elif ours:
            self._signed, self._astray, self._said_unsigned = signed.seq, False, False
            self.good, self._unvouched = signed, None
        elif not kept:
            self._signed, self._said_unsigned = signed.seq, False
            self._unvouched = self._unvouched or (signed.seq, None)

    def end(self, stored: list[Checkpoint], kept: list[Checkpoint]) -> Iterator[Finding]:
        """No entry is left; these are the checkpoints of entries that would come later."""
        true = [each for each in stored if each.is_ours()] + [each for each in kept if each.is_signed()]
        yield from (_false(each) for each in (*stored, *kept) if each not in true)
        last = max(true, key=lambda each: each.seq, default=None)
        if last is not None:
            first = (self.seq or 0) + 1
            said = f"The entries {first} to {last.seq} are gone: {last.seq} was signed at {last.at:%Y-%m-%d %H:%M:%S}."
            yield Finding("cut", first, None, said)
        elif self.entries and not self._signed and not self._said_unsigned and not self._astray:
            yield Finding("unsigned", 1, None, "No checkpoint signs any of the entries.")
        if self._unvouched is not None:
            seq, its_id = self._unvouched
            said = (
                "From here on, nothing is signed by a secret of the ring: was one removed before its successor signed?"
            )
            yield Finding("unknown_key", seq, its_id, said)


def of_unsealed(row: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with an entry that is not sealed yet."""
    flaw = "forged" if row["hash"] is not None or row["flaw"] is not None else marks.flaw(row)
    if flaw is not None:
        kind: Any = flaw
        yield Finding(kind, None, UUID(int=row["id"].int), _SAID[kind])


def _false(signed: Checkpoint) -> Finding:
    return Finding(
        "false_checkpoint",
        signed.seq,
        None,
        "This checkpoint was not signed by a secret of the ring for what stands here.",
    )
