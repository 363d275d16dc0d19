"""Reading consents as the rules want them, and as lists show them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa

from app.consents.agreements import Agreement
from app.consents.disclosure_rules import Restriction
from app.consents.kinds import Category, Purpose, Recipient, RecipientClass
from app.consents.models import Consent, ConsentDocument, DisclosureRestriction, SigningHold
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor


class Whose(Protocol):
    """A patient, as far as consents are concerned."""

    @property
    def id(self) -> UUID:
        """The patient's id."""

    @property
    def clinic_id(self) -> UUID:
        """Their clinic."""


def recipients_of(said: Iterable[Mapping[str, Any]]) -> tuple[Recipient, ...]:
    """Recipients as the rules see them, from how they are kept or sent."""
    return tuple(Recipient(RecipientClass(each["recipient_class"]), each.get("name")) for each in said)


def recipients_said(recipients: Iterable[Recipient]) -> list[dict[str, Any]]:
    """Recipients as they are kept and sent."""
    return [{"recipient_class": each.kind.value, "name": each.name} for each in recipients]


async def agreements(db: Database, whose: Whose) -> list[Agreement]:
    """Everything that a patient ever signed, in the order of signing."""
    rows = await db.scalars(
        sa.select(Consent)
        .where(Consent.clinic_id == whose.clinic_id, Consent.patient_id == whose.id)
        .order_by(Consent.signed_at, Consent.id)
    )
    found = rows.all()
    superseded = {each.supersedes for each in found}
    return [agreement_of(each, superseded=each.id in superseded) for each in found]


def agreement_of(row: Consent, *, superseded: bool) -> Agreement:
    """A consent as the rules see it."""
    return Agreement(
        id=row.id,
        type=row.type,
        document_id=row.document_id,
        document_version=row.document_version,
        language=row.language,
        signed_at=row.signed_at,
        expires_at=row.expires_at,
        withdrawn_at=row.withdrawn_at,
        superseded=superseded,
        purposes=frozenset(map(Purpose, row.purposes)),
        recipients=recipients_of(json.loads(row.recipients)),
        categories=frozenset(map(Category, row.categories)),
    )


async def restrictions(db: Database, whose: Whose) -> list[Restriction]:
    """What the patient wants to stay here."""
    this = DisclosureRestriction
    rows = await db.scalars(
        sa.select(this).where(this.clinic_id == whose.clinic_id, this.patient_id == whose.id, this.lifted_at.is_(None))
    )
    return [
        Restriction(
            kind=RecipientClass(each.recipient_class) if each.recipient_class else None,
            name=each.recipient,
            purposes=frozenset(map(Purpose, each.purposes)),
            categories=frozenset(map(Category, each.categories)),
        )
        for each in rows
    ]


async def newest_versions(db: Database, clinic_id: UUID) -> dict[tuple[str, str], int]:
    """The newest version of each type in each language."""
    this = ConsentDocument
    rows = await db.execute(
        sa.select(this.type, this.language, sa.func.max(this.version))
        .where(this.clinic_id == clinic_id)
        .group_by(this.type, this.language)
    )
    return {(consent_type, language): version for consent_type, language, version in rows}


async def newest(db: Database, clinic_id: UUID, consent_type: str, language: str) -> ConsentDocument | None:
    """The newest document of a type in a language."""
    this = ConsentDocument
    statement = sa.select(this).where(this.clinic_id == clinic_id, this.type == consent_type, this.language == language)
    found: ConsentDocument | None = await db.scalar(statement.order_by(this.version.desc()).limit(1))
    return found


async def is_held(db: Database, whose: Whose) -> bool:
    """Whether a dosing session of the patient is open."""
    found = await db.scalar(
        sa.select(SigningHold.dosing_session_id)
        .where(
            SigningHold.clinic_id == whose.clinic_id,
            SigningHold.patient_id == whose.id,
            SigningHold.released_at.is_(None),
        )
        .limit(1)
    )
    return found is not None


async def page(
    db: Database,
    statement: Any,  # noqa: ANN401  a SELECT of any shape
    at: sa.orm.InstrumentedAttribute[datetime],
    key: sa.orm.InstrumentedAttribute[UUID],
    paging: PageRequest,
    *filters: object,
) -> tuple[Sequence[Any], str | None]:
    """A page of rows, the latest first by the column `at` and then by the id in `key`; the cursor of the next."""
    after = paging.after(*filters)
    if after is not None:
        statement = statement.where(sa.or_(at < after[0], sa.and_(at == after[0], key < after[1])))
    rows = (await db.execute(statement.order_by(at.desc(), key.desc()).limit(paging.limit + 1))).all()
    more, rows = len(rows) > paging.limit, rows[: paging.limit]
    last = rows[-1][0] if more else None
    return rows, make_cursor([getattr(last, at.key), last.id], *filters) if last is not None else None
