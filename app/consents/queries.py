"""Reading consents as the rules want them, and as lists show them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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


_consent, _restriction = Consent.__table__.c, DisclosureRestriction.__table__.c


def _of_them(table: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401  the columns of a table
    """Of these patients; the clinics are named for the wall, and an index begins with them."""
    return sa.and_(
        table.clinic_id.in_(sa.bindparam("clinics", expanding=True)),
        table.patient_id.in_(sa.bindparam("patients", expanding=True)),
    )


_SIGNED_BY = (
    sa.select(
        _consent.id,
        _consent.patient_id,
        _consent.type,
        _consent.document_id,
        _consent.document_version,
        _consent.language,
        _consent.signed_at,
        _consent.expires_at,
        _consent.withdrawn_at,
        _consent.supersedes,
        _consent.purposes,
        _consent.recipients,
        _consent.categories,
    )
    .where(_of_them(_consent))
    .order_by(_consent.signed_at, _consent.id)
)
_RESTRICTED_BY = sa.select(
    _restriction.patient_id,
    _restriction.recipient_class,
    _restriction.recipient,
    _restriction.purposes,
    _restriction.categories,
).where(_of_them(_restriction), _restriction.lifted_at.is_(None))


def recipients_of(said: Iterable[Mapping[str, Any]]) -> tuple[Recipient, ...]:
    """Recipients as the rules see them, from how they are kept or sent."""
    return tuple(Recipient(RecipientClass(each["recipient_class"]), each.get("name")) for each in said)


def recipients_said(recipients: Iterable[Recipient]) -> list[dict[str, Any]]:
    """Recipients as they are kept and sent."""
    return [{"recipient_class": each.kind.value, "name": each.name} for each in recipients]


async def agreements(db: Database, whose: Whose) -> list[Agreement]:
    """Everything that a patient ever signed, in the order of signing."""
    return (await agreements_of_each(db, [whose]))[whose.id]


async def agreements_of_each(db: Database, patients: Collection[Whose]) -> dict[UUID, list[Agreement]]:
    """Everything that each of these patients ever signed, in the order of signing."""
    rows = (await db.read(_SIGNED_BY, _them(patients))).all()
    superseded = {row.supersedes for row in rows}
    found: dict[UUID, list[Agreement]] = {patient.id: [] for patient in patients}
    for row in rows:
        found[row.patient_id].append(agreement_of(row, superseded=row.id in superseded))
    return found


def _them(patients: Collection[Whose]) -> dict[str, list[UUID]]:
    return {
        "clinics": list({patient.clinic_id for patient in patients}),
        "patients": [patient.id for patient in patients],
    }


def agreement_of(row: Consent | sa.Row[Any], *, superseded: bool) -> Agreement:
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


async def restrictions_of_each(db: Database, patients: Collection[Whose]) -> dict[UUID, list[Restriction]]:
    """What each of these patients wants to stay here."""
    found: dict[UUID, list[Restriction]] = {patient.id: [] for patient in patients}
    for row in await db.read(_RESTRICTED_BY, _them(patients)):
        found[row.patient_id].append(
            Restriction(
                kind=RecipientClass(row.recipient_class) if row.recipient_class else None,
                name=row.recipient,
                purposes=frozenset(map(Purpose, row.purposes)),
                categories=frozenset(map(Category, row.categories)),
            )
        )
    return found


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
