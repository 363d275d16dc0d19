"""The events under `webhooks` of the OpenAPI document."""

from typing import Any

from fastapi import FastAPI

from app.events.types import ABOUT, EventType, payload_model, schema_name


def describe_events(app: FastAPI) -> None:
    """Declare every event with the shape in which a subscriber receives it."""
    for event_type, about in ABOUT.items():
        model = payload_model(event_type)

        async def receive(body: Any) -> None:  # noqa: ANN401  a model made from the table
            """Never called: it only describes what we send."""

        receive.__annotations__["body"] = model
        name = schema_name(event_type).removesuffix("Event")
        app.webhooks.add_api_route(
            event_type.value,
            receive,
            methods=["POST"],
            operation_id=f"on{name}",
            name=f"on{name}",
            summary=about.summary,
            description=f"{about.summary} Read the subject at `{_readable(about.address, event_type)}`.",
            tags=["events"],
            status_code=200,
        )


def _readable(address: str, event_type: EventType) -> str:
    subject = event_type.partition(".")[0]
    return address.replace("{subject}", f"{{{subject}_id}}").replace("{patient}", "{patient_id}")
