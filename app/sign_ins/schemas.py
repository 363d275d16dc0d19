"""Signing in, on the wire."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import Incoming
from app.credentials.schemas import OneTimeCode, PasskeyAnswer
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
    """A code of the clinic, and what the person wants to sign in with: a password or a passkey."""

    invitation_code: Annotated[
        str,
        Field(
            min_length=12,
            max_length=40,
            examples=["7Q2M-K9TX-4BVD"],
            description="As it was handed over, letter case, spaces and hyphens do not matter; or what stood behind "
            "the `#` of the QR code.",
        ),
    ]
    email: Email
    password: Annotated[Password | None, Field(description="15 characters or more; null with a passkey.")] = None
    passkey: Annotated[
        PasskeyAnswer | None,
        Field(examples=[None], description="Instead of a password, made with `POST /v1/activations/passkey-options`."),
    ] = None
    device_label: DeviceLabel

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.password is None) == (self.passkey is None):
            raise PydanticCustomError("password_or_passkey", "Send a password or a passkey, one of the two.")
        return self


class ActivationPasskeyOptionsWrite(Incoming):
    """Who the passkey will be for."""

    email: Annotated[Email, Field(description="What the authenticator lists the passkey under. It is not kept.")]


class PasskeySignInWrite(Incoming):
    """What an authenticator answered to the options for signing in."""

    credential: PasskeyAnswer
    device_label: DeviceLabel


class PasskeyConfirmationWrite(Incoming):
    """What an authenticator answered to the options for proving again who one is."""

    credential: PasskeyAnswer
