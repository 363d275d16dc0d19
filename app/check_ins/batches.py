"""Batches: every item for itself, and nothing lost that cannot be read."""

import hashlib
import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from app.check_ins import answers, schemas, service
from app.check_ins.errors import CheckInInvalid
from app.check_ins.models import QuarantinedSubmission
from app.check_ins.reports import Author, Outcome, Report, Result
from app.consents.errors import ConsentWithdrawn
from app.core import clock
from app.core.db import Database
from app.core.errors import Problem
from app.core.handlers import field_errors
from app.core.pagination import PageRequest, make_cursor
from app.identity import changes
from app.identity.access import PatientAccess, PatientView

_ITEM = TypeAdapter(schemas.CheckInBatchItem)
HASH_BYTES = 16


async def submit(
    db: Database, access: PatientAccess, batch: schemas.CheckInBatch, cursor: str | None = None
) -> dict[str, Any]:
    """Record a batch. One transaction holds all of it; an item that cannot be accepted is quarantined.

    The answer has the shape of `schemas.CheckInBatchResults`. `cursor` is how far the phone has read the record.
    """
    read = [_read(item) for item in batch.check_ins]
    author = Author.of(access)
    reports = [found for found in read if isinstance(found, Report)]
    stored = iter(await service.submit(db, access.clinic, access.patient, access.protocol, author, reports))
    results: list[dict[str, Any]] = []
    quarantined: dict[bytes, dict[str, Any]] = {}
    changed = False
    for raw, found in zip(batch.check_ins, read, strict=True):
        check_in_id = found.id if isinstance(found, Report) else _id_of(raw)
        result = next(stored) if isinstance(found, Report) else _unreadable(author, access.patient, found)
        if result.outcome is Outcome.INVALID and result.problem is not None:
            row = _quarantine(access, check_in_id, raw, result.problem)
            quarantined[row["content_hash"]] = row
        results.append(answers.result(check_in_id, result))
        changed = changed or result.outcome in {Outcome.CREATED, Outcome.CORRECTED}
    await _keep(db, access.patient, quarantined)
    revision = access.patient.revision
    next_cursor = changes.after_upload(cursor, access.patient.id, revision, revision + changed)
    return {"results": results, "next_cursor": next_cursor}


def _read(item: Any) -> Report | Problem:  # noqa: ANN401  whatever JSON held
    try:
        content = _ITEM.validate_python(item)
    except ValidationError as error:
        return CheckInInvalid(
            errors=field_errors([fault | {"loc": ("body", *fault["loc"])} for fault in error.errors()])
        )
    return Report(content.id, content, content.base_version)


def _unreadable(author: Author, patient: PatientView, problem: Problem) -> Result:
    """What cannot be read is kept in quarantine, but not of a patient who wants nothing stored."""
    if service.may_report(author, patient):
        return Result(Outcome.INVALID, None, problem)
    return Result(Outcome.FORBIDDEN, None, ConsentWithdrawn())


def _id_of(item: Any) -> UUID | None:  # noqa: ANN401  whatever JSON held
    try:
        return UUID(item["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _quarantine(access: PatientAccess, check_in_id: UUID | None, raw: Any, problem: Problem) -> dict[str, Any]:  # noqa: ANN401
    text = json.dumps(raw, sort_keys=True, ensure_ascii=False)
    return {
        "clinic_id": access.patient.clinic_id,
        "patient_id": access.patient.id,
        "content_hash": hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).digest(),
        "check_in_id": check_in_id,
        "content": text,
        "problem": problem.body(),
        "received_at": clock.now(),
        "device_id": access.caller.device_id,
    }


async def _keep(db: Database, patient: PatientView, rows: dict[bytes, dict[str, Any]]) -> None:
    """Store what is new; a phone that sends the same unreadable item for weeks fills one row."""
    if not rows:
        return
    here = set(
        await db.scalars(
            sa.select(QuarantinedSubmission.content_hash).where(
                QuarantinedSubmission.clinic_id == patient.clinic_id,
                QuarantinedSubmission.patient_id == patient.id,
                QuarantinedSubmission.content_hash.in_(list(rows)),
            )
        )
    )
    for content_hash, row in rows.items():
        if content_hash not in here:
            db.stage(QuarantinedSubmission, row)


async def quarantined(
    db: Database, patient: PatientView, paging: PageRequest
) -> tuple[list[QuarantinedSubmission], str | None]:
    """A page of what was quarantined of a patient, the newest first, and the cursor of the next."""
    this = QuarantinedSubmission
    statement = sa.select(this).where(this.clinic_id == patient.clinic_id, this.patient_id == patient.id)
    after = paging.after(patient.id)
    if after is not None:
        at, key = after[0], bytes.fromhex(after[1])
        statement = statement.where(
            sa.or_(this.received_at < at, sa.and_(this.received_at == at, this.content_hash < key))
        )
    statement = statement.order_by(this.received_at.desc(), this.content_hash.desc()).limit(paging.limit + 1)
    rows = list((await db.scalars(statement)).all())
    more, rows = len(rows) > paging.limit, rows[: paging.limit]
    cursor = make_cursor([rows[-1].received_at, rows[-1].content_hash.hex()], patient.id) if more else None
    return rows, cursor
