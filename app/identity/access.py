"""The guard: each route names exactly one, in one typed line.

    access: Annotated[PatientAccess, me(Permission.CHECK_INS_WRITE)]       the caller's own record
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_READ)]     the record of `{patient_id}`
    access: Annotated[PatientAccess, allow(Permission.DOSING_READ, of=models.DosingSession, named="session_id")]
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PATIENTS_READ)]
    _: Annotated[None, public()]                                            anyone

It answers 401 without a valid token, 403 when the role lacks the permission, 404 when the caller may not know of the
patient (whether or not there is one), and writes the audit entry in every case. It takes one statement. A permission
that writes also locks the patient's revision row, so that the writes of one patient happen one after another.

An app that is too old is told to update before anything else is done, but for what stands in `FOR_OLD_APPS_TOO`.

With `step_up=True` the caller must have proved who they are within the last minutes, not just hold a token.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, Request

from app.audit import service as audit
from app.core import app_versions, clock, limits
from app.core.db import Database, Db
from app.core.errors import Forbidden, NotFound, Problem, Unauthenticated
from app.core.guards import Guard
from app.core.limits import Limit
from app.core.settings import AuditReads, Settings
from app.core.upkeep import Part
from app.identity import queries, tokens
from app.identity.errors import RecentSignInRequired, SecondFactorNeeded
from app.identity.essentials import FOR_OLD_APPS_TOO, LIMITED_BY
from app.identity.models import Device, PatientRevision, Tombstone
from app.identity.permissions import Permission, Reach, Role, lacks_second_factor, reach
from app.protocols import service as protocols
from app.protocols.rules import Protocol


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking."""

    membership_id: UUID
    role: Role
    clinic_id: UUID
    device_id: UUID
    patient_id: UUID | None
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class ClinicView:
    """What most work needs to know of the clinic."""

    id: UUID
    name: str
    time_zone: str
    locale: str
    protocol_version: int


@dataclass(frozen=True, slots=True)
class PatientView:
    """What most work needs to know of the patient. `revision` is the counter as it was when this request began.

    `app_consent_withdrawn_at`: since when the patient wants no new answers of theirs stored; None if they do.
    `tombstones_from`: what was removed at this revision and before is not told any more; None when all of it is.
    """

    id: UUID
    clinic_id: UUID
    time_zone: str
    status: str
    revision: int
    app_consent_withdrawn_at: datetime | None = None
    tombstones_from: int | None = None

    def revise(self, db: Database, parts: Iterable[Part] | None = None) -> int:
        """Count this transaction's change of the patient's record; the new revision, the same however often called.

        `parts` is what of the record this changes, if that is all: see `Database.touch`.
        """
        db.stage_change(PatientRevision, {"patient_id": self.id}, {"revision": self.revision + 1})
        db.touch(self.clinic_id, self.id, parts)
        return self.revision + 1

    def forget(self, db: Database, kind: str, subject_id: UUID) -> None:
        """Leave a tombstone for something that this transaction takes out of the record, for the phones that have it.

        `kind` is what `GET /v1/me/changes` calls it. An id that is removed is never used again.
        """
        db.stage(
            Tombstone,
            {
                "clinic_id": self.clinic_id,
                "patient_id": self.id,
                "kind": kind,
                "subject_id": subject_id,
                "revision": self.revise(db),
                "removed_at": clock.now(),
            },
        )


@dataclass(frozen=True, slots=True)
class ClinicAccess:
    """A caller, let in to what belongs to their clinic as a whole."""

    caller: Caller
    clinic: ClinicView
    protocol: Protocol
    reach: Reach


@dataclass(frozen=True, slots=True)
class PatientAccess(ClinicAccess):
    """A caller, let in to one patient's record."""

    patient: PatientView


