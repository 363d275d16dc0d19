"""Checks every answer that the suite receives against the OpenAPI document of the application that gave it.

The status must be declared for the operation, the media type for the status, and the body must be valid: so the
document cannot say one thing and the service another, and no test has to remember to look.
"""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx2
import jsonschema_rs

DOCUMENT = "urn:afterglow:openapi"
PROBLEM = "application/problem+json"
BODYLESS = frozenset({204, 304})
PAGES = re.compile(
    r"/(docs|redoc|openapi\.json|problems|metrics|calendars|favicon|oauth/authorize|oauth/page|activate"
    r"|\.well-known/assetlinks|\.well-known/apple-app-site-association)\b"
)  # not operations of the document
HTTP_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


class UndeclaredAnswerError(AssertionError):
    """The service answered something that its document does not promise."""


class Answers:
    """What one application's document promises."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, Any] = {}
        templates = sorted(document["paths"], key=lambda path: [part.startswith("{") for part in path.split("/")])
        self._paths = [(re.compile(re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(path))), path) for path in templates]

    @cached_property
    def _registry(self) -> Any:
        return jsonschema_rs.Registry([(DOCUMENT, self._document)], draft=jsonschema_rs.Draft202012)

    def template(self, path: str) -> str | None:
        """The path as the document writes it; None for an address that the document does not have."""
        return next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `UndeclaredAnswerError` when this answer was not promised."""
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        said = f"{method} {path} answered {status} {media_type or '(no media type)'}"
        template = self.template(path)
        if template is None:
            if not PAGES.match(path):
                self._check_problem(said, status, media_type, body)
            return
        item = self._document["paths"][template]
        operation = item.get(method.lower()) or (item.get("get") if method == "HEAD" else None)
        if operation is None:
            self._check_problem(said, status, media_type, body)
            return
        declared = operation["responses"]
        key = next((key for key in (str(status), f"{status // 100}XX", "default") if key in declared), None)
        if key is None:
            msg = f"{said}, but {template} declares only {', '.join(declared)}"
            raise UndeclaredAnswerError(msg)
        where = f"/paths/{_escaped(template)}/{method.lower()}/responses/{key}"
        if body:
            self._check_content(said, where, declared[key].get("content", {}), media_type, body)
        elif declared[key].get("content") and method != "HEAD" and status not in BODYLESS:
            msg = f"{said} without a body, but one is declared"
            raise UndeclaredAnswerError(msg)

    def _check_content(self, said: str, where: str, content: dict[str, Any], media_type: str, body: bytes) -> None:
        if media_type not in content:
            msg = f"{said}, but only {', '.join(content) or 'an empty body'} is declared"
            raise UndeclaredAnswerError(msg)
        if "schema" in content[media_type] and media_type.endswith("json"):
            self._validate(said, f"{where}/content/{_escaped(media_type)}/schema", body)

    def _check_problem(self, said: str, status: int, media_type: str, body: bytes) -> None:
        """An address or method outside the document can only be refused, and in the shape of every error."""
        if status < httpx2.codes.BAD_REQUEST or media_type != PROBLEM:
            msg = f"{said}, but the document has no such operation"
            raise UndeclaredAnswerError(msg)
        if body:
            self._validate(said, "/components/schemas/Problem", body)

    def _validate(self, said: str, pointer: str, body: bytes) -> None:
        validator = self._validators.get(pointer)
        if validator is None:
            validator = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{DOCUMENT}#{pointer}"}, registry=self._registry, validate_formats=True
            )
            self._validators[pointer] = validator
        try:
            value = json.loads(body)
        except ValueError as error:
            msg = f"{said} with a body that is not JSON"
            raise UndeclaredAnswerError(msg) from error
        faults = [
            f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in validator.iter_errors(value)
        ]
        if faults:
            msg = f"{said} with a body that breaks its schema:\n" + "\n".join(faults[:5])
            raise UndeclaredAnswerError(msg)


def _escaped(part: str) -> str:
    """One step of a JSON pointer, inside a URI fragment."""
    pointer = part.replace("~", "~0").replace("/", "~1")
    return pointer.replace("{", "%7B").replace("}", "%7D").replace("+", "%2B")
