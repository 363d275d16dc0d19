"""The statements behind a copy of a record. Each reads one patient's rows of one kind."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment, AppointmentParticipant, AppointmentStep
from app.bookings.models import Room
from app.check_ins import queries as check_ins
from app.check_ins.models import CheckIn, CheckInVersion, Observation, QuarantinedSubmission
from app.core.db import Database
from app.dosing.models import DosingSession, DosingSessionStep
from app.groups.models import GroupSession
from app.identity.access import PatientView
from app.identity.models import Account, CareTeamMember, Device, Membership, Patient, PatientRevision

Row = dict[str, Any]


def rows_of(result: Iterable[Any]) -> list[Row]:
    """What a statement found, by the names of its columns."""
    return [dict(row._mapping) for row in result]  # noqa: SLF001  SQLAlchemy's public name has an underscore


def belongs_to(model: Any, patient: PatientView) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: ANN401  a mapped class
    """The conditions under which a row is this patient's."""
    return model.clinic_id == patient.clinic_id, model.patient_id == patient.id


async def revision(db: Database, patient: PatientView) -> int:
    """The revision of the record as it is now."""
    found = await db.scalar(sa.select(PatientRevision.revision).where(*belongs_to(PatientRevision, patient)))
    return int(found or 0)


async def profile(db: Database, patient: PatientView) -> Row:
    """Who the patient is at the clinic, and the address that they sign in with."""
    found = await db.execute(
        sa.select(
            Patient.id.label("patient_id"),
            Patient.display_name,
            Account.email,
            Patient.time_zone,
            Patient.status,
            Patient.enrolled_at,
        )
        .select_from(Patient)
        .outerjoin(Membership, sa.and_(Membership.clinic_id == Patient.clinic_id, Membership.patient_id == Patient.id))
        .outerjoin(Account, Account.id == Membership.account_id)
        .where(Patient.clinic_id == patient.clinic_id, Patient.id == patient.id)
    )
    return rows_of(found)[0]


async def care_team(db: Database, patient: PatientView) -> list[Row]:
    """Everyone who ever looked after the patient, in the order in which they began."""
    found = await db.execute(
        sa.select(
            CareTeamMember.membership_id.label("staff_id"),
            Membership.display_name.label("name"),
            Membership.role,
            CareTeamMember.kind,
            CareTeamMember.responsible,
            CareTeamMember.since,
            CareTeamMember.until,
        )
        .join(
            Membership,
            sa.and_(Membership.clinic_id == CareTeamMember.clinic_id, Membership.id == CareTeamMember.membership_id),
        )
        .where(*belongs_to(CareTeamMember, patient))
        .order_by(CareTeamMember.since, CareTeamMember.id)
    )
    return rows_of(found)


async def people(db: Database, patient: PatientView, ids: Collection[UUID]) -> list[Row]:
    """These members of staff of the patient's clinic, by role."""
    if not ids:
        return []
    found = await db.execute(
        sa.select(Membership.id, Membership.display_name.label("name"), Membership.role)
        .where(
            Membership.clinic_id == patient.clinic_id,
            Membership.id.in_(list(ids)),
            Membership.patient_id.is_(None),
        )
        .order_by(Membership.role, Membership.id)
    )
    return rows_of(found)


async def devices(db: Database, patient: PatientView) -> list[Row]:
    """Every phone and browser that the patient ever signed in with, the newest first."""
    found = await db.execute(
        sa.select(
            Device.id,
            Device.label,
            Device.signed_in_at,
            Device.refreshed_at.label("last_refreshed_at"),
            Device.ended_at,
            Device.ended_because,
        )
        .join(Membership, sa.and_(Membership.clinic_id == Device.clinic_id, Membership.id == Device.membership_id))
        .where(*belongs_to(Membership, patient), Device.clinic_id == patient.clinic_id)
        .order_by(Device.signed_in_at.desc(), Device.id)
    )
    return rows_of(found)


async def dosing_sessions(db: Database, patient: PatientView) -> list[Row]:
    """The patient's sessions in the order of their planned begin, each with its steps."""
    found = await db.execute(
        sa.select(DosingSession.__table__)
        .where(*belongs_to(DosingSession, patient))
        .order_by(DosingSession.scheduled_at, DosingSession.id)
    )
    sessions = rows_of(found)
    steps = await _steps_of(db, DosingSessionStep, DosingSessionStep.session_id, patient, sessions)
    return [session | {"steps": steps[session["id"]]} for session in sessions]


