"""The check-ins of a patient: what is asked when, what is answered, what is missed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.fields import zone
from app.demo.answers import Answers, Response
from app.demo.bodies import MINUTE
from app.demo.calendar import Calendar
from app.demo.chance import Chance
from app.demo.daily import ASKED_FOR
from app.demo.people import Story
from app.demo.sessions import Session

EVENING = 19.4
FIRST_WAKING_HOUR, LAST_WAKING_HOUR = 7.5, 22.8
BEFORE_DOSE = timedelta(minutes=35)
IN_SESSION = (40, 120)  # minutes after the dose began, asked by the nurse
# Hours after a dose, minutes that it may be early or late, whether session effects are asked for.
AFTER_DOSE = ((4, 18, True), (24, 70, True), (72, 150, False), (168, 200, False))
ASKED = {"morning": (8.9, 0.7), "afternoon": (17.1, 0.09), "weekly": (11.2, 0.4)}
"""What the clinic's plan asks for beside the evening: the hour, and how far off people are when they answer."""
SUNDAY = 6
MISSED_AFTER_DOSE = 0.5  # these are missed half as often: the clinic reminds people
STRONG_CRAVING = 5
NOTES_GOOD = ("long walk by the river", "slept well", "after group", "called my sister", "quiet day", "cooked for two")
NOTES_HARD = ("could not sleep", "argument at work", "strong urge around six", "stayed in bed", "hard evening")
NOTED = 0.12


@dataclass(frozen=True, slots=True)
class Kept:
    """A check-in as the phone (or the nurse) keeps it. `at` is when it truly was, whatever the phone's clock says."""

    at: datetime
    id: UUID
    content: dict[str, Any]
    by_nurse: bool
    online: bool
    kind: str

    @property
    def item(self) -> dict[str, Any]:
        """As an item of a batch."""
        return {"id": str(self.id), **self.content}


@dataclass(frozen=True, slots=True)
class _Prompt:
    at: datetime
    kind: str
    day: int
    with_effects: bool = False
    session: Session | None = None

    @property
    def by_nurse(self) -> bool:
        """Whether the nurse asks, at the bedside."""
        return self.kind.endswith("min")


class Reports:
    """Everything that one patient reported, or a nurse for them at the bedside."""

    def __init__(self, story: Story, sessions: Sequence[Session], answers: Answers, calendar: Calendar) -> None:
        self._story = story
        self._sessions = [session for session in sessions if session.dose_at is not None]
        self._answers = answers
        self._calendar = calendar

    def kept(self, chance: Chance) -> Iterator[Kept]:
        """The check-ins that were made, in the order of time."""
        last_craving = 0
        for prompt in sorted(self._prompts(chance), key=lambda prompt: prompt.at):
            drawn = chance.of(prompt.kind, prompt.day)
            if not prompt.by_nurse and drawn.happens(self._missing(prompt, last_craving)):
                continue
            responses = self._responses(prompt)
            cravings = [found["answers"]["now"] for found in responses if found["instrument"] == "craving_nrs"]
            last_craving = max(cravings, default=last_craving)
            yield self._keep(prompt, responses, drawn)

    def _prompts(self, chance: Chance) -> Iterator[_Prompt]:
        story, calendar = self._story, self._calendar
        for day in range(story.enrolled_days_ago + 1 if story.stays_days is None else story.stays_days):
            date = calendar.enrolment(story) + timedelta(days=day)
            hour = EVENING + max(-2.5, min(2.5, chance.of("evening", day).around(0, 0.8)))
            place = calendar.where(story, day)
            yield _Prompt(calendar.on(date, hour, place), "evening", day)
            if date > calendar.days_ago(ASKED_FOR):
                for kind, (usual, spread) in ASKED.items():
                    if kind != "weekly" or date.weekday() == SUNDAY:
                        hour = usual + chance.of(kind, day).between(-spread, spread)
                        yield _Prompt(calendar.on(date, hour, place), kind, day)
        for number, session in enumerate(self._sessions):
            dose = session.dose_at
            if dose is None:
                continue
            drawn = chance.of("around", number)
            yield self._prompt(dose - BEFORE_DOSE - drawn.between(0, 12) * MINUTE, "before", session)
            for minutes in IN_SESSION:
                at = dose + (minutes + drawn.between(-2, 3)) * MINUTE
                yield self._prompt(at, f"+{minutes}min", session, with_effects=True)
            later = [other.dose_at for other in self._sessions[number + 1 :] if other.dose_at]
            for hours, spread, with_effects in AFTER_DOSE:
                at = self._awake(dose + timedelta(hours=hours) + drawn.around(0, spread / 2) * MINUTE)
                if not later or at < later[0]:
                    yield self._prompt(at, f"+{hours}h", session, with_effects=with_effects)

    def _prompt(self, at: datetime, kind: str, session: Session, *, with_effects: bool = False) -> _Prompt:
        return _Prompt(at, kind, self._day(at), with_effects, session)

    def _day(self, at: datetime) -> int:
        return (at.date() - self._calendar.enrolment(self._story)).days

    def _awake(self, at: datetime) -> datetime:
        """The nearest moment at which people are up."""
        place = self._calendar.where(self._story, self._day(at))
        day = at.astimezone(zone(place)).date()
        first, last = (self._calendar.on(day, hour, place) for hour in (FIRST_WAKING_HOUR, LAST_WAKING_HOUR))
        return max(first, min(at, last))

    def _missing(self, prompt: _Prompt, last_craving: int) -> float:
        hard = max(0.0, (last_craving - STRONG_CRAVING) / (10 - STRONG_CRAVING))
        missing = self._story.misses + self._story.misses_when_craving * hard
        return missing if prompt.kind == "evening" or prompt.kind in ASKED else missing * MISSED_AFTER_DOSE

    def _responses(self, prompt: _Prompt) -> list[Response]:
        if prompt.kind == "evening":
            return self._answers.evening(prompt.at, prompt.day)
        if prompt.kind == "weekly":
            return self._answers.weekly(prompt.at)
        if prompt.by_nurse:
            return [self._answers.session_effects(prompt.at)]
        return self._answers.after_dose(prompt.at, with_effects=prompt.with_effects)

    def _keep(self, prompt: _Prompt, responses: list[Response], chance: Chance) -> Kept:
        by_nurse = prompt.by_nurse
        place = self._calendar.where(self._story, prompt.day)
        fast = timedelta() if by_nurse else self._clock_error(prompt.day)
        content: dict[str, Any] = {
            "recorded_at": (prompt.at + fast).astimezone(zone(place)).isoformat(timespec="milliseconds"),
            "time_zone": place,
            "responses": responses,
        }
        # The bedside form is opened from the session, and the phone knows what the first question after it is about.
        if prompt.session is not None and (by_nurse or prompt.kind == "+4h"):
            content["dosing_session_id"] = str(prompt.session.id)
        if prompt.kind == "evening" and chance.happens(NOTED):
            hard = responses[0]["answers"]["now"] > STRONG_CRAVING
            content["note"] = chance.one_of(NOTES_HARD if hard else NOTES_GOOD)
        check_in_id = chance.of("id").id_at(prompt.at + fast)
        return Kept(prompt.at, check_in_id, content, by_nurse, online=bool(fast), kind=prompt.kind)

    def _clock_error(self, day: int) -> timedelta:
        """How far the phone's clock runs ahead."""
        wrong = self._story.fast_clock
        if wrong is None or not wrong[0] <= day <= wrong[1]:
            return timedelta()
        return wrong[2] * MINUTE
