from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.identity.access import PatientView, patient_for_writing
from app.timeline import service as timeline
from app.timeline.models import TimelineMoment
from app.timeline.rules import Anchor, Moment, link
from tests.factories import a_clinic, a_patient, an_id
from tests.timeline.cases import DAY, HOUR, MINUTE, NOON, WINDOWS, a_dose, a_plan, an_appointment

ANCHORS = range(1, 9)


@pytest.fixture
async def patient(db: Database, settings: Settings) -> PatientView:
    clinic = await a_clinic(db)
    person = await a_patient(db, settings, clinic)
    assert person.patient is not None
    return await patient_for_writing(db, clinic.id, person.patient.id)


def any_anchor(chance: Random, number: int) -> Anchor:
    at = NOON + chance.randrange(40 * 24) * HOUR
    if number % 3 == 0:
        return an_appointment(number, at, cancelled=chance.random() < 0.2)
    made: Callable[..., Anchor] = chance.choice((a_plan, a_dose, a_dose))
    anchor = made(number, at)
    return replace(anchor, cancelled=anchor.started_at is None and chance.random() < 0.3)


def any_moment(chance: Random) -> Moment:
    def anyone() -> UUID | None:
        return UUID(int=chance.choice(ANCHORS)) if chance.random() < 0.2 else None

    return Moment(
        at=NOON + chance.randrange(42 * 24 * 60) * MINUTE - DAY,
        placeable=chance.random() < 0.9,
        named_dosing_session_id=anyone(),
        named_appointment_id=anyone(),
    )


async def register(db: Database, patient: PatientView, moment: Moment) -> UUID:
    """Put a moment on the timeline as a check-in does, while there are no anchors yet."""
    check_in_id = an_id()
    row: dict[str, Any] = {
        "clinic_id": patient.clinic_id,
        "patient_id": patient.id,
        "check_in_id": check_in_id,
        "at": moment.at,
        "placeable": moment.placeable,
        "named_dosing_session_id": moment.named_dosing_session_id,
        "named_appointment_id": moment.named_appointment_id,
        "corrected": False,
        "relinks": 0,
        "revision": 1,
    }
    await db.execute(sa.insert(TimelineMoment).values(row | timeline.link_columns(link(moment, [], WINDOWS))))
    return check_in_id


async def stored(db: Database) -> dict[UUID, dict[str, Any]]:
    rows = await db.execute(sa.select(TimelineMoment.__table__))
    columns = ("dosing_session_id", "appointment_id", "phase", "minutes_from_dose", "how")
    return {row.check_in_id: {name: getattr(row, name) for name in columns} for row in rows}


class TestPlaceAnchor:
    @pytest.mark.parametrize("seed", range(4))
    async def test_after_random_changes_every_link_is_as_if_made_from_scratch(
        self, db: Database, patient: PatientView, seed: int
    ) -> None:
        chance = Random(seed)
        moments = {}
        for _ in range(40):
            moment = any_moment(chance)
            moments[await register(db, patient, moment)] = moment
        anchors: dict[UUID, Anchor] = {}

        for _ in range(30):
            if chance.random() < 0.15:
                check_in_id = chance.choice(list(moments))
                session = chance.choice([None, *(a.id for a in anchors.values() if a.kind == "dosing_session")])
                moments[check_in_id] = replace(
                    moments[check_in_id], corrected=True, corrected_dosing_session_id=session
                )
                await timeline.correct_link(
                    db, patient, check_in_id, dosing_session_id=session, appointment_id=None, windows=WINDOWS
                )
            else:
                anchor = any_anchor(chance, chance.choice(ANCHORS))
                anchors[anchor.id] = anchor
                await timeline.place_anchor(db, patient, anchor, WINDOWS)
            await db.flush_staged()

            expected = {
                check_in_id: timeline.link_columns(link(moment, list(anchors.values()), WINDOWS))
                for check_in_id, moment in moments.items()
            }
            assert await stored(db) == expected

    async def test_counts_only_links_that_changed(self, db: Database, patient: PatientView) -> None:
        near = await register(db, patient, Moment(NOON + HOUR))
        far = await register(db, patient, Moment(NOON + 30 * DAY))

        await timeline.place_anchor(db, patient, a_dose(), WINDOWS)
        await db.flush_staged()
        await timeline.place_anchor(db, patient, a_dose(), WINDOWS)
        await timeline.place_anchor(db, patient, an_appointment(at=NOON + 9 * DAY), WINDOWS)
        await db.flush_staged()

        rows = await db.execute(sa.select(TimelineMoment.check_in_id, TimelineMoment.relinks))
        assert {row.check_in_id: row.relinks for row in rows} == {near: 1, far: 0}


class TestLinkEverythingAgain:
    async def test_follows_new_windows(self, db: Database, patient: PatientView) -> None:
        check_in_id = await register(db, patient, Moment(NOON - 48 * HOUR))
        await timeline.place_anchor(db, patient, a_plan(), WINDOWS)
        await db.flush_staged()
        assert (await stored(db))[check_in_id]["phase"] == "before"

        changed = await timeline.link_everything_again(db, patient, replace(WINDOWS, before=timedelta(hours=24)))
        await db.flush_staged()

        assert changed == 1
        assert (await stored(db))[check_in_id]["phase"] is None
