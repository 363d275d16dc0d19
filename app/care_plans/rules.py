"""Phases of a care plan, what a plan must hold, and what differs between two versions of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, Literal

from app.care_plans.errors import PhaseCannotFollow
from app.core.errors import FieldError
from app.instruments.definitions import Measure

Content = Mapping[str, Any]
"""What a version of a plan says, as it is kept: the JSON of `CarePlanWrite` without its reason."""


class CarePhase(StrEnum):
    """Where a patient stands in their care."""

    SCREENING = "screening"
    PREPARATION = "preparation"
    INDUCTION = "induction"
    INTEGRATION = "integration"
    MAINTENANCE = "maintenance"
    FOLLOW_UP = "follow_up"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class Modality(StrEnum):
    """Kinds of therapy and care; the same words as the kinds of appointments."""

    CBT = "cbt"
    MINDFULNESS = "mindfulness"
    MBRP = "mbrp"
    MET = "met"
    RELAPSE_PREVENTION = "relapse_prevention"
    INTEGRATION = "integration"
    PREPARATION = "preparation"
    SUPPORT_GROUP = "support_group"
    TWELVE_STEP = "twelve_step"
    CONTINGENCY_MANAGEMENT = "contingency_management"
    FAMILY = "family"
    MEDICATION_FOR_SUD = "medication_for_sud"
    PEER_SUPPORT = "peer_support"
    MEDICAL_REVIEW = "medical_review"
    KETAMINE_SESSION = "ketamine_session"


class GoalKind(StrEnum):
    """What a goal is about."""

    ABSTINENCE = "abstinence"
    REDUCTION = "reduction"
    MOOD = "mood"
    FUNCTION = "function"


QUITTING: Final = frozenset({GoalKind.ABSTINENCE, GoalKind.REDUCTION})
"""Goals that hold from a day on."""

ENDED: Final = frozenset({CarePhase.COMPLETED, CarePhase.WITHDRAWN})
"""Phases in which nobody is treated, so that they need no owner and no criteria."""

MAY_FOLLOW: Final[Mapping[CarePhase, frozenset[CarePhase]]] = MappingProxyType(
    {
        CarePhase.SCREENING: frozenset({CarePhase.PREPARATION, CarePhase.WITHDRAWN}),
        CarePhase.PREPARATION: frozenset({CarePhase.SCREENING, CarePhase.INDUCTION, CarePhase.WITHDRAWN}),
        CarePhase.INDUCTION: frozenset(
            {
                CarePhase.PREPARATION,
                CarePhase.INTEGRATION,
                CarePhase.MAINTENANCE,
                CarePhase.FOLLOW_UP,
                CarePhase.WITHDRAWN,
            }
        ),
        CarePhase.INTEGRATION: frozenset(
            {
                CarePhase.PREPARATION,
                CarePhase.INDUCTION,
                CarePhase.MAINTENANCE,
                CarePhase.FOLLOW_UP,
                CarePhase.WITHDRAWN,
            }
        ),
        CarePhase.MAINTENANCE: frozenset(
            {
                CarePhase.PREPARATION,
                CarePhase.INDUCTION,
                CarePhase.INTEGRATION,
                CarePhase.FOLLOW_UP,
                CarePhase.WITHDRAWN,
            }
        ),
        CarePhase.FOLLOW_UP: frozenset(
            {
                CarePhase.SCREENING,
                CarePhase.PREPARATION,
                CarePhase.INTEGRATION,
                CarePhase.MAINTENANCE,
                CarePhase.COMPLETED,
                CarePhase.WITHDRAWN,
            }
        ),
        CarePhase.COMPLETED: frozenset({CarePhase.SCREENING, CarePhase.PREPARATION, CarePhase.FOLLOW_UP}),
        CarePhase.WITHDRAWN: frozenset(CarePhase) - ENDED,
    }
)
"""Which phase may follow which; every phase may also go on. Nobody is dosed (`induction`) before they were prepared.

