"""What this process counts, in memory, and how that is told to Prometheus.

Counting is a look-up and an addition (half a microsecond a request), on the event loop alone, so that nothing has to be
locked. What the database knows better (queues, lags) is not counted but read when somebody asks (`scraping.py`).
prometheus_client, which writes it all down, is loaded then: a process that nobody watches need not carry it.

Labels are names of ours: templates of addresses, outcomes, ids of endpoints. Nothing of a patient is a label.
"""
# ruff: noqa: PLC0415  see above

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import Metric

Labels = tuple[str, ...]
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATUSES: Final = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")


class Counter:
    """How often something happened. Prometheus calls it `<name>_total`."""

    def __init__(self, name: str, about: str, labels: Labels, known: Iterable[Labels] = ()) -> None:
        """`known`: what is told to have happened 0 times, so that the first time is seen as a change."""
        self.name, self.about, self.labels = name, about, labels
        self.counts: dict[Labels, int] = dict.fromkeys(known, 0)
        _counted.append(self)

    def add(self, *values: str) -> None:
        """It happened once more."""
        self.counts[values] = self.counts.get(values, 0) + 1

    def family(self) -> "Metric":
        """As prometheus_client has it."""
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(self.name, self.about, labels=self.labels)
        for values, count in self.counts.items():
            family.add_metric(values, count)
        return family


@dataclass(slots=True)
class _Spread:
    buckets: list[int]
    total: float = 0.0


class Histogram:
    """How long something took, in seconds."""

    def __init__(self, name: str, about: str, labels: Labels, bounds: Sequence[float] = SECONDS) -> None:
        self.name, self.about, self.labels, self.bounds = name, about, labels, bounds
        self.spreads: dict[Labels, _Spread] = {}
        _counted.append(self)

    def add(self, seconds: float, *values: str) -> None:
        """It took so long once more."""
        spread = self.spreads.get(values)
        if spread is None:
            spread = self.spreads[values] = _Spread([0] * (len(self.bounds) + 1))
        spread.buckets[bisect_left(self.bounds, seconds)] += 1
        spread.total += seconds

    def family(self) -> "Metric":
        """As prometheus_client has it."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self.name, self.about, labels=self.labels)
        names = [*(repr(bound) for bound in self.bounds), "+Inf"]
        for values, spread in self.spreads.items():
            family.add_metric(values, list(zip(names, accumulate(spread.buckets), strict=True)), spread.total)
        return family


@dataclass(frozen=True, slots=True)
class Gauge:
    """How it stands, just now."""

    name: str
    about: str
    labels: Labels = ()
    values: Mapping[Labels, float] = field(default_factory=dict)

    def family(self) -> "Metric":
        """As prometheus_client has it."""
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(self.name, self.about, labels=self.labels)
        for values, value in self.values.items():
            family.add_metric(values, value)
        return family


_counted: list[Counter | Histogram] = []
_requests = Counter(
    "afterglow_http_requests", "Requests, by the template of the address.", ("route", "method", "status")
)
_durations = Histogram(
    "afterglow_http_request_seconds", "From the request to the end of its answer.", ("route", "method")
)


def request_ended(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request. `status` is 0 if no answer was begun."""
    known = method if method in _METHODS else "other"
    _requests.add(route, known, _STATUSES[status // 100])
    _durations.add(seconds, route, known)


class _Everything:
    """What prometheus_client calls a collector."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> "Iterator[Metric]":
        """Everything that was counted and read, and how the process does."""
        from prometheus_client import ProcessCollector

        yield from (each.family() for each in (*_counted, *self._gauges))
        yield from ProcessCollector(registry=None).collect()


def text(gauges: Iterable[Gauge]) -> bytes:
    """Everything, as Prometheus reads it."""
    from prometheus_client import generate_latest

    return generate_latest(_Everything(gauges))
