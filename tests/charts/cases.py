"""Pictures of invented patients, for golden files and for looking at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import median, quantiles
from zoneinfo import ZoneInfo

from app.charts.pictures import (
    DESKTOP,
    PHONE,
    AlignedAppointment,
    AlignedPoint,
    Appointment,
    Dose,
    DoseAlignedPicture,
    DoseCurve,
    Gap,
    Measure,
    Point,
    Pooled,
    PooledStretch,
    Relief,
    Size,
    TrendPicture,
)

NARROW = Size(360, 480)
"""A narrow phone, held upright."""
BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 8, 31, tzinfo=BERLIN)
CRAVING = Measure("Craving, alcohol", "points", 0, 10, "worse")
MOOD = Measure("Mood", "points", 0, 10, "better")
CRAVING_VAS = Measure("Craving (slider), cocaine", "mm", 0, 100, "worse")
PHQ9 = Measure("PHQ-9", "points", 0, 27, "worse")
FEELING = Measure("Affect, valence", "points", -4, 4, "neutral")


def on(day: float, hour: float = 12) -> datetime:
    """An instant so many days and hours after the start of the period."""
    return (START + timedelta(days=day)).replace(tzinfo=BERLIN).astimezone(UTC) + timedelta(hours=hour)


def dose(day: float, amount: float | None = 40, hours: float = 72) -> Dose:
    at = on(day, 10)
    return Dose(at, amount, shade_until=at + timedelta(hours=hours))


def daily(days: list[int], level: list[float], seed: int, wobble: float = 0.8) -> tuple[Point, ...]:
    """Daily means around a level, with the smallest and largest value of each day, in whole points."""
    random = Random(seed)
    found = []
    for day, middle in zip(days, level, strict=True):
        values = [min(10, max(0, round(random.gauss(middle, wobble)))) for _ in range(3)]
        found.append(Point(on(day), sum(values) / 3, min(values), max(values)))
    return tuple(found)


def gaps(days: list[int], longest: int = 3) -> tuple[Gap, ...]:
    return tuple(Gap(on(a), on(b)) for a, b in pairwise(days) if b - a > longest)


def visits(missed: tuple[int, ...] = (30,)) -> tuple[Appointment, ...]:
    found = [Appointment(on(day, 14), "cbt", "", day not in missed) for day in range(2, 84, 7)]
    found += [Appointment(on(day, 17), "mindfulness", "", True) for day in range(4, 84, 14)]
    found += [Appointment(on(day, 11), "integration", "", True) for day in (15, 36, 57, 78)]
    return tuple(found)


def _relief(day: int, doses: tuple[int, ...], usual: float) -> float:
    since = min((day - given for given in doses if day > given), default=None)
    return usual if since is None else usual - 4.6 * max(0, 1 - since / 19)


def responder() -> TrendPicture:
    """Four doses over twelve weeks, each followed by relief that fades; two stretches without check-ins."""
    days = [day for day in range(84) if day not in {25, 47, 48, *range(60, 67)}]
    level = [_relief(day, (14, 35, 56, 77), 7.2 - day / 45) for day in days]
    return TrendPicture(
        CRAVING, BERLIN, START, START + timedelta(days=84), daily(days, level, 4), "day", gaps(days),
        (dose(14, 35), dose(35), dose(56), dose(77, 42.5)), visits(), baseline=7,
        caption="Last 7 days against baseline: −4.1 points, improved (rule: 30 % of baseline or 2 points).",
    )  # fmt: skip


def overlapping() -> TrendPicture:
    """Two doses two days apart: their windows run into each other."""
    days = list(range(28))
    level = [_relief(day, (9, 11), 7) for day in days]
    return TrendPicture(
        CRAVING, BERLIN, START, START + timedelta(days=28), daily(days, level, 5), "day", (),
        (dose(9, 35), dose(11)), visits()[:4], baseline=7,
    )  # fmt: skip


def long_gaps() -> TrendPicture:
    days = [*range(6), 19, 20, 22, 41, *range(62, 70)]
    return TrendPicture(
        CRAVING, BERLIN, START, START + timedelta(days=84), daily(days, [6.5] * len(days), 6), "day",
        (*gaps(days), Gap(on(69), on(84))), (dose(16), dose(44, None)), (), None, ("baseline", "slope"),
    )  # fmt: skip


def higher_is_better() -> TrendPicture:
    days = [day for day in range(84) if day not in {12, 30}]
    points = daily(days, [3 + 4 * min(1, day / 60) for day in days], 7)
    return TrendPicture(
        MOOD, BERLIN, START, START + timedelta(days=84), points, "day", (), (dose(14), dose(35)), visits(), baseline=3
    )


def raw_slider() -> TrendPicture:
    random = Random(8)
    moments = [on(day, hour + random.random()) for day in range(14) for hour in (8, 13, 20) if random.random() > 0.2]
    points = tuple(Point(at, min(100, max(0, round(random.gauss(48, 22))))) for at in moments)
    return TrendPicture(
        CRAVING_VAS, BERLIN, START, START + timedelta(days=14), points, "raw", (), (dose(5),), (), baseline=52
    )


def no_values() -> TrendPicture:
    return TrendPicture(
        CRAVING,
        BERLIN,
        START,
        START + timedelta(days=28),
        (),
        "day",
        (),
        (dose(14),),
        visits()[:5],
        None,
        ("baseline",),
    )


def one_point() -> TrendPicture:
    return replace(no_values(), points=(Point(on(11), 6, 5, 8),), appointments=())


def twice_weekly() -> TrendPicture:
    """Nasal doses twice, then once a week; weekly PHQ-9."""
    doses = tuple(dose(day, 56 if day < 8 else 84, 24) for day in (*range(1, 28, 3), *range(29, 84, 7)))
    points = tuple(
        Point(on(day), value)
        for day, value in zip(range(0, 84, 7), (19, 17, 15, 15, 12, 11, 9, 9, 8, 6, 7, 5), strict=True)
    )
    return TrendPicture(PHQ9, BERLIN, START, START + timedelta(days=84), points, "raw", (), doses, (), baseline=19)


def year_of_values() -> TrendPicture:
    random = Random(9)
    points = tuple(
        Point(on(day, random.uniform(7, 22)), random.choice((-3, -2, -1, 0, 0, 1, 1, 2, 3)))
        for day in range(365)
        for _ in range(2)
    )
    crowd = tuple(Appointment(on(day), "cbt", "CBT", day % 5 > 0) for day in range(0, 365, 2))
    return TrendPicture(FEELING, BERLIN, START, START + timedelta(days=365), points, "raw", (), (), crowd)


def in_german(picture: TrendPicture) -> TrendPicture:
    return replace(
        picture, measure=replace(picture.measure, name="Verlangen, Alkohol", unit="Punkte"), locale="de-DE", caption=""
    )


TRENDS: dict[str, TrendPicture] = {
    "responder": responder(),
    "responder_phone": replace(responder(), size=PHONE),
    "responder_phone_dark_german": replace(in_german(responder()), size=PHONE, theme="dark"),
    "responder_dark": replace(responder(), theme="dark"),
    "overlapping": overlapping(),
    "overlapping_phone": replace(overlapping(), size=PHONE),
    "long_gaps": long_gaps(),
    "long_gaps_phone": replace(long_gaps(), size=PHONE),
    "higher_is_better": higher_is_better(),
    "raw_slider": raw_slider(),
    "raw_slider_american": replace(raw_slider(), locale="en-US", end=START + timedelta(days=4)),
    "no_values": no_values(),
    "no_values_phone": replace(no_values(), size=PHONE),
    "one_point": one_point(),
    "twice_weekly": twice_weekly(),
    "twice_weekly_phone": replace(twice_weekly(), size=PHONE),
    "year_of_values": replace(year_of_values(), size=DESKTOP),
}


HOURS = (-60, -48, -30, -12, -1, 0.67, 1.3, 4, 24, 48, 72, 120, 168, 240, 336)


def curve(
    day: float, amount: float | None, values: tuple[float | None, ...], *,
    baseline: float | None, onset: float | None, until: float | None, seen: float | None = None,
) -> DoseCurve:  # fmt: skip
    points = tuple(
        AlignedPoint(hour * 60, value) for hour, value in zip(HOURS, values, strict=True) if value is not None
    )
    relief_at = None if baseline is None else baseline - max(2, 0.3 * baseline)
    minutes = [None if hours is None else hours * 60 for hours in (onset, until, seen)]
    return DoseCurve(
        Dose(on(day, 10), amount), points, baseline, relief_at,
        onset_minutes=minutes[0], return_minutes=minutes[1], censored_minutes=minutes[2],
    )  # fmt: skip


N = None
CURVES = (
    curve(14, 35, (7, 8, 7, 6, 7, 7, 6, 6, 5, 4, 4, 5, 6, 7, 7), baseline=7, onset=48, until=120),
    curve(35, 40, (6, 7, 7, 7, 8, 6, 6, 4, 3, 2, 3, 4, 5, 6, 7), baseline=7, onset=4, until=168),
    curve(56, 40, (7, N, 6, 6, 7, N, 5, 4, 2, 2, N, N, 3, 5, 6), baseline=6.5, onset=4, until=240),
    curve(77, 42.5, (6, 6, 5, 6, 6, 5, 4, 3, 1, 1, 2, 2, N, N, N), baseline=6, onset=1.3, until=N, seen=120),
)


def aligned(curves: tuple[DoseCurve, ...] = CURVES, measure: Measure = CRAVING) -> DoseAlignedPicture:
    relief = Relief(6.8 * 1440, len(curves), 1, 0)
    return DoseAlignedPicture(measure, BERLIN, 72 * 60, 14 * 1440, 72 * 60, curves, relief)


def _mirrored(one: DoseCurve) -> DoseCurve:
    points = tuple(AlignedPoint(point.minutes, 10 - point.value) for point in one.points)
    baseline = None if one.baseline is None else 10 - one.baseline
    relief_at = None if one.relief_at is None else 10 - one.relief_at
    return replace(one, points=points, baseline=baseline, relief_at=relief_at)


def two_days_apart() -> DoseAlignedPicture:
    first = curve(14, 35, (7, 8, 7, 6, 7, 6, 5, 4, 3, 3, N, N, N, N, N), baseline=7, onset=4, until=N, seen=48)
    second = curve(16, 40, (4, 3, 3, 3, 3, N, 2, 2, 1, 2, 3, 5, 7, 7, 7), baseline=3, onset=N, until=N)
    return replace(aligned((first, second)), relief=Relief(None, 1, 1, 1))


def many_doses() -> DoseAlignedPicture:
    random = Random(11)
    found = []
    for index in range(12):
        values = tuple(min(10, max(0, round(random.gauss(7 if hour < 1 else 3 + index / 4, 1)))) for hour in HOURS)
        found.append(curve(index * 7, 84, values, baseline=7, onset=4, until=random.choice((168, 240, 336))))
    return aligned(tuple(found))


IN_SESSION = ((-20, 0, 0), (20, 6, 3), (40, 11, 9), (80, 4, 5), (120, 1, 2))
AFTER = ((1, 5, "integration", True), (2, 3, "cbt", True), (3, 4, "mindfulness", False), (6, 0, "cbt", None))


def beside(curves: tuple[DoseCurve, ...]) -> tuple[DoseCurve, ...]:
    """The same doses with readings in their sessions (the second has none) and therapy after them."""
    return tuple(
        replace(
            one,
            readings=()
            if number == 1
            else tuple(AlignedPoint(at, max(0, high - number)) for at, high, _ in IN_SESSION),
            therapies=tuple(
                AlignedAppointment(
                    day * 1440 + 60 * (hour + number),
                    Appointment(on(day), kind, attended=attended),
                )
                for day, hour, kind, attended in AFTER[number % 2 :]
            ),
        )
        for number, one in enumerate(curves)
    )


def pooled(curves: tuple[DoseCurve, ...] = CURVES, least: int = 3) -> Pooled:
    """The middle of the doses by stretch, as simply as it can be said."""
    edges = (-72, -48, -24, 0, 2, 6, 12, 24, 48, 72, 120, 168, 240, 336)
    found = []
    for start, end in pairwise(edges):
        values = [
            median(inside)
            for one in curves
            if (inside := [p.value for p in one.points if start * 60 <= p.minutes < end * 60 + (end == edges[-1])])
        ]
        low, _, high = quantiles(values, method="inclusive") if len(values) >= least else (None, None, None)
        middle = median(values) if values else None
        followed = sum(1 for one in curves if one.points[-1].minutes >= start * 60)
        found.append(PooledStretch(start * 60, end * 60, len(values), followed, middle, low, high))
    return Pooled(tuple(found), len(curves), 6.75, least)


def pooled_of(curves: tuple[DoseCurve, ...] = CURVES) -> DoseAlignedPicture:
    return replace(aligned(beside(curves)), pooled=pooled(curves))


NO_DOSES = replace(aligned(()), relief=None, insufficient=("relief",))
NO_VALUES = replace(aligned((curve(14, 40, (N,) * 15, baseline=N, onset=N, until=N),)), relief=Relief(None, 0, 0, 1))

ALIGNED: dict[str, DoseAlignedPicture] = {
    "aligned": aligned(),
    "aligned_phone": replace(aligned(), size=PHONE),
    "aligned_phone_dark_german": replace(
        aligned(), size=PHONE, theme="dark", locale="de", measure=replace(CRAVING, name="Verlangen", unit="Punkte")
    ),
    "aligned_dark": replace(aligned(), theme="dark"),
    "aligned_mood": aligned(tuple(_mirrored(one) for one in CURVES), MOOD),
    "aligned_one": aligned(CURVES[-1:]),
    "aligned_two_days_apart": two_days_apart(),
    "aligned_many": many_doses(),
    "aligned_many_phone": replace(many_doses(), size=PHONE),
    "aligned_beside": aligned(beside(CURVES)),
    "aligned_beside_phone_dark": replace(aligned(beside(CURVES)), size=NARROW, theme="dark"),
    "aligned_no_doses": NO_DOSES,
    "aligned_no_values": NO_VALUES,
}

POOLED: dict[str, DoseAlignedPicture] = {
    "pooled": pooled_of(),
    "pooled_phone": replace(pooled_of(), size=NARROW),
    "pooled_dark_german": replace(
        pooled_of(), theme="dark", locale="de", measure=replace(CRAVING, name="Verlangen", unit="Punkte")
    ),
    "pooled_two_doses_phone_dark": replace(pooled_of(CURVES[:2]), size=NARROW, theme="dark"),
    "pooled_no_doses": replace(NO_DOSES, pooled=Pooled((), 0)),
}
