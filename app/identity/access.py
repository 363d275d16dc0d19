"""The guard: each route names exactly one, in one typed line.

    access: Annotated[PatientAccess, me(Permission.CHECK_INS_WRITE)]       the caller's own record
    access: Annotated[PatientAccess, allow(Permission.CHECK_INS_READ)]     the record of `{patient_id}`
    access: Annotated[PatientAccess, allow(Permission.DOSING_READ, of=models.DosingSession, named="session_id")]
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PATIENTS_READ)]
    _: Annotated[None, public()]                                            anyone

It answers 401 without a valid token, 403 when the role lacks the permission, 404 when the caller may not know of the
patient (whether or not there is one), and writes the audit entry in every case. It takes one statement. A permission
that writes also locks the patient's revision row, so that the writes of one patient happen one after another.

Most requests are reads that are plainly allowed. On PostgreSQL these are let in by a statement that is sent alone and
notes itself (`AccessGuard.at_once`). What it does not find is looked at closely.

An app that is too old is told to update before anything else is done, but for what stands in `FOR_OLD_APPS_TOO`.

With `step_up=True` the caller must have proved who they are within the last minutes, not just hold a token.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import service as audit
from app.core import app_versions, asking, clock, hot, limits
from app.core.db import Database, Db, unit_of_work
from app.core.errors import Forbidden, NotFound, Problem, Unauthenticated
from app.core.guards import Guard
from app.core.limits import Limit
from app.core.settings import AuditReads, Settings
from app.identity import queries, tokens
from app.identity.errors import RecentSignInRequired, SecondFactorNeeded
from app.identity.essentials import FOR_OLD_APPS_TOO, LIMITED_BY
from app.identity.models import Device
from app.identity.permissions import WITHOUT_SECOND_FACTOR, Permission, Reach, Role, lacks_second_factor, reach
from app.identity.views import (
    Caller,
    ClinicAccess,
    ClinicView,
    PatientAccess,
    PatientView,
    caller_of,
    clinic_of,
    patient_of,
)
from app.protocols import service as protocols
from app.protocols.rules import Protocol

__all__ = [
    "Caller",
    "ClinicAccess",
    "ClinicView",
    "PatientAccess",
    "PatientView",
    "address_prefix",
    "allow",
    "allow_in_clinic",
    "me",
    "patient_for_writing",
    "visible_patients",
]


@dataclass(frozen=True)
class AccessGuard(Guard, ABC):
    """What the guards that ask who is calling share."""

    step_up: bool = False
    whose: ClassVar = "patient_id"
    """The column of `_plainly` with the patient whose record it is."""

    @property
    def serves_old_apps(self) -> bool:
        """Whether an app that should have been updated is let in too."""
        return self.permission in FOR_OLD_APPS_TOO

    async def __call__(self, request: Request, db: Db) -> Any:  # noqa: ANN401  what this guard gives
        """Let the caller in, or raise."""
        access = None if db.in_transaction() else await self.at_once(request)
        if access is None:
            return await self._closely(request, db)
        await db.enter(access.clinic.id, relaxed=_relaxed(request, _asked(self)))
        return access

    async def at_once(self, request: Request) -> Any:  # noqa: ANN401  what this guard gives
        """Let in who may plainly read, by one statement that notes it; None where that takes a closer look.

        A request is let in once, however often this is asked.
        """
        state, engine = request.scope.setdefault("state", {}), request.app.state.engine
        permission = _asked(self)
        if "access" not in state:
            may = engine.dialect.name == "postgresql" and not permission.writes and not self.step_up
            state["access"] = await self._glance(request, engine, permission) if may else None
        return state["access"]

    async def _glance(self, request: Request, engine: AsyncEngine, permission: Permission) -> Any:  # noqa: ANN401  the same
        token = await self._admitted(request)
        entry = audit.begin(self._told(request), clinic_id=token.clinic_id, device_id=token.device_id)
        given = {"clinic_id": token.clinic_id, "device_id": token.device_id, **self._named(request), **self._holders}
        given |= {f"note_{name}": told for name, told in entry.items()}
        relaxed = _relaxed(request, permission)
        note = queries.entry(self.whose)
        rows = await asking.ask(engine, self._plainly, given, token.clinic_id, note=note, relaxed=relaxed)
        if not rows:
            return None
        (row,) = rows
        protocol = protocols.known(row.clinic_id, row.protocol_version)
        if protocol is None or token.counter > row.confirmed_n:
            async with unit_of_work(engine, row.clinic_id, relaxed=relaxed) as db:
                await _confirm(db, token)
                protocol = await protocols.at_version(db, row.clinic_id, row.protocol_version)
        return self._access(row, protocol)

    @cached_property
    def _holders(self) -> dict[str, Any]:
        """Who holds the permission, and how far they reach with it: what `queries.PLAINLY` asks."""
        permission = _asked(self)
        reached = {role: reach(permission, role) for role in Role}
        of = {how: [str(role) for role, reaches in reached.items() if reaches is how] for how in Reach}
        return {
            "permission": str(permission),
            "one_factor_does": permission in WITHOUT_SECOND_FACTOR,
            "own": of[Reach.OWN],
            "care_team": of[Reach.CARE_TEAM],
            "whole_clinic": of[Reach.CLINIC],
        }

    @property
    @abstractmethod
    def _plainly(self) -> sa.Select[Any]:
        """What finds the caller, and the patient who is meant, if this is plainly allowed."""

    def _named(self, request: Request) -> dict[str, Any]:  # noqa: ARG002  most addresses name nobody
        """The parameters of `_plainly` that the address gives."""
        return {}

    @abstractmethod
    async def _closely(self, request: Request, db: Database) -> Any:  # noqa: ANN401  what this guard gives
        """Let the caller in or raise, with an audit entry that says which."""

    @abstractmethod
    def _access(self, row: Any, protocol: Protocol) -> Any:  # noqa: ANN401  a row, and what this guard gives
        """Tell what was found."""

    def _decide(self, request: Request, db: Database, row: Any, *, held: bool, may_know: bool = True) -> None:  # noqa: ANN401  a row
        """Write the audit entry, then let the caller in or raise."""
        caller = caller_of(row)
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

    async def _admitted(self, request: Request) -> tokens.Token:
        """What the token says, if there is one and its device may ask once more, with the app that it has."""
        token = _token_of(request)
        await limits.spend(request, LIMITED_BY.get(_asked(self), Limit.DEFAULT), token.device_id)
        if not self.serves_old_apps:
            app_versions.check(request)
        return token

    async def _look_up(self, request: Request, db: Database, statement: sa.Select[Any], **named: object) -> Any:  # noqa: ANN401  a row
        """Who is calling, found behind the wall of the clinic that the token names."""
        token = await self._admitted(request)
        await db.enter(token.clinic_id, relaxed=_relaxed(request, _asked(self)))
        row = (
            await db.read(hot.of(statement), {"clinic_id": token.clinic_id, "device_id": token.device_id, **named})
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
    """The caller's own record."""

    @property
    def _plainly(self) -> sa.Select[Any]:
        return queries.own_plainly()

    async def _closely(self, request: Request, db: Database) -> PatientAccess:
        permission = _asked(self)
        row = await self._look_up(request, db, queries.own(locks=permission.writes))
        if row is None:  # not a patient, or nobody
            self._decide(request, db, _known(await self._look_up(request, db, queries.CALLER)), held=False)
        self._decide(request, db, row, held=reach(permission, Role(_known(row).role)) is Reach.OWN)
        return self._access(row, await _protocol(db, row))

    def _access(self, row: Any, protocol: Protocol) -> PatientAccess:  # noqa: ANN401  a row
        return PatientAccess(caller_of(row), clinic_of(row), protocol, Reach.OWN, patient_of(row))


