"""What may be asked of a trend, and what it means for one patient today."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.charts.pictures import LEAST_HEIGHT, LEAST_WIDTH
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import Day, zone
from app.core.schemas import Incoming
from app.identity.access import PatientView
from app.instruments.definitions import Measure
from app.instruments.measures import MEASURES
from app.trends.buckets import bounds
from app.trends.smoothing import Method

FEWEST_POINTS: Final = 10
MOST_POINTS: Final = 5000
USUAL_POINTS: Final = 2000
USUAL_DAYS: Final = 90
MOST_DAYS: Final = 3660
MOST_DAYS_BY_HOUR: Final = 92
MOST_MEASURES: Final = 8
SUBSTANCE: Final = r"^[a-z][a-z0-9_]{0,39}$"

Bucket = Literal["raw", "hour", "day", "week"]


def _known_measure(key: str) -> str:
    if key not in MEASURES:
        code = "unknown_measure"
        raise PydanticCustomError(code, "Must be the key of a measure.")
    return key


MeasureKey = Annotated[
    str,
    AfterValidator(_known_measure),
    Field(max_length=40, json_schema_extra={"enum": sorted(MEASURES)}, examples=["craving"]),
]


Substance = Annotated[
    str | None,
    Field(
        pattern=SUBSTANCE,
        description="What it is about, for measures that are asked about a substance. Needed when the patient "
        "reports it about more than one: `alcohol`, `cocaine`, `opioid`...",
    ),
]
FirstDay = Annotated[
    Day | None, Field(alias="from", description="First local day of the patient. Left out: 89 days before `to`.")
]
LastDay = Annotated[
    Day | None, Field(alias="to", description="Last local day of the patient, included. Left out: today.")
]
Smooth = Annotated[
    Method | None,
    Field(
        description="A smoothed line beside the points, for drawing alone: `ewma` (a new day weighs about 0.3) or "
        "`median_7d` (the median of the days with values among the last 7). It never crosses a gap."
    ),
]


class SeriesQuery(Incoming):
    """Which values are meant: a measure, a substance and a period of the patient's local days."""

    measure: Annotated[MeasureKey, Field(description="The measure, such as `craving`, `mood` or `phq9_total`.")]
    substance: Substance = None
    first_day: FirstDay = None
    last_day: LastDay = None

    @property
    def most_days(self) -> int:
        """The longest period that may be asked for."""
        return MOST_DAYS


class TrendQuery(SeriesQuery):
    """A series by the calendar."""

    bucket: Annotated[
        Bucket,
        Field(
            description="`raw` for each value, else the mean of each local hour (of up to 92 days), day or week (from "
            "Monday)."
        ),
    ] = "day"
    points: Annotated[
        int,
        Field(
            ge=FEWEST_POINTS,
            le=MOST_POINTS,
            description="Most points of a raw series. A longer one is thinned out so that it keeps its shape "
            "(largest triangle three buckets); every statistic still rests on all values.",
        ),
    ] = USUAL_POINTS

    @property
    def most_days(self) -> int:
        """The longest period that may be asked for; hours are not thinned out."""
        return MOST_DAYS_BY_HOUR if self.bucket == "hour" else MOST_DAYS


class SmoothedTrendQuery(TrendQuery):
    """A series by the calendar, with a smoothed line beside it if wanted."""

    smooth: Smooth = None


class DoseAlignedQuery(SeriesQuery):
    """A series by the time since each dose that was started in the period."""


class MissedQuery(SeriesQuery):
    """A series by the check-ins that asked for it."""


class SeveralQuery(Incoming):
    """Several series by the calendar, over one period."""

    measure: Annotated[
        list[MeasureKey],
        Field(min_length=1, max_length=MOST_MEASURES, description="Each named once: `measure=a&measure=b`."),
    ]
    substance: Annotated[
        str | None,
        Field(
            pattern=SUBSTANCE,
            description="What those are about that are asked about a substance. Needed when the patient reports one of "
            "them about more than one.",
        ),
    ] = None
    first_day: FirstDay = None
    last_day: LastDay = None
    bucket: Annotated[
        Literal["day", "week"], Field(description="The mean of each local day or week (from Monday).")
    ] = "day"
    smooth: Smooth = None


class PeriodsQuery(Incoming):
    """One series over two periods that do not overlap."""

    measure: Annotated[MeasureKey, Field(description="The measure, such as `craving`, `mood` or `phq9_total`.")]
    substance: Substance = None
    first_from: Annotated[Day, Field(description="First local day of the first period.")]
    first_to: Annotated[Day, Field(description="Its last local day, included.")]
    second_from: Annotated[Day, Field(description="First local day of the second period, which is compared with it.")]
    second_to: Annotated[Day, Field(description="Its last local day, included.")]


