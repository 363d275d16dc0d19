"""The one table of core: how much of its quota each caller has used."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class RateLimit(Base):
    """How far one caller has drawn on one policy (`core/permits.py` reads and writes it, in one statement).

    `key` is the policy's name and a keyed hash of the caller: neither an address nor an e-mail can be read from it.
    Times are whole microseconds. `arrival` is the theoretical arrival time of GCRA: once it is past, the row says
    nothing and is swept. The other three are those of the last decision, for which they are the statement's memory:
    `spacing` between two permits in the long run, `burst` permits at once, and how many permits were `granted`.

    No clinic owns a row, and losing all of them only lets everybody start anew: on PostgreSQL the table is not logged.
    """

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    arrival: Mapped[int] = mapped_column(sa.BigInteger)
    spacing: Mapped[int] = mapped_column(sa.BigInteger)
    burst: Mapped[int] = mapped_column(sa.Integer)
    granted: Mapped[int] = mapped_column(sa.Integer)
