"""How time is taken: interleaved rounds, so that what disturbs the machine disturbs every engine; medians of rounds; a bounded share for slow ones."""

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
    """One engine with the prepared arguments of every request; `share` of them are timed in a round."""

    name: str
    call: Callable[..., bool]
    arguments: Sequence[tuple[Any, ...]]
    share: int
    medians: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    @property
    def median_us(self) -> float:
        """Median over rounds of the median time of one decision."""
        return statistics.median(self.medians)

    @property
    def p99_us(self) -> float:
        """The 99th percentile over all timed decisions."""
        ordered = sorted(self.times)
        return ordered[int(len(ordered) * 0.99)] / 1000


def clock_cost_ns() -> int:
    """What reading the clock twice takes by itself; it is taken off each single measurement."""
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
            total, call = len(contender.arguments), contender.call
            first = number * contender.share % total
            part = [contender.arguments[i % total] for i in range(first, first + contender.share)]
            taken = [0] * len(part)
            gc.collect()
            gc.disable()
            try:
                for i, arguments in enumerate(part):
                    start = tick()
                    call(*arguments)
                    taken[i] = tick() - start
            finally:
                gc.enable()
            taken = [max(each - off, 0) for each in taken]
            contender.medians.append(statistics.median(taken) / 1000)
            contender.times += taken


def best_of(call: Callable[[], object], times: int = 5) -> float:
    """The median seconds of a whole piece of work."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
