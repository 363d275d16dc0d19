"""What a patient of the demo answers to each instrument, given how they feel. Answers are what a phone would send."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.demo.chance import Chance
from app.demo.feelings import DAY, Feelings
from app.demo.people import Story

Response = dict[str, Any]
PHQ9 = (
    "anhedonia",
    "low_mood",
    "sleep",
    "fatigue",
    "appetite",
    "self_worth",
    "concentration",
    "psychomotor",
    "self_harm_thoughts",
)
GAD7 = ("nervous", "worry_control", "worry_many", "relax", "restless", "irritable", "dread")
WHO5 = ("cheerful", "calm", "active", "rested", "interest")
PACS = ("frequency", "peak_strength", "time_spent", "resist_difficulty", "average")
SESSION_EFFECTS = ("unreal", "detached", "time", "distress")
MOST_DISTRESS = 2
FORTNIGHT = 14
DAY_MINUTES = 24 * 60
OTHER_SUBSTANCE_SHARE = 0.6
LOW_MOOD_OF_DARK_THOUGHTS = 18
WITHDRAWAL_DAYS = 12


class Answers:
    """One patient's answers."""

    def __init__(self, story: Story, feelings: Feelings, chance: Chance) -> None:
        self._story = story
        self._feelings = feelings
        self._chance = chance.of("answers")

    def evening(self, at: datetime, day: int) -> list[Response]:
        """The daily check-in, with what is due on this day of treatment beside it."""
        responses = [*self.craving(at), self.mood(at), self.use_diary(at)]
        if day < WITHDRAWAL_DAYS or self._feelings.lapse(at) > 0.5:  # noqa: PLR2004  while it is felt
            responses.append(self.withdrawal(at))
        if day % FORTNIGHT == 1:
            responses += [self.phq9(at), self.gad7(at), self.who5(at)]
        if day % 7 == 3 and self._story.substance == "alcohol":  # noqa: PLR2004  a day of the week
            responses.append(self.pacs(at))
        if day % (2 * FORTNIGHT) == 2:  # noqa: PLR2004  every four weeks
            responses.append(self.urinary_check(at))
        return responses

    def weekly(self, at: datetime) -> list[Response]:
        """What is asked once a week."""
        return [self.gad7(at), self.who5(at)]

    def after_dose(self, at: datetime, *, with_effects: bool) -> list[Response]:
        """What is asked some hours or days after a dose."""
        effects = [self.session_effects(at)] if with_effects else []
        return [*self.craving(at), self.mood(at), *effects]

    def craving(self, at: datetime) -> list[Response]:
        """Craving for each substance: now, at its worst since the last report, and how well it can be resisted."""
        chance, found = self._drawn("craving", at), []
        substances = [(self._story.substance, 1.0)]
        if self._story.other_substance:
            substances.append((self._story.other_substance, OTHER_SUBSTANCE_SHARE))
        for substance, share in substances:
            level = self._feelings.craving(at, share)
            now = _whole(level + chance.around(0, 0.45 if level else 0), 10)
            peak = _whole(now + abs(chance.around(0, 1.1)), 10) if level else now
            resist = _whole(9 - 0.75 * level + chance.around(0, 0.8), 10)
            answers: dict[str, int | None] = {"now": now, "peak": peak, "resist": resist}
            if chance.happens(0.04):
                answers["resist"] = None  # left out, which is not zero
            found.append(_response("craving_nrs", answers, substance))
        return found

    def mood(self, at: datetime) -> Response:
        """Mood now, higher is better."""
        level = self._feelings.mood(at) + self._drawn("mood", at).around(0, 0.4)
        return _response("mood_nrs", {"now": _whole(level, 10)})

    def session_effects(self, at: datetime) -> Response:
        """The four questions about dissociation, 0 to 4 each."""
        chance = self._drawn("session_effects", at)
        total = self._feelings.session_effects(at)
        answers = _spread(total, SESSION_EFFECTS, 4, chance)
        while answers["distress"] > MOST_DISTRESS:  # strange, but not frightening
            answers["distress"] -= 1
            answers[min(SESSION_EFFECTS[:-1], key=lambda item: answers[item])] += 1
        return _response("dissociation_brief", answers)

    def use_diary(self, at: datetime) -> Response:
        """Whether anything was used today."""
        return _response("use_diary", {"used": int(self._feelings.uses(at))})

    def withdrawal(self, at: datetime) -> Response:
        """Withdrawal now, 0 to 10."""
        level = self._feelings.withdrawal(at) + self._drawn("withdrawal", at).around(0, 0.5)
        return _response("withdrawal_nrs", {"severity": _whole(level, 10)})

    def phq9(self, at: datetime) -> Response:
        """Depression over two weeks."""
        chance = self._drawn("phq9", at)
        total = self._story.phq9 - 2.3 * self._better(at) + chance.around(0, 1)
        answers = _spread(total, PHQ9[:-1], 3, chance)
        dark = total >= LOW_MOOD_OF_DARK_THOUGHTS
        return _response("phq9", answers | {PHQ9[-1]: int(dark)})

    def gad7(self, at: datetime) -> Response:
        """Anxiety over two weeks."""
        chance = self._drawn("gad7", at)
        total = self._story.gad7 - 1.6 * self._better(at) + chance.around(0, 1)
        return _response("gad7", _spread(total, GAD7, 3, chance))

    def who5(self, at: datetime) -> Response:
        """Wellbeing over two weeks, higher is better."""
        total = 2.4 * self._usual(at, self._feelings.mood)
        return _response("who5", _spread(total, WHO5, 5, self._drawn("who5", at)))

    def pacs(self, at: datetime) -> Response:
        """Craving for alcohol over a week."""
        total = 2.7 * self._usual(at, self._feelings.craving)
        return _response("pacs", _spread(total, PACS, 6, self._drawn("pacs", at)))

    def urinary_check(self, at: datetime) -> Response:
        """What is asked of the bladder every four weeks."""
        chance = self._drawn("urinary_check", at)
        answers = dict.fromkeys(("frequency", "urgency", "pain", "blood", "night"), 0)
        return _response("urinary_check", answers | {"frequency": int(chance.happens(0.3))})

    def _drawn(self, name: str, at: datetime) -> Chance:
        """The chance of one answer: it hangs on the time since enrolment, so that every filling looks alike."""
        return self._chance.of(name, round(self._feelings.day(at) * DAY_MINUTES))

    def _usual(self, at: datetime, level: Callable[[datetime], float]) -> float:
        """The mean of the week before."""
        days = [max(at - number * DAY, at - self._feelings.day(at) * DAY) for number in range(7)]
        return sum(level(day) for day in days) / len(days)

    def _better(self, at: datetime) -> float:
        """Points of mood above the start."""
        return self._usual(at - timedelta(days=1), self._feelings.mood) - self._story.mood


def _response(
    instrument: str, answers: dict[str, int | None] | dict[str, int], substance: str | None = None
) -> Response:
    response: Response = {"instrument": instrument, "version": "1", "answers": answers}
    return response | {"substance": substance} if substance else response


def _whole(level: float, most: int) -> int:
    return max(0, min(most, round(level)))


def _spread(total: float, items: Sequence[str], most: int, chance: Chance) -> dict[str, int]:
    """Answers that add up to the total, or as near as the items allow."""
    answers = dict.fromkeys(items, 0)
    for _ in range(_whole(total, most * len(items))):
        answers[chance.one_of([item for item in items if answers[item] < most])] += 1
    return answers
