"""Adverse events on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from app.adverse_events.rules import (
    AdverseEventAction,
    AdverseEventOutcome,
    Relatedness,
    Reporter,
    ReportingState,
    ReportRecipient,
    SeriousnessCriterion,
)
from app.core.fields import Moment, Note, Whole
from app.core.schemas import Incoming, Outgoing

Term = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=200),
    Field(examples=["Nausea"], description="What happened, in a term that MedDRA knows. Encrypted at rest."),
]
TermCode = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9.:-]{1,32}$", examples=["10028813"], description="The code of the term, if you know it."
    ),
]
Grade = Annotated[
    Whole,
    Field(
        ge=1,
        le=5,
        examples=[2],
        description="How severe: CTCAE 1 (mild) to 5 (death). Higher is worse. Severe is not the same as serious.",
    ),
]
Criteria = Annotated[
    tuple[SeriousnessCriterion, ...],
    Field(max_length=6, description="Why it is serious: at least one when it is, none when it is not."),
]
OnsetAt = Annotated[Moment, Field(description="When it began.")]
ResolvedAt = Annotated[Moment | None, Field(description="When it was over; null while it is not, or not known.")]
Reference = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9 ._/-]{1,64}$", examples=["MW-2026-0117"], description="Number of the report over there."
    ),
]


class ReportWrite(Incoming):
    """Somebody outside of the clinic was told."""

    recipient: ReportRecipient
    reported_at: Annotated[Moment, Field(description="When they were told.")]
    reference: Reference | None = None


class AdverseEventWrite(Incoming):
    """What happened to a patient."""

    session_id: Annotated[UUID | None, Field(description="The dosing session it belongs to, if to any.")] = None
    onset_at: OnsetAt
    resolved_at: ResolvedAt = None
    term: Term
    term_code: TermCode | None = None
    description: Note | None = None
    grade: Grade
    serious: Annotated[StrictBool, Field(description="Whether it is serious in the regulatory sense.")]
    seriousness_criteria: Criteria = ()
    relatedness: Annotated[Relatedness, Field(description="How likely the drug caused it.")]
    expected: Annotated[StrictBool, Field(description="Whether it is known of this drug, in nature and severity.")]
    action: Annotated[AdverseEventAction, Field(description="What was done about it.")]
    outcome: Annotated[AdverseEventOutcome, Field(description="What became of it.")]
    reporter: Annotated[Reporter, Field(description="Who told of it.")]
    reported_to: Annotated[
        tuple[ReportWrite, ...], Field(max_length=20, description="Who was told outside of the clinic.")
    ] = ()


class AdverseEventReport(Outgoing):
    """Somebody outside of the clinic was told."""

    recipient: ReportRecipient
    reported_at: Annotated[Moment, Field(description="When they were told.")]
    reference: Reference | None


class AdverseEventReporting(Outgoing):
    """By when somebody has to be told of a serious event. We tell nobody for you."""

    clock: Annotated[str, Field(description="Which rule sets the time.", examples=["serious"])]
    days: Annotated[int, Field(description="Days from when it was first known to be of this kind.", examples=[15])]
    report_by: Annotated[Moment, Field(description="When they are over.")]
    state: ReportingState
    reported_at: Annotated[Moment | None, Field(description="When a regulator or sponsor was first told; or null.")]
    source: Annotated[str, Field(description="What the time rests on.", examples=["US, IND safety report: 15 days."])]


class AdverseEventVersion(Outgoing):
    """What was said of an adverse event."""

    version: Annotated[int, Field(description="Counts what was said of it; the `ETag`.", examples=[1])]
    recorded_at: Annotated[Moment, Field(description="When this was written down.")]
    recorded_by: Annotated[UUID, Field(description="Who wrote it down.")]
    session_id: Annotated[UUID | None, Field(description="The dosing session it belongs to; null if to none.")]
    onset_at: OnsetAt
    resolved_at: ResolvedAt
    term: Term
    term_code: TermCode | None
    description: Note | None
    grade: Grade
    serious: Annotated[bool, Field(description="Whether it is serious in the regulatory sense.")]
    seriousness_criteria: Annotated[list[SeriousnessCriterion], Field(description="Why; empty when it is not serious.")]
    relatedness: Annotated[Relatedness, Field(description="How likely the drug caused it.")]
    expected: Annotated[bool, Field(description="Whether it is known of this drug.")]
    action: Annotated[AdverseEventAction, Field(description="What was done about it.")]
    outcome: Annotated[AdverseEventOutcome, Field(description="What became of it.")]
    reporter: Annotated[Reporter, Field(description="Who told of it.")]
    reported_to: Annotated[list[AdverseEventReport], Field(description="Who was told outside of the clinic.")]


class AdverseEvent(AdverseEventVersion):
    """An adverse event as it stands."""

    id: Annotated[UUID, Field(description="Its id, made by whoever wrote it down.")]
    patient_id: Annotated[UUID, Field(description="To whom it happened.")]
    onset_minutes_from_dose: Annotated[
        int | None,
        Field(description="Minutes from the begin of the session's dose; negative before it.", examples=[40]),
    ]
    first_recorded_at: Annotated[Moment, Field(description="When it was first written down: since then it is known.")]
    reporting: Annotated[
        AdverseEventReporting | None, Field(description="By when to report it; null where no time is set by law.")
    ]


class AdverseEventRecord(AdverseEvent):
    """An adverse event with what was said of it before."""

    earlier_versions: Annotated[
        list[AdverseEventVersion], Field(description="What was said before corrections, the oldest first.")
    ]


class AdverseEventPage(Outgoing):
    """Adverse events, the latest onset first."""

    items: Annotated[list[AdverseEvent], Field(description="The adverse events of this page.")]
    next_cursor: Annotated[str | None, Field(description="Ask with it for the next page; null on the last.")]
