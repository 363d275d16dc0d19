"""Safety plans on the wire: six parts, after Stanley and Brown, in words of our own."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing

MOST = 20

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60)]


class SafetyContact(Incoming):
    """Somebody to turn to."""

    name: Name = Field(description="Who it is. Encrypted at rest.", examples=["My sister"])
    phone: Phone | None = Field(None, description="How to reach them; null when the phone knows.", examples=["988"])
    note: Line | None = Field(None, description="What helps to know.", examples=["Call after six."])


Signs = Annotated[
    list[Line],
    Field(max_length=MOST, description="How I notice that it is getting hard.", examples=[["I stop answering."]]),
]
Alone = Annotated[
    list[Line], Field(max_length=MOST, description="What I can do by myself.", examples=[["Walk to the river."]])
]
Places = Annotated[
    list[Line],
    Field(max_length=MOST, description="People and places that take my mind off it.", examples=[["The library"]]),
]
People = Annotated[list[SafetyContact], Field(max_length=MOST, description="People whom I can ask for help.")]
Professionals = Annotated[
    list[SafetyContact], Field(max_length=MOST, description="Professionals and lines that I can call.")
]
Surroundings = Annotated[
    list[Line],
    Field(max_length=MOST, description="How I make my surroundings safer.", examples=[["Ana keeps the tablets."]]),
]


class SafetyPlanWrite(Incoming):
    """A patient's own plan for a crisis. Every part may stay empty, not all of them."""

    warning_signs: Signs = Field(default_factory=list)
    on_my_own: Alone = Field(default_factory=list)
    people_and_places: Places = Field(default_factory=list)
    people_to_ask: People = Field(default_factory=list)
    professionals: Professionals = Field(default_factory=list)
    safer_surroundings: Surroundings = Field(default_factory=list)


class SafetyPlan(Outgoing):
    """One version of a patient's plan for a crisis."""

    version: int = Field(description="Counts the versions from 1; the `ETag` begins with it.", examples=[1])
    warning_signs: Signs
    on_my_own: Alone
    people_and_places: Places
    people_to_ask: People
    professionals: Professionals
    safer_surroundings: Surroundings
    made_at: Moment = Field(description="When the patient wrote this version.")
    co_signed_at: Moment | None = Field(description="When somebody of the care team signed this version; null: nobody.")
    co_signed_by: UUID | None = Field(description="Who signed it.")
    co_signed_by_name: str | None = Field(
        description="Their name; null in `GET /v1/me/changes`.", examples=["Dr Imani Okafor"]
    )


class SafetyPlanRecord(Outgoing):
    """The safety plan as it is."""

    version: int = Field(description="The present version; 0 before there is one.", examples=[1])
    current: SafetyPlan | None = Field(description="The plan; null before there is one.")


class SafetyPlanPage(Outgoing):
    """Versions of a safety plan, the latest first."""

    items: list[SafetyPlan] = Field(description="The versions of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
