"""Reading instruments, and uploading a clinic's own wording."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app.core import etags
from app.core.db import Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.instruments import schemas, service
from app.instruments.errors import UnknownInstrument, UnknownInstrumentVersion

router = APIRouter(prefix="/v1/instruments", tags=["instruments"], route_class=StrictRoute)

CONDITIONAL: dict[int | str, dict[str, Any]] = {304: {"description": "It is still what `If-None-Match` names."}}


@router.get("", summary="List the instruments", response_model=schemas.InstrumentPage, responses=CONDITIONAL)
async def list_instruments(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.INSTRUMENTS_READ, also_patients=True)],
    request: Request,
    response: Response,
    db: Db,
) -> schemas.InstrumentPage | Response:
    """Every questionnaire in its current version, with the measures it yields and the class of its licence.

    Restricted scales are listed with their structure alone; their wording comes from the clinic.
    """
    page = await service.list_instruments(db, access)
    tag = etags.composed_tag(page.model_dump_json())
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return page


@router.get(
    "/{key}",
    summary="Read an instrument",
    response_model=schemas.Instrument,
    responses=CONDITIONAL | problems(UnknownInstrument, UnknownInstrumentVersion),
)
async def read_instrument(
    *,
    key: Annotated[str, Path(max_length=64, description="Key of the instrument.", examples=["craving_nrs"])],
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.INSTRUMENTS_READ, also_patients=True)],
    request: Request,
    response: Response,
    db: Db,
    version: Annotated[
        str | None, Query(max_length=16, description="Version of the definition; without it, the current one.")
    ] = None,
    language: Annotated[
        str | None,
        Query(max_length=35, description="Language of the clinic's wording (BCP 47); without it, the clinic's own."),
    ] = None,
) -> schemas.Instrument | Response:
    """Items, permitted answers, scoring, band sets, cut-offs, safety items, intervals and licence of one version.

    `clinic_wording` holds the words that the clinic may use, where it uploaded some.
    """
    instrument = await service.read_instrument(db, access, key, version, language)
    tag = etags.composed_tag(instrument.model_dump_json())
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return instrument


@router.post(
    "",
    summary="Upload the clinic's wording",
    status_code=201,
    response_model=schemas.InstrumentWording,
    responses={
        200: {
            "model": schemas.InstrumentWording,
            "description": "The newest revision already says this; nothing was stored.",
        }
    },
)
async def add_instrument_wording(
    wording: schemas.InstrumentWordingWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.INSTRUMENTS_WRITE)],
    response: Response,
    db: Db,
) -> schemas.InstrumentWording:
    """Add the words that the clinic may use for an instrument, with the record of the licence.

    The words belong to one version of the instrument and one language, and are shown to this clinic alone. They must
    name every item. Earlier revisions are kept. Some licences fix the wording: do not edit it.
    """
    kept, is_new = await service.add_wording(db, access, wording)
    response.status_code = 201 if is_new else 200
    return kept
