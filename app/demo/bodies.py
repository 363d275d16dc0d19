"""What is written down around a dose at the demo clinic: the checklist, and readings from a tablet.

The numbers are made up so that they look like a quiet day at a clinic. They say nothing about what ketamine does.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.demo.chance import Chance
from app.demo.feelings import Feelings
from app.demo.people import Story

MINUTE: Final = timedelta(minutes=1)
NOT_TAKEN: Final = {"used": False, "hours_ago": None}
ALERT: Final = {"moaas": 5}
WELL: Final = dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)
INDUCTION: Final = 8
"""So many doses until somebody reviews how the treatment goes: the figure that is proposed."""

WHILE_DOSING: Final = (10, 20, 30)
"""Minutes after the begin of a dose at which vital signs are taken, and what is looked at after its end."""
AFTERWARDS: Final = (15, 30, 45, 60, 80)
HIGHEST: Final = {"systolic": 11, "diastolic": 8, "heart_rate": 9}
ESCORTS: Final = ("Mika", "Alex", "Rosa", "Jan", "Nele", "Oren")


def checklist(story: Story, day: date, doses_before: int, chance: Chance, **but: Any) -> dict[str, Any]:  # noqa: ANN401
    """The checklist of a day on which nothing stands in the way."""
    content: dict[str, Any] = {
        "planned_substance": "ketamine",
        "planned_route": "IV",
        "identity_two_factors": True,
        "weight_kg": float(story.weight_kg),
        "weighed_on": day.isoformat(),
        "solids_hours": float(chance.whole(7, 13)),
        "clear_fluids_hours": float(chance.whole(2, 4)),
        "escort": {"name": chance.one_of(ESCORTS), "phone": f"+49 30 5550{chance.whole(100, 199)}"},
        "no_self_drive": True,
        "pregnancy_test": {"result": "na"},
        "breath_alcohol": 0.0,
        "alcohol": NOT_TAKEN,
        "sedatives": NOT_TAKEN,
        "opioids": NOT_TAKEN,
        "stimulants": NOT_TAKEN,
        "maoi": NOT_TAKEN,
        "withdrawal": {"scale": "not_applicable"},
        "psychosis": False,
        "mania": False,
        "delirium": False,
        "suicide_risk": {"reviewed": "phq9_item9", "decision": "go_on"},
        "capacity_confirmed": True,
        "contraindications": [],
        "conditions": [],
    }
    if doses_before >= INDUCTION:
        content["induction_review"] = {"reviewed_on": day.isoformat(), "note": "Goes on as planned."}
    return content | but


class Tablet:
    """What the tablet at one bedside keeps: readings of one session, each with an id of its own."""

    def __init__(self, story: Story, feelings: Feelings, chance: Chance) -> None:
        self._feelings = feelings
        self._chance = chance.of("tablet")
        usual = Chance(story.key, "vital signs")
        self._usual = {
            "systolic": usual.whole(108, 126),
            "diastolic": usual.whole(66, 80),
            "heart_rate": usual.whole(62, 80),
            "respiratory_rate": usual.whole(12, 16),
        }

    def before(self, at: datetime) -> dict[str, Any]:
        """The values before the dose, with everything that later ones are held against."""
        return self._reading(at, 0) | {"temperature": 36.6, **ALERT, **self._felt(at, 0), "aldrete": WELL}

    def during(self, dose_at: datetime, ended_at: datetime | None, until: datetime) -> Iterator[dict[str, Any]]:
        """The values from the begin of a dose until a moment: by the clinic's plan, one or two minutes off."""
        infused = ((ended_at or dose_at + 40 * MINUTE) - dose_at) / MINUTE
        due = [(float(minutes), False) for minutes in WHILE_DOSING]
        due += [(infused + minutes, minutes in {0, 45, 80}) for minutes in (0, *AFTERWARDS)]
        for minutes, looked_closely in due:
            at = dose_at + (minutes + self._chance.whole(0, 1)) * MINUTE
            if at < until:
                share = max(0.0, min(minutes / infused, 1.6 - 0.6 * minutes / infused))
                yield self._reading(at, share) | ALERT | (self._felt(at) if looked_closely else {})

    def at_the_end(self, at: datetime) -> dict[str, Any]:
        """The last values, from which somebody sees that the patient may go home."""
        return self._reading(at, 0) | ALERT | self._felt(at, 3) | {"aldrete": WELL}

    def _reading(self, at: datetime, share: float) -> dict[str, Any]:
        chance = self._chance.of(round(at.timestamp()))
        values = {
            name: usual + round(HIGHEST.get(name, 0) * share) + chance.whole(-3, 3)
            for name, usual in self._usual.items()
        }
        return {"id": str(chance.id_at(at)), "taken_at": at.isoformat(), "spo2": chance.whole(96, 99), **values}

    def _felt(self, at: datetime, at_most: int = 16) -> dict[str, Any]:
        total = max(0, min(round(self._feelings.session_effects(at)), at_most))
        answers = dict.fromkeys(("unreal", "detached", "time", "distress"), 0)
        for _ in range(total):
            names = [name for name, points in answers.items() if points < (1 if name == "distress" else 4)]
            if names:
                answers[self._chance.one_of(names)] += 1
        return {"dissociation": answers}
