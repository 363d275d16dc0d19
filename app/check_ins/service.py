"""Recording, correcting and reading check-ins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans import due
from app.check_in_plans.rules import DueState
from app.check_ins import queries, rules
from app.check_ins.errors import CheckInConflict, CheckInInvalid
from app.check_ins.judging import Judge, Told, wanted
from app.check_ins.models import CheckIn, CheckInVersion, Observation
from app.check_ins.reports import NOTHING_SHOWN, Author, Outcome, Report, Result, Shown
from app.check_ins.schemas import CheckIn as CheckInView
from app.check_ins.schemas import CheckInWrite, LinkWrite
from app.consents.errors import ConsentWithdrawn
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, NotFound, PreconditionFailed
from app.core.etags import require_match, version_tag
from app.core.pagination import PageRequest, make_cursor
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicView, PatientAccess, PatientView
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.models import TimelineMoment
from app.timeline.rules import Anchor, AnchorKind, LinkingWindows, Moment, link

__all__ = ["Author", "Outcome", "Report", "Result", "submit"]


async def submit(
    db: Database,
    clinic: ClinicView,
    patient: PatientView,
    protocol: Protocol,
    author: Author,
    reports: Sequence[Report],
) -> list[Result]:
    """Record reports of one patient, each for itself, in the order in which they come.

    The patient's record is locked by the guard, so what is read here cannot change before the commit. One statement
    reads what new reports and the safety rules need, and whatever there is to write goes out in one at the end. What a
    rule finds raises an alert in this transaction; nothing is judged of an import.
    """
    now, judged = clock.now(), author.origin != "imported"
    known, anchors, seen = await queries.known_anchors_and_seen(
        db, patient, [report.id for report in reports], wanted(reports, protocol, now) if judged else [], now
    )
    earlier = await queries.earlier_fingerprints(db, patient, list(known)) if known else set()
    judge = Judge(db, clinic, patient, protocol, now, anchors, seen) if judged else None
    recorder = _Recorder(
        db,
        patient,
        protocol,
        author,
        now,
        anchors,
        LinkingWindows.of(protocol.linking),
        known,
        earlier,
        judge,
    )
    results = [await recorder.take(report) for report in reports]
    return await _with_what_was_shown(judge, results)


async def _with_what_was_shown(judge: Judge | None, results: list[Result]) -> list[Result]:
    """Show once more what was shown when a report was first sent: that answer may never have arrived."""
    repeated = [
        result.check_in["id"]
        for result in results
        if result.outcome is Outcome.UNCHANGED and result.check_in is not None
    ]
    if judge is None or not repeated:
        return results
    before = await judge.shown(repeated)
    return [
        replace(result, shown=before[result.check_in["id"]])
        if result.outcome is Outcome.UNCHANGED and result.check_in is not None and result.check_in["id"] in before
        else result
        for result in results
    ]


def may_report(author: Author, patient: PatientView) -> bool:
    """Whether new answers may be stored: not those of a patient who withdrew the consent to it in the app."""
    return author.origin != "patient" or patient.app_consent_withdrawn_at is None


@dataclass(slots=True)
class _Recorder:
    """What the reports of one request share."""

    db: Database
    patient: PatientView
    protocol: Protocol
    author: Author
    now: datetime
    anchors: list[Anchor]
    windows: LinkingWindows
    known: dict[UUID, dict[str, Any]]
    earlier: set[tuple[UUID, bytes]]
    judge: Judge | None

    async def take(self, report: Report) -> Result:
        """Record one report."""
        fingerprint = rules.fingerprint(report.content)
        current = self.known.get(report.id)
        if current and (fingerprint == bytes(current["fingerprint"]) or (report.id, fingerprint) in self.earlier):
            return Result(Outcome.UNCHANGED, current)
        if not may_report(self.author, self.patient):
            return Result(Outcome.FORBIDDEN, current, ConsentWithdrawn())
        if current is not None and report.base_version is None:
            return Result(Outcome.CONFLICT, current, CheckInConflict())
        if report.base_version != (current["version"] if current else None):
            newest = None if current is None else as_json(current)
            return Result(Outcome.CONFLICT, current, PreconditionFailed(current=newest))
        scored, faults = rules.score_responses(
            report.content.responses,
            self.protocol,
            by_patient=self.author.origin == "patient",
            imported=self.author.origin == "imported",
        )
        faults += self._unknown_anchors(report.content)
        if faults:
            return Result(Outcome.INVALID, current, CheckInInvalid(errors=faults))
        if current is not None:
            await self._set_aside(current)
        made = self._write(report, fingerprint, scored, current, late=await self._late(report, current))
        self.known[report.id] = made
        shown = await self.judge.judge(Told(report, scored, made, current)) if self.judge else NOTHING_SHOWN
        return Result(Outcome.CREATED if current is None else Outcome.CORRECTED, made, shown=shown)

    async def _late(self, report: Report, current: dict[str, Any] | None) -> bool:
        """Take the report as the answer to the check-in that is due; whether that had closed before it was answered.

        A corrected report was taken for it already. One that turns out to be about another is the answer to that.
        """
        due_id, before = report.content.due_check_in_id, None if current is None else current["due_check_in_id"]
        if current is not None and before == due_id:
            return bool(current["late"])
        if before is not None:
            await due.taken_back(self.db, self.patient, before, report.id)
        if due_id is None:
            return False
        at = min(report.content.recorded_at, self.now)
        return await due.answered(self.db, self.patient, due_id, report.id, at) is DueState.LATE

    def _unknown_anchors(self, content: CheckInWrite) -> list[FieldError]:
        """A session or an appointment that is named must be the patient's own. An import may bring it later."""
        if self.author.origin == "imported":
            return []
        return [
            FieldError(f"/{kind}_id", f"unknown_{kind}", "The patient has none with this id.")
            for kind, named in (
                (AnchorKind.DOSING_SESSION, content.dosing_session_id),
                (AnchorKind.APPOINTMENT, content.appointment_id),
            )
            if named is not None and not any(a.id == named and a.kind == kind for a in self.anchors)
        ]

    async def _set_aside(self, current: dict[str, Any]) -> None:
        """Keep the version that is about to be replaced, and take its numbers out of the trends."""
        self.earlier.add((current["id"], bytes(current["fingerprint"])))
        await self.db.flush_staged()
        kept = ("version", "recorded_at", "time_zone", "received_at", "author_id", "responses", "scores", "note")
        await self.db.execute(
            sa.insert(CheckInVersion).values(
                clinic_id=self.patient.clinic_id,
                patient_id=self.patient.id,
                check_in_id=current["id"],
                fingerprint=current["fingerprint"],
                replaced_at=self.now,
                **{name: current[name] for name in kept},
            )
        )
        await self.db.execute(
            sa.delete(Observation).where(
                Observation.clinic_id == self.patient.clinic_id,
                Observation.patient_id == self.patient.id,
                Observation.check_in_id == current["id"],
            )
        )

    def _write(
        self,
        report: Report,
        fingerprint: bytes,
        scored: list[rules.Scored],
        current: dict[str, Any] | None,
        *,
        late: bool,
    ) -> dict[str, Any]:
        """Stage the check-in, its moment, its observations and its event."""
        content, revision = report.content, self.patient.revise(self.db, None if current else ())
        place = rules.local_time(content.recorded_at, content.time_zone)
        suspect = rules.clock_is_suspect(content.recorded_at, self.now, self.protocol)
        key = {"clinic_id": self.patient.clinic_id, "patient_id": self.patient.id}
        row = {
            "version": 1 if current is None else current["version"] + 1,
            "revision": revision,
            "recorded_at": content.recorded_at,
            "time_zone": content.time_zone,
            "utc_offset_minutes": place.utc_offset_minutes,
            "received_at": self.now,
            "clock_suspect": suspect,
            "late": late,
            "due_check_in_id": content.due_check_in_id,
            "origin": self.author.origin,
            "author_id": self.author.membership_id,
            "responses": [found.response for found in scored],
            "scores": [found.score for found in scored],
            "note": content.note,
            "fingerprint": fingerprint,
        }
        moment = self._place(content, revision, current, placeable=not suspect)
        if current is None:
            self.db.stage(CheckIn, key | {"id": report.id} | row)
            self.db.stage(TimelineMoment, key | {"check_in_id": report.id} | moment)
        else:
            self.db.stage_change(CheckIn, key | {"id": report.id}, row)
            self.db.stage_change(TimelineMoment, key | {"check_in_id": report.id}, moment)
        if not suspect:
            for found in scored:
                for measure, value in found.measures.items():
                    written = (Observation.__tablename__, measure, found.substance, content.recorded_at)
                    self.db.touch(self.patient.clinic_id, self.patient.id, [written])
                    self.db.stage(
                        Observation,
                        key
                        | {
                            "measure": measure,
                            "substance": found.substance,
                            "recorded_at": content.recorded_at,
                            "check_in_id": report.id,
                            "value": float(value),
                            "local_day": place.day,
                            "utc_offset_minutes": place.utc_offset_minutes,
                        },
                    )
        events.record(
            self.db,
            EventType.CHECK_IN_RECORDED if current is None else EventType.CHECK_IN_CORRECTED,
            clinic_id=self.patient.clinic_id,
            patient_id=self.patient.id,
            subject_id=report.id,
            version=current["version"] + 1 if current else 1,
        )
        return {"id": report.id} | row | moment

    def _place(
        self, content: CheckInWrite, revision: int, current: dict[str, Any] | None, *, placeable: bool
    ) -> dict[str, Any]:
        """The moment of a report with its link. What a clinician said of the link outlives a correction of answers."""
        moment = Moment(
            at=content.recorded_at,
            placeable=placeable,
            named_dosing_session_id=content.dosing_session_id,
            named_appointment_id=content.appointment_id,
            corrected=bool(current and current["how"] == "clinician"),
            corrected_dosing_session_id=current["dosing_session_id"] if current else None,
            corrected_appointment_id=current["appointment_id"] if current else None,
        )
        if not moment.corrected:
            moment = Moment(moment.at, placeable, moment.named_dosing_session_id, moment.named_appointment_id)
        found = link(moment, self.anchors, self.windows)
        return {
            "at": moment.at,
            "placeable": placeable,
            "named_dosing_session_id": moment.named_dosing_session_id,
            "named_appointment_id": moment.named_appointment_id,
            "corrected": moment.corrected,
            "corrected_dosing_session_id": moment.corrected_dosing_session_id,
            "corrected_appointment_id": moment.corrected_appointment_id,
            **timeline.link_columns(found),
            "relinks": 0,
            "revision": revision,
        }