@dataclass(frozen=True)
class _InClinic(AccessGuard):
    """What belongs to the caller's clinic as a whole."""

    also_patients: bool = False
    whose: ClassVar = "own_id"

    @property
    def _plainly(self) -> sa.Select[Any]:
        return queries.caller_plainly(also_patients=self.also_patients)

    async def _closely(self, request: Request, db: Database) -> ClinicAccess:
        row = _known(await self._look_up(request, db, queries.CALLER))
        reached = reach(_asked(self), Role(row.role))
        self._decide(request, db, row, held=reached is not None and (self.also_patients or reached is not Reach.OWN))
        return self._access(row, await _protocol(db, row))

    def _access(self, row: Any, protocol: Protocol) -> ClinicAccess:  # noqa: ANN401  a row
        reached = reach(_asked(self), Role(row.role)) or Reach.OWN
        return ClinicAccess(caller_of(row), clinic_of(row), protocol, reached)


@dataclass(frozen=True)
class _Allow(AccessGuard):
    """The record of the patient whom, or whose thing, the address names."""

    of: Any = None
    named: str = "patient_id"

    @property
    def _plainly(self) -> sa.Select[Any]:
        return queries.somebodys_plainly(self.of)

    def _named(self, request: Request) -> dict[str, Any]:
        try:
            return {"named_id": UUID(str(request.path_params[self.named])), "now": clock.now()}
        except ValueError:
            raise NotFound from None

    async def _closely(self, request: Request, db: Database) -> PatientAccess:
        permission = _asked(self)
        row = _known(await self._look_up(request, db, queries.somebodys(self.of), **self._named(request)))
        reached = reach(permission, Role(row.role))
        self._decide(
            request,
            db,
            row,
            held=reached in {Reach.CARE_TEAM, Reach.CLINIC},
            may_know=row.patient_id is not None and (reached is Reach.CLINIC or bool(row.in_care_team)),
        )
        access = self._access(row, await _protocol(db, row))
        return await _locked(db, access) if permission.writes else access

    def _access(self, row: Any, protocol: Protocol) -> PatientAccess:  # noqa: ANN401  a row
        reached = reach(_asked(self), Role(row.role)) or Reach.CARE_TEAM
        return PatientAccess(caller_of(row), clinic_of(row), protocol, reached, patient_of(row))


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
    found = await db.read(hot.of(queries.LOCKED_PATIENT), {"patient_id": patient_id, "clinic_id": clinic_id})
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


async def _protocol(db: Database, row: Any) -> Protocol:  # noqa: ANN401  a row
    return await protocols.at_version(db, row.clinic_id, row.protocol_version)


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


def address_prefix(request: Request) -> str | None:
    """Enough of the caller's address to see a pattern, too little to be a person."""
    host = request.client.host if request.client else ""
    if ":" in host:
        return ":".join(host.split(":")[:3]) + "::/48"
    return ".".join(host.split(".")[:3]) + ".0/24" if host.count(".") == 3 else None  # noqa: PLR2004  IPv4
