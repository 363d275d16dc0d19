"""What can be done with a calendar feed: look up its address, set it up, give it up, and read it without signing in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.audit import service as audit
from app.calendars import addresses, queries, rules, schemas
from app.calendars.addresses import Address
from app.calendars.models import CalendarFeed
from app.calendars.rules import Entry, Titles
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.etags import composed_tag, require_match
from app.core.limits import Limit, address_of, spend
from app.core.settings import AuditReads, Settings
from app.identity.access import ClinicAccess, address_prefix
from app.identity.permissions import Permission, Role, reach
from app.protocols import service as protocols
from app.protocols.rules import Protocol

FIRST: Final = 1
"""The generation of the address that everybody has from the beginning."""
MINUTE: Final = timedelta(minutes=1)
REVISION: Final = "1"
"""Part of every entity tag; raised when the same appointments are written differently."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it stands, not written yet."""

    name: str
    time_zone: str
    entries: Sequence[Entry]

    @property
    def tag(self) -> str:
        """The entity tag of the file."""
        return composed_tag(REVISION, self.name, self.time_zone, *self.entries)


async def read(db: Database, access: ClinicAccess, settings: Settings) -> schemas.Calendar:
    """One's own feed. Nothing is written: the address follows from whose it is."""
    stored = await db.get(CalendarFeed, (access.clinic.id, access.caller.membership_id))
    return present(stored or _untouched(access), settings)


async def put(
    db: Database, access: ClinicAccess, wanted: schemas.CalendarWrite, if_match: str | None, settings: Settings
) -> schemas.Calendar:
    """Set one's feed up. The same as before changes nothing; raises 428 and 412."""
    feed = await _locked(db, access)
    require_match(if_match, feed.version, lambda: present(feed, settings).model_dump(mode="json"))
    if (feed.titles, feed.enabled) != (wanted.titles, wanted.enabled):
        feed.titles, feed.enabled = wanted.titles.value, wanted.enabled
        _changed(feed)
    return present(feed, settings)


async def revoke(db: Database, access: ClinicAccess) -> None:
    """Give the address up for good: from now on it is like one that never was, and the feed has another."""
    feed = await _locked(db, access)
    feed.generation += 1
    _changed(feed)


def present(feed: CalendarFeed, settings: Settings) -> schemas.Calendar:
    """A feed on the wire."""
    token = addresses.token_of(Address(feed.clinic_id, feed.membership_id, feed.generation))
    return schemas.Calendar(
        address=f"{settings.public_url}/calendars/{token}.ics" if feed.enabled else None,
        titles=Titles(feed.titles),
        enabled=feed.enabled,
        version=feed.version,
    )


async def subscribed(db: Database, token: str) -> Feed:
    """The feed with this address, for whoever has it; `NotFound` for any other, revoked ones too."""
    request = db.request
    assert request is not None  # noqa: S101  commands have no addresses
    address = addresses.read(token)
    # Those who guess use up what their own address may ask for, and nothing of a feed that there is.
    await spend(request, Limit.CALENDAR, address_of(request) if address is None else str(address.membership_id))
    if address is None:
        raise NotFound
    await db.enter(address.clinic_id, relaxed=request.app.state.settings.audit_reads is AuditReads.RELAXED)
    owner = await queries.owner(db, address.clinic_id, address.membership_id)
    if owner is None or not _is_open(owner, address):
        raise NotFound
    audit.record(
        db,
        operation="read_calendar_feed",
        permission=Permission.CALENDAR_READ,
        clinic_id=owner.clinic_id,
        actor_id=owner.membership_id,
        actor_role=owner.role,
        patient_id=owner.patient_id,
        request_id=request.scope.get("state", {}).get("request_id"),
        address_prefix=address_prefix(request),
    )
    return await _feed_of(db, owner, clock.now())


def _is_open(owner: Any, address: Address) -> bool:  # noqa: ANN401  a row
    """Whether this is the address of now, and its owner may still read their calendar."""
    current = FIRST if owner.generation is None else owner.generation
    return (
        address.generation == current
        and owner.enabled is not False
        and reach(Permission.CALENDAR_READ, Role(owner.role)) is not None
    )


async def _feed_of(db: Database, owner: Any, now: datetime) -> Feed:  # noqa: ANN401  a row
    protocol = await protocols.at_version(db, owner.clinic_id, owner.protocol_version)
    since = now - rules.KEPT_BEHIND
    until = now + timedelta(days=protocol.booking.planned_days)
    if owner.patient_id is not None:
        found = await queries.of_patient(db, owner.clinic_id, owner.patient_id, since, until)
    else:
        found = await queries.of_staff(db, owner.clinic_id, owner.membership_id, since, until)
    entries = _entries(*found, protocol, of_staff=owner.patient_id is None)
    if owner.titles == Titles.PLAIN:
        return Feed(f"Appointments at {owner.name}", owner.time_zone, entries)
    return Feed(rules.NEUTRAL_NAME, owner.time_zone, [rules.neutral(entry) for entry in entries])


def _entries(
    appointments: Iterable[Any], sessions: Iterable[Any], protocol: Protocol, *, of_staff: bool
) -> list[Entry]:
    entries = []
    groups: dict[UUID, list[Entry]] = {}
    for row in appointments:
        in_group = of_staff and row.group_session_id is not None
        entry = Entry(
            uid=row.group_session_id if in_group else row.id,
            sequence=row.version - 1,
            changed_at=row.changed_at or row.scheduled_at,
            starts_at=row.scheduled_at,
            ends_at=row.ends_at or row.scheduled_at + protocol.linking.appointment_minutes * MINUTE,
            title=rules.title_of(row.kind, row.format),
            status=rules.SHOWN_AS[row.status],
            location=row.location,
        )
        if in_group:
            groups.setdefault(entry.uid, []).append(entry)
        else:
            entries.append(entry)
    entries += [rules.meeting(members) for members in groups.values()]
    entries += [
        Entry(
            uid=row.id,
            sequence=row.version - 1,
            changed_at=row.changed_at or row.scheduled_at,
            starts_at=row.scheduled_at,
            ends_at=row.scheduled_at + protocol.linking.dosing_session_minutes * MINUTE,
            title=rules.DOSING_TITLE,
            status=rules.status_of_session(row.status),
        )
        for row in sessions
    ]
    return sorted(entries, key=lambda entry: (entry.starts_at, entry.uid))


async def _locked(db: Database, access: ClinicAccess) -> CalendarFeed:
    """The feed's row, made if there is none yet; of several who change it at once one is first."""
    new = _untouched(access)
    row = {column.key: getattr(new, column.key) for column in CalendarFeed.__table__.columns}
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    await db.execute(insert(CalendarFeed).values(row).on_conflict_do_nothing())
    this = CalendarFeed
    found = await db.scalars(
        sa.select(this)
        .where(this.clinic_id == access.clinic.id, this.membership_id == access.caller.membership_id)
        .with_for_update()
    )
    return found.one()


def _untouched(access: ClinicAccess) -> CalendarFeed:
    """A feed of which nothing was changed."""
    return CalendarFeed(
        clinic_id=access.clinic.id,
        membership_id=access.caller.membership_id,
        generation=FIRST,
        titles=Titles.NEUTRAL.value,
        enabled=True,
        version=0,
        changed_at=clock.now(),
    )


def _changed(feed: CalendarFeed) -> None:
    feed.version += 1
    feed.changed_at = clock.now()
