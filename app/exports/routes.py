"""The patient's own copy of their record over HTTP.

What writes a copy is imported when the first is asked for: most processes never write one.
"""

# ruff: noqa: PLC0415  see above

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from app.consents.disclosures import disclose
from app.consents.kinds import Category, Purpose, Recipient, RecipientClass
from app.core import clock
from app.core.db import Database, Db
from app.core.fields import zone
from app.core.routing import Route
from app.exports import schemas, service
from app.exports.packing import Body, MadeLater
from app.exports.service import Reader
from app.identity.access import PatientAccess, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["my-record"], route_class=Route)

JSON, HTML, PDF = "application/json", "text/html", "application/pdf"
AS_JSON: dict[int | str, dict[str, Any]] = {200: {"model": schemas.RecordExport, "description": "The whole record."}}
AS_HTML: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole record, as one page.", "content": {HTML: {"schema": {"type": "string"}}}}
}
AS_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The record, as a document to print.",
        "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
    }
}

DISCLOSED = frozenset(
    {
        Category.PROFILE,
        Category.CHECK_INS,
        Category.NOTES,
        Category.DOSING_SESSIONS,
        Category.ALERTS,
        Category.APPOINTMENTS,
        Category.CONSENTS,
    }
)
"""What a copy holds."""

Own = Annotated[PatientAccess, me(Permission.EXPORT_READ)]
Write = Callable[[Reader, schemas.RecordWithoutAnswers], Awaitable[Body]]


@router.get("/me/export", summary="My whole record, for a program", response_class=Response, responses=AS_JSON)
async def export_my_record(request: Request, access: Own, db: Db) -> Response:
    """Download everything of my record as JSON: what I reported, my care, who read it, how long things are kept.

    The shape is versioned (`format_version`). What is not in it stands in `left_out`. A record of many years takes
    some seconds.
    """
    from app.exports import as_json

    return await _copy(request, access, db, as_json.write, JSON, "json")


@router.get(
    "/me/export/html", summary="My whole record, to read on a screen", response_class=Response, responses=AS_HTML
)
async def export_my_record_as_html(request: Request, access: Own, db: Db) -> Response:
    """Download my record as one page with charts and tables, which needs no connection to be read.

    It holds every check-in and every word that I wrote.
    """
    from app.exports import as_html

    answer = await _copy(request, access, db, as_html.write, HTML, "html")
    answer.headers["content-security-policy"] = as_html.POLICY
    return answer


@router.get("/me/export/pdf", summary="My record, to print or hand over", response_class=Response, responses=AS_PDF)
async def export_my_record_as_pdf(request: Request, access: Own, db: Db) -> Response:
    """Download my record as a document with charts and tables.

    Of a long record it holds the newest 1,000 check-ins one by one and all of them by month, and says so.
    """
    from app.exports import as_pdf

    return await _copy(request, access, db, as_pdf.write, PDF, "pdf")


async def _copy(
    request: Request, access: PatientAccess, db: Database, write: Write, media_type: str, suffix: str
) -> Response:
    """A copy that is made after the transaction of the request, which let the caller in and accounts for it."""
    await disclose(db, access.patient, Recipient(RecipientClass.PATIENT), Purpose.PATIENT_ACCESS, DISCLOSED)
    engine = request.app.state.engine
    day = clock.now().astimezone(zone(access.patient.time_zone)).date()
    headers = {"content-disposition": f'attachment; filename="my-record-{day}.{suffix}"', "cache-control": "no-store"}

    async def make() -> Body:
        return await service.whole(engine, access, write)

    return MadeLater(make, media_type, headers)
