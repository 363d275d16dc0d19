"""The events under `webhooks` of the OpenAPI document."""

from typing import Any, Final

from fastapi import FastAPI

from app.core.routing import Route
from app.events.types import A_CONSENT, A_NOTICE, A_SUBJECT, ABOUT, EventType, example, payload_model, schema_name

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    "2XX": {"description": "Received. Say so within 15 seconds, and do the work afterwards."},
    "3XX": {"description": "A failure: nobody is sent on to another address."},
    "410": {"description": "The endpoint is gone for good: it is disabled at once, and hears nothing more."},
    "4XX": {
        "description": "A failure. The same is sent again after 5 seconds, 5 minutes, 30 minutes and so on, for three "
        "days in all. `Retry-After` is honoured up to an hour."
    },
    "5XX": {"description": "A failure, which is sent again like any other."},
}


def _header(name: str, meaning: str, sample: str, *, required: bool = True) -> dict[str, Any]:
    about = {"name": name, "in": "header", "required": required, "description": meaning}
    return about | {"schema": {"type": "string"}, "example": sample}


HEADERS: Final = [
    _header(
        "webhook-id",
        "The same whenever this message is sent again: what you have seen already, you can drop.",
        f"msg_{A_SUBJECT.replace('-', '')}",
    ),
    _header(
        "webhook-timestamp",
        "When it was sent, this time: seconds since 1970. Refuse what is more than five minutes old.",
        "1795368612",
    ),
    _header(
        "webhook-signature",
        "Proofs that it came from us (Standard Webhooks), one for each secret that counts, with spaces between. One "
        "that you can verify is enough.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
]
OF_PATIENT: Final = [
    _header(
        "X-Part2-Notice",
        "The notice that travels with what a consent allows to leave; also in the body.",
        A_NOTICE,
        required=False,
    ),
    _header(
        "X-Consent-Id",
        "The consent on the strength of which you are told; also in the body.",
        A_CONSENT,
        required=False,
    ),
]


def describe_events(app: FastAPI) -> None:
    """Declare every event with the shape in which a subscriber receives it."""
    app.webhooks.route_class = Route
    for event_type, about in ABOUT.items():
        name = schema_name(event_type).removesuffix("Event")
        app.webhooks.add_api_route(
            event_type.value,
            _receiver(event_type),
            methods=["POST"],
            operation_id=f"on{name}",
            name=f"on{name}",
            summary=about.summary,
            description=f"{about.summary} Read the subject at `{_readable(about.address, event_type)}`.",
            tags=["webhooks"],
            responses=ANSWERS,
            openapi_extra={"parameters": HEADERS + (OF_PATIENT if about.of_patient else [])},
        )


def complete_events(document: dict[str, Any]) -> None:
    """Say of each event what the framework cannot: an example with its nulls, and that any 2XX will do."""
    for event_type in EventType:
        operation = document["webhooks"][event_type.value]["post"]
        operation["security"] = []
        operation["requestBody"]["content"]["application/json"]["example"] = example(event_type)
        del operation["responses"]["200"]


def _receiver(event_type: EventType) -> Any:  # noqa: ANN401  a function that only FastAPI reads
    async def receive(body: Any) -> None:  # noqa: ANN401  a model made from the table
        """Never called: it only describes what we send."""

    receive.__annotations__["body"] = payload_model(event_type)
    return receive


def _readable(address: str, event_type: EventType) -> str:
    subject = event_type.partition(".")[0]
    return address.replace("{subject}", f"{{{subject}_id}}").replace("{patient}", "{patient_id}")
