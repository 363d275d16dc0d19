"""Consents, documents, disclosures and restrictions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from app.consents import copies, disclosures, documents, schemas, service
from app.consents.errors import (
    AlreadySigned,
    ComprehensionNeeded,
    ConsentSuperseded,
    DocumentMismatch,
    DocumentOutdated,
    SigningOnHold,
)
from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import not_modified, stamp, unchanged, version_tag
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["consents"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
PUBLISHED_ALREADY: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ConsentDocument, "description": "The newest version says this already; nothing was stored."}
}
PAGE = problems(CursorInvalid, errors.InvalidRequest)
SIGNING = problems(
    errors.InvalidRequest, SigningOnHold, DocumentOutdated, DocumentMismatch, ComprehensionNeeded, AlreadySigned
)
COPY: dict[int | str, dict[str, Any]] = {
    200: {"description": "The copy.", "content": {"text/html": {"schema": {"type": "string"}}}},
    **problems(errors.NotFound),
}


# ------------------------------------------------------------------------------------------------------ documents
@router.get("/consent-documents", summary="What can be signed here", responses=PAGE)
async def list_consent_documents(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CONSENT_DOCUMENTS_READ, also_patients=True)],
    db: Db,
    paging: Paging,
    consent_type: Annotated[schemas.ConsentType | None, Query(alias="type", description="Only of this type.")] = None,
    language: Annotated[schemas.Language | None, Query(description="Only in this language.")] = None,
    every_version: Annotated[bool, Query(description="Also the versions that were followed by newer ones.")] = False,
) -> schemas.ConsentDocumentPage:
    """The clinic's documents, the latest published first; the current version of each unless all are asked for."""
    rows, cursor = await documents.listed(
        db, access, paging, consent_type=consent_type, language=language, every_version=every_version
    )
    return schemas.ConsentDocumentPage.model_validate({"items": rows, "next_cursor": cursor})


@router.post(
    "/consent-documents",
    status_code=201,
    summary="Publish a document, or its next version",
    response_model=schemas.ConsentDocument,
    responses=PUBLISHED_ALREADY | problems(errors.InvalidRequest),
)
async def publish_consent_document(
    document: schemas.ConsentDocumentWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CONSENT_DOCUMENTS_PUBLISH)],
    db: Db,
    response: Response,
) -> schemas.ConsentDocument:
    """Publish a text to be signed from now on. Nothing that was published is changed: this is the next version.

    A new version of the consent to treatment is signed by everybody before their next dose. Other consents go on
    counting until they are withdrawn or run out. Publishing the same again answers 200 and changes nothing.
    """
    published, is_new = await documents.publish(db, access, document)
    response.status_code = 201 if is_new else 200
    return schemas.ConsentDocument.model_validate(await documents.shown(db, access, published))


@router.get(
    "/consent-documents/{document_id}",
    summary="Read a document",
    response_model=schemas.ConsentDocument,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_consent_document(
    document_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CONSENT_DOCUMENTS_READ, also_patients=True)],
    db: Db,
) -> schemas.ConsentDocument | Response:
    """The text with its hash, the questions about it, and what it lets leave."""
    found = await documents.shown(db, access, await documents.one(db, access.clinic.id, document_id))
    tag = version_tag(found["version"], 0 if found["current"] else 1)
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.ConsentDocument.model_validate(found)


# --------------------------------------------------------------------------------------------------- the patient's
@router.get("/me/consents", summary="What I agreed to", responses=PAGE)
async def list_my_consents(
    access: Annotated[PatientAccess, me(Permission.CONSENTS_READ)], db: Db, paging: Paging
) -> schemas.ConsentPage:
    """Everything I signed, the latest first, also what no longer counts. `outdated`: there is a newer text to read."""
    return await _consents(access, db, paging)


