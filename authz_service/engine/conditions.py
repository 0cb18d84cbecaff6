"""Conditions on the raw properties of a resource: what a plan hands to whoever filters a list.

A condition is `True`, `False` or one of
`{"all": [...]}`, `{"any": [...]}`, `{"not": condition}`, `{"eq": [property, value or None]}`,
`{"in": [property, [values]]}`, `{"has": [list property, value]}`, `{"gt": [property, number]}`,
`{"before": [property, RFC 3339 instant]}`.
Logic is two-valued: comparing a null property with a value is false, so its negation is true;
`eq` with None asks for null.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Condition: TypeAlias = bool | dict[str, Any]
Raw: TypeAlias = str | bool | int | float | None

# Absorption compares every pair; beyond this many parts a tidier tree is not worth the time.
_PAIRS = 24


def negate(condition: Condition) -> Condition:
    """Where the condition does not hold."""
    if isinstance(condition, bool):
        return not condition
    inner: Condition = condition.get("not", {"not": condition})
    return inner


def one_of(name: str, values: Iterable[Raw]) -> Condition:
    """The property has one of these values; None among them asks for null."""
    distinct = {(type(value), value): value for value in values}
    null = distinct.pop((type(None), None), ...) is None
    parts: list[dict[str, Any]] = [{"eq": [name, None]}] if null else []
    if distinct:
        parts.append(_values(name, distinct.values()))
    return _joined("any", parts) if parts else False


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Every one holds, without repetition."""
    parts = _flat("all", conditions, neutral=True)
    if isinstance(parts, bool) or len(parts) == 1:
        return parts if isinstance(parts, bool) else parts[0]
    return _joined("all", _absorbed(parts, "any"))


def any_of(conditions: Iterable[Condition]) -> Condition:
    """At least one holds: values of one property merged, common factors taken out, without repetition."""
    parts = _flat("any", conditions, neutral=False)
    if isinstance(parts, bool) or len(parts) == 1:
        return parts if isinstance(parts, bool) else parts[0]
    return _factored(_absorbed(_merged(parts), "all"))


def evaluate_condition(condition: Condition, properties: Mapping[str, Any]) -> bool:
    """Whether the condition holds for these properties; this is the meaning of the grammar.

    A property that is not given at all is unknown, which is not null: the answer is then True only where it does
    not hang on that property.
    """
    return _evaluate(condition, properties) is True


def _evaluate(condition: Condition, properties: Mapping[str, Any]) -> bool | None:
    if isinstance(condition, bool):
        return condition
    ((operator, operand),) = condition.items()
    if operator == "not":
        answer = _evaluate(operand, properties)
        return None if answer is None else not answer
    if operator in ("all", "any"):
        decisive = operator == "any"
        unknown = False
        for part in operand:
            answer = _evaluate(part, properties)
            if answer is decisive:
                return decisive
            unknown = unknown or answer is None
        return None if unknown else not decisive
    name, value = operand
    if name not in properties:
        return None
    return _compare(operator, properties[name], value)


def _compare(operator: str, found: Any, value: Any) -> bool:
    match operator:
        case "eq":
            return _same(found, value)
        case "in":
            return any(_same(found, each) for each in value)
        case "has":
            return isinstance(found, list | tuple) and any(_same(each, value) for each in found)
        case "gt":
            return isinstance(found, int | float) and not isinstance(found, bool) and found > value
        case "before":
            return found is not None and _instant(found) < _instant(value)
    raise ValueError(f"{operator} is no operator of a condition")


def _same(a: Any, b: Any) -> bool:
    return a == b and isinstance(a, bool) is isinstance(b, bool)


def _instant(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else _parsed(value)


@lru_cache(maxsize=1024)
def _parsed(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(f"{value} is no instant: an RFC 3339 time ends in Z or an offset such as -07:00")
    return instant


# Tidying. Parts are compared by `repr`, because `==` takes True for 1.


def _flat(operator: str, conditions: Iterable[Condition], *, neutral: bool) -> bool | list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        if isinstance(condition, bool):
            if condition is not neutral:
                return not neutral
        elif operator in condition:
            inner = _flat(operator, condition[operator], neutral=neutral)
            if isinstance(inner, bool):
                if inner is not neutral:
                    return not neutral
            else:
                found.update((repr(part), part) for part in inner if repr(part) not in found)
        else:
            found.setdefault(repr(condition), condition)
    return list(found.values()) if found else neutral


def _joined(operator: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return parts[0] if len(parts) == 1 else {operator: parts}


def _merged(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`(a = 1 and x) or (a in [2, 3] and x)` becomes `a in [1, 2, 3] and x`, for each property in turn."""
    names = Counter(name for part in parts for name in {name for f in _factors(part) for name, _ in _listed(f)})
    for name, count in names.items():
        if count > 1:
            parts = _merged_on(name, parts)
    return parts


def _merged_on(name: str, parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[object, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for number, part in enumerate(parts):
        found = [factor for factor in _factors(part) if any(named == name for named, _ in _listed(factor))]
        if len(found) == 1:
            others = frozenset(repr(factor) for factor in _factors(part) if factor is not found[0])
            groups.setdefault(others, []).append((part, found[0]))
        else:
            groups[number] = [(part, part)]
    merged = []
    for group in groups.values():
        first, leaf = group[0]
        if len(group) > 1:
            values = {(type(value), value): value for _, each in group for _, value in _listed(each)}
            joined = _values(name, values.values())
            first = _joined("all", [joined if factor is leaf else factor for factor in _factors(first)])
        merged.append(first)
    return merged


def _values(name: str, values: Iterable[Raw]) -> dict[str, Any]:
    kept = list(values)
    return {"eq": [name, kept[0]]} if len(kept) == 1 else {"in": [name, kept]}


def _listed(part: dict[str, Any]) -> list[tuple[str, Raw]]:
    if "eq" in part and part["eq"][1] is not None:
        return [tuple(part["eq"])]
    return [(part["in"][0], value) for value in part["in"][1]] if "in" in part else []


def _absorbed(parts: list[dict[str, Any]], inner: str) -> list[dict[str, Any]]:
    """`x or (x and y)` is x, and so is `x and (x or y)`."""
    if not 1 < len(parts) <= _PAIRS or not any(inner in part for part in parts):
        return parts
    keys = [_keys(part, inner) for part in parts]
    return [part for part, mine in zip(parts, keys, strict=True) if not any(other < mine for other in keys)]


def _factored(parts: list[dict[str, Any]]) -> Condition:
    """`(x and y) or (x and z)` is `x and (y or z)`."""
    if len(parts) == 1:
        return parts[0]
    common = set.intersection(*(_keys(part, "all") for part in parts))
    if not common:
        return _joined("any", parts)
    shared = [factor for factor in _factors(parts[0]) if repr(factor) in common]
    rests = [all_of(factor for factor in _factors(part) if repr(factor) not in common) for part in parts]
    return all_of([*shared, any_of(rests)])


def _factors(part: dict[str, Any]) -> list[dict[str, Any]]:
    factors: list[dict[str, Any]] = part.get("all", [part])
    return factors


def _keys(part: dict[str, Any], inner: str) -> set[str]:
    return {repr(each) for each in part.get(inner, (part,))}
