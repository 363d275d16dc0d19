"""Signing in, on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, SecretStr

from app.core.fields import Moment
from app.core.schemas import Outgoing
from app.identity.permissions import Role

Email = Annotated[
    EmailStr, Field(max_length=254, examples=["sam.rivers@example.org"], description="Address to sign in with.")
]
Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=256, examples=["quiet-harbour-lantern-42"], description="Never logged or returned."),
]
DeviceLabel = Annotated[
    str,
    Field(min_length=1, max_length=100, examples=["Sam's phone"], description="How the person tells it from others."),
]


class Tokens(Outgoing):
    """A signed-in device's tokens (the shape of RFC 6749, section 5.1)."""

    access_token: Annotated[str, Field(description="Send it as `Authorization: Bearer`; it lasts minutes.")]
    refresh_token: Annotated[str, Field(description="Gives the next pair once, at `POST /oauth/token`.")]
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.", examples=[600])]
    token_type: Annotated[Literal["Bearer"], Field(description="How to send the access token.")]


class Profile(Outgoing):
    """Who is signed in, and where."""

    id: Annotated[UUID, Field(description="The caller's membership of the clinic.")]
    role: Role
    display_name: Annotated[str, Field(description="How the clinic calls the caller.", examples=["Sam R."])]
    patient_id: Annotated[UUID | None, Field(description="The caller's own record, if they are a patient.")]
    clinic_id: Annotated[UUID, Field(description="The clinic that this device is signed in to.")]
    clinic_name: Annotated[str, Field(description="Its name.", examples=["Riverside"])]
    clinic_time_zone: Annotated[str, Field(description="IANA name.", examples=["Europe/Berlin"])]
    time_zone: Annotated[str, Field(description="The patient's own zone, or the clinic's.", examples=["Europe/Berlin"])]
    locale: Annotated[str, Field(description="BCP 47.", examples=["en-GB"])]


class DeviceView(Outgoing):
    """A phone or browser that is signed in."""

    id: Annotated[UUID, Field(description="The device's id, to sign it out with.")]
    label: DeviceLabel
    signed_in_at: Annotated[Moment, Field(description="When it was signed in.")]
    last_refreshed_at: Annotated[Moment, Field(description="When it last got new tokens.")]
    current: Annotated[bool, Field(description="Whether it is the one that is asking.")]


class PatientDevice(Outgoing):
    """A phone or browser that a patient is signed in on, as the clinic sees it."""

    id: Annotated[UUID, Field(description="The device's id, to sign it out with.")]
    label: DeviceLabel
    signed_in_at: Annotated[Moment, Field(description="When it was signed in.")]
    last_refreshed_at: Annotated[
        Moment, Field(description="When it last got new tokens.", validation_alias="refreshed_at")
    ]


class PatientDevicePage(Outgoing):
    """All devices that a patient is signed in on, the newest first; all of them on one page."""

    items: Annotated[list[PatientDevice], Field(description="The devices.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class DevicePage(Outgoing):
    """All signed-in devices of the caller, the newest first; all of them on one page."""

    items: Annotated[list[DeviceView], Field(description="The devices.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None