@dataclass(frozen=True)
class AccessGuard(Guard):
    """What the guards that ask who is calling share."""

    step_up: bool = False

    @property
    def serves_old_apps(self) -> bool:
        """Whether an app that should have been updated is let in too."""
        return self.permission in FOR_OLD_APPS_TOO

    def _decide(self, request: Request, db: Database, row: Any, *, held: bool, may_know: bool = True) -> Caller:  # noqa: ANN401  a row
        """Write the audit entry, then let the caller in or raise."""
        caller = _caller(row)
        out_of_scope = held and row.scopes is not None and self.permission not in row.scopes.split()
        held = held and not out_of_scope
        unproven = self._unproven(request, row) if held and may_know else None
        audit.record(
            db,
            outcome="allowed" if held and may_know and unproven is None else "denied",
            patient_id=getattr(row, "patient_id", row.own_id),
            **_who(caller),
            **self._told(request),
        )
        if not held:
            challenge = f'Bearer error="insufficient_scope", scope="{self.permission}"'
            raise Forbidden(headers={"WWW-Authenticate": challenge} if out_of_scope else {}, keeps_writes=True)
        if not may_know:
            raise NotFound(keeps_writes=True)
        if unproven is not None:
            raise unproven
        return caller

    def _unproven(self, request: Request, row: Any) -> Problem | None:  # noqa: ANN401  a row
        """What the caller must prove beside holding a token; None when they proved enough."""
        if lacks_second_factor(_asked(self), Role(row.role), row.methods):
            return SecondFactorNeeded(keeps_writes=True)
        minutes = request.app.state.settings.step_up_minutes
        proved_at = row.authenticated_at or row.signed_in_at
        if self.step_up and proved_at < clock.now() - timedelta(minutes=minutes):
            challenge = f'Bearer error="insufficient_user_authentication", max_age={minutes * 60}'
            return RecentSignInRequired(headers={"WWW-Authenticate": challenge}, keeps_writes=True)
        return None

    async def _look_up(self, request: Request, db: Database, statement: sa.Select[Any], **named: object) -> Any:  # noqa: ANN401  a row
        """Who is calling, found behind the wall of the clinic that the token names."""
        token = _token_of(request)
        await limits.spend(request, LIMITED_BY.get(_asked(self), Limit.DEFAULT), token.device_id)
        if not self.serves_old_apps:
            app_versions.check(request)
        await db.enter(token.clinic_id, relaxed=_relaxed(request, _asked(self)))
        row = (
            await db.read(statement, {"clinic_id": token.clinic_id, "device_id": token.device_id, **named})
        ).one_or_none()
        if row is not None and (row.ended_at is not None or row.membership_ended_at is not None):
            raise _unauthenticated()
        if row is not None and token.counter > row.confirmed_n:
            await _confirm(db, token)
        return row

    def _told(self, request: Request) -> dict[str, Any]:
        """What an audit entry says of the request itself."""
        return {
            "operation": getattr(request.scope.get("endpoint"), "__name__", "unknown"),
            "permission": str(self.permission),
            "subject_id": _subject(request),
            "request_id": request.scope.get("state", {}).get("request_id"),
            "address_prefix": address_prefix(request),
        }


class _Me(AccessGuard):
    async def __call__(self, request: Request, db: Db) -> PatientAccess:
        """The caller's own record."""
        permission = _asked(self)
        if (
            db.is_postgresql
            and not permission.writes
            and not self.step_up
            and reach(permission, Role.PATIENT) is Reach.OWN
        ):
            token = _token_of(request)
            entry = audit.begin(self._told(request), clinic_id=token.clinic_id, device_id=token.device_id)
            statement = queries.own_noted()
            row = await self._look_up(request, db, statement, **{f"entry_{name}": told for name, told in entry.items()})
            if row is not None:
                own = _caller(row)
                audit.keep(db, entry | _who(own) | {"patient_id": row.patient_id})
                return await _patient_access(db, own, row, Reach.OWN)
        row = await self._look_up(request, db, queries.own(locks=permission.writes))
        if row is None:  # not a patient, or nobody
            self._decide(request, db, _known(await self._look_up(request, db, queries.CALLER)), held=False)
        held = reach(permission, Role(_known(row).role)) is Reach.OWN
        caller = self._decide(request, db, row, held=held)
        return await _patient_access(db, caller, row, Reach.OWN)


@dataclass(frozen=True)
class _InClinic(AccessGuard):
    also_patients: bool = False

    async def __call__(self, request: Request, db: Db) -> ClinicAccess:
        """What belongs to the caller's clinic as a whole."""
        permission = _asked(self)
        row = _known(await self._look_up(request, db, queries.CALLER))
        reached = reach(permission, Role(row.role))
        caller = self._decide(
            request, db, row, held=reached is not None and (self.also_patients or reached is not Reach.OWN)
        )
        clinic = _clinic(row)
        protocol = await protocols.at_version(db, clinic.id, clinic.protocol_version)
        return ClinicAccess(caller, clinic, protocol, reached or Reach.OWN)


@dataclass(frozen=True)
class _Allow(AccessGuard):
    of: Any = None
    named: str = "patient_id"

    async def __call__(self, request: Request, db: Db) -> PatientAccess:
        """The record of the patient whom, or whose thing, the address names."""
        permission = _asked(self)
        whose = queries.NAMED if self.of is None else queries.owner(self.of)
        statement = queries.somebodys(whose)
        row = _known(await self._look_up(request, db, statement, named_id=_named(request, self.named), now=clock.now()))
        reached = reach(permission, Role(row.role))
        caller = self._decide(
            request,
            db,
            row,
            held=reached in {Reach.CARE_TEAM, Reach.CLINIC},
            may_know=row.patient_id is not None and (reached is Reach.CLINIC or bool(row.in_care_team)),
        )
        access = await _patient_access(db, caller, row, reached or Reach.CARE_TEAM)
        return await _locked(db, access) if permission.writes else access


