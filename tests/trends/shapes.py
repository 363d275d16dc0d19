"""Whether an answer written by hand is what its schema promises."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def differences(body: Any, schema: dict[str, Any], definitions: dict[str, Any], where: str = "") -> Iterator[str]:
    """Fields that are promised and not there, or there and not promised."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = next((one for one in schema["anyOf"] if one.get("type") != "null"), schema)
        yield from differences(body, schema, definitions, where)
    elif isinstance(body, list):
        for item in body:
            yield from differences(item, schema["items"], definitions, f"{where}[]")
    elif isinstance(body, dict):
        properties = schema["properties"]
        yield from (f"{where}.{name} is not promised" for name in sorted(body.keys() - properties.keys()))
        yield from (f"{where}.{name} is missing" for name in sorted(set(schema["required"]) - body.keys()))
        for name in body.keys() & properties.keys():
            yield from differences(body[name], properties[name], definitions, f"{where}.{name}")


def kept(body: Any, model: type[BaseModel]) -> list[str]:
    """What differs between an answer and its schema."""
    schema = model.model_json_schema(mode="serialization")
    return sorted(set(differences(body, schema, schema["$defs"])))
