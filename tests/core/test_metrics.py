"""The page for Prometheus: who may read it, what it counts, and what it never says."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics, scraping
from app.core.db import Database
from app.core.metrics import Counter, Gauge, Histogram
from app.core.settings import Settings
from tests.core.conftest import CANARY
from tests.core.test_requests import assert_problem
from tests.factories import a_report, an_id

TOKEN = "a-token-of-prometheus-0123456789"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def figures(text: str) -> Figures:
    """Every sample, as Prometheus' own parser reads it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(found: Figures, name: str, **labels: str) -> float:
    """One sample; 0 if there is none."""
    return found.get((name, frozenset(labels.items())), 0)


@pytest.fixture
def watched(app: FastAPI, settings: Settings) -> FastAPI:
    """The application with a token for Prometheus."""
    app.state.settings = settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    return app


@pytest.fixture
def prometheus(watched: FastAPI, new_client: Callable[..., httpx2.AsyncClient]) -> httpx2.AsyncClient:
    """Who knows the token."""
    return new_client(TOKEN)


async def asked(prometheus: httpx2.AsyncClient) -> Figures:
    answer = await prometheus.get("/metrics")
    assert answer.status_code == 200
    return figures(answer.text)


class TestWhoMayRead:
    async def test_nobody_where_no_token_is_set(self, new_client: Callable[..., httpx2.AsyncClient]) -> None:
        for caller in (new_client(), new_client(TOKEN), new_client("None")):
            assert_problem(await caller.get("/metrics"), 404)

    @pytest.mark.parametrize(
        "sent",
        [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", f"Basic {TOKEN}", TOKEN,
         "Bearer t\u00f6ken", f"Bearer {TOKEN.upper()}"],
    )  # fmt: skip
    async def test_nobody_who_does_not_send_it(
        self, watched: FastAPI, new_client: Callable[..., httpx2.AsyncClient], sent: str | None
    ) -> None:
        headers: Any = {} if sent is None else {"authorization": sent.encode("latin-1")}

        answer = await new_client(**headers).get("/metrics")

        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_no_person_who_is_signed_in(self, watched: FastAPI, as_prescriber: httpx2.AsyncClient) -> None:
        assert_problem(await as_prescriber.get("/metrics"), 401)

    async def test_who_sends_it_reads_what_prometheus_can_parse(self, prometheus: httpx2.AsyncClient) -> None:
        answer = await prometheus.get("/metrics")

        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert "ratelimit" not in answer.headers
        assert {family.name for family in text_string_to_metric_families(answer.text)} >= {
            "afterglow_http_requests",
            "afterglow_http_request_seconds",
            "afterglow_webhook_attempts",
            "afterglow_webhook_lag_seconds",
            "afterglow_audit_lag_seconds",
            "afterglow_database_up",
            "process_resident_memory_bytes",
        }

    @pytest.mark.parametrize("token", ["", "short", "x" * 23])
    def test_a_short_token_is_refused(self, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
        monkeypatch.setenv("AFTERGLOW_METRICS_TOKEN", token)

        with pytest.raises(ValidationError, match="metrics_token"):
            Settings()

    def test_the_token_may_be_in_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
        monkeypatch.setenv("AFTERGLOW_METRICS_TOKEN_FILE", str(tmp_path / "token"))

        token = Settings().metrics_token

        assert token is not None
        assert token.get_secret_value() == TOKEN
        assert TOKEN not in repr(Settings())


class TestRequests:
    async def test_are_counted_by_template_method_and_kind_of_answer(
        self, prometheus: httpx2.AsyncClient, as_patient: httpx2.AsyncClient
    ) -> None:
        route, before = "/v1/me/check-ins/{check_in_id}", await asked(prometheus)
        for body in (a_report(), {}):
            await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=body)
        after = await asked(prometheus)

        for status in ("2xx", "4xx"):
            name, labels = "afterglow_http_requests_total", {"route": route, "method": "PUT", "status": status}
            assert one(after, name, **labels) - one(before, name, **labels) == 1
        count = "afterglow_http_request_seconds_count"
        assert one(after, count, route=route, method="PUT") - one(before, count, route=route, method="PUT") == 2
        assert one(after, "afterglow_http_request_seconds_sum", route=route, method="PUT") > 0

    async def test_nothing_that_was_sent_becomes_a_label(
        self, prometheus: httpx2.AsyncClient, unchecked: httpx2.AsyncClient, as_patient: httpx2.AsyncClient
    ) -> None:
        """Neither an id nor a made-up address or method: who could add labels could fill the memory with them."""
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report(note=CANARY))
        for method, address in (("GET", f"/{CANARY}"), (CANARY, "/healthz"), ("GET", f"/docs/page/{CANARY}")):
            await unchecked.request(method, address, params={"q": CANARY}, headers={"x-request-id": CANARY})

        text = (await prometheus.get("/metrics")).text
        assert CANARY not in text
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)
        assert 'route="(no route)"' in text
        assert 'method="other"' in text

    async def test_one_that_gets_no_answer_is_counted_too(self) -> None:
        metrics.request_ended("/gone", "GET", 0, 0.1)

        found = figures(metrics.text([]).decode())
        assert one(found, "afterglow_http_requests_total", route="/gone", method="GET", status="none") == 1


