"""What the patients of the demo clinic told, and what becomes of it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_ins.models import CheckIn, CheckInVersion, Observation
from app.core.db import Database
from app.timeline.models import TimelineMoment
from tests.demo.filled import NOW, SignedIn, patient_id

PERIOD = {"from": "2026-03-29", "to": "2026-06-21"}


async def trend(client: httpx2.AsyncClient, measure: str, **query: str) -> dict[str, Any]:
    answer = await client.get("/v1/me/trends", params={"measure": measure, **PERIOD, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestStories:
    @pytest.mark.parametrize(
        ("key", "measure", "label"),
        [
            ("sam.rivers", "craving", "improved"),
            ("sam.rivers", "mood", "improved"),
            ("selin", "craving", "unchanged"),
            ("selin", "mood", "unchanged"),
            ("viktor", "craving", "unchanged"),
            ("viktor", "mood", "improved"),
            ("jonas", "craving", "unchanged"),
        ],
    )
    async def test_are_what_the_trends_say(self, signed_in: SignedIn, key: str, measure: str, label: str) -> None:
        assert (await trend(signed_in(key), measure))["change"]["label"] == label

    async def test_a_lapse_after_week_six_is_seen(self, signed_in: SignedIn) -> None:
        weeks = await trend(signed_in("tomasz"), "craving", bucket="week")
        means = [point["mean"] for point in weeks["points"]]

        assert max(means[6:9]) > min(means[3:6]) + 2

    async def test_a_zero_baseline_has_no_percentage(self, signed_in: SignedIn) -> None:
        found = await trend(signed_in("luis"), "craving")

        assert found["baseline"]["value"] == 0
        assert found["change"]["percent"] is None

    async def test_a_newcomer_has_too_little_for_a_baseline(self, signed_in: SignedIn) -> None:
        found = await trend(signed_in("noor"), "craving")

        assert len(found["points"]) > 6
        assert [missing["statistic"] for missing in found["insufficient_data"]] == ["baseline"]

    async def test_short_relief_is_shorter_than_the_responders(self, signed_in: SignedIn) -> None:
        medians = {}
        for key in ("jonas", "sam.rivers"):
            answer = await signed_in(key).get("/v1/me/trends/dose-aligned", params={"measure": "craving", **PERIOD})
            medians[key] = answer.json()["summary"]["median_relief_minutes"]

        assert medians["jonas"] < 60 * 24 * 3 < medians["sam.rivers"]

    async def test_two_substances_need_one_to_be_named(self, signed_in: SignedIn) -> None:
        aylin = signed_in("aylin")
        unnamed = await aylin.get("/v1/me/trends", params={"measure": "craving", **PERIOD})
        levels = [
            (await trend(aylin, "craving", substance=substance))["baseline"]["value"]
            for substance in ("alcohol", "cocaine")
        ]

        assert (unnamed.status_code, unnamed.json()["code"]) == (422, "substance_required")
        assert levels[0] > levels[1] + 1

    async def test_gaps_are_left_where_check_ins_were_missed(self, signed_in: SignedIn) -> None:
        assert (await trend(signed_in("ines"), "craving"))["gaps"]
        assert not (await trend(signed_in("lotte"), "craving"))["gaps"]


class TestArrival:
    async def test_every_check_in_says_when_it_really_arrived(self, db: Database) -> None:
        rows = (
            await db.execute(
                sa.select(CheckIn.recorded_at, CheckIn.received_at, CheckIn.clock_suspect).where(
                    CheckIn.origin != "imported"
                )
            )
        ).all()
        late = [row for row in rows if row.received_at - row.recorded_at > timedelta(hours=12)]

        assert len(rows) > 2500
        assert all(row.received_at <= NOW for row in rows)
        assert all(row.received_at >= row.recorded_at for row in rows if not row.clock_suspect)
        assert len(late) > 100

    async def test_a_clock_ahead_is_shown_but_in_no_statistic(self, db: Database) -> None:
        suspect = sa.select(CheckIn.id).where(CheckIn.clock_suspect)
        counted = await db.scalar(sa.select(sa.func.count()).where(Observation.check_in_id.in_(suspect)))
        kept = (await db.scalars(suspect)).all()

        assert len(kept) > 5
        assert counted == 0

    async def test_what_an_old_app_sent_is_in_quarantine(self, signed_in: SignedIn, sign_ins: dict[str, Any]) -> None:
        pavel = patient_id("pavel", sign_ins)
        answer = await signed_in("nurse").get(f"/v1/patients/{pavel}/quarantined-check-ins")

        assert answer.status_code == 200
        assert len(answer.json()["items"]) == 1

    async def test_days_abroad_are_days_there(self, db: Database) -> None:
        zones = Counter(await db.scalars(sa.select(CheckIn.time_zone).where(CheckIn.origin == "patient")))

        assert zones["America/New_York"] > 8
        assert set(zones) == {"America/New_York", "Europe/Berlin"}


class TestLinks:
    async def test_are_made_by_the_phone_by_time_and_by_a_clinician(self, db: Database) -> None:
        how = Counter(await db.scalars(sa.select(TimelineMoment.how)))

        assert how["time"] > 1000
        assert how["client"] > 200
        assert how["clinician"] == 1

    async def test_a_correction_keeps_the_earlier_answers(self, db: Database) -> None:
        assert await db.scalar(sa.select(sa.func.count()).select_from(CheckInVersion)) == 1
