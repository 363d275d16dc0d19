"""The roster of a clinic: reading it, changing it, and what it means at a moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, PreconditionFailed
from app.core.etags import require_match
from app.core.settings import Settings
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, ClinicView
from app.identity.models import Clinic, Membership
from app.safety import roster_schemas
from app.safety.errors import CannotBeOnCall
from app.safety.models import OnCallRoster
from app.safety.recipients import CLINICAL
from app.safety.roster_rules import Roster, is_staffed, on_call_at, waits


@dataclass(frozen=True, slots=True)
class Standing:
    """A clinic's roster as it stands; that of a clinic which has said nothing promises nothing."""

    version: int
    roster: Roster
    content: dict[str, Any] | None = None
    made_at: datetime | None = None
    made_by: UUID | None = None

    @property
    def country(self) -> str | None:
        """Whose emergency numbers are shown."""
        return self._said("country")

    @property
    def telephone(self) -> str | None:
        """The clinic's number."""
        return self._said("telephone")

    @property
    def address(self) -> str | None:
        """The clinic's postal address."""
        return self._said("address")

    @property
    def hours(self) -> str | None:
        """Its hours, in its own words."""
        return self._said("hours")

    def _said(self, name: str) -> str | None:
        said: str | None = self.content[name] if self.content else None
        return said

    def is_live(self, settings: Settings, at: datetime) -> bool:
        """Whether somebody named is on call then and there is a way to reach them.

        Where the clinic promises nothing outside its hours, only within them.
        """
        roster = self.roster
        reachable = "webhook" in roster.channels or ("mail" in roster.channels and settings.smtp_url is not None)
        return reachable and not waits(roster, at) and on_call_at(roster, at) is not None


async def standing(db: Database, clinic: ClinicView) -> Standing:
    """The newest version of a clinic's roster."""
    this = OnCallRoster
    row = await db.scalar(sa.select(this).where(this.clinic_id == clinic.id).order_by(this.version.desc()).limit(1))
    if row is None:
        return Standing(0, Roster(time_zone=clinic.time_zone))
    return _standing(row, clinic.time_zone)


def _standing(row: OnCallRoster, time_zone: str) -> Standing:
    roster = roster_schemas.as_rules(row.content, time_zone)
    return Standing(row.version, roster, row.content, row.made_at, row.made_by)


def present(standing: Standing, settings: Settings) -> roster_schemas.OnCallRoster:
    """The roster on the wire, with what it means at this moment."""
    now = clock.now()
    on_call = on_call_at(standing.roster, now)
    nothing: dict[str, Any] = dict.fromkeys(("country", "telephone", "address", "hours", "lead_id"))
    nothing |= {name: [] for name in ("staffed_hours", "closed_on", "shifts", "overrides")}
    content = standing.content or nothing | {"outside_hours": "not_promised", "channels": ["mail"]}
    return roster_schemas.OnCallRoster.model_validate(
        content
        | {
            "version": standing.version,
            "made_at": standing.made_at,
            "made_by": standing.made_by,
            "time_zone": standing.roster.time_zone,
            "staffed_now": is_staffed(standing.roster, now),
            "on_call_now": on_call.first_id if on_call else None,
            "alerts_promised": standing.is_live(settings, now),
        }
    )


async def put(
    db: Database,
    access: ClinicAccess,
    wanted: roster_schemas.OnCallRosterWrite,
    if_match: str | None,
    settings: Settings,
) -> tuple[Standing, bool]:
    """Add the clinic's next roster; whether it is its first. The same as before is no new version.

    Raises `CannotBeOnCall` for whoever does not work here or may not open records.
    """
    locked = sa.select(Clinic.id).where(Clinic.id == access.clinic.id).with_for_update(key_share=True)
    await db.execute(locked)  # two who save at once: one is first
    current = await standing(db, access.clinic)
    content = wanted.model_dump(mode="json")
    if content == current.content:
        return current, False
    if current.version > 0:
        require_match(if_match, current.version, lambda: present(current, settings).model_dump(mode="json"))
    elif if_match is not None:
        raise PreconditionFailed(current=None)
    await _must_be_able(db, access.clinic.id, wanted)
    row = OnCallRoster(
        clinic_id=access.clinic.id,
        version=current.version + 1,
        content=content,
        made_at=clock.now(),
        made_by=access.caller.membership_id,
    )
    db.add(row)
    await db.flush()
    events.record(
        db,
        EventType.ON_CALL_ROSTER_CHANGED,
        clinic_id=access.clinic.id,
        subject_id=access.clinic.id,
        version=row.version,
    )
    return _standing(row, access.clinic.time_zone), current.version == 0


async def _must_be_able(db: Database, clinic_id: UUID, wanted: roster_schemas.OnCallRosterWrite) -> None:
    named = list(_named(wanted))
    able = set(
        await db.scalars(
            sa.select(Membership.id).where(
                Membership.clinic_id == clinic_id,
                Membership.id.in_({staff_id for _, staff_id in named}),
                Membership.role.in_([role.value for role in CLINICAL]),
                Membership.ended_at.is_(None),
            )
        )
    )
    faults = [
        FieldError(pointer, "unknown_staff", "Nobody of this id works here who may open records.")
        for pointer, staff_id in named
        if staff_id not in able
    ]
    if faults:
        raise CannotBeOnCall(errors=faults)


def _named(wanted: roster_schemas.OnCallRosterWrite) -> Iterator[tuple[str, UUID]]:
    """Everybody whom a roster names, each with where it does."""
    if wanted.lead_id:
        yield "/lead_id", wanted.lead_id
    parts: dict[str, Sequence[roster_schemas.OnCallShiftWrite | roster_schemas.OnCallOverrideWrite]] = {
        "shifts": wanted.shifts,
        "overrides": wanted.overrides,
    }
    for part, shifts in parts.items():
        for number, shift in enumerate(shifts):
            yield f"/{part}/{number}/first_id", shift.first_id
            if shift.second_id:
                yield f"/{part}/{number}/second_id", shift.second_id