@router.post(
    "/me/consents", status_code=201, summary="Sign a document", response_model=schemas.SignedConsent, responses=SIGNING
)
async def sign_consent(
    form: schemas.ConsentWrite, access: Annotated[PatientAccess, me(Permission.CONSENTS_SIGN)], db: Db
) -> schemas.SignedConsent:
    """Sign the current version of a document, as it was shown, with the questions answered.

    It takes the place of an earlier consent to the same. Refused while a dosing session is open: one agrees when sober.
    After a lost answer, send the same again: `already_signed` then names the consent that was kept.
    """
    return schemas.SignedConsent.model_validate(await service.sign(db, access, form))


@router.get(
    "/me/consents/{consent_id}",
    summary="One of my consents, with its text",
    response_model=schemas.SignedConsent,
    responses=problems(errors.NotFound),
)
async def read_my_consent(
    consent_id: UUID, access: Annotated[PatientAccess, me(Permission.CONSENTS_READ)], db: Db
) -> schemas.SignedConsent:
    """What I signed, word for word."""
    return await _consent(consent_id, access, db)


@router.get("/me/consents/{consent_id}/document", summary="My copy, to keep", response_class=Response, responses=COPY)
async def read_my_consent_copy(
    consent_id: UUID, access: Annotated[PatientAccess, me(Permission.CONSENTS_READ)], db: Db
) -> HTMLResponse:
    """The text that I signed with the signature below it, as a page to print or keep."""
    return await _copy(consent_id, access, db)


@router.post(
    "/me/consents/{consent_id}/withdrawal",
    summary="Withdraw a consent",
    response_model=schemas.SignedConsent,
    responses=problems(errors.NotFound, errors.InvalidRequest, ConsentSuperseded),
)
async def withdraw_consent(
    consent_id: UUID,
    access: Annotated[PatientAccess, me(Permission.CONSENTS_WITHDRAW)],
    db: Db,
    withdrawal: schemas.ConsentWithdrawalWrite | None = None,
) -> schemas.SignedConsent:
    """Withdraw it, at any time and at once: nothing leaves on the strength of it after the answer.

    What was done before in reliance on it stays done. Without the consent to data processing no new check-ins are
    taken; without the consent to treatment no dose is cleared. Withdrawing again changes nothing; signing again is
    possible. No `If-Match` is needed: nobody else can change a consent, and nothing may stand in the way of a no.
    """
    reason = withdrawal.reason if withdrawal else None
    return schemas.SignedConsent.model_validate(await service.withdraw(db, access, consent_id, reason))


@router.get("/me/disclosures", summary="Who was told what about me", responses=PAGE)
async def list_my_disclosures(
    access: Annotated[PatientAccess, me(Permission.DISCLOSURES_READ)], db: Db, paging: Paging
) -> schemas.DisclosurePage:
    """Everything that left the clinic by this service, and what was withheld, the latest first."""
    return await _disclosures(access, db, paging)


@router.get("/me/disclosure-restrictions", summary="What I want to stay here", responses=PAGE)
async def list_my_disclosure_restrictions(
    access: Annotated[PatientAccess, me(Permission.CONSENTS_READ)], db: Db, paging: Paging
) -> schemas.DisclosureRestrictionPage:
    """What I asked not to be passed on, the latest first, with what I lifted again."""
    return await _restrictions(access, db, paging)


@router.post(
    "/me/disclosure-restrictions",
    status_code=201,
    summary="Ask that something stays here",
    response_model=schemas.DisclosureRestriction,
    responses=problems(errors.InvalidRequest),
)
async def restrict_disclosure(
    restriction: schemas.DisclosureRestrictionWrite,
    access: Annotated[PatientAccess, me(Permission.CONSENTS_WITHDRAW)],
    db: Db,
) -> schemas.DisclosureRestriction:
    """Keep something from somebody, whatever was signed. It binds at once.

    It binds neither my own copy nor a medical emergency. A field that is left out means all.
    """
    return schemas.DisclosureRestriction.model_validate(await disclosures.restrict(db, access, restriction))


