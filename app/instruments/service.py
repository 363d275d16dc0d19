"""Reading instruments together with a clinic's own wordings, and adding such a wording."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess
from app.identity.models import Clinic
from app.instruments import definitions, schemas
from app.instruments.catalogue import current_definitions, definition, find_definition
from app.instruments.models import InstrumentWording
from app.instruments.rules import choose_language, wording_faults


async def list_instruments(db: Database, access: ClinicAccess) -> schemas.InstrumentPage:
    """Return every instrument in its current version."""
    wordings = await _newest(db, access.clinic.id)
    return schemas.InstrumentPage(
        items=[
            schemas.InstrumentSummary.model_validate(_described(instrument, wordings))
            for instrument in current_definitions()
        ],
        next_cursor=None,
    )


async def read_instrument(
    db: Database, access: ClinicAccess, key: str, version: str | None, language: str | None
) -> schemas.Instrument:
    """Return one instrument with the clinic's wording in this language.

    Without a language it is the clinic's own, else whatever there is. Raises `UnknownInstrument` and
    `UnknownInstrumentVersion`.
    """
    instrument = definition(key, version)
    wordings = await _newest(db, access.clinic.id, instrument)
    chosen = choose_language([wording.language for wording in wordings], language, access.clinic.locale)
    wording = next((_shown(wording) for wording in wordings if wording.language == chosen), None)
    return schemas.Instrument.model_validate(_described(instrument, wordings) | {"clinic_wording": wording})


async def add_wording(
    db: Database, access: ClinicAccess, sent: schemas.InstrumentWordingWrite
) -> tuple[schemas.InstrumentWording, bool]:
    """Keep a clinic's wording as the next revision; the wording, and whether it is new.

    Sending the newest revision again stores nothing. Raises `InvalidRequest` when the instrument is unknown, has no
    item keys, or when items or answers are missing, doubled or not its own.
    """
    instrument = find_definition(sent.instrument, sent.version)
    if instrument is None:
        raise InvalidRequest(errors=[_unknown(sent.instrument)])
    content = sent.model_dump(mode="json")
    faults = wording_faults(instrument, content["items"])
    if faults:
        raise InvalidRequest(errors=faults)
    await _one_at_a_time(db, access.clinic.id)
    earlier = [found for found in await _newest(db, access.clinic.id, instrument) if found.language == sent.language]
    content_hash = _hash(content)
    if earlier and earlier[0].content_hash == content_hash:
        return _shown(earlier[0]), False
    wording = InstrumentWording(
        id=new_id(),
        clinic_id=access.clinic.id,
        instrument=instrument.key,
        instrument_version=instrument.version,
        language=sent.language,
        revision=earlier[0].revision + 1 if earlier else 1,
        wording={name: content[name] for name in ("title", "instructions", "notice", "items")},
        licence=content["licence"],
        content_hash=content_hash,
        created_by=access.caller.membership_id,
        created_at=clock.now(),
    )
    db.add(wording)
    events.record(
        db,
        EventType.INSTRUMENT_WORDING_ADDED,
        clinic_id=access.clinic.id,
        subject_id=wording.id,
        version=wording.revision,
    )
    return _shown(wording), True


async def _newest(
    db: Database, clinic_id: UUID, instrument: definitions.Instrument | None = None
) -> Sequence[InstrumentWording]:
    """Read the newest revisions of the clinic's wordings, those of one instrument or all, the latest upload first."""
    same = sa.orm.aliased(InstrumentWording)
    superseded = sa.select(same.id).where(
        same.clinic_id == InstrumentWording.clinic_id,
        same.instrument == InstrumentWording.instrument,
        same.instrument_version == InstrumentWording.instrument_version,
        same.language == InstrumentWording.language,
        same.revision > InstrumentWording.revision,
    )
    statement = sa.select(InstrumentWording).where(InstrumentWording.clinic_id == clinic_id, ~superseded.exists())
    if instrument is not None:
        statement = statement.where(
            InstrumentWording.instrument == instrument.key, InstrumentWording.instrument_version == instrument.version
        )
    newest_first = statement.order_by(InstrumentWording.created_at.desc(), InstrumentWording.id.desc())
    return (await db.scalars(newest_first)).all()


async def _one_at_a_time(db: Database, clinic_id: UUID) -> None:
    """Wait for other uploads of this clinic, so that each revision has its own number."""
    await db.execute(sa.select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True))


def _described(instrument: definitions.Instrument, wordings: Iterable[InstrumentWording]) -> dict[str, Any]:
    own = [
        schemas.ClinicWording(language=wording.language, revision=wording.revision)
        for wording in wordings
        if (wording.instrument, wording.instrument_version) == (instrument.key, instrument.version)
    ]
    return vars(instrument) | {"answerable": instrument.answerable, "clinic_wordings": own}


def _shown(wording: InstrumentWording) -> schemas.InstrumentWording:
    return schemas.InstrumentWording.model_validate(
        {
            "id": wording.id,
            "instrument": wording.instrument,
            "version": wording.instrument_version,
            "language": wording.language,
            "revision": wording.revision,
            "licence": wording.licence,
            "content_hash": wording.content_hash,
            "created_at": wording.created_at,
        }
        | wording.wording
    )


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown(key: str) -> FieldError:
    if find_definition(key) is None:
        return FieldError("/instrument", "unknown_instrument", "There is no instrument with this key.")
    return FieldError("/version", "unknown_instrument_version", "The instrument has no such version.")
