"""The only door by which anything of a patient leaves, and the accounting of what did."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.consents import queries, schemas
from app.consents.disclosure_rules import Asked, Basis, Permit, Refusal, decide
from app.consents.errors import DisclosureRefused, SigningOnHold
from app.consents.kinds import PART2_NOTICE, Category, Purpose, Recipient, RecipientClass
from app.consents.models import Disclosure, DisclosureRestriction
from app.consents.queries import Whose
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.fields import instant_text
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.identity.access import PatientAccess

NOTICE_HEADER = "X-Part2-Notice"
CONSENT_HEADER = "X-Consent-Id"


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Leave to send something, good for this one time and for now. What is sent carries the notice and the consent."""

    disclosure_id: UUID
    basis: Basis
    consent_id: UUID | None
    part2_notice: str | None
    """None for the patient's own copy, which they may do with as they like."""
    consent_scope: dict[str, Any] | None
    """What the consent allows, in place of a copy of it (2.32)."""

    @property
    def envelope(self) -> dict[str, Any]:
        """The members to put beside the data in a body."""
        return {
            "part2_notice": self.part2_notice,
            "consent_id": None if self.consent_id is None else str(self.consent_id),
            "consent_scope": self.consent_scope,
        }

    @property
    def headers(self) -> dict[str, str]:
        """The headers to send with it."""
        named = {CONSENT_HEADER: str(self.consent_id)} if self.consent_id else {}
        return named | ({NOTICE_HEADER: self.part2_notice} if self.part2_notice else {})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something of a patient that is to leave."""

    patient: Whose
    recipient: Recipient
    purpose: Purpose
    categories: frozenset[Category]
    actor_id: UUID | None = None
    reason: str | None = None

    @property
    def asked(self) -> Asked:
        """As the rules see it."""
        if not self.categories:
            msg = "a disclosure of nothing"
            raise ValueError(msg)
        return Asked(self.recipient, self.purpose, self.categories, self.reason)


async def disclose(
    db: Database,
    patient: Whose,
    recipient: Recipient,
    purpose: Purpose,
    categories: Collection[Category],
    *,
    actor_id: UUID | None = None,
    reason: str | None = None,
) -> Disclosed:
    """Let something of the patient leave, once; call it in the transaction that is committed just before it is sent.

    All of `categories` go, or nothing does. `recipient` is whoever receives it, by class and name; `actor_id` the
    member of staff or API client who sends it, None for what is sent by itself. An emergency needs a `reason`.

    Either way it is written down. Raises `DisclosureRefused` with the `refusal`; the record that it was withheld
    outlives the refusal of the request.
    """
    wanted = Wanted(patient, recipient, purpose, frozenset(categories), actor_id, reason)
    (found,) = await disclose_each(db, [wanted])
    if isinstance(found, Refusal):
        raise DisclosureRefused(refusal=found.value)
    return found


async def disclose_each(db: Database, wanted: Sequence[Wanted]) -> list[Disclosed | Refusal]:
    """As `disclose`, for many at once and without raising: in their order, leave or why there is none.

    Leave is for now: what is not on its way within `leave_seconds`, counted from before this call, needs to be asked
    for again. A withdrawal waits for as long before it is acknowledged (`outlast`), so nothing leaves after it.
    """
    now = clock.now()
    return [_noted(db, each, found, now) for each, found in zip(wanted, await weigh_each(db, wanted), strict=True)]


async def weigh_each(db: Database, wanted: Sequence[Wanted]) -> list[Permit | Refusal]:
    """What `disclose_each` would answer now, without letting anything leave and without a record of it."""
    now = clock.now()
    patients = {each.patient.id: each.patient for each in wanted}.values()
    agreements = await queries.agreements_of_each(db, patients)
    restrictions = await queries.restrictions_of_each(db, patients)
    return [decide(each.asked, agreements[each.patient.id], restrictions[each.patient.id], now) for each in wanted]


async def outlast(db: Database) -> None:
    """Commit what the patient wants to stay here, and wait until nothing can leave any more on older leave."""
    if db.request is None:  # nobody waits for an answer
        return
    await db.let_go()
    await asyncio.sleep(db.request.app.state.settings.leave_seconds)


def _noted(db: Database, wanted: Wanted, found: Permit | Refusal, now: datetime) -> Disclosed | Refusal:
    row: dict[str, Any] = {
        "id": new_id(),
        "clinic_id": wanted.patient.clinic_id,
        "patient_id": wanted.patient.id,
        "at": now,
        "recipient_class": wanted.recipient.kind.value,
        "recipient": wanted.recipient.name,
        "purpose": wanted.purpose.value,
        "categories": sorted(wanted.categories),
        "actor_id": wanted.actor_id,
        "reason": wanted.reason,
    }
    if isinstance(found, Refusal):
        db.stage(Disclosure, row | {"basis": None, "refusal": found.value, "consent_id": None}, lasting=True)
        return found
    db.stage(Disclosure, row | {"basis": found.basis.value, "refusal": None, "consent_id": _consent_id(found)})
    return Disclosed(
        disclosure_id=row["id"],
        basis=found.basis,
        consent_id=_consent_id(found),
        part2_notice=None if found.basis is Basis.PATIENT_ACCESS else PART2_NOTICE,
        consent_scope=_scope(found),
    )


def _consent_id(permit: Permit) -> UUID | None:
    return permit.agreement.id if permit.agreement else None


def _scope(permit: Permit) -> dict[str, Any] | None:
    agreement = permit.agreement
    if agreement is None:
        return None
    return {
        "type": agreement.type,
        "document_version": agreement.document_version,
        "signed_at": instant_text(agreement.signed_at),
        "expires_at": instant_text(agreement.expires_at) if agreement.expires_at else None,
        "purposes": sorted(agreement.purposes),
        "categories": sorted(agreement.categories),
    }


async def listed(db: Database, access: PatientAccess, paging: PageRequest) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what left and what was withheld, the latest first, and the cursor of the next."""
    this = Disclosure
    statement = sa.select(this).where(this.clinic_id == access.clinic.id, this.patient_id == access.patient.id)
    rows, cursor = await queries.page(db, statement, this.at, this.id, paging, "disclosures", access.patient.id)
    names = [column.key for column in sa.inspect(Disclosure).column_attrs]
    return [
        {name: getattr(row, name) for name in names} | {"outcome": "disclosed" if row.basis else "withheld"}
        for (row,) in rows
    ], cursor


