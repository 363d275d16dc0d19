from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.care_plans.models import SafetyPlan
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from tests.care_plans.plans import put
from tests.cast import Cast

NewClient = Callable[..., httpx2.AsyncClient]
MINE = "/v1/me/safety-plan"


def a_safety_plan(**but: Any) -> dict[str, Any]:
    return {
        "warning_signs": ["I stop answering."],
        "on_my_own": ["Walk to the river."],
        "people_and_places": ["The library"],
        "people_to_ask": [{"name": "My sister", "phone": "+1 555 0100", "note": None}],
        "professionals": [{"name": "988", "phone": "988", "note": None}],
        "safer_surroundings": ["Ana keeps the tablets."],
    } | but


UNFIT: list[Any] = [
    (dict.fromkeys(a_safety_plan(), ()), ""),
    ({"on_my_own": [" "]}, "/on_my_own/0"),
    ({"on_my_own": ["walk"] * 21}, "/on_my_own"),
    ({"people_to_ask": [{"phone": "988"}]}, "/people_to_ask/0/name"),
    ({"reasons": []}, "/reasons"),
]


class SafetyPlans:
    """The safety plan of the cast's patient."""

    def __init__(self, new_client: NewClient, cast: Cast) -> None:
        self.theirs = f"/v1/patients/{cast.patient_id}/safety-plan"
        self.patient, self.therapist = new_client(cast.patient.token), new_client(cast.therapist.token)
        self.nurse = new_client(cast.nurse.token)

    async def put(self, body: dict[str, Any], version: object = None) -> httpx2.Response:
        return await put(self.patient, MINE, body, version)

    async def sign(self, version: object = None, client: httpx2.AsyncClient | None = None) -> httpx2.Response:
        headers = {} if version is None else {"if-match": f'"{version}"'}
        return await (client or self.therapist).post(f"{self.theirs}/co-signature", headers=headers)


@pytest.fixture
def plans(new_client: NewClient, cast: Cast) -> SafetyPlans:
    return SafetyPlans(new_client, cast)


def tag(answer: httpx2.Response) -> str:
    return answer.headers["etag"].removeprefix("W/")


class TestWriteSafetyPlan:
    async def test_is_read_by_the_patient_and_their_team(self, plans: SafetyPlans, db: Database) -> None:
        before = await plans.patient.get(MINE)
        made, again = await plans.put(a_safety_plan()), await plans.put(a_safety_plan())
        mine, theirs = await plans.patient.get(MINE), await plans.therapist.get(plans.theirs)
        told = await db.scalars(sa.select(OutboxEvent.version).where(OutboxEvent.type == "safety_plan.changed"))

        assert before.json() == {"version": 0, "current": None}
        assert (made.status_code, again.status_code) == (201, 200)
        assert mine.json() == theirs.json() == made.json()
        assert {name: mine.json()["current"][name] for name in a_safety_plan()} == a_safety_plan()
        assert list(told) == [1]

    async def test_each_change_is_a_version_that_builds_on_the_one_that_was_read(self, plans: SafetyPlans) -> None:
        await plans.put(a_safety_plan())
        other = a_safety_plan(on_my_own=[])
        blind, stale, made = await plans.put(other), await plans.put(other, 4), await plans.put(other, 1)
        listed = (await plans.patient.get(f"{MINE}/versions?limit=1")).json()
        rest = (await plans.patient.get(f"{MINE}/versions?cursor={listed['next_cursor']}")).json()

        assert (blind.status_code, stale.status_code, made.status_code) == (428, 412, 200)
        assert stale.json()["current"]["current"]["on_my_own"] == ["Walk to the river."]
        assert [(each["version"], each["on_my_own"]) for each in (*listed["items"], *rest["items"])] == [
            (2, []),
            (1, ["Walk to the river."]),
        ]

    async def test_what_does_not_fit_is_pointed_at(self, plans: SafetyPlans) -> None:
        for but, pointer in UNFIT:
            refused = await plans.put(a_safety_plan(**but))
            assert refused.status_code == 422, pointer
            assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]

    async def test_nobody_else_can_write_it(self, plans: SafetyPlans) -> None:
        refused = await put(plans.therapist, MINE, a_safety_plan())
        elsewhere = await put(plans.therapist, plans.theirs, a_safety_plan())

        assert (refused.status_code, elsewhere.status_code) == (403, 405)

    async def test_what_it_says_is_sealed_and_counted_for_the_phones(
        self, plans: SafetyPlans, db: Database, cast: Cast
    ) -> None:
        await plans.put(a_safety_plan())
        await plans.sign(1)
        (content,) = (
            await db.execute(sa.text("SELECT content FROM safety_plans").columns(content=sa.LargeBinary))
        ).one()
        counter = await db.scalar(
            sa.select(PatientRevision.revision).where(PatientRevision.patient_id == cast.patient.patient_id)
        )

        assert b"river" not in bytes(content)
        assert counter == await db.scalar(sa.select(SafetyPlan.revision))


class TestReadMySafetyPlan:
    async def test_a_phone_that_has_it_is_told_so_until_it_changes_or_is_signed(self, plans: SafetyPlans) -> None:
        tags = [tag(await plans.patient.get(MINE))]
        await plans.put(a_safety_plan())
        tags.append(tag(await plans.patient.get(MINE)))
        await plans.sign(1)
        tags.append(tag(await plans.patient.get(MINE)))
        answers = [(await plans.patient.get(MINE, headers={"if-none-match": each})).status_code for each in tags]

        assert len(set(tags)) == 3
        assert answers == [200, 200, 304]

    async def test_its_tag_can_be_sent_back_whether_signed_or_not(self, plans: SafetyPlans) -> None:
        await plans.put(a_safety_plan())
        await plans.sign(1)
        signed = tag(await plans.patient.get(MINE))
        made = await plans.patient.put(MINE, json=a_safety_plan(on_my_own=[]), headers={"if-match": signed})

        assert made.status_code == 200


class TestCoSignSafetyPlan:
    async def test_is_of_the_version_that_was_read_and_the_first_to_sign_stays(
        self, plans: SafetyPlans, cast: Cast, db: Database
    ) -> None:
        nothing = await plans.sign(0)
        await plans.put(a_safety_plan())
        blind, stale = await plans.sign(), await plans.sign(2)
        signed, again = await plans.sign(1), await plans.sign(1, plans.nurse)
        told = await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type == "safety_plan.changed"))

        assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_sign")
        assert (blind.status_code, stale.status_code, signed.status_code) == (428, 412, 200)
        assert signed.json()["current"]["co_signed_by_name"] == cast.therapist.membership.display_name
        assert again.json() == signed.json()
        assert len(list(told)) == 2

    async def test_does_not_stand_under_what_the_patient_changed_since(self, plans: SafetyPlans) -> None:
        await plans.put(a_safety_plan())
        await plans.sign(1)
        made = await plans.put(a_safety_plan(on_my_own=[]), 1)
        listed = (await plans.patient.get(f"{MINE}/versions")).json()["items"]

        assert made.json()["current"]["co_signed_at"] is None
        assert [each["co_signed_at"] is None for each in listed] == [True, False]
