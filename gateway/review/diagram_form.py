"""The controls beside a diagram: one for each fact, read from the address and written into it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from gateway.review.diagram_layout import shown
from gateway.web.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.datastructures import QueryParams

ZOOMS = ("fit", "50", "75", "100", "125", "150", "200")
ZOOM = "100"
_RESERVED = frozenset({"part", "zoom", "version"})


@dataclass(frozen=True, slots=True)
class Control:
    """One fact: its parameter in the address, its values as written, and the one chosen (empty: not set)."""

    fact: str
    name: str
    says: str
    values: tuple[str, ...]
    chosen: str
    drawn: bool
    read: bool

    @property
    def id(self) -> str:
        """The id of the control."""
        return f"fact-{self.fact}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an address says: the facts set (by full name), and what in it means nothing."""

    facts: Mapping[str, bool | str]
    unread: Sequence[str]


def names_of(facts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of each fact: its key (`kind`), or its full name where the key alone says too little."""
    listed = list(facts)
    often = Counter(fact["key"] for fact in listed)
    alone = {key for key, count in often.items() if count == 1} - _RESERVED
    return {fact["fact"]: fact["key"] if fact["key"] in alone else fact["fact"] for fact in listed}


def read_choice(query: QueryParams, facts: Sequence[Mapping[str, Any]]) -> Choice:
    """The situation that an address describes; a fact goes by its full name too."""
    names = names_of(facts)
    known = {name: fact for fact in facts for name in (names[fact["fact"]], fact["fact"])}
    found: dict[str, bool | str] = {}
    unread = []
    for name, text in query.multi_items():
        if name in _RESERVED or not text:
            continue
        fact = known.get(name)
        values = {} if fact is None else {shown(value): value for value in fact["values"]}
        if fact is None:
            unread.append(_("%(name)s is no fact of this question.", name=name[:64]))
        elif text not in values:
            unread.append(_("%(value)s is no value of %(fact)s.", value=text[:64], fact=fact["fact"]))
        else:
            found[fact["fact"]] = values[text]
    return Choice(found, unread)


def controls_of(diagram: Mapping[str, Any], chosen: Mapping[str, bool | str]) -> list[Control]:
    """A control for each fact, in the order of the facts."""
    names = names_of(diagram["facts"])
    drawn = {test["fact"] for test in diagram["tests"]}
    return [
        Control(
            fact["fact"],
            names[fact["fact"]],
            fact["says"],
            tuple(map(shown, fact["values"])),
            shown(chosen[fact["fact"]]) if fact["fact"] in chosen else "",
            fact["fact"] in drawn,
            bool(fact["read"]),
        )
        for fact in diagram["facts"]
    ]


def address(path: str, names: Mapping[str, str], facts: Mapping[str, bool | str], more: Mapping[str, str]) -> str:
    """The page with these facts set; `more` are the other parameters, those with nothing in them left out."""
    query = {names[fact]: shown(value) for fact, value in facts.items()} | {k: v for k, v in more.items() if v}
    return f"{path}?{urlencode(query)}" if query else path
