"""Clients on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.api_clients.rules import LONGEST_OVERLAP_HOURS, Authentication, Relationship
from app.core.fields import Moment, ShortText, Whole
from app.core.schemas import Incoming, Outgoing
from app.identity.permissions import Permission

Name = Annotated[
    ShortText,
    Field(max_length=100, examples=["Practice software"], description="How the clinic and the audit call the client."),
]
Scopes = Annotated[
    list[Permission],
    Field(
        min_length=1,
        max_length=len(Permission),
        examples=[["patients:read", "appointments:read"]],
        description="The permissions that the client has at most. A public client also needs the user to have them.",
    ),
]
RedirectUri = Annotated[str, Field(min_length=1, max_length=2000)]
RedirectUris = Annotated[
    list[RedirectUri],
    Field(
        max_length=10,
        examples=[[]],
        description="Public clients: where people come back to after signing in. Compared character by character.",
    ),
]
KeyText = Annotated[str, Field(min_length=1, max_length=1000)]
Kid = Annotated[
    str, Field(min_length=1, max_length=200, examples=["2026-11"], description="Name of the key, which each JWT tells.")
]
KeyType = Annotated[Literal["EC", "RSA", "OKP"], Field(description="Kind of the key (RFC 7517).", examples=["EC"])]
CLIENT_ID = "The client's id: `client_id` at `POST /oauth/token`, and the actor in the audit."
CLIENT_SECRET = "The secret, this once. It is not kept; if it is lost, rotate it."  # noqa: S105  a description


class PublicKeyWrite(Incoming):
    """A public key (RFC 7517). A private part is refused."""

    kty: KeyType
    kid: Kid
    use: Annotated[Literal["sig"] | None, Field(description="What it is for, if it says so.")] = None
    key_ops: Annotated[
        list[Literal["verify"]] | None, Field(max_length=1, description="What it can do, if it says so.")
    ] = None
    alg: Annotated[KeyText | None, Field(description="The only way of signing that it is for, if it says so.")] = None
    crv: Annotated[KeyText | None, Field(description="EC and OKP: the curve.", examples=["P-256"])] = None
    x: Annotated[
        KeyText | None,
        Field(
            description="EC and OKP: the first coordinate, in base64url.",
            examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"],
        ),
    ] = None
    y: Annotated[
        KeyText | None,
        Field(
            description="EC: the second coordinate, in base64url.",
            examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
        ),
    ] = None
    n: Annotated[KeyText | None, Field(description="RSA: the modulus, in base64url; 2048 to 4096 bits.")] = None
    e: Annotated[KeyText | None, Field(description="RSA: the exponent, in base64url.")] = None


class KeySetWrite(Incoming):
    """A client's public keys (RFC 7517, section 5). They are kept here: nothing is fetched."""

    keys: Annotated[list[PublicKeyWrite], Field(max_length=10, description="The keys; each `kid` once.")]


Jwks = Annotated[
    KeySetWrite | None, Field(description="`private_key_jwt`: the client's public keys; null for the others.")
]


class ApiClientChangeWrite(Incoming):
    """What can be changed of a client. All of it is replaced."""

    name: Name
    scopes: Scopes
    redirect_uris: RedirectUris = Field(default_factory=list)
    jwks: Jwks = None


class ApiClientWrite(ApiClientChangeWrite):
    """A client to register."""

    authentication: Annotated[
        Authentication,
        Field(
            description="`client_secret` and `private_key_jwt` for programs that run on a server; `none` for apps on "
            "people's devices and in browsers, which people sign in to."
        ),
    ]
    relationship: Annotated[
        Relationship,
        Field(
            description="`clinic_system` works for the clinic under its agreement. `outside_recipient` works for "
            "somebody else: it gets no permission on patients' records, only what is disclosed to it by a consent."
        ),
    ]


class SecretRotationWrite(Incoming):
    """How long the secret of before goes on counting."""

    keep_old_hours: Annotated[
        Whole,
        Field(
            ge=0,
            le=LONGEST_OVERLAP_HOURS,
            examples=[24],
            description="Hours until the old secret ends; 0 when it leaked: it ends now, with all tokens.",
        ),
    ] = 24


class PublicKey(Outgoing):
    """A public key that a client registered."""

    kty: KeyType
    kid: Kid
    use: Annotated[str | None, Field(description="What it is for, if it said so.")] = None
    key_ops: Annotated[list[str] | None, Field(description="What it can do, if it said so.")] = None
    alg: Annotated[str | None, Field(description="The only way of signing that it is for, if it said so.")] = None
    crv: Annotated[str | None, Field(description="EC and OKP: the curve.")] = None
    x: Annotated[str | None, Field(description="EC and OKP: the first coordinate, in base64url.")] = None
    y: Annotated[str | None, Field(description="EC: the second coordinate, in base64url.")] = None
    n: Annotated[str | None, Field(description="RSA: the modulus, in base64url.")] = None
    e: Annotated[str | None, Field(description="RSA: the exponent, in base64url.")] = None


class KeySet(Outgoing):
    """A client's public keys."""

    keys: Annotated[list[PublicKey], Field(description="The keys.")]


class ApiClientSecret(Outgoing):
    """A secret that counts, without the secret itself."""

    id: Annotated[UUID, Field(description="Its id, to end it by.")]
    last_characters: Annotated[str, Field(description="Its last four characters, to tell it by.", examples=["x7Qk"])]
    created_at: Annotated[Moment, Field(description="When it was made.")]
    ends_at: Annotated[Moment | None, Field(description="When it stops counting; null if that is not planned.")]
    last_used_at: Annotated[Moment | None, Field(description="When a token was last got with it, to the hour.")]


class ApiClientSummary(Outgoing):
    """A line of the list of clients."""

    client_id: Annotated[UUID, Field(description=CLIENT_ID)]
    name: Name
    authentication: Authentication
    relationship: Relationship
    scopes: Scopes
    created_at: Annotated[Moment, Field(description="When it was registered.")]


class ApiClient(ApiClientSummary):
    """A registered client."""

    redirect_uris: RedirectUris
    jwks: Annotated[KeySet | None, Field(description="Its public keys, if it signs assertions.")]
    secrets: Annotated[list[ApiClientSecret], Field(description="Its secrets that count, the newest first.")]
    version: Annotated[int, Field(description="Counts the changes of this client; the `ETag`.", examples=[1])]
    ended_at: Annotated[Moment | None, Field(description="When it was ended; null while it may be used.")]


class NewApiClient(ApiClient):
    """A client that was just registered, or whose secret was just rotated."""

    client_secret: Annotated[
        str | None,
        Field(
            description=f"{CLIENT_SECRET} Null for clients without one.",
            examples=["agl_cs_..."],
        ),
    ]


class ApiClientPage(Outgoing):
    """All clients of the clinic that may be used, the newest first; all of them on one page."""

    items: Annotated[list[ApiClientSummary], Field(description="The clients.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class ServiceToken(Outgoing):
    """A program's token (RFC 6749, section 4.4.3). There is nothing to refresh: ask for another when it is over."""

    access_token: Annotated[str, Field(description="Send it as `Authorization: Bearer`; it lasts five minutes.")]
    expires_in: Annotated[int, Field(description="Seconds until it expires.", examples=[300])]
    token_type: Annotated[Literal["Bearer"], Field(description="How to send it.")]
    scope: Annotated[str, Field(description="The permissions that it carries.", examples=["patients:read"])]
