"""Making summaries anew."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.panel import rules, service
from app.panel.models import PatientSummary
from tests.cast import Cast
from tests.check_ins.test_alerts import phq9
from tests.dosing.sessions import Clients
from tests.factories import a_report, an_id

pytestmark = pytest.mark.anyio


async def told(engine: AsyncEngine, *, check: bool = False) -> tuple[int, int, int]:
    found = await service.rebuild(engine, check=check)
    return found.patients, found.made, found.different


async def spoil(db: Database, cast: Cast, **values: object) -> None:
    this = PatientSummary
    await db.execute(sa.update(this).where(this.patient_id == cast.patient.patient_id).values(**values))
    await db.finish()


async def forget(db: Database, cast: Cast) -> None:
    this = PatientSummary
    await db.execute(sa.delete(this).where(this.patient_id == cast.patient.patient_id))
    await db.finish()


async def kept(db: Database, cast: Cast) -> PatientSummary | None:
    found = await db.get(PatientSummary, (cast.clinic.id, cast.patient.patient_id), populate_existing=True)
    await db.finish()
    return found


class TestRebuild:
    async def test_finds_nothing_to_say_of_what_was_kept(self, db: Database, cast: Cast, engine: AsyncEngine) -> None:
        await db.finish()

        assert await told(engine) == (2, 0, 0)

    async def test_checks_without_changing_anything(self, db: Database, cast: Cast, engine: AsyncEngine) -> None:
        await db.finish()
        await spoil(db, cast, open_alerts=7)

        assert await told(engine, check=True) == (2, 0, 1)
        assert await told(engine) == (2, 0, 1)
        assert await told(engine, check=True) == (2, 0, 0)

    async def test_makes_what_is_missing(self, db: Database, cast: Cast, engine: AsyncEngine) -> None:
        await db.finish()
        await forget(db, cast)

        assert await told(engine) == (2, 1, 0)
        assert await told(engine) == (2, 0, 0)

    async def test_says_need_as_the_rule_does(
        self, db: Database, cast: Cast, engine: AsyncEngine, new_client: Clients
    ) -> None:
        danger = a_report(responses=[phq9(1)])
        await new_client(cast.patient.token).put(f"/v1/me/check-ins/{an_id()}", json=danger)
        await told(engine)

        one = await kept(db, cast)

        assert one is not None
        assert one.worst_alert_severity
        assert one.need == rules.need(one.worst_alert_severity, one.oldest_open_alert_at, one.overdue_check_ins)


class TestCatchUp:
    async def test_makes_what_another_release_left_behind(self, db: Database, cast: Cast, engine: AsyncEngine) -> None:
        await db.finish()
        await spoil(db, cast, revision=-1, open_alerts=7)

        assert await service.catch_up(engine) == 1
        assert await service.catch_up(engine) == 0
        one = await kept(db, cast)
        assert one is not None
        assert one.open_alerts == 0

    async def test_makes_what_is_missing(self, db: Database, cast: Cast, engine: AsyncEngine) -> None:
        await db.finish()
        await forget(db, cast)

        assert await service.catch_up(engine) == 1
        assert await kept(db, cast) is not None

    async def test_a_write_makes_what_is_missing_too(self, db: Database, cast: Cast, new_client: Clients) -> None:
        await db.finish()
        await forget(db, cast)

        answer = await new_client(cast.patient.token).put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        assert answer.status_code == 201
        one = await kept(db, cast)
        assert one is not None
        assert one.latest["craving/alcohol"][0] == 7
