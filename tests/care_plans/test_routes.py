import asyncio
import random
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.care_plans.models import CarePlan
from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from app.identity.permissions import Role
from tests.care_plans.plans import a_goal, a_phase, a_plan, an_assignment, put
from tests.cast import Cast
from tests.factories import a_member_of_staff, an_id

NewClient = Callable[..., httpx2.AsyncClient]

UNFIT: list[Any] = [
    ({"goals": [a_goal(target=3.5)]}, "/goals/0/target"),
    ({"goals": [a_goal(target="3")]}, "/goals/0/target"),
    ({"goals": [a_goal(target=True)]}, "/goals/0/target"),
    ({"goals": [a_goal(target=11)]}, "/goals/0/target"),
    ({"goals": [a_goal(words=" ")]}, "/goals/0/words"),
    ({"goals": [a_goal(review_on="2027-02-30")]}, "/goals/0/review_on"),
    ({"goals": [a_goal() | {"id": str(number)} for number in range(21)]}, "/goals"),
    ({"practice": [an_assignment(times=0)]}, "/practice/0/times"),
    ({"practice": [an_assignment(window_days=32)]}, "/practice/0/window_days"),
    ({"practice": [an_assignment(modality="twelve_step")]}, "/practice/0/modality"),
    ({"phase": "discharge"}, "/phase"),
    ({"modalities": ["cbt", "cbt"]}, "/modalities/1"),
    ({"reason": ""}, "/reason"),
    ({"phases": [a_phase(an_id())]}, "/phases/0/owner_id"),
]


class Plans:
    """Care plans of the cast's patient, as their therapist makes them."""

    def __init__(self, new_client: NewClient, cast: Cast) -> None:
        self.owner = cast.prescriber.membership
        self.path = f"/v1/patients/{cast.patient_id}/care-plan"
        self.therapist, self.patient = new_client(cast.therapist.token), new_client(cast.patient.token)

    def plan(self, **but: Any) -> dict[str, Any]:
        return a_plan(self.owner.id, **but)

    async def put(self, body: dict[str, Any], version: object = None) -> httpx2.Response:
        return await put(self.therapist, self.path, body, version)

    async def read(self) -> dict[str, Any]:
        mine, theirs = await self.patient.get("/v1/me/care-plan"), await self.therapist.get(self.path)
        assert mine.json() == theirs.json()
        return dict(mine.json())


@pytest.fixture
def plans(new_client: NewClient, cast: Cast) -> Plans:
    return Plans(new_client, cast)


async def told(db: Database) -> list[tuple[str, int]]:
    ours = sa.select(OutboxEvent.type, OutboxEvent.version).where(OutboxEvent.type == "care_plan.changed")
    return [(*row,) for row in await db.execute(ours.order_by(OutboxEvent.id))]


