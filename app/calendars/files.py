"""Writing a feed as a calendar file (RFC 5545). The library is loaded with the first feed that is written."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from app.calendars.rules import ASK_AGAIN, Entry
from app.calendars.zones import onsets

if TYPE_CHECKING:
    from icalendar import Timezone

MEDIA_TYPE: Final = "text/calendar"
HOUR: Final = timedelta(hours=1)
MADE_BY: Final = "-//Afterglow//Calendar feed//EN"


def write(name: str, place: ZoneInfo, entries: Sequence[Entry]) -> bytes:
    """Write the file: one zone, and one event for each entry. A fifth of a second for a thousand of them."""
    from icalendar import Calendar, Event  # noqa: PLC0415  a tenth of a second, which the start of the server need not take

    calendar = Calendar()
    calendar.add("prodid", MADE_BY)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", place.key)
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{ASK_AGAIN // HOUR}H")
    if entries:
        calendar.add_component(_zone(place, entries))
    for entry in entries:
        event = Event()
        event.add("uid", str(entry.uid))
        event.add("sequence", entry.sequence)
        event.add("dtstamp", entry.changed_at.astimezone(UTC))
        event.add("last-modified", entry.changed_at.astimezone(UTC))
        event.add("dtstart", _written(entry.starts_at, place))
        event.add("dtend", _written(entry.ends_at, place))
        event.add("summary", entry.title)
        event.add("status", entry.status.value)
        event.add("class", "PRIVATE")
        if entry.location is not None:
            event.add("location", entry.location)
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _written(moment: datetime, place: ZoneInfo) -> datetime:
    """On the wall clock of the place, or in UTC in the hour that the clock shows for the second time.

    Of a time that a day has twice a calendar file means the first (RFC 5545, 3.3.5).
    """
    local = moment.astimezone(place)
    return moment.astimezone(UTC) if local.fold else local


def _zone(place: ZoneInfo, entries: Sequence[Entry]) -> "Timezone":
    """The zone, as far as the entries need it."""
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard  # noqa: PLC0415  see above

    zone = Timezone()
    zone.add("tzid", place.key)
    since, until = min(entry.starts_at for entry in entries), max(entry.ends_at for entry in entries)
    for onset in onsets(place, since.replace(minute=0, second=0, microsecond=0), until):
        part = TimezoneDaylight() if onset.is_daylight else TimezoneStandard()
        part.add("dtstart", onset.local)
        part.add("tzoffsetfrom", onset.before)
        part.add("tzoffsetto", onset.offset)
        part.add("tzname", onset.name)
        zone.add_component(part)
    return zone
