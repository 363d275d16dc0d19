"""Turning occurrences into rows, and back: what is new is added, what moved is moved, what is not wanted is withdrawn.

Rows are never deleted and an id never stands for something else, so a phone that was offline can follow. What was
answered stays answered. Rows of the release before this one have ids of their own; around a dose they are found by the
name of the moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.check_in_plans.due import OF_DUE
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.plan_queries import Held
from app.check_in_plans.plan_rules import Occurrence
from app.check_in_plans.rules import Kept
from app.core.db import Database
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientView
from app.instruments.catalogue import definition


@dataclass(slots=True)
class Placing:
    """The changes of one transaction to what a patient is asked for; `changed` tells whether there were any."""

    db: Database
    patient: PatientView
    held: Held
    changed: int = 0

    def add(self, asked: Occurrence, session_id: UUID | None = None, *, awaits_dose: bool | None = None) -> None:
        """Ask for something new."""
        self.db.stage(
            DueCheckIn,
            {
                "clinic_id": self.patient.clinic_id,
                "patient_id": self.patient.id,
                "id": asked.id,
                "dosing_session_id": session_id,
                "state": Kept.WAITING.value,
                "check_in_id": None,
                "answered_at": None,
                "delivered_at": None,
                "shown_at": None,
                "revision": self.patient.revise(self.db, OF_DUE),
                **_columns(asked, awaits_dose=awaits_dose),
                **self._versions(),
            },
        )
        self.changed += 1

    def move(
        self, row: DueCheckIn, asked: Occurrence, *, state: Kept | None = None, awaits_dose: bool | None = None
    ) -> None:
        """Let a row say what is asked for now; nothing happens where it says so already."""
        wanted = _columns(asked, awaits_dose=awaits_dose) | {"state": (state or Kept(row.state)).value}
        if all(_same(getattr(row, name), value) for name, value in wanted.items()):
            return
        for name, value in (wanted | self._versions()).items():
            setattr(row, name, value)
        row.revision = self.patient.revise(self.db, OF_DUE)
        self.changed += 1

    def withdraw(self, row: DueCheckIn) -> None:
        """Ask for it no more."""
        row.state, row.revision = Kept.CANCELLED.value, self.patient.revise(self.db, OF_DUE)
        self.changed += 1

    def _versions(self) -> dict[str, Any]:
        return {"plan_version": self.held.plan_version, "template_version": self.held.template_version}


def tell(db: Database, patient: PatientView, subject_id: UUID) -> None:
    """Tell that what is due changed."""
    events.record(
        db,
        EventType.DUE_CHECK_INS_CHANGED,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        subject_id=subject_id,
        version=patient.revise(db, ()),
    )


def _columns(asked: Occurrence, *, awaits_dose: bool | None) -> dict[str, Any]:
    return {
        "time_point": asked.item,
        "opens_at": asked.opens_at,
        "due_at": asked.due_at,
        "closes_at": asked.closes_at,
        "instruments": list(asked.instruments),
        "instrument_versions": {key: definition(key).version for key in asked.instruments},
        "reminders": list(asked.reminders),
        "local_day": asked.local_day,
        "local_time": asked.local_time,
        "time_zone": asked.time_zone,
        "shifted": asked.shifted,
        "minutes_from_dose": asked.minutes_from_dose,
        "awaits_dose": awaits_dose,
    }


def _same(kept: object, wanted: object) -> bool:
    return kept == wanted


def place_by_the_calendar(
    placing: Placing, rows: Iterable[DueCheckIn], asked: Sequence[Occurrence], now: datetime
) -> None:
    """Bring what lies ahead by the calendar into line with the plan.

    What is open already, or over, stays as it is, in the zone and the words in which it was asked for.
    """
    wanted = {each.id: each for each in asked if each.opens_at > now}
    for row in rows:
        this = wanted.pop(row.id, None)
        match Kept(row.state):
            case Kept.CANCELLED if this is not None:
                placing.move(row, this, state=Kept.WAITING)
            case Kept.WAITING if row.opens_at > now and this is not None:
                placing.move(row, this)
            case Kept.WAITING if row.opens_at > now:
                placing.withdraw(row)
    for this in wanted.values():
        placing.add(this)


@dataclass(frozen=True, slots=True)
class Dose:
    """A session, as far as it matters for what is asked for around it."""

    session_id: UUID
    begun: bool
    wanted: bool
    """Whether it takes place, so that anything is asked for around it at all."""


def place_around(
    placing: Placing,
    rows: Iterable[DueCheckIn],
    asked: Sequence[Occurrence],
    dose: Dose,
    now: datetime,
    *,
    keep_open: bool,
) -> None:
    """Bring what is asked for around one dose into line with when it begins.

    `keep_open`: the plan changed and not the dose, so that what can be answered now, and what was missed, stays.
    """
    wanted = {each.item: each for each in asked}
    for row in rows:
        this = wanted.pop(row.time_point, None)
        _bring_into_line(placing, row, this, dose, now, keep_open=keep_open)
    for this in wanted.values():
        if this.closes_at > now:  # nobody could have answered what is over already
            placing.add(this, dose.session_id, awaits_dose=_awaits(this, dose))


def _bring_into_line(
    placing: Placing, row: DueCheckIn, this: Occurrence | None, dose: Dose, now: datetime, *, keep_open: bool
) -> None:
    if keep_open and row.opens_at <= now and not row.awaits_dose and row.state != Kept.CANCELLED:
        return
    if this is None:
        if row.state == Kept.WAITING:
            placing.withdraw(row)
        return
    awaits, ahead = _awaits(this, dose), this.closes_at > now
    match Kept(row.state):
        case Kept.ANSWERED if not (dose.begun and _is_after(row)):
            pass  # it was answered before the dose, whenever that is now
        case Kept.CANCELLED if not ahead:
            pass
        case Kept.WAITING if not ahead and row.opens_at > now:
            placing.withdraw(row)  # it closes before anybody was asked
        case Kept.CANCELLED | Kept.MISSED if ahead:
            placing.move(row, this, state=Kept.WAITING, awaits_dose=awaits)
        case _:
            placing.move(row, this, awaits_dose=awaits)


def _awaits(this: Occurrence, dose: Dose) -> bool:
    return not dose.begun and (this.minutes_from_dose or 0) >= 0


def _is_after(row: DueCheckIn) -> bool:
    """Whether it is about what follows the dose; the release before this one asked for nothing else."""
    return row.minutes_from_dose is None or row.minutes_from_dose >= 0