class TestWriteCarePlan:
    async def test_the_first_one_is_read_by_patient_and_team_alike(
        self, plans: Plans, cast: Cast, db: Database
    ) -> None:
        before = await plans.read()
        made = await plans.put(plans.plan())
        shown = await plans.read()

        assert before == {"version": 0, "current": None, "previous": None, "changes": [], "course": []}
        assert (made.status_code, made.headers["etag"].removeprefix("W/")) == (201, '"1"')
        assert made.json() == shown
        current = shown["current"]
        assert current["made_by"] == str(cast.therapist.membership.id)
        assert current["made_by_name"] == cast.therapist.membership.display_name
        assert current["phases"][0]["owner_name"] == cast.prescriber.membership.display_name
        assert current["goals"][0]["reached_when"] == "at_most"
        assert (current["reason"], shown["previous"]) == ("We made it together.", None)
        assert await told(db) == [("care_plan.changed", 1)]

    async def test_the_same_again_changes_nothing_whatever_the_reason(self, plans: Plans, db: Database) -> None:
        await plans.put(plans.plan())
        again = await plans.put(plans.plan(reason="Sent twice."))

        assert (again.status_code, again.json()["version"]) == (200, 1)
        assert again.json()["current"]["reason"] == "We made it together."
        assert len(await told(db)) == 1

    async def test_a_quit_day_is_set_and_taken_back(self, plans: Plans) -> None:
        first = (await plans.put(plans.plan())).json()
        again = await plans.put(plans.plan(goals=[a_goal(quit_on=None)]))
        named = (await plans.put(plans.plan(goals=[a_goal(quit_on="2026-12-01")]), 1)).json()
        taken_back = (await plans.put(plans.plan(goals=[a_goal()]), 2)).json()

        assert first["current"]["goals"][0]["quit_on"] is None
        assert (again.status_code, again.json()["version"]) == (200, 1)
        assert named["current"]["goals"][0]["quit_on"] == "2026-12-01"
        assert [each["fields"] for each in named["changes"]] == [["quit_on"]]
        assert [each["fields"] for each in taken_back["changes"]] == [["quit_on"]]

    async def test_another_one_is_a_new_version_and_says_what_differs(self, plans: Plans, db: Database) -> None:
        await plans.put(plans.plan())
        changed = plans.plan(
            phase="integration",
            phases=[a_phase(plans.owner.id, "integration")],
            goals=[a_goal(target=2)],
            reason="Sam is through.",
        )
        blind, stale = await plans.put(changed), await plans.put(changed, 2)
        made = await plans.put(changed, 1)
        shown = await plans.read()

        assert (blind.status_code, stale.status_code, made.status_code) == (428, 412, 200)
        assert stale.json()["current"]["current"]["phase"] == "induction"
        assert (shown["version"], shown["previous"]["version"]) == (2, 1)
        assert (shown["current"]["reason"], shown["previous"]["reason"]) == ("Sam is through.", "We made it together.")
        assert [(each["section"], each["what"], each["fields"]) for each in shown["changes"]] == [
            ("phase", "changed", ["phase"]),
            ("phases", "removed", []),
            ("phases", "added", []),
            ("goals", "changed", ["target"]),
        ]
        assert [(each["phase"], each["until"] is None) for each in shown["course"]] == [
            ("induction", False),
            ("integration", True),
        ]
        assert await told(db) == [("care_plan.changed", 1), ("care_plan.changed", 2)]

    async def test_a_phase_follows_only_what_it_may(self, plans: Plans) -> None:
        to_follow_up = plans.plan(phase="completed", phases=[])
        first = await plans.put(to_follow_up)
        await plans.put(plans.plan())
        then = await plans.put(to_follow_up, 1)

        assert [first.status_code, then.status_code] == [409, 409]
        assert (first.json()["code"], first.json()["current"]) == ("phase_cannot_follow", None)
        assert then.json()["current"] == "induction"
        assert "completed" not in then.json()["may_follow"]
        assert (await plans.read())["version"] == 1

    async def test_what_does_not_fit_is_pointed_at(self, plans: Plans) -> None:
        for but, pointer in UNFIT:
            refused = await plans.put(plans.plan(**but))
            assert refused.status_code == 422, pointer
            assert pointer in [error["pointer"] for error in refused.json()["errors"]]

        assert (await plans.read())["version"] == 0

    async def test_an_owner_of_another_clinic_or_a_patient_is_nobody_who_works_here(
        self, plans: Plans, cast: Cast
    ) -> None:
        refused = await plans.put(plans.plan(phases=[a_phase(cast.patient.membership.id)]))

        assert [error["code"] for error in refused.json()["errors"]] == ["unknown_staff"]

    async def test_an_owner_who_has_left_does_not_stop_other_changes(
        self, plans: Plans, db: Database, settings: Settings, cast: Cast
    ) -> None:
        leaving = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE)
        phases = [a_phase(leaving.membership.id)]
        await plans.put(plans.plan(phases=phases))
        gone = await db.merge(leaving.membership)
        gone.ended_at = gone.created_at
        kept = await plans.put(plans.plan(phases=phases, goals=[]), 1)
        anew = await plans.put(plans.plan(phases=[*phases, a_phase(cast.patient.membership.id, "integration")]), 2)

        assert kept.status_code == 200
        assert kept.json()["current"]["phases"][0]["owner_name"] == leaving.membership.display_name
        assert [error["pointer"] for error in anew.json()["errors"]] == ["/phases/1/owner_id"]

    async def test_what_it_says_is_sealed_and_counted_for_the_phones(
        self, plans: Plans, db: Database, cast: Cast
    ) -> None:
        await plans.put(plans.plan())
        await plans.put(plans.plan(goals=[]), 1)
        rows = (
            await db.execute(
                sa.text("SELECT content, reason FROM care_plans").columns(content=sa.LargeBinary, reason=sa.LargeBinary)
            )
        ).all()
        revisions = list(await db.scalars(sa.select(CarePlan.revision).order_by(CarePlan.version)))
        counter = await db.scalar(
            sa.select(PatientRevision.revision).where(PatientRevision.patient_id == cast.patient.patient_id)
        )

        assert all(b"morning" not in bytes(part) and b"together" not in bytes(part) for row in rows for part in row)
        assert revisions[0] < revisions[1] == counter

    @pytest.mark.parametrize("seed", [1, 2])
    async def test_whatever_is_sent_in_whatever_order_no_version_is_ever_altered(
        self, plans: Plans, db: Database, seed: int
    ) -> None:
        """A model of the plan beside the program: versions grow by one with each change, and only then."""
        chance, versions = random.Random(seed), list[dict[str, Any]]()
        phases = [a_phase(plans.owner.id, phase) for phase in ("induction", "integration")]
        for _ in range(12):
            body = plans.plan(
                phase=chance.choice(["induction", "integration"]),
                phases=phases,
                goals=chance.choice([[], [a_goal()]]),
                practice=chance.choice([[], [an_assignment()]]),
                reason=f"Because of {chance.random()}.",
            )
            named = chance.choice([None, len(versions), len(versions), len(versions) - 1])
            answer = await plans.put(body, named)
            said = {name: value for name, value in body.items() if name != "reason"}
            if versions and {name: versions[-1][name] for name in said} == said:
                assert answer.status_code == 200
            elif named == len(versions) or (named is None and not versions):
                assert answer.status_code == (200 if versions else 201)
                versions.append(body)
            else:
                assert answer.status_code == (428 if named is None else 412)
        db.expire_all()
        listed = (await plans.therapist.get(f"{plans.path}/versions")).json()["items"]

        assert [(each["version"], each["reason"]) for each in reversed(listed)] == [
            (number, body["reason"]) for number, body in enumerate(versions, 1)
        ]
        assert [len(each["goals"]) for each in reversed(listed)] == [len(body["goals"]) for body in versions]
        assert len(await told(db)) == len(versions)


