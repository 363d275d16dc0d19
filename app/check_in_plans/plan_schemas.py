"""Check-in plans, templates and time zones on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.check_in_plans.plan_items import PlanContent, PlanItem
from app.core.fields import Moment, TimeZoneName
from app.core.schemas import Incoming, Outgoing

Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="Why it changes. The patient reads it.",
        examples=["Evenings suit you better."],
    ),
]
TemplateKey = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_]{1,32}$",
        description="Name of a template. `default` is that of every patient without a plan of their own.",
        examples=["default"],
    ),
]


class CheckInPlanWrite(Incoming):
    """A new version of a patient's plan: either a template of the clinic, or what stands in `content`."""

    template_key: Annotated[TemplateKey | None, Field(description="Follow this template, in its newest version.")] = (
        None
    )
    content: Annotated[PlanContent | None, Field(description="A plan of the patient's own.")] = None
    reason: Reason

    @model_validator(mode="after")
    def _one_of_both(self) -> "CheckInPlanWrite":
        if (self.template_key is None) == (self.content is None):
            raise ValueError("name a template or give a content, and not both")
        return self


class CheckInPlan(Outgoing):
    """What a patient is asked for now."""

    version: Annotated[int, Field(description="Of the patient's own plan; 0 while there is none.")]
    source: Annotated[
        Literal["own", "template", "protocol"],
        Field(
            description="`own`: planned for this patient. `template`: of the clinic. `protocol`: nobody planned "
            "anything, and only the time points of the protocol around each dose are asked for."
        ),
    ]
    template_key: Annotated[str | None, Field(description="The template that is followed.", examples=["default"])]
    template_version: Annotated[int | None, Field(description="The version of it that holds now.")]
    items: Annotated[list[PlanItem], Field(description="What is asked for, and when.")]
    around_doses: Annotated[bool, Field(description="Whether the protocol's time points around doses are asked for.")]
    reason: Annotated[str | None, Field(description="Why this version was made; null without a plan of their own.")]
    made_at: Annotated[Moment | None, Field(description="When this version was made, or the template published.")]
    made_by: Annotated[UUID | None, Field(description="Who made it, a member of staff.")]
    time_zone: Annotated[str, Field(description="The zone whose clock the plan follows.", examples=["Europe/Berlin"])]
    planned_until: Annotated[
        Moment | None, Field(description="So far ahead is planned; null where nothing is asked for by the calendar.")
    ]


class CheckInPlanVersion(Outgoing):
    """One version of a patient's plan, as it was written."""

    version: Annotated[int, Field(description="Counted from 1.")]
    template_key: Annotated[str | None, Field(description="The template that it followed; null for one of its own.")]
    content: Annotated[PlanContent | None, Field(description="What it asked for; null where a template said so.")]
    reason: Annotated[str, Field(description="Why it was made.")]
    made_at: Annotated[Moment, Field(description="When it was made.")]
    made_by: Annotated[UUID | None, Field(description="Who made it, a member of staff.")]


class CheckInPlanHistory(Outgoing):
    """Every version of a patient's plan, the newest first; all on one page."""

    items: Annotated[list[CheckInPlanVersion], Field(description="The versions.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class CheckInTemplateWrite(Incoming):
    """A new version of a template."""

    content: PlanContent
    reason: Annotated[
        str,
        Field(min_length=1, max_length=500, description="Why it changes.", examples=["Twice a day was too much."]),
    ]


class CheckInTemplate(Outgoing):
    """One version of a plan that the clinic gives to its patients."""

    key: Annotated[str, Field(description="Its name.", examples=["default"])]
    version: Annotated[int, Field(description="Counted from 1; patients follow the newest.")]
    content: Annotated[PlanContent, Field(description="What it asks for.")]
    reason: Annotated[str, Field(description="Why this version was made.")]
    made_at: Annotated[Moment, Field(description="When it was published.")]
    made_by: Annotated[UUID | None, Field(description="Who published it.")]


class CheckInTemplatePage(Outgoing):
    """Templates; all on one page."""

    items: Annotated[list[CheckInTemplate], Field(description="The newest version of each, or all versions of one.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class TimeZoneWrite(Incoming):
    """The zone whose clock the patient's plan is to follow from now on."""

    time_zone: TimeZoneName


class TimeZoneChange(Outgoing):
    """One change of a patient's zone."""

    at: Annotated[Moment, Field(description="When it was changed.")]
    from_zone: Annotated[str, Field(description="The zone before.", examples=["Europe/Berlin"])]
    to_zone: Annotated[str, Field(description="The zone afterwards.", examples=["America/New_York"])]
    by_patient: Annotated[bool, Field(description="Whether the patient changed it; else the clinic did.")]


class PatientTimeZone(Outgoing):
    """The zone whose clock a patient's plan follows, and which it followed before."""

    time_zone: Annotated[str, Field(description="The zone now.", examples=["Europe/Berlin"])]
    version: Annotated[int, Field(description="Counts the changes; 1 is the zone from the enrolment.")]
    changes: Annotated[list[TimeZoneChange], Field(description="Every change, the newest first.")]
