"""The check of every answer, checked itself: a net with holes catches nothing."""

import json
from typing import Any

import pytest

from tests.answers import PROBLEM, Answers, UndeclaredAnswerError

JSON = {"content-type": "application/json; charset=utf-8"}
REFUSED = {"content-type": PROBLEM}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things/{thing_id}": {
            "get": {
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "304": {"description": "Unchanged."},
                    "404": {"content": {PROBLEM: {"schema": PROBLEM_SCHEMA}}},
                }
            }
        },
        "/things/newest": {"get": {"responses": {"200": {"content": {"text/plain": {}}}}}},
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "at"],
                "properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}},
            },
            "Problem": {"type": "object", "required": ["code"]},
        }
    },
}
THING = {"id": 1, "at": "2026-11-22T18:30:12.000Z"}


@pytest.fixture
def answers() -> Answers:
    return Answers(DOCUMENT)


class TestCheck:
    def test_accepts_what_is_promised(self, answers: Answers) -> None:
        answers.check("GET", "/things/1", 200, JSON, json.dumps(THING).encode())
        answers.check("GET", "/things/1", 304, {}, b"")
        answers.check("GET", "/things/1", 404, REFUSED, b'{"code": "not_found"}')
        answers.check("HEAD", "/things/1", 200, JSON, b"")

    def test_prefers_the_path_without_parameters(self, answers: Answers) -> None:
        answers.check("GET", "/things/newest", 200, {"content-type": "text/plain"}, b"1")

        assert answers.template("/things/newest") == "/things/newest"
        assert answers.template("/things/1") == "/things/{thing_id}"
        assert answers.template("/things/1/parts") is None

    @pytest.mark.parametrize(
        ("status", "headers", "body", "complaint"),
        [
            (201, JSON, json.dumps(THING), "declares only 200, 304, 404"),
            (500, REFUSED, '{"code": "internal_error"}', "declares only"),
            (200, {"content-type": "text/html"}, "<p>", "only application/json is declared"),
            (200, JSON, "", "without a body"),
            (200, JSON, "{", "not JSON"),
            (200, JSON, '{"id": "1", "at": "2026-11-22T18:30:12.000Z"}', "id: "),
            (200, JSON, '{"id": 1, "at": "yesterday"}', "at: "),
            (200, JSON, '{"id": 1}', '"at" is a required property'),
            (404, JSON, '{"detail": "Not Found"}', f"only {PROBLEM} is declared"),
            (404, REFUSED, "{}", '"code" is a required property'),
            (304, JSON, "{}", "only an empty body is declared"),
        ],
    )
    def test_refuses_what_is_not(
        self, answers: Answers, status: int, headers: dict[str, str], body: str, complaint: str
    ) -> None:
        with pytest.raises(UndeclaredAnswerError, match=r"GET /things/1 answered") as refusal:
            answers.check("GET", "/things/1", status, headers, body.encode())

        assert complaint in str(refusal.value)

    @pytest.mark.parametrize(("method", "path"), [("GET", "/elsewhere"), ("DELETE", "/things/1")])
    def test_lets_unknown_addresses_only_be_refused(self, answers: Answers, method: str, path: str) -> None:
        answers.check(method, path, 404, REFUSED, b'{"code": "not_found"}')

        for status, headers, body in ((200, JSON, b"{}"), (404, JSON, b"{}"), (404, REFUSED, b"{}")):
            with pytest.raises(UndeclaredAnswerError):
                answers.check(method, path, status, headers, body)
