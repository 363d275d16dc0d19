"""The two kinds of shapes on the wire. What checks one is built when it is first needed: `routing`."""

from pydantic import BaseModel, ConfigDict


class Incoming(BaseModel):
    """What a caller sends: unknown fields are refused, so that a typing error surfaces at once."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, defer_build=True)


class Outgoing(BaseModel):
    """What we answer: every field is always there, null where there is nothing."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True, defer_build=True)