async def appointments(db: Database, patient: PatientView) -> list[Row]:
    """The patient's appointments in the order of their planned begin, each with who takes part and its steps."""
    found = await db.execute(
        sa.select(Appointment.__table__, Room.name.label("room"), GroupSession.group_id)
        .outerjoin(Room, sa.and_(Room.clinic_id == Appointment.clinic_id, Room.id == Appointment.room_id))
        .outerjoin(
            GroupSession,
            sa.and_(
                GroupSession.clinic_id == Appointment.clinic_id,
                GroupSession.id == Appointment.group_session_id,
            ),
        )
        .where(*belongs_to(Appointment, patient))
        .order_by(Appointment.scheduled_at, Appointment.id)
    )
    booked = rows_of(found)
    steps = await _steps_of(db, AppointmentStep, AppointmentStep.appointment_id, patient, booked)
    taking_part: defaultdict[UUID, list[Row]] = defaultdict(list)
    for ids in in_portions([row["id"] for row in booked]):
        participants = await db.execute(
            sa.select(AppointmentParticipant.__table__)
            .where(
                AppointmentParticipant.clinic_id == patient.clinic_id,
                AppointmentParticipant.appointment_id.in_(ids),
            )
            .order_by(AppointmentParticipant.appointment_id, AppointmentParticipant.position)
        )
        for participant in rows_of(participants):
            taking_part[participant["appointment_id"]].append(participant)
    return [row | {"steps": steps[row["id"]], "participants": taking_part[row["id"]]} for row in booked]


async def _steps_of(
    db: Database,
    model: Any,  # noqa: ANN401  a mapped class
    owner: sa.orm.attributes.InstrumentedAttribute[UUID],
    patient: PatientView,
    owners: Sequence[Row],
) -> defaultdict[UUID, list[Row]]:
    by_owner: defaultdict[UUID, list[Row]] = defaultdict(list)
    for ids in in_portions([row["id"] for row in owners]):
        found = await db.execute(
            sa.select(model.__table__)
            .where(model.clinic_id == patient.clinic_id, owner.in_(ids))
            .order_by(owner, model.version)
        )
        for step in rows_of(found):
            by_owner[step[owner.key]].append(step)
    return by_owner


def in_portions(ids: list[UUID], size: int = 500) -> Iterable[list[UUID]]:
    """Ids in lists that a statement can hold."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


async def quarantined(db: Database, patient: PatientView) -> list[Row]:
    """What the patient's phone sent and could not be accepted, opened, the newest first."""
    this = QuarantinedSubmission
    found = await db.execute(
        sa.select(this.check_in_id, this.received_at, this.content, this.problem)
        .where(*belongs_to(this, patient))
        .order_by(this.received_at.desc(), this.content_hash.desc())
    )
    return rows_of(found)


async def check_in_page(
    db: Database, patient: PatientView, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Check-ins with their links, the newest first, from where the last page ended. The index holds this order."""
    conditions: list[sa.ColumnElement[bool]] = []
    if after is not None:
        at = sa.bindparam(None, after[0], type_=CheckIn.recorded_at.type)
        conditions.append(sa.tuple_(CheckIn.recorded_at, CheckIn.id) < sa.tuple_(at, sa.bindparam(None, after[1])))
    return await check_ins.page(db, patient, *conditions, limit=limit)


@dataclass(frozen=True, slots=True)
class Overview:
    """How many check-ins there are, and of which time."""

    n: int
    first: datetime | None
    last: datetime | None


async def overview(db: Database, patient: PatientView) -> Overview:
    """How many check-ins the patient has, the first and the last moment."""
    at = CheckIn.recorded_at
    found = await db.execute(
        sa.select(sa.func.count(), sa.func.min(at), sa.func.max(at)).where(*belongs_to(CheckIn, patient))
    )
    return Overview(*found.one())


async def earlier_versions(db: Database, patient: PatientView, corrected: list[UUID]) -> dict[UUID, list[Row]]:
    """What these check-ins said before their corrections, the newest earlier version first."""
    versions: defaultdict[UUID, list[Row]] = defaultdict(list)
    if corrected:
        found = await db.execute(
            sa.select(CheckInVersion.__table__)
            .where(*belongs_to(CheckInVersion, patient), CheckInVersion.check_in_id.in_(corrected))
            .order_by(CheckInVersion.check_in_id, CheckInVersion.version.desc())
        )
        for row in rows_of(found):
            versions[row["check_in_id"]].append(row)
    return versions


@dataclass(frozen=True, slots=True)
class Month:
    """What one measure did in one month of the patient's calendar."""

    year: int
    month: int
    n: int
    total: float
    lowest: float
    highest: float
    first_day: date
    last_day: date

    @property
    def mean(self) -> float:
        """Mean of the month's values."""
        return self.total / self.n


async def months(db: Database, patient: PatientView) -> dict[tuple[str, str], list[Month]]:
    """The months of every series that the patient has values of, by measure and substance, the oldest first."""
    day, value = Observation.local_day, Observation.value
    year, month = sa.extract("year", day), sa.extract("month", day)
    found = await db.execute(
        sa.select(
            Observation.measure,
            Observation.substance,
            year.label("year"),
            month.label("month"),
            sa.func.count().label("n"),
            sa.func.sum(value).label("total"),
            sa.func.min(value).label("lowest"),
            sa.func.max(value).label("highest"),
            sa.func.min(day).label("first_day"),
            sa.func.max(day).label("last_day"),
        )
        .where(*belongs_to(Observation, patient))
        .group_by(Observation.measure, Observation.substance, year, month)
        .order_by(Observation.measure, Observation.substance, year, month)
    )
    series: defaultdict[tuple[str, str], list[Month]] = defaultdict(list)
    for row in found:
        series[row.measure, row.substance].append(
            Month(int(row.year), int(row.month), row.n, row.total, row.lowest, row.highest, row.first_day, row.last_day)
        )
    return dict(series)
