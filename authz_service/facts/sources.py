"""The closed set of `from`: how each source of `facts.yaml` becomes a function, once, when a policy is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from authz_service.engine import MISSING
from authz_service.engine.errors import suggest
from authz_service.facts.code import (
    age_class,
    appointment_timing,
    grant_window,
    has_second_factor,
    password_state,
)
from models.vocabulary import Feature, StaffRole

if TYPE_CHECKING:
    from datetime import date

    from authz_service.engine import Fact
    from authz_service.facts.request import Authn
    from authz_service.facts.rows import Grant, Relation, StaffPost


class SourceError(Exception):
    """A `from` that cannot be followed; the message says why."""


class FactError(Exception):
    """A raw value that is no value of its fact; the message names the property (or row) and the value."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An account seen through one grant, on one day."""

    relation: Relation
    grant: Grant
    today: date
    authn: Authn


@dataclass(frozen=True, slots=True)
class Member:
    """A staff member at one instant, towards a practice (None: not stated) and a client (None: not stated)."""

    post: StaffPost
    practice_id: str | None
    relation: Relation | None
    subscribed: bool
    now: datetime
    authn: Authn
    ask_second_factor: bool  # whatever the practice's setting


@dataclass(frozen=True, slots=True)
class Bound:
    """What the properties of an item are compared with: fixed once subject, client and day are known."""

    subject_id: str
    self_account: str | None
    withheld: frozenset[tuple[str, str]]
    notice: timedelta
    subscribed: (
        frozenset[str] | None
    )  # ids of staff; None, like every None below: no client is stated, so it is not known
    assigned: frozenset[str] | None
    available: frozenset[str] | None
    self_managing: str | None
    reachable: bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """The item asked for, with its raw properties."""

    type: str
    id: str | None
    properties: Mapping[str, Any]
    now: datetime


HolderSource: TypeAlias = Callable[[Holder], Any]
MemberSource: TypeAlias = Callable[[Member], Any]
ItemSource: TypeAlias = Callable[[Bound, Item], Any]

HOLDER_STORES: Mapping[str, HolderSource] = {
    "grant.kind": lambda h: h.grant.kind,
    "grant.status": lambda h: h.grant.status,
    "grant.proof": lambda h: h.grant.proof,
    "block": lambda h: h.relation.blocked,
    "account.state": lambda h: h.relation.account.state if h.relation.account else MISSING,
    "practice.contacts_allowed": lambda h: h.relation.practice.contacts_allowed,
    "practice.plan_audience": lambda h: h.relation.practice.plan_audience,
    "practice.card_processing": lambda h: h.relation.practice.card_processing,
    "client.active": lambda h: h.relation.client.active,
    "client.assent": lambda h: h.relation.client.assent,
}
HOLDER_FEATURES: Mapping[str, Callable[[Holder], Mapping[Feature, bool]]] = {
    "practice.switches": lambda h: h.relation.practice.switches,
    "client.switches": lambda h: h.relation.client.switches,
    "grant.toggles": lambda h: h.grant.toggles,
}
HOLDER_CODE: Mapping[str, HolderSource] = {
    "grant_window": lambda h: grant_window(h.grant, h.today),
    "age_class": lambda h: age_class(h.relation.client, h.relation.practice, h.today),
    "password_state": lambda h: password_state(h.authn),
    "second_factor": lambda h: has_second_factor(h.authn),
    "second_factor_asked": lambda h: h.relation.practice.second_factor,
}
MEMBER_STORES: Mapping[str, MemberSource] = {
    "staff.practice": lambda m: (
        MISSING if m.practice_id is None else "own" if m.practice_id == m.post.practice.id else "other"
    ),
    "staff.state": lambda m: m.post.staff.state,
    "staff.clients": lambda m: MISSING if m.relation is None else m.relation.client.id in m.post.staff.assigned,
    "staff.subscribed": lambda m: m.subscribed,
    "staff.may_invite": lambda m: m.post.staff.may_invite,
    "emergency_access": lambda m: (
        MISSING
        if m.relation is None
        else any(row.staff_id == m.post.staff.id and row.starts <= m.now < row.until for row in m.relation.emergencies)
    ),
}
MEMBER_CODE: Mapping[str, MemberSource] = {
    "second_factor": lambda m: has_second_factor(m.authn),
    "second_factor_asked": lambda m: m.ask_second_factor or m.post.practice.staff_second_factor,
}
ITEM_STORES: Mapping[str, ItemSource] = {
    "withheld_ids": lambda b, i: MISSING if i.id is None else (i.type, i.id) in b.withheld,
    "client.self_managing": lambda b, _: MISSING if b.self_managing is None else b.self_managing,
    "client.reachable": lambda b, _: MISSING if b.reachable is None else b.reachable,
}
ITEM_LISTS: Mapping[str, Callable[[Bound], frozenset[str] | None]] = {
    "subscribed_staff": lambda b: b.subscribed,
    "assigned_staff": lambda b: b.assigned,
    "available_staff": lambda b: b.available,
}
BOUND_NAMES: Mapping[str, Callable[[Bound], str | None]] = {
    "subject.id": lambda b: b.subject_id,
    "store.self_account": lambda b: b.self_account,
}


