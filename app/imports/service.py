"""Importing a file: in batches, each one transaction, through the services that own what the rows become."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import history as appointments
from app.appointments.history import AppointmentHistory
from app.audit import service as audit
from app.check_ins import service as check_ins
from app.check_ins.service import Author, Report, Result
from app.clinics import service as clinics
from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.health import database_state
from app.core.schema_revision import newest_revision
from app.dosing import service as dosing
from app.dosing.service import SessionHistory
from app.identity.access import ClinicView, PatientView, patient_for_writing
from app.identity.models import Clinic, Patient
from app.imports import records, reports, rules, tables
from app.imports.errors import ImportRefused
from app.imports.maps import Kind, Map
from app.imports.records import Record
from app.imports.reports import Outcome, Summary, Verdict
from app.imports.rules import Fault
from app.imports.tables import Line, Table
from app.panel import keeping  # noqa: F401  it registers itself: what is imported is on the panel too
from app.protocols import service as protocols
from app.protocols.rules import Protocol

BATCH: Final = 500
OTHER_CONTENT: Final = "other_content_stored"

Progress = Callable[[int, int], None]
"""Called after each batch with the bytes read so far and the bytes of the file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported, into which clinic. With `rehearsal`, everything is done and then undone."""

    kind: Kind
    mapping: Map
    path: Path
    clinic_id: UUID
    rehearsal: bool = False


class _OnlyRehearsed(Exception):  # noqa: N818  not an error: it undoes a transaction
    """The batch is to be undone."""


async def must_be_ready(engine: AsyncEngine) -> None:
    """Raise `ImportRefused` unless the database answers and has the schema that this release needs."""
    try:
        _, here = await database_state(engine)
    except (SQLAlchemyError, OSError) as error:
        raise ImportRefused("The database does not answer.") from error
    if here != newest_revision():
        raise ImportRefused("The database does not have the newest schema: run `afterglow migrate` first.")


async def the_clinic(engine: AsyncEngine, clinic_id: UUID | None) -> Clinic:
    """The clinic of this id; without one, the only clinic there is. `ImportRefused` otherwise."""
    statement = sa.select(Clinic).limit(2)
    async with unit_of_work(engine) as db:
        found = (await db.scalars(statement if clinic_id is None else statement.where(Clinic.id == clinic_id))).all()
    if len(found) == 1:
        return found[0]
    if found:
        raise ImportRefused("There is more than one clinic: say which with --clinic.")
    raise ImportRefused("There is no clinic yet." if clinic_id is None else "There is no clinic with this id.")


async def import_file(
    engine: AsyncEngine, wanted: Wanted, *, report: Path | None = None, progress: Progress | None = None
) -> Summary:
    """Import one file; what became of each row goes to `report`.

    A batch is stored as a whole or not at all. After a fault of the machine the same command goes on where it stopped:
    what was stored is known.
    """
    started = time.monotonic()
    table = tables.table_of(wanted.path, wanted.mapping)
    clinic = await the_clinic(engine, wanted.clinic_id)
    async with unit_of_work(engine) as db:
        protocol = await protocols.at_version(db, clinic.id, clinic.protocol_version)
    view = ClinicView(clinic.id, clinic.name, clinic.time_zone, clinic.locale, clinic.protocol_version)
    importer = _Importer(wanted, view, protocol, tables.look_up(wanted.path.parent, wanted.mapping))
    summary = Summary(rehearsal=wanted.rehearsal)
    with reports.report_to(report) as written:
        for batch in _batches(table):
            for verdict in await importer.take(engine, batch):
                summary.count(verdict)
                written.add(verdict)
            if progress:
                progress(table.position, table.size)
    summary.patients, summary.new_patients = len(importer.patients), len(importer.new_patients)
    summary.seconds = time.monotonic() - started
    return summary


def _batches(table: Table) -> Iterable[list[Line]]:
    lines = iter(table)
    while batch := list(islice(lines, BATCH)):
        yield batch


@dataclass(frozen=True, slots=True)
class _Read:
    """A row that could be read: whose it is, and what it became."""

    number: int
    person: str
    patient_id: UUID
    record: Record


@dataclass(slots=True)
class _Importer:
    """What the batches of one file share."""

    wanted: Wanted
    clinic: ClinicView
    protocol: Protocol
    looked_up: dict[str, Mapping[str, str]]
    patients: set[UUID] = field(default_factory=set)
    new_patients: set[UUID] = field(default_factory=set)
    _person: str | None = None
    _keys: set[tuple[str, ...]] = field(default_factory=set)

    async def take(self, engine: AsyncEngine, lines: Sequence[Line]) -> list[Verdict]:
        """Store one batch; a verdict for each of its rows, in the order of the file."""
        verdicts: dict[int, Verdict] = {}
        rows: list[_Read] = []
        for line in lines:
            try:
                rows.append(self._read(line))
            except Fault as fault:
                outcome = Outcome.SKIPPED if fault.skips else Outcome.REFUSED
                verdicts[line.number] = Verdict(line.number, outcome, fault.reason, fault.column)
        if rows:
            for verdict in await self._store(engine, rows):
                verdicts[verdict.row] = verdict
        return [verdicts[line.number] for line in lines]

    def _read(self, line: Line) -> _Read:
        if line.row is None:
            raise line.fault or Fault("unreadable")
        mapping = self.wanted.mapping
        person = rules.person_of(mapping, line.row)
        row = {**line.row, **{name: found.get(person, "") for name, found in self.looked_up.items()}}
        rules.must_be_left_out(mapping.skip, row)
        patient_id = rules.patient_id(self.wanted.clinic_id, mapping.source, person)
        record = records.read(self.wanted.kind, mapping, row, line.number, patient_id, clock.now())
        self._must_be_first(person, rules.key_of(mapping, row, line.number))
        return _Read(line.number, person, patient_id, record)

    def _must_be_first(self, person: str, key: tuple[str, ...]) -> None:
        """Skip a row whose key its person has had already. Only the present person's keys are remembered."""
        if person != self._person:
            self._person, self._keys = person, set()
        if key in self._keys:
            raise Fault("duplicate_row", skips=True)
        self._keys.add(key)

    async def _store(self, engine: AsyncEngine, rows: list[_Read]) -> list[Verdict]:
        """One transaction. Patients are locked in the order of their ids, so that no two imports block each other."""
        rows.sort(key=lambda row: (row.patient_id, row.number))
        verdicts: list[Verdict] = []
        new: set[UUID] = set()
        try:
            async with unit_of_work(engine) as db:
                for patient_id, group in groupby(rows, key=lambda row: row.patient_id):
                    of_patient = list(group)
                    if await self._make_sure_of(db, patient_id, of_patient[0].person):
                        new.add(patient_id)
                    patient = await patient_for_writing(db, self.wanted.clinic_id, patient_id)
                    self._audit(db, patient)
                    verdicts += await self._enter(db, patient, of_patient)
                if self.wanted.rehearsal:
                    await db.flush_staged()
                    raise _OnlyRehearsed  # noqa: TRY301  it undoes the transaction that it is raised in
        except _OnlyRehearsed:
            pass
        self.patients.update(row.patient_id for row in rows)
        self.new_patients |= new
        return verdicts

    async def _make_sure_of(self, db: Database, patient_id: UUID, person: str) -> bool:
        """Enrol the person of the source as a patient if they are not one yet; whether they were not."""
        if patient_id in self.patients and not self.wanted.rehearsal:
            return False
        if await db.scalar(sa.select(Patient.id).where(Patient.id == patient_id)) is not None:
            return False
        mapping = self.wanted.mapping
        await clinics.enrol(
            db,
            self.wanted.clinic_id,
            display_name=mapping.person.name.format(person=person),
            time_zone=mapping.zone,
            patient_id=patient_id,
            status="imported",
        )
        return True

    def _audit(self, db: Database, patient: PatientView) -> None:
        mapping = self.wanted.mapping
        audit.record(
            db,
            operation=f"import_{self.wanted.kind.replace('-', '_')}",
            permission="command",
            clinic_id=patient.clinic_id,
            patient_id=patient.id,
            reason=f"{mapping.source}/{mapping.records}",
        )

    async def _enter(self, db: Database, patient: PatientView, rows: Sequence[_Read]) -> list[Verdict]:
        contents = [row.record.content for row in rows]
        if self.wanted.kind is Kind.CHECK_INS:
            submitted = [content for content in contents if isinstance(content, Report)]
            results = await check_ins.submit(db, self.clinic, patient, self.protocol, Author("imported"), submitted)
            return [self._of_result(row, result) for row, result in zip(rows, results, strict=True)]
        if self.wanted.kind is Kind.DOSING_SESSIONS:
            sessions = [content for content in contents if isinstance(content, SessionHistory)]
            entered = await dosing.import_sessions(db, patient, self.protocol, sessions)
        else:
            visits = [content for content in contents if isinstance(content, AppointmentHistory)]
            entered = await appointments.import_appointments(db, patient, self.protocol, visits)
        return [_of_history(row, became) for row, became in zip(rows, entered, strict=True)]

    def _of_result(self, row: _Read, result: Result) -> Verdict:
        """What became of a check-in, from the answer of its service."""
        match result.outcome:
            case check_ins.Outcome.CREATED:
                suspect = bool(result.check_in and result.check_in["clock_suspect"])
                remarks = row.record.remarks + (("clock_suspect",) if suspect else ())
                return Verdict(row.number, Outcome.STORED, remarks=remarks)
            case check_ins.Outcome.UNCHANGED:
                return Verdict(row.number, Outcome.KNOWN, remarks=row.record.remarks)
            case check_ins.Outcome.CONFLICT:
                return Verdict(row.number, Outcome.REFUSED, OTHER_CONTENT)
        faults = result.problem.errors if result.problem else []
        if not faults:
            return Verdict(row.number, Outcome.REFUSED, "invalid")
        column = records.column_at(self.wanted.mapping, faults[0].pointer)
        return Verdict(row.number, Outcome.REFUSED, faults[0].code, column)


def _of_history(row: _Read, became: str) -> Verdict:
    """What became of a session or an appointment of the past."""
    if became == "other":
        return Verdict(row.number, Outcome.REFUSED, OTHER_CONTENT)
    return Verdict(row.number, Outcome.STORED if became == "new" else Outcome.KNOWN, remarks=row.record.remarks)
