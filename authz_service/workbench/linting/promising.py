"""Invariants that say less than they seem to: implied by another, or with parts that meet no situation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from authz_service.engine.facts import show
from authz_service.engine.prove import meant_by, read_invariants
from authz_service.workbench.linting.findings import Doubt, Finding, Level
from authz_service.workbench.questions import questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram, Diagrams
    from authz_service.engine.facts import Facts
    from authz_service.engine.policy import Policy, Question
    from authz_service.engine.prove import Invariant

_ANY = "any"
_PARTS = ("subject", "action", "resource")
_Meaning = dict["QuestionKey", "Diagram"]


def doubtful_invariants(policy: Policy, facts: Facts, text: str) -> Iterator[Finding]:
    """Doubts about the invariants of a bundle that loads."""
    invariants, _ = read_invariants(text, facts)
    asked = list(questions(policy))
    if not asked:
        return
    diagrams = asked[0].diagrams.scratch()
    meanings = {invariant.id: _meaning(diagrams, asked, invariant) for invariant in invariants}
    for at, invariant in enumerate(invariants):
        for other_at, other in enumerate(invariants):
            if at == other_at or invariant.never is not other.never:
                continue
            mine, its = meanings[invariant.id], meanings[other.id]
            if _within(diagrams, mine, its) and (other_at < at or not _within(diagrams, its, mine)):
                message = (
                    f"the invariant {invariant.id} says nothing that {other.id} does not say (line {other.line}): "
                    "take it out, or say what it adds"
                )
                yield _at(invariant, Doubt.IMPLIED_INVARIANT, message)
                break
    written = {row["id"]: row for row in yaml.safe_load(text)["invariants"]}
    for invariant in invariants:
        statement = written[invariant.id]["never" if invariant.never else "always"]
        for what in _empty(diagrams, asked, invariant, meanings[invariant.id], statement):
            message = f"in the invariant {invariant.id}, {what} meets no situation: take it out, or correct the slip"
            yield _at(invariant, Doubt.EMPTY_CONDITION, message)


def _meaning(diagrams: Diagrams, asked: list[Question], invariant: Invariant) -> _Meaning:
    found: _Meaning = {}
    for question in asked:
        key = (question.subject_type, question.action, question.resource_type)
        names = {fact.name for fact in (*question.subject_slots, *question.resource_slots)}
        meant = meant_by(invariant, diagrams, key, names, question.impossible_diagram)
        if meant is not None and meant is not False:
            found[key] = meant
    return found


def _within(diagrams: Diagrams, inner: _Meaning, outer: _Meaning) -> bool:
    return all(diagrams.without(meant, outer.get(key, False)) is False for key, meant in inner.items())


def _empty(
    diagrams: Diagrams, asked: list[Question], invariant: Invariant, meaning: _Meaning, statement: Mapping[str, object]
) -> Iterator[str]:
    for at, part in enumerate(_PARTS):
        given = statement[part]
        for name in given if isinstance(given, list) else [given]:
            if name != _ANY and not any(key[at] == name for key in meaning):
                yield f"{part} {name}"
    when = statement.get("when", {})
    for name, accepted in invariant.when.items():
        # What `not` leaves is not what its author wrote down.
        if isinstance(when, dict) and isinstance(when[name], list):
            for value in sorted(accepted, key=show):
                narrowed = replace(invariant, when={**invariant.when, name: frozenset([value])})
                if not _meaning(diagrams, asked, narrowed):
                    yield f"{name} = {show(value)}"
    if invariant.unless and meaning == _meaning(diagrams, asked, replace(invariant, unless={})):
        yield "`unless`"


def _at(invariant: Invariant, doubt: Doubt, message: str) -> Finding:
    return Finding(invariant.file, invariant.line, doubt, Level.WARNING, message)
