"""The panel of real people: an extract of two public trials, in a clinic of its own.

They are kept apart from the invented clinic because a clinic is a wall: nobody can take one for the other, no list or
export of the demo clinic holds a real record, and the notice stands where they are. They have no accounts; one reader
looks after all of them.
"""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

import app.imports
from app.clinics import service as clinics
from app.core.db import unit_of_work
from app.core.settings import Settings
from app.demo import arrival
from app.demo.people import Colleague
from app.identity.models import Patient
from app.identity.permissions import Role
from app.imports import service as imports
from app.imports.maps import Kind, read_map

CLINIC: Final = "NIDA CTN-0027 and CTN-0030 (real trial records)"
TIME_ZONE: Final = "America/New_York"
NOTICE: Final = "de-identified, from public.ctn0094data (MIT licence); dates and hours are made up"
PERSON: Final = "CTN {person:0>4} (real trial record, dates invented)"
READER: Final = Colleague("trials", "Reader of the trial records", Role.PRESCRIBER)
DATA: Final = Path(app.imports.__file__).parent / "data"
# Doses come first: the scores around them name them.
FILES: Final = (
    ("treatment.csv", "ctn_doses.toml", Kind.DOSING_SESSIONS),
    ("withdrawal_pre_post.csv", "ctn_induction.toml", Kind.CHECK_INS),
    ("withdrawal.csv", "ctn_withdrawal.toml", Kind.CHECK_INS),
    ("visit.csv", "ctn_visits.toml", Kind.APPOINTMENTS),
)


async def bring_in(engine: AsyncEngine, settings: Settings) -> int:
    """Import the extract as `afterglow import` does; how many people it holds."""
    async with unit_of_work(engine) as db:
        clinic = await clinics.create_clinic(db, name=CLINIC, time_zone=TIME_ZONE, locale="en-US")
        reader = await arrival.employ(db, settings, clinic.id, READER)
    for name, map_name, kind in FILES:
        mapping = read_map(DATA / "maps" / map_name, kind)
        labelled = mapping.model_copy(update={"person": mapping.person.model_copy(update={"name": PERSON})})
        await imports.import_file(engine, imports.Wanted(kind, labelled, DATA / "ctn_extract" / name, clinic.id))
    async with unit_of_work(engine) as db:
        people = (await db.scalars(sa.select(Patient).where(Patient.clinic_id == clinic.id))).all()
        for patient in people:
            await clinics.put_care_team(db, clinic.id, patient, {reader.membership_id: True})
    return len(people)
