"""What is kept of people's second factors."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base


class OneTimeCodes(Base):
    """The seed of an account's one-time codes. It counts from `confirmed_at`, when a first right code was shown.

    `last_step` is the newest step whose code was used: no code is taken twice, nor one older than it.
    """

    __tablename__ = "one_time_codes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    seed: Mapped[str] = mapped_column(Sealed("one_time_codes.seed"))
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


class Passkey(Base):
    """A key pair of an authenticator that can sign its account in; only the public half is here.

    `user_handle` is what the authenticator knows the account by: random, the same for all passkeys of an account.
    """

    __tablename__ = "passkeys"
    __table_args__ = (
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.UniqueConstraint("credential_id"),
        sa.Index(None, "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary)
    user_handle: Mapped[bytes] = mapped_column(sa.LargeBinary)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    label: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)


class AnsweredChallenge(Base):
    """A challenge that an authenticator signed and we accepted. It is not accepted again while it would still count."""

    __tablename__ = "answered_challenges"
    __table_args__ = (sa.Index(None, "expires_at"),)

    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)