def holder_source(fact: Fact) -> HolderSource:
    """How an account's fact is read; `SourceError` when nothing of that name is known."""
    kind, name = _named(fact)
    if kind == "store" and name in HOLDER_FEATURES:
        feature, features = _parameter(fact, Feature), HOLDER_FEATURES[name]
        return lambda h: features(h)[feature]
    return _lookup(name, {"store": {**HOLDER_STORES, **dict.fromkeys(HOLDER_FEATURES)}, "code": HOLDER_CODE}[kind])


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
    return _lookup(name, {"store": known, "code": MEMBER_CODE}[kind])


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
        return _timing
    if "code" in source:
        raise SourceError(f"no function named {source['code']}{suggest(str(source['code']), ['appointment_timing'])}")
    if "store" in source:
        return _lookup(str(source["store"]), ITEM_STORES)
    raise SourceError("it has no `from`, so it can be evaluated but not derived from rows")


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

    def read(_: Bound, item: Item) -> Any:
        raw = item.properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None and when_null is not MISSING:
            return when_null
        try:
            return table[(type(raw), raw)]
        except (KeyError, TypeError):
            raise _outside(name, raw, expected) from None

    return read


def _above(name: str, limit: float, when_null: Any) -> ItemSource:
    def read(_: Bound, item: Item) -> Any:
        raw = item.properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None and when_null is not MISSING:
            return when_null
        if type(raw) is not int and type(raw) is not float:
            raise _outside(name, raw, "a number")
        return raw > limit

    return read


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

    def read(bound: Bound, item: Item) -> Any:
        raw = item.properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None:
            found = null
        elif type(raw) is str:
            found = next((value for value, named in tests if named(bound) == raw), other)
        else:
            found = None
        if found is None:
            raise _outside(name, raw, "an id" if other else "one of the ids this fact tells apart")
        return found

    return read


def _member(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name, of = str(source["member"]), str(source["of"])
    if of not in BOUND_NAMES:
        raise SourceError(f"nothing is bound under the name {of}{suggest(of, BOUND_NAMES)}")
    if not fact.is_flag:
        raise SourceError("`member` gives a flag: its values are true and false")
    named = BOUND_NAMES[of]

    def read(bound: Bound, item: Item) -> Any:
        raw = item.properties.get(name, MISSING)
        if raw is MISSING:
            return MISSING
        if raw is None:
            return False
        if not isinstance(raw, list | tuple) or not all(type(entry) is str for entry in raw):
            raise _outside(name, raw, "a list of ids")
        return named(bound) in raw

    return read


def _listed(fact: Fact, source: Mapping[str, Any]) -> ItemSource:
    name, ids = str(source["property"]), _lookup(str(source["store"]), ITEM_LISTS)
    if not fact.is_flag:
        raise SourceError("a list of ids gives a flag: its values are true and false")

    def read(bound: Bound, item: Item) -> Any:
        raw, known = item.properties.get(name, MISSING), ids(bound)
        if raw is MISSING or known is None:
            return MISSING
        if raw is not None and type(raw) is not str:
            raise _outside(name, raw, "an id")
        return raw in known

    return read


def _timing(bound: Bound, item: Item) -> Any:
    raw = item.properties.get("starts_at", MISSING)
    if raw is MISSING:
        return MISSING
    if raw is None:
        return appointment_timing(None, item.now, bound.notice)
    return appointment_timing(_instant("starts_at", raw), item.now, bound.notice)


def _instant(name: str, raw: object) -> datetime:
    try:
        instant = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise _outside(name, raw, "an instant as in RFC 3339, with its offset")
    return instant.astimezone(UTC)
