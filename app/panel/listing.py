"""The statement behind the panel: one, built once for each kind of question."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from math import inf
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.core.columns import Instant
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import ClinicAccess
from app.identity.models import CareTeamMember, Patient
from app.identity.permissions import Reach
from app.panel.models import PatientSummary
from app.panel.rules import NEVER, SEVERITIES
from app.panel.schemas import PanelQuery, PanelSort
from app.panel.statements import SUMMARY

_PATIENT, _TEAM = Patient.__table__.c, CareTeamMember.__table__.c
_CLINIC = sa.bindparam("clinic_id", type_=sa.Uuid())
_NOW = sa.bindparam("now", type_=Instant())
_LATE: Final = sa.literal(NEVER, Instant())
_DUE = SUMMARY.completed_check_ins + SUMMARY.late_check_ins + SUMMARY.missed_check_ins
_NOTHING_ASKED: Final = 101
"""After all who are at most at 100 percent."""
_KEYS: Final[dict[PanelSort, sa.ColumnElement[Any]]] = {
    PanelSort.NEED: SUMMARY.need,
    PanelSort.OVERDUE: -SUMMARY.overdue_check_ins,
    PanelSort.DAYS_SINCE_DOSE: sa.func.coalesce(SUMMARY.last_dose_at, _LATE, type_=Instant()),
    PanelSort.NEXT_SESSION: sa.func.coalesce(SUMMARY.next_session_at, _LATE, type_=Instant()),
    PanelSort.ADHERENCE: sa.case(
        (_DUE == 0, sa.literal_column(str(_NOTHING_ASKED), sa.Double())),
        else_=sa.cast(SUMMARY.completed_check_ins, sa.Double()) * 100 / _DUE,
    ),
}
"""What each order sorts by; the patient's id decides between equals."""
_SHOWN: Final = (
    *(column for column in SUMMARY if column is not SUMMARY.latest),
    sa.cast(SUMMARY.latest, sa.Text()).label("latest"),
)
"""The values come as text: what is written of them is remembered by it."""


class _Measured(FunctionElement[bool]):
    """Whether a summary has a latest value of a measure, for any substance, between two bounds."""

    type = sa.Boolean()
    inherit_cache = True
    name = "measured"


@compiles(_Measured)
def _measured(element: _Measured, compiler: Any, **options: Any) -> str:  # noqa: ANN401  SQLAlchemy's protocol
    latest, prefix, lowest, highest = (compiler.process(part, **options) for part in element.clauses)
    each, value = f"json_each({latest})", "json_extract(e.value, '$[0]')"
    if compiler.dialect.name == "postgresql":
        each, value = f"jsonb_each({latest})", "(e.value->>0)::float8"
    return (
        f"EXISTS (SELECT 1 FROM {each} AS e WHERE substr(e.key, 1, length({prefix})) = {prefix} "  # noqa: S608
        f"AND {value} BETWEEN {lowest} AND {highest})"
    )


async def page(
    db: Database, access: ClinicAccess, query: PanelQuery, now: datetime
) -> tuple[Sequence[Any], str | None]:
    """Read a page of the summaries of patients whom the caller may know of, with their names; its next cursor."""
    me, request = access.caller.membership_id, PageRequest(query.limit, query.cursor)
    member = me if query.care_team == "me" else query.care_team
    known: dict[str, Any] = {"clinic_id": access.clinic.id, "now": now, "size": request.limit + 1}
    asked = {
        "membership_id": None if access.reach is Reach.CLINIC else me,
        "member_id": member,
        "phase": query.phase,
        "prefix": f"{query.measure}/" if query.measure else None,
    }
    known |= {name: value for name, value in asked.items() if value is not None}
    if query.measure:
        known |= {
            "lowest": -inf if query.at_least is None else query.at_least,
            "highest": inf if query.at_most is None else query.at_most,
        }
    filters = (
        "panel",
        access.clinic.id,
        me,
        *(query.sort, member, query.alert_severity, query.phase, query.measure, query.at_least, query.at_most),
        query.overdue,
    )
    after = request.after(*filters)
    if after is not None:
        known |= {"after_key": after[0], "after_id": after[1]}
    conditions = frozenset({*(name for name, value in asked.items() if value is not None)})
    severities = _at_least(query)
    statement = _statement(query.sort, conditions, severities, overdue=query.overdue, continued=after is not None)
    rows = await db.ask(statement, known)
    if len(rows) <= request.limit:
        return rows, None
    last = rows[request.limit - 1]
    return rows[: request.limit], make_cursor([last.sort_key, last.patient_id], *filters)


def _at_least(query: PanelQuery) -> tuple[str, ...]:
    if query.alert_severity is None:
        return ()
    return tuple(severity.value for severity in SEVERITIES[: SEVERITIES.index(query.alert_severity) + 1])


@lru_cache(maxsize=256)
def _statement(
    sort: PanelSort, conditions: frozenset[str], severities: tuple[str, ...], *, overdue: bool, continued: bool
) -> sa.Select[Any]:
    key = _KEYS[sort]
    where: list[sa.ColumnElement[bool]] = [SUMMARY.clinic_id == _CLINIC]
    if "membership_id" in conditions:
        me = sa.bindparam("membership_id", type_=sa.Uuid())
        # In the order of need, which has an index, fifty are found one by one; any other order looks at everybody.
        mine = _looked_after_by(me) if sort is PanelSort.NEED else SUMMARY.patient_id.in_(_patients_of(me))
        where.append(mine)
    if "member_id" in conditions:
        where.append(SUMMARY.patient_id.in_(_patients_of(sa.bindparam("member_id", type_=sa.Uuid()))))
    if severities:
        where.append(SUMMARY.worst_alert_severity.in_(severities))
    if "phase" in conditions:
        where.append(SUMMARY.phase == sa.bindparam("phase"))
    if "prefix" in conditions:
        prefix = sa.bindparam("prefix", type_=sa.String())
        bounds: list[sa.BindParameter[float]] = [
            sa.bindparam(name, type_=sa.Double()) for name in ("lowest", "highest")
        ]
        where.append(_Measured(SUMMARY.latest, prefix, *bounds))
    if overdue:
        where.append(SUMMARY.overdue_check_ins > 0)
    if continued:
        after = sa.bindparam("after_key", type_=key.type), sa.bindparam("after_id", type_=sa.Uuid())
        where.append(sa.tuple_(key, SUMMARY.patient_id) > sa.tuple_(*after))
    patient = sa.and_(_PATIENT.clinic_id == SUMMARY.clinic_id, _PATIENT.id == SUMMARY.patient_id)
    return (
        sa.select(*_SHOWN, _PATIENT.display_name, _PATIENT.status, key.label("sort_key"))
        .join_from(PatientSummary.__table__, Patient.__table__, patient)
        .where(*where)
        .order_by(key, SUMMARY.patient_id)
        .limit(sa.bindparam("size", type_=sa.Integer()))
    )


def _patients_of(member: sa.BindParameter[UUID]) -> sa.Select[Any]:
    """Whom this member of staff looks after, as `identity.queries.visible_patients` has it."""
    return sa.select(_TEAM.patient_id).where(
        _TEAM.clinic_id == _CLINIC, _TEAM.membership_id == member, sa.or_(_TEAM.until.is_(None), _TEAM.until > _NOW)
    )


def _looked_after_by(member: sa.BindParameter[UUID]) -> sa.ColumnElement[bool]:
    """Whether the patient is one of them."""
    return (
        _patients_of(member).where(_TEAM.patient_id == SUMMARY.patient_id).correlate(PatientSummary.__table__).exists()
    )
