from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.dosing.models import DosingSession
from app.events.models import OutboxEvent
from app.identity.models import Patient
from app.rems.models import RemsReport
from app.rems.rules import RemsField
from app.rems.schemas import RemsReportWrite
from tests.cast import Cast
from tests.dosing.sessions import Clients, Sessions, text
from tests.dosing.watching import WELL, dosed, measured

SPRAY: dict[str, Any] = {"substance": "esketamine", "route": "IN_esketamine", "dose_mg": 56}
DAYS = 24 * 60


@pytest.fixture
def sessions(new_client: Clients, cast: Cast) -> Sessions:
    return Sessions(new_client, cast)


@pytest.fixture
async def session(db: Database, sessions: Sessions) -> DosingSession:
    """Two hours after the first device."""
    session = await dosed(db, sessions, status="monitoring", dose_started=125, dose_ended=120, **SPRAY)
    await measured(db, session, 130, **WELL)
    await measured(db, session, 85, **WELL | {"systolic": 150, "diastolic": 91, "moaas": 4, "dissociation": 6})
    await measured(db, session, 5, **WELL)
    return session


class Reports:
    """Works on the report of a session as a nurse."""

    def __init__(self, sessions: Sessions) -> None:
        self.path = f"/v1/dosing-sessions/{sessions.session_id}/rems-report"
        self.nurse = sessions.who["nurse"]

    async def read(self) -> dict[str, Any]:
        answer = await self.nurse.get(self.path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def put(self, version: int, **said: Any) -> httpx2.Response:
        return await self.nurse.put(self.path, json=said, headers={"if-match": f'"{version}"'})

    async def submit(self, version: int, **said: Any) -> httpx2.Response:
        body = {"reference": "RM-0117"} | said
        return await self.nurse.post(f"{self.path}/submission", json=body, headers={"if-match": f'"{version}"'})


@pytest.fixture
def reports(sessions: Sessions) -> Reports:
    return Reports(sessions)


def entries(report: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    return {entry["field"]: (entry["value"], entry["source"]) for entry in report["entries"]}


async def told(db: Database) -> list[str]:
    ours = OutboxEvent.type.startswith("rems_report.")
    return list(await db.scalars(sa.select(OutboxEvent.type).where(ours).order_by(OutboxEvent.id)))


@pytest.mark.usefixtures("session")
class TestReport:
    async def test_is_filled_in_from_the_session_and_nothing_is_stored(self, reports: Reports, db: Database) -> None:
        report = await reports.read()

        filled = entries(report)
        assert (report["version"], report["status"], report["overdue"]) == (0, "not_started", False)
        assert filled["patient_name"] == ("Sam R.", "clinic")
        assert filled["dose_mg"] == (56, "session")
        assert filled["pressure_at_40"] == ("150/91", "session")
        assert filled["sedation"] == (True, "session")
        assert filled["dissociation_onset_minutes"] == (40, "session")
        assert filled["born_on"] == (None, "missing")
        assert report["missing"] == [name for name, (_, source) in filled.items() if source == "missing"]
        assert list(await db.scalars(sa.select(RemsReport))) == []

    async def test_takes_what_the_session_does_not_say(self, reports: Reports, db: Database) -> None:
        blind = await reports.nurse.put(reports.path, json={"enrolled": True})
        added = await reports.put(0, enrolled=True, lot="A17")
        again = await reports.put(0, enrolled=True, lot="A17")
        stale = await reports.put(0, enrolled=False)
        less = await reports.put(1, enrolled=True)

        assert (blind.status_code, added.status_code, again.status_code, stale.status_code) == (428, 200, 200, 412)
        assert (added.json()["version"], added.json()["status"]) == (1, "draft")
        assert entries(added.json())["lot"] == ("A17", "added")
        assert entries(less.json())["lot"] == (None, "missing")
        assert await told(db) == ["rems_report.changed"] * 2

    async def test_is_kept_as_it_was_sent(self, reports: Reports, db: Database, cast: Cast) -> None:
        await reports.put(0, enrolled=True)
        sent = await reports.submit(1)
        patient = await db.get_one(Patient, cast.patient.patient_id)
        patient.display_name = "Somebody else"
        later = await reports.read()
        more, again = await reports.put(2, enrolled=False), await reports.submit(2)

        assert (sent.status_code, sent.json()["status"], sent.json()["reference"]) == (200, "submitted", "RM-0117")
        assert entries(later)["patient_name"] == ("Sam R.", "clinic")
        assert later["entries"] == sent.json()["entries"]
        for answer in (more, again):
            assert (answer.status_code, answer.json()["code"]) == (409, "report_submitted")
        assert await told(db) == ["rems_report.changed", "rems_report.submitted"]

    async def test_may_be_sent_with_nothing_added_but_not_before_the_dose(self, reports: Reports) -> None:
        early = await reports.submit(0, submitted_at=text(clock.now() - timedelta(days=1)))
        ahead = await reports.submit(0, submitted_at=text(clock.now() + timedelta(days=1)))

        assert (early.status_code, ahead.status_code) == (422, 422)
        assert (await reports.submit(0)).json()["version"] == 1

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"enrolled": "yes"}, "/enrolled"),
            ({"pressure_before": "high"}, "/pressure_before"),
            ({"dose_mg": 0}, "/dose_mg"),
            ({"born_on": "14.3.88"}, "/born_on"),
            ({"dose": 56}, "/dose"),
        ],
    )
    async def test_refuses_what_is_no_answer(self, reports: Reports, said: dict[str, Any], pointer: str) -> None:
        answer = await reports.put(0, **said)

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_is_printed_with_every_word_escaped(self, reports: Reports) -> None:
        await reports.put(0, clinician_name="<script>Kim</script> & Co", lot="#panic()")
        page = await reports.nurse.get(f"{reports.path}/html")
        document = await reports.nurse.get(f"{reports.path}/pdf")

        assert (page.status_code, document.status_code) == (200, 200)
        assert page.headers["content-type"].startswith("text/html")
        found = Tags()
        found.feed(page.text)
        assert found.seen.isdisjoint({"script", "style", "link", "img"})
        assert "&lt;script&gt;Kim&lt;/script&gt; &amp; Co" in page.text
        assert "this software sends it to nobody" in page.text
        assert document.content.startswith(b"%PDF")
        assert document.headers["content-type"] == "application/pdf"

    async def test_is_for_those_at_the_bedside_and_coordinators(
        self, reports: Reports, new_client: Clients, cast: Cast
    ) -> None:
        for who, status in (("prescriber", 200), ("coordinator", 200), ("therapist", 403), ("patient", 403)):
            assert (await new_client(getattr(cast, who).token).get(reports.path)).status_code == status


