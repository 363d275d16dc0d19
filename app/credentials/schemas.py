"""Second factors and passkeys, on the wire."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing

OneTimeCode = Annotated[
    str, Field(pattern="^[0-9]{6}$", examples=["492039"], description="Six digits from the authenticator app.")
]


class SecondFactorKind(StrEnum):
    """What a second factor is."""

    ONE_TIME_CODES = "one_time_codes"


class SecondFactor(Outgoing):
    """What an account proves itself with beside its password."""

    id: Annotated[UUID, Field(description="The factor's id, to confirm or remove it with.")]
    kind: SecondFactorKind
    created_at: Annotated[Moment, Field(description="When it was set up.")]
    confirmed_at: Annotated[
        Moment | None, Field(description="When a first right code was shown. Until then it does not count.")
    ]


class SecondFactorPage(Outgoing):
    """The caller's second factors; all of them on one page."""

    items: Annotated[list[SecondFactor], Field(description="The second factors.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class NewSecondFactor(Outgoing):
    """A new seed for an authenticator app, shown this once. It counts once a first code of it was confirmed."""

    id: Annotated[UUID, Field(description="The factor's id, to confirm it with.")]
    secret: Annotated[
        str,
        Field(description="The seed in base32, to type into the app.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]),
    ]
    otpauth_uri: Annotated[
        str,
        Field(
            description="The same as an address that the app takes.",
            examples=["otpauth://totp/Afterglow:nurse%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=Afterglow"],
        ),
    ]
    qr_svg: Annotated[str, Field(description="The address as a QR code, an SVG document for any size.")]


class SecondFactorConfirmationWrite(Incoming):
    """The first code that the authenticator app shows."""

    one_time_code: OneTimeCode


PasskeyAnswer = Annotated[
    dict[str, Any],
    Field(
        examples=[
            {
                "id": "bG9uZy1hbmQtcmFuZG9t",
                "rawId": "bG9uZy1hbmQtcmFuZG9t",
                "type": "public-key",
                "response": {
                    "clientDataJSON": "...",
                    "authenticatorData": "...",
                    "signature": "...",
                    "userHandle": "...",
                },
                "clientExtensionResults": {},
            }
        ],
        description="What the authenticator answered, untouched: `credential.toJSON()` in a browser, "
        "`authenticationResponseJson` or `registrationResponseJson` on Android. WebAuthn, level 3.",
    ),
]


class PasskeyOptions(Outgoing):
    """What to ask the authenticator. The challenge in it counts for 5 minutes, and once."""

    public_key: Annotated[
        dict[str, Any],
        Field(
            examples=[{"rpId": "afterglow.example.org", "challenge": "...", "userVerification": "required"}],
            description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` in a "
            "browser, or as `requestJson` on Android.",
        ),
    ]


class PasskeyWrite(Incoming):
    """A passkey that an authenticator has just made for the caller."""

    credential: PasskeyAnswer
    label: Annotated[
        str,
        Field(min_length=1, max_length=100, examples=["Ada's key"], description="How its owner tells it from others."),
    ]


class PasskeyView(Outgoing):
    """A passkey of the caller."""

    id: Annotated[UUID, Field(description="The passkey's id, to remove it with.")]
    label: Annotated[str, Field(description="How its owner tells it from others.", examples=["Ada's key"])]
    created_at: Annotated[Moment, Field(description="When it was added.")]
    last_used_at: Annotated[Moment | None, Field(description="When it last signed its owner in; null if never.")]


class PasskeyPage(Outgoing):
    """The caller's passkeys, the newest first; all of them on one page."""

    items: Annotated[list[PasskeyView], Field(description="The passkeys.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None
