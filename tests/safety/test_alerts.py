"""Raising: an alert with all that it rests on, once for the same thing, and people who may open it."""

from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.access import patient_for_writing
from app.identity.models import CareTeamMember
from app.protocols.rules import Protocol
from app.safety.alerts import raise_alerts
from app.safety.findings import Finding, Severity, Subject, SubjectKind
from app.safety.models import Alert, AlertNotice
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.factories import an_id
from tests.safety.conftest import OnDuty
from tests.safety.raising import (
    CRITICAL,
    MONDAY,
    ROUTINE,
    URGENT,
    Raiser,
    a_roster,
    notices,
    steps,
    the_alert,
    told,
    view,
    with_roster,
)

OXYGEN = Finding("O2-1", Severity.CRITICAL, {"spo2": 88}, {"o21_critical_below": 90})


async def events(db: Database) -> list[str]:
    await db.finish()
    found = await db.scalars(
        sa.select(OutboxEvent.type)
        .where(OutboxEvent.type.startswith("alert.") | (OutboxEvent.type == "care_team.changed"))
        .order_by(OutboxEvent.id)
    )
    return list(found)


class TestRaising:
    async def test_keeps_what_the_rule_saw_and_what_it_was_held_against(
        self, raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))
        (raised,) = await raising(CRITICAL, at=MONDAY)

        alert = await the_alert(db, raised.id)
        assert (alert.rule, alert.severity, alert.status, alert.version) == ("SUI-1", "critical", "open", 1)
        assert (alert.inputs, alert.threshold) == ({"item9": 3}, {"sui1_critical_from": 3})
        assert (alert.rule_version, alert.protocol_version) == (1, 1)
        assert (alert.raised_at, alert.acknowledge_by) == (MONDAY, MONDAY + timedelta(minutes=15))
        assert alert.next_step_at == MONDAY + timedelta(minutes=15)
        assert (alert.staffed_when_raised, alert.raised_late, alert.occurrences) == (True, False, 1)
        assert raised.is_new
        assert raised.shows_crisis_card
        assert await steps(db, raised.id) == [("raised", "first", False)]

    async def test_finds_nothing_without_a_statement(self, raising: Raiser, db: Database, queries: list[str]) -> None:
        await db.finish()
        queries.clear()

        assert await raise_alerts(db, None, None, Protocol(), [], None) == []  # type: ignore[arg-type]

        assert queries == []

    async def test_what_a_rule_says_of_its_own_time_goes_before_the_catalogue(
        self, raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))
        finding = Finding("DIS-1", Severity.URGENT, {}, {}, within="4_hours")

        alert = await the_alert(db, await raising.one(finding, at=MONDAY))

        assert alert.acknowledge_by == MONDAY + timedelta(hours=4)


