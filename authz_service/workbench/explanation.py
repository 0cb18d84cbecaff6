"""One decision explained in words: the rules that decided, the facts that forced them, the nearest other situations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.explain import Because, Explanation, explain
from authz_service.engine.facts import Side, show
from authz_service.engine.policy import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.explain import Change
    from authz_service.engine.policy import Policy

_TITLES = {
    Because.PERMITTED: "allowed: a permit holds, and no forbid does",
    Because.FORBIDDEN: "denied: a forbid holds",
    Because.NOT_PERMITTED: "denied: no permit holds; these came nearest",
    Because.UNKNOWN: "denied: facts are missing on which the answer depends",
    Because.ERROR: "denied: this is no situation",
}


def explain_question(  # noqa: PLR0917 - a question has these parts
    policy: Policy,
    subject_type: str,
    subject: Mapping[str, object],
    action: str,
    resource_type: str,
    resource: Mapping[str, object],
) -> Explanation:
    """Explain a question given by names, as `policy eval` reads it; every mistake in it is the error of a denial."""
    question = policy.question(subject_type, action, resource_type)
    answer = policy.answer(subject_type, subject, action, resource_type, resource)
    if question is None:
        return Explanation(decision=False, because=Because.ERROR, error=answer.error)
    known = {Side.SUBJECT: question.subject_slots, Side.RESOURCE: question.resource_slots}
    slots = []
    for side, given in ((Side.SUBJECT, subject), (Side.RESOURCE, resource)):
        if given.keys() - {fact.key for fact in known[side]}:
            return Explanation(decision=False, because=Because.ERROR, error=answer.error)
        slots.append(tuple(given.get(fact.key, MISSING) for fact in known[side]))
    return explain(question, slots[0], slots[1])


def as_text(policy: Policy, explanation: Explanation) -> str:
    """The whole explanation."""
    lines = [_TITLES[explanation.because]]
    if explanation.error:
        lines.append(f"  {explanation.error}")
    for name in explanation.rules:
        rule = policy.rules[name]
        lines.append(f"  {rule.effect} {rule.id} ({rule.file}:{rule.line})" + (f": {rule.says}" if rule.says else ""))
    if explanation.facts:
        lines.append("because")
        lines += [
            f"  {fact.name} = {show(fact.value)}: {fact.says} (controlled by: {fact.level})"
            for fact in explanation.facts
        ]
    if explanation.nearest:
        lines.append("it would be denied if" if explanation.decision else "it would be allowed if")
        lines += _nearest(explanation)
    return "\n".join(lines) + "\n"


def nearest_text(explanation: Explanation) -> str:
    """Only what would have to be otherwise for the question to be allowed."""
    if explanation.decision:
        return "it is allowed\n"
    if explanation.error and not explanation.nearest:
        return f"{explanation.error}\n"
    if not explanation.nearest:
        return "nothing would allow it: it is denied in every situation\n"
    return "\n".join(["it would be allowed if", *_nearest(explanation)]) + "\n"


def as_mapping(explanation: Explanation) -> Mapping[str, object]:
    """The explanation for JSON."""
    return {
        "decision": explanation.decision,
        "because": explanation.because,
        "rules": explanation.rules,
        "facts": [
            {"fact": fact.name, "value": fact.value, "level": fact.level, "says": fact.says, "rules": fact.rules}
            for fact in explanation.facts
        ],
        "nearest": [
            {"changes": [_change_mapping(change) for change in nearest.changes]} for nearest in explanation.nearest
        ],
        **({"missing": explanation.missing} if explanation.missing else {}),
        **({"error": explanation.error} if explanation.error else {}),
    }


def _nearest(explanation: Explanation) -> Iterator[str]:
    for i, nearest in enumerate(explanation.nearest, 1):
        for at, change in enumerate(nearest.changes):
            yield f"     and {_change(change)}" if at else f"  {i}. {_change(change)}"


def _change(change: Change) -> str:
    before = "not known now" if change.before is None else f"{show(change.before)} now"
    return f"{change.fact} were {show(change.to)} ({before}; controlled by: {change.controlled_by})"


def _change_mapping(change: Change) -> Mapping[str, object]:
    return {
        "fact": change.fact,
        "from": change.before,
        "to": change.to,
        "controlled_by": change.controlled_by,
        "says": change.says,
    }
