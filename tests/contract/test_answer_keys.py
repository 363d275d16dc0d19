"""Which fields each kind of caller is shown, compared with a snapshot that is looked at when it changes.

A field that appears in an answer is a decision about who may see it. The snapshot is `answer_keys.json`: operation,
then caller, then the fields, lists as `[]`. To accept a change: `make answer-keys`, and read the difference.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from app.identity.permissions import Role
from tests.contract.test_access_matrix import Asker, Operation, operations, world
from tests.contract.two_clinics import MINE, World

SNAPSHOT = Path(__file__).with_name("answer_keys.json")
ACCEPT = "AFTERGLOW_TEST_ACCEPT_ANSWER_KEYS"

__all__ = ["operations", "world"]


def fields(value: Any, where: str = "") -> set[str]:
    """Every field of a JSON value by its path; what is inside an answer to a questionnaire is one field."""
    if isinstance(value, dict) and not where.endswith(".answers"):
        return {path for name, inner in value.items() for path in fields(inner, f"{where}.{name}")} or {where}
    if isinstance(value, list):
        return {path for inner in value for path in fields(inner, f"{where}[]")} or {f"{where}[]"}
    return {where}


def short(paths: set[str]) -> list[str]:
    """The paths without those that are only the beginning of another (a list that was empty once)."""
    return sorted(path for path in paths if not any(other != path and other.startswith(path) for other in paths))


async def shown(asker: Asker, operations: list[Operation], world: World) -> dict[str, list[str]]:
    """What this caller sees of everything that can be read."""
    found = {}
    for operation in operations:
        if operation.route.methods == {"GET"} and operation.name.startswith(("read", "list")):
            answer = await asker.answer(operation, world.records[MINE])
            if answer.status_code == httpx2.codes.OK and answer.headers["content-type"].startswith("application/json"):
                found[operation.name] = short(fields(answer.json()))
    return found


class TestAnswerKeys:
    async def test_each_caller_is_shown_what_they_were_shown_before(
        self, operations: list[Operation], world: World, new_client: Callable[..., httpx2.AsyncClient], db: Database
    ) -> None:
        tokens: dict[Role, str] = {Role.PATIENT: world.records[MINE].person.token} | {
            role: person.token for role, person in world.staff.items()
        }
        now: dict[str, dict[str, list[str]]] = {}
        for role, token in tokens.items():
            for name, paths in (await shown(Asker(new_client(token), db), operations, world)).items():
                now.setdefault(name, {})[role.value] = paths
        by_fields: dict[str, Any] = {}
        for name, by_role in sorted(now.items()):
            groups: dict[tuple[str, ...], list[str]] = {}
            for who, paths in by_role.items():
                groups.setdefault(tuple(paths), []).append(who)
            by_fields[name] = {" ".join(roles): list(paths) for paths, roles in groups.items()}

        if os.environ.get(ACCEPT):
            SNAPSHOT.write_text(json.dumps(by_fields, indent=1) + "\n", encoding="utf-8")
        assert by_fields == json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    @pytest.mark.parametrize(
        ("value", "paths"),
        [
            ({"a": 1, "b": {"c": [{"d": 2}, {"e": 3}]}}, [".a", ".b.c[].d", ".b.c[].e"]),
            ({"items": []}, [".items[]"]),
            ({"answers": {"now": 7}}, [".answers"]),
        ],
    )
    def test_fields_are_named_by_their_path(self, value: Any, paths: list[str]) -> None:
        assert short(fields(value)) == paths
