"""The words of the overview of a course and of the calendar of check-ins. A further language is one more of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from app.charts.course_pictures import Kept
from app.charts.words import Words, words_for


@dataclass(frozen=True, slots=True)
class CourseLanguage:
    """The phrases of one language; `{}` is filled in."""

    course: str
    check_ins: str
    check_ins_short: str
    answered: str
    late: str
    missed: str
    all_in_time: str
    part_in_time: str
    in_time: str
    answered_late: str
    not_answered: str
    none_asked: str
    none_in_period: str
    by_week: str
    appointments: str
    attended: str
    baseline: str
    yes: str
    no: str
    left_out: str
    spoken_calendar: str
    spoken_course: str
    spoken_worst: str
    spoken_yes_no: str


ENGLISH = CourseLanguage(
    course="Course",
    check_ins="Check-ins asked for",
    check_ins_short="Check-ins",
    answered="{} % answered in time ({} of {})",
    late="{} late",
    missed="{} missed",
    all_in_time="all answered in time",
    part_in_time="part of them",
    in_time="answered in time",
    answered_late="answered late",
    not_answered="missed",
    none_asked="none asked for",
    none_in_period="No check-ins were asked for",
    by_week="by week",
    appointments="Appointments",
    attended="{} of {} attended",
    baseline="baseline",
    yes="yes",
    no="no",
    left_out="Not shown: {}",
    spoken_calendar="Calendar of the check-ins asked for, {} to {}.",
    spoken_course="Overview of the course, {} to {}, over one axis of dates.",
    spoken_worst="Days on which all were missed: {}.",
    spoken_yes_no="Yes {} times of {}.",
)

GERMAN = CourseLanguage(
    course="Verlauf",
    check_ins="Angefragte Check-ins",
    check_ins_short="Check-ins",
    answered="{} % rechtzeitig beantwortet ({} von {})",
    late="{} verspätet",
    missed="{} versäumt",
    all_in_time="alle rechtzeitig beantwortet",
    part_in_time="ein Teil davon",
    in_time="rechtzeitig beantwortet",
    answered_late="verspätet beantwortet",
    not_answered="versäumt",
    none_asked="keiner angefragt",
    none_in_period="Es wurden keine Check-ins angefragt",
    by_week="je Woche",
    appointments="Termine",
    attended="{} von {} wahrgenommen",
    baseline="Ausgangswert",
    yes="ja",
    no="nein",
    left_out="Nicht gezeigt: {}",
    spoken_calendar="Kalender der angefragten Check-ins, {} bis {}.",
    spoken_course="Überblick über den Verlauf, {} bis {}, über einer gemeinsamen Zeitachse.",
    spoken_worst="Tage, an denen alle versäumt wurden: {}.",
    spoken_yes_no="Ja {} Mal von {}.",
)

_LANGUAGES = {"en": ENGLISH, "de": GERMAN}


@lru_cache(maxsize=64)
def course_words_for(locale: str) -> tuple[CourseLanguage, Words]:
    """The phrases of a course for a locale tag, and those that all charts share."""
    words = words_for(locale)
    return _LANGUAGES.get(words.say.tag, ENGLISH), words


def tally(kept: Iterable[Kept], say: CourseLanguage, words: Words) -> list[str]:
    """How many were answered: "84.5 % answered in time (142 of 168)", "9 late", "17 missed"; nothing where none due."""
    days = list(kept)
    completed, late, missed = (sum(getattr(day, name) for day in days) for name in ("completed", "late", "missed"))
    due = completed + late + missed
    if not due:
        return []
    parts = [say.answered.format(words.number(100 * completed / due), completed, due)]
    parts += [say.late.format(late)] if late else []
    parts += [say.missed.format(missed)] if missed else []
    return parts
