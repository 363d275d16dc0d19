"""The dosing sessions of a patient: six in three weeks, then one every few weeks, and the one of today."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.core.fields import zone
from app.demo.acts import (
    Act,
    Checked,
    Cleared,
    DoseStarted,
    FoundReady,
    Held,
    Measured,
    SessionCancelled,
    SessionPlanned,
    SessionStep,
    WentHome,
)
from app.demo.bodies import ESCORTS, MINUTE, Tablet, checklist
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.people import TIME_ZONE, Story, Today
from app.dosing.rules import SessionAction

MG_PER_KG = 0.5  # what trials and clinics give most often into a vein, over 40 minutes
PLANNED_AHEAD = timedelta(days=14)
MOVED, PUT_OFF = 0.08, 0.05

# Minutes from now: planned begin, then the moments of a course; as far as each has come.
TODAYS_STEPS: dict[Today, tuple[int, ...]] = {
    Today.CLOSED: (-330, -336, -329, -320, -307, -266, -141, -131, -118),
    Today.DISCHARGED: (-250, -256, -249, -240, -226, -185, -58, -47),
    Today.DISCHARGE_READY: (-190, -195, -188, -180, -168, -127, -4),
    Today.MONITORING: (-130, -134, -128, -118, -104, -63),
    Today.DOSING: (-50, -58, -50, -36, -22),
    Today.CLEARED: (-15, -27, -19, -6),
    Today.CHECKED_IN: (10, -7),
    Today.HELD: (-25, -34, -26),
    Today.SCHEDULED: (95,),
    Today.CANCELLED: (150,),
}
USUALLY = ((4, 8), (7, 13), (8, 16), (40, 43), (121, 135), (6, 14), (3, 15))
"""Minutes from each moment of a course to the next."""
WHY_HELD = "Blood pressure 152/94 before the dose; rest, and measure again"


@dataclass(frozen=True, slots=True)
class Course:
    """When each thing happened on the day of a session; None for what did not happen (yet)."""

    arrived: datetime
    checked: datetime | None = None
    cleared: datetime | None = None
    dosed: datetime | None = None
    ended: datetime | None = None
    ready: datetime | None = None
    home: datetime | None = None
    closed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `dose_at` is None where no dose was or will be given."""

    id: UUID
    planned_on: datetime
    scheduled_at: datetime
    acts: tuple[Act, ...]
    course: Course | None = None
    is_held: bool = False

    @property
    def dose_at(self) -> datetime | None:
        """When the dose began."""
        return None if self.course is None else self.course.dosed


def sessions_of(story: Story, calendar: Calendar, chance: Chance) -> list[Session]:
    """All sessions of a patient, those of the coming two weeks too."""
    made = []
    for number, days_ago in enumerate(_days(story)):
        drawn = chance.of("session", number)
        if days_ago == 0 and story.today is not None:
            made.append(_today(story, story.today, calendar, drawn))
        else:
            made += list(_usual(story, days_ago, calendar, drawn))
    return made


def _days(story: Story) -> list[int]:
    """How many days ago each session is; negative for what is to come."""
    if story.first_dose_days_ago is None:
        return []
    offsets = list(story.induction)
    while story.first_dose_days_ago - offsets[-1] - story.every_days > -PLANNED_AHEAD.days:
        offsets.append(offsets[-1] + story.every_days)
    days = [story.first_dose_days_ago - offset for offset in offsets]
    if story.stays_days is None:
        return days
    # The first session after somebody left was still planned.
    stayed = [ago for ago in days if ago > story.enrolled_days_ago - story.stays_days]
    return days[: len(stayed) + 1]


def _usual(story: Story, days_ago: int, calendar: Calendar, chance: Chance) -> Iterator[Session]:
    scheduled_at = calendar.on(calendar.days_ago(days_ago), chance.whole(18, 27) / 2)
    enrolled = calendar.on(calendar.enrolment(story), 10.6)
    planned_on = max(enrolled, scheduled_at - PLANNED_AHEAD + timedelta(hours=chance.between(0, 5)))
    session_id = chance.of("id").id_at(planned_on)
    left = story.stays_days is not None and days_ago <= story.enrolled_days_ago - story.stays_days
    if left:
        yield _cancelled(story, session_id, planned_on, scheduled_at, "Patient does not come any more")
    elif days_ago > 2 and chance.happens(PUT_OFF):  # noqa: PLR2004  the next day must have passed too
        yield _cancelled(story, session_id, planned_on, scheduled_at, "Blood pressure too high; again tomorrow")
        again = chance.of("again")
        made_up = scheduled_at + timedelta(days=1)
        yield _given(story, again.of("id").id_at(scheduled_at), scheduled_at - 10 * MINUTE, made_up, again)
    else:
        yield _given(story, session_id, planned_on, scheduled_at, chance)


