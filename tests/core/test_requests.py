"""Hostile bodies through the front door: always a problem document, never a 5xx, never what was sent."""

import json
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_ins.models import CheckIn, QuarantinedSubmission
from app.core.db import Database
from app.core.errors import MalformedJson
from app.core.requests import MAX_DEPTH, is_json, strict_json
from tests.cast import Cast
from tests.core.conftest import CANARY
from tests.factories import a_report, an_id

PROBLEM = "application/problem+json"


def report_with(**raw: str) -> bytes:
    """A good report as JSON text, with some members replaced by raw text."""
    members = {name: json.dumps(value) for name, value in a_report().items()} | {"note": f'"{CANARY}"'} | raw
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}").encode()


def answers(raw: str) -> str:
    return '[{"instrument": "mood_nrs", "version": "1", "answers": ' + raw + "}]"


NOT_STRICT_JSON = {
    "nothing but spaces": b"   ",
    "broken off": b'{"note": "' + CANARY.encode(),
    "two values": report_with() + b"{}",
    "a comment": b"// " + CANARY.encode() + b"\n{}",
    "a trailing comma": b'{"note": "' + CANARY.encode() + b'",}',
    "single quotes": b"{'note': '" + CANARY.encode() + b"'}",
    "NaN": report_with(responses=answers('{"now": NaN}')),
    "Infinity": report_with(responses=answers('{"now": Infinity}')),
    "minus Infinity": report_with(responses=answers('{"now": -Infinity}')),
    "a number too large for a float": report_with(responses=answers('{"now": 1e400}')),
    "a whole number of 5,000 digits": report_with(responses=answers('{"now": ' + "9" * 5000 + "}")),
    "a whole number of 20 digits": report_with(responses=answers('{"now": ' + "9" * 20 + "}")),
    "half a surrogate pair as a value": report_with(note=f'"{CANARY}\\ud800"'),
    "half a surrogate pair as a key": report_with(responses=answers('{"\\udfff": 1}')),
    "halves in the wrong order": report_with(note=f'"{CANARY}\\udc00\\ud800"'),
    "NUL as a value": report_with(note=f'"{CANARY}\\u0000"'),
    "NUL as a key": report_with(responses=answers('{"\\u0000": 1}')),
    "a raw control character": report_with(note=f'"{CANARY}\x01"'),
    "the same key twice": report_with()[:-1] + f', "note": "{CANARY} again"}}'.encode(),
    "the same key twice, further in": report_with(responses=answers('{"now": 1, "now": 9}')),
    "the same key twice, once escaped": report_with(responses=answers('{"now": 1, "n\\u006fw": 9}')),
    "bytes that are not UTF-8": report_with().replace(b"CANARY", b"CANARY\xff\xfe"),
    "overlong UTF-8": report_with().replace(b"CANARY", b"CANARY\xc0\x80"),
    "a surrogate written in UTF-8": report_with().replace(b"CANARY", b"CANARY\xed\xa0\x80"),
    "UTF-16": report_with().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + report_with(),
    "500 lists in each other": report_with(responses="[" * 500 + "]" * 500),
    "500 objects in each other": report_with(responses='{"a":' * 500 + "1" + "}" * 500),
    "100,000 open brackets": b"[" * 100_000,
    "100,000 brackets": b"[" * 100_000 + b"]" * 100_000,
}

AGAINST_A_RULE: dict[str, tuple[bytes, str]] = {
    "null": (b"null", ""),
    "a list": (b"[]", ""),
    "a text": (f'"{CANARY}"'.encode(), ""),
    "a number": (b"7", ""),
    "a number as a date": (report_with(recorded_at="1790000000"), "/recorded_at"),
    "a number in a text as a date": (report_with(recorded_at='"1790000000"'), "/recorded_at"),
    "a fraction as a date": (report_with(recorded_at="1790000000.5"), "/recorded_at"),
    "a day as a date": (report_with(recorded_at='"2026-11-22"'), "/recorded_at"),
    "a time without an offset": (report_with(recorded_at='"2026-11-22T10:00:00"'), "/recorded_at"),
    "a thirteenth month": (report_with(recorded_at='"2026-13-01T10:00:00Z"'), "/recorded_at"),
    "an hour 25": (report_with(recorded_at='"2026-11-22T25:00:00Z"'), "/recorded_at"),
    "an offset of a day": (report_with(recorded_at='"2026-11-22T10:00:00+24:00"'), "/recorded_at"),
    "a week date": (report_with(recorded_at='"2026-W47-7T10:00:00Z"'), "/recorded_at"),
    "the year 1": (report_with(recorded_at='"0001-01-01T00:00:00Z"'), "/recorded_at"),
    "the year 9999": (report_with(recorded_at='"9999-12-31T23:59:59Z"'), "/recorded_at"),
    "digits of another script": (report_with(recorded_at='"٢٠٢٦-11-22T10:00:00Z"'), "/recorded_at"),
    "false as an answer": (report_with(responses=answers('{"now": false}')), "/responses/0/answers/now"),
    "a text as an answer": (report_with(responses=answers('{"now": "4"}')), "/responses/0/answers/now"),
    "4.0 as an answer": (report_with(responses=answers('{"now": 4.0}')), "/responses/0/answers/now"),
    "a huge answer": (report_with(responses=answers('{"now": 9223372036854775807}')), "/responses/0/answers/now"),
    "a path as a zone": (report_with(time_zone='"../../etc/passwd"'), "/time_zone"),
    "a directory as a zone": (report_with(time_zone='"Europe"'), "/time_zone"),
    "a zone in another case": (report_with(time_zone='"europe/berlin"'), "/time_zone"),
    "an unknown field": (report_with(no_such_field=f'"{CANARY}"'), "/no_such_field"),
    "an unknown field that is somebody's words": (report_with(**{f"{CANARY} ~/": "1"}), ""),
    "a very long unknown field": (report_with(**{CANARY * 1000: "1"}), ""),
    "a note of 4,001 characters": (report_with(note=json.dumps(CANARY + "x" * 4001)), "/note"),
    "21 responses": (report_with(responses=json.dumps([a_report()["responses"][1]] * 21)), "/responses"),
}


