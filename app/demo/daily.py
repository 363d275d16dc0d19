"""The patient's day between the visits: plans made together, practice, a plan for a crisis, and the journal.

What people write here is made up, and says nothing of what helps.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.demo.acts import (
    Act,
    CarePlanned,
    CheckInsPlanned,
    GroupFounded,
    GroupJoined,
    JournalWritten,
    Practised,
    Rewarded,
    SafetyPlanWritten,
    SeriesPlanned,
    TemplatePublished,
)
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.forms import CHANGED_THEIR_MIND
from app.demo.people import TIME_ZONE, Story
from app.demo.sessions import Session

PRACTISES_FOR: Final = 10
"""Days up to now on which practice is assigned and logged."""
SETTLED_AFTER: Final = 21
"""Days after the first dose from which on a plan is about keeping what was reached."""
WRITERS: Final = frozenset({"sam.rivers", "tomasz", "ines", "noor", "emil", "amal", "farid", "ida"})
"""Who practises by the app, and keeps a journal."""
CAREFUL: Final = frozenset({"sam.rivers", "tomasz", "ines", "viktor", "dario", "farid", "noor"})
"""Who has a plan for a crisis."""
IN_SERIES: Final = {"noor": ("therapist2", "Room 3", "TU"), "ida": ("therapist", "Room 2", "FR")}
"""Whose CBT is planned as a series: with whom, where, on which day of the week."""
SERIES_AT, SERIES_MINUTES = "08:00", 50
REWARDED: Final = "selin"
ASKED_FOR: Final = 8
"""Days up to now on which everybody is asked by the plan that the clinic has published."""
ASKED: Final[dict[str, Any]] = {
    "items": [
        {
            "key": "morning", "kind": "fixed", "instruments": ["craving_nrs", "mood_nrs"], "local_times": ["08:30"],
            "opens_minutes_before": 60, "closes_minutes_after": 180,
        },
        {
            "key": "afternoon", "kind": "random", "instruments": ["craving_nrs", "mood_nrs"],
            "windows": [{"from_time": "13:00", "until_time": "17:00", "prompts": 1}], "closes_minutes_after": 240,
        },
        {
            "key": "evening", "kind": "fixed", "instruments": ["craving_nrs", "mood_nrs", "use_diary"],
            "local_times": ["20:00"], "opens_minutes_before": 240, "closes_minutes_after": 180,
        },
        {
            "key": "weekly", "kind": "fixed", "instruments": ["gad7", "who5"], "local_times": ["10:30"],
            "weekdays": ["sun"], "opens_minutes_before": 60, "closes_minutes_after": 720,
        },
        {"key": "any_time", "kind": "on_demand", "instruments": ["craving_nrs"]},
    ],
}  # fmt: skip
GROUP: Final = ("tomasz", "hanna", "emil", "aylin", "bruno", "gesa", "ida", "lotte")
"""Who meets on Thursday evenings."""
GROUP_PLACES, THURSDAY = 7, 3
WANTED: Final = (
    "I want my mornings back.",
    "To cook for my children on Sundays, and be there.",
    "Two evenings a week that are mine and not the bottle's.",
    "To go back to the choir.",
    "Sleep without thinking of it.",
)
STORIES: Final = (
    ("Walked to the river after work. Sat there for an hour and did not want anything else.", True),
    ("The session is still with me. It was as if the room had more corners than it has.", False),
    ("Argued with M. again. I write it down here so that I do not write it to her.", False),
    ("Group was good today. I said out loud what I had only ever said to myself.", True),
    ("Nothing happened today, and that is the news.", False),
)
NOTES: Final = ("Mind wandered, came back.", "Only half of it, on the tram.", "Easier than last week.")
CRISIS: Final[dict[str, Any]] = {
    "warning_signs": ["I stop answering messages.", "I count the hours."],
    "on_my_own": ["Walk to the river and back.", "Cold water on my wrists."],
    "people_and_places": ["The library on the corner.", "Sunday football."],
    "people_to_ask": [{"name": "My sister", "phone": "+49 30 5550177", "note": "Call after six."}],
    "professionals": [{"name": "The clinic", "phone": "+49 30 5550100"}, {"name": "Emergency", "phone": "112"}],
    "safer_surroundings": ["My sister keeps the tablets."],
}
REWARDS: Final[dict[str, Any]] = {
    "target_behaviour": "A urine screen without cocaine",
    "verification": "urine_drug_screen",
    "currency": "EUR",
    "first_cents": 200,
    "step_cents": 100,
    "most_cents": 1000,
    "bonus_every": 3,
    "bonus_cents": 500,
    "reason": "Agreed with the patient.",
}
SCREENS: Final = ("met", "met", "not_met", "excused", "met", "met", "met")


def clinic_of(calendar: Calendar, chance: Chance) -> Iterator[Act]:
    """What the clinic sets up for everybody: what patients are asked for, and a group."""
    at = calendar.on(calendar.days_ago(ASKED_FOR), 9.2)
    reason = "Three short questions a day, agreed with the patients' council."
    yield TemplatePublished(at, GROUP[0], {"content": ASKED, "reason": reason})
    first = calendar.days_ago(0)
    while first.weekday() != THURSDAY:
        first += timedelta(days=1)
    group_id = chance.of("group").id_at(at)
    content = {
        "name": "Thursday evening",
        "kind": "mbrp",
        "capacity": GROUP_PLACES,
        "first_at": f"{first.isoformat()}T18:30",
        "minutes": 90,
        "rule": "FREQ=WEEKLY;BYDAY=TH;COUNT=8",
    }
    founded = calendar.on(calendar.days_ago(3), 15)
    yield GroupFounded(founded, GROUP[0], content, group_id, "therapist2", "Group room")
    for number, key in enumerate(GROUP, 1):
        yield GroupJoined(founded + timedelta(minutes=10 * number), key, {}, group_id)


def days_of(story: Story, sessions: Sequence[Session], calendar: Calendar, chance: Chance) -> Iterator[Act]:
    """Everything of one patient's days."""
    yield from _plans(story, sessions, calendar, chance.of("care plan"))
    if story.key in IN_SERIES:
        yield _series(story, calendar, chance.of("series"))
    if story.key in CAREFUL:
        at = calendar.on(calendar.enrolment(story) + timedelta(days=3), 17.5)
        yield SafetyPlanWritten(at, story.key, CRISIS, co_signed=chance.of("crisis").happens(0.6))
    if story.key in WRITERS and (story.key, "data_processing_app") not in CHANGED_THEIR_MIND:
        yield from _practice(story, calendar, chance.of("practice"))
        yield from _journal(story, calendar, chance.of("journal"))
    if story.stays_days is not None:
        nothing = {"content": {"items": [], "around_doses": False}, "reason": "Left; nothing is asked any more."}
        yield CheckInsPlanned(calendar.on(calendar.days_ago(ASKED_FOR), 9), story.key, nothing)
    if story.key == REWARDED:
        yield from _rewards(story, calendar, chance.of("rewards"))


