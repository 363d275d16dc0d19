"""What a screen reader says of a session's chart: the same that can be seen, in a few sentences."""

from collections.abc import Sequence
from math import floor
from typing import Final

from app.charts.session_pictures import Given, SessionPicture, Vital
from app.charts.session_words import SessionLanguage
from app.charts.words import Words

ORDER: Final[tuple[Vital, ...]] = ("systolic", "diastolic", "heart_rate", "spo2", "dissociation", "moaas")


def title(picture: SessionPicture, say: SessionLanguage, words: Words) -> str:
    """The name of the picture: which session it is of."""
    return say.title.format(words.day(picture.begins_at.astimezone(picture.zone), year=True))


def counted(picture: SessionPicture, say: SessionLanguage, words: Words) -> str:
    """What minutes are counted from."""
    return say.counted[picture.counted_from].format(words.clock(picture.begins_at.astimezone(picture.zone)))


def given(picture: SessionPicture, say: SessionLanguage, words: Words) -> str:
    """What was given: "Ketamine 40 mg, IV"; empty where nothing was, or nothing is known of it."""
    dose = picture.given
    if dose is None:
        return ""
    substance = say.substances.get(dose.substance or "", (dose.substance or "").replace("_", " "))
    what = f"{substance} {words.amount(dose.amount, 'mg')}".strip()
    route = say.routes.get(dose.route or "", dose.route or "")
    return ", ".join(part for part in (what, route) if part)


def summary(picture: SessionPicture, say: SessionLanguage, words: Words) -> str:
    """The summary of the whole picture."""
    day = words.day(picture.begins_at.astimezone(picture.zone), year=True, long=True)
    sentences = [say.spoken.format(day, counted(picture, say, words))]
    if any(picture.shown(vital) for vital in ORDER):
        sentences += [_values(vital, picture, say, words) for vital in ORDER]
    else:
        sentences.append(say.no_readings + ".")
    if picture.given is not None:
        sentences.append(_dose(picture.given, given(picture, say, words), say, words))
    alerts = [
        f"{alert.rule} {say.severities[alert.severity]}, {minute(alert.minutes, say, words)}"
        for alert in sorted(picture.alerts, key=lambda alert: alert.minutes)
    ]
    sentences.append(say.spoken_alerts.format(words.listed(alerts)) if alerts else say.spoken_no_alerts)
    steps = [
        f"{say.stages.get(step.stage, step.stage)} {minute(step.minutes, say, words)}"
        for step in sorted(picture.steps, key=lambda step: step.minutes)
    ]
    if steps:
        sentences.append(say.spoken_steps.format(words.listed(steps)))
    for state, phrase in (("missing", say.spoken_missing), ("late", say.spoken_late)):
        minutes = [minute(mark.minutes, say, words) for mark in picture.planned if mark.state == state]
        if minutes:
            sentences.append(phrase.format(words.listed(minutes)))
    return " ".join([*sentences, say.not_a_monitor])


def _values(vital: Vital, picture: SessionPicture, say: SessionLanguage, words: Words) -> str:
    points, name = picture.shown(vital), _capital(say.vitals[vital])
    if not points:
        return say.spoken_none.format(name)
    last = words.number(points[-1].value), minute(points[-1].minutes, say, words)
    if len(points) == 1:
        return say.spoken_one.format(name, *last)
    ends = _ends([point.value for point in points], words)
    return say.spoken_values.format(name, len(points), *ends, *last)


def _ends(values: Sequence[float], words: Words) -> tuple[str, str]:
    return words.number(min(values)), words.number(max(values))


def _dose(dose: Given, label: str, say: SessionLanguage, words: Words) -> str:
    parts = [say.spoken_dose.format(label).strip()]
    if dose.until is not None:
        parts.append(say.spoken_until.format(minute(dose.until, say, words)))
    parts += [say.spoken_pauses.format(minute(start, say, words)) for start, _ in dose.pauses]
    return ", ".join(parts) + "."


def minute(minutes: float, say: SessionLanguage, words: Words) -> str:
    """A moment in words: whole minutes, rounded down, as they are counted everywhere."""
    return say.at_minute.format(words.number(floor(minutes), 0))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
