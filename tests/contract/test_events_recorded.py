"""Each event by a real call: it lands with the fact, never without it, and never for somebody who was refused.

The calls are in `clinic_calls.py`, `session_calls.py` and `day_calls.py`; how each of them is made is in `caller.py`.
"""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.answers import Answers
from tests.cast import a_cast
from tests.contract import clinic_calls, day_calls, session_calls
from tests.contract.caller import Caller, NewClient, Pairs
from tests.contract.expected_events import NEVER_RECORDED, TOLD
from tests.factories import a_member_of_staff

AREAS = {area.name: area for area in (*clinic_calls.AREAS, *session_calls.AREAS, *day_calls.AREAS)}


@pytest.fixture
async def caller(
    app: FastAPI,
    db: Database,
    settings: Settings,
    new_client: NewClient,
    promises: Callable[[FastAPI], Answers],
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    cast = await a_cast(db, settings)
    names = ("patient", "prescriber", "nurse", "therapist", "coordinator")
    people = {name: getattr(cast, name) for name in names}
    for name, role in (("researcher", Role.RESEARCHER), ("admin", Role.CLINIC_ADMIN), ("on_call", Role.NURSE)):
        people[name] = await a_member_of_staff(db, settings, cast.clinic, role)
    return Caller(app, db, new_client, promises(app), monkeypatch, cast, people)


@pytest.mark.parametrize("area", AREAS)
async def test_each_operation_tells_what_is_declared_with_its_fact_and_not_without(caller: Caller, area: str) -> None:
    operations = AREAS[area].operations

    await AREAS[area].act(caller)

    declared = {(name, event) for name in operations for event in TOLD[name].split()}
    assert caller.told - _judged(operations) == declared - _judged(operations)


def _judged(operations: tuple[str, ...]) -> Pairs:
    """What rules tell of what was written. They judge many writes in one way; one of them stands for all."""
    by_rules = ("alert.raised", "alert.repeated", "care_team.changed")
    return {
        (name, event)
        for name in operations
        if name != "request_help" and "alert.raised" in TOLD[name].split()
        for event in by_rules
    }


def test_no_operation_is_left_out() -> None:
    assert sorted(name for area in AREAS.values() for name in area.operations) == sorted(TOLD)
    assert not {event for events in TOLD.values() for event in events.split()} & set(NEVER_RECORDED)
