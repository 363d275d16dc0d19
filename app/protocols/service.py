"""Reading and adding versions of a protocol."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.protocols.models import ProtocolVersion
from app.protocols.rules import Protocol

# A version never changes, so what was read once stays true; the bound is only about memory.
_known: dict[tuple[UUID, int], Protocol] = {}
_KNOWN_LIMIT = 4096


def known(clinic_id: UUID, version: int) -> Protocol | None:
    """The protocol of a clinic at one version, if it was read before."""
    return _known.get((clinic_id, version))


async def at_version(db: Database, clinic_id: UUID, version: int) -> Protocol:
    """The protocol of a clinic at one version."""
    found = known(clinic_id, version)
    if found is None:
        figures = await db.scalar(
            sa.select(ProtocolVersion.figures).where(
                ProtocolVersion.clinic_id == clinic_id, ProtocolVersion.version == version
            )
        )
        # A newer release that runs beside this one may have written figures that this one does not know.
        found = Protocol.model_validate(figures or {}, extra="ignore")
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known[clinic_id, version] = found
    return found


async def row(db: Database, clinic_id: UUID, version: int) -> ProtocolVersion:
    """One version with its sign-off."""
    found = await db.get(ProtocolVersion, (clinic_id, version))
    if found is None:
        msg = "a clinic without its protocol"
        raise LookupError(msg)
    return found


def add_version(
    db: Database,
    clinic_id: UUID,
    version: int,
    protocol: Protocol,
    *,
    reason: str,
    signed_off_by: UUID | None = None,
    signed_off_at: datetime | None = None,
) -> ProtocolVersion:
    """Add the next version of a clinic's protocol, signed off or not."""
    made = ProtocolVersion(
        clinic_id=clinic_id,
        version=version,
        figures=protocol.model_dump(mode="json"),
        made_at=clock.now(),
        signed_off_by=signed_off_by,
        signed_off_at=signed_off_at,
        reason=reason,
        signed_sections=sorted(protocol.model_fields_set) if signed_off_at else [],
    )
    db.add(made)
    return made