# ------------------------------------------------------------------------------------------------- restrictions
async def restrict(
    db: Database, access: PatientAccess, wanted: schemas.DisclosureRestrictionWrite
) -> DisclosureRestriction:
    """Let something stay here from now on, whatever was or will be signed."""
    restriction = DisclosureRestriction(
        id=new_id(),
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        recipient_class=wanted.recipient_class and RecipientClass(wanted.recipient_class).value,
        recipient=wanted.recipient,
        purposes=sorted(set(wanted.purposes)),
        categories=sorted(set(wanted.categories)),
        requested_at=clock.now(),
    )
    db.add(restriction)
    access.patient.revise(db)
    await outlast(db)
    return restriction


async def lift(db: Database, access: PatientAccess, restriction_id: UUID) -> DisclosureRestriction:
    """Let a restriction bind no longer; lifting it again changes nothing.

    It lets more leave, like a signature, and like one it waits while a dosing session is open: `SigningOnHold`.
    """
    this = DisclosureRestriction
    found: DisclosureRestriction | None = await db.scalar(
        sa.select(this).where(
            this.clinic_id == access.clinic.id, this.patient_id == access.patient.id, this.id == restriction_id
        )
    )
    if found is None:
        raise NotFound
    if found.lifted_at is None:
        if await queries.is_held(db, access.patient):
            raise SigningOnHold
        found.lifted_at = clock.now()
        access.patient.revise(db)
    return found


async def restrictions(
    db: Database, access: PatientAccess, paging: PageRequest
) -> tuple[Sequence[DisclosureRestriction], str | None]:
    """A page of the patient's restrictions, the latest first, and the cursor of the next."""
    this = DisclosureRestriction
    statement = sa.select(this).where(this.clinic_id == access.clinic.id, this.patient_id == access.patient.id)
    rows, cursor = await queries.page(
        db, statement, this.requested_at, this.id, paging, "restrictions", access.patient.id
    )
    return [row for (row,) in rows], cursor
