"""The statements of matching and delivering, as plain rows. They run all day and across clinics, many rows at a time.

On PostgreSQL each is one statement whatever the number of rows; SQLite, which is in our own process, gets one a row.
Lanes are always locked in the order of their ids, so that workers never wait for each other in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.events.models import EventFeed, OutboxEvent
from app.events.types import EventType
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane, WebhookSecret

MATCHER_LOCK = 0x0AF7E4A7  # any number, as long as it stays the same

_event, _feed = OutboxEvent.__table__, EventFeed.__table__
_endpoint, _secret = WebhookEndpoint.__table__, WebhookSecret.__table__
_lane, _delivery = WebhookLane.__table__, WebhookDelivery.__table__

# ------------------------------------------------------------------------------------------------------- matching
_TRY_LOCK = sa.select(sa.func.pg_try_advisory_xact_lock(MATCHER_LOCK))
_KNOWN = [sa.literal(each.value, literal_execute=True) for each in EventType]
UNNUMBERED = (
    sa.select(_event)
    .where(_event.c.position.is_(None), _event.c.type.in_(_KNOWN))
    .order_by(_event.c.id)
    .limit(sa.bindparam("most"))
)
"""Of types that this release knows: while another one is rolled out, its workers pass on what only it knows."""
_FEEDS = sa.select(_feed.c.clinic_id, _feed.c.last_position).where(
    _feed.c.clinic_id.in_(sa.bindparam("clinics", expanding=True))
)
_LISTENING = sa.select(
    _endpoint.c.id,
    _endpoint.c.clinic_id,
    _endpoint.c.name,
    _endpoint.c.event_types,
    _endpoint.c.purpose,
    _endpoint.c.recipient_class,
    _endpoint.c.pseudonym_key,
    _endpoint.c.status,
).where(
    _endpoint.c.clinic_id.in_(sa.bindparam("clinics", expanding=True)),
    _endpoint.c.status.in_(["active", "pending"]),
    _endpoint.c.ended_at.is_(None),
)
_NUMBER_MANY = """
UPDATE outbox_events SET position = s.position
FROM unnest($1::uuid[], $2::bigint[]) AS s(id, position) WHERE outbox_events.id = s.id
"""
_NUMBER_ONE = (
    sa.update(OutboxEvent).where(_event.c.id == sa.bindparam("of")).values(position=sa.bindparam("its_position"))
)
_COUNT_MANY = """
WITH s AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS s(endpoint_id, more)),
locked AS (SELECT l.endpoint_id FROM webhook_lanes l JOIN s USING (endpoint_id) ORDER BY l.endpoint_id FOR UPDATE OF l)
UPDATE webhook_lanes l SET last_sequence = l.last_sequence + s.more
FROM s JOIN locked USING (endpoint_id) WHERE l.endpoint_id = s.endpoint_id RETURNING l.endpoint_id, l.last_sequence
"""
_COUNT_ONE = (
    sa.update(WebhookLane)
    .where(_lane.c.endpoint_id == sa.bindparam("of"))
    .values(last_sequence=_lane.c.last_sequence + sa.bindparam("more"))
    .returning(_lane.c.last_sequence)
)


async def is_only_matcher(db: Database) -> bool:
    """Whether this transaction may number events: one does at a time, and the lock goes with the transaction."""
    return not db.is_postgresql or bool((await db.read(_TRY_LOCK)).scalar_one())


_ANYBODY = sa.select(sa.exists().where(_endpoint.c.status.in_(["active", "pending"]), _endpoint.c.ended_at.is_(None)))


async def anybody_listens(db: Database) -> bool:
    """Whether there is an endpoint that is told anything, at any clinic."""
    return bool((await db.read(_ANYBODY)).scalar_one())


async def number(db: Database, events: Sequence[sa.Row[Any]]) -> None:
    """Give these events the next positions of their clinics, in this order."""
    clinics = {event.clinic_id for event in events}
    last = {row.clinic_id: row.last_position for row in await db.read(_FEEDS, {"clinics": list(clinics)})}
    unheard = clinics - last.keys()
    numbers: list[tuple[UUID, int]] = []
    for event in events:
        last[event.clinic_id] = last.get(event.clinic_id, 0) + 1
        numbers.append((event.id, last[event.clinic_id]))
    connection = await db.plain()
    if db.is_postgresql:
        await connection.exec_driver_sql(_NUMBER_MANY, tuple(list(column) for column in zip(*numbers, strict=True)))
    else:
        await connection.execute(_NUMBER_ONE, [{"of": of, "its_position": position} for of, position in numbers])
    for clinic_id in clinics:
        if clinic_id in unheard:
            db.stage(EventFeed, {"clinic_id": clinic_id, "last_position": last[clinic_id]})
        else:
            db.stage_change(EventFeed, {"clinic_id": clinic_id}, {"last_position": last[clinic_id]})


async def listening(db: Database, clinics: Collection[UUID]) -> Sequence[sa.Row[Any]]:
    """The endpoints of these clinics that are told what happens, at once or as soon as they answer a ping."""
    return (await db.read(_LISTENING, {"clinics": list(clinics)})).all()


async def last_sequences(db: Database, more: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take so many numbers of each endpoint; the last one of each. They are ours until the transaction ends."""
    connection = await db.plain()
    if db.is_postgresql:
        rows = await connection.exec_driver_sql(_COUNT_MANY, (list(more), list(more.values())))
        return {row.endpoint_id: row.last_sequence for row in rows}
    return {
        endpoint_id: (await connection.execute(_COUNT_ONE, {"of": endpoint_id, "more": count})).scalar_one()
        for endpoint_id, count in sorted(more.items())
    }


