"""Somebody who makes each call so that its events can only have landed with the fact.

Every call is made four times: by somebody who may not; with a commit that fails, after which neither the event nor the
fact may be left; for real; and once more, which may tell something new only where it does something new.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.core import openapi
from app.core.db import Database
from app.events.models import OutboxEvent
from tests.answers import Answers
from tests.cast import Cast
from tests.factories import Person

NewClient = Callable[..., httpx2.AsyncClient]
Pairs = set[tuple[str, str]]


class Caller:
    """Makes calls, and keeps what each of them told."""

    def __init__(
        self,
        app: FastAPI,
        db: Database,
        new_client: NewClient,
        promises: Answers,
        patch: pytest.MonkeyPatch,
        cast: Cast,
        people: dict[str, Person],
    ) -> None:
        self.db, self.cast, self.people = db, cast, people
        self.told: Pairs = set()
        self.clients = {name: new_client(person.token) for name, person in people.items()} | {"anybody": new_client()}
        self._promises, self._patch = promises, patch
        self._names = {
            (method, str(route.path)): str(route.name)
            for route in openapi.routes(app)
            for method in route.methods or ()
        }

    async def do(
        self,
        who: str,
        method: str,
        path: str,
        body: object = None,
        *,
        version: int | None = None,
        again: set[str] = frozenset(),  # type: ignore[assignment]  # events that a second call tells too
    ) -> dict[str, Any]:
        """One call that must succeed; what it answered."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}

        async def call(caller: str) -> tuple[httpx2.Response, set[str]]:
            before = await self._outbox()
            answer = await self.clients[caller].request(method, path, json=body, headers=headers)
            events = [event for event_id, event in (await self._outbox()).items() if event_id not in before]
            assert len(events) == len(set(events)), "one fact, one event"
            return answer, set(events)

        if who != "anybody":
            refused, told = await call("researcher")
            assert (refused.status_code, told) == (403, set()), f"{method} {path}: {refused.status_code} {told}"
        with self._patch.context() as patch:
            patch.setattr(Database, "commit", _commit_of_a_full_disk)
            failed, told = await call(who)
            assert (failed.status_code, told) == (500, set()), f"{method} {path}: {failed.text} {told}"
        answer, told = await call(who)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        assert told, f"{method} {path} told nothing"
        name = self._names[method, str(self._promises.template(path))]
        self.told |= {(name, event) for event in told}
        _, told = await call(who)
        assert told == set(again), f"{method} {path}, again: {told}"
        return dict(answer.json()) if answer.content else {}

    async def code(self, who: str, path: str) -> str:
        """A code of the clinic."""
        answer = await self.clients[who].post(path)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    async def _outbox(self) -> dict[object, str]:
        await self.db.finish()
        self.db.expunge_all()
        rows = await self.db.execute(sa.select(OutboxEvent.id, OutboxEvent.type))
        found = {row.id: row.type for row in rows}
        await self.db.finish()
        return found


_commit = Database.commit


async def _commit_of_a_full_disk(self: Database) -> None:
    """Fails for the transaction that holds an event: whatever must happen with it must not have happened before."""
    if self.request is not None and self._rings:
        msg = "no space left on device"
        raise RuntimeError(msg)
    await _commit(self)


@dataclass(frozen=True, slots=True)
class Area:
    """Calls that belong together, and the operations of which they show all that each can tell."""

    act: Callable[[Caller], Awaitable[None]]
    operations: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.act.__name__


def calls(*operations: str) -> Callable[[Callable[[Caller], Awaitable[None]]], Area]:
    """Says which operations an area calls, with all that they can tell."""
    return lambda act: Area(act, operations)
