"""What is kept of subjects and bound for items, under the names that `from` uses for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from authz_service.engine import MISSING
from authz_service.facts.code import age_class, grant_window, has_second_factor, password_state

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from authz_service.facts.request import Authn, Request
    from authz_service.facts.rows import Grant, Relation, StaffPost
    from models.vocabulary import Feature


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


HolderSource: TypeAlias = Callable[[Holder], Any]
MemberSource: TypeAlias = Callable[[Member], Any]
# The third: the raw properties of the item.
ItemRead: TypeAlias = "Callable[[Bound, Request, Mapping[str, Any]], Any]"


class Shortcut(NamedTuple):
    """Python text for the values that nearly every item has: an expression that is None for all others.

    It may use `raw` (the item's property), `bound`, `request` and the names that come with it.
    """

    text: str
    raw: str | None = None
    names: Mapping[str, Any] = MappingProxyType({})


class ItemSource(NamedTuple):
    """How a resource's fact is read; the shortcut, where there is one, gives what `read` would."""

    read: ItemRead
    shortcut: Shortcut | None = None


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
    "withheld_ids": ItemSource(
        lambda b, q, _: (
            MISSING if q.resource_id is None else bool(b.withheld) and (q.resource_type, q.resource_id) in b.withheld
        ),
        Shortcut("None if bound.withheld or request.resource_id is None else False"),
    ),
    "client.self_managing": ItemSource(lambda b, _q, _p: MISSING if b.self_managing is None else b.self_managing),
    "client.reachable": ItemSource(lambda b, _q, _p: MISSING if b.reachable is None else b.reachable),
}
ITEM_LISTS: Mapping[str, Callable[[Bound], frozenset[str] | None]] = {
    "subscribed_staff": lambda b: b.subscribed,
    "assigned_staff": lambda b: b.assigned,
    "available_staff": lambda b: b.available,
}
# The attributes of Bound.
BOUND_NAMES: Mapping[str, str] = {"subject.id": "subject_id", "store.self_account": "self_account"}
