"""The whole past of the demo clinic, as acts in the order of time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.demo import forms
from app.demo.acts import (
    Act,
    Activated,
    Asked,
    AskedForHelp,
    Enrolled,
    Looked,
    Relinked,
    Reported,
    Signed,
    Uploaded,
    Withdrew,
)
from app.demo.answers import Answers
from app.demo.bedside import PLAYED, SCRIPTS
from app.demo.bodies import Tablet
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.daily import clinic_of, days_of
from app.demo.day import DAY, PLAYED_BY
from app.demo.feelings import Feelings
from app.demo.people import PATIENTS, Story
from app.demo.phones import arrivals
from app.demo.reports import Kept, Reports
from app.demo.sessions import Session, day_of, sessions_of
from app.demo.visits import Diary, visits_of

ENROLLED_AT, ACTIVATED_AT, SIGNED_AT, WITHDREW_AT = 10.0, 10.5, 10.65, 19.2
CORRECTED_ON_DAY, RELINKED_ON_DAY = 20, 24
NEEDS_HELP = ("ines", "I cannot stop thinking about it. Please call me.")
HELP_MINUTES_AGO = 8
DAY_AFTER = timedelta(hours=18), timedelta(hours=30)
SOON_AFTER = timedelta(minutes=1)


def write(now: datetime, seed: int) -> list[Act]:
    """All acts up to now."""
    calendar, diary = Calendar(now), Diary()
    acts = [
        act for story in PATIENTS for act in _life(story, calendar, diary, Chance(seed, story.key)) if act.at <= now
    ]
    acts += [act for act in clinic_of(calendar, Chance(seed, "clinic")) if act.at <= now]
    acts += _played(calendar)
    acts.append(AskedForHelp(now - timedelta(minutes=HELP_MINUTES_AGO), *NEEDS_HELP))
    return sorted(acts, key=lambda act: act.at)


def _played(calendar: Calendar) -> Iterator[Act]:
    """The requests of the scripts, as people sent them yesterday."""
    for key, (patient, hour) in PLAYED.items():
        begin = calendar.on(calendar.days_ago(1), hour)
        for request in SCRIPTS[key]:
            yield Asked(begin + timedelta(minutes=request.minute), patient, begin, request)
    patient, hour = PLAYED_BY
    begin = calendar.on(calendar.days_ago(1), hour)
    for request in DAY:
        yield Asked(begin + timedelta(minutes=request.minute), patient, begin, request)


def _life(story: Story, calendar: Calendar, diary: Diary, chance: Chance) -> Iterator[Act]:
    enrolled = calendar.enrolment(story)
    yield Enrolled(calendar.on(enrolled, ENROLLED_AT), story.key)
    activated = calendar.on(enrolled, ACTIVATED_AT)
    yield Activated(activated, story.key)
    yield from _papers(story, calendar)
    sessions = sessions_of(story, calendar, chance)
    for session in sessions:
        yield from session.acts
    yield from visits_of(story, sessions, calendar, diary, chance)
    yield from days_of(story, sessions, calendar, chance.of("days"))
    doses = [session.dose_at for session in sessions if session.dose_at is not None]
    feelings = Feelings(story, calendar.on(enrolled, 0), doses, chance)
    tablet, given = Tablet(story, feelings, chance), [session for session in sessions if session.course is not None]
    for doses_before, session in enumerate(given):
        yield from day_of(story, session, doses_before, tablet, calendar, chance)
    reports = Reports(story, sessions, Answers(story, feelings, chance), calendar)
    kept = [found for found in reports.kept(chance.of("reports")) if activated < found.at <= calendar.now]
    sent = arrivals(story, kept, activated, calendar.now, chance.of("phone"))
    yield from sent
    yield from _unheard(story, doses, sent)
    if story.corrects:
        yield from _second_thoughts(story, kept, sessions, calendar)


def _unheard(story: Story, doses: list[datetime], sent: list[Act]) -> Iterator[Act]:
    """The moments at which it is noticed that nobody has heard from the patient since the day after a dose."""
    said = [(act.at, _moment(act.content)) for act in sent if isinstance(act, Reported)]
    said += [(act.at, _moment(item)) for act in sent if isinstance(act, Uploaded) for item in act.items]
    for dose in doses:
        first, last = (dose + hours for hours in DAY_AFTER)
        if not any(arrived <= last and first <= at <= last for arrived, at in said):
            yield Looked(last + SOON_AFTER, story.key)


def _moment(content: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(content["recorded_at"])


def _papers(story: Story, calendar: Calendar) -> Iterator[Act]:
    """What the patient agrees to on the first day, and what they take back later."""
    enrolled = calendar.enrolment(story)
    for consent_type in forms.signed_by(story):
        yield Signed(calendar.on(enrolled, SIGNED_AT), story.key, consent_type)
        if (story.key, consent_type) in forms.CHANGED_THEIR_MIND:
            day, reason = forms.CHANGED_THEIR_MIND[story.key, consent_type]
            at = calendar.on(enrolled + timedelta(days=day), WITHDREW_AT)
            yield Withdrew(at, story.key, consent_type, reason or None)


def _second_thoughts(story: Story, kept: list[Kept], sessions: list[Session], calendar: Calendar) -> Iterator[Act]:
    """A slip of the thumb that the patient corrects, and a link that the prescriber corrects."""
    evenings = [found for found in kept if found.kind == "evening"]
    begin = calendar.on(calendar.enrolment(story), 0)
    slip = next((found for found in evenings if found.at > begin + timedelta(days=CORRECTED_ON_DAY)), None)
    if slip is not None:
        craving, *others = slip.content["responses"]
        meant = craving | {"answers": craving["answers"] | {"peak": 10}}
        content = slip.content | {"responses": [meant, *others]}
        yield Reported(slip.at + timedelta(minutes=3), story.key, slip.id, content, base_version=1)
    moved = next((found for found in evenings if found.at > begin + timedelta(days=RELINKED_ON_DAY)), None)
    given = [session for session in sessions if session.dose_at is not None and moved and session.dose_at < moved.at]
    if moved is not None and given:
        yield Relinked(moved.at + timedelta(hours=14), story.key, moved.id, given[-1].id)
