"""The statements of the guard: who is calling, and whose record they ask for, in one go.

They are plain rows rather than objects: every request runs one of them. Each row is found by its key (`ByKey`), so that
they take no longer for a clinic with thousands of patients.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.audit.models import AuditEntry
from app.core.asking import Note
from app.core.columns import Instant
from app.core.db import Database
from app.core.sql import ByKey
from app.identity.models import CareTeamMember, Clinic, Device, Membership, Patient, PatientRevision
from app.identity.permissions import ONE_FACTOR_DOES, SECOND_FACTORS, Role

_device, _member, _clinic = Device.__table__.c, Membership.__table__.c, Clinic.__table__.c
_patient, _revision, _team = Patient.__table__.c, PatientRevision.__table__.c, CareTeamMember.__table__.c

_WORDS = postgresql.ARRAY(sa.Text())
NAMED = sa.bindparam("named_id", type_=sa.Uuid())
_IN_CLINIC: sa.BindParameter[UUID] = sa.bindparam("clinic_id", type_=sa.Uuid())
_THIS_DEVICE = sa.and_(_device.clinic_id == _IN_CLINIC, _device.id == sa.bindparam("device_id"))
_CALLER = (
    _device.id.label("device_id"),
    _device.ended_at,
    _device.confirmed_n,
    _device.signed_in_at,
    _device.authenticated_at,
    _device.methods,
    _device.scopes,
    _member.id.label("membership_id"),
    _member.role,
    _member.patient_id.label("own_id"),
    _member.ended_at.label("membership_ended_at"),
    _clinic.id.label("clinic_id"),
    _clinic.name.label("clinic_name"),
    _clinic.time_zone.label("clinic_time_zone"),
    _clinic.locale,
    _clinic.protocol_version,
)
_REVISION = (_revision.revision, _revision.app_consent_withdrawn_at, _revision.tombstones_from)
_PATIENT = (
    _patient.id.label("patient_id"),
    _patient.time_zone.label("patient_time_zone"),
    _patient.status.label("patient_status"),
    *_REVISION,
)
_OWN_PATIENT = sa.and_(_patient.clinic_id == _IN_CLINIC, ByKey(_patient.id, _member.patient_id))
_REVISION_OF_PATIENT = sa.and_(_revision.clinic_id == _IN_CLINIC, ByKey(_revision.patient_id, _patient.id))
_SOURCE = sa.join(Device.__table__, Membership.__table__, ByKey(_member.id, _device.membership_id)).join(
    Clinic.__table__, _clinic.id == _IN_CLINIC
)


CALLER = sa.select(*_CALLER).select_from(_SOURCE).where(_THIS_DEVICE)
"""Device, membership and clinic of the caller."""


@lru_cache
def own(*, locks: bool) -> sa.Select[Any]:
    """The caller and their own record, locked if they write; no row when they have none."""
    source = _SOURCE.join(Patient.__table__, _OWN_PATIENT).join(PatientRevision.__table__, _REVISION_OF_PATIENT)
    statement = sa.select(*_CALLER, *_PATIENT).select_from(source).where(_THIS_DEVICE)
    return statement.with_for_update(of=PatientRevision.__table__, key_share=True) if locks else statement


@lru_cache
def somebodys(thing: Any) -> sa.Select[Any]:  # noqa: ANN401  a mapped class
    """The caller, and if there is one in the caller's clinic the patient who is named, or whose thing is."""
    whose = NAMED if thing is None else _owner(thing)
    looked_after = _in_care_team(_IN_CLINIC, _member.id, sa.bindparam("now", type_=Instant()))
    source = _SOURCE.outerjoin(
        Patient.__table__, sa.and_(_patient.clinic_id == _IN_CLINIC, _patient.id == whose)
    ).outerjoin(PatientRevision.__table__, _REVISION_OF_PATIENT)
    return sa.select(*_CALLER, *_PATIENT, looked_after.label("in_care_team")).select_from(source).where(_THIS_DEVICE)


def _one_of(name: str) -> sa.ColumnElement[bool]:
    """Whether the caller's role is one of those in this parameter."""
    return _member.role == sa.any_(sa.bindparam(name, type_=_WORDS))


