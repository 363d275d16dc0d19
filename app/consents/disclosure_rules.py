"""What may leave on the strength of which consent. Pure functions; the tables are in `kinds.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.consents.agreements import Agreement, ConsentStatus
from app.consents.kinds import TERMS, Category, ConsentKind, Purpose, Recipient, RecipientClass, kind_of, plain


class Basis(StrEnum):
    """What allows a disclosure. The patient's own copy and a medical emergency need no consent."""

    CONSENT = "consent"
    PATIENT_ACCESS = "patient_access"
    MEDICAL_EMERGENCY = "medical_emergency"


class Refusal(StrEnum):
    """Why something may not leave."""

    NO_CONSENT = "no_consent"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    PURPOSE_NOT_COVERED = "purpose_not_covered"
    RECIPIENT_NOT_COVERED = "recipient_not_covered"
    CATEGORIES_NOT_COVERED = "categories_not_covered"
    RESTRICTED = "restricted"
    LEGAL_PROCESS = "legal_process"
    REASON_MISSING = "reason_missing"
    WRONG_RECIPIENT = "wrong_recipient"


@dataclass(frozen=True, slots=True)
class Restriction:
    """Something that the patient wants to stay here (2.26). What is not said is meant as a whole."""

    kind: RecipientClass | None = None
    name: str | None = None
    purposes: frozenset[Purpose] = frozenset()
    categories: frozenset[Category] = frozenset()

    def forbids(self, asked: "Asked") -> bool:
        """Whether it speaks of this disclosure."""
        return (
            (self.kind is None or self.kind is asked.recipient.kind)
            and (self.name is None or plain(self.name) == plain(asked.recipient.name or ""))
            and (not self.purposes or asked.purpose in self.purposes)
            and (not self.categories or bool(self.categories & asked.categories))
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A disclosure that somebody wants to make: of these categories, all of them or none."""

    recipient: Recipient
    purpose: Purpose
    categories: frozenset[Category]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """What allows it; the consent, if it is one."""

    basis: Basis
    agreement: Agreement | None = None


_NEEDS_NO_CONSENT = {
    Purpose.PATIENT_ACCESS: (Basis.PATIENT_ACCESS, RecipientClass.PATIENT),
    Purpose.MEDICAL_EMERGENCY: (Basis.MEDICAL_EMERGENCY, RecipientClass.EMERGENCY_SERVICE),
}


def decide(
    asked: Asked, agreements: Iterable[Agreement], restrictions: Iterable[Restriction], now: datetime
) -> Permit | Refusal:
    """Whether this may leave now.

    One consent has to cover all of it: the purpose, the recipient and every category. Restrictions bind whatever was
    signed, but not the patient's own copy, nor an emergency (45 CFR 164.522(a)(1)(iii)), which needs a reason (2.51).
    """
    if asked.purpose is Purpose.LEGAL_PROCEEDINGS:
        return Refusal.LEGAL_PROCESS
    if asked.purpose in _NEEDS_NO_CONSENT:
        basis, receives = _NEEDS_NO_CONSENT[asked.purpose]
        if asked.recipient.kind is not receives:
            return Refusal.WRONG_RECIPIENT
        unexplained = basis is Basis.MEDICAL_EMERGENCY and not (asked.reason or "").strip()
        return Refusal.REASON_MISSING if unexplained else Permit(basis)
    if any(restriction.forbids(asked) for restriction in restrictions):
        return Refusal.RESTRICTED
    return _by_consent(asked, list(agreements), now)


def _by_consent(asked: Asked, agreements: Sequence[Agreement], now: datetime) -> Permit | Refusal:
    if _took_back(agreements, asked, now):
        return Refusal.WITHDRAWN
    found = [(_shortfall(each, asked, now), each) for each in agreements if _is_about(each, asked)]
    covering = [each for shortfall, each in found if shortfall is None]
    if covering:
        return Permit(Basis.CONSENT, max(covering, key=lambda each: (each.signed_at, each.id)))
    shortfalls = {shortfall for shortfall, _ in found}
    return next((refusal for refusal in _NEAREST_FIRST if refusal in shortfalls), Refusal.NO_CONSENT)


_NEAREST_FIRST = (
    Refusal.CATEGORIES_NOT_COVERED,
    Refusal.RECIPIENT_NOT_COVERED,
    Refusal.PURPOSE_NOT_COVERED,
    Refusal.WITHDRAWN,
    Refusal.EXPIRED,
)
"""Of several consents that do not do, the one that comes nearest explains the refusal."""


def _took_back(agreements: Iterable[Agreement], asked: Asked, now: datetime) -> bool:
    """Whether the last word of the patient about exactly this endpoint is that nothing more goes there.

    A consent that names no endpoint ("those who treat me") does not outweigh it.
    """
    named = f"{ConsentKind.WEBHOOK_SHARE}:{asked.recipient.name}"
    said = [each for each in agreements if asked.recipient.name and each.type == named]
    return bool(said) and max(said, key=lambda each: (each.signed_at, each.id)).status(now) is ConsentStatus.WITHDRAWN


def _is_about(agreement: Agreement, asked: Asked) -> bool:
    """Whether a consent of this type could ever allow it."""
    return asked.purpose in TERMS[kind_of(agreement.type)].permits


def _shortfall(agreement: Agreement, asked: Asked, now: datetime) -> Refusal | None:
    """What this consent lacks to allow it."""
    match agreement.status(now):
        case ConsentStatus.WITHDRAWN:
            return Refusal.WITHDRAWN
        case ConsentStatus.EXPIRED:
            return Refusal.EXPIRED
        case ConsentStatus.SUPERSEDED:
            return Refusal.NO_CONSENT
    if asked.purpose not in agreement.purposes:
        return Refusal.PURPOSE_NOT_COVERED
    if not any(recipient.covers(asked.recipient) for recipient in agreement.recipients):
        return Refusal.RECIPIENT_NOT_COVERED
    return None if asked.categories <= agreement.categories else Refusal.CATEGORIES_NOT_COVERED
