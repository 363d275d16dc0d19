"""CTN-0027 and CTN-0030: what 2,788 people were given, their withdrawal before and after, and the visits they kept.

The files are read here a second time with pandas, which knows nothing of our maps, rules or tables.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import pandas as pd
import sqlalchemy as sa

from app.appointments.models import Appointment
from app.check_ins.models import CheckIn
from app.dosing.models import DosingSession
from app.imports import rules
from app.timeline.models import TimelineMoment
from drills.data import extract, oracles
from drills.data.checks import Checks
from drills.data.house import House, bearer

ZONE = "America/New_York"
SOURCE = "ctn0094"
ANCHOR = date(2019, 1, 7)
PRE, POST = time(9, 30), time(12, 30)
AT_ONCE = 8
NO_DAY = "The source gives no day here: first_dose_day stands in."


@dataclass(frozen=True, slots=True)
class Pair:
    """Somebody's withdrawal before and after the first dose, and on which study days."""

    who: str
    before: int
    after: int
    day_before: int
    day_after: int
    first_dose_day: int
    day_told: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What the files say, by pandas."""

    dose_days: int
    duplicates: int
    dosed: int
    scores: int
    without_a_day: int
    pairs: list[Pair]
    visits: Counter[tuple[str | None, bool]]
    """Attendance, and whether a reason is told."""
    people: list[str]
    """Everybody who was given a dose or asked about withdrawal."""


def expect(folder: Path) -> Expected:
    """Read the files."""
    doses = pd.read_csv(folder / "treatment.csv")
    scores = pd.read_csv(folder / "withdrawal_pre_post.csv")
    first = doses.groupby("who")["when"].min()
    scores["day"] = scores["when"].fillna(scores["who"].map(first))
    wide = scores.pivot(index="who", columns="what", values=["withdrawal", "day", "when"])
    both = wide[wide["withdrawal"].notna().all(axis=1)]
    pairs = [
        Pair(
            who=str(who),
            before=int(row["withdrawal", "pre"]),
            after=int(row["withdrawal", "post"]),
            day_before=int(row["day", "pre"]),
            day_after=int(row["day", "post"]),
            first_dose_day=int(first[who]),
            day_told=bool(pd.notna(row["when", "pre"])),
        )
        for who, row in both.iterrows()
    ]
    return Expected(
        dose_days=len(doses),
        duplicates=int(doses.duplicated(["who", "when"]).sum()),
        dosed=int(doses["who"].nunique()),
        scores=len(scores),
        without_a_day=int(scores["day"].isna().sum()),
        pairs=pairs,
        visits=_visits_by_pandas(folder),
        people=_people(folder, scores),
    )


def _people(folder: Path, placed: "pd.DataFrame") -> list[str]:
    """Whoever is in a file of doses or of withdrawal; of the scores around the first dose, those that have a day."""
    others = [pd.read_csv(folder / name, usecols=["who"])["who"] for name in ("treatment.csv", "withdrawal.csv")]
    around = placed[placed["day"].notna()]["who"]
    return sorted(map(str, set(pd.concat([*others, around]))))


def _visits_by_pandas(folder: Path) -> Counter[tuple[str | None, bool]]:
    """Visits less changes of study and copies, and less those that have neither a day nor a week to be placed in."""
    table = pd.read_csv(folder / "visit.csv", dtype=str, keep_default_na=False)
    table = table[table["visit"] != "Cross Active Study"].drop_duplicates(["who", "visit", "when"])
    arms = pd.read_csv(folder / "randomization.csv", dtype=str)
    randomised = set(arms[arms["which"] == "1"]["who"])
    placed = (table["when"] != "") | (table["visit"].str.fullmatch(r"WK\d+") & table["who"].isin(randomised))
    table = table[placed]
    marks = [name for name in table.columns if name.startswith("is_") and name not in {"is_no_note", "is_window"}]
    attendance = {"visit": "attended", "final": "attended", "no visit": "no_show"}
    told = (table[marks] == "1").any(axis=1) & (table["what"] == "no visit")
    return Counter((attendance.get(what), bool(reason)) for what, reason in zip(table["what"], told, strict=True))


def compare_extract(folder: Path, checks: Checks) -> None:
    """Whether the committed extract is what its rule makes of the whole."""
    people = extract.chosen(folder)
    checks.equal("CTN: people of the committed extract", 61, len(people))
    same = [
        (extract.EXTRACT / name).read_text(encoding="utf-8") == extract.extract(folder, name, people)
        for name in extract.FILES
    ]
    checks.equal("CTN: files of the extract as the rule makes them", len(extract.FILES), sum(same))


async def drill(house: House, folder: Path, expected: Expected, checks: Checks, *, workers: int) -> None:
    """Import all of it, sessions last, then read the pairs back through the dose-aligned trend."""
    clinic_id = await house.a_clinic("CTN", ZONE)
    with house.timed("import CTN scores around the first dose"):
        scores = house.imported("check-ins", folder / "withdrawal_pre_post.csv", "ctn_induction", clinic_id)
    with house.timed("import CTN withdrawal at visits"):
        others = house.imported("check-ins", folder / "withdrawal.csv", "ctn_withdrawal", clinic_id)
    with house.timed("import CTN visits"):
        visits = house.imported("appointments", folder / "visit.csv", "ctn_visits", clinic_id)
    with house.timed("import CTN dose-days"):
        doses = house.imported("dosing-sessions", folder / "treatment.csv", "ctn_doses", clinic_id)
    _counts(scores, doses, expected, checks)
    checks.equal("CTN: withdrawal scores accounted for", 9701, others["stored"] + others["skipped"])
    await _visits(house, clinic_id, visits, expected, checks)
    await _links(house, clinic_id, expected, checks)
    with house.timed("import CTN scores and visits again"):
        again = [
            house.imported("check-ins", folder / "withdrawal_pre_post.csv", "ctn_induction", clinic_id),
            house.imported("appointments", folder / "visit.csv", "ctn_visits", clinic_id),
        ]
    checks.equal("CTN: stored the second time", 0, sum(summary["stored"] for summary in again))
    token = await house.a_prescriber_of_everyone(clinic_id)
    async with house.served(workers=workers) as client:
        with house.timed("read 1,763 pairs through the dose-aligned trend"):
            seen = await _read_back(client, token, clinic_id, expected.pairs)
        people = {who: rules.patient_id(clinic_id, SOURCE, who) for who in expected.people}
        with house.timed(f"compare the statistics of {len(people):,} people with other libraries"):
            measured = oracles.Series("ctn_withdrawal", 3, ZONE)
            tally = await oracles.compare(client, token, people, measured)
        tally.tell("CTN", len(people), checks)
        checks.equal("CTN: doses compared with the oracles", expected.dose_days - expected.duplicates, tally.doses)
    before, after = ([value for value in values if value is not None] for values in zip(*seen, strict=True))
    checks.equal("CTN: scores before, read back", 1763, len(before))
    checks.equal("CTN: scores after, read back", 1763, len(after))
    checks.equal("CTN: mean before", 1.4543, round(sum(before) / len(before), 4))
    checks.equal("CTN: mean after", 0.4753, round(sum(after) / len(after), 4))
    same = sum(values == (pair.before, pair.after) for values, pair in zip(seen, expected.pairs, strict=True))
    checks.equal("CTN: pairs read back as pandas reads them", len(expected.pairs), same)


def _counts(scores: dict[str, Any], doses: dict[str, Any], expected: Expected, checks: Checks) -> None:
    checks.equal("CTN: dose-days", 186_435, doses["rows"])
    checks.equal("CTN: dosing sessions", expected.dose_days - expected.duplicates, doses["stored"])
    checks.equal("CTN: person-days that stand twice, reported", {"duplicate_row": 89}, doses["skipped_because"])
    checks.equal("CTN: people dosed", 1899, doses["patients"])
    checks.equal("CTN: people dosed, by pandas", expected.dosed, doses["patients"])
    checks.equal("CTN: scores around the first dose", expected.scores - expected.without_a_day, scores["stored"])
    checks.equal("CTN: scores without any day", {"no_day": expected.without_a_day}, scores["skipped_because"])
    checks.equal("CTN: pairs", 1763, len(expected.pairs))
    checks.equal("CTN: rows refused", 0, scores["refused"] + doses["refused"])


async def _visits(house: House, clinic_id: UUID, summary: dict[str, Any], expected: Expected, checks: Checks) -> None:
    checks.equal("CTN: visits in the file", 38_611, summary["rows"])
    checks.equal("CTN: visits accounted for", 38_611, summary["stored"] + summary["skipped"])
    async with house.opened() as db:
        columns = (Appointment.attendance, Appointment.reason.is_not(None))
        statement = sa.select(*columns, sa.func.count()).where(Appointment.clinic_id == clinic_id).group_by(*columns)
        seen = {(attendance, bool(reason)): n for attendance, reason, n in await db.execute(statement)}
    checks.equal("CTN: visits kept", expected.visits["attended", False], seen["attended", False])
    checks.equal("CTN: visits missed, reason not told", expected.visits["no_show", False], seen["no_show", False])
    checks.equal("CTN: visits missed, with the reason", expected.visits["no_show", True], seen["no_show", True])
    checks.equal("CTN: visits of which nobody wrote it down", expected.visits[None, False], seen[None, False])


async def _links(house: House, clinic_id: UUID, expected: Expected, checks: Checks) -> None:
    """Both scores of each pair belong to the session of the first dose, whose import came later."""
    first = (
        sa.select(DosingSession.patient_id, sa.func.min(DosingSession.dose_started_at).label("at"))
        .where(DosingSession.clinic_id == clinic_id)
        .group_by(DosingSession.patient_id)
        .subquery()
    )
    statement = (
        sa.select(TimelineMoment.patient_id, CheckIn.note)
        .join(
            CheckIn, sa.and_(*(getattr(CheckIn, n) == getattr(TimelineMoment, n) for n in ("clinic_id", "patient_id")))
        )
        .where(CheckIn.id == TimelineMoment.check_in_id, TimelineMoment.clinic_id == clinic_id)
        .join(DosingSession, DosingSession.id == TimelineMoment.dosing_session_id)
        .where(DosingSession.clinic_id == clinic_id, TimelineMoment.how == "client")
        .join(first, first.c.patient_id == TimelineMoment.patient_id)
        .where(first.c.at == DosingSession.dose_started_at)
    )
    paired = {rules.patient_id(clinic_id, SOURCE, pair.who) for pair in expected.pairs}
    async with house.opened() as db:
        notes = [note or "" for patient, note in await db.execute(statement) if patient in paired]
    checks.equal("CTN: scores of pairs linked to the first dose", 2 * 1763, len(notes))
    untold = sum(not pair.day_told for pair in expected.pairs)
    checks.equal("CTN: pairs without a day", 613, untold)
    checks.equal("CTN: their scores, which say so", 2 * untold, sum(note.endswith(NO_DAY) for note in notes))


async def _read_back(
    client: httpx2.AsyncClient, token: str, clinic_id: UUID, pairs: list[Pair]
) -> list[tuple[float | None, float | None]]:
    """The values at the two (invented) moments of each pair, taken from the points around that person's doses."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(pair: Pair) -> tuple[float | None, float | None]:
        days = (pair.day_before, pair.day_after, pair.first_dose_day)
        asked = {
            "measure": "ctn_withdrawal",
            "from": str(ANCHOR + timedelta(days=min(days))),
            "to": str(ANCHOR + timedelta(days=max(days))),
        }
        patient = rules.patient_id(clinic_id, SOURCE, pair.who)
        async with gate:
            answer = await client.get(
                f"/v1/patients/{patient}/trends/dose-aligned", params=asked, headers=bearer(token)
            )
        answer.raise_for_status()
        values = {
            datetime.fromisoformat(curve["dose_started_at"]) + timedelta(minutes=point["minutes_from_dose"]): point[
                "value"
            ]
            for curve in answer.json()["sessions"]
            for point in curve["points"]
        }
        return values.get(_moment(pair.day_before, PRE)), values.get(_moment(pair.day_after, POST))

    return list(await asyncio.gather(*(ask(pair) for pair in pairs)))


def _moment(day: int, at: time) -> datetime:
    return datetime.combine(ANCHOR + timedelta(days=day), at, ZoneInfo(ZONE)).astimezone(UTC)
