"""Lookups written as text, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from authz_service.workbench.numbers import share
from authz_service.workbench.terms import phrase, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from authz_service.workbench.lookup import Lookup, Possibility
    from authz_service.workbench.terms import Term


def what_text(lookups: Iterable[Lookup]) -> str:
    """Each subject type with what it may always do, under conditions, and never."""
    lines: list[str] = []
    for lookup in lookups:
        lines += [lookup.subject_type, *_sections(lookup, lambda one: f"{one.question[1]} {one.question[2]}"), ""]
    return "\n".join(lines)


def who_text(lookups: Iterable[Lookup]) -> str:
    """Each subject type with the heads that may always, under conditions, and never."""
    lines: list[str] = []
    for lookup in lookups:
        title = f"{lookup.subject_type} by {lookup.by}"
        lines += [title, *_sections(lookup, lambda one: one.head), ""]
    return "\n".join(lines)


def as_json(lookups: Iterable[Lookup]) -> str:
    """Every possibility; `every` lists clauses of which all must hold, `some` terms of which one must."""
    rows = [
        {
            "subject": one.question[0],
            "action": one.question[1],
            "resource": one.question[2],
            **({"by": lookup.by, "head": one.head} if lookup.by else {}),
            "allowed": {True: "always", False: "never", None: "sometimes"}[one.cell.answer],
            "situations": one.situations,
            "space": one.space,
            **({"every": (*lookup.needs, *one.cell.every), "some": one.cell.some} if one.cell.answer is None else {}),
        }
        for lookup in lookups
        for one in lookup.possibilities
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _sections(lookup: Lookup, name: Callable[[Possibility], str]) -> Iterator[str]:
    by_answer: dict[bool | None, list[Possibility]] = {True: [], None: [], False: []}
    for possibility in lookup.possibilities:
        by_answer[possibility.cell.answer].append(possibility)
    yield from wrapped([name(one) for one in by_answer[True]] or ["nothing"], "  always: ", "    ")
    if by_answer[None]:
        yield "  sometimes, provided that" if lookup.needs else "  sometimes"
        yield from _clauses(lookup.needs, lookup, "      ")
        for one in by_answer[None]:
            yield f"    {name(one)} ({share(one.situations, one.space)} of the situations)"
            yield from _clauses(one.cell.every, lookup, "        ")
            terms = [phrase(term, lookup.domains) for term in one.cell.some if term]
            yield from (f"        {'or ' if i else ''}{text}" for i, text in enumerate(terms))
    yield from wrapped([name(one) for one in by_answer[False]] or ["nothing"], "  never: ", "    ")


def _clauses(clauses: Iterable[Term], lookup: Lookup, indent: str) -> Iterator[str]:
    listed = list(clauses)
    yield from wrapped([phrase(clause, lookup.domains) for clause in listed if len(clause) == 1], indent, indent)
    yield from (f"{indent}{phrase(clause, lookup.domains, ' or ')}" for clause in listed if len(clause) > 1)
