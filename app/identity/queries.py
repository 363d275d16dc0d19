"""The statements of the guard: who is calling, and whose record they ask for, in one go.

They are plain rows rather than objects: every request runs one of them.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.columns import Instant
from app.identity.models import CareTeamMember, Clinic, Device, Membership, Patient, PatientRevision
from app.identity.permissions import Role

_device, _member, _clinic = Device.__table__.c, Membership.__table__.c, Clinic.__table__.c
_patient, _revision, _team = Patient.__table__.c, PatientRevision.__table__.c, CareTeamMember.__table__.c
_entry = AuditEntry.__table__.c

TOLD = ("id", "at", "operation", "permission", "outcome", "subject_id", "request_id", "address_prefix", "mark")
"""What an audit entry says of the request itself, and its mark."""

NAMED = sa.bindparam("named_id", type_=sa.Uuid())
_THIS_DEVICE = sa.and_(_device.clinic_id == sa.bindparam("clinic_id"), _device.id == sa.bindparam("device_id"))
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
_OWN_PATIENT = sa.and_(_patient.clinic_id == _device.clinic_id, _patient.id == _member.patient_id)
_REVISION_OF_PATIENT = sa.and_(_revision.clinic_id == _patient.clinic_id, _revision.patient_id == _patient.id)
_SOURCE = sa.join(Device.__table__, Membership.__table__, _member.id == _device.membership_id).join(
    Clinic.__table__, _clinic.id == _device.clinic_id
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
def own_noted() -> sa.Select[Any]:
    """The caller and their own record, with the audit entry of this read written by the same statement.

    For PostgreSQL, where it saves the most frequent reads a statement of their own. Only for devices that may do all
    that a patient may: for one that was given scopes there is no row, and the guard decides. Nothing is written for a
    device that was signed out. What the entry holds beside the caller comes in parameters of the same names.
    """
    found = own(locks=False).where(_device.scopes.is_(None)).cte("caller")
    known = {
        "clinic_id": found.c.clinic_id,
        "actor_id": found.c.membership_id,
        "actor_role": found.c.role,
        "device_id": found.c.device_id,
        "patient_id": found.c.patient_id,
    }
    told = {name: sa.bindparam(f"entry_{name}", type_=_entry[name].type) for name in TOLD}
    noted = (
        sa.insert(AuditEntry)
        .from_select(
            [*known, *told],
            sa.select(*known.values(), *told.values()).where(
                found.c.ended_at.is_(None), found.c.membership_ended_at.is_(None)
            ),
        )
        .cte("noted")
    )
    return sa.select(found).add_cte(noted)


@lru_cache
def somebodys(whose: Any) -> sa.Select[Any]:  # noqa: ANN401  a SQL expression
    """The caller, and the patient if there is one in the caller's clinic."""
    looked_after = _in_care_team(_device.clinic_id, _member.id, sa.bindparam("now", type_=Instant()))
    source = _SOURCE.outerjoin(
        Patient.__table__, sa.and_(_patient.clinic_id == _device.clinic_id, _patient.id == whose)
    ).outerjoin(PatientRevision.__table__, _REVISION_OF_PATIENT)
    return sa.select(*_CALLER, *_PATIENT, looked_after.label("in_care_team")).select_from(source).where(_THIS_DEVICE)


def _in_care_team(clinic_id: Any, membership_id: Any, now: Any) -> sa.Exists:  # noqa: ANN401  SQL expressions
    return (
        sa.select(_team.id)
        .where(
            _team.clinic_id == clinic_id,
            _team.patient_id == _patient.id,
            _team.membership_id == membership_id,
            sa.or_(_team.until.is_(None), _team.until > now),
        )
        .correlate(Device.__table__, Patient.__table__, Membership.__table__)
        .exists()
    )


@lru_cache
def owner(model: Any) -> Any:  # noqa: ANN401  a mapped class and a SQL expression
    """The patient whose thing the address names, within the caller's clinic."""
    thing = model.__table__.c
    return (
        sa.select(thing.patient_id)
        .where(thing.id == NAMED, thing.clinic_id == _device.clinic_id)
        .correlate(Device.__table__)
        .scalar_subquery()
    )


LOCKED_PATIENT = (
    sa.select(_patient.id, _patient.clinic_id, _patient.time_zone, _patient.status, *_REVISION)
    .join_from(Patient.__table__, PatientRevision.__table__, _REVISION_OF_PATIENT)
    .where(_patient.id == sa.bindparam("patient_id"), _patient.clinic_id == sa.bindparam("clinic_id"))
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

QUEUE = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("name", type_=sa.BigInteger())))
"""Wait until no other transaction holds this name, and hold it until the commit. PostgreSQL only."""
