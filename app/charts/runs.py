"""Values in unbroken stretches: where a line may be drawn, and where it must not."""

from collections.abc import Sequence

from app.charts.pictures import AlignedPoint, Gap, Point


def runs(points: Sequence[Point], gaps: Sequence[Gap]) -> list[tuple[Point, ...]]:
    """Points (rising in time) in stretches; two neighbours with a gap between them are never in the same one."""
    found: list[list[Point]] = []
    for point in points:
        last = found[-1][-1] if found else None
        if last is None or any(gap.start < point.at and gap.end > last.at for gap in gaps):
            found.append([point])
        else:
            found[-1].append(point)
    return [tuple(run) for run in found]


def stretches(points: Sequence[AlignedPoint], gap_minutes: float) -> list[tuple[AlignedPoint, ...]]:
    """Points (rising in time) in stretches; two neighbours further apart than the gap are never in the same one."""
    found: list[list[AlignedPoint]] = []
    for point in points:
        if found and point.minutes - found[-1][-1].minutes <= gap_minutes:
            found[-1].append(point)
        else:
            found.append([point])
    return [tuple(run) for run in found]