class Look(Incoming):
    """How a chart is drawn."""

    width: Annotated[int, Field(ge=LEAST_WIDTH, le=2000, description="Width in CSS pixels.")] = 960
    height: Annotated[int, Field(ge=LEAST_HEIGHT, le=1200, description="Height in CSS pixels.")] = 420
    theme: Annotated[Literal["light", "dark"], Field(description="Colours.")] = "light"


class TrendChartQuery(TrendQuery, Look):
    """A series by the calendar, as a picture."""


class DoseAlignedChartQuery(DoseAlignedQuery, Look):
    """A series by the time since each dose, as a picture."""

    view: Annotated[
        Literal["sessions", "pooled"],
        Field(description="A line for each dose, or all doses laid on one another: median and middle half."),
    ] = "sessions"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything that was left out filled in."""

    measure: Measure
    substance: str | None
    first_day: date
    last_day: date
    today: date
    zone: ZoneInfo

    @property
    def last_full_day(self) -> date:
        """The last local day of the period that is over."""
        return min(self.last_day, self.today - timedelta(days=1))

    @property
    def days_begun(self) -> int:
        """Local days of the period that have begun."""
        return max((min(self.last_day, self.today) - self.first_day).days + 1, 0)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The instants at which the period starts and ends."""
        return bounds(self.first_day, self.last_day, self.zone)


def understand(query: SeriesQuery, patient: PatientView, now: datetime) -> Asked:
    """Fill in what was left out; raise `InvalidRequest` where the question makes no sense."""
    return _of_measure(query.measure, query.substance, _period(query, patient, now))


def understand_several(query: SeveralQuery, patient: PatientView, now: datetime) -> list[Asked]:
    """The same for several measures; a substance is that of the measures that are about one."""
    period, named = _period(query, patient, now), query.measure
    if len(set(named)) < len(named):
        _refuse("measure", "repeated", "Each measure is named once.")
    about = [key for key in named if MEASURES[key].per_substance]
    if query.substance is not None and not about:
        _refuse("substance", "not_applicable", "None of these measures is about a substance.")
    return [_of_measure(key, query.substance if key in about else None, period) for key in named]


def understand_periods(query: PeriodsQuery, patient: PatientView, now: datetime) -> tuple[Asked, Asked]:
    """The same for two periods, of which neither holds a day of the other."""
    place = zone(patient.time_zone)
    today = now.astimezone(place).date()
    days = (("first_from", query.first_from, query.first_to), ("second_from", query.second_from, query.second_to))
    for name, first, last in days:
        if first > last:
            _refuse(name, "after_to", "A period begins before it ends.")
        if (last - first).days >= MOST_DAYS:
            _refuse(name, "period_too_long", "The period has too many days.", max_days=MOST_DAYS)
    if query.first_from <= query.second_to and query.second_from <= query.first_to:
        _refuse("second_from", "periods_overlap", "A day cannot be in both periods.")
    one, other = (
        _of_measure(query.measure, query.substance, Days(first, last, today, place)) for _, first, last in days
    )
    return one, other


class Days(NamedTuple):
    """Local days of a patient, and which one today is."""

    first: date
    last: date
    today: date
    place: ZoneInfo


def _period(query: SeriesQuery | SeveralQuery, patient: PatientView, now: datetime) -> Days:
    most = query.most_days if isinstance(query, SeriesQuery) else MOST_DAYS
    return days_between(query.first_day, query.last_day, patient, now, most=most)


def days_between(
    first_day: date | None, last_day: date | None, patient: PatientView, now: datetime, *, most: int
) -> Days:
    """Fill in the days that were left out; raise `InvalidRequest` where they are no period, or too long a one."""
    place = zone(patient.time_zone)
    today = now.astimezone(place).date()
    last = last_day or today
    first = first_day or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        _refuse("from", "after_to", "Must not be later than `to`, which is today when left out.")
    if (last - first).days >= most:
        _refuse("from", "period_too_long", "The period has too many days.", max_days=most)
    return Days(first, last, today, place)


def _of_measure(key: str, substance: str | None, period: Days) -> Asked:
    measure = MEASURES[key]
    if substance is not None and not measure.per_substance:
        _refuse("substance", "not_applicable", "This measure is not about a substance.")
    return Asked(measure, substance, *period)


def _refuse(name: str, code: str, detail: str, **params: int) -> NoReturn:
    raise InvalidRequest(errors=[FieldError(f"/query/{name}", code, detail, params)])
