"""The dose of a session: begun, ended, corrected. Every version is kept; what is unusual is confirmed with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.consents import service as consents
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.dosing import checklists, clearances, dose_rules, pauses, rules, steps
from app.dosing import dose_records as records
from app.dosing.dose_rules import AFTER_THE_FACT, Warned, Weight
from app.dosing.dose_schemas import DoseAnswer, DoseConfirmationWrite, DoseCorrectionWrite, DoseEndWrite, DoseWrite
from app.dosing.errors import DoseNeedsConfirmation, PrescriberNeeded
from app.dosing.models import DoseRecord, DosingSession
from app.dosing.rules import DoseRoute, SessionAction, SessionStage
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.identity.models import Membership
from app.identity.permissions import Permission, Role, reach
from app.identity.queries import IS_STAFF

CORRECTION: Final = "dose-correction"


@dataclass(frozen=True, slots=True)
class _Staff:
    """Who gave a dose, and who saw what was thrown away."""

    administered_by: UUID
    waste_witnessed_by: UUID | None


async def start(
    db: Database, access: PatientAccess, session_id: UUID, dose: DoseWrite, if_match: str | None
) -> DosingSession:
    """Record that administration began.

    Raises `ConsentNeeded` when the treatment was not agreed to any more then, `ClearanceExpired`,
    `DoseNeedsConfirmation` and `PrescriberNeeded`.
    """
    session = await steps.session_of(db, access, session_id)
    steps.may_take(session, if_match, SessionAction.DOSE)
    now = clock.now()
    started_at = dose.dose_started_at or now
    rules.check_dose(dose.substance, dose.route, started_at, now=now, tolerance=tolerance(access))
    await consents.check_when_dosed(db, access.patient, started_at)
    await clearances.check_stands(db, access, session, started_at)
    staff = await _staff(db, access, dose)
    weight, planned = await _said_before(db, session, dose)
    per_kg = records.per_kg(access, dose.dose_mg, weight, started_at)
    given = (dose.substance.value, dose.route.value)
    warnings = [
        *dose_rules.dose_warnings(dose.route, dose.dose_mg, per_kg, access.protocol.dosing),
        *dose_rules.plan_warnings(given, planned),
    ]
    reasons = _confirmed(access, warnings, dose.confirmations)
    change: dict[str, Any] = {
        "substance": dose.substance.value,
        "route": dose.route.value,
        "dose_mg": dose.dose_mg,
        "dose_started_at": started_at,
        "session_clinician_id": staff.administered_by,
        "protocol_version": access.clinic.protocol_version,
    }
    await steps.take(db, access, session, if_match, SessionAction.DOSE, change=change)
    await steps.ask_around(db, access, session)
    row = _row(dose, staff, weight, per_kg[0]) | {"started_at": started_at, "ended_at": None}
    await records.append(db, access, session, row | records.said(warnings, reasons))
    return session


async def end(
    db: Database, access: PatientAccess, session_id: UUID, said: DoseEndWrite | None, if_match: str | None
) -> DosingSession:
    """Record that administration ended. Raises `DoseNeedsConfirmation` for an unusually short or long infusion."""
    session = await steps.session_of(db, access, session_id)
    steps.may_take(session, if_match, SessionAction.DOSE_END)
    said = said or DoseEndWrite()
    ended_at = _ended_at(access, session, said.dose_ended_at)
    before = await records.newest(db, session)
    row = {name: getattr(before, name) for name in records.KEPT} | {"ended_at": ended_at}
    if said.wasted_mg is not None:
        await _check_staff(db, access, {"/waste_witnessed_by": said.waste_witnessed_by}, before.administered_by)
        row |= {"wasted_mg": said.wasted_mg, "waste_witnessed_by": said.waste_witnessed_by}
    stood_still = await pauses.of_session(db, session)
    new = dose_rules.infusion_warnings(
        DoseRoute(before.route), before.started_at, ended_at, map(pauses.plain, stood_still), access.protocol.dosing
    )
    reasons = _confirmed(access, new, said.confirmations)
    earlier = records.warnings_of(before)
    await steps.take(db, access, session, if_match, SessionAction.DOSE_END, change={"dose_ended_at": ended_at})
    await records.append(
        db,
        access,
        session,
        row | records.said([*(w for w, _ in earlier), *new], dict(records.by_code(earlier)) | reasons),
    )
    return session


async def stop(
    db: Database,
    access: PatientAccess,
    session: DosingSession,
    if_match: str | None,
    action: SessionAction,
    *,
    ended_at: datetime | None,
    reason: str,
) -> DosingSession:
    """Abort a dose, or hand the patient over. Whatever goes into them ends with it; that needs no confirmation."""
    steps.may_take(session, if_match, action)
    goes_on = session.dose_started_at is not None and session.dose_ended_at is None
    if not goes_on:
        if ended_at is not None:
            fault = FieldError("/dose_ended_at", "nothing_to_end", "No dose is being given.")
            raise InvalidRequest(errors=[fault])
        return await steps.take(db, access, session, if_match, action, reason=reason)
    over = _ended_at(access, session, ended_at)
    before = await records.newest(db, session)
    await steps.take(db, access, session, if_match, action, change={"dose_ended_at": over}, reason=reason)
    kept = {name: getattr(before, name) for name in (*records.KEPT, "warnings", "confirmations")}
    await records.append(db, access, session, kept | {"ended_at": over})
    return session


async def correct(
    db: Database, access: PatientAccess, session_id: UUID, dose: DoseCorrectionWrite, if_match: str | None
) -> DoseAnswer:
    """Write down what was really given: one more version, and the session and its check-ins follow it."""
    session = await steps.session_of(db, access, session_id)
    steps.check_version(session, if_match)
    before = await records.newest(db, session)
    _check_times(access, before, (await records.versions(db, session))[0].recorded_at, dose)
    staff = await _staff(db, access, dose)
    weight = None if dose.weight_kg is None or dose.weighed_on is None else Weight(dose.weight_kg, dose.weighed_on)
    per_kg = records.per_kg(access, dose.dose_mg, weight, dose.dose_started_at)
    dosing = access.protocol.dosing
    warnings = dose_rules.dose_warnings(dose.route, dose.dose_mg, per_kg, dosing)
    checklist = await checklists.newest(db, session)
    if checklist is not None:
        planned = checklists.content_of(checklist)
        said = (planned.planned_substance, planned.planned_route)
        warnings += dose_rules.plan_warnings((dose.substance.value, dose.route.value), said)
    warnings += dose_rules.clearance_warnings(dose.dose_started_at, session.cleared_at, dosing, tolerance(access))
    if dose.dose_ended_at is not None and session.status != SessionStage.ABORTED:
        stood_still = map(pauses.plain, await pauses.of_session(db, session))
        warnings += dose_rules.infusion_warnings(
            dose.route, dose.dose_started_at, dose.dose_ended_at, stood_still, dosing
        )
    reasons = _confirmed(access, warnings, dose.confirmations)
    change: dict[str, Any] = {
        "substance": dose.substance.value,
        "route": dose.route.value,
        "dose_mg": dose.dose_mg,
        "dose_started_at": dose.dose_started_at,
        "dose_ended_at": dose.dose_ended_at,
        "session_clinician_id": staff.administered_by,
    }
    told = EventType.DOSING_SESSION_CORRECTED
    await steps.touch(db, access, session, CORRECTION, told, change=change, reason=dose.reason)
    await steps.ask_around(db, access, session)
    row = _row(dose, staff, weight, per_kg[0]) | {"correction_reason": dose.reason}
    times = {"started_at": dose.dose_started_at, "ended_at": dose.dose_ended_at}
    await records.append(db, access, session, row | times | records.said(warnings, reasons))
    if session.status == SessionStage.DISCHARGE_READY:
        # Whoever said that the patient may go home counted from another moment.
        await steps.watch_again(db, access, session, CORRECTION)
    return await records.shown(db, access, session)


async def read(db: Database, access: PatientAccess, session_id: UUID) -> DoseAnswer:
    """Read the dose of a session, or raise `NoDose`."""
    return await records.shown(db, access, await steps.session_of(db, access, session_id))


def tolerance(access: PatientAccess) -> timedelta:
    """How far ahead of ours a clock may be."""
    return timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)


def _ended_at(access: PatientAccess, session: DosingSession, said: datetime | None) -> datetime:
    now = clock.now()
    started_at = session.dose_started_at or now
    ended_at = said or max(now, started_at)
    rules.check_dose_end(started_at, ended_at, now=now, tolerance=tolerance(access))
    return ended_at


def _check_times(access: PatientAccess, before: DoseRecord, entered_at: datetime, dose: DoseCorrectionWrite) -> None:
    now = clock.now()
    rules.check_dose(
        dose.substance,
        dose.route,
        dose.dose_started_at,
        now=now,
        tolerance=tolerance(access),
        entered_at=entered_at,
    )
    if (dose.dose_ended_at is None) != (before.ended_at is None):
        fault = FieldError("/dose_ended_at", "not_as_it_stands", "A correction neither ends a dose nor lets it go on.")
        raise InvalidRequest(errors=[fault])
    if dose.dose_ended_at is not None:
        rules.check_dose_end(dose.dose_started_at, dose.dose_ended_at, now=now, tolerance=tolerance(access))


async def _said_before(
    db: Database, session: DosingSession, dose: DoseWrite
) -> tuple[Weight | None, tuple[str | None, str | None]]:
    """The weight that counts, and the substance and route that were cleared."""
    stored = await checklists.newest(db, session)
    checklist = None if stored is None else checklists.content_of(stored)
    if dose.weight_kg is not None and dose.weighed_on is not None:
        weight: Weight | None = Weight(dose.weight_kg, dose.weighed_on)
    elif checklist is not None and checklist.weight_kg is not None and checklist.weighed_on is not None:
        weight = Weight(checklist.weight_kg, checklist.weighed_on)
    else:
        weight = None
    planned = (checklist.planned_substance, checklist.planned_route) if checklist else (None, None)
    return weight, planned


async def _staff(db: Database, access: PatientAccess, dose: DoseWrite | DoseCorrectionWrite) -> _Staff:
    by = dose.administered_by or access.caller.membership_id
    await _check_staff(
        db, access, {"/administered_by": dose.administered_by, "/waste_witnessed_by": dose.waste_witnessed_by}, by
    )
    return _Staff(by, dose.waste_witnessed_by)


async def _check_staff(
    db: Database, access: PatientAccess, named: Mapping[str, UUID | None], administered_by: UUID
) -> None:
    """Refuse people who do not work here, and a witness who gave the dose; raises `InvalidRequest` with pointers."""
    ids = {each for each in named.values() if each is not None}
    if not ids:
        return
    found = await db.execute(
        sa.select(Membership.id, Membership.role).where(
            Membership.clinic_id == access.clinic.id, Membership.id.in_(ids), IS_STAFF, Membership.ended_at.is_(None)
        )
    )
    roles = {row.id: Role(row.role) for row in found}
    faults = []
    for pointer, staff_id in named.items():
        if staff_id is None:
            continue
        if staff_id not in roles:
            faults.append(FieldError(pointer, "unknown_staff", "Nobody of this id works here."))
        elif pointer == "/administered_by" and reach(Permission.DOSING_ADMINISTER, roles[staff_id]) is None:
            faults.append(FieldError(pointer, "may_not_administer", "This role gives no doses."))
        elif pointer == "/waste_witnessed_by" and staff_id == administered_by:
            faults.append(FieldError(pointer, "not_another", "Somebody else has to have seen it."))
    if faults:
        raise InvalidRequest(errors=faults)


def _confirmed(
    access: PatientAccess, warnings: Sequence[Warned], confirmations: Sequence[DoseConfirmationWrite]
) -> dict[str, str]:
    """The reasons by warning. Raises `DoseNeedsConfirmation`, or `PrescriberNeeded` when a nurse gives them."""
    reasons = {each.warning.value: each.reason for each in confirmations}
    open_ = dose_rules.unconfirmed(warnings, reasons)
    if open_:
        raise DoseNeedsConfirmation(warnings=[{"code": each.code.value, "inputs": dict(each.inputs)} for each in open_])
    needs_one = any(each.code not in AFTER_THE_FACT for each in warnings)
    if needs_one and access.caller.role is not Role.PRESCRIBER:
        raise PrescriberNeeded
    return {each.code.value: reasons[each.code.value] for each in warnings}


def _row(
    dose: DoseWrite | DoseCorrectionWrite, staff: _Staff, weight: Weight | None, per_kg: float | None
) -> dict[str, Any]:
    return {
        "substance": dose.substance.value,
        "route": dose.route.value,
        "dose_mg": dose.dose_mg,
        "weight_kg": weight and weight.kg,
        "weighed_on": weight and weight.on,
        "mg_per_kg": per_kg,
        "lot": dose.lot,
        "devices": dose.devices,
        "administered_by": staff.administered_by,
        "wasted_mg": dose.wasted_mg,
        "waste_witnessed_by": staff.waste_witnessed_by,
    }
