"""Everything that changed of a patient's record, of every kind, in one statement.

The kinds share its columns: each column of a kind takes the next free *slot* of its type, so that there are only as
many as the widest kind needs, and nulls stand where a kind has nothing. What is sealed travels as it is stored and is
opened by the type of its own column.

Each part finds its rows by an index on the revision and reads no more of them than fit on a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import AppointmentParticipant
from app.core.columns import Instant, Json, Sealed
from app.core.db import Database
from app.identity.access import PatientView
from app.identity.models import Tombstone
from app.sync.kinds import KINDS, Branch, Kind

NOWHERE: Final = UUID(int=0)
_RANKS: Final = {kind.name: rank for rank, kind in enumerate(KINDS)}
_REMOVED: Final = -1
"""The source of a tombstone; of anything else it is the rank of its kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """From where on changes are wanted: of `revision` only what stands after `kind` and `id`, then all that follows."""

    revision: int
    kind: str | None = None
    id: UUID | None = None

    @property
    def rank(self) -> int:
        """The kind as a number; before all of them where there is none, or none that this release knows."""
        return _RANKS.get(self.kind or "", -1)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: a thing as it is now, or, without `row`, that it is no longer there."""

    kind: str
    id: UUID
    revision: int
    row: SimpleNamespace | None


def _slot_type(column: sa.ColumnElement[Any]) -> tuple[str, Any]:
    """The type of the slots that a column can take, with its name."""
    held = column.type
    if isinstance(held, Sealed | sa.LargeBinary):
        return "bytes", sa.LargeBinary()
    if isinstance(held, sa.JSON):
        return "json", Json
    for name, kind, slot in (
        ("instant", Instant, Instant()),
        ("id", sa.Uuid, sa.Uuid()),
        ("flag", sa.Boolean, sa.Boolean()),
        ("number", sa.Float, sa.Double()),
        ("day", sa.Date, sa.Date()),
        ("whole", sa.Integer, sa.BigInteger()),
        ("text", sa.String, sa.String()),
    ):
        if isinstance(held, kind):
            return name, slot
    msg = f"no slot for {column}: {held!r}"
    raise TypeError(msg)


def _seats(columns: Mapping[str, Any]) -> dict[str, str]:
    """Which slot each of these columns takes."""
    taken: dict[str, int] = {}
    seats = {}
    for name, column in columns.items():
        sort, _ = _slot_type(column)
        taken[sort] = taken.get(sort, 0) + 1
        seats[name] = f"{sort}_{taken[sort]}"
    return seats


_SEATS: Final = {kind.name: _seats(kind.columns) for kind in KINDS}
_SLOTS: Final[dict[str, Any]] = {
    seat: _slot_type(kind.columns[name])[1] for kind in KINDS for name, seat in _SEATS[kind.name].items()
}

_SINCE = sa.bindparam("since", type_=sa.BigInteger())
_UPTO = sa.bindparam("upto", type_=sa.BigInteger())
_BEGAN = sa.bindparam("began", type_=sa.BigInteger())
_AFTER_RANK = sa.bindparam("after_rank", type_=sa.Integer())
_AFTER_ID = sa.bindparam("after_id", type_=sa.Uuid())
_SIZE = sa.bindparam("size", type_=sa.Integer())


def _in_turn(revision: Any, rank: Any, subject_id: Any) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: ANN401  SQL
    """Those that are wanted, whose turn comes after the place where the reader stopped."""
    return (
        revision >= _SINCE,
        revision <= _UPTO,
        sa.or_(revision > _SINCE, rank > _AFTER_RANK, sa.and_(rank == _AFTER_RANK, subject_id > _AFTER_ID)),
    )


def _part(kind: Kind, branch: Branch) -> sa.Select[Any]:
    rank = sa.literal_column(str(_RANKS[kind.name]), sa.Integer())
    held = {seat: kind.columns[name] for name, seat in _SEATS[kind.name].items()}
    found = (
        sa.select(
            branch.revision.label("revision"),
            rank.label("rank"),
            kind.id.label("subject_id"),
            rank.label("source"),
            sa.literal_column("NULL", sa.String()).label("kind"),
            *(
                sa.type_coerce(held[seat], slot).label(seat) if seat in held else sa.cast(sa.null(), slot).label(seat)
                for seat, slot in _SLOTS.items()
            ),
        )
        .select_from(branch.source)
        .where(*branch.where, *_in_turn(branch.revision, rank, kind.id))
        .order_by(branch.revision, kind.id)
        .limit(_SIZE)
        .subquery()
    )
    return sa.select(found)


def _removed() -> sa.Select[Any]:
    this = Tombstone.__table__.c
    rank = sa.case(_RANKS, value=this.kind, else_=len(KINDS))
    found = (
        sa.select(
            this.revision.label("revision"),
            rank.label("rank"),
            this.subject_id.label("subject_id"),
            sa.literal_column(str(_REMOVED), sa.Integer()).label("source"),
            this.kind.label("kind"),
            *(sa.cast(sa.null(), slot).label(seat) for seat, slot in _SLOTS.items()),
        )
        .where(
            this.clinic_id == sa.bindparam("clinic_id", type_=sa.Uuid()),
            this.patient_id == sa.bindparam("patient_id", type_=sa.Uuid()),
            this.revision > _BEGAN,
            *_in_turn(this.revision, rank, this.subject_id),
        )
        .order_by(this.revision, rank, this.subject_id)
        .limit(_SIZE)
        .subquery()
    )
    return sa.select(found)


@lru_cache
def _statement() -> sa.CompoundSelect[Any]:
    """Built once, at the first question: the order within a revision is that of the kinds' names, then of the ids."""
    parts = [_part(kind, branch) for kind in KINDS for branch in kind.branches]
    everything = sa.union_all(*parts, _removed())
    named = everything.selected_columns
    return everything.order_by(named.revision, named.rank, named.subject_id).limit(_SIZE)


