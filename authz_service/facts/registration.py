"""What may be registered of an item: the raw properties that facts are read from, with values that mean something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from authz_service.facts.request import Request
from authz_service.facts.sources import FactError, property_of
from authz_service.facts.stores import Bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy
    from authz_service.engine.facts import Fact
    from authz_service.facts.stores import ItemSource

# Kept by the service itself, so nobody registers them.
_OWN = frozenset({"client", "grant", "practice"})
_OWNERS = ("client_id", "practice_id")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_ANYONE = Bound("", None, frozenset(), timedelta(), frozenset(), frozenset(), frozenset(), None, None)


class Registry:
    """The properties that a policy's facts are read from."""

    def __init__(self, policy: Policy, resources: Mapping[str, tuple[tuple[Fact, ItemSource], ...]]) -> None:
        self._readers = {
            name: tuple((prop, source) for fact, source in resources[name] if (prop := property_of(fact)) is not None)
            for name in policy.resource_types
            if name not in _OWN
        }
        self.types = tuple(self._readers)
        self.withholdable = tuple(
            name
            for name in policy.resource_types
            if any((fact.source or {}).get("store") == "withheld_ids" for fact, _ in resources[name])
        )

    def check(self, resource_type: str, properties: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with these properties of an item of a known type: property -> why."""
        readers = self._readers[resource_type]
        known = (*_OWNERS, *dict.fromkeys(name for name, _ in readers))
        wrong = {
            name: f"is no property that a rule reads; those are {', '.join(known)}"
            for name in properties
            if name not in known
        }
        request = Request("", "", "", resource_type, "", _ANY_TIME)
        for name, source in readers:
            try:
                source.read(_ANYONE, request, properties)
            except FactError as error:
                wrong.setdefault(name, str(error))
        return wrong
