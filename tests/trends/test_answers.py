"""The answers written by hand are exactly those that the schemas promise, and the numbers those of another library."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx2
import pandas as pd
import pytest

from app.trends import schemas
from tests.factories import an_id
from tests.trends.history import History, on
from tests.trends.shapes import kept

pytestmark = pytest.mark.anyio

OCTOBER = {"from": "2026-10-01", "to": "2026-11-10", "measure": "craving"}
ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Auckland"]


class TestShapes:
    @pytest.mark.parametrize("bucket", ["raw", "hour", "day", "week"])
    @pytest.mark.parametrize("full", [True, False])
    async def test_of_trends_are_the_promised_ones(
        self, as_patient: httpx2.AsyncClient, history: History, *, bucket: str, full: bool
    ) -> None:
        if full:
            await history.dose(on(8, month=10))
            await history.appointment(on(9, month=10))
            await history.reports("used", [(on(day, month=10), day % 2) for day in (2, 3, 4, 5, 6, 7, 9, 10, 20, 21)])

        answer = await as_patient.get("/v1/me/trends", params=OCTOBER | {"bucket": bucket, "measure": "used"})

        assert kept(answer.json(), schemas.Trend) == []
        assert (answer.json()["slope"] is not None) is full

    @pytest.mark.parametrize("full", [True, False])
    async def test_of_dose_aligned_trends_are_the_promised_ones(
        self, as_patient: httpx2.AsyncClient, history: History, *, full: bool
    ) -> None:
        await history.dose(on(8, month=10))
        if full:
            values = [(on(day, month=10), 8 if day < 8 else 3) for day in (5, 6, 7, 9, 10, 11)]
            await history.reports("craving", values)

        answer = await as_patient.get("/v1/me/trends/dose-aligned", params=OCTOBER)

        assert kept(answer.json(), schemas.DoseAlignedTrend) == []
        assert (answer.json()["sessions"][0]["nadir"] is not None) is full


class TestNumbers:
    async def test_of_local_days_are_those_of_pandas(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        rng = random.Random(20261025)
        frames = []
        for zone in ZONES:
            start = datetime(2026, 10, 10, tzinfo=UTC)
            values = [(start + timedelta(seconds=rng.randrange(86_400 * 24)), rng.randrange(11)) for _ in range(60)]
            await history.reports("craving", values, time_zone=zone)
            local = [at.astimezone(ZoneInfo(zone)).date().isoformat() for at, _ in values]
            frames.append(pd.DataFrame({"day": local, "value": [value for _, value in values]}))
        expected = pd.concat(frames).groupby("day")["value"].agg(["mean", "min", "max", "count"])

        points = (await as_patient.get("/v1/me/trends", params=OCTOBER)).json()["points"]

        assert [point["local_day"] for point in points] == list(expected.index)
        for point, (_, row) in zip(points, expected.iterrows(), strict=True):
            assert point["mean"] == pytest.approx(row["mean"])
            assert (point["min"], point["max"], point["n"]) == (row["min"], row["max"], row["count"])

    async def test_are_whole_where_the_values_are(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(2, month=10), 7)])

        for bucket in ("raw", "day"):
            text = (await as_patient.get("/v1/me/trends", params=OCTOBER | {"bucket": bucket})).text
            assert "7.0" not in text

    async def test_write_an_instant_as_the_check_in_does(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        report = {
            "recorded_at": "2026-10-05T23:59:59.999999+02:00",
            "time_zone": "Europe/Berlin",
            "responses": [{"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}}],
        }
        check_in = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=report)
        answer = await as_patient.get("/v1/me/trends", params=OCTOBER | {"measure": "mood", "bucket": "raw"})

        assert answer.json()["points"] == [{"at": "2026-10-05T21:59:59.999Z", "value": 4}]
        assert check_in.json()["recorded_at"] == answer.json()["points"][0]["at"]


class TestSize:
    async def test_of_nine_hundred_values_stays_small(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(1) + timedelta(hours=2 * n), n % 10) for n in range(900)])

        answer = await as_patient.get(
            "/v1/me/trends", params={"measure": "craving", "bucket": "raw", "from": "2026-09-01", "to": "2026-11-20"}
        )

        body = answer.json()
        assert body["n"] == len(body["points"]) == 900
        assert len(json.dumps(body["points"], separators=(",", ":"))) < 40_000
        assert len(answer.content) < 42_000


def test_an_idle_server_does_not_load_numpy() -> None:
    loaded = "import app.trends.routes, sys; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
