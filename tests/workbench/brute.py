"""Every situation one by one: what the workbench finds on diagrams, found the long way."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from authz_service.workbench.union import merged_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from authz_service.engine import Policy
    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Value
    from authz_service.workbench.terms import Term


def situations(key: QuestionKey, *policies: Policy) -> Iterator[dict[str, Value]]:
    """All assignments of the facts that a question has in any of the policies."""
    domains: dict[str, tuple[Value, ...]] = {}
    for policy in policies:
        question = policy.question(*key)
        for fact in () if question is None else (*question.subject_slots, *question.resource_slots):
            domains[fact.name] = merged_values(domains.get(fact.name, ()), fact.values)
    for values in product(*domains.values()):
        yield dict(zip(domains, values, strict=True))


def answers(policy: Policy, key: QuestionKey) -> Callable[[Mapping[str, Value]], bool | None]:
    """Asks a policy: allowed or denied; None where the situation cannot occur in it."""
    question = policy.question(*key)
    if question is None:
        return lambda _: None
    subject, resource = ([fact.name for fact in part] for part in (question.subject_slots, question.resource_slots))
    slots = (*question.subject_slots, *question.resource_slots)
    known = [(fact.name, {(type(value), value) for value in fact.values}) for fact in slots]

    def answer(situation: Mapping[str, Value]) -> bool | None:
        if any((type(situation[name]), situation[name]) not in values for name, values in known):
            return None
        s, r = tuple(situation[name] for name in subject), tuple(situation[name] for name in resource)
        return None if question.impossible(s, r) else question.decide(s, r)

    return answer


def fits(term: Term, situation: Mapping[str, Value]) -> bool:
    """Whether a situation satisfies a term."""
    return all(
        any(type(value) is type(situation[name]) and value == situation[name] for value in values)
        for name, values in term.items()
    )