def _given(story: Story, session_id: UUID, planned_on: datetime, scheduled_at: datetime, chance: Chance) -> Session:
    first = scheduled_at
    acts: list[Act] = []
    if chance.happens(MOVED):
        first = scheduled_at + timedelta(hours=chance.one_of([-1, 1, 24]))
        acts.append(SessionPlanned(planned_on + timedelta(days=1), story.key, session_id, scheduled_at))
    acts.insert(0, SessionPlanned(planned_on, story.key, session_id, first))
    minutes = [chance.whole(-14, 6)]
    for low, high in USUALLY:
        minutes.append(minutes[-1] + chance.whole(low, high))
    course = Course(*(scheduled_at + n * MINUTE for n in minutes))
    return Session(session_id, acts[0].at, scheduled_at, tuple(acts), course)


def _today(story: Story, stage: Today, calendar: Calendar, chance: Chance) -> Session:
    planned, *steps = TODAYS_STEPS[stage]
    # Two sessions that wait at the same stage do not begin at the same minute.
    later = chance.whole(0, 6) * 5 if stage is Today.SCHEDULED else 0
    scheduled_at = calendar.within_today(calendar.now + (planned + later) * MINUTE)
    planned_on = calendar.on(calendar.days_ago(14), 11 + chance.between(0, 4))
    session_id = chance.of("id").id_at(planned_on)
    if stage is Today.CANCELLED:
        return _cancelled(story, session_id, planned_on, scheduled_at, "Fever since this morning", calendar.now)
    planned_act = SessionPlanned(planned_on, story.key, session_id, scheduled_at)
    course = Course(*(calendar.now + n * MINUTE for n in steps)) if steps else None
    return Session(session_id, planned_on, scheduled_at, (planned_act,), course, is_held=stage is Today.HELD)


def day_of(
    story: Story, session: Session, doses_before: int, tablet: Tablet, calendar: Calendar, chance: Chance
) -> Iterator[Act]:
    """What was done on the day of a session, up to now."""
    course, key, session_id = session.course, story.key, session.id
    if course is None:
        return
    yield SessionStep(course.arrived, key, session_id, SessionAction.ARRIVAL)
    if course.checked is not None:
        drawn = chance.of("checklist", doses_before)
        day = course.checked.astimezone(zone(TIME_ZONE)).date()
        listed = checklist(story, day, doses_before, drawn)
        yield Checked(course.checked, key, session_id, listed)
        yield from _measured_before(story, session, course.checked + 2 * MINUTE, tablet)
    if course.cleared is not None:
        yield Cleared(course.cleared, key, session_id)
    if course.dosed is not None:
        mg = float(round(MG_PER_KG * story.weight_kg))
        yield DoseStarted(course.dosed, key, session_id, mg, f"K-{course.dosed:%y%m}")
        yield from _measured_afterwards(story, session, course, course.dosed, tablet, calendar.now)
    yield from _to_the_end(story, session, course, chance.of("escort", doses_before))


def _measured_before(story: Story, session: Session, at: datetime, tablet: Tablet) -> Iterator[Act]:
    """The values before the dose are sent at once: the prescriber waits for them."""
    values = tablet.before(at)
    if session.is_held:
        values |= {"systolic": 152, "diastolic": 94}
    yield Measured(at + MINUTE / 2, story.key, session.id, (values,))
    if session.is_held:
        yield Held(at + 3 * MINUTE, story.key, session.id, WHY_HELD)


def _measured_afterwards(
    story: Story, session: Session, course: Course, dosed: datetime, tablet: Tablet, now: datetime
) -> Iterator[Act]:
    """All others come in one batch: the tablet at the bedside has no network."""
    until = now if course.ready is None else course.ready - 2 * MINUTE
    kept = list(tablet.during(dosed, course.ended, until - MINUTE))
    if course.ready is not None:
        kept.append(tablet.at_the_end(until - MINUTE))
    if kept:
        yield Measured(until, story.key, session.id, tuple(kept))


def _to_the_end(story: Story, session: Session, course: Course, chance: Chance) -> Iterator[Act]:
    if course.ended is not None:
        yield SessionStep(course.ended, story.key, session.id, SessionAction.DOSE_END)
    if course.ready is not None:
        yield FoundReady(course.ready, story.key, session.id)
    if course.home is not None:
        yield WentHome(course.home, story.key, session.id, chance.one_of(ESCORTS))
    if course.closed is not None:
        yield SessionStep(course.closed, story.key, session.id, SessionAction.CLOSURE)


def _cancelled(
    story: Story,
    session_id: UUID,
    planned_on: datetime,
    scheduled_at: datetime,
    reason: str,
    now: datetime | None = None,
) -> Session:
    at = scheduled_at - 25 * MINUTE if now is None else now - 90 * MINUTE
    acts = (
        SessionPlanned(planned_on, story.key, session_id, scheduled_at),
        SessionCancelled(at, story.key, session_id, reason),
    )
    return Session(session_id, planned_on, scheduled_at, acts)
