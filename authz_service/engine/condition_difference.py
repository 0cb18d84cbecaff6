"""Two conditions on raw properties compared exactly: whether some item meets one of them and not the other.

What a condition says of a property depends only on which of its comparisons hold, so a few values of each property
stand for all: every value that is compared with, one beside them, null, and for orders one on each side of a bound.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.engine.conditions import evaluate_condition
from authz_service.engine.diagram import Diagrams, Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from authz_service.engine.conditions import Condition
    from authz_service.engine.diagram import Diagram

# So many values that one list may be asked to hold double the lists to tell apart each; our plans ask for one.
HELD_MAX = 8
_OTHER = "\0other"  # no id and no value of a fact


class Difference(NamedTuple):
    """Whether `after` holds for some item for which `before` does not, and the other way round."""

    more: bool
    less: bool


class _Test(NamedTuple):
    """A comparison, known by what it says."""

    operator: str
    name: str
    said: str


def compare_conditions(before: Condition, after: Condition) -> Difference:
    """What the second condition allows more and less than the first, over items of which every property is given.

    Raises ValueError when a list is asked for more than HELD_MAX different values.
    """
    if repr(before) == repr(after):
        return Difference(more=False, less=False)
    compiled = _Compiled((before, after))
    was, would = compiled.diagram(before), compiled.diagram(after)
    diagrams = compiled.diagrams
    return Difference(
        more=diagrams.without(would, was) is not False,
        less=diagrams.without(was, would) is not False,
    )


class _Compiled:
    """Diagrams whose variables are the properties; a value is a class of raw values that no comparison tells apart."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        tests: dict[str, dict[_Test, Any]] = defaultdict(dict)
        for condition in conditions:
            for test, operand in _tests(condition):
                tests[test.name][test] = operand
        rows = {name: sorted(_classes(list(found.items()))) for name, found in tests.items()}
        self.diagrams = Diagrams(Variables({name: [str(at) for at in range(len(row))] for name, row in rows.items()}))
        self._leaves: dict[_Test, Diagram] = {}
        for level, (name, found) in enumerate(tests.items()):
            for place, test in enumerate(found):
                self._leaves[test] = self.diagrams.test(level, [at for at, row in enumerate(rows[name]) if row[place]])

    def diagram(self, condition: Condition) -> Diagram:
        if isinstance(condition, bool):
            return condition
        ((operator, operand),) = condition.items()
        match operator:
            case "not":
                return self.diagrams.negate(self.diagram(operand))
            case "all":
                return self.diagrams.all_of(self.diagram(part) for part in operand)
            case "any":
                return self.diagrams.any_of(self.diagram(part) for part in operand)
        return self._leaves[_test(operator, operand)]


def _test(operator: str, operand: Any) -> _Test:
    return _Test(operator, operand[0], repr(operand[1]))


def _tests(condition: Condition) -> Iterator[tuple[_Test, Any]]:
    if isinstance(condition, bool):
        return
    ((operator, operand),) = condition.items()
    if operator == "not":
        yield from _tests(operand)
    elif operator in ("all", "any"):
        for part in operand:
            yield from _tests(part)
    else:
        yield _test(operator, operand), operand[1]


def _classes(tests: list[tuple[_Test, Any]]) -> set[tuple[bool, ...]]:
    """Which comparisons with one property can hold together, as a row of answers each."""
    answers = [_answering(test, operand) for test, operand in tests]
    return {tuple(answer(raw) for answer in answers) for raw in _raws(tests)}


def _answering(test: _Test, operand: Any) -> Callable[[Any], bool]:
    if test.operator in ("eq", "in"):
        # One look for each value, however long the list is. As everywhere, True is not 1.
        wanted = {(isinstance(each, bool), each) for each in (operand if test.operator == "in" else [operand])}
        return lambda raw: not isinstance(raw, list) and (isinstance(raw, bool), raw) in wanted
    return lambda raw: evaluate_condition({test.operator: [test.name, operand]}, {test.name: raw})


def _raws(tests: list[tuple[_Test, Any]]) -> Iterator[Any]:
    """Values of which one is in each class."""
    yield None
    compared: dict[str, list[Any]] = defaultdict(list)
    for test, operand in tests:
        compared[test.operator] += operand if test.operator == "in" else [operand]
    yield from compared["eq"]
    yield from compared["in"]
    if bounds := sorted(set(compared["gt"])):
        yield bounds[0] - 1
        for low, high in zip(bounds, [*bounds[1:], bounds[-1] + 2], strict=True):
            yield from (low, (low + high) / 2)
    if instants := sorted({datetime.fromisoformat(each) for each in compared["before"]}):
        yield instants[0] - timedelta(microseconds=1)
        yield from instants
    if held := list(dict.fromkeys(compared["has"])):
        if len(held) > HELD_MAX:
            raise ValueError(f"{tests[0][0].name} is asked for {len(held)} values, and at most {HELD_MAX} are compared")
        yield from (list(some) for size in range(len(held) + 1) for some in combinations(held, size))
    if not instants:
        yield _OTHER
