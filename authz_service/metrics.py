"""Counters for operators. Labels are routes and outcomes, never ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("kinguard_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "kinguard_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        decisions = Counter("kinguard_decisions", "Decisions made", ["decision"], registry=self.registry)
        self._allowed, self._denied = decisions.labels("allowed"), decisions.labels("denied")
        self._of_route: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def watch(self, name: str, says: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(name, says, registry=self.registry).set_function(read)

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """One request was answered. `route` is a template from the route table."""
        known = self._of_route.get((route, status))
        if known is None:
            known = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._of_route[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def note_decisions(self, allowed: int, denied: int) -> None:
        """Decisions were answered."""
        if allowed:
            self._allowed.inc(allowed)
        if denied:
            self._denied.inc(denied)

    def expose(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
