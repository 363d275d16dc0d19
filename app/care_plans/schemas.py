"""Care plans on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from app.care_plans.rules import CarePhase, GoalKind, Modality
from app.core.fields import Day, Moment, Whole
from app.core.schemas import Incoming, Outgoing

MOST_GOALS = 20
MOST_ASSIGNMENTS = 30
LONGEST_WINDOW_DAYS = 31

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Phase = Annotated[CarePhase, Field(description="Where the patient stands in their care.")]
Entry = Annotated[Words, Field(description="What must be so before it begins.", examples=["Baseline bloods are back."])]
Exit = Annotated[Words, Field(description="What must be so before it is over.", examples=["Six sessions, reviewed."])]
Owner = Annotated[UUID, Field(description="The member of staff who answers for this phase.")]
Kind = Annotated[GoalKind, Field(description="What it is about.")]
GoalId = Annotated[UUID, Field(description="The goal's id (UUIDv7), kept from version to version.")]
OwnWords = Annotated[
    Words, Field(description="The patient's own words. Encrypted at rest.", examples=["I want my mornings back."])
]
Substance = Annotated[
    str | None,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="The substance it is about; null: none in particular.",
        examples=["alcohol"],
    ),
]
MeasureName = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=64,
        description="The measure that says how near it is (`GET /v1/instruments`); null: none does.",
        examples=["craving"],
    ),
]
Target = Annotated[
    Whole | None, Field(description="The value to reach, on the scale of the measure; null without one.", examples=[3])
]
QuitOn = Annotated[
    Day | None,
    Field(
        description="Of a goal of abstinence or reduction, the day from which it holds, by the patient's clock. Trends "
        "count the days to the first use from it.",
    ),
]
ReviewOn = Annotated[Day | None, Field(description="When to look at it together.")]
AssignmentId = Annotated[UUID, Field(description="The assignment's id (UUIDv7), kept from version to version.")]
Instruction = Annotated[
    Words, Field(description="What to do. Encrypted at rest.", examples=["Ten minutes of breathing, in the morning."])
]
Times = Annotated[Whole, Field(ge=1, le=50, description="How often in each window.", examples=[1])]
WindowDays = Annotated[
    Whole, Field(ge=1, le=LONGEST_WINDOW_DAYS, description="Days of each window: 1 is daily, 7 weekly.", examples=[1])
]
StartsOn = Annotated[Day, Field(description="First day of the first window, by the patient's clock.")]
EndsOn = Annotated[Day | None, Field(description="Last day; a window that would end later is not asked for.")]
PracticeMinutes = Annotated[
    Whole | None, Field(ge=1, le=600, description="How long each time, in minutes; null: as long as it takes.")
]
Modalities = Annotated[list[Modality], Field(max_length=len(Modality), description="Kinds of therapy in use.")]
Why = Annotated[
    Words,
    Field(description="Why it was changed. The patient reads it too.", examples=["Sam asked for a shorter practice."]),
]


class PhasePlanWrite(Incoming):
    """What holds for one phase, whenever the patient is in it."""

    phase: Phase
    entry_criteria: Entry
    exit_criteria: Exit
    owner_id: Owner


class GoalWrite(Incoming):
    """One thing that the patient wants."""

    id: GoalId
    kind: Kind
    words: OwnWords
    substance: Substance = None
    measure: MeasureName = None
    target: Target = None
    review_on: ReviewOn = None
    quit_on: QuitOn = None


class PracticeAssignmentWrite(Incoming):
    """Something to practise."""

    id: AssignmentId
    modality: Modality = Field(description="What it belongs to; not `twelve_step`, which nobody can assign.")
    instruction: Instruction
    times: Times
    window_days: WindowDays
    starts_on: StartsOn
    ends_on: EndsOn = None
    minutes: PracticeMinutes = None


class CarePlanWrite(Incoming):
    """The whole plan, and why it is changed."""

    phase: Phase
    phases: list[PhasePlanWrite] = Field(
        max_length=len(CarePhase), description="What holds for each phase; the present one is among them."
    )
    modalities: Modalities
    goals: list[GoalWrite] = Field(max_length=MOST_GOALS, description="What the patient wants.")
    practice: list[PracticeAssignmentWrite] = Field(max_length=MOST_ASSIGNMENTS, description="What to practise.")
    reason: Why


class PhasePlan(Outgoing):
    """What holds for one phase, whenever the patient is in it."""

    phase: Phase
    entry_criteria: Entry
    exit_criteria: Exit
    owner_id: Owner
    owner_name: str | None = Field(
        description="The name of that member of staff; null in `GET /v1/me/changes`.", examples=["Dr Imani Okafor"]
    )


class CareGoal(Outgoing):
    """One thing that the patient wants."""

    id: GoalId
    kind: Kind
    words: OwnWords
    substance: Substance
    measure: MeasureName
    target: Target
    reached_when: Literal["at_most", "at_least"] | None = Field(
        description="On which side of the target it is reached: where it is better. Null without a measure."
    )
    review_on: ReviewOn
    quit_on: QuitOn


class PracticeAssignment(Outgoing):
    """Something to practise."""

    id: AssignmentId
    modality: Modality = Field(description="What it belongs to.")
    instruction: Instruction
    times: Times
    window_days: WindowDays
    starts_on: StartsOn
    ends_on: EndsOn
    minutes: PracticeMinutes


class CarePlan(Outgoing):
    """One version of a care plan. The patient and their care team read the same."""

    version: int = Field(description="Counts the versions from 1.", examples=[1])
    phase: Phase
    phases: list[PhasePlan] = Field(description="What holds for each phase.")
    modalities: Modalities
    goals: list[CareGoal] = Field(description="What the patient wants.")
    practice: list[PracticeAssignment] = Field(description="What to practise.")
    reason: Why
    made_at: Moment = Field(description="When this version was made.")
    made_by: UUID | None = Field(description="The member of staff who made it; null for one that was brought along.")
    made_by_name: str | None = Field(
        description="Their name; null in `GET /v1/me/changes`.", examples=["Dr Imani Okafor"]
    )


class CarePlanChange(Outgoing):
    """One thing that differs between two versions."""

    section: Literal["phase", "phases", "modalities", "goals", "practice"] = Field(description="Where it is.")
    what: Literal["added", "removed", "changed"] = Field(description="What became of it.")
    named: str = Field(
        description="The id of the goal or assignment, or the phase or modality.", examples=["integration"]
    )
    fields: list[str] = Field(
        description="What says something else now; empty for what is new or gone.", examples=[["target", "review_on"]]
    )


class PhaseStay(Outgoing):
    """A phase that the patient was in."""

    phase: Phase
    since: Moment = Field(description="When the version was made that began it.")
    until: Moment | None = Field(description="When the next one began; null for the present one.")


class CarePlanRecord(Outgoing):
    """The plan as it is and as it was before."""

    version: int = Field(description="The present version, the `ETag` as a number; 0 before there is one.")
    current: CarePlan | None = Field(description="The plan; null before there is one.")
    previous: CarePlan | None = Field(description="The version before; null when there is none.")
    changes: list[CarePlanChange] = Field(description="What differs between the two, section by section.")
    course: list[PhaseStay] = Field(description="The phases so far, the first one first. A phase may come again.")


class CarePlanVersion(CarePlan):
    """A version of a care plan, and how it differs from the one before it."""

    changes: list[CarePlanChange] = Field(description="What differs from the version before.")


class CarePlanVersionPage(Outgoing):
    """Versions of a care plan, the latest first."""

    items: list[CarePlanVersion] = Field(description="The versions of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
