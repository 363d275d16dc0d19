"""The statistics of a trend a second time, for every person of a data set, by libraries that know nothing of ours.

Values are read raw from the service (the drills compare those with the files), grouped with pandas, and worked out with
scipy, pymannkendall and numpy, in hours and days as the definitions are written. Every figure is compared.
"""

import asyncio
import math
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx2
import numpy as np
import pandas as pd
import pymannkendall
import scipy.stats

from drills.data.checks import Checks
from drills.data.house import bearer

AT_ONCE: Final = 4
TOLERANCE: Final = 1e-8
PERIOD: Final = {"from": "2018-01-01", "to": "2024-12-31"}
IN_A_ROW, HORIZON, WEEK, LONGEST_GAP = 2, 336, 168, 72
GAP_DAYS: Final = 3


@dataclass(slots=True)
class Tally:
    """How much was compared, and how far apart it was."""

    people: int = 0
    series: int = 0
    doses: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    largest: float = 0.0
    different: list[str] = field(default_factory=list)

    def compare(self, who: str, name: str, expected: Any, seen: Any) -> None:
        """Compare one figure; both None is equal too, and is not counted."""
        if expected is None and seen is None:
            return
        self.figures[name] += 1
        if isinstance(expected, (int, float)) and isinstance(seen, (int, float)):
            apart = abs(expected - seen) / max(1.0, abs(expected))
            self.largest = max(self.largest, apart)
            if apart <= TOLERANCE:
                return
        elif expected == seen:
            return
        self.different.append(f"{who} {name}: expected {expected}, saw {seen}")

    def tell(self, title: str, people: int, checks: Checks) -> None:
        """Say what was compared, and fail where anything differs."""
        for line in self.different[:20]:
            print(f"   differs: {line}", flush=True)
        counted = ", ".join(f"{name} {count:,}" for name, count in sorted(self.figures.items()))
        print(
            f"   {title}: {self.people:,} people, {self.series:,} series, {self.doses:,} doses, "
            f"{sum(self.figures.values()):,} figures, largest difference {self.largest:.1e} ({counted})",
            flush=True,
        )
        checks.equal(f"{title}: people compared with the oracles", people, self.people)
        checks.equal(f"{title}: figures that differ from the oracles", 0, len(self.different))


@dataclass(frozen=True, slots=True)
class Series:
    """Whose values of which measure are compared, and the range of the measure (0 to `highest`, higher is worse)."""

    measure: str
    highest: float
    zone: str


async def compare(client: httpx2.AsyncClient, token: str, patients: dict[str, UUID], series: Series) -> Tally:
    """Compare every figure of every one of these people, several at once."""
    tally, gate = Tally(), asyncio.Semaphore(AT_ONCE)

    async def ask(patient: UUID, path: str, **query: str) -> dict[str, Any]:
        asked = {"measure": series.measure} | PERIOD | query
        async with gate:
            answer = await client.get(f"/v1/patients/{patient}/trends{path}", params=asked, headers=bearer(token))
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    async def one(who: str, patient: UUID) -> None:
        raw, shown, doses = await asyncio.gather(
            ask(patient, "", bucket="raw", points="5000"),
            ask(patient, "/several", bucket="day", smooth="median_7d"),
            ask(patient, "/doses"),
        )
        tally.people += 1
        if raw["points"]:
            tally.series += 1
        values = [(datetime.fromisoformat(point["at"]), float(point["value"])) for point in raw["points"]]
        starts = [datetime.fromisoformat(dose["dose_started_at"]) for dose in doses["doses"]]
        tally.doses += len(starts)
        _calendar(tally, who, shown["series"][0], values, starts, series)
        reliefs = [_dose(tally, who, dose, values, starts, series) for dose in doses["doses"]]
        _groups(tally, who, doses, reliefs)

    await asyncio.gather(*(one(who, patient) for who, patient in patients.items()))
    return tally


# By the calendar ------------------------------------------------------------------------------------------------------


