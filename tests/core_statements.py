"""Checks every Core statement that the application sends: each table of a clinic in it must be tied to a clinic.

The session's criterion sees mapped classes only. So the suite looks at what it does not see, on every statement that
any test makes the application run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors

from app.core import asking
from app.core.db import EVERY_CLINIC, Base, Database, OfClinic
from app.core.hot import Hot

_read, _ask = Database.read, Database.ask
_seen: dict[int, object] = {}


def untied(statement: Any) -> list[str]:
    """The tables of a clinic in this statement whose `clinic_id` is compared with nothing."""
    walled = {str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, OfClinic)}
    used: dict[int, Any] = {}
    tied: set[int] = set()
    for part in visitors.iterate(statement):
        if isinstance(part, sa.BinaryExpression) and part.operator in {operators.eq, operators.in_op}:
            tied.update(id(side.table) for side in (part.left, part.right) if getattr(side, "name", "") == "clinic_id")
        if isinstance(part, sa.Table) and part.name in walled:
            used[id(part)] = part
        if isinstance(part, sa.Alias) and getattr(part.element, "name", "") in walled:
            used[id(part)] = part
            tied.add(id(part.element))  # the table is used by its other name
    return [table.name for key, table in used.items() if key not in tied]


async def checked_read(self: Database, statement: Any, parameters: Mapping[str, Any] | None = None) -> Any:
    """`Database.read`, for requests and whatever else works for one clinic."""
    _check(self, statement.statement if isinstance(statement, Hot) else statement)
    return await _read(self, statement, parameters)


async def checked_ask(self: Database, statement: asking.Question, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """`Database.ask`, for the same."""
    _check(self, statement)
    return await _ask(self, statement, parameters)


def _check(db: Database, statement: sa.Executable) -> None:
    is_core = "compile_state_plugin" not in getattr(statement, "_propagate_attrs", {})
    if db.clinic_id != EVERY_CLINIC and is_core and id(statement) not in _seen:
        loose = untied(statement)
        assert not loose, f"a Core statement reads {', '.join(loose)} of no clinic in particular:\n{statement}"
        _seen[id(statement)] = statement  # kept, so that its id stays its own
