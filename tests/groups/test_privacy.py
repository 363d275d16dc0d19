"""What members of a group can read: everything that is theirs, and nothing by which they could know another."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import openapi
from app.core.db import Database
from app.core.settings import Settings
from app.groups import work
from tests.cast import Cast
from tests.factories import Person, a_patient, an_id
from tests.groups.meetings import MONDAYS, Clients, Meetings
from tests.identity.expected_access import EXPECTED

OTHERS = {"Zebedee Quartermain": "member", "Philippa Underhill": "waiting"}


@pytest.fixture
async def others(db: Database, settings: Settings, cast: Cast) -> list[Person]:
    return [await a_patient(db, settings, cast.clinic, display_name=name) for name in OTHERS]


async def test_no_answer_to_a_member_names_another(
    app: FastAPI,
    group: Meetings,
    cast: Cast,
    others: list[Person],
    new_client: Clients,
    engine: AsyncEngine,
) -> None:
    """Every address that a patient may read or that answers them, with every id of the group in its place."""
    await group.put(staff_ids=[str(cast.therapist.membership.id)], capacity=2)
    joined = {p: (await group.join(p)).json() for p in [cast.patient_id, *(str(o.patient_id) for o in others)]}
    await group.cancel_own(others[0].patient_id)
    await group.move(MONDAYS[1], scheduled_at="2090-03-14T16:00:00Z", ends_at="2090-03-14T17:00:00Z")
    await group.call_off(MONDAYS[2])
    await work.settle(engine)
    theirs = [place["appointment_id"] for o in others for place in joined[str(o.patient_id)]["places"]]
    forbidden = [*OTHERS, *theirs]
    for other in others:
        forbidden += [str(other.patient_id), str(other.membership.id), other.email]
    member = new_client(cast.patient.token)
    ids = [group.id, (await group.meeting())["id"], joined[cast.patient_id]["places"][0]["appointment_id"], *theirs[:1]]
    asked = 0
    for method, path, own in addresses(app):
        for this in ids if "group" in path or "appointment" in path else ids[:1]:
            address = filled(path, this, cast)
            answer = await member.request(method, address)
            if own:
                asked += 1
            told = answer.text + str(answer.headers.multi_items())
            named = [word for word in forbidden if word in told.replace(this, "") and word not in address]
            assert not named, f"{method} {path} tells a member of the group of another: {answer.status_code}"
    assert asked > 30
    mine = (await member.get("/v1/me/appointments")).json()["items"]
    assert {a["id"] for a in mine} == {place["appointment_id"] for place in joined[cast.patient_id]["places"]}


async def test_what_a_member_does_to_an_appointment_of_another_is_answered_as_if_there_were_none(
    group: Meetings, cast: Cast, others: list[Person], new_client: Clients
) -> None:
    await group.put()
    theirs = (await group.join(others[0].patient_id)).json()["places"][0]["appointment_id"]
    member = new_client(cast.patient.token)
    answers = [
        await member.post(f"/v1/me/appointments/{this}/cancellation", json={"reason": "illness"}, headers=IF_MATCH)
        for this in (theirs, an_id())
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert without_request_id(answers[0].json()) == without_request_id(answers[1].json())


IF_MATCH = {"If-Match": '"1"'}


def without_request_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


def addresses(app: FastAPI) -> list[tuple[str, str, bool]]:
    """Every address that patients can read, and those about appointments and groups; whether it is for patients."""
    return [
        (method, str(route.path), EXPECTED[str(route.name)].own)
        for route in openapi.routes(app)
        for method in sorted(route.methods or ())
        if method == "GET"
        and (EXPECTED[str(route.name)].own or "group" in str(route.path) or "appointment" in str(route.path))
    ]


def filled(path: str, this: str, cast: Cast) -> str:
    for name in ("patient_id", "staff_id"):
        path = path.replace(f"{{{name}}}", cast.patient_id)
    head, *rest = path.split("{")
    return head + "".join(this + part.split("}", 1)[1] for part in rest)