# ---------------------------------------------------------------------------------------------------------- lanes
_WAITING = sa.exists().where(
    _delivery.c.endpoint_id == _lane.c.endpoint_id,
    _delivery.c.state == "pending",
    _delivery.c.due_at <= sa.bindparam("now", type_=_delivery.c.due_at.type),
)
_FREE = (
    sa.select(_lane.c.endpoint_id, _lane.c.owner)
    .join(_endpoint, _endpoint.c.id == _lane.c.endpoint_id)
    .where(
        _endpoint.c.ended_at.is_(None),
        sa.or_(
            sa.and_(_lane.c.owner.is_(None), _WAITING),
            _lane.c.owned_until < sa.bindparam("now", type_=_lane.c.owned_until.type),
        ),
    )
    .order_by(_lane.c.endpoint_id)
    .limit(sa.bindparam("most"))
    .with_for_update(of=_lane, skip_locked=True)
)
_THEIRS = _lane.c.endpoint_id.in_(sa.bindparam("endpoints", expanding=True))
_MINE = sa.and_(_THEIRS, _lane.c.owner == sa.bindparam("me", type_=sa.Uuid()))
_LOCK = sa.select(_lane.c.endpoint_id).where(_MINE).order_by(_lane.c.endpoint_id).with_for_update()
_HOLD = (
    sa.update(WebhookLane)
    .where(_THEIRS)
    .values(
        owner=sa.bindparam("me", type_=sa.Uuid()), owned_until=sa.bindparam("until", type_=_lane.c.owned_until.type)
    )
)
_RELEASE_UNHELD = (
    sa.update(WebhookLane)
    .where(
        _lane.c.owner == sa.bindparam("me", type_=sa.Uuid()),
        _lane.c.endpoint_id.not_in(sa.bindparam("endpoints", expanding=True)),
    )
    .values(owner=None, owned_until=None)
)
_END_LEASES = (
    sa.update(WebhookLane)
    .where(_lane.c.owner.is_not(None))
    .values(owned_until=sa.bindparam("at", type_=_lane.c.owned_until.type))
)
_RELEASE = sa.update(WebhookLane).where(_MINE).values(owner=None, owned_until=None)
_LANES = (
    sa.select(
        _endpoint.c.id,
        _endpoint.c.clinic_id,
        _endpoint.c.name,
        _endpoint.c.url,
        _endpoint.c.purpose,
        _endpoint.c.recipient_class,
        _endpoint.c.pseudonym_key,
        _endpoint.c.status,
        _endpoint.c.version,
        _endpoint.c.max_per_second,
        _endpoint.c.max_concurrency,
        _lane.c.failing_since,
        _lane.c.failures,
    )
    .join(_lane, _lane.c.endpoint_id == _endpoint.c.id)
    .where(_endpoint.c.id.in_(sa.bindparam("endpoints", expanding=True)))
)
_SECRETS = (
    sa.select(_secret.c.endpoint_id, _secret.c.secret, _secret.c.ends_at)
    .where(_secret.c.endpoint_id.in_(sa.bindparam("endpoints", expanding=True)))
    .order_by(_secret.c.created_at.desc(), _secret.c.id.desc())
)


