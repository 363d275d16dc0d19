"""The words of a session's chart, in the reader's language. A further language is one more `SessionLanguage`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.charts.words import Words, words_for


@dataclass(frozen=True, slots=True)
class SessionLanguage:
    """The phrases of one language; `{}` is filled in."""

    title: str
    counted: Mapping[str, str]
    panels: Mapping[str, str]
    vitals: Mapping[str, str]
    stages: Mapping[str, str]
    substances: Mapping[str, str]
    routes: Mapping[str, str]
    severities: Mapping[str, str]
    states: Mapping[str, str]
    dose: str
    dose_end: str
    paused: str
    given: str
    amber: str
    red: str
    alert: str
    no_readings: str
    not_a_monitor: str
    spoken: str
    spoken_values: str
    spoken_one: str
    spoken_none: str
    spoken_dose: str
    spoken_until: str
    spoken_pauses: str
    spoken_alerts: str
    spoken_no_alerts: str
    spoken_steps: str
    spoken_missing: str
    spoken_late: str
    at_minute: str


ENGLISH = SessionLanguage(
    title="Dosing session, {}",
    counted={
        "dose": "minutes from the begin of the dose at {}",
        "planned_begin": "minutes from the planned begin at {}",
        "now": "minutes from now, {}: the dose has not begun",
    },
    panels={
        "pressure": "Blood pressure, mmHg",
        "heart_rate": "Heart rate, per minute",
        "spo2": "Oxygen saturation, %",
        "dissociation": "Session effects, 0 to 16, lower is better",
        "moaas": "Alertness (MOAA/S), 0 to 5, higher is better",
    },
    vitals={
        "systolic": "systolic",
        "diastolic": "diastolic",
        "heart_rate": "heart rate",
        "spo2": "oxygen saturation",
        "dissociation": "session effects",
        "moaas": "alertness",
    },
    stages={
        "checked_in": "arrived",
        "cleared": "cleared",
        "held": "held",
        "aborted": "dose stopped",
        "transferred": "transferred",
        "discharge_ready": "ready to go",
        "monitoring": "watched on",
        "discharged": "went home",
    },
    substances={"ketamine": "Ketamine", "esketamine": "Esketamine"},
    routes={"IN_esketamine": "nasal spray", "SL": "under the tongue", "PO": "swallowed"},
    severities={"routine": "routine", "urgent": "urgent", "critical": "critical"},
    states={
        "recorded": "planned, recorded",
        "late": "recorded late",
        "missing": "missing",
        "due": "due now",
        "expected": "to come",
    },
    dose="dose",
    dose_end="end",
    paused="dose paused",
    given="dose being given",
    amber="amber limit",
    red="red limit",
    alert="alert",
    no_readings="No readings",
    not_a_monitor="Numbers that people typed, minutes late. This does not replace the monitor at the bedside.",
    spoken="Chart of a dosing session on {}: {}.",
    spoken_values="{}: {} values between {} and {}; the last {} at {}.",
    spoken_one="{}: one value, {} at {}.",
    spoken_none="{}: no values.",
    spoken_dose="Dose {}",
    spoken_until="until {}",
    spoken_pauses="paused from {}",
    spoken_alerts="Alerts: {}.",
    spoken_no_alerts="No alerts.",
    spoken_steps="Steps: {}.",
    spoken_missing="Planned readings that are missing: {}.",
    spoken_late="Planned readings that came late: {}.",
    at_minute="{} min",
)

GERMAN = SessionLanguage(
    title="Behandlungssitzung, {}",
    counted={
        "dose": "Minuten ab Beginn der Dosis um {}",
        "planned_begin": "Minuten ab dem geplanten Beginn um {}",
        "now": "Minuten ab jetzt, {}: die Dosis hat nicht begonnen",
    },
    panels={
        "pressure": "Blutdruck, mmHg",
        "heart_rate": "Herzfrequenz, pro Minute",
        "spo2": "Sauerstoffsättigung, %",
        "dissociation": "Wirkung in der Sitzung, 0 bis 16, niedriger ist besser",
        "moaas": "Wachheit (MOAA/S), 0 bis 5, höher ist besser",
    },
    vitals={
        "systolic": "systolisch",
        "diastolic": "diastolisch",
        "heart_rate": "Herzfrequenz",
        "spo2": "Sauerstoffsättigung",
        "dissociation": "Wirkung in der Sitzung",
        "moaas": "Wachheit",
    },
    stages={
        "checked_in": "da",
        "cleared": "freigegeben",
        "held": "angehalten",
        "aborted": "Dosis abgebrochen",
        "transferred": "verlegt",
        "discharge_ready": "bereit zu gehen",
        "monitoring": "weiter beobachtet",
        "discharged": "nach Hause",
    },
    substances={"ketamine": "Ketamin", "esketamine": "Esketamin"},
    routes={"IN_esketamine": "Nasenspray", "SL": "unter der Zunge", "PO": "geschluckt"},
    severities={"routine": "Routine", "urgent": "dringend", "critical": "kritisch"},
    states={
        "recorded": "geplant, erfasst",
        "late": "spät erfasst",
        "missing": "fehlt",
        "due": "jetzt fällig",
        "expected": "steht aus",
    },
    dose="Dosis",
    dose_end="Ende",
    paused="Dosis pausiert",
    given="Dosis wird gegeben",
    amber="gelbe Grenze",
    red="rote Grenze",
    alert="Alarm",
    no_readings="Keine Messwerte",
    not_a_monitor="Von Menschen eingegebene Zahlen, Minuten später. Das ersetzt nicht den Monitor am Bett.",
    spoken="Diagramm einer Behandlungssitzung am {}: {}.",
    spoken_values="{}: {} Werte zwischen {} und {}; der letzte {} bei {}.",
    spoken_one="{}: ein Wert, {} bei {}.",
    spoken_none="{}: keine Werte.",
    spoken_dose="Dosis {}",
    spoken_until="bis {}",
    spoken_pauses="pausiert ab {}",
    spoken_alerts="Alarme: {}.",
    spoken_no_alerts="Keine Alarme.",
    spoken_steps="Schritte: {}.",
    spoken_missing="Geplante Messungen, die fehlen: {}.",
    spoken_late="Geplante Messungen, die spät kamen: {}.",
    at_minute="{} Min.",
)

_LANGUAGES = {"en": ENGLISH, "de": GERMAN}


@lru_cache(maxsize=64)
def session_words_for(locale: str) -> tuple[SessionLanguage, Words]:
    """The phrases of a session's chart for a locale tag, and those that all charts share."""
    words = words_for(locale)
    return _LANGUAGES.get(words.say.tag, ENGLISH), words
