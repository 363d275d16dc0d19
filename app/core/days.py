"""Days as people live them: from midnight to midnight on the wall clock of a place."""

from datetime import UTC, date, datetime, time, timedelta

from app.core.errors import FieldError, InvalidRequest
from app.core.fields import zone

MOMENT = timedelta(microseconds=1)


def day_of(moment: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the local day of this moment and that of the next, in the place's own zone.

    Such a day may last 23 or 25 hours. Where a clock change leaves out midnight, the day begins at the change.
    """
    place = zone(time_zone)
    today = moment.astimezone(place).date()
    first, next_first = (datetime.combine(day, time(), place) for day in (today, today + timedelta(days=1)))
    return first.astimezone(UTC), next_first.astimezone(UTC)


def date_of(moment: datetime, time_zone: str) -> date:
    """Return the day of the calendar that a moment belongs to at a place."""
    return moment.astimezone(zone(time_zone)).date()


def span(since: datetime | None, until: datetime | None, time_zone: str, *, now: datetime) -> tuple[datetime, datetime]:
    """Fill in what a list leaves out: today, or the local day of the one end that was named.

    Raises `InvalidRequest` when nothing lies between the two.
    """
    # The day that ends at midnight is the day before it.
    within = since or (now if until is None else until - MOMENT)
    first_of_day, next_first = day_of(within, time_zone)
    first, last = since or first_of_day, until or next_first
    if first >= last:
        raise InvalidRequest(errors=[FieldError("/query/to", "not_after_from", "Must be later than `from`.")])
    return first, last
