"""The crisis card, and what a patient is told about who will see an answer.

The card is made of a file that is read once: no database, no network, nothing that can be away when somebody needs it.
Words are short and plain, name no method and blame nobody, and say that answers are not watched as they come.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.core import etags
from app.core.db import Database
from app.core.fields import zone
from app.core.settings import Settings, get_settings
from app.identity.access import ClinicView
from app.safety import rosters
from app.safety.alerts import RaisedAlert
from app.safety.catalogue import RULES
from app.safety.findings import Severity
from app.safety.roster_rules import Roster, is_staffed, staffed_next, staffed_until
from app.safety.rosters import Standing

FILE: Final = Path(__file__).parent / "data" / "crisis_resources.json"
LANGUAGES: Final = ("en", "de")
EVERYWHERE: Final = "112"
"""Reaches emergency services from mobile phones in many countries."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Emergency(_Strict):
    call: str = Field(min_length=2, max_length=30)
    confirmed: bool = False


class _Line(_Strict):
    name: str = Field(min_length=1, max_length=200)
    call: str | None = None
    text: str | None = None
    chat: str | None = None
    hours: str | None = None
    about: str | None = None
    source: str | None = None
    confirmed: bool = False


class _Country(_Strict):
    emergency: _Emergency
    lines: tuple[_Line, ...] = ()


class _Words(_Strict):
    title: str
    message: str
    emergency: str
    not_watched: str
    confirm: str
    unknown: str
    clinic: str
    about: Mapping[str, str]
    told: str
    not_told: str
    staffed_next: str
    promised: str
    not_promised: str
    weekdays: tuple[str, str, str, str, str, str, str]


class Resources(_Strict):
    """What the file holds. A file of the operator's own may leave out what it does not change."""

    words: Mapping[str, _Words] = {}
    countries: Mapping[str, _Country] = {}


@lru_cache
def resources(own: Path | None = None) -> Resources:
    """The numbers and words of this release, with those of the operator's own file in their place.

    Raises `ValueError` or `OSError` when that file cannot be read: a server with it does not start.
    """
    ours = Resources.model_validate(json.loads(FILE.read_text(encoding="utf-8")))
    if own is None:
        return ours
    theirs = Resources.model_validate(json.loads(own.read_text(encoding="utf-8")))
    return Resources(words={**ours.words, **theirs.words}, countries={**ours.countries, **theirs.countries})


def card(
    settings: Settings, country: str | None, language: str | None, standing: Standing | None = None
) -> dict[str, Any]:
    """The card of a country in a language, with the clinic's own number where it is known. It never fails."""
    known = resources(settings.crisis_resources_file)
    code = (country or "").strip().upper()
    found = known.countries.get(code)
    spoken = language_of(known, language)
    words = known.words[spoken]
    emergency = found.emergency if found else _Emergency(call=EVERYWHERE)
    lines = (
        [line.model_dump() | {"about": words.about.get(line.about or "", line.about)} for line in found.lines]
        if found
        else []
    )
    certain = emergency.confirmed and all(line["confirmed"] for line in lines)
    return {
        "country": code if found else None,
        "language": spoken,
        "title": words.title,
        "message": words.message,
        "emergency": {"call": emergency.call, "label": words.emergency, "confirmed": emergency.confirmed},
        "lines": lines,
        "not_watched": words.not_watched,
        "note": (None if certain else words.confirm) if found else words.unknown,
        "clinic_telephone": standing and standing.telephone,
        "clinic_hours": standing and standing.hours,
    }


def tag_of(shown: Mapping[str, Any]) -> str:
    """The entity tag of a card: it changes with anything on it."""
    return etags.composed_tag(json.dumps(shown, sort_keys=True))


def language_of(known: Resources, wanted: str | None) -> str:
    """The language of a tag such as `de-AT`, or English."""
    first = (wanted or "").partition("-")[0].lower()
    return first if first in known.words else LANGUAGES[0]


def staffing(standing: Standing, now: datetime) -> dict[str, Any]:
    """When the clinic is staffed, as patients are shown it."""
    until = staffed_until(standing.roster, now)
    return {
        "staffed_now": is_staffed(standing.roster, now),
        "staffed_until": until,
        "staffed_next_at": staffed_next(standing.roster, now),
        "clinic_telephone": standing.telephone,
        "clinic_hours": standing.hours,
    }


def promise(settings: Settings, clinic: ClinicView, standing: Standing, now: datetime) -> dict[str, Any]:
    """What is shown before a question about danger is asked."""
    words = _words(settings, clinic)
    promised = standing.is_live(settings, now)
    return {
        "message": words.promised if promised else _with_hours(words, words.not_promised, standing.roster, now),
        "alerts_promised": promised,
        **staffing(standing, now),
        "crisis_card": card(settings, standing.country, clinic.locale, standing),
    }


def told(settings: Settings, clinic: ClinicView, standing: Standing, now: datetime) -> dict[str, Any]:
    """Whether somebody named has been told just now, in a word and in a sentence."""
    words = _words(settings, clinic)
    live = standing.is_live(settings, now)
    return {
        "team_told": live,
        "team_told_text": words.told if live else _with_hours(words, words.not_told, standing.roster, now),
        **staffing(standing, now),
    }


async def notice_after(
    db: Database, clinic: ClinicView, raised: Sequence[RaisedAlert], now: datetime
) -> dict[str, Any] | None:
    """What the patient is shown at once of these alerts; None when there is nothing to show.

    The card first, then what the rules say. Of routine alerts nobody is told at once, and nothing of that is said.
    """
    messages = list(dict.fromkeys(each.patient_text for each in raised if each.patient_text))
    shows_card = any(each.shows_crisis_card for each in raised)
    if not messages and not shows_card:
        return None
    settings = settings_of(db)
    standing = await rosters.standing(db, clinic)
    said = told(settings, clinic, standing, now)
    if not any(each.severity is not Severity.ROUTINE for each in raised):
        said |= {"team_told": False, "team_told_text": _words(settings, clinic).not_watched}
    return {
        "crisis_card": card(settings, standing.country, clinic.locale, standing) if shows_card else None,
        "messages": messages,
        **said,
    }


def settings_of(db: Database) -> Settings:
    """The settings of the server that this request came to; of the process, where there is none."""
    settings: Settings = get_settings() if db.request is None else db.request.app.state.settings
    return settings


def patient_text(rule: str) -> str | None:
    """What a rule says to patients; None when it says nothing, or is of another release."""
    known = RULES.get(rule)
    return known.patient_text if known else None


def _words(settings: Settings, clinic: ClinicView) -> _Words:
    known = resources(settings.crisis_resources_file)
    return known.words[language_of(known, clinic.locale)]


def _with_hours(words: _Words, sentence: str, roster: Roster, now: datetime) -> str:
    """The sentence, and since when somebody is there again."""
    begins = staffed_next(roster, now)
    if begins is None or is_staffed(roster, now):
        return sentence
    local = begins.astimezone(zone(roster.time_zone))
    when = f"{words.weekdays[local.weekday()]}, {local:%Y-%m-%d %H:%M}"
    return f"{sentence} {words.staffed_next.format(when=when)}"
