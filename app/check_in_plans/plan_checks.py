"""What is wrong with a plan, each fault with its place. Pure.

Instruments have to exist and to be for patients; keys name one item each; no day asks for more than the clinic wants;
random moments have room to lie apart.
"""

from collections.abc import Iterator

from app.check_in_plans.plan_items import (
    WEEKDAYS,
    CalendarItem,
    FixedItem,
    PlanContent,
    PlanItem,
    RandomItem,
    Weekday,
    Window,
    clock_time,
)
from app.core.errors import FieldError
from app.instruments.catalogue import find_definition
from app.protocols.day_figures import Asking


def plan_faults(content: PlanContent, figures: Asking, *, pointer: str = "/content") -> list[FieldError]:
    """Everything that is wrong with a plan; an empty list where nothing is."""
    faults: list[FieldError] = []
    seen: set[str] = set()
    for number, item in enumerate(content.items):
        place = f"{pointer}/items/{number}"
        if item.key in seen:
            faults.append(FieldError(f"{place}/key", "key_taken", "Another item has this key."))
        seen.add(item.key)
        faults.extend(_instrument_faults(item, place))
        faults.extend(_day_faults(item, place))
    faults.extend(_window_faults(content, figures, pointer))
    if max(_a_day(content, weekday) for weekday in WEEKDAYS) > figures.most_a_day:
        faults.append(
            FieldError(
                f"{pointer}/items",
                "too_many_a_day",
                "One day asks for more check-ins than the clinic allows.",
                {"limit": figures.most_a_day},
            )
        )
    return faults


def _instrument_faults(item: PlanItem, place: str) -> Iterator[FieldError]:
    for number, key in enumerate(item.instruments):
        where, instrument = f"{place}/instruments/{number}", find_definition(key)
        if instrument is None:
            yield FieldError(where, "unknown_instrument", "There is no instrument with this key.")
        elif instrument.completed_by == "clinician":
            yield FieldError(where, "clinician_only", "This instrument is completed by a clinician.")
        elif instrument.import_only or not instrument.answerable:
            yield FieldError(where, "not_answerable", "This instrument cannot be answered in the app.")
        elif key in item.instruments[:number]:
            yield FieldError(where, "asked_twice", "It is asked for by this item already.")


def _day_faults(item: PlanItem, place: str) -> Iterator[FieldError]:
    if not isinstance(item, CalendarItem):
        return
    if item.starts_on is not None and item.ends_on is not None and item.ends_on < item.starts_on:
        yield FieldError(f"{place}/ends_on", "ends_before_start", "Must not be before `starts_on`.")
    if isinstance(item, FixedItem) and len(set(item.local_times)) < len(item.local_times):
        yield FieldError(f"{place}/local_times", "asked_twice", "Each time is named once.")


def _window_faults(content: PlanContent, figures: Asking, pointer: str) -> Iterator[FieldError]:
    """Windows follow one another, and their moments fit in wherever those of the one before happen to lie."""
    windows = [
        (f"{pointer}/items/{i}/windows/{w}", window, frozenset(item.weekdays or WEEKDAYS))
        for i, item in enumerate(content.items)
        if isinstance(item, RandomItem)
        for w, window in enumerate(item.windows)
    ]
    for place, window, days in windows:
        if window.from_time >= window.until_time:
            yield FieldError(f"{place}/until_time", "not_after_from", "Must be later than `from_time`.")
            continue
        before = [other for _, other, theirs in windows if days & theirs and _is_before(other, window)]
        overlaps = any(
            other is not window and other.from_time < window.until_time and other.until_time > window.from_time
            for _, other, theirs in windows
            if days & theirs
        )
        if overlaps:
            yield FieldError(place, "windows_overlap", "Another window of the plan lies in the same time.")
        elif not _has_room(window, before, figures.random_apart_minutes):
            yield FieldError(
                f"{place}/prompts",
                "no_room",
                "The window is too short for so many, as far apart as the clinic wants.",
                {"apart_minutes": figures.random_apart_minutes},
            )


def _is_before(one: Window, other: Window) -> bool:
    return one.until_time <= other.from_time


def _has_room(window: Window, before: list[Window], apart: int) -> bool:
    begins = _minutes(window.from_time)
    if before:
        begins = max(begins, max(_minutes(each.until_time) for each in before) + apart)
    return _minutes(window.until_time) - begins >= (window.prompts - 1) * apart


def _minutes(text: str) -> int:
    at = clock_time(text)
    return at.hour * 60 + at.minute


def _a_day(content: PlanContent, weekday: Weekday) -> int:
    """How many a day of this weekday asks for at most, besides what is around a dose."""
    return sum(_times(item) for item in content.by_the_calendar() if _may_hold(item, weekday))


def _may_hold(item: CalendarItem, weekday: Weekday) -> bool:
    return item.kind == "every_n_days" or item.weekdays is None or weekday in item.weekdays


def _times(item: CalendarItem) -> int:
    match item.kind:
        case "fixed":
            return len(item.local_times)
        case "random":
            return sum(window.prompts for window in item.windows)
        case _:
            return 1
