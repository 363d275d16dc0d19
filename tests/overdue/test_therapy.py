"""INT-1: a routine task when no therapy followed a dose."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments.models import Appointment
from app.core.db import Database
from app.dosing.models import DosingSession
from app.safety.models import Alert
from tests.cast import Cast
from tests.dosing.sessions import Sessions
from tests.factories import an_id
from tests.overdue.looking import HOUR, MINUTE, everything, later, looked, work


class TestTherapy:
    """INT-1; `MISS-1` is left out, which is raised of everybody here."""

    @pytest.fixture
    async def found(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> Callable[[timedelta], Awaitable[list[tuple[str, bool]]]]:
        """What is found so long after the dose."""

        async def look_then(by: timedelta) -> list[tuple[str, bool]]:
            return [each for each in await looked(engine, db, session, by) if each[0] != "MISS-1"]

        return look_then

    @pytest.fixture
    def therapy(self, db: Database, session: DosingSession) -> Callable[..., Awaitable[None]]:
        """Puts an appointment into the record, so long after the dose."""

        async def put(by: timedelta, **but: Any) -> None:
            assert session.dose_started_at
            at = session.dose_started_at + by
            whose = {"clinic_id": session.clinic_id, "patient_id": session.patient_id, "id": an_id()}
            kept = {"version": 1, "revision": 1, "origin": "clinic", "format": "individual", "channel": "video"}
            came = {"kind": "cbt", "status": "fulfilled", "attendance": "attended"}
            db.add(Appointment(**whose | kept | came | {"scheduled_at": at, "ends_at": at + HOUR} | but))
            await db.flush()

        return put

    async def test_is_raised_at_the_hours_of_the_clinic_and_once(
        self, found: Callable[..., Any], engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        assert await found(72 * HOUR - MINUTE) == []
        with later(session, 72 * HOUR):
            await work(engine, db, workers=3)
        assert await found(72 * HOUR + MINUTE) == [("INT-1", False)]
        await db.execute(sa.update(Alert).values(status="resolved", next_step_at=None))
        assert await found(100 * HOUR) == [("INT-1", False)]
        (alert,) = await everything(db, sa.select(Alert).where(Alert.rule == "INT-1"))
        assert (alert.subject_id, alert.severity, alert.occurrences) == (session.id, "routine", 1)
        assert (alert.inputs, alert.threshold) == ({"hours_since_dose": 72.0, "attended": False}, {"within_hours": 72})

    async def test_is_raised_late_when_no_worker_ran_and_not_after_a_week(self, found: Callable[..., Any]) -> None:
        assert await found((72 + 7 * 24) * HOUR + MINUTE) == []
        assert await found(80 * HOUR) == [("INT-1", True)]

    @pytest.mark.parametrize(
        ("hours", "but", "rules"),
        [
            (0, {}, []),
            (30, {}, []),
            (71.99, {}, []),
            (72, {}, ["INT-1"]),
            (-0.01, {}, ["INT-1"]),
            (30, {"attendance": "late"}, []),
            (30, {"attendance": "left_early"}, []),
            (30, {"status": "noshow", "attendance": "no_show"}, ["INT-1"]),
            (30, {"status": "booked", "attendance": None}, ["INT-1"]),
            (30, {"status": "arrived", "attendance": None}, []),
            (30, {"status": "checked-in", "attendance": None}, []),
            (30, {"status": "cancelled", "attendance": "cancelled_patient"}, ["INT-1"]),
            (30, {"kind": "integration"}, []),
            (30, {"kind": "medical_review"}, ["INT-1"]),
            (30, {"kind": "twelve_step"}, ["INT-1"]),
            (30, {"kind": "preparation"}, ["INT-1"]),
        ],
    )
    async def test_is_not_raised_when_therapy_was_attended(
        self, found: Callable[..., Any], therapy: Callable[..., Any], hours: float, but: dict[str, Any],
        rules: list[str],
    ) -> None:  # fmt: skip
        await therapy(hours * HOUR, **but)

        assert [rule for rule, _ in await found(72 * HOUR)] == rules

    async def test_therapy_of_somebody_else_does_not_count(
        self, found: Callable[..., Any], therapy: Callable[..., Any], cast: Cast
    ) -> None:
        await therapy(30 * HOUR, patient_id=cast.other_patient.patient_id)

        assert [rule for rule, _ in await found(72 * HOUR)] == ["INT-1"]

    @pytest.mark.parametrize(
        ("figures", "hours", "rules"),
        [
            ({"raises_a_task": False}, 100, []),
            ({"therapy_within_hours": 24}, 24, ["INT-1"]),
            ({"therapy_within_hours": 120}, 119, []),
        ],
    )
    async def test_goes_by_the_figures_of_the_clinic(
        self, found: Callable[..., Any], sessions: Sessions, figures: dict[str, Any], hours: int, rules: list[str]
    ) -> None:
        signed = await sessions.who["prescriber"].put(
            "/v1/protocol",
            json={"figures": {"integration": figures}, "reason": "We see them ourselves."},
            headers={"if-match": '"1"'},
        )
        assert signed.status_code == 200, signed.text

        assert [rule for rule, _ in await found(hours * HOUR)] == rules

    @pytest.mark.parametrize("but", [{"origin": "imported"}, {"dose_started_at": None, "dose_ended_at": None}])
    async def test_is_only_about_doses_given_here(
        self, found: Callable[..., Any], db: Database, but: dict[str, Any]
    ) -> None:
        await db.execute(sa.update(DosingSession).values(**but).execution_options(synchronize_session=False))

        assert await found(72 * HOUR) == []

    async def test_the_coordinator_reads_it_and_the_patient_is_told_nothing_of_it(
        self, found: Callable[..., Any], session: DosingSession, sessions: Sessions
    ) -> None:
        await found(72 * HOUR)

        alerts_of = (await sessions.who["coordinator"].get("/v1/alerts")).json()["items"]
        own = (await sessions.me.get("/v1/me/alerts")).json()["items"]
        assert sorted(each["rule"] for each in alerts_of) == ["INT-1", "MISS-1"]
        assert sorted(each["text"] is None for each in own) == [False, True]
