"""What may be read from a replica, and how much of it the replica must have.

    reading = await reads.of_patient(db, access.patient, lambda db: service.trend(db, access, question))

Both answer what the primary would have answered, or something newer, never something older:

* One patient's record: the replica's copy of the patient's revision must be the one that the guard saw, or a later one.
  Every change of a record counts its revision in the same transaction, and a replica repeats transactions whole and in
  order. It is the argument by which a 304 is right.
* What belongs to a clinic as a whole: the replica must have repeated everything that was on the primary's disk when it
  was asked. Who was told that something is stored was told so after it was on the disk. A replica is mostly a
  millisecond or two behind, so it is given a few to catch up.
"""

from typing import Final

import sqlalchemy as sa

from app.core import replicas
from app.core.db import Database
from app.core.replicas import Answer, Question, Read
from app.identity.access import PatientView
from app.identity.models import PatientRevision

PAUSES_SECONDS: Final = (0.002, 0.004, 0.008, 0.016)

_revision = PatientRevision.__table__.c
_HAS_REVISION = sa.select(
    *replicas.STATE,
    sa.select(_revision.revision >= sa.bindparam("seen", type_=sa.BigInteger()))
    .where(_revision.clinic_id == sa.bindparam("clinic_id"), _revision.patient_id == sa.bindparam("patient_id"))
    .scalar_subquery(),
)


class _Place(sa.types.UserDefinedType[str]):
    """A place in PostgreSQL's write-ahead log."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Name the type."""
        return "pg_lsn"


_ON_DISK = sa.select(sa.cast(sa.func.pg_current_wal_flush_lsn(), sa.Text()))
_HAS_REPEATED = sa.select(
    *replicas.STATE,
    sa.func.pg_last_wal_replay_lsn() >= sa.cast(sa.cast(sa.bindparam("place"), sa.Text()), _Place()),
)


async def of_patient(db: Database, patient: PatientView, read: Read[Answer]) -> Answer:
    """Read one patient's record. `read` is given the handle to read with, and may be called twice."""
    replica = replicas.of(db)
    if replica is None:
        return await read(db)
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id, "seen": patient.revision}
    return await replica.read(db, Question(_HAS_REVISION, whose), read)


async def of_clinic(db: Database, read: Read[Answer]) -> Answer:
    """Read what belongs to the clinic as a whole. `read` is given the handle to read with, and may be called twice."""
    replica = replicas.of(db)
    if replica is None:
        return await read(db)
    place = (await db.read(_ON_DISK)).scalar()
    return await replica.read(db, Question(_HAS_REPEATED, {"place": place}, PAUSES_SECONDS), read)
