"""How check-ins reach the clinic: at once, or days later in a batch that nobody has sorted."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.demo.acts import Act, Reported, Uploaded
from app.demo.chance import Chance
from app.demo.people import Phone, Story
from app.demo.reports import Kept

Spell = tuple[datetime, datetime]
AWAY_PER_DAY = 0.05
SENT_TWICE = 0.35
MOST_IN_A_BATCH = 100
AGAIN_AFTER = timedelta(seconds=25)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def arrivals(story: Story, kept: Sequence[Kept], begin: datetime, end: datetime, chance: Chance) -> list[Act]:
    """The acts by which a patient's check-ins arrive."""
    away = list(_away(story.phone, begin, end, chance.of("away")))
    waiting: dict[Spell, list[Kept]] = {}
    acts: list[Act] = []
    for number, check_in in enumerate(kept):
        spell = next((spell for spell in away if spell[0] <= check_in.at < spell[1]), None)
        if spell is None or check_in.by_nurse or check_in.online:
            at = check_in.at + chance.of("arrives", number).between(2, 50) * SECOND
            acts.append(Reported(at, story.key, check_in.id, check_in.content, check_in.by_nurse))
        else:
            waiting.setdefault(spell, []).append(check_in)
    for number, (spell, items) in enumerate(waiting.items()):
        acts += _uploads(story, spell[1], [found.item for found in items], chance.of("upload", number), number)
    return acts


def _away(phone: Phone, begin: datetime, end: datetime, chance: Chance) -> Iterator[Spell]:
    """When the phone has no network."""
    if phone is Phone.ALWAYS_ON:
        return
    at = begin + 2 * DAY
    while at < end:
        if phone is Phone.OFTEN_OFFLINE:
            spell = at, at + chance.between(3, 6) * DAY
            yield spell
            at = spell[1] + chance.between(0.2, 1) * DAY
        elif chance.happens(AWAY_PER_DAY):
            spell = at, at + chance.between(0.6, 2.5) * DAY
            yield spell
            at = spell[1] + DAY
        else:
            at += DAY


def _uploads(story: Story, at: datetime, items: list[dict[str, Any]], chance: Chance, number: int) -> list[Act]:
    """One batch, in any order; sometimes its answer is lost on the way, and the phone sends it again."""
    if story.phone is Phone.OFTEN_OFFLINE and number == 1:
        items = [*items, _broken(items[0], chance, at)]
    acts: list[Act] = []
    for first in range(0, len(items), MOST_IN_A_BATCH):
        batch = chance.shuffled(items[first : first + MOST_IN_A_BATCH])
        acts.append(Uploaded(at, story.key, tuple(batch)))
        if chance.happens(SENT_TWICE):
            acts.append(Uploaded(at + AGAIN_AFTER, story.key, tuple(chance.shuffled(batch))))
    return acts


def _broken(item: dict[str, Any], chance: Chance, at: datetime) -> dict[str, Any]:
    """What an old version of the app sent: a craving of 11. It is quarantined, and the others are stored."""
    response = {"instrument": "craving_nrs", "version": "1", "substance": "alcohol", "answers": {"now": 11}}
    return item | {"id": str(chance.of("broken").id_at(at)), "responses": [response]}
