"""The closed set of `from`: how each source of `facts.yaml` becomes a function, once, when a policy is loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from authz_service.engine import MISSING
from authz_service.engine.errors import suggest
from authz_service.facts.code import appointment_timing
from authz_service.facts.stores import (
    BOUND_NAMES,
    HOLDER_CODE,
    HOLDER_FEATURES,
    HOLDER_STORES,
    ITEM_LISTS,
    ITEM_STORES,
    MEMBER_CODE,
    MEMBER_STORES,
    ItemSource,
    Shortcut,
)
from models.vocabulary import Feature, StaffRole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.engine.facts import Fact
    from authz_service.facts.request import Request
    from authz_service.facts.stores import Bound, HolderSource, MemberSource


class SourceError(Exception):
    """A `from` that cannot be followed; the message says why."""


class FactError(Exception):
    """A raw value that is no value of its fact; the message names the property (or row) and the value."""


def holder_source(fact: Fact) -> HolderSource:
    """How an account's fact is read; `SourceError` when nothing of that name is known."""
    kind, name = _named(fact)
    if kind == "store" and name in HOLDER_FEATURES:
        feature, features = _parameter(fact, Feature), HOLDER_FEATURES[name]
        return lambda h: features(h)[feature]
    known = {**HOLDER_STORES, **dict.fromkeys(HOLDER_FEATURES)}
    return cast("HolderSource", _lookup(name, known if kind == "store" else HOLDER_CODE))


def member_source(fact: Fact) -> MemberSource:
    """How a staff member's fact is read."""
    kind, name = _named(fact)
    if (kind, name) == ("store", "staff.roles"):
        role = _parameter(fact, StaffRole)
        return lambda m: role in m.post.staff.roles
    if (kind, name) == ("store", "practice.switches"):
        feature = _parameter(fact, Feature)
        return lambda m: m.post.practice.switches[feature]
    known = {**MEMBER_STORES, "staff.roles": None, "practice.switches": None}
    return cast("MemberSource", _lookup(name, known if kind == "store" else MEMBER_CODE))


def item_source(fact: Fact) -> ItemSource:
    """How a resource's fact is read from the item's raw properties and what is bound."""
    source = fact.source or {}
    if "property" in source and "store" not in source:
        return _property(fact, source)
    if "match" in source:
        return _match(fact, source)
    if "member" in source:
        return _member(fact, source)
    if "store" in source and "property" in source:
        return _listed(fact, source)
    if source.get("code") == "appointment_timing":
        text = "timing(raw, request.now, bound.notice) if raw.__class__ is str else None"
        return ItemSource(_timing, Shortcut(text, "starts_at", {"timing": _timing_of_text}))
    if "code" in source:
        raise SourceError(f"no function named {source['code']}{suggest(str(source['code']), ['appointment_timing'])}")
    if "store" in source:
        return cast("ItemSource", _lookup(str(source["store"]), ITEM_STORES))
    raise SourceError("it has no `from`, so it can be evaluated but not derived from rows")


def property_of(fact: Fact) -> str | None:
    """The raw property that a resource's fact is read from, if it is read from one."""
    source = fact.source or {}
    if source.get("code") == "appointment_timing":
        return "starts_at"
    named = source.get("property") or source.get("match") or source.get("member")
    return None if named is None else str(named)


def _named(fact: Fact) -> tuple[str, str]:
    source = fact.source or {}
    for kind in ("store", "code"):
        if kind in source and len(source) == 1:
            return kind, str(source[kind])
    raise SourceError("a subject's fact comes from a `store` or from `code`")


def _lookup(name: str, known: Mapping[str, Any]) -> Any:
    found = known.get(name)
    if found is None:
        raise SourceError(f"nothing is kept under the name {name}{suggest(name, known)}")
    return found


def _parameter(fact: Fact, known: type[Feature | StaffRole]) -> Any:
    if fact.parameter not in set(known):
        raise SourceError(f"{fact.parameter} is not kept{suggest(str(fact.parameter), list(known))}")
    return known(fact.parameter)


def _outside(name: str, raw: object, expected: str) -> FactError:
    shown = repr(raw)
    return FactError(f"property {name!r} has the value {shown[:80]}; expected {expected}")


