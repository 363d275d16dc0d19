"""Endpoints, their secrets and their deliveries on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StrictBool, WithJsonSchema

from app.consents.kinds import RecipientClass
from app.core.fields import Moment, Whole
from app.core.schemas import Incoming, Outgoing
from app.events.types import EventType
from app.webhooks.recipients import EndpointPurpose
from app.webhooks.rules import Outcome, Reason

MOST_PER_SECOND = 1000
MOST_AT_ONCE = 16
LONGEST_OVERLAP_HOURS = 7 * 24

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        examples=["https://ehr.example.org/afterglow"],
        description="Where messages are posted: https, to a public address, port 443 or from 1024 on, without "
        "credentials. It is looked up now and each time that something is sent.",
    ),
]
EventFilter = Annotated[str, Field(min_length=1, max_length=64)]
EventFilters = Annotated[
    list[EventFilter],
    Field(
        min_length=1,
        max_length=100,
        examples=[["check_in.*", "dosing_session.closed"]],
        description="What it wants to hear of: names of events, `noun.*` for all about something, `*` for everything.",
    ),
]
Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_-]{1,64}$",
        examples=["ehr"],
        description="What consent documents call it (`webhook_share:{name}`). It never changes and is never given to "
        "another endpoint.",
    ),
]
OwnerEmail = Annotated[
    EmailStr | None,
    Field(
        max_length=254,
        examples=["integrations@example.org"],
        description="Who is told when it was disabled because nothing arrives. Encrypted at rest.",
    ),
]
PerSecond = Annotated[
    Whole, Field(ge=1, le=MOST_PER_SECOND, examples=[100], description="Messages that it takes in a second.")
]
AtOnce = Annotated[
    Whole, Field(ge=1, le=MOST_AT_ONCE, examples=[4], description="Messages that it takes at the same time.")
]
WhatFor = Annotated[EndpointPurpose, Field(description="What for it is told things; consents are asked about it.")]
EndpointStatus = Annotated[
    Literal["pending", "active", "disabled", "ended"],
    Field(
        description="`pending` until it answers a ping; then `active`, and told what happens; `disabled` by hand or "
        "because nothing arrived; `ended` for good."
    ),
]
DeliveryState = Literal["pending", "sending", "delivered", "failed", "withheld", "parked"]
MessageKind = Annotated[
    Literal["event", "ping", "test"], Field(description="An event, or a ping or a test, which say of nobody anything.")
]
NextCursor = Annotated[str | None, Field(description="Where the next page starts; null on the last.")]
OnlyPage = Annotated[None, Field(description="Always null: this list has one page.")]


class WebhookEndpointChangeWrite(Incoming):
    """What can be changed of an endpoint. All of it is replaced; with another `url` it has to answer a ping again."""

    url: Url
    event_types: EventFilters
    owner_email: OwnerEmail = None
    max_per_second: PerSecond = 100
    max_concurrency: AtOnce = 4


class WebhookEndpointWrite(WebhookEndpointChangeWrite):
    """An endpoint to register. Its address and what it wants to hear of are enough."""

    name: Annotated[Name | None, Field(description="How patients' consents call it; its id if you leave it out.")] = (
        None
    )
    purpose: WhatFor = EndpointPurpose.TREATMENT
    recipient_class: Annotated[
        RecipientClass | None,
        Field(
            description="What the receiver is: `treating_provider` for treatment, `programme_helper` for operations, "
            "`health_plan` or `third_party_payer` for payment, `researcher` for research, `connected_system` for "
            "integration. The first of these if you leave it out."
        ),
    ] = None


class WebhookTestWrite(Incoming):
    """What kind of event to make up."""

    type: Annotated[EventType, Field(description="Name of the event.", examples=["check_in.recorded"])]


class WebhookSecretRotationWrite(Incoming):
    """How long the secrets of before go on signing."""

    keep_old_hours: Annotated[
        Whole,
        Field(
            ge=0,
            le=LONGEST_OVERLAP_HOURS,
            examples=[24],
            description="Hours until the old secrets end; 0 when one leaked: they end now.",
        ),
    ] = 24


class WebhookEnablingWrite(Incoming):
    """What to send once it answers, beside what it was not sent before it was disabled."""

    replay_since: Annotated[
        Moment | None, Field(description="Send what happened from this moment on, as `POST .../replay` does.")
    ] = None


class WebhookReplayWrite(Incoming):
    """What to send again."""

    since: Annotated[Moment, Field(description="From this moment on; as long ago as events are kept.")]
    until: Annotated[Moment | None, Field(description="Before this moment; until now if you leave it out.")] = None
    only_failed: Annotated[
        StrictBool, Field(description="Only what failed or was withheld, and nothing that was delivered or is new.")
    ] = False


class WebhookEndpoint(Outgoing):
    """An address of a system that wants to hear of events."""

    id: Annotated[UUID, Field(description="Id of the endpoint.")]
    name: Name
    url: Url
    event_types: EventFilters
    purpose: WhatFor
    recipient_class: Annotated[RecipientClass, Field(description="What the receiver is.")]
    owner_email: OwnerEmail
    max_per_second: PerSecond
    max_concurrency: AtOnce
    status: EndpointStatus
    disabled_reason: Annotated[
        str | None,
        WithJsonSchema({"anyOf": [{"type": "string", "enum": [each.value for each in Reason]}, {"type": "null"}]}),
        Field(
            description="`by_hand`; `gone`: it answered 410; `failing`: nothing arrived for five days. Null unless "
            "disabled."
        ),
    ]
    disabled_at: Annotated[Moment | None, Field(description="When it was disabled; null unless it is.")]
    last_success_at: Annotated[Moment | None, Field(description="When a message last arrived.")]
    last_failure_at: Annotated[Moment | None, Field(description="When one last did not.")]
    failing_since: Annotated[Moment | None, Field(description="Since when none arrives; null if the last one did.")]
    version: Annotated[int, Field(description="Counts the changes of this endpoint; the `ETag`.", examples=[1])]
    created_at: Annotated[Moment, Field(description="When it was registered.")]
    created_by: Annotated[UUID, Field(description="Who registered it: somebody of the staff, or a program.")]
    ended_at: Annotated[Moment | None, Field(description="When it was ended; null while it lives.")]


class NewWebhookEndpoint(WebhookEndpoint):
    """An endpoint that was just registered, or whose secret was just rotated."""

    secret: Annotated[
        str,
        Field(
            description="What signs its messages from now on (Standard Webhooks). Keep it; it is shown again only on "
            "request, which is noted.",
            examples=["whsec_..."],
        ),
    ]


class WebhookReplay(Outgoing):
    """What came of a replay."""

    queued: Annotated[int, Field(description="Messages that will be sent; those that may not be are not counted.")]
    next_since: Annotated[
        Moment | None,
        Field(description="Where to go on, as `since`, when it was too much at once; null if that is all."),
    ]


class EnabledWebhookEndpoint(WebhookEndpoint):
    """An endpoint that was just enabled."""

    replay: Annotated[WebhookReplay | None, Field(description="What came of `replay_since`; null without it.")]


class WebhookEndpointPage(Outgoing):
    """The endpoints that were not ended, the newest first; all of them on one page."""

    items: Annotated[list[WebhookEndpoint], Field(description="The endpoints.")]
    next_cursor: OnlyPage = None


class WebhookSecret(Outgoing):
    """A secret that signs."""

    secret: Annotated[str, Field(description="The secret.", examples=["whsec_..."])]
    created_at: Annotated[Moment, Field(description="When it was made.")]
    ends_at: Annotated[Moment | None, Field(description="When it stops signing; null for the newest.")]


class WebhookSecretPage(Outgoing):
    """The secrets that sign, the newest first; all of them on one page."""

    items: Annotated[list[WebhookSecret], Field(description="The secrets, in the order of the signatures.")]
    next_cursor: OnlyPage = None


class WebhookDelivery(Outgoing):
    """One message for one endpoint."""

    id: Annotated[UUID, Field(description="Id of the delivery.")]
    endpoint_id: Annotated[UUID, Field(description="The endpoint that it is for.")]
    message_id: Annotated[
        str,
        Field(
            description="Its `webhook-id`, the same however often it is sent.",
            examples=["msg_0199f3d27c1e7b609f3a5d2e8c41a907"],
        ),
    ]
    kind: MessageKind
    type: Annotated[str, Field(description="Name of the event.", examples=["check_in.recorded"])]
    sequence: Annotated[
        int | None,
        Field(
            description="Its number among the events for this endpoint, from 1; null for pings, tests and what was "
            "withheld from the start.",
            examples=[42],
        ),
    ]
    happened_at: Annotated[Moment, Field(description="When it happened.")]
    state: Annotated[
        DeliveryState,
        Field(
            description="`pending`: waits for its time; `sending`: is on its way; `delivered`: was answered with 2xx; "
            "`failed`: was given up; `withheld`: no consent allows it; `parked`: waits for the endpoint to be active."
        ),
    ]
    refusal: Annotated[str | None, Field(description="Why it was withheld; null unless it was.", examples=[None])]
    attempt_count: Annotated[int, Field(description="How often it was tried since it was last queued.", examples=[1])]
    due_at: Annotated[Moment | None, Field(description="When it is tried next; null unless it is `pending`.")]
    created_at: Annotated[Moment, Field(description="When it was first queued.")]
    finished_at: Annotated[Moment | None, Field(description="When it was delivered, given up or withheld.")]


class WebhookDeliveryPage(Outgoing):
    """A page of deliveries, the newest first."""

    items: Annotated[list[WebhookDelivery], Field(description="The deliveries of this page.")]
    next_cursor: NextCursor


class WebhookAttempt(Outgoing):
    """One time that it was tried."""

    at: Annotated[Moment, Field(description="When it was.")]
    milliseconds: Annotated[int, Field(description="How long it took.", examples=[87])]
    outcome: Annotated[
        str,
        WithJsonSchema({"type": "string", "enum": [each.value for each in Outcome]}),
        Field(
            description="`delivered`; `refused` by another status; `gone`: 410; `redirected`, which is not followed; "
            "`timed_out`; `not_connected`; `untrusted`: its certificate; `blocked_address`; `broken_off`; `withheld`: "
            "not sent; `lost`: we stopped in between; `too_late`: not sent, since leave for it had run out."
        ),
    ]
    status: Annotated[int | None, Field(description="Status of the answer; null without one.", examples=[204])]
    answer: Annotated[str | None, Field(description="The first kilobyte of the answer. Encrypted at rest.")]


class WebhookDeliveryRecord(WebhookDelivery):
    """A delivery with everything that was tried."""

    attempts: Annotated[list[WebhookAttempt], Field(description="The attempts in their order, the last 100 of them.")]
    payload: Annotated[
        dict[str, Any] | None,
        Field(
            description="What is or was sent, with the consent of the last attempt; null for what is withheld.",
            examples=[{"type": "check_in.recorded", "timestamp": "2026-11-22T17:30:12.000Z"}],
        ),
    ]
