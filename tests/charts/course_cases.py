"""Pictures of invented courses and calendars of check-ins, for golden files and for looking at."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from app.charts.course_pictures import AdherencePicture, CoursePicture, Kept, Panel
from app.charts.pictures import Measure
from tests.charts.cases import (
    BERLIN,
    CRAVING,
    MOOD,
    PHQ9,
    START,
    daily,
    dose,
    gaps,
    higher_is_better,
    in_german,
    responder,
    twice_weekly,
    visits,
)

FIRST, LAST = START.date(), START.date() + timedelta(days=83)
USED = Measure("Used", "", 0, 1, "worse")


def kept(days: int = 84, seed: int = 3, first: date = FIRST) -> tuple[Kept, ...]:
    """Three check-ins a day, none on every thirteenth day; a bad fortnight in the middle."""
    random, found = Random(seed), []
    for index in range(days):
        if index % 13 == 5:
            continue
        misses = 0.75 if 40 <= index < 52 else 0.12
        answers = [
            "missed" if random.random() < misses else "late" if random.random() < 0.1 else "in time" for _ in "abc"
        ]
        counts = answers.count("in time"), answers.count("late"), answers.count("missed")
        found.append(Kept(first + timedelta(days=index), *counts))
    return tuple(found)


CALENDAR = AdherencePicture(FIRST, LAST, kept(), tuple(FIRST + timedelta(days=day) for day in (14, 35, 56, 77)))
YEAR = AdherencePicture(date(2025, 11, 23), date(2026, 11, 22), kept(365, 5, date(2025, 11, 23)))
NOTHING_ASKED = AdherencePicture(FIRST, FIRST + timedelta(days=27))
CALENDARS: dict[str, AdherencePicture] = {
    "calendar": CALENDAR,
    "calendar_phone_dark_german": replace(CALENDAR, width=360, theme="dark", locale="de-DE"),
    "calendar_year": YEAR,
    "calendar_year_phone": replace(YEAR, width=360),
    "calendar_nothing_asked": NOTHING_ASKED,
}


def course() -> CoursePicture:
    craving, mood, phq9 = responder(), higher_is_better(), twice_weekly()
    days = [day for day in range(84) if day % 5]
    used = daily(days, [1.4 - day / 40 for day in days], 12)
    used = tuple(replace(p, value=min(p.value, 1), low=min(p.low or 0, 1), high=min(p.high or 0, 1)) for p in used)
    return CoursePicture(
        BERLIN, START, START + timedelta(days=84),
        panels=(
            Panel(CRAVING, craving.points, craving.gaps, 7),
            Panel(MOOD, mood.points, (), 3),
            Panel(PHQ9, phq9.points, (), 19),
            Panel(USED, used, gaps(days), yes_no=True),
        ),
        doses=craving.doses, appointments=visits(), kept=kept(), left_out=("Withdrawal",),
    )  # fmt: skip


def german_course() -> CoursePicture:
    panels = (replace(course().panels[0], measure=in_german(responder()).measure), *course().panels[1:3])
    return replace(course(), panels=panels, locale="de-DE", left_out=())


EMPTY_COURSE = CoursePicture(BERLIN, START, START + timedelta(days=28), doses=(dose(14),))
COURSES: dict[str, CoursePicture] = {
    "course": course(),
    "course_dark": replace(course(), theme="dark"),
    "course_phone": replace(course(), width=360),
    "course_phone_dark_german": replace(german_course(), width=360, theme="dark"),
    "course_empty_phone": replace(EMPTY_COURSE, width=360),
}
