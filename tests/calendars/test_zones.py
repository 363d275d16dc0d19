"""What a feed says of its zone is what the zone does: read back by dateutil, hour by hour around each change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendars.files import write
from app.calendars.rules import Entry, EventStatus
from app.calendars.zones import onsets
from tests.calendars.reading import read
from tests.factories import an_id

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Europe/Dublin",
    "Pacific/Chatham",
    "Africa/Casablanca",
]


def an_entry(at: datetime, minutes: int = 50) -> Entry:
    return Entry(
        uid=an_id(),
        sequence=0,
        changed_at=at - HOUR,
        starts_at=at,
        ends_at=at + timedelta(minutes=minutes),
        title="Appointment",
        status=EventStatus.CONFIRMED,
    )


def offset(text: str) -> timedelta:
    """Of `+0530`."""
    size = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return -size if text[0] == "-" else size


class TestOnsets:
    def test_are_written_on_the_clock_as_it_was_until_then(self) -> None:
        found = onsets(ZoneInfo("Europe/Berlin"), datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))

        assert [(str(each.local), each.before // HOUR, each.offset // HOUR, each.name) for each in found] == [
            ("2026-01-05 01:00:00", 1, 1, "CET"),
            ("2026-03-29 02:00:00", 1, 2, "CEST"),
            ("2026-10-25 03:00:00", 2, 1, "CET"),
        ]
        assert [each.is_daylight for each in found] == [False, True, False]

    def test_a_zone_without_changes_has_one(self) -> None:
        found = onsets(ZoneInfo("Asia/Kolkata"), datetime(2026, 1, 5, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))

        assert [each.name for each in found] == ["IST"]


@pytest.mark.parametrize("name", ZONES)
def test_every_event_is_read_back_at_its_instant(name: str) -> None:
    place = ZoneInfo(name)
    year = datetime(2026, 1, 1, tzinfo=UTC)
    changes = [
        day
        for day in (year + timedelta(days=n) for n in range(400))
        if day.astimezone(place).utcoffset() != (day + timedelta(days=1)).astimezone(place).utcoffset()
    ]
    around = [day + HOUR * n / 2 for day in changes or [year] for n in range(-12, 80)]
    entries = {str(entry.uid): entry for entry in map(an_entry, sorted(set(around)))}

    file = read(write("Appointments", place, list(entries.values())))

    assert len(file.events) == len(entries)
    for uid, event in file.events.items():
        assert file.at(event) == entries[uid].starts_at, (name, event["DTSTART"])
        assert file.at(event, "DTEND") == entries[uid].ends_at, (name, event["DTEND"])


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, and again an hour later
    file = read(write("Appointments", ZoneInfo("Europe/Berlin"), [an_entry(first, 20), an_entry(first + HOUR, 20)]))

    assert sorted(event["DTSTART"] for event in file.events.values()) == ["20261025T013000Z", "20261025T023000"]


def test_a_file_without_events_is_one_too() -> None:
    file = read(write("Appointments", ZoneInfo("Europe/Berlin"), []))

    assert (file.events, file.zone) == ({}, None)
    assert file.calendar["X-WR-CALNAME"] == "Appointments"


@pytest.mark.parametrize("name", ZONES)
def test_each_change_in_the_file_happens_when_it_happens(name: str) -> None:
    """Readers that ask what an instant is on the clock go by this; those that ask the other way hardly notice."""
    place, year = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=UTC)
    (zone,) = read(write("Appointments", place, [an_entry(year), an_entry(year + timedelta(days=300))])).calendar.all(
        "VTIMEZONE"
    )
    first, *changes = zone.parts

    assert first["TZOFFSETFROM"] == first["TZOFFSETTO"]
    for change in changes:
        before, after = offset(change["TZOFFSETFROM"]), offset(change["TZOFFSETTO"])
        at = datetime.strptime(change["DTSTART"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) - before
        assert (at - SECOND).astimezone(place).utcoffset() == before
        assert at.astimezone(place).utcoffset() == after
        assert change["TZNAME"] == at.astimezone(place).tzname()
