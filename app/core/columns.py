"""Column types that keep their promises on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core import crypto

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


class Instant(TypeDecorator[datetime]):
    """A moment in time: aware on the way in, UTC on the way out.

    PostgreSQL keeps `timestamptz`. SQLite has no time zones and would silently drop an offset, so there it is whole
    microseconds since 1970 in UTC, which also sort and subtract as numbers.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """`timestamptz` or a 64-bit integer."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401  the driver's type
        """Refuse a naive time: it names no moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive time names no moment"
            raise ValueError(msg)
        return value if dialect.name == "postgresql" else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401  the driver's type
        """An aware time in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else EPOCH + timedelta(microseconds=value)


class Sealed(TypeDecorator[str]):
    """Text encrypted at rest (AES-256-GCM), bound to its column so that it cannot be moved to another.

    It is not bound to its row. A column type sees a value and never the row it goes into, and the hot paths write and
    read plain rows past the unit of work, so a row's key could only be bound by leaving column types. Whoever can
    write to the database can therefore exchange two notes with each other. They cannot read or invent one, and they
    could as well exchange the patients of two rows, against which no sealing of texts helps.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002  SQLAlchemy's
        """Seal."""
        return None if value is None else crypto.keys().seal(value, self.place)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        """Open."""
        return None if value is None else crypto.keys().open(value, self.place)


class BlindIndex(TypeDecorator[bytes]):
    """What the sealed text at `place`, a column of the same table, is found by (`KeyRing.blind_index`).

    Write the fingerprint of the key in use and look for those of all keys; `afterglow keys rotate` brings the stored
    ones under the key in use.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
