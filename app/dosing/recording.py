"""Recording the readings of a session: each for itself, judged together, with whatever they bring about.

Everything happens in the request's one transaction: the readings, the alerts that the safety rules raise for them, and
the step that a session takes because of them. In the usual case that is one statement to read and one to write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, PreconditionFailed, Problem
from app.core.handlers import field_errors
from app.dosing import reading_queries, reading_rules, steps
from app.dosing.course import Course, Measured, newly_found
from app.dosing.models import DosingSession, Reading, ReadingVersion
from app.dosing.reading_errors import ReadingConflict, ReadingInvalid, SessionNotOpen, TooManyReadings
from app.dosing.reading_queries import GONE, Here
from app.dosing.reading_schemas import Outcome, ReadingBatch, ReadingWrite
from app.dosing.reading_views import present
from app.dosing.rules import SessionStage
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.safety import alerts
from app.safety.alerts import RaisedAlert
from app.safety.findings import Subject, SubjectKind

MOST_READINGS: Final = 1000
TAKES_READINGS: Final = (
    frozenset(SessionStage)
    - GONE
    - {
        SessionStage.SCHEDULED,
        SessionStage.CLOSED,
        SessionStage.CANCELLED,
    }
)
"""From the arrival on. Once the patient is gone only what was taken before; a closed record stays as it is."""

HOLDS: Final = frozenset({"BP-1"})
"""What is found before the dose and takes a clearance back."""
ENDS_READINESS: Final = frozenset({"DIS-1", "BP-2", "O2-1", "SED-1", "SED-2"})
"""What sends a patient who was ready to go back to being watched."""

_ITEM: Final = TypeAdapter(ReadingWrite)
_KEPT: Final = tuple(column.name for column in ReadingVersion.__table__.c if column.name in Reading.__table__.c)


@dataclass(slots=True)
class Result:
    """What became of one reading that was sent."""

    id: UUID | None
    outcome: Outcome
    row: dict[str, Any] | None = None
    problem: Problem | None = None
    alerts: list[RaisedAlert] = field(default_factory=list)


@dataclass(slots=True)
class Recorded:
    """What became of all of them, and where the session stands now."""

    results: list[Result]
    status: SessionStage
    version: int
    dose_started_at: datetime | None


async def record(db: Database, access: PatientAccess, session_id: UUID, batch: ReadingBatch) -> Recorded:
    """Record readings of one session, each for itself, in the order in which they come.

    The patient's record is locked by the guard, so what is read here cannot change before the commit.
    """
    found = await reading_queries.here(db, access.clinic.id, session_id)
    sent = [_read(item) for item in batch.readings]
    ids = {reading.id for reading in sent if isinstance(reading, ReadingWrite)}
    known_ids = [row.id for row in found.readings if row.id in ids]
    known: dict[UUID, dict[str, Any]] = {}
    earlier: set[tuple[UUID, bytes]] = set()
    if known_ids:
        known = {row["id"]: row for row in await reading_queries.stored(db, access.clinic.id, session_id, known_ids)}
        earlier = await reading_queries.earlier_fingerprints(db, access.clinic.id, session_id, known_ids)
    gone_at = await reading_queries.gone_at(db, access.clinic.id, session_id) if found.status in GONE else None
    recorder = _Recorder(db, access, session_id, found, clock.now(), batch.device_time, gone_at, known, earlier)
    results = [
        recorder.take(reading)
        if isinstance(reading, ReadingWrite)
        else Result(_id_of(item), "invalid", problem=reading)
        for reading, item in zip(sent, batch.readings, strict=True)
    ]
    status, version = found.status, found.version
    if recorder.changed:
        raised = await recorder.finish()
        for result in results:
            if result.id is not None and result.outcome in {"created", "corrected"}:
                result.alerts = raised.pop(result.id, [])
        session = recorder.session
        if session is not None:
            status, version = SessionStage(session.status), session.version
    return Recorded(results, status, version, found.dose_started_at)


def _read(item: Any) -> ReadingWrite | Problem:  # noqa: ANN401  whatever JSON held
    try:
        return _ITEM.validate_python(item)
    except ValidationError as error:
        located = [fault | {"loc": ("body", *fault["loc"])} for fault in error.errors()]
        return ReadingInvalid(errors=field_errors(located))


def _id_of(item: Any) -> UUID | None:  # noqa: ANN401  whatever JSON held
    try:
        return UUID(item["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


@dataclass(slots=True)
class _Recorder:
    """What the readings of one request share."""

    db: Database
    access: PatientAccess
    session_id: UUID
    here: Here
    now: datetime
    device_time: datetime | None
    gone_at: datetime | None
    known: dict[UUID, dict[str, Any]]
    earlier: set[tuple[UUID, bytes]]
    stood: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    """Known readings as they stood before this request."""
    changed: set[UUID] = field(default_factory=set)
    replaced: list[dict[str, Any]] = field(default_factory=list)
    session: DosingSession | None = None
    """Read only when a reading moves it."""

    def take(self, sent: ReadingWrite) -> Result:
        """Decide on one reading; nothing is written yet."""
        said = sent.model_dump()
        fingerprint = reading_rules.fingerprint(said)
        current = self.known.get(sent.id)
        if current and (fingerprint == bytes(current["fingerprint"]) or (sent.id, fingerprint) in self.earlier):
            return Result(sent.id, "unchanged", current)
        if current is not None and sent.base_version is None:
            return Result(sent.id, "conflict", current, ReadingConflict())
        if sent.base_version != (current["version"] if current else None):
            shown = None if current is None else self._as_json(current)
            return Result(sent.id, "conflict", current, PreconditionFailed(current=shown))
        when = self._when(sent, current)
        problem = self._problem(said, when, is_new=current is None)
        if problem is not None:
            return Result(sent.id, "invalid", current, problem)
        made = self._row(said, when, fingerprint, current)
        if current is not None:
            self.earlier.add((sent.id, bytes(current["fingerprint"])))
            self.replaced.append(current)
            if sent.id not in self.changed:
                self.stood[sent.id] = current
        self.known[sent.id] = made
        self.changed.add(sent.id)
        return Result(sent.id, "created" if current is None else "corrected", made)

    def _when(self, sent: ReadingWrite, current: Mapping[str, Any] | None) -> reading_rules.When:
        """When it was. A correction of values leaves the time as it was: the tablet's clock may be right by now."""
        if current is not None and current["taken_at"] == sent.taken_at:
            return reading_rules.When(current["at"], current["clock_suspect"], current["received_late"])
        return reading_rules.placed(
            sent.taken_at, device_time=self.device_time, received_at=self.now, protocol=self.access.protocol
        )

    def _problem(self, sent: Mapping[str, Any], when: reading_rules.When, *, is_new: bool) -> Problem | None:
        found: list[FieldError] = [*reading_rules.faults(sent), *reading_rules.time_faults(when, self.now)]
        if found:
            return ReadingInvalid(errors=found)
        if not self._takes(when.at):
            return SessionNotOpen()
        if is_new and len(self.here.readings) + len(self.changed) >= MOST_READINGS:
            return TooManyReadings()
        return None

    def _takes(self, at: datetime) -> bool:
        if self.here.status in GONE:
            tolerance = timedelta(minutes=self.access.protocol.linking.clock_tolerance_minutes)
            return self.gone_at is not None and at <= self.gone_at + tolerance
        return self.here.status in TAKES_READINGS

    def _row(
        self, sent: Mapping[str, Any], when: reading_rules.When, fingerprint: bytes, current: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        dissociation = reading_rules.answered(sent["dissociation"])
        aldrete = reading_rules.answered(sent["aldrete"])
        return {
            "clinic_id": self.access.clinic.id,
            "session_id": self.session_id,
            "id": sent["id"],
            "patient_id": self.access.patient.id,
            "version": 1 if current is None else current["version"] + 1,
            "taken_at": sent["taken_at"],
            "at": when.at,
            "received_at": self.now,
            "minutes_from_dose": reading_rules.minutes_from_dose(when.at, self.here.dose_started_at),
            "recorded_by": self.access.caller.membership_id,
            "device_id": self.access.caller.device_id,
            "clock_suspect": when.clock_suspect,
            "received_late": when.received_late,
            **{name: sent[name] for name in reading_rules.VALUES},
            "dissociation_items": dissociation,
            "dissociation": reading_rules.total(reading_rules.DISSOCIATION, dissociation),
            "aldrete_items": aldrete,
            "aldrete": reading_rules.total(reading_rules.ALDRETE, aldrete),
            "confirmed": sorted(set(sent["confirmed"])),
            "flags": [],
            "fingerprint": fingerprint,
            "note": sent["note"],
        }

    async def finish(self) -> dict[UUID, list[RaisedAlert]]:
        """Flag, judge and write what was taken; the alerts by reading."""
        before = Course.of(
            (Measured.of(self.stood[row.id]) if row.id in self.stood else _light(row) for row in self.here.readings),
            self.here.dose_started_at,
        )
        new = [Measured.of(self.known[reading_id]) for reading_id in self.changed]
        unchanged = [reading for reading in before.readings if reading.id not in self.changed]
        after = Course.of([*unchanged, *new], self.here.dose_started_at)
        await self._flag(before, after)
        self._write()
        raised: dict[UUID, list[RaisedAlert]] = {}
        rules: list[str] = []
        for reading, findings in newly_found(before, after, self.changed, self.access.protocol.safety):
            late = reading.id not in self.changed or self.known[reading.id]["received_late"]
            subject = Subject(
                SubjectKind.READING, reading.id, reading.at, self.session_id, self.here.session_clinician_id
            )
            raised[reading.id] = await alerts.raise_alerts(
                self.db, self.access.clinic, self.access.patient, self.access.protocol, findings, subject, late=late
            )
            rules += [finding.rule for finding in findings]
        await self._fall_back(rules)
        events.record(
            self.db,
            EventType.DOSING_SESSION_READINGS_RECORDED,
            clinic_id=self.access.clinic.id,
            patient_id=self.access.patient.id,
            subject_id=self.session_id,
            version=self.here.version if self.session is None else self.session.version,
        )
        self.access.patient.revise(self.db)
        return raised

    async def _flag(self, before: Course, after: Course) -> None:
        """Flag what is written; and anew what stands, where what it is held against has changed."""
        for row in [*(self.known[reading_id] for reading_id in self.changed), *self.replaced]:
            if row["received_at"] == self.now:
                held = after.baseline_of(Measured.of(row))
                row["flags"] = reading_rules.flags(row, held, self.access.protocol)
        if before.baseline == after.baseline:
            return
        key = {"clinic_id": self.access.clinic.id, "session_id": self.session_id}
        others = [r.id for r in after.readings if r.id not in self.changed and not after.is_before_dose(r)]
        for row in await reading_queries.stored(self.db, **key, ids=others) if others else []:
            flags = reading_rules.flags(row, after.baseline, self.access.protocol)
            if flags != row["flags"]:
                self.db.stage_change(Reading, key | {"id": row["id"]}, {"flags": flags})

    def _write(self) -> None:
        for old in self.replaced:
            kept = {name: old[name] for name in _KEPT}
            self.db.stage(ReadingVersion, kept | {"reading_id": old["id"], "replaced_at": self.now})
        for reading_id in self.changed:
            row = self.known[reading_id]
            if reading_id in self.stood:
                key = {name: row[name] for name in ("clinic_id", "session_id", "id")}
                self.db.stage_change(Reading, key, {name: row[name] for name in row if name not in key})
            else:
                self.db.stage(Reading, row)

    async def _fall_back(self, rules: list[str]) -> None:
        """Take back a clearance, or the word that a patient may go, where a reading speaks against it."""
        status = self.here.status
        if status is SessionStage.CLEARED:
            because, target = next((rule for rule in rules if rule in HOLDS), None), SessionStage.HELD
        elif status is SessionStage.DISCHARGE_READY:
            because, target = next((rule for rule in rules if rule in ENDS_READINESS), None), SessionStage.MONITORING
        else:
            return
        if because is not None:
            session = await steps.session_of(self.db, self.access, self.session_id)
            self.session = await steps.fall_back(self.db, self.access, session, target, because)

    def _as_json(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return present(row, self.here.dose_started_at).model_dump(mode="json")


def _light(row: Any) -> Measured:  # noqa: ANN401  a row
    return Measured(id=row.id, at=row.at, systolic=row.systolic, diastolic=row.diastolic, dissociation=row.dissociation)
