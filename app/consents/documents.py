"""The texts that patients can agree to: publishing and reading them."""

import hashlib
import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.consents import queries, schemas
from app.consents.models import ConsentDocument
from app.consents.rules import document_faults
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess
from app.identity.models import Clinic
from app.identity.permissions import Reach


async def publish(
    db: Database, access: ClinicAccess, sent: schemas.ConsentDocumentWrite
) -> tuple[ConsentDocument, bool]:
    """Publish the next version of a document; the document, and whether it is new.

    Sending the newest version again changes nothing. Raises `InvalidRequest` when what it says about recipients,
    purposes and categories does not fit its type.
    """
    recipients = queries.recipients_of(each.model_dump() for each in sent.recipients)
    faults = document_faults(sent.type, sent.purposes, recipients, sent.categories)
    if sent.expires_at is not None and sent.expires_at <= clock.now():
        faults.append(FieldError("/expires_at", "in_the_past", "It would have run out before anybody signs."))
    if faults:
        raise InvalidRequest(errors=faults)
    await _one_at_a_time(db, access.clinic.id)
    content = sent.model_dump(mode="json")
    content_hash = _sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    before = await queries.newest(db, access.clinic.id, sent.type, sent.language)
    if before is not None and before.content_hash == content_hash:
        return before, False
    document = ConsentDocument(
        id=new_id(),
        clinic_id=access.clinic.id,
        version=before.version + 1 if before else 1,
        text_hash=_sha256(sent.text),
        content_hash=content_hash,
        published_by=access.caller.membership_id,
        published_at=clock.now(),
        expires_at=sent.expires_at,
        purposes=sorted(set(content["purposes"])),
        categories=sorted(set(content["categories"])),
        **{
            name: content[name]
            for name in ("type", "language", "title", "text", "questions", "recipients", "expires_after_days")
        },
    )
    db.add(document)
    await db.flush()
    events.record(
        db,
        EventType.CONSENT_DOCUMENT_PUBLISHED,
        clinic_id=access.clinic.id,
        subject_id=document.id,
        version=document.version,
    )
    return document, True


async def _one_at_a_time(db: Database, clinic_id: UUID) -> None:
    """Wait for other publications of this clinic, so that each version has its own number."""
    await db.execute(sa.select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True))


async def one(db: Database, clinic_id: UUID, document_id: UUID) -> ConsentDocument:
    """A document of the clinic, or `NotFound`."""
    this = ConsentDocument
    found: ConsentDocument | None = await db.scalar(
        sa.select(this).where(this.clinic_id == clinic_id, this.id == document_id)
    )
    if found is None:
        raise NotFound
    return found


async def shown(db: Database, access: ClinicAccess, document: ConsentDocument) -> dict[str, Any]:
    """A document for this caller: patients, who are asked, are not told the right answers."""
    newest = await queries.newest(db, access.clinic.id, document.type, document.language)
    hidden = access.reach is Reach.OWN
    questions = [each | {"correct": None} if hidden else each for each in document.questions]
    return _plain(document) | {"questions": questions, "current": newest is not None and newest.id == document.id}


async def listed(
    db: Database,
    access: ClinicAccess,
    paging: PageRequest,
    *,
    consent_type: str | None,
    language: str | None,
    every_version: bool,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the clinic's documents and the cursor of the next; only the current ones unless all are wanted."""
    this, later = ConsentDocument, sa.orm.aliased(ConsentDocument)
    followed = sa.exists().where(
        later.clinic_id == this.clinic_id,
        later.type == this.type,
        later.language == this.language,
        later.version > this.version,
    )
    statement = sa.select(this, sa.not_(followed).label("current")).where(this.clinic_id == access.clinic.id)
    if not every_version:
        statement = statement.where(~followed)
    if consent_type is not None:
        statement = statement.where(this.type == consent_type)
    if language is not None:
        statement = statement.where(this.language == language)
    rows, cursor = await queries.page(
        db,
        statement,
        this.published_at,
        this.id,
        paging,
        "consent-documents",
        access.clinic.id,
        consent_type,
        language,
        every_version,
    )
    return [_plain(row[0]) | {"current": bool(row.current)} for row in rows], cursor


def _plain(document: ConsentDocument) -> dict[str, Any]:
    return {column.key: getattr(document, column.key) for column in sa.inspect(ConsentDocument).column_attrs}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
