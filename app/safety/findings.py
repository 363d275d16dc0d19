"""What a rule is and what it finds: plain values, shared by the rules, by those who ask them and by the alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.protocols.safety_figures import Within

Number = int | float | str | bool | None
"""What a rule looked at, as it is kept beside the alert. Never a patient's own words."""


class Severity(StrEnum):
    """How soon somebody has to look. `critical` is told at once, and to others until somebody answers."""

    ROUTINE = "routine"
    URGENT = "urgent"
    CRITICAL = "critical"


class Notify(StrEnum):
    """Who hears of an alert first, by what they are to the patient or to the clinic."""

    ON_DUTY = "on_duty"
    PLAN_OWNER = "plan_owner"
    PRESCRIBER = "prescriber"
    SESSION_CLINICIAN = "session_clinician"
    COORDINATOR = "coordinator"
    CLINIC_LEAD = "clinic_lead"


class SubjectKind(StrEnum):
    """What an alert was found in."""

    CHECK_IN = "check_in"
    READING = "reading"
    DOSING_SESSION = "dosing_session"
    ADVERSE_EVENT = "adverse_event"
    EXTRA_SESSION_REQUEST = "extra_session_request"
    DUE_CHECK_IN = "due_check_in"
    HELP_REQUEST = "help_request"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as a clinician reads it. A change of what it does is a new version.

    `text` is what the clinician sees, `patient_text` what the patient sees at once (None: nothing), `source` what the
    rule rests on. `within` is how soon an alert is to be acknowledged, by severity.
    """

    id: str
    version: int
    title: str
    text: str
    patient_text: str | None
    source: str
    notify: tuple[Notify, ...]
    within: Mapping[Severity, Within]
    shows_crisis_card: bool = False
    at_the_bedside: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule found something: how severe it is, the numbers it saw, and the figures it held them against.

    `within` is how soon it is to be acknowledged where that is not what the rule says for its severity.
    """

    rule: str
    severity: Severity
    inputs: Mapping[str, Number]
    threshold: Mapping[str, Number]
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What findings were found in, when that happened, and in which session, if in any."""

    kind: SubjectKind
    id: UUID
    found_at: datetime
    dosing_session_id: UUID | None = None
    session_clinician_id: UUID | None = None
