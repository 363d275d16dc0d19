"""What a document may say, when it can be signed, and which consents a dose needs. Pure functions.

The tables they go by are in `kinds.py`; what may leave is decided in `disclosure_rules.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.consents.agreements import Agreement, as_of
from app.consents.errors import AlreadySigned, ComprehensionNeeded, DocumentMismatch, DocumentOutdated, SigningOnHold
from app.consents.kinds import (
    KEPT_APART,
    MAY_STAY_NAMELESS,
    TERMS,
    Category,
    ConsentKind,
    NamedBy,
    Purpose,
    Recipient,
    RecipientClass,
    kind_of,
)
from app.core.errors import FieldError


# ------------------------------------------------------------------------------------------------- publishing
def document_faults(
    consent_type: str,
    purposes: Collection[Purpose],
    recipients: Sequence[Recipient],
    categories: Collection[Category],
) -> list[FieldError]:
    """What is wrong with what a document says about who may receive what, and what for."""
    terms, faults = TERMS[kind_of(consent_type)], []
    if set(purposes) - terms.permits:
        allowed = sorted(terms.permits)
        faults.append(_fault("/purposes", "purpose_not_for_type", "This type is for other purposes.", allowed=allowed))
    if terms.permits and not purposes:
        faults.append(_fault("/purposes", "purpose_missing", "Say what the information may be used for."))
    if terms.permits and not categories:
        faults.append(_fault("/categories", "categories_missing", "Say which information this is about."))
    if categories and not terms.permits:
        faults.append(_fault("/categories", "nothing_leaves", "Nothing leaves by a consent of this type."))
    if terms.recipients is NamedBy.DOCUMENT and not recipients:
        faults.append(_fault("/recipients", "recipients_missing", "Say who may receive it."))
    if terms.recipients is not NamedBy.DOCUMENT and recipients:
        faults.append(_fault("/recipients", "recipients_not_here", "A document of this type names no recipients."))
    faults += _nameless(recipients)
    if KEPT_APART in categories and (
        kind_of(consent_type) is not ConsentKind.PART2_SPECIFIC or set(categories) != {KEPT_APART}
    ):
        faults.append(
            _fault("/categories", "kept_apart", "Counselling notes need a part2_specific consent of their own.")
        )
    return faults


def _nameless(recipients: Sequence[Recipient]) -> list[FieldError]:
    return [
        _fault(f"/recipients/{number}/name", "name_missing", "A recipient of this class is named.")
        for number, recipient in enumerate(recipients)
        if recipient.name is None and recipient.kind not in MAY_STAY_NAMELESS
    ]


def _fault(pointer: str, code: str, detail: str, **params: object) -> FieldError:
    return FieldError(pointer, code, detail, params)


# ---------------------------------------------------------------------------------------------------- signing
class SignerKind(StrEnum):
    """Who signed: the patient, a guardian of a minor, or somebody who represents the patient by law."""

    PATIENT = "patient"
    GUARDIAN = "guardian"
    REPRESENTATIVE = "representative"


@dataclass(frozen=True, slots=True)
class Offer:
    """The document that is to be signed, and the newest one of its type and language."""

    id: UUID
    type: str
    language: str
    text_hash: str
    current_id: UUID | None
    answers: Mapping[str, str]
    """The right answer to each question about the text."""
    categories: frozenset[Category] = frozenset()
    recipients: tuple[Recipient, ...] = ()
    expires_at: datetime | None = None
    expires_after: timedelta | None = None

    def ends(self, signed_at: datetime) -> datetime | None:
        """When a consent that is signed now will run out; None for never."""
        ends = [self.expires_at] if self.expires_at else []
        return min([*ends, signed_at + self.expires_after] if self.expires_after else ends, default=None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody wants to sign, as their app says it."""

    language: str
    text_hash: str
    answers: Mapping[str, str]
    signer: SignerKind = SignerKind.PATIENT
    relationship: str | None = None
    has_witness: bool = False
    states_capacity: bool = False
    recipients: tuple[Recipient, ...] = ()
    categories: frozenset[Category] = frozenset()


def granted(offer: Offer, attempt: Attempt) -> tuple[tuple[Recipient, ...], frozenset[Category]]:
    """Who may receive what, once this is signed."""
    named_by = TERMS[kind_of(offer.type)].recipients
    if named_by is NamedBy.SIGNER:
        return attempt.recipients, attempt.categories
    if named_by is NamedBy.TYPE:
        return (Recipient(RecipientClass.CONNECTED_SYSTEM, offer.type.partition(":")[2]),), offer.categories
    return offer.recipients, offer.categories


