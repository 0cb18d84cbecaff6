"""A bundle's own Polar files under plain oso: ordinary objects with the facts as attributes, asked by `allow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oso import Oso

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.engine import Policy, Question
    from authz_service.engine.facts import Fact


class _Group:
    """A dotted part of a fact's name."""


class BundleOso:
    """One bundle; `prepare` makes the objects of a situation, `allowed` asks about them."""

    def __init__(self, folder: Path, policy: Policy, classes: dict[str, str]) -> None:
        oso = Oso()
        self._classes = {name: type(cls, (), {}) for name, cls in classes.items() if name in _types(policy)}
        for name, cls in self._classes.items():
            oso.register_class(cls, name=classes[name])
        oso.load_files([str(path) for path in sorted(folder.rglob("*.polar"))])
        self._ask = oso.query_rule_once

    @property
    def allowed(self) -> Callable[[Any, str, Any], bool]:
        """The function that decides."""
        ask = self._ask
        return lambda subject, action, resource: ask("allow", subject, action, resource)

    def prepare(self, question: Question, s: tuple[Any, ...], r: tuple[Any, ...]) -> tuple[Any, str, Any]:
        """The situation as oso takes it."""
        subject = _fill(self._classes[question.subject_type](), question.subject_slots, s)
        resource = _fill(self._classes[question.resource_type](), question.resource_slots, r)
        return subject, question.action, resource


def _types(policy: Policy) -> set[str]:
    return {*policy.subject_types, *policy.resource_types}


def _fill(target: Any, facts: tuple[Fact, ...], values: tuple[Any, ...]) -> Any:
    tables: dict[str, dict[str, Any]] = {}
    for fact, value in zip(facts, values, strict=True):
        *groups, name = fact.base.split(".")[1:]
        place = target
        for group in groups:
            if not hasattr(place, group):
                setattr(place, group, _Group())
            place = getattr(place, group)
        if fact.parameter is None:
            setattr(place, name, value)
        else:
            table = tables.setdefault(fact.base, {})
            table[fact.parameter] = value
            setattr(place, name, table.__getitem__)
    return target
