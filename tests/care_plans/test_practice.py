from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.care_plans.models import CarePlan, PracticeLog
from app.core import clock
from app.core.db import Database
from app.core.fields import zone
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from tests.care_plans.plans import ASSIGNMENT, a_plan, an_assignment, put
from tests.cast import Cast
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
SECRET = "what only I know"


def a_log(**but: Any) -> dict[str, Any]:
    return {
        "modality": "mindfulness",
        "done_at": (clock.now() - timedelta(hours=1)).isoformat(),
        "time_zone": "Europe/Berlin",
        "minutes": 12,
        "helpfulness": 7,
        "note": SECRET,
    } | but


UNFIT: list[Any] = [
    ({"minutes": 12.0}, "/minutes"),
    ({"minutes": "12"}, "/minutes"),
    ({"minutes": -1}, "/minutes"),
    ({"helpfulness": 11}, "/helpfulness"),
    ({"helpfulness": True}, "/helpfulness"),
    ({"modality": "yoga"}, "/modality"),
    ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
    ({"done_at": "2026-01-01T12:00:00"}, "/done_at"),
    ({"done_at": "2090-01-01T12:00:00Z"}, "/done_at"),
    ({"assignment_id": str(an_id())}, "/assignment_id"),
    ({"note_is_private": "no"}, "/note_is_private"),
]


class Practice:
    """Practice logs of the cast's patient, and their therapist who reads them."""

    def __init__(self, new_client: NewClient, cast: Cast, db: Database) -> None:
        self.cast, self.db = cast, db
        self.patient, self.therapist = new_client(cast.patient.token), new_client(cast.therapist.token)

    async def log(self, body: dict[str, Any], log_id: str | None = None, version: object = None) -> httpx2.Response:
        return await put(self.patient, f"/v1/me/practice-logs/{log_id or an_id()}", body, version)

    async def assign(self, days_ago: int, version: object = None, **but: Any) -> None:
        """Let the plan be made so many days ago."""
        path = f"/v1/patients/{self.cast.patient_id}/care-plan"
        made = await put(self.therapist, path, a_plan(self.cast.nurse.membership.id, **but), version)
        assert made.status_code in {200, 201}, made.text
        plan = await self.db.scalar(sa.select(CarePlan).order_by(CarePlan.version.desc()).limit(1))
        assert plan
        plan.made_at -= timedelta(days=days_ago)

    async def adherence(self, days: int) -> dict[str, Any]:
        mine = await self.patient.get(f"/v1/me/practice-adherence?from={self.day(days - 1)}")
        theirs = await self.therapist.get(
            f"/v1/patients/{self.cast.patient_id}/practice-adherence?from={self.day(days - 1)}"
        )
        assert mine.status_code == 200, mine.text
        assert mine.json() == theirs.json()
        return dict(mine.json())

    @staticmethod
    def day(ago: int) -> str:
        return (clock.now().astimezone(zone("Europe/Berlin")).date() - timedelta(days=ago)).isoformat()

    def at(self, ago: int) -> str:
        """Noon of that day."""
        return f"{self.day(ago)}T12:00:00+01:00"


@pytest.fixture
def practice(new_client: NewClient, cast: Cast, db: Database) -> Practice:
    return Practice(new_client, cast, db)


class TestLogPractice:
    async def test_is_kept_once(self, practice: Practice, db: Database, cast: Cast) -> None:
        log_id, body = str(an_id()), a_log()
        first, again = await practice.log(body, log_id), await practice.log(body, log_id)
        told = list(await db.scalars(sa.select(OutboxEvent.subject_id).where(OutboxEvent.type == "practice.logged")))
        (row,) = await db.scalars(sa.select(PracticeLog))
        counter = await db.scalar(
            sa.select(PatientRevision.revision).where(PatientRevision.patient_id == cast.patient.patient_id)
        )

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert first.json()["note"] == SECRET
        assert [str(each) for each in told] == [log_id]
        assert row.revision == counter

    async def test_a_correction_needs_the_version_that_was_read(self, practice: Practice) -> None:
        log_id, body = str(an_id()), a_log()
        await practice.log(body, log_id)
        other = body | {"minutes": 20}
        blind, stale = await practice.log(other, log_id), await practice.log(other, log_id, 2)
        made = await practice.log(other, log_id, 1)

        assert (blind.status_code, stale.status_code, made.status_code) == (428, 412, 200)
        assert stale.json()["current"]["minutes"] == 12
        assert (made.json()["minutes"], made.json()["version"]) == (20, 2)

    async def test_what_does_not_fit_is_pointed_at(self, practice: Practice) -> None:
        for but, pointer in UNFIT:
            refused = await practice.log(a_log(**but))
            assert refused.status_code == 422, pointer
            assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
            assert SECRET not in refused.text

    async def test_may_belong_to_what_an_earlier_version_asked_for(self, practice: Practice) -> None:
        """The phone was offline while the plan was changed."""
        await practice.assign(3)
        await practice.assign(1, 1, practice=[])
        kept = await practice.log(a_log(assignment_id=ASSIGNMENT))
        other = await practice.log(a_log(assignment_id=ASSIGNMENT, modality="cbt"))

        assert kept.status_code == 201
        assert [error["pointer"] for error in other.json()["errors"]] == ["/modality"]

    async def test_nothing_new_is_kept_of_whoever_withdrew_the_apps_consent(
        self, practice: Practice, db: Database, cast: Cast
    ) -> None:
        log_id, body = str(an_id()), a_log()
        await practice.log(body, log_id)
        await db.execute(
            sa.update(PatientRevision)
            .where(PatientRevision.patient_id == cast.patient.patient_id)
            .values(app_consent_withdrawn_at=clock.now())
        )
        again, new = await practice.log(body, log_id), await practice.log(body)

        assert (again.status_code, new.json()["code"]) == (200, "consent_withdrawn")

    async def test_the_same_id_of_two_patients_are_two_logs(
        self, practice: Practice, new_client: NewClient, cast: Cast
    ) -> None:
        log_id = str(an_id())
        await practice.log(a_log(), log_id)
        other = new_client(cast.other_patient.token)
        theirs = await put(other, f"/v1/me/practice-logs/{log_id}", a_log(minutes=1))

        assert theirs.status_code == 201
        mine = (await practice.patient.get("/v1/me/practice-logs")).json()["items"]
        assert [each["minutes"] for each in mine] == [12]


