"""Signing in, on the wire."""

from typing import Annotated

from pydantic import Field

from app.core.schemas import Incoming
from app.credentials.schemas import OneTimeCode
from app.identity.schemas import DeviceLabel, Email, Password


class SignInWrite(Incoming):
    """Address and password, and the one-time code where the account has one."""

    email: Email
    password: Password
    device_label: DeviceLabel
    one_time_code: Annotated[
        OneTimeCode | None, Field(examples=[None], description="For accounts that have one-time codes.")
    ] = None


class ConfirmationWrite(Incoming):
    """Proof that the caller is still the owner of the device."""

    password: Annotated[
        Password | None,
        Field(description="Needed where the account has no second factor; checked wherever it is sent."),
    ] = None
    one_time_code: Annotated[OneTimeCode | None, Field(description="Needed where the account has one-time codes.")] = (
        None
    )


class ActivationWrite(Incoming):
    """An invitation code, and what the person wants to sign in with."""

    invitation_code: Annotated[
        str,
        Field(
            min_length=12,
            max_length=20,
            examples=["7Q2M-K9TX-4BVD"],
            description="As it was handed over; letter case, spaces and hyphens do not matter.",
        ),
    ]
    email: Email
    password: Annotated[Password, Field(description="15 characters or more.")]
    device_label: DeviceLabel
