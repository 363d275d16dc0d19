"""Signing and withdrawing consents, and what depends on them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from app.consents import disclosures, documents, queries, rules, schemas
from app.consents.errors import ConsentNeeded, ConsentSuperseded
from app.consents.kinds import Category, ConsentKind
from app.consents.models import Consent, ConsentDocument, SigningHold
from app.consents.queries import Whose
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView
from app.identity.models import PatientRevision
from app.identity.permissions import Reach
from app.identity.queries import staff_among
from app.protocols.rules import Protocol

Method = Literal["app", "imported"]


async def sign(
    db: Database, access: PatientAccess, form: schemas.ConsentWrite, *, method: Method = "app"
) -> dict[str, Any]:
    """Keep a signature as a consent, which takes the place of the one before it.

    Raises `InvalidRequest` for what is missing, and what `rules.check_signing` raises.
    """
    now, patient = clock.now(), access.patient
    document = await _document(db, access.clinic.id, form.document_id)
    offer, attempt = await _offer(db, document), _attempt(form)
    earlier = await queries.agreements(db, patient)
    before = rules.check_signing(offer, attempt, earlier, held=await queries.is_held(db, patient), now=now)
    faults = rules.signing_faults(offer, attempt) + await _unknown_witness(db, access.clinic.id, form.witness_id)
    if faults:
        raise InvalidRequest(errors=faults)
    recipients, categories = rules.granted(offer, attempt)
    consent = Consent(
        id=new_id(),
        clinic_id=access.clinic.id,
        patient_id=patient.id,
        type=document.type,
        document_id=document.id,
        document_version=document.version,
        language=document.language,
        text_hash=document.text_hash,
        presented_at=form.presented_at,
        answers=form.answers,
        signed_at=now,
        signer=form.signer.value,
        signature=form.signature,
        relationship=form.relationship if form.signer is not rules.SignerKind.PATIENT else None,
        witness_id=form.witness_id,
        method=method,
        device_id=access.caller.device_id,
        capacity_statement=form.capacity_statement,
        purposes=document.purposes,
        recipients=json.dumps(queries.recipients_said(recipients), ensure_ascii=False),
        categories=sorted(categories),
        expires_at=offer.ends(now),
        supersedes=before.id if before else None,
    )
    db.add(consent)
    await db.flush()
    if document.type == ConsentKind.APP:
        await _note_app_consent(db, patient, withdrawn_at=None)
    _tell(db, consent, EventType.CONSENT_SIGNED, version=1)
    patient.revise(db)
    return await shown(db, access, consent)


async def withdraw(db: Database, access: PatientAccess, consent_id: UUID, reason: str | None) -> dict[str, Any]:
    """Withdraw a consent, at once; withdrawing it again changes nothing. Raises `ConsentSuperseded`.

    It is possible at any time, also while a dosing session is open: saying no needs no capacity to say yes.
    """
    consent = await one(db, access.patient, consent_id)
    if consent.withdrawn_at is None:
        newer = await db.scalar(
            sa.select(Consent.id).where(Consent.clinic_id == consent.clinic_id, Consent.supersedes == consent.id)
        )
        if newer is not None:
            raise ConsentSuperseded(superseded_by=str(newer))
        consent.withdrawn_at, consent.withdrawal_reason = clock.now(), reason
        await db.flush()
        if consent.type == ConsentKind.APP:
            await _note_app_consent(db, access.patient, withdrawn_at=consent.withdrawn_at)
        _tell(db, consent, EventType.CONSENT_WITHDRAWN, version=2)
        access.patient.revise(db)
        if consent.purposes:
            await disclosures.outlast(db)
    return await shown(db, access, consent)


async def one(db: Database, whose: Whose, consent_id: UUID) -> Consent:
    """A consent of the patient, or `NotFound`."""
    found: Consent | None = await db.scalar(
        sa.select(Consent).where(
            Consent.clinic_id == whose.clinic_id, Consent.patient_id == whose.id, Consent.id == consent_id
        )
    )
    if found is None:
        raise NotFound
    return found


async def shown(db: Database, access: PatientAccess, consent: Consent) -> dict[str, Any]:
    """A consent with the text that was signed."""
    document = await documents.one(db, consent.clinic_id, consent.document_id)
    newer = sa.select(Consent.id).where(Consent.clinic_id == consent.clinic_id, Consent.supersedes == consent.id)
    newest = await queries.newest_versions(db, consent.clinic_id)
    superseded = await db.scalar(newer) is not None
    return _plain(access, consent, newest, superseded=superseded) | {"title": document.title, "text": document.text}


async def listed(db: Database, access: PatientAccess, paging: PageRequest) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what the patient signed, the latest first, and the cursor of the next."""
    newer = sa.orm.aliased(Consent)
    superseded = sa.exists().where(newer.clinic_id == Consent.clinic_id, newer.supersedes == Consent.id)
    statement = sa.select(Consent, superseded.label("superseded")).where(
        Consent.clinic_id == access.clinic.id, Consent.patient_id == access.patient.id
    )
    rows, cursor = await queries.page(
        db, statement, Consent.signed_at, Consent.id, paging, "consents", access.patient.id
    )
    newest = await queries.newest_versions(db, access.clinic.id)
    return [_plain(access, row[0], newest, superseded=bool(row.superseded)) for row in rows], cursor


