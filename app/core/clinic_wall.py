"""The wall between clinics inside the process: no statement on a clinic's things runs without saying which clinic.

Every ORM statement gets `clinic_id = the entered clinic` for each mapped class marked `OfClinic`, wherever it occurs in
the statement, and every object that is written must be of that clinic. Without an entered clinic both fail. Core
statements on tables are not seen here: they live in `queries.py` files and name the clinic themselves, which the suite
checks on every one it sends. Behind both stands row-level security on PostgreSQL.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, UOWTransaction, mapped_column, with_loader_criteria
from sqlalchemy.sql.functions import FunctionElement

from app.core.engines import say_with_begin

EVERY_CLINIC = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""For the few commands that work across clinics. No request enters it; one looks past the wall (`past_the_wall`)."""


class WrongClinicError(RuntimeError):
    """A fault of ours: a statement without a clinic, or a row of another one. Nothing was read or written."""


class OfClinic:
    """Marks a mapped class whose rows belong to one clinic."""

    clinic_id: Mapped[UUID] = mapped_column()


class ClinicSession(Session):
    """SQLAlchemy's session, which works for one clinic at a time."""

    clinic_id: UUID | None = None
    relaxed: bool = False


class _NoClinic(FunctionElement[bool]):
    """The condition that is given where there is no clinic: whatever it gets into cannot be compiled."""

    inherit_cache = True
    name = "no_clinic"
    type = sa.Boolean()


@compiles(_NoClinic)
def _refuse(*_: object, **__: object) -> str:
    msg = "a statement on a clinic's things before a clinic was entered"
    raise WrongClinicError(msg)


@event.listens_for(ClinicSession, "after_begin")
def _begin(session: ClinicSession, _transaction: object, connection: Any) -> None:  # noqa: ANN401  SQLAlchemy's
    say_with_begin(connection, session.clinic_id, relaxed=session.relaxed)


@event.listens_for(ClinicSession, "do_orm_execute")
def _name_the_clinic(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_column_load or state.is_relationship_load:
        return
    clinic_id = state.session.clinic_id  # type: ignore[attr-defined]  # the session is a ClinicSession
    if clinic_id == EVERY_CLINIC:
        return
    condition = _NoClinic() if clinic_id is None else (lambda model: model.clinic_id == clinic_id)
    state.statement = state.statement.options(with_loader_criteria(OfClinic, condition, include_aliases=True))


@event.listens_for(ClinicSession, "before_flush")
def _only_of_the_clinic(session: ClinicSession, _context: UOWTransaction, _instances: object) -> None:
    if session.clinic_id == EVERY_CLINIC:
        return
    for thing in (*session.new, *session.dirty, *session.deleted):
        if isinstance(thing, OfClinic) and thing.clinic_id != session.clinic_id:
            msg = f"a {type(thing).__name__} of another clinic than the entered one"
            raise WrongClinicError(msg)