async def changed(
    db: Database, patient: PatientView, place: Place, *, began: int, upto: int, size: int
) -> Sequence[Changed]:
    """The next `size` changes after a place, none later than revision `upto`; removals only after revision `began`."""
    rows = await db.read(
        _statement(),
        {
            "clinic_id": patient.clinic_id,
            "patient_id": patient.id,
            "since": place.revision,
            "upto": upto,
            "began": began,
            "after_rank": place.rank,
            "after_id": place.id or NOWHERE,
            "size": size,
        },
    )
    dialect = db.get_bind().dialect
    return [_change(row._mapping, dialect) for row in rows]  # noqa: SLF001  SQLAlchemy's public name has an underscore


def _change(row: sa.RowMapping, dialect: sa.Dialect) -> Changed:
    subject_id, revision = row["subject_id"], row["revision"]
    if row["source"] == _REMOVED:
        return Changed(row["kind"], subject_id, revision, None)
    kind = KINDS[row["source"]]
    thing = {name: row[seat] for name, seat in _SEATS[kind.name].items()}
    for name, column in kind.columns.items():
        if isinstance(column.type, Sealed):
            thing[name] = column.type.process_result_value(thing[name], dialect)
    return Changed(kind.name, subject_id, revision, SimpleNamespace(**thing))


_participant = AppointmentParticipant.__table__.c
_PARTICIPANTS = (
    sa.select(AppointmentParticipant.__table__)
    .where(
        _participant.clinic_id == sa.bindparam("clinic_id"),
        _participant.appointment_id.in_(sa.bindparam("ids", expanding=True)),
    )
    .order_by(_participant.appointment_id, _participant.position)
)


async def participants(db: Database, clinic_id: UUID, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """Who takes part in these appointments, in the order in which they were named."""
    found: dict[UUID, list[Any]] = {appointment_id: [] for appointment_id in ids}
    for row in await db.read(_PARTICIPANTS, {"clinic_id": clinic_id, "ids": ids}):
        found[row.appointment_id].append(row)
    return found