def _calendar(
    tally: Tally,
    who: str,
    seen: dict[str, Any],
    values: Sequence[tuple[datetime, float]],
    starts: Sequence[datetime],
    series: Series,
) -> None:
    frame = pd.DataFrame(values, columns=["at", "value"])
    local = pd.to_datetime(frame["at"], utc=True).dt.tz_convert(series.zone)
    days = frame.groupby(local.dt.date)["value"].agg(["mean", "min", "max", "count"])
    tally.compare(who, "n", len(frame), seen["n"])
    points = [(point["local_day"], point["n"], point["min"], point["max"]) for point in seen["points"]]
    by_hand = [(str(day), int(row["count"]), row["min"], row["max"]) for day, row in days.iterrows()]
    tally.compare(who, "days", by_hand, points)
    for mean, point in zip(days["mean"], seen["points"], strict=False):
        tally.compare(who, "day_mean", float(mean), point["mean"])
    _course(tally, who, seen, days)
    _lines(tally, who, seen, days)
    first = min(starts, default=None)
    before = [v for at, v in values if first is not None and first - timedelta(days=14) <= at < first]
    b = float(np.median(before)) if len(before) >= 3 else None
    tally.compare(who, "baseline", b, seen["baseline"]["value"])
    tally.compare(who, "baseline_n", len(before), seen["baseline"]["n"])
    after = days if first is None else days[days.index > pd.Timestamp(first).tz_convert(series.zone).date()]
    y = None
    if len(after):
        inside = after[after.index > after.index[-1] - timedelta(days=7)]
        y = float(np.average(inside["mean"], weights=inside["count"]))
    tally.compare(who, "current", y, seen["change"]["current"])
    if b is None or y is None:
        tally.compare(who, "change", None, seen["change"]["label"])
        return
    threshold = max(0.2 * series.highest, 0.3 * b)
    tally.compare(who, "threshold", threshold, seen["change"]["threshold"])
    tally.compare(who, "difference", y - b, seen["change"]["difference"])
    tally.compare(who, "percent", 100 * (y - b) / b if b >= 0.1 * series.highest else None, seen["change"]["percent"])
    slack = series.highest * 1e-9
    label = "improved" if b - y >= threshold - slack else "worse" if y - b >= threshold - slack else "unchanged"
    tally.compare(who, "change", label, seen["change"]["label"])


