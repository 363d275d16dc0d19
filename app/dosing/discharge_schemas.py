"""Going home, on the wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from app.core.fields import Moment, Note
from app.core.schemas import Incoming, Outgoing
from app.dosing.discharge_rules import DischargeCriterion
from app.dosing.rules import SessionStage

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=500),
    Field(examples=["Known resting tremor, as before the dose"], description="Why. Encrypted at rest."),
]
Telephone = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=40),
    Field(examples=["+49 30 5550101"], description="Where the person is reached. Encrypted at rest."),
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(examples=["Alex R."], description="Who it is. Encrypted at rest."),
]
InstructionsVersion = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    Field(examples=["2026-10"], description="Which wording of the clinic's instructions was handed over."),
]
Inputs = Annotated[
    dict[str, Any], Field(description="What was looked at; null where there is nothing.", examples=[{"moaas": 5}])
]
Limit = Annotated[
    dict[str, Any], Field(description="The clinic's figures that it was held against.", examples=[{"at_least": 5}])
]
Overrides = Annotated[
    tuple["DischargeOverrideWrite", ...],
    Field(max_length=len(DischargeCriterion), description="Criteria that a prescriber sets aside, each with a reason."),
]


class DischargeOverrideWrite(Incoming):
    """One criterion that is set aside, by a prescriber."""

    code: Annotated[DischargeCriterion, Field(description="Which criterion.")]
    reason: Reason


class ReadinessWrite(Incoming):
    """What whoever is with the patient says. Null is not known, and stands in the way."""

    walks_unaided: Annotated[StrictBool | None, Field(description="Whether the patient walks without help.")] = None
    no_new_suicidal_ideation: Annotated[
        StrictBool | None,
        Field(description="Whether the patient, asked, has no thoughts of suicide that were not there before."),
    ] = None
    tolerates_fluids: Annotated[StrictBool | None, Field(description="Whether the patient keeps a drink down.")] = None
    overrides: Overrides = ()


class EscortWrite(Incoming):
    """Who takes the patient home."""

    name: PersonName
    phone: Telephone | None = None


class DischargeWrite(Incoming):
    """How the patient goes home."""

    escort: Annotated[
        EscortWrite | None,
        Field(description="Who takes the patient home; null if nobody does, which a prescriber has to override."),
    ] = None
    instructions_given: Annotated[
        StrictBool, Field(description="Whether the patient got the instructions: no driving, alcohol, sedatives...")
    ]
    instructions_version: InstructionsVersion | None = None
    crisis_card_given: Annotated[
        StrictBool, Field(description="Whether the patient got the card of where to find help.")
    ]
    note: Note | None = None
    overrides: Overrides = ()


class DischargeOverride(Outgoing):
    """A criterion that was set aside."""

    by: Annotated[UUID, Field(description="The prescriber who did.")]
    at: Annotated[Moment, Field(description="When.")]
    reason: Reason


class DischargeCriterionResult(Outgoing):
    """One criterion for going home."""

    code: Annotated[DischargeCriterion, Field(description="Which criterion.")]
    met: Annotated[
        bool | None, Field(description="Whether it is met; null where nothing recent enough was measured or said.")
    ]
    inputs: Inputs
    limit: Limit
    source: Annotated[str, Field(description="What it rests on.", examples=["MOAA/S: 5 is alert."])]
    override: Annotated[DischargeOverride | None, Field(description="Who set it aside and why; null if nobody did.")]


class DischargeAssessment(Outgoing):
    """The criteria as somebody found them at one moment."""

    id: Annotated[UUID, Field(description="Its id.")]
    assessed_at: Annotated[Moment, Field(description="When.")]
    assessed_by: Annotated[UUID, Field(description="Who looked.")]
    met: Annotated[bool, Field(description="Whether all were met without setting any aside.")]
    criteria: Annotated[list[DischargeCriterionResult], Field(description="Every criterion, as it was then.")]


class Escort(Outgoing):
    """Who took the patient home."""

    name: PersonName
    phone: Telephone | None


class SessionDischarge(Outgoing):
    """How the patient went home."""

    discharged_at: Annotated[Moment, Field(description="When.")]
    discharged_by: Annotated[UUID, Field(description="Who said goodbye.")]
    assessment_id: Annotated[UUID, Field(description="The assessment on the strength of which.")]
    escort: Annotated[Escort | None, Field(description="Who took the patient home; null if nobody did.")]
    instructions_given: Annotated[bool, Field(description="Whether the patient got the instructions.")]
    instructions_version: InstructionsVersion | None
    crisis_card_given: Annotated[bool, Field(description="Whether the patient got the card of where to find help.")]
    note: Note | None


class DischargeCriteria(Outgoing):
    """Whether the patient may go home: every criterion, one by one."""

    session_id: Annotated[UUID, Field(description="Which session.")]
    status: Annotated[SessionStage, Field(description="How far the session has come.")]
    computed_at: Annotated[Moment, Field(description="The moment for which they were computed: now, or the discharge.")]
    protocol_version: Annotated[int, Field(description="The version of the clinic's figures.", examples=[3])]
    in_the_way: Annotated[
        list[DischargeCriterion],
        Field(description="Criteria that are not met or not known, and that nobody has set aside."),
    ]
    criteria: Annotated[
        list[DischargeCriterionResult],
        Field(description="Every criterion. What has to be said was said at the last assessment, or is null."),
    ]
    assessments: Annotated[list[DischargeAssessment], Field(description="Every assessment, the oldest first.")]
    discharge: Annotated[SessionDischarge | None, Field(description="How the patient went home; null until then.")]