async def take_lanes(
    db: Database, me: UUID, now: datetime, until: datetime, most: int
) -> tuple[list[UUID], list[UUID]]:
    """Hold up to `most` lanes that nobody holds and where something is due; also those whose holder is gone."""
    rows = (await db.read(_FREE, {"now": now, "most": most})).all()
    taken = [row.endpoint_id for row in rows]
    if taken:
        await db.read(_HOLD, {"endpoints": taken, "me": me, "until": until})
    return taken, [row.endpoint_id for row in rows if row.owner is not None]


async def keep_lanes(db: Database, endpoints: Collection[UUID], me: UUID, until: datetime) -> set[UUID]:
    """Go on holding these lanes; those that are still ours."""
    kept = set((await db.read(_LOCK, {"endpoints": list(endpoints), "me": me})).scalars())
    if kept:
        await db.read(_HOLD, {"endpoints": list(kept), "me": me, "until": until})
    return kept


async def release_lanes(db: Database, endpoints: Collection[UUID], me: UUID) -> None:
    """Let anybody hold these lanes."""
    await db.read(_LOCK, {"endpoints": list(endpoints), "me": me})
    await db.read(_RELEASE, {"endpoints": list(endpoints), "me": me})


async def release_unheld(db: Database, held: Collection[UUID], me: UUID) -> None:
    """Let anybody hold what is mine by name, but for what I know that I hold."""
    await db.read(_RELEASE_UNHELD, {"endpoints": list(held), "me": me})


async def end_leases(db: Database, at: datetime) -> None:
    """Let every lane's lease have ended then, so that the lane and what was under way in it are taken over."""
    await db.read(_END_LEASES, {"at": at})


async def endpoints_of(db: Database, endpoints: Collection[UUID]) -> list[tuple[sa.Row[Any], list[sa.Row[Any]]]]:
    """These endpoints as they are now, each with its secrets, the newest first."""
    wanted = {"endpoints": list(endpoints)}
    rows = (await db.read(_LANES, wanted)).all()
    secrets: dict[UUID, list[sa.Row[Any]]] = {row.id: [] for row in rows}
    for secret in await db.read(_SECRETS, wanted):
        secrets[secret.endpoint_id].append(secret)
    return [(row, secrets[row.id]) for row in rows]


# ----------------------------------------------------------------------------------------------------- deliveries
_CLAIMED = (
    "id", "clinic_id", "endpoint_id", "kind", "message_id", "sequence", "type", "patient_id", "subject_id", "version",
    "happened_at", "attempts",
)  # fmt: skip
_CLAIM_MANY = f"""
WITH w AS (SELECT * FROM unnest($1::uuid[], $2::int[]) AS w(endpoint_id, slots)),
due AS (
    SELECT c.id, e.version AS endpoint_version
    FROM w JOIN webhook_endpoints e ON e.id = w.endpoint_id AND e.ended_at IS NULL
    CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.endpoint_id = w.endpoint_id AND d.state = 'pending' AND d.due_at <= $3
            AND (e.status = 'active' OR d.kind <> 'event')
        ORDER BY d.due_at LIMIT w.slots FOR UPDATE SKIP LOCKED
    ) c
)
UPDATE webhook_deliveries d SET state = 'sending', attempts = d.attempts + 1, claimed_by = $4, claimed_at = $3
FROM due WHERE d.id = due.id
RETURNING {", ".join(f"d.{name}" for name in _CLAIMED)}, due.endpoint_version
"""  # noqa: S608  our own names
_SENDABLE = (
    sa.select(_delivery.c.id)
    .join(_endpoint, _endpoint.c.id == _delivery.c.endpoint_id)
    .where(
        _delivery.c.endpoint_id == sa.bindparam("of"),
        _delivery.c.state == "pending",
        _delivery.c.due_at <= sa.bindparam("now", type_=_delivery.c.due_at.type),
        sa.or_(_endpoint.c.status == "active", _delivery.c.kind != "event"),
        _endpoint.c.ended_at.is_(None),
    )
    .order_by(_delivery.c.due_at)
    .limit(sa.bindparam("slots"))
)
_CLAIM_ONE = (
    sa.update(WebhookDelivery)
    .where(_delivery.c.id.in_(_SENDABLE))
    .values(
        state="sending",
        attempts=_delivery.c.attempts + 1,
        claimed_by=sa.bindparam("me", type_=sa.Uuid()),
        claimed_at=sa.bindparam("now", type_=_delivery.c.due_at.type),
    )
    .returning(
        *(_delivery.c[name] for name in _CLAIMED),
        sa.select(_endpoint.c.version)
        .where(_endpoint.c.id == _delivery.c.endpoint_id)
        .scalar_subquery()
        .label("endpoint_version"),
    )
)
FINISHED = ("id", "state", "due_at", "attempts", "finished_at", "refusal")
"""What is known of a delivery when an attempt of it ended."""
_FINISH_MANY = """
UPDATE webhook_deliveries d
SET state = s.state, due_at = s.due_at, attempts = s.attempts, finished_at = s.finished_at, refusal = s.refusal,
    claimed_by = NULL
FROM unnest($1::uuid[], $2::varchar[], $3::timestamptz[], $4::int[], $5::timestamptz[], $6::varchar[])
    AS s(id, state, due_at, attempts, finished_at, refusal)
WHERE d.id = s.id AND d.claimed_by = $7
RETURNING d.id
"""
_FINISH_ONE = (
    sa.update(WebhookDelivery)
    .where(_delivery.c.id == sa.bindparam("its_id"), _delivery.c.claimed_by == sa.bindparam("me", type_=sa.Uuid()))
    .values(
        {name: sa.bindparam(f"its_{name}", type_=_delivery.c[name].type) for name in FINISHED[1:]}
        | {"claimed_by": None}
    )
    .returning(_delivery.c.id)
)
_DUE_AGAIN = {
    "state": "pending",
    "due_at": sa.bindparam("now", type_=_delivery.c.due_at.type),
    "claimed_by": None,
}
_TAKEN_FROM = (_delivery.c.id, _delivery.c.clinic_id, _delivery.c.attempts, _delivery.c.claimed_at)
_PUT_BACK = (
    sa.update(WebhookDelivery)
    .where(_delivery.c.endpoint_id.in_(sa.bindparam("endpoints", expanding=True)), _delivery.c.state == "sending")
    .values(_DUE_AGAIN)
    .returning(*_TAKEN_FROM)
)
_PUT_BACK_UNSENT = (
    sa.update(WebhookDelivery)
    .where(
        _delivery.c.state == "sending",
        _delivery.c.claimed_by == sa.bindparam("me", type_=sa.Uuid()),
        _delivery.c.id.not_in(sa.bindparam("sending", expanding=True)),
    )
    .values(_DUE_AGAIN)
    .returning(*_TAKEN_FROM)
)
_NEXT_DUE = sa.select(sa.func.min(_delivery.c.due_at)).where(_delivery.c.state == "pending")