async def one(db: Database, patient: PatientView, check_in_id: UUID) -> dict[str, Any]:
    """A check-in of this patient; `NotFound` when there is none."""
    found = (await queries.stored(db, patient, [check_in_id])).get(check_in_id)
    if found is None:
        raise NotFound
    return found


async def listed(
    db: Database,
    patient: PatientView,
    paging: PageRequest,
    since: datetime | None,
    until: datetime | None,
    dosing_session_id: UUID | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a patient's check-ins, the newest first, and the cursor of the next."""
    filters = (patient.id, since, until, dosing_session_id)
    conditions: list[sa.ColumnElement[bool]] = []
    if since is not None:
        conditions.append(CheckIn.recorded_at >= since)
    if until is not None:
        conditions.append(CheckIn.recorded_at < until)
    if dosing_session_id is not None:
        conditions.append(TimelineMoment.dosing_session_id == dosing_session_id)
    after = paging.after(*filters)
    if after is not None:
        at, last_id = after
        conditions.append(sa.or_(CheckIn.recorded_at < at, sa.and_(CheckIn.recorded_at == at, CheckIn.id < last_id)))
    rows = await queries.page(db, patient, *conditions, limit=paging.limit + 1)
    more = len(rows) > paging.limit
    rows = rows[: paging.limit]
    return rows, make_cursor([rows[-1]["recorded_at"], rows[-1]["id"]], *filters) if more else None


async def earlier_versions(db: Database, patient: PatientView, check_in_id: UUID) -> Sequence[CheckInVersion]:
    """What a check-in said before its corrections, the newest first."""
    await one(db, patient, check_in_id)
    found = await db.scalars(
        sa.select(CheckInVersion)
        .where(
            CheckInVersion.clinic_id == patient.clinic_id,
            CheckInVersion.patient_id == patient.id,
            CheckInVersion.check_in_id == check_in_id,
        )
        .order_by(CheckInVersion.version.desc())
    )
    return found.all()


async def correct_link(
    db: Database, access: PatientAccess, check_in_id: UUID, correction: LinkWrite, if_match: str | None
) -> dict[str, Any]:
    """Record what a clinician says a check-in belongs to; it outlives every automatic linking."""
    patient = access.patient
    current = await one(db, patient, check_in_id)
    require_match(if_match, current["version"], lambda: as_json(current))
    anchors = await timeline.anchors_of(db, patient)
    for kind, named in (
        (AnchorKind.DOSING_SESSION, correction.dosing_session_id),
        (AnchorKind.APPOINTMENT, correction.appointment_id),
    ):
        if named is not None and not any(a.id == named and a.kind == kind for a in anchors):
            fault = FieldError(f"/{kind}_id", f"unknown_{kind}", "The patient has none with this id.")
            raise CheckInInvalid(errors=[fault])
    await timeline.correct_link(
        db,
        patient,
        check_in_id,
        dosing_session_id=correction.dosing_session_id,
        appointment_id=correction.appointment_id,
        windows=LinkingWindows.of(access.protocol.linking),
    )
    events.record(
        db,
        EventType.CHECK_IN_RELINKED,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        subject_id=check_in_id,
        version=current["version"],
    )
    patient.revise(db)
    await db.flush_staged()
    return await one(db, patient, check_in_id)


def tag(row: dict[str, Any]) -> str:
    """The entity tag of a check-in: its version, and how often its link changed since."""
    return version_tag(row["version"], row["relinks"])


def present(row: dict[str, Any], shown: Shown = NOTHING_SHOWN) -> CheckInView:
    """A stored row as it goes over the wire, with what the patient is shown after sending it."""
    link_of = {name: row[name] for name in ("dosing_session_id", "appointment_id", "phase", "minutes_from_dose", "how")}
    return CheckInView.model_validate(
        row
        | {
            "dosing_session_id": row["named_dosing_session_id"],
            "appointment_id": row["named_appointment_id"],
            "link": link_of,
            "alerts": list(shown.alerts),
            "safety_notice": shown.safety_notice,
        }
    )


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """The same as plain JSON, for the `current` of a problem."""
    return present(row).model_dump(mode="json")
