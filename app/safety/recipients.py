"""Who is told of an alert, by what they are to the patient, to the session or to the clinic.

Nobody is told who may not open it. Where whoever a rule names is not there, somebody is found who is: an alert that
nobody hears of is the one thing that must not be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.identity.permissions import Role
from app.safety.findings import Notify
from app.safety.ladder import Level
from app.safety.roster_rules import OnCall

CLINICAL: Final = frozenset({Role.PRESCRIBER, Role.NURSE, Role.THERAPIST})
"""Who may open the record of a patient whom they look after."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works at the clinic, and what they are to the patient."""

    id: UUID
    role: Role
    in_care_team: bool = False
    responsible: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who could be told."""

    staff: Sequence[Colleague]
    on_call: OnCall | None
    lead_id: UUID | None
    session_clinician_id: UUID | None = None

    def first_for(self, notify: Iterable[Notify]) -> list[UUID]:
        """Whom a rule's alert is first for, in the rule's order."""
        found = [member for whom in notify for member in self._named(whom)]
        return _once(found or self._anybody())

    def at(self, level: Level) -> list[UUID]:
        """Who is asked at a rung of the ladder beside whoever was asked before."""
        first = [self.on_call.first_id] if self.on_call else []
        second = [self.on_call.second_id] if self.on_call and self.on_call.second_id else []
        lead = [self.lead_id] if self.lead_id else []
        if level is Level.FIRST:
            return self._there(first)
        if level is Level.SECOND:
            return self._there(second) or self._there(lead) or self._care_team()
        return self._there(lead) or self._of_role(Role.PRESCRIBER)

    def _named(self, whom: Notify) -> list[UUID]:
        if whom is Notify.ON_DUTY:
            return self.at(Level.FIRST) or self._care_team()
        if whom is Notify.PLAN_OWNER:
            responsible = [each.id for each in self.staff if each.responsible and each.role in CLINICAL]
            return responsible or self._care_team()
        if whom is Notify.PRESCRIBER:
            return self._care_team(Role.PRESCRIBER) or self.at(Level.FIRST) or self._of_role(Role.PRESCRIBER)
        if whom is Notify.SESSION_CLINICIAN:
            clinician = [self.session_clinician_id] if self.session_clinician_id else []
            return self._there(clinician) or self._care_team(Role.NURSE) or self._care_team()
        if whom is Notify.COORDINATOR:
            return self._of_role(Role.COORDINATOR)
        return self._there([self.lead_id] if self.lead_id else []) or self._care_team()

    def _anybody(self) -> list[UUID]:
        return self.at(Level.FIRST) or self._care_team() or self.at(Level.LEAD) or self._clinicians()

    def _care_team(self, role: Role | None = None) -> list[UUID]:
        return [
            each.id
            for each in self.staff
            if each.in_care_team and each.role in CLINICAL and (role is None or each.role is role)
        ]

    def _of_role(self, role: Role) -> list[UUID]:
        return [each.id for each in self.staff if each.role is role]

    def _clinicians(self) -> list[UUID]:
        return [each.id for each in self.staff if each.role in CLINICAL]

    def _there(self, ids: Iterable[UUID]) -> list[UUID]:
        """Those of them who still work here and may open records."""
        may = set(self._clinicians())
        return [each for each in ids if each in may]


def _once(ids: Iterable[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))