def _plans(story: Story, sessions: Sequence[Session], calendar: Calendar, chance: Chance) -> Iterator[Act]:
    """How the plan began, how it went on with the first dose, and as it is now."""
    began = calendar.on(calendar.enrolment(story), 10.9)
    goals, said = _goals(story, began, chance), chance.of("said")
    yield CarePlanned(began, story.key, _plan("preparation", goals, [], "Made together on the first day."))
    doses = [session.dose_at for session in sessions if session.dose_at is not None]
    if doses:
        reason = "Prepared and cleared: the first sessions begin."
        yield CarePlanned(doses[0] - timedelta(hours=20), story.key, _plan("induction", goals, [], reason))
    if story.stays_days is not None:
        left = calendar.on(calendar.enrolment(story) + timedelta(days=story.stays_days), 15)
        yield CarePlanned(left, story.key, _plan("withdrawn", goals, [], "Left the programme. The door stays open."))
        return
    now = calendar.on(calendar.days_ago(PRACTISES_FOR), 12.3)
    settled = doses and doses[0] < now - timedelta(days=SETTLED_AFTER)
    phase = "maintenance" if settled else "induction" if doses and doses[0] < now else "preparation"
    practice = _assigned(story, began, calendar.days_ago(PRACTISES_FOR - 1)) if story.key in WRITERS else []
    if now > began:
        reason = said.one_of(("Looked at together; goes on so.", "The patient asked for something to practise."))
        yield CarePlanned(now, story.key, _plan(phase, goals, practice, reason))


def _plan(phase: str, goals: list[Any], practice: list[Any], reason: str) -> dict[str, Any]:
    """A version of a care plan; who owns the phases is filled in on the stage."""
    criteria = {
        "preparation": ("Enrolled, with the papers signed.", "Every check before a first dose is done."),
        "induction": ("Cleared by the prescriber.", "Six sessions, looked at together."),
        "maintenance": ("The first six sessions are over.", "Three months without a session."),
    }
    phases = [{"phase": key, "entry_criteria": entry, "exit_criteria": end} for key, (entry, end) in criteria.items()]
    modalities = ["ketamine_session", "cbt", "mindfulness", "integration"]
    return {
        "phase": phase,
        "phases": phases,
        "modalities": modalities,
        "goals": goals,
        "practice": practice,
        "reason": reason,
    }