def signing_faults(offer: Offer, attempt: Attempt) -> list[FieldError]:
    """What is missing or out of place in what was sent."""
    terms, faults = TERMS[kind_of(offer.type)], []
    if attempt.signer is not SignerKind.PATIENT and not attempt.relationship:
        faults.append(_fault("/relationship", "relationship_missing", "Say what they are to the patient."))
    if attempt.signer is not SignerKind.PATIENT and not attempt.has_witness:
        faults.append(_fault("/witness_id", "witness_missing", "A clinician is there when somebody else signs."))
    if terms.needs_capacity and not attempt.states_capacity:
        faults.append(_fault("/capacity_statement", "capacity_missing", "The signer states that they are able to."))
    if terms.recipients is not NamedBy.SIGNER:
        return faults + [
            _fault(pointer, "said_by_the_document", "The document says this; leave it out.")
            for pointer, said in (("/recipients", attempt.recipients), ("/categories", attempt.categories))
            if said
        ]
    if not attempt.recipients:
        faults.append(_fault("/recipients", "recipients_missing", "Say who may receive it."))
    faults += [
        _fault(f"/recipients/{number}/name", "name_missing", "Whoever receives it is named.")
        for number, recipient in enumerate(attempt.recipients)
        if recipient.name is None
    ]
    if not attempt.categories:
        faults.append(_fault("/categories", "categories_missing", "Say which information this is about."))
    if attempt.categories - offer.categories:
        offered = sorted(offer.categories)
        faults.append(_fault("/categories", "category_not_offered", "The document offers others.", offered=offered))
    return faults


def check_signing(
    offer: Offer, attempt: Attempt, earlier: Iterable[Agreement], *, held: bool, now: datetime
) -> Agreement | None:
    """Refuse what cannot be signed; the consent that the new one supersedes, if there is one that stands.

    Raises `SigningOnHold`, `DocumentOutdated`, `DocumentMismatch`, `ComprehensionNeeded` and `AlreadySigned`.
    """
    if held:
        raise SigningOnHold
    if offer.current_id != offer.id:
        raise DocumentOutdated(current_document_id=str(offer.current_id))
    if offer.expires_at is not None and offer.expires_at <= now:
        raise DocumentOutdated(current_document_id=None)
    if attempt.language != offer.language or attempt.text_hash != offer.text_hash:
        raise DocumentMismatch
    misunderstood = [
        _fault(
            f"/answers/{key}", "not_answered" if key not in attempt.answers else "not_as_the_text_says", "Ask again."
        )
        for key, right in offer.answers.items()
        if attempt.answers.get(key) != right
    ]
    if misunderstood:
        raise ComprehensionNeeded(errors=misunderstood)
    recipients, categories = granted(offer, attempt)
    new = Agreement(offer.id, offer.type, offer.id, 0, offer.language, now, recipients=recipients)
    before = next((found for found in earlier if found.place == new.place and found.stands(now)), None)
    if before is not None and before.document_id == offer.id and before.categories == categories:
        raise AlreadySigned(consent_id=str(before.id))
    return before


# ----------------------------------------------------------------------------------------------- before a dose
class Lack(StrEnum):
    """Why a consent does not do for a dose."""

    NEVER_SIGNED = "never_signed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OUTDATED = "outdated"


def lacking_before_dose(
    agreements: Sequence[Agreement],
    newest: Mapping[tuple[str, str], int],
    required: Iterable[str],
    at: datetime,
) -> dict[str, Lack]:
    """Which consents a dose at this moment lacks, and why. `newest` are the versions by type and language.

    The consent to the treatment must stand, in the newest version, if there ever was one. Whatever the clinic's
    protocol requires must be there as well.
    """
    required = set(required)
    found: dict[str, Lack] = {}
    for consent_type in sorted({ConsentKind.TREATMENT, *required}):
        of_type = [as_of(each, at) for each in agreements if each.type == consent_type and each.signed_at <= at]
        lack = _lack(of_type, newest, at)
        if lack is not None and (lack is not Lack.NEVER_SIGNED or consent_type in required):
            found[str(consent_type)] = lack
    return found


def _lack(agreements: Sequence[Agreement], newest: Mapping[tuple[str, str], int], at: datetime) -> Lack | None:
    latest = max(agreements, key=lambda each: (each.signed_at, each.id), default=None)
    if latest is None:
        return Lack.NEVER_SIGNED
    if latest.withdrawn_at is not None:
        return Lack.WITHDRAWN
    if latest.expires_at is not None and latest.expires_at <= at:
        return Lack.EXPIRED
    return Lack.OUTDATED if newest.get((latest.type, latest.language), 0) > latest.document_version else None
