"""How patients keep up with what they are asked for: counted, and never made a value of."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from app.check_in_plans.adherence import gather
from app.core import clock
from app.core.db import Database
from tests.cast import Cast
from tests.check_in_plans.asked import HOUR, a_due_check_in, answer

NewClient = Callable[..., httpx2.AsyncClient]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PATH = "/v1/me/adherence"


def asked(state: str, answered: timedelta | None = None, **but: Any) -> SimpleNamespace:
    moments = {"opens_at": NOON - HOUR, "due_at": NOON, "closes_at": NOON + HOUR, "shown_at": None}
    answered_at = None if answered is None else NOON + answered
    return SimpleNamespace(**moments | {"state": state, "answered_at": answered_at, "instruments": ["mood_nrs"]} | but)


class TestGather:
    @pytest.mark.parametrize(
        ("rows", "completed", "late", "missed", "percent"),
        [
            ([], 0, 0, 0, None),
            ([asked("answered", HOUR)], 1, 0, 0, 100),
            ([asked("answered", -2 * HOUR)], 1, 0, 0, 100),
            ([asked("answered", HOUR + timedelta(microseconds=1))], 0, 1, 0, 0),
            ([asked("missed")], 0, 0, 1, 0),
            ([asked("cancelled"), asked("waiting")], 0, 0, 0, None),
            ([asked("answered", HOUR), asked("answered", 2 * HOUR), asked("missed"), asked("missed")], 1, 1, 2, 25),
        ],
    )
    def test_keeps_late_apart_and_leaves_out_what_waits_or_was_withdrawn(
        self, rows: list[Any], completed: int, late: int, missed: int, percent: float | None
    ) -> None:
        found = gather(rows).total

        assert (found.completed, found.late, found.missed, found.percent) == (completed, late, missed, percent)
        assert found.due == completed + late + missed

    def test_counts_by_instrument_and_what_was_missed_though_it_was_shown(self) -> None:
        found = gather(
            [
                asked("answered", timedelta(), instruments=["craving_nrs", "mood_nrs"]),
                asked("missed", shown_at=NOON, instruments=["craving_nrs"]),
                asked("missed"),
            ]
        )

        assert {key: (each.completed, each.missed) for key, each in found.instruments.items()} == {
            "craving_nrs": (1, 1),
            "mood_nrs": (1, 1),
        }
        assert found.missed_shown == 1

    @pytest.mark.parametrize(("hours", "middle"), [([], None), ([2], 120), ([-1, 3], 60), ([0, 1, 48], 60)])
    def test_tells_how_long_an_answer_took_and_nothing_of_what_has_none(
        self, hours: list[int], middle: float | None
    ) -> None:
        rows = [asked("answered", hour * HOUR) for hour in hours]

        assert gather([*rows, asked("missed")]).median_minutes_to_answer == middle


class TestRoutes:
    @pytest.fixture
    def noon(self) -> datetime:
        return clock.now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)

    @pytest.fixture
    async def week(self, db: Database, cast: Cast, noon: datetime) -> None:
        """Of the days before: answered, late, missed, missed, withdrawn, and one that waits for tomorrow."""
        day = timedelta(days=1)
        for ago, state, late in ((1, "answered", 0), (2, "answered", 2), (3, "missed", 0), (40, "missed", 0)):
            at = noon - ago * day
            answered_at = at + late * HOUR if state == "answered" else None
            a_due_check_in(db, cast, at, state=state, answered_at=answered_at)
        a_due_check_in(db, cast, noon - day, state="cancelled")
        a_due_check_in(db, cast, noon + day)

    @pytest.mark.usefixtures("week")
    async def test_show_the_patient_and_their_team_the_same(self, new_client: NewClient, cast: Cast) -> None:
        own = (await new_client(cast.patient.token).get(PATH)).json()
        team = (await new_client(cast.therapist.token).get(f"/v1/patients/{cast.patient_id}/adherence")).json()

        assert own == team
        assert own["total"] == {"due": 3, "completed": 1, "late": 1, "missed": 1, "percent": pytest.approx(100 / 3)}
        assert [each["instrument"] for each in own["instruments"]] == ["craving_nrs", "mood_nrs"]
        assert (own["missed_shown"], own["median_minutes_to_answer"], own["time_zone"]) == (0, 60, "Europe/Berlin")

    @pytest.mark.usefixtures("week")
    async def test_count_the_days_asked_for(self, new_client: NewClient, cast: Cast, noon: datetime) -> None:
        client = new_client(cast.patient.token)

        async def counted(first: int | None, last: int | None) -> tuple[int, str, str]:
            ends = {"from": first, "to": last}
            days = {
                name: (noon - timedelta(days=ago)).date().isoformat() for name, ago in ends.items() if ago is not None
            }
            found = await client.get(PATH, params=days)
            assert found.status_code == 200, found.text
            return found.json()["total"]["due"], found.json()["from"], found.json()["to"]

        today = noon.date()
        assert await counted(2, 1) == (2, str(today - timedelta(days=2)), str(today - timedelta(days=1)))
        assert await counted(60, None) == (4, str(today - timedelta(days=60)), str(today))
        assert await counted(None, 20) == (1, str(today - timedelta(days=47)), str(today - timedelta(days=20)))
        assert await counted(0, 0) == (0, str(today), str(today))

    @pytest.mark.parametrize(
        ("days", "code"),
        [
            ({"from": "2026-11-02", "to": "2026-11-01"}, "after_to"),
            ({"from": "2025-01-01", "to": "2026-01-02"}, "period_too_long"),
            ({"from": "2026-13-01"}, "day_format"),
        ],
    )
    async def test_refuse_days_that_make_no_period(
        self, new_client: NewClient, cast: Cast, days: dict[str, str], code: str
    ) -> None:
        answer = await new_client(cast.patient.token).get(PATH, params=days)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)

    async def test_change_with_the_record_and_never_by_themselves(
        self, db: Database, new_client: NewClient, cast: Cast, noon: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, noon - timedelta(days=1), state="missed")
        client = new_client(cast.patient.token)
        before = await client.get(PATH)
        tag = {"if-none-match": before.headers["etag"]}
        assert (await client.get(PATH, headers=tag)).status_code == 304
        await answer(client, due_id, noon - timedelta(days=1))
        after = await client.get(PATH, headers=tag)

        assert [each.json()["total"]["percent"] for each in (before, after)] == [0, 100]
