"""Identities at an outside issuer, on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing

Subject = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        examples=["2f9c1a7e-30b4-4c55-8a31-7d6f5b0c9e42"],
        description="Who it is there: the `sub` of the issuer's tokens, letter by letter. Encrypted at rest.",
    ),
]


class ExternalIdentityWrite(Incoming):
    """Who a member of staff is at the outside issuer."""

    subject: Subject


class ExternalIdentity(Outgoing):
    """Who a member of staff is at an outside issuer."""

    issuer: Annotated[
        str, Field(examples=["https://login.example.org"], description="The issuer, as in the `iss` of its tokens.")
    ]
    subject: Subject
    linked_at: Annotated[Moment, Field(description="Since when.")]
    linked_by: Annotated[UUID, Field(description="Which member of staff said so.")]
