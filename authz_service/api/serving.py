"""What answers: a policy with all that asking it, recording and explaining take. Replaced whole, pinned by requests."""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import TYPE_CHECKING

from authz_service.api.evaluation import Evaluator
from authz_service.api.problems import ProblemError
from authz_service.facts.comparison import Comparison
from authz_service.trail.legend import Legend

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.facts.decision import Decider
    from authz_service.sampling import Sampler


class Serving:
    """A policy in service, by the number of its deployment.

    A request takes it once and keeps to it, so that its decision, the digest in its record and its explanation are
    always of the same policy.
    """

    def __init__(self, number: int, decider: Decider, sampler: Sampler) -> None:
        self.number = number
        self.decider = decider
        self.policy = decider.policy
        self.digest = decider.policy.digest
        self.legend = Legend(decider.policy)
        self.evaluator = Evaluator(decider, self.legend, sampler)

    @cached_property
    def comparison(self) -> Comparison:
        """For what-if questions, the first of which waits until every question is compiled."""
        return Comparison(self.decider)


class InService:
    """What this process serves, and until when it may: the one place where it is replaced."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._serving: Serving | None = None
        self._until = -math.inf  # on the monotonic clock

    @property
    def serving(self) -> Serving:
        """What was put in service last, whether or not it may be asked right now."""
        if self._serving is None:
            raise RuntimeError("nothing is in service before the start")
        return self._serving

    @property
    def number(self) -> int:
        """The deployment that is served; 0 before the first."""
        return 0 if self._serving is None else self._serving.number

    @property
    def asked(self) -> tuple[tuple[str, str, str], ...]:
        """The questions that were asked so far: subject type, action, resource type."""
        return () if self._serving is None else self._serving.decider.asked

    @property
    def may_answer(self) -> bool:
        """Whether the lease still runs."""
        return self._monotonic() < self._until

    def pin(self) -> Serving:
        """What a request that begins now goes by; ProblemError 503 where this process may not know the last one."""
        if self._serving is None or self._monotonic() >= self._until:
            raise ProblemError(503, "denied: this process cannot tell which policy is in service")
        return self._serving

    def replace(self, serving: Serving) -> None:
        """Let this answer every request that begins from now on."""
        self._serving = serving

    def grant(self, until: float) -> None:
        """Let requests be answered until an instant of the monotonic clock."""
        self._until = until

    def deny(self) -> None:
        """Answer nothing until the next grant."""
        self._until = -math.inf
