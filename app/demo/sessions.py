"""The dosing sessions of a patient: six in three weeks, then one every few weeks, and the one of today."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.demo.acts import Act, DoseStarted, SessionCancelled, SessionPlanned, SessionStep
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.people import Story, Today
from app.dosing.rules import SessionAction

MG_PER_KG = 0.5  # what trials and clinics give most often into a vein, over 40 minutes
INFUSION = timedelta(minutes=40)
PLANNED_AHEAD = timedelta(days=14)
MOVED, PUT_OFF = 0.08, 0.05
MINUTE = timedelta(minutes=1)

# Minutes from now: planned begin, arrival, clearance, dose, end of dose, closure; as far as each has come.
TODAYS_STEPS: dict[Today, tuple[int, ...]] = {
    Today.CLOSED: (-285, -291, -275, -262, -221, -118),
    Today.MONITORING: (-130, -134, -118, -104, -63),
    Today.DOSING: (-50, -58, -36, -22),
    Today.CLEARED: (-15, -27, -6),
    Today.CHECKED_IN: (10, -7),
    Today.SCHEDULED: (95,),
    Today.CANCELLED: (150,),
}
STEPS = (
    SessionAction.ARRIVAL,
    SessionAction.CLEARANCE,
    SessionAction.DOSE,
    SessionAction.DOSE_END,
    SessionAction.CLOSURE,
)


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `dose_at` is None where no dose was or will be given."""

    id: UUID
    planned_on: datetime
    scheduled_at: datetime
    dose_at: datetime | None
    acts: tuple[Act, ...]


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
    for low, high in ((11, 21), (8, 16), (40, 43), (88, 112)):
        minutes.append(minutes[-1] + chance.whole(low, high))
    return _with_steps(story, session_id, acts, scheduled_at, [scheduled_at + n * MINUTE for n in minutes])


def _today(story: Story, stage: Today, calendar: Calendar, chance: Chance) -> Session:
    planned, *steps = TODAYS_STEPS[stage]
    # Two sessions that wait at the same stage do not begin at the same minute.
    later = chance.whole(0, 6) * 5 if stage is Today.SCHEDULED else 0
    scheduled_at = calendar.within_today(calendar.now + (planned + later) * MINUTE)
    planned_on = calendar.on(calendar.days_ago(14), 11 + chance.between(0, 4))
    session_id = chance.of("id").id_at(planned_on)
    if stage is Today.CANCELLED:
        return _cancelled(story, session_id, planned_on, scheduled_at, "Fever since this morning", calendar.now)
    acts: list[Act] = [SessionPlanned(planned_on, story.key, session_id, scheduled_at)]
    return _with_steps(story, session_id, acts, scheduled_at, [calendar.now + n * MINUTE for n in steps])


def _with_steps(
    story: Story, session_id: UUID, acts: list[Act], scheduled_at: datetime, moments: list[datetime]
) -> Session:
    dose_at = None
    for action, at in zip(STEPS, moments, strict=False):
        if action is SessionAction.DOSE:
            dose_at = at
            acts.append(DoseStarted(at, story.key, session_id, float(round(MG_PER_KG * story.weight_kg))))
        else:
            acts.append(SessionStep(at, story.key, session_id, action))
    return Session(session_id, acts[0].at, scheduled_at, dose_at, tuple(acts))


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
    return Session(session_id, planned_on, scheduled_at, None, acts)
