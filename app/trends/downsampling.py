"""Fewer points that look the same: largest-triangle-three-buckets (Steinarsson 2013)."""

from collections.abc import Sequence

FEWEST = 3


def lttb(times: Sequence[float], values: Sequence[float], points: int) -> list[int]:
    """Return the indexes of the `points` values that keep the shape of the line best; all of them when there are fewer.

    The first and the last value always stay. Of each bucket in between, the value that spans the largest triangle with
    the value kept before and the mean of the next bucket stays, the earliest where several do.
    """
    n = len(times)
    if points >= n:
        return list(range(n))
    if points < FEWEST:
        return [0, n - 1][:points]
    kept = [0]
    edges = [bucket * (n - 2) // (points - 2) + 1 for bucket in range(points - 1)] + [n]
    for start, end, after in zip(edges, edges[1:], edges[2:], strict=False):
        kept.append(_furthest(times, values, kept[-1], range(start, end), range(end, after)))
    kept.append(n - 1)
    return kept


def _furthest(times: Sequence[float], values: Sequence[float], before: int, bucket: range, following: range) -> int:
    """Return the index within `bucket` that makes the largest triangle."""
    count = len(following)
    mean_time = sum(times[following.start : following.stop]) / count
    mean_value = sum(values[following.start : following.stop]) / count
    rise, run = mean_value - values[before], mean_time - times[before]
    t0, y0 = times[before], values[before]
    best, largest = bucket.start, -1.0
    for index in bucket:
        area = abs(run * (values[index] - y0) - (times[index] - t0) * rise)
        if area > largest:
            best, largest = index, area
    return best
