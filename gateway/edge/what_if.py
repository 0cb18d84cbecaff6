"""What the authz service answers to a what-if question: who would gain and who would lose what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.answers import read_mapping, read_mappings
from gateway.edge.errors import CannotDecide

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Right:
    """An action on one registered item; without an id, on items of the type at all."""

    action: str
    resource_type: str
    resource_id: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What one account would gain and lose towards one client."""

    account_id: str
    client_id: str
    grant_ids: tuple[str, ...]
    gains: tuple[Right, ...]
    loses: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All differences. The counts are of everything, `changes` may leave some out: then it is `truncated`."""

    changes: tuple[Difference, ...]
    accounts: int
    clients: int
    gains: int
    losses: int
    truncated: bool


def read_what_if(answer: Mapping[str, Any]) -> WhatIf:
    """The answer; CannotDecide when it has another shape."""
    counts = read_mapping(answer.get("counts"))
    numbers = [counts.get(name) for name in ("accounts", "clients", "gains", "losses")]
    truncated = answer.get("truncated")
    if not all(type(number) is int for number in numbers) or not isinstance(truncated, bool):
        raise CannotDecide("the authz service did not say how much would change")
    accounts, clients, gains, losses = (int(number) for number in numbers if number is not None)
    changes = tuple(_difference(each) for each in read_mappings(answer.get("changes")))
    return WhatIf(changes, accounts, clients, gains, losses, truncated)


def _difference(each: Mapping[str, Any]) -> Difference:
    grants = each.get("grant_ids")
    return Difference(
        _text(each.get("account_id")),
        _text(each.get("client_id")),
        tuple(map(_text, grants)) if isinstance(grants, list) else (),
        tuple(map(_right, read_mappings(each.get("gains")))),
        tuple(map(_right, read_mappings(each.get("loses")))),
    )


def _right(each: Mapping[str, Any]) -> Right:
    item = each.get("resource_id")
    return Right(_text(each.get("action")), _text(each.get("resource_type")), None if item is None else _text(item))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CannotDecide("the authz service answered a what-if question without an id")
    return value
