"""How a patient of the demo feels at a moment. Made up: it says nothing about what ketamine does."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.demo.chance import Chance
from app.demo.people import Story

TOP = 10
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RISE_HOURS = 7
SESSION_EFFECT_HOURS = 0.55
WEEKEND = 5


class Feelings:
    """One patient's weeks, from the day of enrolment on."""

    def __init__(self, story: Story, begin: datetime, doses: Sequence[datetime], chance: Chance) -> None:
        self._story = story
        self._begin = begin
        self._doses = list(doses)
        self._chance = chance.of("feelings")
        self._craving_days = self._wobble("craving", 0.65)
        self._mood_days = self._wobble("mood", 0.55)

    def _wobble(self, name: str, spread: float) -> list[float]:
        """Good and bad days: each day remembers half of the one before."""
        chance, days = self._chance.of(name), [0.0]
        for _ in range(self._story.enrolled_days_ago + 30):
            days.append(0.5 * days[-1] + chance.around(0, spread))
        return days

    def day(self, at: datetime) -> float:
        """Days since enrolment."""
        return (at - self._begin) / DAY

    def relief(self, at: datetime, lasts: float) -> float:
        """How much of the effect of all doses so far is there now, from 0 to 1."""
        left = 1.0
        for dose in self._doses:
            hours = (at - dose) / HOUR
            if hours > 0:
                left *= 1 - (1 - math.exp(-hours / RISE_HOURS)) * math.exp(-hours / 24 / lasts)
        return 1 - left

    def lapse(self, at: datetime) -> float:
        """How much a lapse weighs on this day, from 0 to 1; it fades over some days."""
        weight = 0.0
        for first, days in self._story.lapses:
            since = self.day(at) - first
            if 0 <= since < days:
                weight = max(weight, 1.0)
            elif since >= days:
                weight = max(weight, math.exp(-(since - days) / 5))
        return weight

    def craving(self, at: datetime, share: float = 1) -> float:
        """Craving from 0 to 10, before it is rounded to what is reported. `share` scales it for another substance."""
        story = self._story
        lasting = (1 - story.drift) ** (max(0.0, self.day(at)) / 7)
        eased = 1 - story.craving_relief * self.relief(at, story.lasts)
        level = story.craving * share * lasting * eased
        level += min(story.craving, 3.5) * self.lapse(at)
        level += self._of_the_day(self._craving_days, at) * min(1.0, story.craving / 3)
        level += 0.4 * min(1.0, story.craving / 3) if at.weekday() >= WEEKEND else 0
        return _clip(level)

    def mood(self, at: datetime) -> float:
        """Mood from 0 to 10, higher is better."""
        story = self._story
        level = story.mood + story.mood_relief * self.relief(at, story.lasts * 1.2)
        level += 12 * story.drift * max(0.0, self.day(at)) / 84 - 2.2 * self.lapse(at)
        return _clip(level + self._of_the_day(self._mood_days, at))

    def session_effects(self, at: datetime) -> float:
        """Dissociation from 0 to 16: strongest at the end of the infusion, weaker with each dose."""
        begun = [dose for dose in self._doses if dose <= at]
        if not begun:
            return 0
        hours = (at - begun[-1]) / HOUR
        habit = 0.6 + 0.4 * math.exp(-(len(begun) - 1) / 3)
        return self._story.dissociation * habit * math.exp(-max(0.0, hours - 2 / 3) / SESSION_EFFECT_HOURS)

    def withdrawal(self, at: datetime) -> float:
        """Withdrawal from 0 to 10: the first days, and after a lapse."""
        if self._story.substance not in {"alcohol", "opioid"} or not self._story.uses:
            return 0
        worst = 6.5 if self._story.substance == "opioid" else 4.5
        return _clip(worst * math.exp(-max(0.0, self.day(at)) / 4) + 3 * self.lapse(at))

    def uses(self, at: datetime) -> bool:
        """Whether the substance was used on this day."""
        often = self._story.uses * (self.craving(at) / max(self._story.craving, 1)) ** 2
        return self._chance.of("use", int(self.day(at))).happens(max(often, 0.75 if self.lapse(at) >= 1 else 0))

    def _of_the_day(self, days: list[float], at: datetime) -> float:
        return days[max(0, min(int(self.day(at)), len(days) - 1))]


def _clip(level: float) -> float:
    return max(0.0, min(float(TOP), level))