def _course(tally: Tally, who: str, seen: dict[str, Any], days: "pd.DataFrame") -> None:
    x, y = [day.toordinal() for day in days.index], days["mean"].tolist()
    slope, test = seen["slope"] or {}, seen["trend"] or {}
    if len(y) < 5:
        tally.compare(who, "slope", None, slope.get("per_day"))
        return
    expected = scipy.stats.theilslopes(y, x, 0.95, method="separate")
    tally.compare(who, "slope", float(expected.slope), slope.get("per_day"))
    if len(y) < 8:
        tally.compare(who, "trend", None, test.get("p_value"))
        return
    tally.compare(who, "slope_low", float(expected.low_slope), slope["ci_low"])
    tally.compare(who, "slope_high", float(expected.high_slope), slope["ci_high"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kendall = pymannkendall.original_test(y)
    tally.compare(who, "kendall_s", int(kendall.s), test["s"])
    tally.compare(who, "kendall_z", float(kendall.z), test["z"])
    tally.compare(who, "kendall_p", float(kendall.p), test["p_value"])


def _lines(tally: Tally, who: str, seen: dict[str, Any], days: "pd.DataFrame") -> None:
    """Gaps, and the line of medians that breaks at them."""
    index = list(days.index)
    cuts = [n for n in range(1, len(index)) if (index[n] - index[n - 1]).days > GAP_DAYS]
    gaps = [(str(index[n - 1] + timedelta(days=1)), str(index[n] - timedelta(days=1))) for n in cuts]
    shown = [(gap["from"], gap["to"]) for gap in seen["gaps"]]
    tally.compare(who, "gaps", gaps, shown[: len(gaps)])
    pieces = [days.iloc[start:end] for start, end in zip([0, *cuts], [*cuts, len(days)], strict=True)] if index else []
    lines = seen["smoothed"]["lines"]
    tally.compare(who, "pieces", len(pieces), len(lines))
    for piece, line in zip(pieces, lines, strict=False):
        dated = pd.Series(piece["mean"].tolist(), index=pd.DatetimeIndex([pd.Timestamp(day) for day in piece.index]))
        medians = dated.rolling("7D", min_periods=3).median()
        for expected, point in zip(medians, line, strict=True):
            tally.compare(who, "median_7d", None if math.isnan(expected) else float(expected), point["value"])


# By the dose ----------------------------------------------------------------------------------------------------------


def _dose(
    tally: Tally,
    who: str,
    seen: dict[str, Any],
    values: Sequence[tuple[datetime, float]],
    starts: Sequence[datetime],
    series: Series,
) -> tuple[float, bool] | None:
    """Read one dose as the definitions are written, in hours; how long its relief was, and whether it ended."""
    start = datetime.fromisoformat(seen["dose_started_at"])
    around = [((at - start) / timedelta(hours=1), v) for at, v in values]
    window = [v for t, v in around if -LONGEST_GAP <= t < 0]
    if len(window) < 3:
        window = [v for t, v in around if -WEEK <= t < 0]
    b = float(np.median(window)) if len(window) >= 3 else None
    until = min(((other - start) / timedelta(hours=1) for other in starts if other > start), default=math.inf)
    after = [(t, v) for t, v in around if 0 <= t <= HORIZON and t < until]
    tally.compare(who, "dose_baseline", b, seen["baseline"])
    tally.compare(who, "dose_n", len(after), seen["n_after"])
    nadir = min(after, key=lambda pair: (pair[1], pair[0])) if after else None
    found = seen["nadir"] or {}
    tally.compare(who, "nadir", nadir[1] if nadir and len(after) >= 3 else None, found.get("value"))
    tally.compare(
        who, "nadir_at", _minutes(nadir[0]) if nadir and len(after) >= 3 else None, found.get("minutes_from_dose")
    )
    if b is None:
        tally.compare(who, "onset", None, seen["onset_minutes"])
        tally.compare(who, "auc", None, seen["auc"])
        return None
    _area(tally, who, seen, [(t, v) for t, v in after if t > 0], b)
    level = b - max(0.2 * series.highest, 0.3 * b) + series.highest * 1e-9
    onset = _first(after, lambda t, v: t > 0 and v <= level)
    tally.compare(who, "onset", None if onset is None else _minutes(onset), seen["onset_minutes"])
    if onset is None or nadir is None:
        return None
    back = _first(after, lambda t, v: t > max(nadir[0], onset) and v > level)
    end = after[-1][0] if back is None else back
    tally.compare(who, "duration", _minutes(end) - _minutes(onset), seen["duration_minutes"])
    tally.compare(who, "censored", back is None, seen["censored"])
    by = None if back is not None else "next_dose" if until <= HORIZON else "horizon"
    tally.compare(who, "censored_by", by, seen["censored_by"])
    return _minutes(end) - _minutes(onset), back is not None


def _first(after: Sequence[tuple[float, float]], holds: Callable[[float, float], bool]) -> float | None:
    """The first of so many values in a row of which it holds."""
    for n in range(len(after) - IN_A_ROW + 1):
        if all(holds(*each) for each in after[n : n + IN_A_ROW]):
            return after[n][0]
    return None


def _area(tally: Tally, who: str, seen: dict[str, Any], after: Sequence[tuple[float, float]], b: float) -> None:
    """The area between baseline and values by numpy: a point at 168 h is put in by interpolation, gaps are left out."""
    t, d = np.array([0.0, *(t for t, _ in after)]), np.array([0.0, *(b - v for _, v in after)])
    area = covered = 0.0
    for n in range(1, len(t)):
        if t[n] - t[n - 1] > LONGEST_GAP or t[n - 1] >= WEEK or t[n] == t[n - 1]:
            continue
        end = min(t[n], WEEK)
        piece = np.array([t[n - 1], end])
        area += float(np.trapezoid(np.interp(piece, t[n - 1 : n + 1], d[n - 1 : n + 1]), piece))
        covered += float(end - t[n - 1])
    tally.compare(who, "auc", area if covered else None, seen["auc"])
    tally.compare(who, "mean_reduction", area / covered if covered else None, seen["mean_reduction"])
    tally.compare(who, "coverage", 100 * covered / WEEK, seen["coverage"])


def _groups(tally: Tally, who: str, seen: dict[str, Any], reliefs: Sequence[tuple[float, bool] | None]) -> None:
    """The Kaplan-Meier medians of doses given alike, by scipy."""
    by_id = {dose["dosing_session_id"]: relief for dose, relief in zip(seen["doses"], reliefs, strict=True)}
    for group in seen["groups"]:
        found = [relief for relief in (by_id[each] for each in group["dosing_session_ids"]) if relief is not None]
        tally.compare(who, "group_n", len(found), group["relief"]["n"])
        tally.compare(who, "group_n_censored", sum(not over for _, over in found), group["relief"]["n_censored"])
        middle = None
        if len(found) >= 3:
            ended = [length for length, over in found if over]
            going_on = [length for length, over in found if not over]
            curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=ended, right=going_on)).sf
            reached = [q for q, p in zip(curve.quantiles, curve.probabilities, strict=True) if p <= 0.5 + 1e-12]
            middle = float(min(reached)) if reached else None
        tally.compare(who, "group_median", middle, group["relief"]["median_relief_minutes"])


def _minutes(hours: float) -> int:
    return math.floor(round(hours * 3600, 3) / 60)
