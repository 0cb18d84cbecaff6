"""Tries every mutant of a bundle, in several processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from authz_service.workbench.mutation_testing import Laboratory
from authz_service.workbench.suites import read_cases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from authz_service.engine.build import QuestionKey
    from authz_service.workbench.cases import Case
    from authz_service.workbench.mutation_testing import Outcome
    from authz_service.workbench.mutations import Mutant

_PORTION = 8


@dataclass(slots=True)
class _Bench:
    """What one process keeps between mutants."""

    laboratory: Laboratory
    mutants: list[Mutant]
    cases: dict[QuestionKey, list[Case]]

    @classmethod
    def set_up(cls, bundle: Path, suites: Path | None) -> _Bench:
        laboratory = Laboratory(bundle)
        cases: dict[QuestionKey, list[Case]] = {}
        for case in [] if suites is None else read_cases(laboratory.policy, suites):
            cases.setdefault(case.key, []).append(case)
        return cls(laboratory, laboratory.mutants(), cases)

    def test(self, numbers: range) -> list[Outcome]:
        return [self.laboratory.test(self.mutants[number], self.cases) for number in numbers]


_benches: list[_Bench] = []


def count_mutants(bundle: Path) -> int:
    """How many mutants the bundle has. BundleError when it is refused."""
    return len(Laboratory(bundle).mutants())


def try_mutants(bundle: Path, suites: Path | None, count: int, processes: int) -> Iterator[Outcome]:
    """The outcome of every mutant, in their order.

    Raises:
        BundleError, SuiteError, OSError: the bundle or its suites cannot be used.
    """
    portions = [range(start, min(start + _PORTION, count)) for start in range(0, count, _PORTION)]
    if processes == 1:
        bench = _Bench.set_up(bundle, suites)
        for portion in portions:
            yield from bench.test(portion)
        return
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start, initargs=(bundle, suites)
    ) as pool:
        for outcomes in pool.map(_test, portions):
            yield from outcomes


def _start(bundle: Path, suites: Path | None) -> None:
    _benches.append(_Bench.set_up(bundle, suites))


def _test(numbers: range) -> list[Outcome]:
    return _benches[0].test(numbers)
