"""How time is taken: in interleaved rounds, so that what disturbs the machine disturbs everyone."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 5


@dataclass(slots=True)
class Contender:
    """One engine: a call with its arguments for each request, of which `share` are timed in a round."""

    name: str
    calls: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]
    share: int
    medians: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def answers(self) -> list[Any]:
        """The answer to every request, not timed."""
        return [call(*arguments) for call, arguments in self.calls]

    @property
    def median_us(self) -> float:
        """Median over rounds of the median time of one call."""
        return statistics.median(self.medians)

    @property
    def p99_us(self) -> float:
        """The 99th percentile over all timed calls."""
        ordered = sorted(self.times)
        return ordered[int(len(ordered) * 0.99)] / 1000


def clock_cost_ns() -> int:
    """What reading the clock twice takes by itself; it is taken off each measurement."""
    tick = time.perf_counter_ns
    samples = []
    for _ in range(20_000):
        start = tick()
        samples.append(tick() - start)
    return int(statistics.median(samples))


def race(contenders: Sequence[Contender], rounds: int = ROUNDS) -> None:
    """Time every contender in every round on its next share of the requests."""
    tick, off = time.perf_counter_ns, clock_cost_ns()
    for number in range(rounds):
        for contender in contenders:
            total = len(contender.calls)
            first = number * contender.share % total
            part = [contender.calls[i % total] for i in range(first, first + contender.share)]
            taken = [0] * len(part)
            gc.collect()
            gc.disable()
            try:
                for i, (call, arguments) in enumerate(part):
                    start = tick()
                    call(*arguments)
                    taken[i] = tick() - start
            finally:
                gc.enable()
            taken = [max(each - off, 0) for each in taken]
            contender.medians.append(statistics.median(taken) / 1000)
            contender.times += taken


def median_seconds(work: Callable[[], object], times: int) -> float:
    """The median time of a whole piece of work."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
