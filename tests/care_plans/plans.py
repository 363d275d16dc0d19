"""Plans as people send them."""

from typing import Any
from uuid import UUID

import httpx2

from tests.factories import an_id

GOAL, ASSIGNMENT = str(an_id()), str(an_id())


def a_phase(owner_id: UUID | str, phase: str = "induction", **but: Any) -> dict[str, Any]:
    return {
        "phase": phase,
        "entry_criteria": "Baseline bloods are back.",
        "exit_criteria": "Six sessions, reviewed.",
        "owner_id": str(owner_id),
    } | but


def a_goal(**but: Any) -> dict[str, Any]:
    return {
        "id": GOAL,
        "kind": "abstinence",
        "words": "I want my mornings back.",
        "substance": "alcohol",
        "measure": "craving",
        "target": 3,
        "review_on": "2027-01-15",
    } | but


def an_assignment(**but: Any) -> dict[str, Any]:
    return {
        "id": ASSIGNMENT,
        "modality": "mindfulness",
        "instruction": "Ten minutes of breathing, in the morning.",
        "times": 1,
        "window_days": 1,
        "starts_on": "2026-01-01",
        "ends_on": None,
        "minutes": 10,
    } | but


def a_plan(owner_id: UUID | str, **but: Any) -> dict[str, Any]:
    return {
        "phase": "induction",
        "phases": [a_phase(owner_id)],
        "modalities": ["cbt", "mindfulness"],
        "goals": [a_goal()],
        "practice": [an_assignment()],
        "reason": "We made it together.",
    } | but


def a_reward_plan(**but: Any) -> dict[str, Any]:
    return {
        "target_behaviour": "A urine screen without stimulants",
        "verification": "urine_drug_screen",
        "currency": "USD",
        "first_cents": 200,
        "step_cents": 100,
        "most_cents": 1000,
        "restored_after": 2,
        "reason": "It helped before.",
    } | but


async def put(client: httpx2.AsyncClient, path: str, body: dict[str, Any], version: object = None) -> httpx2.Response:
    """Send it, naming the version it builds on, if any."""
    return await client.put(path, json=body, headers={} if version is None else {"if-match": f'"{version}"'})