@router.post(
    "/me/disclosure-restrictions/{restriction_id}/lifting",
    summary="Lift a restriction",
    response_model=schemas.DisclosureRestriction,
    responses=problems(errors.NotFound, SigningOnHold),
)
async def lift_disclosure_restriction(
    restriction_id: UUID, access: Annotated[PatientAccess, me(Permission.CONSENTS_SIGN)], db: Db
) -> schemas.DisclosureRestriction:
    """Let what I signed count again. Like signing, it waits while a dosing session is open."""
    return schemas.DisclosureRestriction.model_validate(await disclosures.lift(db, access, restriction_id))


# -------------------------------------------------------------------------------------------------------- staff's
@router.get("/patients/{patient_id}/consents", summary="What a patient agreed to", responses=PAGE)
async def list_patient_consents(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONSENTS_READ)], db: Db, paging: Paging
) -> schemas.ConsentPage:
    """Everything the patient signed, the latest first, also what no longer counts."""
    return await _consents(access, db, paging)


@router.get(
    "/patients/{patient_id}/consents/{consent_id}",
    summary="One of a patient's consents, with its text",
    response_model=schemas.SignedConsent,
    responses=problems(errors.NotFound),
)
async def read_patient_consent(
    patient_id: UUID, consent_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONSENTS_READ)], db: Db
) -> schemas.SignedConsent:
    """What the patient signed, word for word."""
    return await _consent(consent_id, access, db)


@router.get(
    "/patients/{patient_id}/consents/{consent_id}/document",
    summary="The clinic's copy of a consent",
    response_class=Response,
    responses=COPY,
)
async def read_patient_consent_copy(
    patient_id: UUID, consent_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONSENTS_READ)], db: Db
) -> HTMLResponse:
    """The text that was signed with the signature below it, as a page to print or keep."""
    return await _copy(consent_id, access, db)


@router.get("/patients/{patient_id}/disclosures", summary="Who was told what about a patient", responses=PAGE)
async def list_patient_disclosures(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.DISCLOSURES_READ)], db: Db, paging: Paging
) -> schemas.DisclosurePage:
    """The accounting of disclosures, with what was withheld, the latest first."""
    return await _disclosures(access, db, paging)


@router.get(
    "/patients/{patient_id}/disclosure-restrictions", summary="What a patient wants to stay here", responses=PAGE
)
async def list_patient_disclosure_restrictions(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONSENTS_READ)], db: Db, paging: Paging
) -> schemas.DisclosureRestrictionPage:
    """What the patient asked not to be passed on, the latest first."""
    return await _restrictions(access, db, paging)


# --------------------------------------------------------------------------------------------------------- shared
async def _consents(access: PatientAccess, db: Db, paging: Paging) -> schemas.ConsentPage:
    rows, cursor = await service.listed(db, access, paging)
    return schemas.ConsentPage.model_validate({"items": rows, "next_cursor": cursor})


async def _consent(consent_id: UUID, access: PatientAccess, db: Db) -> schemas.SignedConsent:
    found = await service.one(db, access.patient, consent_id)
    return schemas.SignedConsent.model_validate(await service.shown(db, access, found))


async def _copy(consent_id: UUID, access: PatientAccess, db: Db) -> HTMLResponse:
    consent = await service.one(db, access.patient, consent_id)
    document = await documents.one(db, access.clinic.id, consent.document_id)
    shown = await service.shown(db, access, consent)
    return HTMLResponse(
        copies.page(shown, document.questions, clinic=access.clinic.name, time_zone=access.patient.time_zone)
    )


async def _disclosures(access: PatientAccess, db: Db, paging: Paging) -> schemas.DisclosurePage:
    rows, cursor = await disclosures.listed(db, access, paging)
    return schemas.DisclosurePage.model_validate({"items": rows, "next_cursor": cursor})


async def _restrictions(access: PatientAccess, db: Db, paging: Paging) -> schemas.DisclosureRestrictionPage:
    rows, cursor = await disclosures.restrictions(db, access, paging)
    return schemas.DisclosureRestrictionPage.model_validate({"items": rows, "next_cursor": cursor})
