"""What is said of an adverse event, and by when somebody has to be told. Pure tables and functions.

How severe an event was (its grade) and whether it was serious (a regulatory word) are two things. A rash can be severe
and not serious; a faint that led to hospital is serious at any grade.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.core.errors import FieldError, InvalidRequest


class SeriousnessCriterion(StrEnum):
    """Why an event is serious, as regulators define it."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITALISATION = "hospitalisation"
    DISABILITY = "disability"
    CONGENITAL = "congenital"
    IMPORTANT_MEDICAL = "important_medical"


class Relatedness(StrEnum):
    """How likely the drug caused it, as a clinician judges."""

    UNRELATED = "unrelated"
    UNLIKELY = "unlikely"
    POSSIBLE = "possible"
    PROBABLE = "probable"
    DEFINITE = "definite"


class AdverseEventAction(StrEnum):
    """What was done about it."""

    NONE = "none"
    SLOWED = "slowed"
    STOPPED = "stopped"
    DRUG_GIVEN = "drug_given"
    TRANSFERRED = "transferred"


class AdverseEventOutcome(StrEnum):
    """What became of it."""

    RECOVERED = "recovered"
    RECOVERED_WITH_SEQUELAE = "recovered_with_sequelae"
    RECOVERING = "recovering"
    NOT_RECOVERED = "not_recovered"
    FATAL = "fatal"
    UNKNOWN = "unknown"


class Reporter(StrEnum):
    """Who told of it."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    RELATIVE = "relative"
    OTHER = "other"


class ReportRecipient(StrEnum):
    """Who was told of it outside of the clinic."""

    REGULATOR = "regulator"
    SPONSOR = "sponsor"
    MANUFACTURER = "manufacturer"
    ETHICS_COMMITTEE = "ethics_committee"
    OTHER = "other"


class ReportingState(StrEnum):
    """Where a report stands."""

    DUE = "due"
    OVERDUE = "overdue"
    REPORTED = "reported"


def check(
    *,
    onset_at: datetime,
    resolved_at: datetime | None,
    serious: bool,
    criteria: Sequence[SeriousnessCriterion],
    now: datetime,
    tolerance: timedelta,
) -> None:
    """Refuse what cannot be true together; raises `InvalidRequest` with a pointer to each field at fault."""
    faults = []
    if onset_at > now + tolerance:
        faults.append(FieldError("/onset_at", "in_the_future", "It is recorded when it has begun, not before."))
    if resolved_at is not None and resolved_at < onset_at:
        faults.append(FieldError("/resolved_at", "resolved_before_onset", "It cannot be over before it began."))
    if serious != bool(criteria):
        detail = "A serious event names at least one criterion; any other names none."
        faults.append(FieldError("/seriousness_criteria", "seriousness_criteria", detail))
    if len(set(criteria)) < len(criteria):
        faults.append(FieldError("/seriousness_criteria", "named_twice", "Name each criterion once."))
    if faults:
        raise InvalidRequest(errors=faults)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time within which an event has to be reported, for events that meet one of these criteria."""

    name: str
    days: int
    criteria: frozenset[SeriousnessCriterion]
    source: str


CLOCKS: Final = (
    Clock(
        "fatal_or_life_threatening",
        7,
        frozenset({SeriousnessCriterion.DEATH, SeriousnessCriterion.LIFE_THREATENING}),
        "US, IND safety report of what is fatal or life-threatening: 7 days. Not checked at its source: your "
        "regulatory adviser says whether it binds you.",
    ),
    Clock(
        "serious",
        15,
        frozenset(SeriousnessCriterion),
        "US, IND safety report of what is serious: 15 days. Not checked at its source: your regulatory adviser says "
        "whether it binds you.",
    ),
)
"""They are set by law, not by a clinic. For other events the clinic has its policy, and MedWatch is voluntary."""

SATISFIES: Final = frozenset({ReportRecipient.REGULATOR, ReportRecipient.SPONSOR})
"""Being told of it, these stop the clock."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one version said, and since when: a clock runs from when an event was first known to meet a criterion."""

    at: datetime
    criteria: frozenset[SeriousnessCriterion]


@dataclass(frozen=True, slots=True)
class Reporting:
    """By when an event has to be reported, and where that stands."""

    clock: Clock
    report_by: datetime
    state: ReportingState
    reported_at: datetime | None


def reporting(
    versions: Sequence[Known], reported: Iterable[tuple[ReportRecipient, datetime]], now: datetime
) -> Reporting | None:
    """Find the clock that ends first; `versions` oldest first, the last of them as it stands. None: none runs."""
    if not versions:
        return None
    reports = sorted(at for recipient, at in reported if recipient in SATISFIES)
    running = [
        (since + timedelta(days=clock.days), clock)
        for clock in CLOCKS
        if clock.criteria & versions[-1].criteria and (since := _known_since(versions, clock)) is not None
    ]
    if not running:
        return None
    report_by, clock = min(running, key=lambda each: each[0])
    if reports:
        return Reporting(clock, report_by, ReportingState.REPORTED, reports[0])
    return Reporting(clock, report_by, ReportingState.OVERDUE if now > report_by else ReportingState.DUE, None)


def _known_since(versions: Sequence[Known], clock: Clock) -> datetime | None:
    return next((version.at for version in versions if version.criteria & clock.criteria), None)


def is_worse(before: tuple[int, bool] | None, after: tuple[int, bool]) -> bool:
    """Whether an event (grade, serious) is new, became more severe, or became serious."""
    return before is None or after[0] > before[0] or (after[1] and not before[1])
