"""A fact turned back into a condition on raw properties: the inverse of the `from` of `facts.yaml`.

A value outside the domain of its fact satisfies no condition on that fact, whichever values are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from authz_service.engine.conditions import Condition, all_of, any_of, negate, one_of
from authz_service.engine.facts import show

if TYPE_CHECKING:
    from collections.abc import Collection

    from authz_service.engine.diagram import Value
    from authz_service.engine.facts import Fact

# A name of `from` -> what it stands for in this question: an id (None: there is none), a list of ids, the fact's own
# value, or, for `code`, a condition for each value of the fact.
Bindings: TypeAlias = Mapping[str, Any]

_OPEN = object()


class PlanError(Exception):
    """A fact the plan depends on cannot be turned into a condition; `fact` names it."""

    def __init__(self, fact: Fact, reason: str) -> None:
        self.fact = fact.name
        super().__init__(f"{fact.name} ({fact.file}:{fact.line}) cannot be turned into a condition: {reason}")


def condition_on(fact: Fact, accepted: Collection[Value], bindings: Bindings) -> Condition:
    """The condition under which the fact has one of the accepted values. Raises PlanError."""
    source = fact.source
    if not source:
        raise PlanError(fact, "it declares no `from`")
    wanted = {show(value) for value in accepted}
    if "property" in source and "store" not in source and "code" not in source:
        return _property(fact, source, wanted)
    if "match" in source:
        return _match(fact, source, wanted, bindings)
    if "member" in source:
        member = {"has": [source["member"], _bound(fact, str(source["of"]), bindings)]}
        return _flag(False if member["has"][1] is None else member, wanted)
    if "store" in source:
        return _store(fact, source, wanted, bindings)
    return _code(fact, str(source["code"]), wanted, bindings)


def names_read(fact: Fact) -> tuple[str, ...]:
    """The bindings that the fact's condition depends on."""
    source = fact.source or {}
    if "match" in source:
        return tuple(str(name) for value, name in source.items() if value != "match" and name is not None)
    return tuple(str(source[key]) for key in ("of", "store", "code") if key in source)


def _property(fact: Fact, source: Mapping[str, Any], wanted: set[str]) -> Condition:
    name = source["property"]
    null = show(source["map_null"]) if source.get("map_null") is not None else None
    if "above" in source:
        above: Condition = {"gt": [name, source["above"]]}
        parts = [above] if "true" in wanted else []
        if "false" in wanted:
            parts.append(all_of([negate(above), negate(one_of(name, [None]))]))
        if null in wanted:
            parts.append(one_of(name, [None]))
        return any_of(parts)
    mapped = {show(key): raws for key, raws in source.get("values", {}).items()}
    raws = [raw for value in fact.values if show(value) in wanted for raw in _raws(mapped, value)]
    return one_of(name, [*([None] if null in wanted else []), *raws])


def _raws(mapped: Mapping[str, Any], value: Value) -> list[Any]:
    if not mapped:
        return [value]
    raws = mapped.get(show(value), [])
    return list(raws) if isinstance(raws, list | tuple) else [raws]


def _match(fact: Fact, source: Mapping[str, Any], wanted: set[str], bindings: Bindings) -> Condition:
    """The first listed value whose bound id is the property's; the one value not listed where none is."""
    name = source["match"]
    found: dict[Any, str] = {}
    for value, target in source.items():
        if value == "match":
            continue
        raw = None if target is None else _bound(fact, str(target), bindings)
        if target is None or raw is not None:
            found.setdefault(raw, show(value))
    listed = {show(value) for value in source if value != "match"}
    rest = {show(value) for value in fact.values} - listed
    if rest <= wanted and rest:
        return negate(one_of(name, [raw for raw, value in found.items() if value not in wanted]))
    return one_of(name, [raw for raw, value in found.items() if value in wanted])


def _store(fact: Fact, source: Mapping[str, Any], wanted: set[str], bindings: Bindings) -> Condition:
    bound = _bound(fact, str(source["store"]), bindings)
    if isinstance(bound, str | bool):
        return show(bound) in wanted
    if not isinstance(bound, list | tuple | set | frozenset):
        raise PlanError(fact, f"{source['store']} is bound to {bound!r}, neither a value nor a list of ids")
    return _flag(one_of(str(source.get("property", "id")), sorted(bound)), wanted)


def _code(fact: Fact, name: str, wanted: set[str], bindings: Bindings) -> Condition:
    bound = _bound(fact, name, bindings)
    if isinstance(bound, str | bool):
        return show(bound) in wanted
    if not isinstance(bound, Mapping) or {show(value) for value in bound} != {show(value) for value in fact.values}:
        raise PlanError(fact, f"{name} must be bound to a value, or to a condition for each value of the fact")
    return any_of(bound[value] for value in fact.values if show(value) in wanted)


def _flag(holds: Condition, wanted: set[str]) -> Condition:
    return any_of([*([holds] if "true" in wanted else []), *([negate(holds)] if "false" in wanted else [])])


def _bound(fact: Fact, name: str, bindings: Bindings) -> Any:
    bound = bindings.get(name, _OPEN)
    if bound is _OPEN:
        raise PlanError(fact, f"nothing is bound to {name}")
    return bound