class TestReadCarePlan:
    async def test_is_not_sent_again_to_whoever_has_it(self, plans: Plans) -> None:
        await plans.put(plans.plan())
        mine = await plans.patient.get("/v1/me/care-plan", headers={"if-none-match": '"1"'})
        theirs = await plans.therapist.get(plans.path, headers={"if-none-match": '"0"'})

        assert (mine.status_code, theirs.status_code) == (304, 200)

    async def test_costs_the_same_statements_however_many_versions(self, plans: Plans, queries: list[str]) -> None:
        counts = []
        await plans.read()  # the clinic's figures are known from then on
        for number in range(3):
            await plans.put(plans.plan(goals=[a_goal(target=number)]), number)
            queries.clear()
            await plans.patient.get("/v1/me/care-plan")
            counts.append(len(queries))

        assert len(set(counts)) == 1

    async def test_the_versions_come_in_pages_each_with_what_it_changed(self, plans: Plans) -> None:
        for number in range(3):
            await plans.put(plans.plan(goals=[a_goal(target=number)]), number)
        first = (await plans.therapist.get(f"{plans.path}/versions?limit=2")).json()
        second = (await plans.therapist.get(f"{plans.path}/versions?limit=2&cursor={first['next_cursor']}")).json()

        assert [each["version"] for each in (*first["items"], *second["items"])] == [3, 2, 1]
        assert [[change["section"] for change in each["changes"]] for each in first["items"]] == [["goals"], ["goals"]]
        assert {change["what"] for change in second["items"][0]["changes"]} == {"added"}
        assert second["next_cursor"] is None

    async def test_a_cursor_of_another_patients_versions_leads_nowhere(
        self, plans: Plans, new_client: NewClient, db: Database, settings: Settings, cast: Cast
    ) -> None:
        for number in range(2):
            await plans.put(plans.plan(goals=[a_goal(target=number)]), number)
        cursor = (await plans.therapist.get(f"{plans.path}/versions?limit=1")).json()["next_cursor"]
        colleague = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE, patients=(cast.other_patient,))
        refused = await new_client(colleague.token).get(
            f"/v1/patients/{cast.other_patient_id}/care-plan/versions?limit=1&cursor={cursor}"
        )

        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


class TestRaces:
    async def test_of_several_changes_of_one_version_exactly_one_is_made(self, plans: Plans, db: Database) -> None:
        await plans.put(plans.plan())
        answers = await asyncio.gather(
            *(plans.put(plans.plan(goals=[a_goal(target=number)]), 1) for number in range(4, 10))
        )
        db.expire_all()

        assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]
        assert len(await told(db)) == 2

    async def test_of_several_first_plans_exactly_one_is_the_first(self, plans: Plans, db: Database) -> None:
        answers = await asyncio.gather(*(plans.put(plans.plan(goals=[a_goal(target=each)])) for each in range(6)))

        assert sorted(answer.status_code for answer in answers) == [201, *[428] * 5]
        assert (await plans.read())["version"] == 1
