"""Who set what a decision hangs on, when, and why: read from the history of the access data."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from authz_service.facts.rows import EVERYONE
from models.tables import access as tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from authz_service.storage.reading import Reading

_OF_GRANT: Mapping[str, tuple[str, ...]] = {
    "subject.kind": ("kind",),
    "subject.status": ("status",),
    "subject.window": ("starts", "until"),
    "subject.proof": ("proof",),
}
_OF_PRACTICE: Mapping[str, str] = {
    "subject.practice.contacts": "contacts_allowed",
    "subject.practice.plan_audience": "plan_audience",
    "subject.practice.card_processing": "card_processing",
    "subject.practice.second_factor": "second_factor",
}
_OF_CLIENT: Mapping[str, str] = {
    "subject.client.active": "active",
    "subject.client.assent": "assent",
    "subject.client.age": "born",
}
_PRACTICE_SWITCH, _CLIENT_SWITCH, _TOGGLE = "subject.practice.switch.", "subject.client.switch.", "subject.toggle."


@dataclass(frozen=True, slots=True)
class Setter:
    """Since when something has been as it is, and who made it so. `everyone`: it binds all who represent the client."""

    by: str
    at: datetime
    reason: str | None
    everyone: bool = False

    @property
    def content(self) -> dict[str, Any]:
        """As answers show it."""
        return {"by": self.by, "at": self.at, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class About:
    """What a question was about. `grant_id` is the grant through which it was answered."""

    account_id: str
    client_id: str
    practice_id: str
    grant_id: str | None
    item: tuple[str, str | None]


def setter_of(rows: Reading, fact: str, about: About) -> Setter | None:
    """Who made a fact what it is; None for one that nobody sets, or that is not set (no block, not withheld)."""
    if fact == "resource.withheld":
        return _withholder(rows, about)
    if fact == "subject.blocked":
        return block_of(rows, about.account_id, about.client_id)
    if fact == "subject.account.state":
        return _since(rows.history(tables.AccountRow, id=about.account_id), lambda row: row.state)
    if fact in _OF_PRACTICE:
        return _since(rows.history(tables.PracticeRow, practice_id=about.practice_id), attrgetter(_OF_PRACTICE[fact]))
    if fact in _OF_CLIENT:
        return _since(rows.history(tables.ClientRow, id=about.client_id), attrgetter(_OF_CLIENT[fact]))
    if fact.startswith(_PRACTICE_SWITCH):
        ids = {"practice_id": about.practice_id, "feature": fact.removeprefix(_PRACTICE_SWITCH)}
        return _since(rows.history(tables.PracticeSwitchRow, **ids), lambda row: row.is_on)
    if fact.startswith(_CLIENT_SWITCH):
        ids = {"client_id": about.client_id, "feature": fact.removeprefix(_CLIENT_SWITCH)}
        return _since(rows.history(tables.ClientSwitchRow, **ids), lambda row: row.is_on)
    return _of_grant(rows, fact, about)


def withheld_by(rows: Reading, account_id: str, client_id: str, item: tuple[str, str]) -> Setter | None:
    """Who keeps an item from an account by name (or from EVERYONE)."""
    ids = {"account_id": account_id, "client_id": client_id, "resource_type": item[0], "resource_id": item[1]}
    return _held(rows, rows.history(tables.WithholdRow, **ids), everyone=account_id == EVERYONE)


def block_of(rows: Reading, account_id: str, client_id: str) -> Setter | None:
    """Who put the safety block between the two."""
    return _held(rows, rows.history(tables.BlockRow, account_id=account_id, client_id=client_id))


def _withholder(rows: Reading, about: About) -> Setter | None:
    kind, item_id = about.item
    if item_id is None:
        return None
    for account_id in (about.account_id, EVERYONE):
        if found := withheld_by(rows, account_id, about.client_id, (kind, item_id)):
            return found
    return None


def _of_grant(rows: Reading, fact: str, about: About) -> Setter | None:
    names = _OF_GRANT.get(fact, ())
    if about.grant_id is None or not (names or fact.startswith(_TOGGLE)):
        return None
    feature = fact.removeprefix(_TOGGLE)

    def value(row: Row[Any]) -> object:
        return [getattr(row, name) for name in names] if names else row.toggles.get(feature, False)

    return _since(rows.history(tables.GrantRow, id=about.grant_id), value)


def _held(rows: Reading, history: Sequence[Row[Any]], *, everyone: bool = False) -> Setter | None:
    """The newest row, when it has not ended yet."""
    if not history or not rows.holds(history[0]):
        return None
    return _setter(history[0], everyone=everyone)


def _since(history: Sequence[Row[Any]], value: Callable[[Row[Any]], object]) -> Setter | None:
    """The oldest of the newest rows that say the same."""
    found = None
    for row in history:
        if found is not None and value(row) != value(found):
            break
        found = row
    return None if found is None else _setter(found)


def _setter(row: Row[Any], *, everyone: bool = False) -> Setter:
    return Setter(row.changed_by, row.valid_from, row.reason, everyone)