PLAINLY = sa.and_(
    _device.ended_at.is_(None),
    _member.ended_at.is_(None),
    sa.or_(
        _device.scopes.is_(None),
        sa.bindparam("permission", type_=sa.Text()) == sa.any_(sa.func.string_to_array(_device.scopes, " ")),
    ),
    sa.or_(
        _member.role.in_([role.value for role in ONE_FACTOR_DOES]),
        sa.bindparam("one_factor_does", type_=sa.Boolean()),
        sa.func.string_to_array(_device.methods, " ").op("&&", is_comparison=True)(
            sa.cast(postgresql.array(sorted(SECOND_FACTORS)), _WORDS)
        ),
    ),
)
"""Whether the device and its owner may do what a role may. What is not plain, the guard decides and notes itself."""


@lru_cache
def entry(patient: str) -> Note:
    """The audit entry of an allowed read: what it says of the caller, of the request itself, and its mark.

    `patient` is the column with the patient whose record it is.
    """
    known = {"clinic_id": "clinic_id", "actor_id": "membership_id", "actor_role": "role", "device_id": "device_id"}
    told = ("id", "at", "operation", "permission", "outcome", "subject_id", "request_id", "address_prefix", "mark")
    return Note(AuditEntry.metadata.tables[AuditEntry.__tablename__], (*known.items(), ("patient_id", patient)), told)


@lru_cache
def own_plainly() -> sa.Select[Any]:
    """The caller and their own record, if they may plainly read it."""
    return own(locks=False).where(PLAINLY, _one_of("own"))


@lru_cache
def caller_plainly(*, also_patients: bool) -> sa.Select[Any]:
    """The caller, if they may plainly read what belongs to the clinic as a whole."""
    reaches = ("care_team", "whole_clinic", "own") if also_patients else ("care_team", "whole_clinic")
    return CALLER.where(PLAINLY, sa.or_(*map(_one_of, reaches)))


@lru_cache
def somebodys_plainly(thing: Any) -> sa.Select[Any]:  # noqa: ANN401  a mapped class
    """The caller and the patient whom they name, or whose thing they do, if they may plainly read the record."""
    statement = somebodys(thing)
    looked_after = statement.selected_columns.in_care_team
    return statement.where(
        PLAINLY,
        _patient.id.is_not(None),
        sa.or_(_one_of("whole_clinic"), sa.and_(_one_of("care_team"), looked_after)),
    )


def _in_care_team(clinic_id: Any, membership_id: Any, now: Any) -> sa.Exists:  # noqa: ANN401  SQL expressions
    return (
        sa.select(_team.id)
        .where(
            _team.clinic_id == clinic_id,
            _team.patient_id == _patient.id,
            _team.membership_id == membership_id,
            sa.or_(_team.until.is_(None), _team.until > now),
        )
        .correlate(Patient.__table__, Membership.__table__)
        .exists()
    )


def _owner(model: Any) -> Any:  # noqa: ANN401  a mapped class and a SQL expression
    """The patient whose thing the address names, within the caller's clinic."""
    thing = model.__table__.c
    return sa.select(thing.patient_id).where(thing.id == NAMED, thing.clinic_id == _IN_CLINIC).scalar_subquery()


LOCKED_PATIENT = (
    sa.select(_patient.id, _patient.clinic_id, _patient.time_zone, _patient.status, *_REVISION)
    .join_from(Patient.__table__, PatientRevision.__table__, _REVISION_OF_PATIENT)
    .where(_patient.id == sa.bindparam("patient_id"), _patient.clinic_id == _IN_CLINIC)
    .with_for_update(of=PatientRevision.__table__, key_share=True)
)


def visible_patients(clinic_id: Any, membership_id: Any, now: Any) -> sa.Select[UUID]:  # noqa: ANN401  values or SQL
    """Ids of a clinic's patients; with `membership_id`, only of those whom this member of staff looks after.

    Each is a value, or a bound parameter, so that a statement which runs all day can be built once.
    """
    everyone = sa.select(_patient.id).where(_patient.clinic_id == clinic_id)
    return everyone if membership_id is None else everyone.where(_in_care_team(clinic_id, membership_id, now))


IS_STAFF = Membership.role.not_in([Role.PATIENT.value, Role.SERVICE.value])
"""Whether a membership is that of somebody who works at the clinic: no patient, no program."""


async def staff_among(db: Database, clinic_id: UUID, ids: Collection[UUID]) -> frozenset[UUID]:
    """Keep those ids that are members of staff of the clinic now."""
    if not ids:
        return frozenset()
    found = await db.scalars(
        sa.select(Membership.id).where(
            Membership.clinic_id == clinic_id, Membership.id.in_(ids), IS_STAFF, Membership.ended_at.is_(None)
        )
    )
    return frozenset(found)


QUEUE = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("name", type_=sa.BigInteger())))
"""Wait until no other transaction holds this name, and hold it until the commit. PostgreSQL only."""
