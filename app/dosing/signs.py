"""Signs of danger that are found before a dose, and in who asks for one: judged and raised where they are written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.dosing import checklist_rules
from app.dosing.checklist_rules import Before
from app.dosing.checklist_schemas import Checklist
from app.dosing.models import DosingSession, ExtraSessionRequest
from app.identity.access import PatientAccess
from app.safety import alerts, rules
from app.safety.findings import Finding, Subject, SubjectKind
from app.safety.models import Alert
from app.safety.rules import PreDoseInputs


async def raise_before_dose(
    db: Database, access: PatientAccess, session: DosingSession, checklist: Checklist, before: Before
) -> None:
    """Raise FREQ-1, PREG-1 and TOX-2 once for a session: at the checklist, or else at the clearance."""
    test = checklist.pregnancy_test
    inputs = PreDoseInputs(
        hours_since_last_dose=before.hours_since_last_dose,
        doses_7d=before.doses_7d,
        doses_28d=before.doses_28d,
        doses_total=before.doses_total,
        reviewed_after_induction=before.reviewed_on is not None,
        pregnancy_test=test.result if test else None,
        had_a_dose=before.doses_total > 0,
        ketamine_on_uds_outside_plan=checklist_rules.ketamine_outside_plan(checklist),
        extra_requests=await requests_until(db, access, clock.now()),
    )
    findings = rules.judge_pre_dose(inputs, access.protocol.dosing, access.protocol.safety)
    if not findings:
        return
    known = set(
        await db.scalars(
            sa.select(Alert.rule).where(
                Alert.clinic_id == session.clinic_id,
                Alert.patient_id == session.patient_id,
                Alert.dosing_session_id == session.id,
            )
        )
    )
    await _raise(db, access, session, [each for each in findings if each.rule not in known])


async def raise_missed_session(db: Database, access: PatientAccess, session: DosingSession) -> None:
    """Raise MISS-3: nobody came."""
    hours = (clock.now() - session.scheduled_at) / timedelta(hours=1)
    found = rules.judge_missed_session(hours_late=hours, no_show=True, dosing=access.protocol.dosing)
    await _raise(db, access, session, found)


async def raise_extra_requests(db: Database, access: PatientAccess, request: ExtraSessionRequest) -> None:
    """Raise TOX-2 when a session beside the plan was asked for too often, in whatever order that is written down."""
    within = timedelta(days=access.protocol.safety.tox2_days)
    at = ExtraSessionRequest.requested_at
    times = await db.scalars(
        sa.select(at).where(
            ExtraSessionRequest.clinic_id == access.clinic.id,
            ExtraSessionRequest.patient_id == access.patient.id,
            at > request.requested_at - within,
            at < request.requested_at + within,
        )
    )
    found = rules.judge_extra_requests(most_within(times.all(), within), access.protocol.safety)
    await _tell(db, access, found, Subject(SubjectKind.EXTRA_SESSION_REQUEST, request.id, request.requested_at))


def most_within(times: Sequence[datetime], within: timedelta) -> int:
    """Count how many fall into the fullest window of this length. A window leaves out its first instant."""
    return max((sum(last - within < each <= last for each in times) for last in times), default=0)


async def requests_until(db: Database, access: PatientAccess, at: datetime) -> int:
    """Count the requests of the days that TOX-2 looks back on."""
    since = at - timedelta(days=access.protocol.safety.tox2_days)
    return await count_requests(db, access.clinic.id, access.patient.id, since, at)


async def count_requests(db: Database, clinic_id: UUID, patient_id: UUID, since: datetime, until: datetime) -> int:
    """Count a patient's requests for a session beside the plan: after `since`, up to `until`."""
    found = await db.scalar(
        sa.select(sa.func.count())
        .select_from(ExtraSessionRequest)
        .where(
            ExtraSessionRequest.clinic_id == clinic_id,
            ExtraSessionRequest.patient_id == patient_id,
            ExtraSessionRequest.requested_at > since,
            ExtraSessionRequest.requested_at <= until,
        )
    )
    return found or 0


async def _raise(db: Database, access: PatientAccess, session: DosingSession, findings: list[Finding]) -> None:
    subject = Subject(SubjectKind.DOSING_SESSION, session.id, clock.now(), session.id, session.session_clinician_id)
    await _tell(db, access, findings, subject)


async def _tell(db: Database, access: PatientAccess, findings: list[Finding], subject: Subject) -> None:
    await alerts.raise_alerts(db, access.clinic, access.patient, access.protocol, findings, subject)
