"""Wire types used by every package: annotated once, with their check and their description."""

import re
import zoneinfo
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def instant_text(value: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`, always UTC, always three decimals."""
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    parts = (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % parts  # noqa: UP031  half the time that `isoformat` takes


def _instant(value: Any) -> datetime:  # noqa: ANN401  whatever JSON held
    if isinstance(value, datetime):  # our own rows on their way out
        return value
    if not isinstance(value, str) or RFC_3339.fullmatch(value) is None:
        code = "instant_format"
        raise PydanticCustomError(code, "Must be an RFC 3339 date-time string with an offset.")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        code = "instant_format"
        raise PydanticCustomError(code, "Must be an RFC 3339 date-time string with an offset.") from None
    if not EARLIEST <= moment < LATEST:
        code = "instant_range"
        raise PydanticCustomError(code, "Must lie between the years 2000 and 2100.")
    return moment


Moment = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(instant_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T17:30:12.000Z"]}),
]
"""An instant. In: RFC 3339 with an offset, never a number or a bare date. Out: UTC with milliseconds and `Z`."""


@lru_cache(maxsize=1024)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of this IANA name, cached; `ValueError` when there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = "no such time zone"
        raise ValueError(msg) from error


def _known_zone(name: str) -> str:
    try:
        zone(name)
    except ValueError:
        code = "time_zone"
        raise PydanticCustomError(code, "Must be an IANA time zone such as Europe/Berlin.") from None
    return name


TimeZoneName = Annotated[
    str,
    Field(min_length=1, max_length=64, examples=["Europe/Berlin"], description="IANA name of a time zone."),
    AfterValidator(_known_zone),
]

MOST = 2**53 - 1
Whole = Annotated[int, Strict(), Field(ge=-MOST, le=MOST)]
"""A whole number that every JSON library holds exactly; text, `true` and 4.0 are not."""

ShortText = Annotated[str, Field(min_length=1, max_length=200)]

Note = Annotated[
    str, Field(max_length=4000, examples=["after group"], description="Free text. Encrypted at rest, never logged.")
]


def _calendar_day(value: Any) -> date:  # noqa: ANN401  whatever JSON held
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is not None and EARLIEST.date() <= day < LATEST.date():
            return day
    code = "day_format"
    raise PydanticCustomError(code, "Must be a day such as 2026-11-22, between the years 2000 and 2100.")


Day = Annotated[
    date,
    PlainValidator(_calendar_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-22"]}),
]
"""A day of the calendar, without a time."""


_WALL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)


def wall_time_text(value: datetime) -> str:
    """`YYYY-MM-DDTHH:MM`, of a time without a zone."""
    return value.isoformat(timespec="minutes")


def _wall_time(value: Any) -> datetime:  # noqa: ANN401  whatever JSON held
    if isinstance(value, datetime) and value.tzinfo is None:  # our own on their way out
        return value
    if isinstance(value, str) and _WALL_TIME.fullmatch(value):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is not None and EARLIEST.date() <= at.date() < LATEST.date():
            return at
    code = "wall_time_format"
    raise PydanticCustomError(code, "Must be a time such as 2026-11-22T09:00, without an offset, from 2000 to 2099.")


WallTime = Annotated[
    datetime,
    PlainValidator(_wall_time),
    PlainSerializer(wall_time_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$", "examples": ["2026-11-22T09:00"]}),
]
"""What a clock on a wall shows, without a zone: a time zone has to stand beside it."""