class TestTheSameAgain:
    async def test_adds_to_the_alert_that_is_there(self, raising: Raiser, db: Database) -> None:
        first = await raising(URGENT, at=MONDAY)
        again = await raising(Finding("SUI-1", Severity.URGENT, {"item9": 2}, {}), at=MONDAY + timedelta(hours=4))

        assert [each.id for each in again] == [each.id for each in first]
        assert not again[0].is_new
        alert = await the_alert(db, first[0].id)
        assert (alert.occurrences, alert.version, alert.inputs) == (2, 2, {"item9": 1})  # the first is kept
        assert await steps(db, alert.id) == [("raised", "first", False), ("repeated", None, False)]
        assert await events(db) == ["care_team.changed"] * 3 + ["alert.raised", "alert.repeated"]

    @pytest.mark.parametrize(
        ("finding", "minutes", "is_new"),
        [
            (URGENT, 240, False),
            (URGENT, 240.1, True),
            (OXYGEN, 30, False),  # at the bedside
            (OXYGEN, 30.1, True),
        ],
    )
    async def test_only_within_the_window(
        self, raising: Raiser, finding: Finding, minutes: float, is_new: bool
    ) -> None:
        await raising(finding, at=MONDAY)
        (again,) = await raising(finding, at=MONDAY + timedelta(minutes=minutes))

        assert again.is_new is is_new

    async def test_the_window_counts_from_the_last_time(self, raising: Raiser) -> None:
        raised = [await raising(URGENT, at=MONDAY + timedelta(hours=hours)) for hours in (0, 3, 6)]

        assert [each.is_new for (each,) in raised] == [True, False, False]

    async def test_not_of_another_severity_rule_or_patient(self, raising: Raiser, db: Database, cast: Cast) -> None:
        other = Raiser(db, cast.clinic, cast.other_patient)
        raised = [
            *await raising(URGENT, CRITICAL, ROUTINE, at=MONDAY),
            *await other(URGENT, at=MONDAY),
        ]

        assert [each.is_new for each in raised] == [True] * 4
        assert len({each.id for each in raised}) == 4

    async def test_the_same_twice_in_one_go_is_one_alert(self, raising: Raiser, db: Database) -> None:
        one, two = await raising(URGENT, URGENT, at=MONDAY)

        assert (one.id, one.is_new, two.is_new) == (two.id, True, False)

    async def test_not_once_somebody_has_resolved_it(self, raising: Raiser, db: Database) -> None:
        alert_id = await raising.one(URGENT, MONDAY)
        await db.execute(sa.update(Alert).where(Alert.id == alert_id).values(status="resolved"))
        (again,) = await raising(URGENT, at=MONDAY)

        assert again.is_new

    async def test_whoever_has_it_in_hand_hears_that_it_was_found_again(
        self, raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty, new_client: Clients
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first))
        alert_id = await raising.one(CRITICAL)
        answer = await new_client(cast.nurse.token).post(
            f"/v1/alerts/{alert_id}/acknowledgement", headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 200, answer.text

        for _ in range(3):  # every few minutes at a bedside: one notice is enough for a while
            await raising(CRITICAL)

        again = [notice for notice in await notices(db, alert_id) if notice.state == "pending"]
        assert sorted(notice.membership_id for notice in again) == sorted(
            [cast.nurse.membership.id, on_duty.first.membership.id]
        )
        assert {notice.level for notice in again} == {"owner"}


class TestTelling:
    async def test_goes_to_whom_the_rule_names(
        self, raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first, on_duty.second))

        alert_id = await raising.one(CRITICAL)

        team = (cast.prescriber, cast.nurse, cast.therapist)  # nobody is responsible
        assert await told(db, alert_id) == {(each.membership.id, "first") for each in (on_duty.first, *team)}

    async def test_goes_to_the_care_team_where_there_is_no_roster(
        self, raising: Raiser, db: Database, cast: Cast
    ) -> None:
        alert_id = await raising.one(CRITICAL)

        assert {who for who, _ in await told(db, alert_id)} == {
            each.membership.id for each in (cast.prescriber, cast.nurse, cast.therapist)
        }
        assert (await the_alert(db, alert_id)).next_step_at is not None

    async def test_a_routine_one_goes_to_coordinators_and_climbs_no_ladder(
        self, raising: Raiser, db: Database, cast: Cast
    ) -> None:
        alert_id = await raising.one(ROUTINE)

        assert await told(db, alert_id) == {(cast.coordinator.membership.id, "first")}
        assert (await the_alert(db, alert_id)).next_step_at is None

    async def test_a_clinic_that_calls_by_webhook_alone_gets_no_mail(
        self, raising: Raiser, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        await with_roster(db, cast.clinic, a_roster(on_duty.first, channels=["webhook"]))

        assert await told(db, await raising.one(CRITICAL)) == set()


class TestWhoeverIsCalled:
    @pytest.fixture
    async def called(self, db: Database, cast: Cast, on_duty: OnDuty) -> OnDuty:
        await with_roster(db, cast.clinic, a_roster(on_duty.first, on_duty.second))
        return on_duty

    async def _seen(self, client: httpx2.AsyncClient, cast: Cast, alert_id: object) -> list[int]:
        return [
            (await client.get(path)).status_code
            for path in (f"/v1/alerts/{alert_id}", f"/v1/patients/{cast.patient_id}/check-ins")
        ]

    async def test_may_open_the_record_from_then_on_for_a_day(
        self, raising: Raiser, called: OnDuty, cast: Cast, new_client: Clients
    ) -> None:
        client = new_client(called.first.token)
        routine = await raising.one(ROUTINE)
        before = await self._seen(client, cast, routine)
        alert_id = await raising.one(CRITICAL)
        during = await self._seen(client, cast, alert_id)

        assert (before, during) == ([404, 404], [200, 200])
        assert await self._seen(new_client(called.second.token), cast, alert_id) == [404, 404]  # not called yet

    @pytest.mark.parametrize(("hours_ago", "status"), [(23.99, 200), (24.01, 404)])
    async def test_may_not_after_a_day(
        self, raising: Raiser, called: OnDuty, cast: Cast, new_client: Clients, hours_ago: float, status: int
    ) -> None:
        alert_id = await raising.one(CRITICAL, at=clock.now() - timedelta(hours=hours_ago))

        assert await self._seen(new_client(called.first.token), cast, alert_id) == [status, status]

    async def test_for_a_day_from_the_last_time_they_were_told(
        self, raising: Raiser, called: OnDuty, db: Database
    ) -> None:
        await raising.one(CRITICAL, at=MONDAY)
        await raising.one(CRITICAL, at=MONDAY + timedelta(hours=20))

        places = (await db.scalars(sa.select(CareTeamMember).where(CareTeamMember.kind == "on_call"))).all()
        assert [place.until for place in places] == [MONDAY + timedelta(hours=44)]

    async def test_is_audited_and_told_and_the_care_team_looks_as_before(
        self, raising: Raiser, called: OnDuty, cast: Cast, db: Database, new_client: Clients
    ) -> None:
        coordinator = new_client(cast.coordinator.token)
        before = (await coordinator.get(f"/v1/patients/{cast.patient_id}")).json()
        earlier = len(await events(db))
        await raising.one(CRITICAL)

        assert (await events(db))[earlier:] == ["care_team.changed", "alert.raised"]
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "call_in"))).one()
        assert (entry.subject_id, entry.patient_id, entry.actor_id) == (
            called.first.membership.id,
            cast.patient.patient_id,
            None,
        )
        assert (await coordinator.get(f"/v1/patients/{cast.patient_id}")).json() == before
        shown = (await new_client(cast.patient.token).get("/v1/me/record-accesses")).json()["items"]
        assert "Changed who looks after you" in {item["what"] for item in shown}


async def test_a_refused_write_leaves_no_alert(raising: Raiser, db: Database, cast: Cast) -> None:
    """Neither without the other: what raised it is undone, and so is it."""
    await db.finish()
    patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
    subject = Subject(SubjectKind.CHECK_IN, an_id(), MONDAY)
    await raise_alerts(db, view(cast.clinic), patient, Protocol(), [CRITICAL], subject)
    await db.abandon()

    for table in (Alert, AlertNotice):
        assert (await db.scalars(sa.select(table))).all() == []
    assert "alert.raised" not in await events(db)