def _property(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name = str(source["property"])
    when_null = source.get("map_null", MISSING)
    if "above" in source:
        return _above(name, source["above"], when_null)
    raws: Mapping[Any, list[Any]] = source.get("values") or {value: [value] for value in fact.values}
    table = {(type(raw), raw): value for value, listed in raws.items() for raw in listed}
    expected = " or ".join(str(raw) for _, raw in table)

    def read(_b: Bound, _q: Request, properties: Mapping[str, Any]) -> Any:
        raw = properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None and when_null is not MISSING:
            return when_null
        try:
            return table[(type(raw), raw)]
        except (KeyError, TypeError):
            raise _outside(name, raw, expected) from None

    texts = {raw: value for (kind, raw), value in table.items() if kind is str}
    return ItemSource(read, Shortcut("texts.get(raw) if raw.__class__ is str else None", name, {"texts": texts}))


def _above(name: str, limit: float, when_null: Any) -> ItemSource:
    def read(_b: Bound, _q: Request, properties: Mapping[str, Any]) -> Any:
        raw = properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None and when_null is not MISSING:
            return when_null
        if type(raw) is not int and type(raw) is not float:
            raise _outside(name, raw, "a number")
        return raw > limit

    return ItemSource(read, Shortcut("raw > limit if raw.__class__ is int else None", name, {"limit": limit}))


def _match(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name = str(source["match"])
    options = [(value, bound) for value, bound in source.items() if value != "match"]
    rest = [value for value in fact.values if value not in {value for value, _ in options}]
    if len(rest) > 1:
        raise SourceError(f"the values {' and '.join(map(str, rest))} are both left over; list all but one in `match`")
    if unknown := [str(bound) for _, bound in options if bound is not None and bound not in BOUND_NAMES]:
        raise SourceError(f"nothing is bound under the name {unknown[0]}{suggest(unknown[0], BOUND_NAMES)}")
    null = next((value for value, bound in options if bound is None), rest[0] if rest else None)
    tests = [(value, BOUND_NAMES[bound]) for value, bound in options if bound is not None]
    other = rest[0] if rest else None

    def read(bound: Bound, _q: Request, properties: Mapping[str, Any]) -> Any:
        raw = properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None:
            found = null
        elif type(raw) is str:
            for value, named in tests:
                if getattr(bound, named) == raw:
                    return value
            found = other
        else:
            found = None
        if found is None:
            raise _outside(name, raw, "an id" if other else "one of the ids this fact tells apart")
        return found

    return ItemSource(read, _match_shortcut(name, tests, other))


def _match_shortcut(name: str, tests: Sequence[tuple[str, str]], other: object) -> Shortcut:
    text = repr(other)
    for value, named in reversed(tests):
        text = f"{value!r} if raw == bound.{named} else {text}"
    return Shortcut(f"({text}) if raw.__class__ is str else None", name)


def _member(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name, of = str(source["member"]), str(source["of"])
    if of not in BOUND_NAMES:
        raise SourceError(f"nothing is bound under the name {of}{suggest(of, BOUND_NAMES)}")
    if not fact.is_flag:
        raise SourceError("`member` gives a flag: its values are true and false")
    named = BOUND_NAMES[of]

    def read(bound: Bound, _q: Request, properties: Mapping[str, Any]) -> Any:
        raw = properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None:
            return False
        if not isinstance(raw, list | tuple) or not all(type(entry) is str for entry in raw):
            raise _outside(name, raw, "a list of ids")
        return getattr(bound, named) in raw

    text = f"bound.{named} in raw if raw.__class__ is list and not [e for e in raw if e.__class__ is not str] else None"
    return ItemSource(read, Shortcut(text, name))


def _listed(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name, ids = str(source["property"]), _lookup(str(source["store"]), ITEM_LISTS)
    if not fact.is_flag:
        raise SourceError("a list of ids gives a flag: its values are true and false")

    def read(bound: Bound, _q: Request, properties: Mapping[str, Any]) -> Any:
        raw, known = properties.get(name, MISSING), ids(bound)
        if raw is MISSING or known is None:
            return MISSING
        if raw is not None and type(raw) is not str:
            raise _outside(name, raw, "an id")
        return raw in known

    return ItemSource(read)


def _timing(bound: Bound, request: Request, properties: Mapping[str, Any]) -> Any:
    raw = properties.get("starts_at", MISSING)
    if raw is MISSING:
        return MISSING
    if raw is None:
        return appointment_timing(None, request.now, bound.notice)
    found = _timing_of_text(raw, request.now, bound.notice) if type(raw) is str else None
    if found is None:
        raise _outside("starts_at", raw, "an instant as in RFC 3339, with its offset")
    return found


def _timing_of_text(raw: str, now: datetime, notice: timedelta) -> str | None:
    starts_at = _instant(raw)
    return None if starts_at is None else appointment_timing(starts_at, now, notice)


# An appointment is asked about many times, and reading its time anew would cost more than the rest of the answer.
@lru_cache(maxsize=65_536)
def _instant(raw: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(UTC)
