"""The kinds of things that a phone keeps in step with, where they are stored, and how the patient is shown them.

Adding a kind is adding an entry here and its shape in `schemas.py`; its table must set `revision` at every write.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import BaseModel

from app.appointments.models import Appointment
from app.appointments.schemas import OwnAppointment
from app.care_plans import contingency, practice, safety_plans
from app.care_plans import service as care_plans
from app.care_plans.models import CarePlan, ContingencyPlan, PracticeLog, SafetyPlan
from app.check_in_plans import due_answers, due_queries
from app.check_in_plans.models import CheckInPlan, DueCheckIn
from app.check_in_plans.plan_schemas import CheckInPlanVersion
from app.check_ins import service as check_ins
from app.check_ins.models import CheckIn
from app.dosing.models import DosingSession
from app.dosing.schemas import OwnDosingSession
from app.journals.models import JournalEntry
from app.journals.schemas import JournalEntry as OwnJournalEntry
from app.safety import service as safety
from app.safety.models import Alert
from app.timeline.models import TimelineMoment


@dataclass(frozen=True, slots=True)
class Asked:
    """What things look like depends on when and where the patient asks."""

    at: datetime
    time_zone: str


ALERT_COLUMNS: Final = frozenset({"id", "rule", "version", "raised_at", "acknowledged_at", "resolved_at"})
Shown = Callable[[Any, Asked], BaseModel | dict[str, Any]]
"""Makes what the patient is shown of a row of a kind's columns."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way in which a thing of a kind changes: which rows, and which column counts it."""

    source: Any
    revision: sa.ColumnElement[Any]
    where: tuple[sa.ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of thing is on the wire and in the database."""

    name: str
    columns: dict[str, Any]
    """What is read of it, by the names under which `shown` finds it."""
    id: sa.ColumnElement[Any]
    branches: tuple[Branch, ...]
    shown: Shown


def _of(
    name: str,
    model: Any,  # noqa: ANN401  a mapped class
    shown: Callable[[Any], BaseModel],
    *,
    columns: Collection[str],
    newest_only: bool = False,
) -> Kind:
    """A kind with a table of its own, and what is read of it; columns that the table does not have are passed over.

    `newest_only`: the table holds the versions of one thing, which has the patient's id; the newest one counts.
    """
    table = model.__table__
    read = {column.name: column for column in table.c if column.name in columns}
    where = [_is_patients(table)]
    if newest_only:
        other = table.alias()
        newest = sa.select(sa.func.max(other.c.version)).where(_is_patients(other)).scalar_subquery()
        where.append(table.c.version == newest)
    whole = Branch(table, table.c.revision, tuple(where))
    subject_id = table.c.patient_id if newest_only else table.c.id
    return Kind(name, read, subject_id, (whole,), lambda row, _: shown(row))


def _all_of(model: Any) -> frozenset[str]:  # noqa: ANN401  a mapped class
    return frozenset(column.name for column in model.__table__.c) - {"clinic_id", "patient_id"}


def _is_patients(table: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401  a table
    return sa.and_(
        table.c.clinic_id == sa.bindparam("clinic_id", type_=sa.Uuid()),
        table.c.patient_id == sa.bindparam("patient_id", type_=sa.Uuid()),
    )


def _check_ins() -> Kind:
    """A check-in changes with its answers, or with what it belongs to: each has its own index to be found by."""
    check_in, moment = CheckIn.__table__, TimelineMoment.__table__
    source = check_in.join(
        moment,
        sa.and_(
            moment.c.clinic_id == check_in.c.clinic_id,
            moment.c.patient_id == check_in.c.patient_id,
            moment.c.check_in_id == check_in.c.id,
        ),
    )
    links = (
        "named_dosing_session_id",
        "named_appointment_id",
        "dosing_session_id",
        "appointment_id",
        "phase",
        "minutes_from_dose",
        "how",
    )
    left_out = {"fingerprint", "author_id", "clinic_id", "patient_id"}
    columns = {column.name: column for column in check_in.c if column.name not in left_out}
    columns |= {name: moment.c[name] for name in links}
    by_answers = (_is_patients(check_in), moment.c.revision <= check_in.c.revision)
    by_link = (_is_patients(moment), moment.c.revision > check_in.c.revision)
    branches = (Branch(source, check_in.c.revision, by_answers), Branch(source, moment.c.revision, by_link))
    return Kind("check_in", columns, check_in.c.id, branches, lambda row, _: check_ins.present(dict(vars(row))))


def _due_check_ins() -> Kind:
    table: Any = DueCheckIn.__table__
    whole = Branch(table, table.c.revision, (_is_patients(table),))
    columns = {column.name: column for column in due_queries.COLUMNS}

    def shown(row: Any, asked: Asked) -> dict[str, Any]:  # noqa: ANN401  a row
        return due_answers.item(row, due_answers.microseconds(asked.at), asked.time_zone)

    return Kind("due_check_in", columns, table.c.id, (whole,), shown)


KINDS: Final[tuple[Kind, ...]] = tuple(
    sorted(
        (
            _of("alert", Alert, safety.own, columns=ALERT_COLUMNS),
            _of("appointment", Appointment, OwnAppointment.model_validate, columns=OwnAppointment.model_fields),
            _of("care_plan", CarePlan, care_plans.shown, columns=_all_of(CarePlan), newest_only=True),
            _check_ins(),
            _of(
                "check_in_plan",
                CheckInPlan,
                CheckInPlanVersion.model_validate,
                columns=CheckInPlanVersion.model_fields,
                newest_only=True,
            ),
            _of(
                "contingency_plan",
                ContingencyPlan,
                contingency.shown,
                columns=_all_of(ContingencyPlan),
                newest_only=True,
            ),
            _of(
                "dosing_session", DosingSession, OwnDosingSession.model_validate, columns=OwnDosingSession.model_fields
            ),
            _due_check_ins(),
            _of("journal_entry", JournalEntry, OwnJournalEntry.model_validate, columns=OwnJournalEntry.model_fields),
            _of("practice_log", PracticeLog, practice.own, columns=_all_of(PracticeLog)),
            _of("safety_plan", SafetyPlan, safety_plans.shown, columns=_all_of(SafetyPlan), newest_only=True),
        ),
        key=lambda kind: kind.name,
    )
)
"""In the order of their names, which is the order within a revision."""

BY_NAME: Final = {kind.name: kind for kind in KINDS}
