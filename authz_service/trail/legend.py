"""How the facts of a situation are abbreviated in a decision record, and spelled out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from authz_service.engine import MISSING
from authz_service.trail.records import ITEM_FIELDS

if TYPE_CHECKING:
    from authz_service.engine import Policy
    from authz_service.facts.decision import Situation

_PLACES = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NOT_READ = "-"
_REMEMBERED_MAX = 20_000


class Legend:
    """How the facts of one bundle's situations are abbreviated; written into the trail before the first decision."""

    def __init__(self, policy: Policy) -> None:
        self.digest = policy.digest
        self._places: dict[str, tuple[dict[Any, str], ...]] = {}
        slots = {name: policy.subject_slots(name) for name in policy.subject_types}
        slots |= {name: policy.resource_slots(name) for name in policy.resource_types}
        self._domains = {
            name: tuple({(type(v), v): _PLACES[i] for i, v in enumerate(fact.values)} for fact in facts)
            for name, facts in slots.items()
        }
        self._texts: dict[tuple[str, tuple[Any, ...]], str] = {}
        self._subjects: dict[int, tuple[tuple[Any, ...], str]] = {}  # by identity: who asks again is the same tuple
        self._description = {
            "facts": {fact.name: list(fact.values) for facts in slots.values() for fact in facts},
            "slots": {name: [fact.name for fact in facts] for name, facts in slots.items()},
        }

    def record(self, at: int) -> bytes:
        """The record that explains the abbreviations of this bundle."""
        body = {"type": "legend", "at": at, "bundle": self.digest, "fields": ITEM_FIELDS, **self._description}
        return orjson.dumps(body)

    def abbreviate(self, situation: Situation) -> str:
        """The facts of a situation, subject and resource divided by a dot; `-` for a fact that is not read."""
        question, _, values, resource = situation
        known = self._subjects.get(id(values))
        if known is None or known[0] is not values:
            if len(self._subjects) >= _REMEMBERED_MAX:
                self._subjects.clear()
            known = self._subjects[id(values)] = (values, self._text(question.subject_type, values))
        return f"{known[1]}.{self._text(question.resource_type, resource)}"

    def _text(self, name: str, values: tuple[Any, ...]) -> str:
        key = (name, values)
        text = self._texts.get(key)
        if text is None:
            pairs = zip(self._domains[name], values, strict=True)
            text = "".join(_NOT_READ if value is MISSING else places[type(value), value] for places, value in pairs)
            if len(self._texts) >= _REMEMBERED_MAX:
                self._texts.clear()
            self._texts[key] = text
        return text


def spell_out(legend: dict[str, Any], subject_type: str, resource_type: str, facts: str) -> dict[str, Any]:
    """The facts behind an abbreviation, by name; `legend` is the body of the bundle's legend record."""
    subject, _, resource = facts.partition(".")
    spelled: dict[str, Any] = {}
    for side, text in ((subject_type, subject), (resource_type, resource)):
        for name, place in zip(legend["slots"].get(side, ()), text, strict=False):
            if place != _NOT_READ:
                spelled[name] = legend["facts"][name][_PLACES.index(place)]
    return spelled