async def claim(db: Database, slots: Mapping[UUID, int], me: UUID, now: datetime) -> Sequence[Any]:
    """Take up to so many due deliveries of each of these endpoints; as plain rows, with the endpoint's version."""
    if not db.is_postgresql:
        found: list[sa.Row[Any]] = []
        for endpoint_id, most in slots.items():
            found += await db.read(_CLAIM_ONE, {"of": endpoint_id, "slots": most, "me": me, "now": now})
        return found
    connection = await db.plain()
    arguments = (list(slots), list(slots.values()), now, me)
    return (await connection.exec_driver_sql(_CLAIM_MANY, arguments)).all()


async def finish(db: Database, ended: Sequence[Mapping[str, Any]], me: UUID) -> set[UUID]:
    """Write how attempts ended (`FINISHED`); the ids of those that were still ours."""
    if db.is_postgresql:
        columns = tuple([row[name] for row in ended] for name in FINISHED)
        rows = await (await db.plain()).exec_driver_sql(_FINISH_MANY, (*columns, me))
        return {row.id for row in rows}
    ours: set[UUID] = set()
    for row in ended:
        ours.update(
            (await db.read(_FINISH_ONE, {f"its_{name}": row[name] for name in FINISHED} | {"me": me})).scalars()
        )
    return ours


async def put_back(db: Database, endpoints: Collection[UUID], now: datetime) -> Sequence[sa.Row[Any]]:
    """What was under way when whoever sent it was lost is due again."""
    return (await db.read(_PUT_BACK, {"endpoints": list(endpoints), "now": now})).all()


async def put_back_unsent(db: Database, me: UUID, sending: Sequence[UUID], now: datetime) -> Sequence[sa.Row[Any]]:
    """What I took is due again, but for what I am `sending`."""
    return (await db.read(_PUT_BACK_UNSENT, {"me": me, "sending": list(sending), "now": now})).all()


async def note_health(db: Database, endpoint_id: UUID, values: Mapping[str, Any]) -> None:
    """Write how it has been going with an endpoint; its lane is locked."""
    await db.read(sa.update(WebhookLane).where(_lane.c.endpoint_id == endpoint_id).values(**values))
