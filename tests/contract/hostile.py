"""What the world sends that means no good, made for any operation of the OpenAPI document.

Everything that is text holds the mark, so that an answer or a log line that repeats what was sent is found.
"""

import base64
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from zlib import crc32

MARK = "Hostile-5b1f0c"
MOST_OF_A_KIND = 16
DEEPEST = 6
JSON = "application/json"
AN_ID = "0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907"
EVERYBODY = "ffffffff-ffff-ffff-ffff-ffffffffffff"
Wave = Iterator["Shot"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: where it departs from an ordinary one."""

    what: str
    path: dict[str, str] = field(default_factory=dict)
    query: str = ""
    headers: dict[str, str | bytes] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str | None = None


def _deep(opening: str, closing: str, levels: int) -> bytes:
    return (opening * levels + closing * levels).encode()


BODIES: list[bytes] = [
    b"", b" ", b"{", b"[]", b"null", b"true", b"0", f'"{MARK}"'.encode(), b"{]", b"{'a': 1}", b'{"a": 1,}', b"{}{}",
    b"NaN", b"-Infinity", b'{"a": NaN}', b'{"a": 1e400}', b'{"a": -1e400}', b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 0.' + b"1" * 5000 + b"}", b'{"a": 1, "a": 2}', f'{{"{MARK}": "\\ud800"}}'.encode(),
    f'{{"\\udfff{MARK}": 1}}'.encode(), f'{{"{MARK}": "\\u0000"}}'.encode(), b'{"a": "\0"}', b"\0" * 100,
    b'{"a": "\xff\xfe"}', b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", '{"a": "b"}'.encode("utf-16"),
    '{"a": "b"}'.encode("utf-32"), _deep("[", "]", 100), _deep("[", "]", 100_000), _deep('{"a":', "}", 20_000),
    b'{"a": [' + b"{}," * 50_000 + b"{}]}", b'{"a": "' + b"x" * 900_000 + b'"}',
    json.dumps({f"{MARK}{n}": n for n in range(5000)}).encode(), b"// " + MARK.encode() + b"\n{}",
    f"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;{MARK}</a>".encode(),
    f"a={MARK}&a[]=1&%00=%ff".encode(), b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
]  # fmt: skip
CONTENT_TYPES: list[str | None] = [
    None, "", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300, "application/json; charset=utf-16", ";;;", "application/" + MARK,
    "application/json, text/plain", "json", "application/x-www-form-urlencoded; charset=" + MARK,
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 1.5, -0.0, 1e308, 2**31, 2**63 - 1, "", " ", MARK, f"\u202e{MARK}\u200d\U0001f469",
    f"' OR 1=1 --{MARK}",
    f"'; DROP TABLE patients; --{MARK}", f"../../../etc/passwd\n{MARK}", f"<script>alert('{MARK}')</script>",
    f"{{{{7*7}}}}${{{MARK}}}%s%n%x", f"\x01\x1b[31m{MARK}\r\nSet-Cookie: a=b", MARK * 400, "a" * 200_000,
    "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+14:00", "1790000000", "NaN",
    AN_ID, EVERYBODY, f"{AN_ID}\n", [], {}, [[]], [None], [MARK] * 300, {"$gt": ""}, {"__proto__": {"admin": MARK}},
    {"constructor": {"prototype": {MARK: 1}}}, {MARK: MARK}, [{MARK: [MARK]}],
]  # fmt: skip
FIELDS: list[str] = [
    "__proto__", "constructor", "id", "clinic_id", "patient_id", "role", "status", "version", "is_admin", "$where", "",
    f"{MARK} and what they said", f"~/{MARK}", "a" * 10_000, "\u202e", "__class__",
]  # fmt: skip
SEGMENTS: list[str] = [
    MARK, "0", "-1", "null", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "%2e%2e%2f", "..%5c", "%00", f"{AN_ID}%00",
    f"{AN_ID}%0a", f"{{{AN_ID}}}", f"urn:uuid:{AN_ID}", AN_ID.upper(), AN_ID.replace("-", ""), EVERYBODY,
    "00000000-0000-0000-0000-000000000000", "%ff%fe", "%ed%a0%80", "%f0%9f%92%a9", quote(f"' OR 1=1 --{MARK}"),
    "%25s%25n", ";a=b", "a" * 5000, f"{AN_ID}%2f{AN_ID}", "%252e%252e%252f", "*", "%7b%7d", f"<{MARK}>", "%0d%0aX:%20y",
]  # fmt: skip
WORDS: list[str] = [
    "", MARK, "-1", "0", "1", "99999999999999999999999", "1e5", "1.5", "NaN", "null", "%00", "%ff", "%ed%a0%80", "[]",
    "2026-13-45T00:00:00Z", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "2026-11-22", "true",
    quote(f"' OR 1=1 --{MARK}"), "x" * 5000, AN_ID, EVERYBODY, "%0d%0aSet-Cookie:%20a=b", "craving", "+", "%2b" * 50,
]  # fmt: skip
_FORGED = base64.urlsafe_b64encode(b"\0" * 12 + b'[{"t": "2026"}, {"u": "x"}]').decode().rstrip("=")
CURSORS: list[str] = [_FORGED, "AAAA", "=", "====", "e30", "%2e%2e", base64.b64encode(MARK.encode() * 30).decode(), "é"]
TAGS: list[str | bytes] = [
    "*", '"1"', '"1", "2"', 'W/"1"', "1", '"', '""', '"-1"', '"99999999999999999999999999"', f'"{MARK}"', '"1.5"',
    '"\xb2"'.encode("latin-1"), b'"\xff\xfe"', '"' * 4000, "," * 2000, '"1e3"', '"0x1"', '" 1"', '"+1"', '"1_0"',
]  # fmt: skip
_NONE = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
AUTHORIZATIONS: list[str | bytes] = [
    "", "Bearer", "Bearer ", f"Bearer {MARK}", "Bearer a b c", f"Basic {MARK}", "Basic " + "x" * 5000, "Digest x",
    f"Bearer {_NONE}.{_NONE}.", "Bearer agl_at_", "Bearer agl_at_" + "A" * 60, "Bearer agl_rt_" + "A" * 60,
    b"Bearer \xff\xfe", "Bearer agl_at_" + "é", "bearer\tx", "Bearer null", "Bearer " + "x" * 20_000, ", , ,",
    "Basic " + base64.b64encode(f"{MARK}:{MARK}".encode()).decode(), "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    "Basic Og==", "Basic =", "DPoP x, Bearer y",
]  # fmt: skip
HEADERS: list[dict[str, str | bytes]] = [
    {"X-HTTP-Method-Override": "DELETE"}, {"X-Forwarded-For": MARK}, {"X-Forwarded-Host": f"{MARK}.example"},
    {"Accept": MARK}, {"Accept": "application/xml;q=NaN"}, {"Accept-Encoding": "gzip;q=x, " + MARK},
    {"Accept-Encoding": "*;q=0"}, {"Accept-Language": "x" * 3000}, {"Range": "bytes=0-0,-1,5-2"},
    {"Cookie": f"session={MARK}; __Host-x=" + "y" * 3000}, {"Origin": f"https://{MARK}.example"}, {"Host": f"{MARK}:x"},
    {"X-Request-Id": f"{MARK}\t"}, {"Idempotency-Key": MARK * 100}, {"If-Modified-Since": MARK}, {"Expect": MARK},
    {"X-Clinic-Id": EVERYBODY, "X-Patient-Id": AN_ID}, {"Content-Encoding": "gzip"}, {"DPoP": MARK},
    {b"x-odd".decode(): b"\xff\x80"}, {"Traceparent": f"00-{MARK}"}, {"Forwarded": f"for={MARK};proto=https"},
]  # fmt: skip


class Range:
    """Every hostile request to one operation."""

    def __init__(self, document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self.path, self.method, self.operation = path, method, operation
        self.segments = re.findall(r"\{([a-z_]+)\}", path)
        self.queries = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        content = operation.get("requestBody", {}).get("content", {})
        self.content_type = next(iter(content), None)
        self.example = self._example(content[self.content_type]["schema"]) if self.content_type else None

    def shots(self) -> list[Shot]:
        """All of them, the ordinary one first, in an order that any part of them has some of each kind."""
        waves = [
            self._some(wave)
            for wave in (
                self._addresses(), self._questions(), self._tags(), self._headers(), self._bodies(), self._fields()
            )
        ]  # fmt: skip
        ordinary = Shot("nothing hostile", **self._encoded(self.example))
        mixed = (shot for row in itertools.zip_longest(*waves) for shot in row if shot is not None)
        return [ordinary, *mixed]

    def _some(self, wave: Wave) -> list[Shot]:
        """A part of a long wave, another one for each operation, so that all operations together get all of it."""
        shots = list(wave)
        step = -(-len(shots) // MOST_OF_A_KIND)
        return shots[crc32(f"{self.method} {self.path}".encode()) % step :: step] if step else []

    def strangers(self) -> list[Shot]:
        """The same with what cannot be a token."""
        ordinary = self._encoded(self.example)
        return [
            Shot(f"Authorization {told!r:.60}", headers={"Authorization": told}, **ordinary) for told in AUTHORIZATIONS
        ]

    def _addresses(self) -> Wave:
        for name, value in itertools.product(self.segments, SEGMENTS):
            yield Shot(f"{name} is {value:.60}", path={name: value}, **self._encoded(self.example))

    def _questions(self) -> Wave:
        for name in self.queries:
            for value in (*WORDS, *(CURSORS if name == "cursor" else ())):
                yield Shot(f"?{name}={value:.60}", query=f"{name}={value}")
            yield Shot(f"?{name} twice", query=f"{name}=1&{name}={MARK}")
        for query in (f"{MARK}={MARK}", "&&&===", "%00=%ff", "a" * 8000, "limit[]=1", "limit[$gt]=1"):
            yield Shot(f"?{query:.60}", query=query, **self._encoded(self.example))

    def _tags(self) -> Wave:
        names = ("If-Match",) if self.method in {"put", "post", "delete"} else ("If-None-Match",)
        for name, value in itertools.product(names, TAGS):
            yield Shot(f"{name} {value!r:.60}", headers={name: value}, **self._encoded(self.example))

    def _headers(self) -> Wave:
        for headers in HEADERS:
            yield Shot(f"headers {headers!r:.60}", headers=headers, **self._encoded(self.example))

    def _bodies(self) -> Wave:
        if self.content_type is None:
            for body in BODIES[:6]:
                yield Shot(f"an unasked body {body!r:.40}", body=body, content_type=JSON)
            return
        for body in BODIES:
            yield Shot(f"the body {body!r:.40}", body=body, content_type=self.content_type)
        for content_type in CONTENT_TYPES:
            body = json.dumps(self.example).encode()
            yield Shot(f"the type {content_type!r:.60}", body=body, content_type=content_type)

    def _fields(self) -> Wave:
        if not isinstance(self.example, dict):
            return
        for name in FIELDS:
            yield Shot(f"the field {name!r:.40}", **self._encoded({**self.example, name: MARK}))
        places = [*self._places(self.example)]
        for number, place in enumerate(places):
            yield Shot(f"without {place}", **self._encoded(_put(self.example, place, ...)))
            # Each field gets a part of the values, and all fields together all of them.
            part = VALUES if len(places) < 4 else VALUES[number % 3 :: 3]
            for value in part:
                yield Shot(f"{place} is {value!r:.40}", **self._encoded(_put(self.example, place, value)))

    def _places(self, value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Where something stands in the example, two levels deep and the first of each list."""
        items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
        for name, below in items:
            yield (*before, name)
            if len(before) < 3:
                yield from self._places(below, (*before, name))

    def _encoded(self, value: Any) -> dict[str, Any]:
        if self.content_type is None:
            return {}
        if self.content_type == JSON:
            return {"body": json.dumps(value).encode(), "content_type": JSON}
        pairs = [f"{quote(str(name))}={quote(str(part))}" for name, part in value.items() if part is not None]
        return {"body": "&".join(pairs).encode(), "content_type": self.content_type}

    def _example(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value that fits the schema, as far as it tells."""
        named = schema.get("$ref", "").rpartition("/")[2]
        choices = [schema[key][0] for key in ("anyOf", "oneOf", "allOf") if key in schema]
        if named or choices:
            return self._example(self._schemas[named] if named else choices[0], depth)
        given = [*schema.get("examples", []), *(schema[k] for k in ("const", "default") if k in schema)]
        if given or "enum" in schema:
            return [*given, *schema.get("enum", [])][0]
        kind = schema.get("type", "")
        if kind == "object":
            return {name: self._example(below, depth + 1) for name, below in schema.get("properties", {}).items()}
        if kind == "array":
            return [self._example(schema["items"], depth + 1)] if depth < DEEPEST else []
        word = AN_ID if schema.get("format") == "uuid" else "words"
        return {"integer": schema.get("minimum", 1), "number": 1, "boolean": False}.get(kind, word)


def _put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of `value` with something else at `place`; the ellipsis takes it away."""
    name, *rest = place
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[name] = _put(copy[name], tuple(rest), new)
    elif new is ...:
        del copy[name]
    else:
        copy[name] = new
    return copy
