"""Counters for operators. Labels are routes and outcomes, never ids.

Counting is a few additions; the library's metrics are made of the sums when somebody asks for them.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

_BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_LABELS = ("route", "status")


class Metrics(Collector):
    """The metrics of one process, counted on its event loop."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._counts: dict[tuple[str, int], list[int]] = {}
        self._seconds: dict[tuple[str, int], float] = {}
        self._decisions = [0, 0]  # denied, allowed

    def watch(self, name: str, says: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(name, says, registry=self.registry).set_function(read)

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """One request was answered. `route` is a template from the route table."""
        key = (route, status)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(_BOUNDS) + 1)
            self._seconds[key] = 0.0
        counts[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[key] += seconds

    def note_decisions(self, allowed: int, denied: int) -> None:
        """Decisions were answered."""
        self._decisions[0] += denied
        self._decisions[1] += allowed

    def collect(self) -> Iterator[Metric]:
        """What was counted so far, as the library wants it."""
        requests = HistogramMetricFamily("kinguard_request_seconds", "Requests and the time to answer", labels=_LABELS)
        for (route, status), counts in list(self._counts.items()):
            total = 0
            buckets = []
            for bound, count in zip([*map(str, _BOUNDS), "+Inf"], counts, strict=True):
                total += count
                buckets.append((bound, total))
            requests.add_metric((route, str(status)), buckets, self._seconds[route, status])
        yield requests
        decisions = CounterMetricFamily("kinguard_decisions", "Decisions answered", labels=("decision",))
        for name, count in zip(("denied", "allowed"), self._decisions, strict=True):
            decisions.add_metric((name,), count)
        yield decisions

    def expose(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