def _plain(
    access: PatientAccess, consent: Consent, newest: Mapping[tuple[str, str], int], *, superseded: bool
) -> dict[str, Any]:
    agreement = queries.agreement_of(consent, superseded=superseded)
    row = {column.key: getattr(consent, column.key) for column in sa.inspect(Consent).column_attrs}
    return row | {
        "status": agreement.status(clock.now()),
        "outdated": newest.get((consent.type, consent.language), 0) > consent.document_version,
        "recipients": queries.recipients_said(agreement.recipients),
        # Why somebody says no is for those who treat them, not for who administers the clinic.
        "withdrawal_reason": None if access.reach is Reach.CLINIC else consent.withdrawal_reason,
    }


async def _document(db: Database, clinic_id: UUID, document_id: UUID) -> ConsentDocument:
    try:
        return await documents.one(db, clinic_id, document_id)
    except NotFound:
        fault = FieldError("/document_id", "unknown_document", "The clinic has no such document.")
        raise InvalidRequest(errors=[fault]) from None


async def _offer(db: Database, document: ConsentDocument) -> rules.Offer:
    newest = await queries.newest(db, document.clinic_id, document.type, document.language)
    return rules.Offer(
        id=document.id,
        type=document.type,
        language=document.language,
        text_hash=document.text_hash,
        current_id=newest.id if newest else None,
        answers={question["key"]: question["correct"] for question in document.questions},
        categories=frozenset(map(Category, document.categories)),
        recipients=queries.recipients_of(document.recipients),
        expires_at=document.expires_at,
        expires_after=timedelta(days=document.expires_after_days) if document.expires_after_days else None,
    )


def _attempt(form: schemas.ConsentWrite) -> rules.Attempt:
    return rules.Attempt(
        language=form.language,
        text_hash=form.text_hash,
        answers=form.answers,
        signer=form.signer,
        relationship=form.relationship,
        has_witness=form.witness_id is not None,
        states_capacity=bool((form.capacity_statement or "").strip()),
        recipients=queries.recipients_of(each.model_dump() for each in form.recipients),
        categories=frozenset(form.categories),
    )


async def _unknown_witness(db: Database, clinic_id: UUID, witness_id: UUID | None) -> list[FieldError]:
    if witness_id is None or await staff_among(db, clinic_id, [witness_id]):
        return []
    return [FieldError("/witness_id", "unknown_staff", "Nobody of this id works here.")]


async def _note_app_consent(db: Database, patient: PatientView, *, withdrawn_at: datetime | None) -> None:
    """Say it on the row that every write of the patient locks, so that no check-in needs a statement to ask."""
    await db.execute(
        sa.update(PatientRevision)
        .where(PatientRevision.clinic_id == patient.clinic_id, PatientRevision.patient_id == patient.id)
        .values(app_consent_withdrawn_at=withdrawn_at)
    )


def _tell(db: Database, consent: Consent, event_type: EventType, *, version: int) -> None:
    events.record(
        db,
        event_type,
        clinic_id=consent.clinic_id,
        patient_id=consent.patient_id,
        subject_id=consent.id,
        version=version,
    )


# ------------------------------------------------------------------------------------------- for dosing sessions
def hold_signing(db: Database, patient: Whose, dosing_session_id: UUID) -> None:
    """Let nobody sign for this patient from now on: a dosing session is open. In the transaction that opens it."""
    row = {"opened_at": clock.now(), "released_at": None, "patient_id": patient.id}
    db.stage(SigningHold, {"clinic_id": patient.clinic_id, "dosing_session_id": dosing_session_id} | row)


def release_signing(db: Database, patient: Whose, dosing_session_id: UUID) -> None:
    """Let this patient sign again, as far as this session is concerned. In the transaction that closes it."""
    key = {"clinic_id": patient.clinic_id, "dosing_session_id": dosing_session_id}
    db.stage_change(SigningHold, key, {"released_at": clock.now()})


async def check_before_clearance(db: Database, patient: Whose, protocol: Protocol) -> None:
    """Raise `ConsentNeeded` unless every consent that a dose needs stands, in the newest version of its document."""
    newest = await queries.newest_versions(db, patient.clinic_id)
    await _check(db, patient, newest, protocol.consents.require_before_dose, clock.now())


async def check_when_dosed(db: Database, patient: Whose, started_at: datetime) -> None:
    """Raise `ConsentNeeded` if the consent to treatment no longer stood when the dose began.

    What was withdrawn afterwards does not keep a dose that was given out of the record.
    """
    await _check(db, patient, {}, (), started_at)


async def _check(
    db: Database, patient: Whose, newest: Mapping[tuple[str, str], int], required: Iterable[str], at: datetime
) -> None:
    lacking = rules.lacking_before_dose(await queries.agreements(db, patient), newest, required, at)
    if lacking:
        raise ConsentNeeded(consents=[{"type": name, "reason": lack.value} for name, lack in lacking.items()])
