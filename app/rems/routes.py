"""REMS reports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.dosing.models import DosingSession
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic
from app.identity.permissions import Permission
from app.rems import pages, schemas, service
from app.rems.errors import NotInTheProgramme, ReportSubmitted

router = APIRouter(prefix="/v1", tags=["rems-reports"], route_class=StrictRoute)

HTML, PDF = "text/html", "application/pdf"
OF_SESSION: dict[str, Any] = {"of": DosingSession, "named": "session_id"}
READ = problems(errors.NotFound, NotInTheProgramme)
CHANGE = problems(
    errors.NotFound,
    errors.InvalidRequest,
    errors.PreconditionFailed,
    errors.PreconditionRequired,
    NotInTheProgramme,
    ReportSubmitted,
)
AS_HTML: dict[int | str, dict[str, Any]] = {
    200: {"description": "The report, as one page.", "content": {HTML: {"schema": {"type": "string"}}}},
    **READ,
}
AS_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report, as a document to print.",
        "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
    },
    **READ,
}
Overdue = Annotated[
    bool | None, Query(description="Only those that are overdue, or only those that are not; all when left out.")
]


@router.get(
    "/rems-reports",
    summary="List the reports of the clinic's esketamine sessions",
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_rems_reports(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.REMS_READ)],
    page: Paging,
    db: Db,
    overdue: Overdue = None,
) -> schemas.RemsReportPage:
    """List one report for each session with esketamine, the earliest first. `overdue=true` is what waits."""
    rows, cursor = await service.listed(db, access, page, overdue=overdue)
    return schemas.RemsReportPage.model_validate({"items": rows, "next_cursor": cursor})


@router.get("/dosing-sessions/{session_id}/rems-report", summary="Read the report of a session", responses=READ)
async def read_rems_report(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.REMS_READ, **OF_SESSION)],
    db: Db,
    response: Response,
) -> schemas.RemsReport:
    """Read what the programme for esketamine asks of a session, filled in from what was written down.

    Each field says where its value comes from, and `missing` names those that nobody has filled in. We send nothing to
    anybody: check it, add what is missing, send it through the programme's own form, and note that you did.
    """
    return _answer(response, await service.show(db, access, session_id))


@router.put("/dosing-sessions/{session_id}/rems-report", summary="Add what a report needs", responses=CHANGE)
async def change_rems_report(
    session_id: UUID,
    said: schemas.RemsReportWrite,
    access: Annotated[PatientAccess, allow(Permission.REMS_WRITE, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.RemsReport:
    """Say what the session does not, or says otherwise. It stands in the report alone: the session is not changed.

    It needs `If-Match` with the version that you read, which is `"0"` the first time.
    """
    return _answer(response, await service.put(db, access, session_id, said, if_match))


@router.post(
    "/dosing-sessions/{session_id}/rems-report/submission", summary="Note that a report was sent", responses=CHANGE
)
async def submit_rems_report(
    session_id: UUID,
    sent: schemas.RemsSubmissionWrite,
    access: Annotated[PatientAccess, allow(Permission.REMS_WRITE, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.RemsReport:
    """Note that the clinic sent the report itself, when, and under which number. It is kept as it was then.

    Missing fields do not stand in the way: what the programme took, it took. It is no longer overdue afterwards.
    """
    return _answer(response, await service.submit(db, access, session_id, sent, if_match))


@router.get(
    "/dosing-sessions/{session_id}/rems-report/html",
    summary="A report as a page to print",
    response_class=Response,
    responses=AS_HTML,
)
async def read_rems_report_page(
    session_id: UUID, access: Annotated[PatientAccess, allow(Permission.REMS_READ, **OF_SESSION)], db: Db
) -> HTMLResponse:
    """Read the report as one page, without script or style."""
    page = pages.page(await service.show(db, access, session_id), access.clinic.time_zone)
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


@router.get(
    "/dosing-sessions/{session_id}/rems-report/pdf",
    summary="A report as a document to print",
    response_class=Response,
    responses=AS_PDF,
)
async def read_rems_report_document(
    session_id: UUID, access: Annotated[PatientAccess, allow(Permission.REMS_READ, **OF_SESSION)], db: Db
) -> Response:
    """Read the report as a PDF."""
    report = await service.show(db, access, session_id)
    await db.let_go()  # nobody else waits while it is typeset
    headers = {"content-disposition": f'inline; filename="rems-report-{session_id}.pdf"', "cache-control": "no-store"}
    return Response(await pages.pdf(report, access.clinic.time_zone), media_type=PDF, headers=headers)


def _answer(response: Response, report: dict[str, Any]) -> schemas.RemsReport:
    etags.stamp(response, etags.version_tag(report["version"]))
    return schemas.RemsReport.model_validate(report)
