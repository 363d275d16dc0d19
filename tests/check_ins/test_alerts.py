"""Danger signs in check-ins, through the front door."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.dosing.models import DosingSession, Reading
from app.identity.models import PatientDetails
from app.safety.models import Alert
from app.timeline.models import TimelineAnchor
from tests.factories import Person, a_report, an_id

pytestmark = pytest.mark.anyio

PHQ9 = (
    "anhedonia", "low_mood", "sleep", "fatigue", "appetite", "self_worth", "concentration", "psychomotor",
    "self_harm_thoughts",
)  # fmt: skip


def phq9(item_9: int | None, others: int = 0) -> dict[str, Any]:
    answers = dict.fromkeys(PHQ9, others) | {"self_harm_thoughts": item_9}
    return {"instrument": "phq9", "version": "1", "answers": answers}


def craving(now: int, substance: str = "alcohol") -> dict[str, Any]:
    return {"instrument": "craving_nrs", "version": "1", "substance": substance, "answers": {"now": now}}


def diary(substance: str = "alcohol", **answers: int) -> dict[str, Any]:
    return {"instrument": "use_diary", "version": "2", "substance": substance, "answers": answers}


NOON = clock.now().replace(hour=12, minute=0) - timedelta(days=1)
"""Far from midnight, so that an hour earlier is the same day."""


def saying(*responses: dict[str, Any], ago: timedelta = timedelta(), **but: Any) -> dict[str, Any]:
    return a_report(NOON - ago, responses=list(responses), **but)


async def send(caller: httpx2.AsyncClient, report: dict[str, Any], check_in_id: UUID | None = None) -> httpx2.Response:
    return await caller.put(f"/v1/me/check-ins/{check_in_id or an_id()}", json=report)


async def alerts(db: Database) -> list[tuple[str, str]]:
    return [(alert.rule, alert.severity) for alert in await all_of(db)]


async def all_of(db: Database) -> list[Alert]:
    return list(await db.scalars(sa.select(Alert).order_by(Alert.raised_at, Alert.id)))


class TestItem9:
    @pytest.mark.parametrize(
        ("answer", "expected"), [(0, []), (1, ["urgent"]), (2, ["urgent"]), (3, ["critical"]), (None, [])]
    )
    async def test_raises_an_alert_and_shows_the_card_in_the_same_answer(
        self, as_patient: httpx2.AsyncClient, db: Database, answer: int | None, expected: list[str]
    ) -> None:
        check_in_id = an_id()

        body = (await send(as_patient, saying(phq9(answer)), check_in_id)).json()

        assert await alerts(db) == [("SUI-1", severity) for severity in expected]
        assert [bool(alert["text"]) for alert in body["alerts"]] == [True for _ in expected]
        if not expected:
            assert body["safety_notice"] is None
            return
        assert body["safety_notice"]["crisis_card"]["emergency"]["call"]
        (alert,) = await all_of(db)
        assert body["alerts"][0]["id"] == str(alert.id)
        assert (alert.subject_kind, alert.subject_id, alert.rule_version) == ("check_in", check_in_id, 1)
        assert alert.inputs == {"item_9": answer, "item_9_before": None}
        assert alert.threshold["from"] == 1

    async def test_is_critical_when_it_rose_since_the_answer_before(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        await send(as_patient, saying(phq9(0), ago=timedelta(days=14)))

        await send(as_patient, saying(phq9(2)))

        assert await alerts(db) == [("SUI-1", "critical")]
        assert (await all_of(db))[0].inputs == {"item_9": 2, "item_9_before": 0}

    async def test_shows_the_card_again_to_a_phone_that_tries_again_and_raises_nothing_twice(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        check_in_id, report = an_id(), saying(phq9(1))

        first = await send(as_patient, report, check_in_id)
        second = await send(as_patient, report, check_in_id)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert second.json()["safety_notice"]["crisis_card"] is not None
        assert [alert.occurrences for alert in await all_of(db)] == [1]

    async def test_names_a_safety_item_that_was_left_out(self, as_patient: httpx2.AsyncClient) -> None:
        body = (await send(as_patient, saying(phq9(None, others=1)))).json()

        assert body["scores"][0]["safety_unanswered"] == ["self_harm_thoughts"]

    async def test_is_judged_whatever_the_phone_takes_for_the_time(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        before = clock.now()

        body = (await send(as_patient, saying(phq9(1), ago=timedelta(days=-300)))).json()

        assert body["clock_suspect"] is True
        assert body["safety_notice"] is not None
        (alert,) = await all_of(db)
        assert before <= alert.found_at <= clock.now()

    async def test_of_what_is_refused_nothing_is_raised(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        check_in_id = an_id()
        await send(as_patient, saying(phq9(0)), check_in_id)

        conflict = await send(as_patient, saying(phq9(3)), check_in_id)
        invalid = await send(as_patient, saying(phq9(3), craving(11)))

        assert (conflict.status_code, invalid.status_code) == (409, 422)
        assert await alerts(db) == []


class TestBatch:
    async def test_judges_each_item_and_shows_the_card_with_each(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        calm = saying(phq9(0), ago=timedelta(days=20)) | {"id": str(an_id())}
        worse = saying(phq9(2), ago=timedelta(days=6)) | {"id": str(an_id())}
        worst = saying(phq9(3), ago=timedelta(hours=1)) | {"id": str(an_id())}
        batch = {"check_ins": [worst, calm, worse, {"id": str(an_id())}]}

        results = (await as_patient.post("/v1/me/check-ins/batch", json=batch)).json()["results"]

        shown = [result["check_in"] and bool(result["check_in"]["safety_notice"]) for result in results]
        assert shown == [True, False, True, None]
        (alert,) = await all_of(db)
        assert (alert.rule, alert.severity, alert.occurrences) == ("SUI-1", "critical", 2)
        again = (await as_patient.post("/v1/me/check-ins/batch", json=batch)).json()["results"]
        assert [result["check_in"] and result["check_in"]["alerts"] for result in again] == [
            result["check_in"] and result["check_in"]["alerts"] for result in results
        ]
        assert [alert.occurrences for alert in await all_of(db)] == [2]

    async def test_holds_item_9_against_the_newest_answer_whether_stored_or_sent_along(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        await send(as_patient, saying(phq9(1), ago=timedelta(days=10)))
        older = saying(phq9(0), ago=timedelta(days=20)) | {"id": str(an_id())}
        newer = saying(phq9(2)) | {"id": str(an_id())}

        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [older, newer]})

        (alert,) = await all_of(db)
        assert (alert.severity, alert.occurrences) == ("urgent", 2)

    async def test_sees_the_items_before_it(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        usual = [saying(craving(3), ago=timedelta(days=days)) | {"id": str(an_id())} for days in range(1, 6)]
        spike = saying(craving(6)) | {"id": str(an_id())}

        await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [*usual, spike]})

        assert await alerts(db) == [("CRV-1", "routine")]


class TestCorrection:
    async def test_notes_that_a_danger_sign_was_taken_back_at_once(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=saying(phq9(2)))

        answer = await as_patient.put(address, json=saying(phq9(0)), headers={"If-Match": '"1"'})

        assert len(answer.json()["alerts"]) == 1  # what was there; the note is for the clinic
        assert answer.json()["safety_notice"]["crisis_card"] is not None
        assert await alerts(db) == [("SUI-1", "urgent"), ("PROM-1", "routine")]
        assert (await all_of(db))[1].inputs.items() >= {"phq9.self_harm_thoughts": 0}.items()

    async def test_is_judged_as_any_other(self, as_patient: httpx2.AsyncClient, db: Database) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=saying(phq9(0)))

        answer = await as_patient.put(address, json=saying(phq9(3)), headers={"If-Match": '"1"'})

        assert answer.json()["safety_notice"]["crisis_card"] is not None
        assert await alerts(db) == [("SUI-1", "critical")]


class TestOtherRules:
    async def test_craving_is_held_against_the_patients_own_days(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        for days, value in enumerate((3, 4, 3, 5, 4, 4, 3), start=1):
            await send(as_patient, saying(craving(value), ago=timedelta(days=days)))
        await send(as_patient, saying(craving(9, "cocaine")))
        assert await alerts(db) == []

        body = (await send(as_patient, saying(craving(7)))).json()

        assert await alerts(db) == [("CRV-1", "routine")]
        assert (body["safety_notice"]["crisis_card"], len(body["safety_notice"]["messages"])) == (None, 1)

    async def test_use_is_held_against_the_days_before_and_the_patients_sex(
        self, as_patient: httpx2.AsyncClient, patient: Person, db: Database
    ) -> None:
        db.add(
            PatientDetails(
                patient_id=patient.patient_id,
                clinic_id=patient.membership.clinic_id,
                version=1,
                born_on=None,
                sex="male",
            )
        )
        await send(as_patient, saying(diary("heroin", used=0), ago=timedelta(days=5)))

        await send(as_patient, saying(diary(used=1, drinks=4), ago=timedelta(hours=2)))
        assert await alerts(db) == [("USE-1", "routine")]
        await send(as_patient, saying(diary("heroin", used=1), craving(2)))

        assert await alerts(db) == [("USE-1", "routine"), ("USE-3", "critical")]  # and one day of use, not two

    async def test_depression_is_held_against_the_first_total(
        self, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        await send(as_patient, saying(phq9(0, others=1), ago=timedelta(days=30)))
        await send(as_patient, saying(phq9(0, others=0), ago=timedelta(days=15)))

        await send(as_patient, saying(phq9(0, others=2)))

        assert await alerts(db) == [("MOOD-1", "urgent")]

    async def test_staff_see_what_a_patient_may_see(
        self, as_prescriber: httpx2.AsyncClient, patient: Person, db: Database
    ) -> None:
        screener = {"instrument": "cssrs_screener", "version": "1", "answers": {"thoughts": 1, "intent": 1}}
        address = f"/v1/patients/{patient.patient_id}/check-ins/{an_id()}"

        body = (await as_prescriber.put(address, json=saying(screener))).json()

        assert await alerts(db) == [("SUI-2", "critical")]
        assert [set(alert) for alert in body["alerts"]] == [{"id", "text", "raised_at"}]


class TestDueCheckIn:
    @pytest.mark.parametrize(("closed", "late"), [(timedelta(hours=1), True), (timedelta(hours=-1), False)])
    async def test_is_answered_in_time_or_late(
        self, as_patient: httpx2.AsyncClient, patient: Person, db: Database, closed: timedelta, late: bool
    ) -> None:
        due_id, check_in_id = an_id(), an_id()
        db.add(
            DueCheckIn(
                clinic_id=patient.membership.clinic_id,
                patient_id=patient.patient_id,
                id=due_id,
                dosing_session_id=None,
                time_point="plus_24h",
                opens_at=NOON - timedelta(hours=12),
                due_at=NOON - timedelta(hours=6),
                closes_at=NOON - closed,
                instruments=["craving_nrs"],
                state="waiting",
                revision=0,
            )
        )
        report = saying(craving(1), due_check_in_id=str(due_id))

        body = (await send(as_patient, report, check_in_id)).json()
        corrected = await as_patient.put(
            f"/v1/me/check-ins/{check_in_id}", json=report | {"note": "more"}, headers={"If-Match": '"1"'}
        )

        assert (body["late"], corrected.json()["late"]) == (late, late)
        due = await db.scalar(sa.select(DueCheckIn))
        assert due is not None
        assert (due.state, due.check_in_id) == ("answered", check_in_id)


class TestAfterADose:
    """DIS-1 counts from the dose that the check-in is linked to, and from the total before it."""

    @pytest.fixture
    async def session_id(self, db: Database, patient: Person, prescriber: Person) -> UUID:
        """A dose that began three hours before noon, with the prescriber at the bedside."""
        session_id, started_at = an_id(), NOON - timedelta(hours=3)
        whose = {"clinic_id": patient.membership.clinic_id, "patient_id": patient.patient_id}
        db.add(
            DosingSession(
                **whose,
                id=session_id,
                status="monitoring",
                version=5,
                revision=1,
                scheduled_at=started_at,
                dose_started_at=started_at,
                origin="clinic",
                session_clinician_id=prescriber.membership.id,
            )
        )
        db.add(
            TimelineAnchor(
                **whose,
                id=session_id,
                kind="dosing_session",
                scheduled_at=started_at,
                ends_at=None,
                started_at=started_at,
                ended_at=None,
                cancelled=False,
            )
        )
        await db.flush()
        return session_id

    @staticmethod
    def effects(total: int, distress: int = 0) -> dict[str, Any]:
        answers = {"unreal": min(total, 4), "detached": max(total - 4, 0), "time": 0, "distress": distress}
        return {"instrument": "dissociation_brief", "version": "1", "answers": answers}

    async def test_the_clinician_of_the_session_hears_of_effects_that_last(
        self, as_patient: httpx2.AsyncClient, db: Database, session_id: UUID, prescriber: Person
    ) -> None:
        body = (await send(as_patient, saying(self.effects(4, distress=0)))).json()

        (alert,) = await all_of(db)
        assert (alert.rule, alert.severity, alert.dosing_session_id) == ("DIS-1", "urgent", session_id)
        assert alert.session_clinician_id == prescriber.membership.id
        assert alert.inputs == {"total": 4, "before_dose": None, "minutes_from_dose": 180}
        assert len(body["alerts"]) == 1

    async def test_what_was_there_before_the_dose_does_not_count(
        self, as_patient: httpx2.AsyncClient, db: Database, session_id: UUID
    ) -> None:
        await send(as_patient, saying(self.effects(1), ago=timedelta(hours=4)))

        await send(as_patient, saying(self.effects(4)))
        assert await alerts(db) == []
        await send(as_patient, saying(self.effects(5)))

        (alert,) = await all_of(db)
        assert (alert.rule, alert.inputs["before_dose"]) == ("DIS-1", 1)

    async def test_a_reading_just_before_the_dose_counts_more_than_an_older_check_in(
        self, as_patient: httpx2.AsyncClient, patient: Person, prescriber: Person, db: Database, session_id: UUID
    ) -> None:
        await send(as_patient, saying(self.effects(0), ago=timedelta(hours=20)))
        at = NOON - timedelta(hours=3, minutes=20)
        db.add(
            Reading(
                clinic_id=patient.membership.clinic_id,
                session_id=session_id,
                id=an_id(),
                patient_id=patient.patient_id,
                version=1,
                taken_at=at,
                at=at,
                received_at=at,
                recorded_by=prescriber.membership.id,
                clock_suspect=False,
                received_late=False,
                dissociation=2,
                confirmed=[],
                flags=[],
                fingerprint=b"",
            )
        )

        await send(as_patient, saying(self.effects(5)))

        assert await alerts(db) == []
