"""What a clinician and the patient read of the therapy after a dose."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.dosing.models import DosingSession
from tests.cast import Cast
from tests.factories import an_id
from tests.integration.care import Care

DOSE = datetime(2026, 11, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
Clients = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def care(db: Database, cast: Cast) -> Care:
    return Care(db, cast)


@pytest.fixture
def therapist(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.therapist.token)


@pytest.fixture
def me(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


class TestReadIntegrationWindow:
    async def test_tells_what_was_offered_and_attended_in_each_window(
        self, therapist: httpx2.AsyncClient, care: Care
    ) -> None:
        session = await care.dose(DOSE)
        missed = await care.therapy(DOSE + 3 * HOUR, status="noshow", attendance="no_show")
        talk = await care.therapy(DOSE + 28 * HOUR, attended_minutes=45)
        await care.therapy(DOSE + 30 * HOUR, kind="medical_review")
        await care.therapy(DOSE + 31 * HOUR, kind="twelve_step")
        await care.therapy(DOSE + 32 * HOUR, whose=care.cast.other_patient)

        with clock.told(DOSE + 80 * HOUR):
            answer = await therapist.get(f"/v1/dosing-sessions/{session}/integration-window")

        body = answer.json()
        assert answer.status_code == 200
        assert [(each["key"], each["state"], each["offered"], each["attended"]) for each in body["windows"]] == [
            ("first", "over", 1, 0), ("second", "over", 1, 1), ("third", "open", 0, 0),
        ]  # fmt: skip
        assert body["windows"][1]["starts_at"] == "2026-11-03T10:00:00.000Z"
        assert body["windows"][0]["appointments"][0]["id"] == str(missed)
        assert body["windows"][1]["appointments"] == [
            {
                "id": str(talk), "kind": "cbt", "format": "individual", "scheduled_at": "2026-11-03T14:00:00.000Z",
                "minutes_from_dose": 1680, "status": "fulfilled", "attendance": "attended", "attended_minutes": 45,
                "offered": True,
            }
        ]  # fmt: skip
        assert (body["outcome"], body["therapy_within_hours"], body["minutes_to_first_attended"]) == (
            "attended", 72, 1680,
        )  # fmt: skip

    async def test_says_that_nothing_is_decided_while_there_is_time(
        self, therapist: httpx2.AsyncClient, care: Care
    ) -> None:
        session = await care.dose(DOSE)
        await care.therapy(DOSE + 3 * HOUR, status="booked", attendance=None)

        with clock.told(DOSE + 5 * HOUR):
            body = (await therapist.get(f"/v1/dosing-sessions/{session}/integration-window")).json()

        assert (body["outcome"], body["first_attended_at"], body["windows"][0]["not_recorded"]) == ("waiting", None, 1)

    async def test_goes_by_the_figures_that_the_clinic_signed(
        self, therapist: httpx2.AsyncClient, care: Care, new_client: Clients, cast: Cast
    ) -> None:
        figures = {"integration": {"first_until_hours": 12, "therapy_within_hours": 48}}
        signed = await new_client(cast.prescriber.token).put(
            "/v1/protocol", json={"figures": figures, "reason": "Earlier."}, headers={"if-match": '"1"'}
        )
        assert signed.status_code == 200, signed.text
        session = await care.dose(DOSE)

        body = (await therapist.get(f"/v1/dosing-sessions/{session}/integration-window")).json()
        assert [each["until_hours"] for each in body["windows"]] == [12, 72, 168]
        assert (body["therapy_within_hours"], body["outcome"]) == (48, "not_offered")

    async def test_of_a_session_without_a_dose_there_is_none(self, therapist: httpx2.AsyncClient, care: Care) -> None:
        session = await care.dose(None)

        answer = await therapist.get(f"/v1/dosing-sessions/{session}/integration-window")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_dose")

    async def test_moves_with_the_begin_of_the_dose(
        self, therapist: httpx2.AsyncClient, care: Care, db: Database
    ) -> None:
        session = await care.dose(DOSE)
        await care.therapy(DOSE + 24 * HOUR)
        path = f"/v1/dosing-sessions/{session}/integration-window"
        before = (await therapist.get(path)).json()
        await db.execute(sa.update(DosingSession).values(dose_started_at=DOSE + HOUR))
        after = (await therapist.get(path)).json()

        assert [[each["attended"] for each in body["windows"]] for body in (before, after)] == [[0, 1, 0], [1, 0, 0]]

    async def test_other_peoples_patients_are_not_there(
        self, new_client: Clients, therapist: httpx2.AsyncClient, care: Care, cast: Cast
    ) -> None:
        session = await care.dose(DOSE, whose=cast.other_patient)

        for path in (f"/v1/dosing-sessions/{session}/{what}" for what in ("integration-window", "summary")):
            assert (await therapist.get(path)).status_code == 404
            assert (await new_client(cast.coordinator.token).get(path)).status_code == 403

    async def test_is_not_sent_again_within_the_minute(self, therapist: httpx2.AsyncClient, care: Care) -> None:
        path = f"/v1/dosing-sessions/{await care.dose(DOSE)}/integration-window"
        with clock.told(DOSE):
            tag = (await therapist.get(path)).headers["etag"]
            same = await therapist.get(path, headers={"if-none-match": tag})
        with clock.told(DOSE + 24 * HOUR):
            later = await therapist.get(path, headers={"if-none-match": tag})

        assert (same.status_code, later.status_code) == (304, 200)
        assert [each["state"] for each in later.json()["windows"]] == ["over", "open", "ahead"]


class TestListIntegrationWindows:
    async def test_lists_the_newest_dose_first_in_two_statements(
        self, me: httpx2.AsyncClient, care: Care, queries: list[str]
    ) -> None:
        first, second = await care.dose(DOSE), await care.dose(DOSE + 96 * HOUR)
        await care.dose(None)
        await care.dose(DOSE, whose=care.cast.other_patient)
        await care.therapy(DOSE + 100 * HOUR)
        await me.get("/v1/me/integration-windows")
        queries.clear()

        items = (await me.get("/v1/me/integration-windows")).json()["items"]

        assert [each["dosing_session_id"] for each in items] == [str(second), str(first)]
        assert [[window["attended"] for window in each["windows"]] for each in items] == [[1, 0, 0], [0, 0, 1]]
        assert len([each for each in queries if "appointments" in each or "dose_started_at" in each]) == 2

    async def test_goes_on_from_page_to_page(
        self, therapist: httpx2.AsyncClient, care: Care, cast: Cast, me: httpx2.AsyncClient
    ) -> None:
        doses = [await care.dose(DOSE + number * 24 * HOUR) for number in (0, 1, 1, 2, 3)]
        path, seen, cursor = f"/v1/patients/{cast.patient_id}/integration-windows", [], None
        while True:
            page = (await therapist.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [each["dosing_session_id"] for each in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert sorted(seen) == sorted(map(str, doses))
        assert (seen[0], seen[-1]) == (str(doses[-1]), str(doses[0]))
        cursor = (await therapist.get(path, params={"limit": 2})).json()["next_cursor"]
        assert (await me.get("/v1/me/integration-windows", params={"cursor": cursor})).status_code == 200
        asked = {"cursor": cursor, "from": "2026-01-01T00:00:00Z"}
        assert (await therapist.get(path, params=asked)).status_code == 400

    async def test_a_cursor_of_another_patient_is_refused(
        self, me: httpx2.AsyncClient, new_client: Clients, care: Care, cast: Cast
    ) -> None:
        for number in range(2):
            await care.dose(DOSE + number * 24 * HOUR)
        cursor = (await me.get("/v1/me/integration-windows", params={"limit": 1})).json()["next_cursor"]
        other = new_client(cast.other_patient.token)

        answer = await other.get("/v1/me/integration-windows", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    async def test_lists_the_doses_of_a_span_of_time(self, me: httpx2.AsyncClient, care: Care) -> None:
        await care.dose(DOSE)
        inside = await care.dose(DOSE + 24 * HOUR)
        await care.dose(DOSE + 48 * HOUR)
        asked = {"from": "2026-11-02T10:00:01Z", "to": "2026-11-04T10:00:00Z"}

        items = (await me.get("/v1/me/integration-windows", params=asked)).json()["items"]
        assert [each["dosing_session_id"] for each in items] == [str(inside)]

    async def test_without_a_dose_there_is_nothing(self, me: httpx2.AsyncClient) -> None:
        assert (await me.get("/v1/me/integration-windows")).json() == {"items": [], "next_cursor": None}


class TestReadSessionSummary:
    async def test_puts_a_session_on_one_page(
        self, therapist: httpx2.AsyncClient, care: Care, db: Database, cast: Cast
    ) -> None:
        session = await care.dose(DOSE)
        await care.therapy(DOSE + 28 * HOUR)
        for point, hours, state in (("plus_24h", 24, "answered"), ("plus_72h", 72, "waiting")):
            due_at = DOSE + hours * HOUR
            db.add(
                DueCheckIn(
                    clinic_id=cast.clinic.id,
                    patient_id=cast.patient.patient_id,
                    id=an_id(),
                    dosing_session_id=session,
                    time_point=point,
                    minutes_from_dose=hours * 60,
                    opens_at=due_at - HOUR,
                    due_at=due_at,
                    closes_at=due_at + HOUR,
                    instruments=["craving_nrs"],
                    state=state,
                    answered_at=due_at if state == "answered" else None,
                    revision=1,
                )
            )
        db.add_all(care.alert(session, status) for status in ("open", "resolved"))
        db.add(care.adverse_event(session))

        with clock.told(DOSE + 74 * HOUR):
            answer = await therapist.get(f"/v1/dosing-sessions/{session}/summary")

        body: dict[str, Any] = answer.json()
        assert answer.status_code == 200, answer.text
        assert (body["dosing_session_id"], body["status"], body["dose_mg"]) == (str(session), "closed", 60)
        assert [(each["time_point"], each["state"]) for each in body["check_ins"]] == [
            ("plus_24h", "answered"), ("plus_72h", "missed"),
        ]  # fmt: skip
        assert (body["alerts"], body["adverse_events"]) == ({"raised": 2, "open": 1}, 1)
        assert body["integration"]["outcome"] == "attended"

    async def test_before_the_dose_it_says_so(self, therapist: httpx2.AsyncClient, care: Care) -> None:
        body = (await therapist.get(f"/v1/dosing-sessions/{await care.dose(None)}/summary")).json()

        assert (body["dose_started_at"], body["integration"], body["check_ins"]) == (None, None, [])
        assert (body["alerts"], body["adverse_events"]) == ({"raised": 0, "open": 0}, 0)