def _goals(story: Story, at: datetime, chance: Chance) -> list[dict[str, Any]]:
    craving = {"measure": "craving", "target": 3, "substance": story.substance}
    return [
        {"id": str(chance.id_at(at, 1)), "kind": "function", "words": chance.one_of(WANTED)},
        {"id": str(chance.id_at(at, 2)), "kind": "reduction", "words": "That it does not pull so hard.", **craving},
        {
            "id": str(chance.id_at(at, 3)),
            "kind": "mood",
            "words": "Be fine in the evening.",
            "measure": "mood",
            "target": 6,
        },
    ]


def _assigned(story: Story, at: datetime, first: date) -> list[dict[str, Any]]:
    """What there is to practise every day, and what once a week."""
    ids = [str(_assignment(story, at, number)) for number in (1, 2)]
    return [
        {
            "id": ids[0], "modality": "mindfulness", "instruction": "Ten minutes of breathing, in the morning.",
            "times": 1, "window_days": 1, "starts_on": first.isoformat(), "minutes": 10,
        },
        {
            "id": ids[1], "modality": "cbt", "instruction": "Write down one urge: what was before it, what after.",
            "times": 1, "window_days": 7, "starts_on": first.isoformat(),
        },
    ]  # fmt: skip


def _assignment(story: Story, at: datetime, number: int) -> UUID:
    return Chance(story.key, "assignment", number).id_at(at, number)


def _series(story: Story, calendar: Calendar, chance: Chance) -> Act:
    """Twelve hours of CBT from the next such day on."""
    therapist, room, weekday = IN_SERIES[story.key]
    day = calendar.days_ago(-2)
    while day.strftime("%a")[:2].upper() != weekday:
        day += timedelta(days=1)
    content = {
        "rule": f"FREQ=WEEKLY;BYDAY={weekday};COUNT=12",
        "first_at": f"{day.isoformat()}T{SERIES_AT}",
        "minutes": SERIES_MINUTES,
        "clashes": "leave_out",
        "kind": "cbt",
    }
    at = calendar.on(calendar.days_ago(2), 11.2)
    return SeriesPlanned(at, story.key, content, chance.of("id").id_at(at), therapist, room)


def _practice(story: Story, calendar: Calendar, chance: Chance) -> Iterator[Act]:
    """Most days' ten minutes, and the week's sheet."""
    began = calendar.on(calendar.enrolment(story), 10.9)
    for days in range(PRACTISES_FOR - 1, -1, -1):
        drawn, day = chance.of(days), calendar.days_ago(days)
        at = calendar.on(day, 7.6 + drawn.between(0, 1.5))
        if drawn.happens(0.75):
            note = drawn.one_of(NOTES) if drawn.happens(0.3) else None
            said = {"minutes": drawn.whole(6, 14), "helpfulness": drawn.whole(3, 9), "note": note}
            yield _practised(story, at, "mindfulness", _assignment(story, began, 1), said, drawn)
        if days == 4 and drawn.happens(0.8):  # noqa: PLR2004  in the middle of the first week
            sheet = drawn.of("sheet")
            yield _practised(story, at + timedelta(hours=11), "cbt", _assignment(story, began, 2), {}, sheet)


def _practised(
    story: Story, at: datetime, modality: str, assignment: UUID, said: dict[str, Any], chance: Chance
) -> Practised:
    content = {"assignment_id": assignment, "modality": modality, "done_at": at, "time_zone": TIME_ZONE, **said}
    content["note_is_private"] = chance.happens(0.5)
    return Practised(at + timedelta(minutes=12), story.key, content, chance.of("id").id_at(at))


def _journal(story: Story, calendar: Calendar, chance: Chance) -> Iterator[Act]:
    """A few evenings, some of them for the therapist to read as well."""
    for number, (text, shared) in enumerate(chance.shuffled(STORIES)[:3]):
        drawn = chance.of(number)
        at = calendar.on(calendar.days_ago(2 + 3 * number), 20.5 + drawn.between(0, 1.5))
        content = {"text": text, "written_at": at, "time_zone": TIME_ZONE}
        yield JournalWritten(at, story.key, content, drawn.of("id").id_at(at), shared)


def _rewards(story: Story, calendar: Calendar, chance: Chance) -> Iterator[Act]:
    yield Rewarded(calendar.on(calendar.days_ago(27), 10), story.key, REWARDS, None)
    for number, outcome in enumerate(SCREENS):
        at = calendar.on(calendar.days_ago(25 - 3 * number), 9.5)
        content = {"at": at, "outcome": outcome}
        yield Rewarded(at + timedelta(minutes=20), story.key, content, chance.of(number).id_at(at))