class Tags(HTMLParser):
    """Which tags a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


class TestProgramme:
    @pytest.mark.parametrize(
        "but",
        [{"substance": "ketamine"}, {"origin": "imported"}, {"dose_started_at": None, "dose_ended_at": None}],
    )
    async def test_asks_only_of_sessions_here_in_which_esketamine_was_given(
        self, reports: Reports, sessions: Sessions, db: Database, but: dict[str, Any]
    ) -> None:
        await dosed(db, sessions, **SPRAY | but)
        answers = [await reports.nurse.get(reports.path), await reports.put(0), await reports.submit(0)]

        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (409, "not_in_the_programme")
        assert (await reports.nurse.get("/v1/rems-reports")).json()["items"] == []

    def test_every_field_can_be_added(self) -> None:
        assert set(RemsReportWrite.model_fields) == {field.value for field in RemsField}


class TestListRemsReports:
    async def test_shows_what_is_overdue_until_it_was_sent(
        self, reports: Reports, sessions: Sessions, db: Database, session: DosingSession, cast: Cast
    ) -> None:
        old = Sessions(lambda _: None, cast)  # type: ignore[arg-type,return-value]  # nobody acts for it
        old.who = sessions.who
        await dosed(db, old, dose_started=7 * DAYS + 5, dose_ended=7 * DAYS, **SPRAY)

        async def ids(**asked: Any) -> list[str]:
            answer = await reports.nurse.get("/v1/rems-reports", params=asked)
            assert answer.status_code == 200, answer.text
            return [each["session_id"] for each in answer.json()["items"]]

        assert await ids() == [old.session_id, sessions.session_id]
        assert await ids(overdue=True) == [old.session_id]
        assert await ids(overdue=False) == [sessions.session_id]
        first = (await reports.nurse.get("/v1/rems-reports", params={"limit": 1})).json()
        assert await ids(limit=1, cursor=first["next_cursor"]) == [sessions.session_id]
        assert first["items"][0]["overdue"] is True
        reports.path = reports.path.replace(sessions.session_id, old.session_id)
        await reports.submit(0)
        assert await ids(overdue=True) == []
        assert await ids(overdue=False) == [old.session_id, sessions.session_id]

    async def test_shows_no_patient_whom_the_caller_may_not_know_of(
        self, reports: Reports, sessions: Sessions, db: Database, session: DosingSession
    ) -> None:
        moved = await db.get_one(DosingSession, (session.clinic_id, UUID(sessions.session_id)))
        moved.patient_id = sessions.cast.other_patient.patient_id

        assert (await reports.nurse.get("/v1/rems-reports")).json()["items"] == []
        assert len((await sessions.who["coordinator"].get("/v1/rems-reports")).json()["items"]) == 1
        assert (await reports.nurse.get(reports.path)).status_code == 404
