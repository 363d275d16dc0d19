"""Plans of rewards (contingency management) on the wire. They stand apart from alerts: no alert ever comes of them."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.care_plans.contingency_rules import ContingencyOutcome
from app.care_plans.schemas import Why, Words
from app.core.fields import Moment, Note, Whole
from app.core.schemas import Incoming, Outgoing

MOST_CENTS = 1_000_000


class ContingencyVerification(StrEnum):
    """How it is seen whether the target was met."""

    URINE_DRUG_SCREEN = "urine_drug_screen"
    SALIVA_TEST = "saliva_test"
    BREATH_TEST = "breath_test"
    ATTENDANCE = "attendance"
    PRACTICE_LOG = "practice_log"
    OTHER = "other"


Cents = Annotated[Whole, Field(ge=0, le=MOST_CENTS, examples=[200])]
Target = Annotated[
    Words, Field(description="What is rewarded. Encrypted at rest.", examples=["A urine screen without stimulants"])
]
Seen = Annotated[ContingencyVerification, Field(description="How it is seen whether the target was met.")]
Currency = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217 code.", examples=["USD"])
]
First = Annotated[Cents, Field(description="What the first one that meets it earns, in hundredths of the currency.")]
Step = Annotated[Cents, Field(description="By how much each further one in a row earns more; 0: the same each time.")]
Most = Annotated[Cents, Field(description="No single one earns more than this, bonus aside.")]
BonusEvery = Annotated[Whole, Field(ge=0, le=100, description="Each so many in a row earn a bonus; 0: none does.")]
Bonus = Annotated[Cents, Field(description="The bonus.")]
StepsBack = Annotated[
    Whole | None,
    Field(ge=0, le=1000, description="How many steps one that does not meet it goes back; null: to the first."),
]
Restored = Annotated[
    Whole | None,
    Field(ge=1, le=100, description="After so many in a row the step that was lost comes back; null: it does not."),
]
InAll = Annotated[
    Whole | None,
    Field(ge=0, le=100 * MOST_CENTS, description="No more than this is earned altogether; null: no limit."),
]
Ended = Annotated[bool, Field(strict=True, description="Whether the plan is over: nothing is earned from then on.")]
OutcomeOf = Annotated[ContingencyOutcome, Field(description="Whether the target was met; `excused` counts as neither.")]
At = Annotated[Moment, Field(description="When it was verified.")]
Corrects = Annotated[UUID | None, Field(description="The result that this one takes the place of; null: none.")]


class ContingencyPlanWrite(Incoming):
    """What a patient is rewarded for, how it is seen, what it earns, and why this is changed."""

    target_behaviour: Target
    verification: Seen
    currency: Currency
    first_cents: First
    step_cents: Step = 0
    most_cents: Most
    bonus_every: BonusEvery = 0
    bonus_cents: Bonus = 0
    steps_back: StepsBack = None
    restored_after: Restored = None
    most_in_all_cents: InAll = None
    starts_over: bool = Field(
        default=False, strict=True, description="Whether counting begins anew: at the first step, with nothing earned."
    )
    ended: Ended = False
    reason: Why


class ContingencyResultWrite(Incoming):
    """Whether the target was met once."""

    at: At
    outcome: OutcomeOf
    corrects: Corrects = None
    note: Note | None = Field(None, description="Free text, which the patient reads too. Encrypted at rest.")


class ContingencyPlan(Outgoing):
    """One version of a plan of rewards."""

    version: int = Field(description="Counts the versions from 1.", examples=[1])
    target_behaviour: Target
    verification: Seen
    currency: Currency
    first_cents: First
    step_cents: Step
    most_cents: Most
    bonus_every: BonusEvery
    bonus_cents: Bonus
    steps_back: StepsBack
    restored_after: Restored
    most_in_all_cents: InAll
    counts_from_version: int = Field(description="Results under this and later versions count.", examples=[1])
    ended: Ended
    reason: Why
    made_at: Moment = Field(description="When this version was made.")
    made_by: UUID | None = Field(description="The member of staff who made it.")
    made_by_name: str | None = Field(
        description="Their name; null in `GET /v1/me/changes`.", examples=["Dr Imani Okafor"]
    )


class ContingencyResult(Outgoing):
    """Whether the target was met once, and what that earned."""

    id: UUID = Field(description="Its id, made by whoever recorded it.")
    plan_version: int = Field(description="The version of the plan that held then.", examples=[1])
    at: At
    outcome: OutcomeOf
    amount_cents: int = Field(description="What it earned, in hundredths of the plan's currency.", examples=[350])
    corrects: Corrects
    corrected_by: UUID | None = Field(description="The result that took its place; null while it counts.")
    note: str | None = Field(description="What was noted with it; null: nothing.")
    recorded_by: UUID = Field(description="The member of staff who recorded it.")


class NextIncentive(Outgoing):
    """Where the patient stands."""

    amount_cents: int = Field(description="What the next one that meets the target earns.", examples=[350])
    in_a_row: int = Field(description="How many met it in a row so far.", examples=[3])
    earned_cents: int = Field(description="What was earned since counting began.", examples=[1050])
    results: int = Field(description="Results that count, excused ones among them.", examples=[4])


class ContingencyRecord(Outgoing):
    """The plan of rewards as it is, where the patient stands, and the latest results."""

    version: int = Field(description="The present version, the `ETag` as a number; 0 before there is one.")
    current: ContingencyPlan | None = Field(description="The plan; null before there is one.")
    next_incentive: NextIncentive | None = Field(description="Where the patient stands; null when the plan is over.")
    results: list[ContingencyResult] = Field(description="The latest results, at most a hundred, the last one first.")


class ContingencyPlanPage(Outgoing):
    """Versions of a plan of rewards, the latest first."""

    items: list[ContingencyPlan] = Field(description="The versions of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class ContingencyResultPage(Outgoing):
    """Results under plans of rewards, the last verified first."""

    items: list[ContingencyResult] = Field(description="The results of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
