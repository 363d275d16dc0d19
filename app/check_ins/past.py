"""What a patient reported before, as far as the safety rules need it: read for a request, and kept up in it."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_ins.danger_signs import ITEM_9, Known, Seen, answers_of
from app.check_ins.models import CheckIn
from app.core.db import Database
from app.dosing.models import DosingSession, Reading
from app.identity.access import PatientView
from app.identity.models import PatientDetails
from app.safety.models import Alert, AlertStep

_check_in = CheckIn.__table__.c
_details, _session, _reading = PatientDetails.__table__.c, DosingSession.__table__.c, Reading.__table__.c
_alert, _step = Alert.__table__.c, AlertStep.__table__.c
_CLINIC: sa.BindParameter[UUID] = sa.bindparam("clinic_id", type_=_check_in.clinic_id.type)
_PATIENT: sa.BindParameter[UUID] = sa.bindparam("patient_id", type_=_check_in.patient_id.type)

_ITEM_9_BEFORE = (
    sa.select(_check_in.recorded_at, _check_in.responses)
    .where(
        _check_in.clinic_id == _CLINIC,
        _check_in.patient_id == _PATIENT,
        _check_in.recorded_at < sa.bindparam("at", type_=_check_in.recorded_at.type),
        _check_in.id != sa.bindparam("id", type_=_check_in.id.type),
        sa.not_(_check_in.clock_suspect),
        sa.cast(_check_in.responses, sa.Text).like(f"%{ITEM_9}%"),
    )
    .order_by(_check_in.recorded_at.desc())
    .limit(1)
)
_SEX = sa.select(_details.sex).where(_details.clinic_id == _CLINIC, _details.patient_id == _PATIENT)
_OF_SESSION = (_session.clinic_id == _CLINIC, _session.id == sa.bindparam("session_id", type_=_session.id.type))
_CLINICIAN = sa.select(_session.session_clinician_id).where(*_OF_SESSION)
_READ_BEFORE_DOSE = (
    sa.select(_reading.at, _reading.dissociation)
    .where(
        _reading.clinic_id == _CLINIC,
        _reading.session_id == sa.bindparam("session_id", type_=_session.id.type),
        _reading.at < sa.bindparam("before", type_=_reading.at.type),
        _reading.dissociation.is_not(None),
    )
    .order_by(_reading.at.desc())
    .limit(1)
)
_RAISED = (
    sa.select(_step.subject_id, _alert.id, _alert.rule, _alert.severity, _alert.raised_at)
    .join_from(
        Alert.__table__,
        AlertStep.__table__,
        sa.and_(_step.clinic_id == _alert.clinic_id, _step.alert_id == _alert.id),
    )
    .where(
        _alert.clinic_id == _CLINIC,
        _alert.patient_id == _PATIENT,
        _step.subject_kind == "check_in",
        _step.subject_id.in_(sa.bindparam("ids", expanding=True, type_=_step.subject_id.type)),
    )
    .distinct()
    .order_by(_alert.raised_at, _alert.id)
)


_when = itemgetter(0)


class Past:
    """Earlier observations of one patient, by measure and substance, in the order of time."""

    def __init__(self, db: Database, patient: PatientView, seen: Seen) -> None:
        self._db = db
        self._whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
        self._known: dict[str, dict[str, list[Known]]] = {}
        self._item_9: list[tuple[datetime, UUID, int]] = []
        for (measure, substance), series in seen.items():
            series.sort(key=_when)
            self._known.setdefault(measure, {})[substance] = series

    def _of(self, measure: str, substance: str) -> list[Known]:
        return self._known.setdefault(measure, {}).setdefault(substance, [])

    def forget(self, check_in_id: UUID) -> None:
        """Take out what a check-in said before it was corrected."""
        for substances in self._known.values():
            for series in substances.values():
                series[:] = [known for known in series if known[1] != check_in_id]
        self._item_9 = [known for known in self._item_9 if known[1] != check_in_id]

    def add(self, measures: Mapping[str, float], substance: str, at: datetime, check_in_id: UUID, day: date) -> None:
        """Keep what an accepted report says, for those after it."""
        for measure, value in measures.items():
            insort(self._of(measure, substance), (at, check_in_id, day, float(value)))

    def add_responses(self, responses: Iterable[Mapping[str, Any]], at: datetime, check_in_id: UUID) -> None:
        """Keep item 9, which is no measure."""
        answer = answers_of(responses, "phq9").get(ITEM_9)
        if answer is not None:
            insort(self._item_9, (at, check_in_id, answer))

    def values(
        self, measure: str, substance: str, *, before: datetime, since: datetime | None = None
    ) -> Sequence[Known]:
        """The values before a moment, since another one, the oldest first."""
        series = self._known.get(measure, {}).get(substance, [])
        last = bisect_left(series, before, key=_when)
        first = 0 if since is None else bisect_left(series, since, key=_when)
        return series[first:last]

    def substances(self, measure: str) -> list[str]:
        """What this measure was reported about."""
        return list(self._known.get(measure, {}))

    async def item_9_before(self, at: datetime, check_in_id: UUID) -> int | None:
        """The newest answer to item 9 before a moment, in another check-in."""
        newest = max(((when, answer) for when, _, answer in self._item_9 if when < at), default=None)
        arguments = self._whose | {"at": at, "id": check_in_id}
        stored = (await self._db.read(_ITEM_9_BEFORE, arguments)).one_or_none()
        if stored is not None and (newest is None or stored.recorded_at > newest[0]):
            answer: int | None = answers_of(stored.responses, "phq9").get(ITEM_9)
            return answer
        return newest[1] if newest else None

    async def sex(self) -> str | None:
        """The patient's sex, where the clinic wrote it down."""
        found: str | None = (await self._db.read(_SEX, self._whose)).scalar_one_or_none()
        return found

    async def before_dose(self, session_id: UUID, started_at: datetime, hours: int) -> float | None:
        """The newest dissociation total before a dose: a reading of the session, or the patient's in so many hours."""
        arguments = {"clinic_id": self._whose["clinic_id"], "session_id": session_id, "before": started_at}
        read = (await self._db.read(_READ_BEFORE_DOSE, arguments)).one_or_none()
        own = self.values("dissociation", "", before=started_at, since=started_at - timedelta(hours=hours))[-1:]
        newest = max([*((at, value) for at, _, _, value in own), *([tuple(read)] if read else [])], default=None)
        return None if newest is None else newest[1]

    async def clinician_of(self, session_id: UUID) -> UUID | None:
        """Who looks after the patient in a session."""
        arguments = {"clinic_id": self._whose["clinic_id"], "session_id": session_id}
        found: UUID | None = (await self._db.read(_CLINICIAN, arguments)).scalar_one_or_none()
        return found

    async def raised(self, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
        """The alerts that these check-ins raised, or added to, by check-in."""
        found: dict[UUID, list[Any]] = {}
        for row in await self._db.read(_RAISED, self._whose | {"ids": list(ids)}):
            found.setdefault(row.subject_id, []).append(row)
        return found
