"""A consent as the rules see it: what was agreed to, and whether it counts."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.consents.kinds import TERMS, Category, NamedBy, Purpose, Recipient, kind_of


class ConsentStatus(StrEnum):
    """Whether a consent counts. `superseded`: a newer one took its place, whatever became of that."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the rules need to know of a consent."""

    id: UUID
    type: str
    document_id: UUID
    document_version: int
    language: str
    signed_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None
    superseded: bool = False
    purposes: frozenset[Purpose] = frozenset()
    recipients: tuple[Recipient, ...] = ()
    categories: frozenset[Category] = frozenset()

    def status(self, now: datetime) -> ConsentStatus:
        """Whether it counts now. Withdrawn is withdrawn, whatever another machine's clock says."""
        if self.withdrawn_at is not None:
            return ConsentStatus.WITHDRAWN
        if self.superseded:
            return ConsentStatus.SUPERSEDED
        if self.expires_at is not None and self.expires_at <= now:
            return ConsentStatus.EXPIRED
        return ConsentStatus.IN_FORCE

    def stands(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.status(now) is ConsentStatus.IN_FORCE

    @property
    def place(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """What it is a consent to: a newer one to the same takes its place. Two named recipients are two places."""
        named = TERMS[kind_of(self.type)].recipients is NamedBy.SIGNER
        return self.type, frozenset(recipient.key for recipient in self.recipients) if named else frozenset()


def as_of(agreement: Agreement, at: datetime) -> Agreement:
    """The same as it was then: a later withdrawal does not undo what was done in reliance on it."""
    later = agreement.withdrawn_at is not None and agreement.withdrawn_at > at
    return replace(agreement, withdrawn_at=None) if later else agreement
