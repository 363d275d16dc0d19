"""Reading a calendar file without the library that wrote it: lines, and what dateutil makes of the zone."""

import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from dateutil.tz import tzical

NAME = re.compile(r"[A-Z-]+")


@dataclass
class Part:
    """One component: its properties with their parameters, as they are written, and what is in it."""

    name: str
    properties: dict[str, tuple[str, str]] = field(default_factory=dict)
    parts: list["Part"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.properties[name][1]

    def all(self, name: str) -> list["Part"]:
        return [part for part in self.parts if part.name == name]


@dataclass(frozen=True)
class File:
    """A calendar file."""

    calendar: Part
    zone: tzinfo | None

    @property
    def events(self) -> dict[str, Part]:
        """By their uid."""
        return {event["UID"]: event for event in self.calendar.all("VEVENT")}

    def at(self, event: Part, name: str = "DTSTART") -> datetime:
        """An instant of an event, by the zone that the file itself brings."""
        parameters, value = event.properties[name]
        if value.endswith("Z"):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert self.zone is not None
        (zone,) = self.calendar.all("VTIMEZONE")
        assert parameters == f";TZID={zone['TZID']}"
        return datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=self.zone).astimezone(UTC)


def read(content: bytes) -> File:
    """Read a file line by line, refusing what RFC 5545 does not allow."""
    assert content.endswith(b"\r\n")
    physical = content[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in physical)
    text = content.decode().replace("\r\n ", "")
    outer = Part("")
    open_parts = [outer]
    for line in text.removesuffix("\r\n").split("\r\n"):
        head, colon, value = line.partition(":")
        assert colon, line
        name, _, parameters = head.partition(";")
        assert NAME.fullmatch(name), line
        if name == "BEGIN":
            part = Part(value)
            open_parts[-1].parts.append(part)
            open_parts.append(part)
        elif name == "END":
            assert open_parts.pop().name == value
        else:
            assert name not in open_parts[-1].properties, line
            open_parts[-1].properties[name] = (f";{parameters}" if parameters else "", value)
    (calendar,) = outer.parts
    assert (calendar.name, calendar["VERSION"]) == ("VCALENDAR", "2.0")
    zones = calendar.all("VTIMEZONE")
    made = tzical(io.StringIO(text)).get(zones[0]["TZID"]) if zones else None
    return File(calendar, made)