def me(permission: Permission, *, step_up: bool = False) -> Any:  # noqa: ANN401  FastAPI's marker
    """Let a patient in to their own record."""
    return Depends(_Me(permission, step_up=step_up), scope="function")


def allow(permission: Permission, *, of: Any = None, named: str = "patient_id", step_up: bool = False) -> Any:  # noqa: ANN401
    """Let staff in to the record of the patient `{patient_id}`, or of the patient whose thing `{named}` is."""
    return Depends(_Allow(permission, of=of, named=named, step_up=step_up), scope="function")


def allow_in_clinic(permission: Permission, *, also_patients: bool = False, step_up: bool = False) -> Any:  # noqa: ANN401
    """Let staff in to what belongs to their clinic as a whole; lists must still respect `access.reach`."""
    return Depends(_InClinic(permission, also_patients=also_patients, step_up=step_up), scope="function")


async def patient_for_writing(db: Database, clinic_id: UUID, patient_id: UUID) -> PatientView:
    """A patient, locked as a writing guard locks them: for commands and the simulator, which have no request."""
    found = await db.read(queries.LOCKED_PATIENT, {"patient_id": patient_id, "clinic_id": clinic_id})
    return PatientView(**found.mappings().one())


def visible_patients(access: ClinicAccess) -> sa.Select[UUID]:
    """Ids of the patients whom this caller may know of, for the lists of a clinic."""
    return queries.visible_patients(
        access.clinic.id, None if access.reach is Reach.CLINIC else access.caller.membership_id, clock.now()
    )


def _asked(guard: Guard) -> Permission:
    return Permission(guard.permission or "")


def _token_of(request: Request) -> tokens.Token:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = tokens.read(text.strip(), tokens.Kind.ACCESS) if scheme.lower() == "bearer" else None
    if token is None or token.expires_at <= clock.now():
        raise _unauthenticated()
    return token


def _caller(row: Any) -> Caller:  # noqa: ANN401  a row
    return Caller(row.membership_id, Role(row.role), row.clinic_id, row.device_id, row.own_id, row.signed_in_at)


def _who(caller: Caller) -> dict[str, Any]:
    """What an audit entry says of the caller."""
    return {
        "clinic_id": caller.clinic_id,
        "actor_id": caller.membership_id,
        "actor_role": caller.role,
        "device_id": caller.device_id,
    }


def _known(row: Any) -> Any:  # noqa: ANN401  a row
    if row is None:
        raise _unauthenticated()
    return row


def _unauthenticated() -> Unauthenticated:
    return Unauthenticated(headers={"WWW-Authenticate": "Bearer"})


def _relaxed(request: Request, permission: Permission) -> bool:
    """Whether the record of this read may be written without waiting for the disk."""
    settings: Settings = request.app.state.settings
    return not permission.writes and settings.audit_reads is AuditReads.RELAXED


async def _patient_access(db: Database, caller: Caller, row: Any, reached: Reach) -> PatientAccess:  # noqa: ANN401
    clinic = _clinic(row)
    protocol = await protocols.at_version(db, clinic.id, clinic.protocol_version)
    patient = PatientView(
        row.patient_id,
        row.clinic_id,
        row.patient_time_zone,
        row.patient_status,
        row.revision,
        row.app_consent_withdrawn_at,
        row.tombstones_from,
    )
    return PatientAccess(caller, clinic, protocol, reached, patient)


def _clinic(row: Any) -> ClinicView:  # noqa: ANN401  a row
    return ClinicView(row.clinic_id, row.clinic_name, row.clinic_time_zone, row.locale, row.protocol_version)


async def _locked(db: Database, access: PatientAccess) -> PatientAccess:
    """The same access with the patient's revision row locked, and read after the lock was had."""
    return replace(access, patient=await patient_for_writing(db, access.clinic.id, access.patient.id))


async def _confirm(db: Database, token: tokens.Token) -> None:
    """Its owner was seen to hold the token with this counter, once for each refresh."""
    await db.execute(
        sa.update(Device)
        .where(Device.id == token.device_id, Device.confirmed_n < token.counter)
        .values(confirmed_n=token.counter)
    )


def _subject(request: Request) -> UUID | None:
    """The id of the thing in the address that is not the patient."""
    found = None
    for name, value in request.path_params.items():
        if name != "patient_id":
            try:
                found = UUID(str(value))
            except ValueError:
                continue
    return found


def _named(request: Request, name: str) -> UUID:
    try:
        return UUID(str(request.path_params[name]))
    except ValueError:
        raise NotFound from None


def address_prefix(request: Request) -> str | None:
    """Enough of the caller's address to see a pattern, too little to be a person."""
    host = request.client.host if request.client else ""
    if ":" in host:
        return ":".join(host.split(":")[:3]) + "::/48"
    return ".".join(host.split(".")[:3]) + ".0/24" if host.count(".") == 3 else None  # noqa: PLR2004  IPv4
