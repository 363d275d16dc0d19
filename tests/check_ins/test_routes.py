"""Check-ins through the front door."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.check_ins.models import CheckIn, CheckInVersion, Observation, QuarantinedSubmission
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from tests.factories import Person, a_report, an_id

pytestmark = pytest.mark.anyio


async def rows(db: Database, model: Any) -> list[Any]:
    return list((await db.scalars(sa.select(model))).all())


class TestSubmitCheckIn:
    async def test_stores_scores_and_tells(self, as_patient: httpx2.AsyncClient, patient: Person, db: Database) -> None:
        check_in_id = an_id()

        answer = await as_patient.put(f"/v1/me/check-ins/{check_in_id}", json=a_report())

        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["id"] == str(check_in_id)
        assert [score["total"] for score in body["scores"]] == [7, 4]
        assert body["link"] == {
            "dosing_session_id": None, "appointment_id": None, "phase": None, "minutes_from_dose": None, "how": None,
        }  # fmt: skip
        assert answer.headers["etag"].removeprefix("W/") == '"1"'  # weak, since so long an answer is compressed
        stored = {(row.measure, row.substance): row.value for row in await rows(db, Observation)}
        assert stored == {
            ("craving", "alcohol"): 7,
            ("craving_peak", "alcohol"): 9,
            ("craving_resist", "alcohol"): 4,
            ("mood", ""): 4,
        }
        (event,) = [event for event in await rows(db, OutboxEvent) if event.type == "check_in.recorded"]
        assert event.subject_id == check_in_id
        (entry,) = [e for e in await rows(db, AuditEntry) if e.operation == "submit_check_in"]
        assert (entry.patient_id, entry.outcome, entry.subject_id) == (patient.patient_id, "allowed", check_in_id)
        (revision,) = await rows(db, PatientRevision)
        assert revision.revision == 1

    async def test_answers_the_same_to_the_same_report(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        address, report = f"/v1/me/check-ins/{an_id()}", a_report()

        first = await as_patient.put(address, json=report)
        second = await as_patient.put(address, json=report)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert len(await rows(db, CheckIn)) == 1
        assert len([e for e in await rows(db, OutboxEvent) if e.type == "check_in.recorded"]) == 1

    async def test_refuses_other_answers_under_a_used_id(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        report = a_report()
        await as_patient.put(address, json=report)

        answer = await as_patient.put(address, json=report | {"note": "another"})

        assert answer.status_code == 409
        assert answer.json()["code"] == "check_in_conflict"
        assert (await rows(db, CheckIn))[0].note == "after group"

    async def test_takes_twelve_copies_at_once_as_one(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        address, report = f"/v1/me/check-ins/{an_id()}", a_report()

        answers = await asyncio.gather(*(as_patient.put(address, json=report) for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert len(await rows(db, CheckIn)) == 1
        assert len(await rows(db, Observation)) == 4

    async def test_keeps_the_earlier_version_of_a_correction(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        address, report = f"/v1/me/check-ins/{an_id()}", a_report()
        first = await as_patient.put(address, json=report)
        corrected = report | {"responses": [{"instrument": "mood_nrs", "version": "1", "answers": {"now": 6}}]}

        answer = await as_patient.put(address, json=corrected, headers={"If-Match": first.headers["etag"]})

        assert answer.status_code == 200
        assert (answer.json()["version"], answer.headers["etag"]) == (2, '"2"')
        (kept,) = await rows(db, CheckInVersion)
        assert kept.responses[0]["answers"] == {"now": 7, "peak": 9, "resist": 4}
        assert {row.measure: row.value for row in await rows(db, Observation)} == {"mood": 6}
        versions = await as_patient.get(f"{address}/versions")
        assert [item["version"] for item in versions.json()["items"]] == [1]

    async def test_takes_a_late_copy_of_what_was_corrected_as_known(self, as_patient: httpx2.AsyncClient) -> None:
        address, report = f"/v1/me/check-ins/{an_id()}", a_report()
        await as_patient.put(address, json=report)
        await as_patient.put(address, json=report | {"note": "corrected"}, headers={"If-Match": '"1"'})

        answer = await as_patient.put(address, json=report)

        assert answer.status_code == 200
        assert answer.json()["note"] == "corrected"

    async def test_refuses_a_correction_of_something_old_and_shows_the_newest(
        self, as_patient: httpx2.AsyncClient
    ) -> None:
        address, report = f"/v1/me/check-ins/{an_id()}", a_report()
        await as_patient.put(address, json=report)
        await as_patient.put(address, json=report | {"note": "second"}, headers={"If-Match": '"1"'})

        answer = await as_patient.put(address, json=report | {"note": "third"}, headers={"If-Match": '"1"'})

        assert answer.status_code == 412
        assert answer.json()["current"]["note"] == "second"

    async def test_keeps_a_moment_in_the_future_but_does_not_count_it(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        report = a_report(datetime.now(UTC) + timedelta(days=365))

        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=report)

        assert answer.status_code == 201
        assert answer.json()["clock_suspect"] is True
        assert await rows(db, Observation) == []

    async def test_counts_on_the_day_of_the_patients_own_calendar(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        report = a_report() | {"recorded_at": "2026-11-02T23:30:00-08:00", "time_zone": "America/Los_Angeles"}

        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=report)

        assert {row.local_day.isoformat() for row in await rows(db, Observation)} == {"2026-11-02"}


@pytest.mark.parametrize(
    ("but", "pointer"),
    [
        ({"recorded_at": 1790000000}, "/recorded_at"),
        ({"recorded_at": "2026-11-22T18:30:12"}, "/recorded_at"),
        ({"recorded_at": "2026-11-22"}, "/recorded_at"),
        ({"recorded_at": "1999-12-31T23:59:59Z"}, "/recorded_at"),
        ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
        ({"mood": 4}, "/mood"),
        ({"responses": []}, "/responses"),
        ({"dosing_session_id": str(an_id())}, "/dosing_session_id"),
        ({"appointment_id": str(an_id())}, "/appointment_id"),
    ],
)
async def test_points_at_what_is_wrong_with_a_report(
    as_patient: httpx2.AsyncClient, db: Database, but: dict[str, Any], pointer: str
) -> None:
    report = a_report() | {"note": "CANARY-7f3a"} | but

    answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=report)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "CANARY" not in answer.text
    assert await rows(db, CheckIn) == []


@pytest.mark.parametrize(
    ("response", "pointer"),
    [
        ({"instrument": "no_such", "version": "1", "answers": {"now": 1}}, "/responses/0/instrument"),
        ({"instrument": "mood_nrs", "version": "9", "answers": {"now": 1}}, "/responses/0/version"),
        ({"instrument": "mood_nrs", "version": "1", "answers": {"now": 11}}, "/responses/0/answers/now"),
        ({"instrument": "mood_nrs", "version": "1", "answers": {"later": 1}}, "/responses/0/answers/later"),
        ({"instrument": "mood_nrs", "version": "1", "answers": {"now": False}}, "/responses/0/answers/now"),
        ({"instrument": "mood_nrs", "version": "1", "answers": {"now": "4"}}, "/responses/0/answers/now"),
        ({"instrument": "mood_nrs", "version": "1", "answers": {"now": 4.5}}, "/responses/0/answers/now"),
        ({"instrument": "cows", "version": "1", "answers": {"pulse": 1}}, "/responses/0/instrument"),
        (
            {"instrument": "mood_nrs", "version": "1", "substance": "alcohol", "answers": {"now": 4}},
            "/responses/0/substance",
        ),
        ({"instrument": "ctn_withdrawal", "version": "1", "answers": {"severity": 1}}, "/responses/0/instrument"),
    ],
)
async def test_points_at_what_is_wrong_with_an_answer(
    as_patient: httpx2.AsyncClient, db: Database, response: dict[str, Any], pointer: str
) -> None:
    answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report() | {"responses": [response]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await rows(db, CheckIn) == []


async def test_takes_one_response_to_an_instrument(as_patient: httpx2.AsyncClient, db: Database) -> None:
    mood = {"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}}

    answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report() | {"responses": [mood, mood]})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/responses/1"]
    assert await rows(db, CheckIn) == []


class TestSubmitBatch:
    async def test_gives_a_result_for_each_in_order(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        good, known = a_report() | {"id": str(an_id())}, a_report() | {"id": str(an_id())}
        await as_patient.put(f"/v1/me/check-ins/{known['id']}", json={k: v for k, v in known.items() if k != "id"})
        bad = a_report() | {"id": str(an_id()), "time_zone": "nowhere"}
        unreadable = a_report() | {"id": 7}
        other = known | {"note": "other"}

        answer = await as_patient.post(
            "/v1/me/check-ins/batch", json={"check_ins": [good, known, bad, unreadable, other, good]}
        )

        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [r["outcome"] for r in results] == [
            "created", "unchanged", "invalid", "invalid", "conflict", "unchanged",
        ]  # fmt: skip
        assert [r["id"] for r in results][2:4] == [bad["id"], None]
        assert [row.revision for row in await rows(db, PatientRevision)] == [2]
        assert len(await rows(db, CheckIn)) == 2
        assert len(await rows(db, QuarantinedSubmission)) == 2

    async def test_changes_nothing_when_sent_again(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        batch = {"check_ins": [a_report() | {"id": str(an_id())} for _ in range(100)]}
        batch["check_ins"][17]["responses"] = []
        first = await as_patient.post("/v1/me/check-ins/batch", json=batch)

        second = await as_patient.post("/v1/me/check-ins/batch", json=batch)

        assert [r["outcome"] for r in first.json()["results"]].count("created") == 99
        assert [r["outcome"] for r in second.json()["results"]].count("unchanged") == 99
        assert [row.revision for row in await rows(db, PatientRevision)] == [1]
        assert len(await rows(db, QuarantinedSubmission)) == 1

    async def test_takes_a_correction_before_something_new(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        known = a_report() | {"id": str(an_id())}
        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [known]})

        answer = await as_patient.post(
            "/v1/me/check-ins/batch",
            json={"check_ins": [known | {"note": "corrected", "base_version": 1}, a_report() | {"id": str(an_id())}]},
        )

        assert [r["outcome"] for r in answer.json()["results"]] == ["corrected", "created"]
        assert len(await rows(db, CheckIn)) == 2

    async def test_shows_staff_what_was_quarantined(
        self, as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person
    ) -> None:
        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [{"id": str(an_id())}]})

        answer = await as_prescriber.get(f"/v1/patients/{patient.patient_id}/quarantined-check-ins")

        assert [item["problem"]["code"] for item in answer.json()["items"]] == ["check_in_invalid"]
        again = await as_prescriber.get(f"/v1/patients/{patient.patient_id}/quarantined-check-ins")
        assert again.json() == answer.json()


class TestListCheckIns:
    async def test_pages_through_all_of_them_once(self, as_patient: httpx2.AsyncClient) -> None:
        start = datetime(2026, 9, 1, 12, tzinfo=UTC)
        batch = [a_report(start + timedelta(hours=number // 2)) | {"id": str(an_id())} for number in range(25)]
        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": batch})

        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await as_patient.get(
                "/v1/me/check-ins", params={"limit": 7} | ({"cursor": cursor} if cursor else {})
            )
            seen += [item["id"] for item in page.json()["items"]]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break

        assert len(seen) == 25
        assert set(seen) == {report["id"] for report in batch}

    async def test_refuses_a_cursor_of_another_list(self, as_patient: httpx2.AsyncClient) -> None:
        await as_patient.post(
            "/v1/me/check-ins/batch", json={"check_ins": [a_report() | {"id": str(an_id())} for _ in range(3)]}
        )
        cursor = (await as_patient.get("/v1/me/check-ins", params={"limit": 1})).json()["next_cursor"]

        answer = await as_patient.get(
            "/v1/me/check-ins", params={"limit": 1, "cursor": cursor, "from": "2026-01-01T00:00:00Z"}
        )

        assert answer.status_code == 400
        assert answer.json()["code"] == "cursor_invalid"


class TestReadCheckIn:
    async def test_answers_304_to_who_has_it_already(self, as_patient: httpx2.AsyncClient) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        tag = (await as_patient.put(address, json=a_report())).headers["etag"]

        answer = await as_patient.get(address, headers={"If-None-Match": tag})

        assert (answer.status_code, answer.content) == (304, b"")

    async def test_is_hidden_from_another_patient_and_from_staff_who_do_not_look_after_them(
        self, as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person
    ) -> None:
        check_in_id = an_id()
        await as_patient.put(f"/v1/me/check-ins/{check_in_id}", json=a_report())

        seen = await as_prescriber.get(f"/v1/patients/{patient.patient_id}/check-ins/{check_in_id}")
        unknown = await as_prescriber.get(f"/v1/patients/{an_id()}/check-ins/{check_in_id}")

        assert (seen.status_code, unknown.status_code) == (200, 404)