Phases repeat: after an integration there may be another induction, after a completion another course of treatment.
Whoever withdrew goes on where they were, or begins anew.
"""

FIRST: Final = frozenset(CarePhase) - ENDED
"""Phases in which a plan may begin: a patient may come from another clinic in the middle of their treatment."""


def check_phase(current: CarePhase | None, wanted: CarePhase) -> None:
    """Raise `PhaseCannotFollow` unless this phase may come next; `current` is None before the first plan."""
    may_follow = FIRST if current is None else MAY_FOLLOW[current] | {current}
    if wanted not in may_follow:
        raise PhaseCannotFollow(
            current=None if current is None else current.value,
            may_follow=[phase.value for phase in CarePhase if phase in may_follow],
        )


def faults(content: Content, measures: Mapping[str, Measure], known_staff: Collection[str]) -> list[FieldError]:
    """List what is wrong with a plan, pointing at each field. `known_staff`: ids of who may own a phase."""
    return [
        *_phase_faults(content, known_staff),
        *_repeated(content, "modalities", None),
        *_repeated(content, "goals", "id"),
        *_repeated(content, "practice", "id"),
        *(
            fault
            for index, goal in enumerate(content["goals"])
            for fault in _goal_faults(goal, measures, f"/goals/{index}")
        ),
        *(fault for index, each in enumerate(content["practice"]) for fault in _practice_faults(each, index)),
    ]


def is_abstinence_the_goal(content: Content) -> bool:
    """Whether one of the goals is abstinence, from whatever substance: names of substances are too free to compare."""
    return any(goal["kind"] == GoalKind.ABSTINENCE for goal in content["goals"])


def quit_day(content: Content, substance: str) -> date | None:
    """Return the latest day on which use of this substance was to stop or to become less.

    A goal about no substance in particular is about every one.
    """
    named = [
        goal["quit_on"]
        for goal in content["goals"]
        if goal.get("quit_on") is not None and goal["substance"] in {None, substance}
    ]
    return date.fromisoformat(max(named)) if named else None


def owners(content: Content) -> set[str]:
    """Return the ids of those who own a phase, as text."""
    return {each["owner_id"] for each in content["phases"]}


def target_side(measure: Measure) -> Literal["at_most", "at_least"]:
    """On which side of its target a goal is reached: where it is better."""
    return "at_least" if measure.higher_is == "better" else "at_most"


def _phase_faults(content: Content, known_staff: Collection[str]) -> Iterator[FieldError]:
    yield from _repeated(content, "phases", "phase")
    described = {each["phase"] for each in content["phases"]}
    if content["phase"] not in described | ENDED:
        yield FieldError("/phase", "phase_not_described", "Its criteria and its owner stand in `phases`.")
    for index, each in enumerate(content["phases"]):
        if each["owner_id"] not in known_staff:
            yield FieldError(f"/phases/{index}/owner_id", "unknown_staff", "Nobody of this id works here.")


def _repeated(content: Content, section: str, key: str | None) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, each in enumerate(content[section]):
        name, pointer = (each, f"/{section}/{index}") if key is None else (each[key], f"/{section}/{index}/{key}")
        if name in seen:
            yield FieldError(pointer, "repeated", "It is named once already.")
        seen.add(name)


def _goal_faults(goal: Content, measures: Mapping[str, Measure], pointer: str) -> Iterator[FieldError]:
    if (goal["measure"] is None) != (goal["target"] is None):
        lacks = "measure" if goal["measure"] is None else "target"
        yield FieldError(f"{pointer}/{lacks}", "measure_and_target", "A measure and its target come together.")
    if goal.get("quit_on") is not None and goal["kind"] not in QUITTING:
        detail = "Only a goal of abstinence or reduction has a day from which it holds."
        yield FieldError(f"{pointer}/quit_on", "not_applicable", detail)
    if goal["measure"] is None:
        return
    measure = measures.get(goal["measure"])
    if measure is None or measure.higher_is == "neutral":
        yield FieldError(f"{pointer}/measure", "unknown_measure", "There is no such measure with a better side.")
        return
    if goal["target"] is not None and not measure.minimum <= goal["target"] <= measure.maximum:
        limits = {"minimum": measure.minimum, "maximum": measure.maximum}
        yield FieldError(f"{pointer}/target", "out_of_range", "The measure does not reach it.", limits)
    if measure.per_substance and goal["substance"] is None:
        yield FieldError(f"{pointer}/substance", "substance_needed", "The measure is about one substance: say which.")


def _practice_faults(each: Content, index: int) -> Iterator[FieldError]:
    if each["modality"] == Modality.TWELVE_STEP:
        detail = "Going to a mutual-help group is the patient's to log or not; nobody assigns it."
        yield FieldError(f"/practice/{index}/modality", "not_assignable", detail)
    if each["ends_on"] is None:
        return
    first, last = (datetime.fromisoformat(each[name]).date() for name in ("starts_on", "ends_on"))
    if (last - first).days + 1 < each["window_days"]:
        yield FieldError(f"/practice/{index}/ends_on", "too_soon", "There is no whole window before it ends.")


# ------------------------------------------------------------------------------------------------- what differs
Section = Literal["phase", "phases", "modalities", "goals", "practice"]
What = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One thing that differs. `named`: the id of a goal or an assignment, or the phase or modality it is about.

    `fields` are those that say something else now; empty for what is new or gone.
    """

    section: Section
    what: What
    named: str
    fields: tuple[str, ...] = ()


_KEYS: Final[Mapping[Section, str | None]] = MappingProxyType(
    {"phases": "phase", "modalities": None, "goals": "id", "practice": "id"}
)


def changes(before: Content | None, after: Content) -> list[PlanChange]:
    """List what differs between two versions, section by section; of the first version, everything is new.

    In each section: what was removed in its old order, then what was added or changed in its new one. The order alone
    is no difference.
    """
    found: list[PlanChange] = []
    if before is None:
        found.append(PlanChange("phase", "added", after["phase"]))
    elif before["phase"] != after["phase"]:
        found.append(PlanChange("phase", "changed", after["phase"], ("phase",)))
    for section, key in _KEYS.items():
        found.extend(_section(section, _by_name(before, section, key), _by_name(after, section, key)))
    return found


def _by_name(content: Content | None, section: str, key: str | None) -> dict[str, Content]:
    if content is None:
        return {}
    return {each: {} for each in content[section]} if key is None else {each[key]: each for each in content[section]}


def _section(section: Section, old: Mapping[str, Content], new: Mapping[str, Content]) -> Iterator[PlanChange]:
    yield from (PlanChange(section, "removed", name) for name in old if name not in new)
    for name, each in new.items():
        if name not in old:
            yield PlanChange(section, "added", name)
            continue
        before = old[name]
        fields = tuple(field for field in {**before, **each} if each.get(field) != before.get(field))
        if fields:
            yield PlanChange(section, "changed", name, fields)


@dataclass(frozen=True, slots=True)
class Stay:
    """A phase that the patient was in, from when until when; `until` is None while they are."""

    phase: CarePhase
    since: datetime
    until: datetime | None


def course(versions: Sequence[tuple[str, datetime]]) -> list[Stay]:
    """Return the phases that a patient went through, from every version's phase and moment, the oldest first."""
    begun = [(CarePhase(phase), next(group)[1]) for phase, group in groupby(versions, key=lambda each: each[0])]
    ends: list[datetime | None] = [since for _, since in begun[1:]]
    return [Stay(phase, since, until) for (phase, since), until in zip(begun, [*ends, None], strict=False)]