def assert_problem(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """A problem document with a code and a request id, and nothing of what was sent."""
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["code"]
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "CANARY" not in answer.text
    return problem


async def nothing_stored(db: Database) -> bool:
    counts = [
        await db.scalar(sa.select(sa.func.count()).select_from(model)) for model in (CheckIn, QuarantinedSubmission)
    ]
    return counts == [0, 0]


class TestStrictBody:
    @pytest.mark.parametrize("body", NOT_STRICT_JSON.values(), ids=NOT_STRICT_JSON)
    async def test_what_is_not_strict_json_is_refused(
        self, as_patient: httpx2.AsyncClient, db: Database, body: bytes
    ) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=body, headers={"content-type": "application/json"}
        )

        assert assert_problem(answer, 400)["code"] == "malformed_json"
        assert await nothing_stored(db)

    @pytest.mark.parametrize(("body", "pointer"), AGAINST_A_RULE.values(), ids=AGAINST_A_RULE)
    async def test_what_breaks_a_rule_is_pointed_at(
        self, as_patient: httpx2.AsyncClient, db: Database, body: bytes, pointer: str
    ) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=body, headers={"content-type": "application/json"}
        )

        faults = assert_problem(answer, 422)["errors"]
        assert faults
        assert faults[0]["pointer"] == pointer
        assert await nothing_stored(db)

    async def test_a_missing_body_is_pointed_at(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}")

        assert assert_problem(answer, 422)["errors"][0]["code"] == "missing"

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "json",
        ],
    )
    async def test_a_body_of_another_kind_is_refused(self, as_patient: httpx2.AsyncClient, content_type: str) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=report_with(), headers={"content-type": content_type}
        )

        assert assert_problem(answer, 415)["code"] == "unsupported_media_type"

    @pytest.mark.parametrize(
        "content_type", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/merge-patch+json"]
    )
    async def test_json_by_any_name_is_taken(self, as_patient: httpx2.AsyncClient, content_type: str) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=report_with(), headers={"content-type": content_type}
        )

        assert answer.status_code == 201

    async def test_emoji_and_escaped_pairs_are_kept_as_they_are(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}",
            content=report_with(note='"after group 🙂 \\ud83d\\ude42 Ünï"'),
            headers={"content-type": "application/json"},
        )

        assert answer.status_code == 201
        assert answer.json()["note"] == "after group 🙂 🙂 Ünï"

    async def test_a_batch_is_read_as_strictly(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        item = report_with(id=f'"{an_id()}"', note=f'"{CANARY}\\u0000"').decode()

        answer = await as_patient.post(
            "/v1/me/check-ins/batch",
            content=f'{{"check_ins": [{item}]}}'.encode(),
            headers={"content-type": "application/json"},
        )

        assert assert_problem(answer, 400)["code"] == "malformed_json"
        assert await nothing_stored(db)

    @pytest.mark.parametrize("item", ["7", "null", '"x"', "[]", "{}", '{"id": 7}', '{"id": null}', '{"id": [[]]}'])
    async def test_an_item_of_a_batch_that_is_no_report_goes_to_quarantine(
        self, as_patient: httpx2.AsyncClient, cast: Cast, item: str
    ) -> None:
        answer = await as_patient.post(
            "/v1/me/check-ins/batch",
            content=f'{{"check_ins": [{item}]}}'.encode(),
            headers={"content-type": "application/json"},
        )

        assert answer.status_code == 200
        (result,) = answer.json()["results"]
        assert (result["id"], result["outcome"]) == (None, "invalid")


class TestStrictJson:
    def test_allows_what_is_exactly_as_deep_as_allowed(self) -> None:
        assert strict_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)

    def test_refuses_one_level_more(self) -> None:
        with pytest.raises(MalformedJson):
            strict_json(b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1))

    def test_reads_wide_bodies(self) -> None:
        assert len(strict_json(json.dumps([{"a": [number]} for number in range(1000)]).encode())) == 1000

    @pytest.mark.parametrize("text", ["9223372036854775807", "-9007199254740991", "0", "-0", "1e3", "0.1"])
    def test_reads_ordinary_numbers(self, text: str) -> None:
        assert strict_json(text.encode()) == json.loads(text)


class TestIsJson:
    @pytest.mark.parametrize("name", ["application/json", " Application/JSON ;charset=x", "application/fhir+json"])
    def test_knows_json(self, name: str) -> None:
        assert is_json(name)

    @pytest.mark.parametrize("name", ["", "text/json", "application/jsonp", "json", "image/x+json"])
    def test_knows_what_is_not(self, name: str) -> None:
        assert not is_json(name)