class TestListPracticeLogs:
    async def test_the_team_reads_everything_but_private_notes(self, practice: Practice, cast: Cast) -> None:
        await practice.log(a_log(done_at=practice.at(3)))
        await practice.log(a_log(done_at=practice.at(2), note_is_private=False, note="helped"))
        await practice.log(a_log(done_at=practice.at(1), note=None))
        answer = await practice.therapist.get(f"/v1/patients/{cast.patient_id}/practice-logs")
        mine = (await practice.patient.get("/v1/me/practice-logs")).json()["items"]

        assert SECRET not in answer.text
        assert "private" not in answer.text
        assert [each["note"] for each in answer.json()["items"]] == [None, "helped", None]
        assert [(each["note"], each["note_is_private"]) for each in mine] == [
            (None, True),
            ("helped", False),
            (SECRET, True),
        ]

    async def test_come_in_pages_the_last_done_first(self, practice: Practice) -> None:
        for ago in (3, 1, 2):
            await practice.log(a_log(done_at=practice.at(ago), minutes=ago))
        first = (await practice.patient.get("/v1/me/practice-logs?limit=2")).json()
        second = (await practice.patient.get(f"/v1/me/practice-logs?limit=2&cursor={first['next_cursor']}")).json()
        span = await practice.patient.get("/v1/me/practice-logs", params={"from": practice.at(2), "to": practice.at(1)})

        assert [each["minutes"] for each in (*first["items"], *second["items"])] == [1, 2, 3]
        assert [each["minutes"] for each in span.json()["items"]] == [2]

    async def test_notes_are_sealed(self, practice: Practice, db: Database) -> None:
        await practice.log(a_log())
        (note,) = (await db.execute(sa.text("SELECT note FROM practice_logs").columns(note=sa.LargeBinary))).one()

        assert SECRET.encode() not in bytes(note)


class TestPracticeAdherence:
    async def test_of_nothing_assigned_is_no_share(self, practice: Practice) -> None:
        await practice.log(a_log())
        found = await practice.adherence(7)

        assert found["total"] == {"windows": 0, "assigned": 0, "done": 0, "beside": 0, "share": None}
        assert (found["assignments"], found["logs"], found["minutes"], found["minutes_n"]) == ([], 1, 12, 1)

    async def test_counts_what_was_done_on_days_that_are_over(self, practice: Practice) -> None:
        await practice.assign(4, practice=[an_assignment(starts_on=practice.day(4))])
        for ago, minutes in ((4, 10), (2, None), (2, 5)):
            await practice.log(a_log(assignment_id=ASSIGNMENT, done_at=practice.at(ago), minutes=minutes))
        found = await practice.adherence(7)

        assert found["total"] == {"windows": 4, "assigned": 4, "done": 2, "beside": 1, "share": 0.5}
        (it,) = found["assignments"]
        assert it["assignment_id"] == ASSIGNMENT
        assert it["open_window"]["first_day"] == it["open_window"]["last_day"] == practice.day(0)
        assert (it["open_window"]["assigned"], it["open_window"]["done"]) == (1, 0)
        assert (found["logs"], found["minutes"], found["minutes_n"]) == (3, 15, 2)

    async def test_ends_with_the_care(self, practice: Practice) -> None:
        await practice.assign(5, practice=[an_assignment(starts_on=practice.day(5))])
        await practice.assign(2, 1, phase="withdrawn", practice=[an_assignment(starts_on=practice.day(5))])
        found = await practice.adherence(7)

        assert found["total"]["assigned"] == 3  # five, four and three days ago
        assert found["assignments"][0]["open_window"] is None

    @pytest.mark.parametrize("span", [(0, 1), (400, 0)])
    async def test_asks_about_a_year_at_most_and_forwards(self, practice: Practice, span: tuple[int, int]) -> None:
        first, last = practice.day(span[0]), practice.day(span[1])
        refused = await practice.patient.get(f"/v1/me/practice-adherence?from={first}&to={last}")

        assert refused.status_code == 422