class TestFigures:
    @pytest.fixture(autouse=True)
    def _apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metrics, "_counted", [])

    def test_a_counter_begins_at_what_is_known(self) -> None:
        counter = Counter("things", "Things.", ("kind",), known=[("a",), ("b",)])
        counter.add("a")
        counter.add("c")

        found = figures(metrics.text([]).decode())
        assert [one(found, "things_total", kind=kind) for kind in "abc"] == [1, 0, 1]
        assert ("things_total", frozenset({("kind", "b")})) in found

    def test_a_histogram_has_cumulative_buckets(self) -> None:
        histogram = Histogram("took", "Took.", (), bounds=(0.1, 1.0))
        for seconds in (0.05, 0.1, 0.5, 7.0):
            histogram.add(seconds)

        found = figures(metrics.text([]).decode())
        assert [one(found, "took_bucket", le=bound) for bound in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
        assert one(found, "took_count") == 4
        assert one(found, "took_sum") == pytest.approx(7.65)

    def test_a_gauge_is_as_it_was_read(self) -> None:
        found = figures(metrics.text([Gauge("lag", "Lag.", ("of",), {("x",): 1.5})]).decode())

        assert one(found, "lag", of="x") == 1.5


class TestReadings:
    async def test_a_database_that_is_away_is_a_figure(self, prometheus: httpx2.AsyncClient, watched: FastAPI) -> None:
        assert one(await asked(prometheus), "afterglow_database_up") == 1
        watched.state.engine = None

        found = await asked(prometheus)

        assert one(found, "afterglow_database_up") == 0
        assert any(name == "afterglow_http_requests_total" for name, _ in found)

    async def test_the_audit_says_how_far_behind_it_is(
        self, prometheus: httpx2.AsyncClient, as_patient: httpx2.AsyncClient
    ) -> None:
        await as_patient.get("/v1/me")
        await asyncio.sleep(0.01)

        found = await asked(prometheus)

        assert one(found, "afterglow_audit_unsealed_entries") >= 1
        assert one(found, "afterglow_audit_lag_seconds") >= 0.01

    async def test_costs_a_handful_of_statements(
        self, prometheus: httpx2.AsyncClient, queries: list[str], engine: AsyncEngine, db: Database
    ) -> None:
        queries.clear()

        await prometheus.get("/metrics")

        assert len(queries) <= 6, queries


class TestLoading:
    def test_the_libraries_are_loaded_when_somebody_asks(self) -> None:
        """Metrics take 2 MB, calendar feeds a tenth of a second; most processes of a small clinic need neither."""
        loaded = "import sys, app.main; sys.exit(not {'prometheus_client', 'icalendar'}.isdisjoint(sys.modules))"

        assert (
            subprocess.run(
                [sys.executable, "-c", loaded], check=False, cwd=Path(scraping.__file__).parents[2]
            ).returncode
            == 0
        )
