"""Every question of a version as a diagram, and one situation followed through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.once import Once
from authz_service.api.policy_files import exact, read
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.versions import reviewed_version
from authz_service.commands.errors import NotFoundError
from authz_service.engine.explain import Because
from authz_service.engine.facts import Side
from authz_service.workbench.drawing import DECISION, draw, parts_of, read_facts, situations, way
from authz_service.workbench.explanation import as_mapping, explain_question
from authz_service.workbench.numbers import share
from authz_service.workbench.questions import questions
from models.wire import policy_diagrams as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.api.routing import Call
    from authz_service.engine import Policy
    from authz_service.engine.facts import Fact
    from authz_service.engine.lint import Rule
    from authz_service.engine.policy import Question
    from authz_service.workbench.drawing import Drawing, Part, Step

_lists = Once[list[dict[str, Any]]](6)  # kept in memory, one for a version
PART = (Parameter("part", "`decision` unless told, `permit`, `forbid`, or `rule:ID`."),)


def list_diagrams(call: Call) -> Reply:
    """Every question, with its size and the share that is allowed."""
    policy, _folder = reviewed_version(call)
    return exact({**read(call, policy), "diagrams": _lists.result(policy.digest, lambda: _listed(policy))})


def show_diagram(call: Call) -> Reply:
    """One question drawn."""
    policy, question = _question(call)
    parts = parts_of(question)
    part = _part(parts, call.query.get("part", DECISION))
    drawing = draw(question, part.diagram)
    holds, space = situations(question, part.diagram)
    needed, slots = read_facts(question), (*question.subject_slots, *question.resource_slots)
    return exact(
        {
            **read(call, policy),
            **_names(question),
            "part": part.name,
            "parts": [
                {"part": each.name, "nodes": each.size, "rule": None if each.rule is None else _rule(each.rule)}
                for each in parts.values()
            ],
            "facts": [_fact(fact) | {"read": fact.name in needed} for fact in slots],
            **_drawing(drawing),
            "holds": holds,
            "situations": space,
            "share": share(holds, space),
        }
    )


def follow(call: Call) -> Reply:
    """One situation: its answer, why, what would be answered otherwise, and its way through the diagram."""
    body = call.body(wire.Situation)
    policy, question = _question(call)
    part = _part(parts_of(question), body.part)
    return exact({**read(call, policy), **followed(policy, question, part, body.facts)})


def followed(policy: Policy, question: Question, part: Part, facts: Mapping[str, bool | str]) -> dict[str, Any]:
    """The answer to a situation, and its way through a part; ProblemError 422 for a fact that the question lacks."""
    slots = {fact.name: fact for fact in (*question.subject_slots, *question.resource_slots)}
    if unknown := [name for name in facts if name not in slots]:
        fields = {f"facts.{name[:64]}": "is no fact of this question" for name in unknown}
        raise ProblemError(422, f"{unknown[0][:64]} is no fact of this question", fields=fields)
    sides: dict[Side, dict[str, object]] = {side: {} for side in Side}
    for name, value in facts.items():
        sides[slots[name].side][slots[name].key] = value
    key = (question.subject_type, sides[Side.SUBJECT], question.action, question.resource_type, sides[Side.RESOURCE])
    explanation = explain_question(policy, *key)
    told = dict(as_mapping(explanation))
    told |= {"part": part.name, "error": explanation.error, "missing": list(explanation.missing)}
    told["rules"] = [_rule(policy.rules[rule_id]) for rule_id in explanation.rules]
    if explanation.because is Because.ERROR:
        return told | {"holds": None, "steps": [], "open": []}
    taken = way(question, part.diagram, facts)
    (holds,) = taken.ends if len(taken.ends) == 1 else (None,)
    return told | {"holds": holds, "steps": list(map(_step, taken.steps)), "open": list(map(_step, taken.open))}


def _question(call: Call) -> tuple[Policy, Question]:
    policy, _folder = reviewed_version(call)
    question = policy.question(call.path["subject_type"], call.path["action"], call.path["resource_type"])
    if question is None:
        raise NotFoundError("question")
    return policy, question


def _part(parts: Mapping[str, Part], name: str) -> Part:
    part = parts.get(name)
    if part is None:
        says = "decision, permit, forbid, or rule: and the id of a rule that can hold here"
        raise ProblemError(422, f"part must be {says}", fields={"part": f"must be {says}"})
    return part


def _listed(policy: Policy) -> list[dict[str, Any]]:
    found = []
    for question in questions(policy):
        drawing = draw(question, question.diagram)
        allowed, space = situations(question, question.diagram)
        counts = {"situations": space, "allowed": allowed, "share": share(allowed, space)}
        nodes = len(drawing.tests) + drawing.folded
        facts = len({test.fact for test in drawing.tests})
        found.append({**_names(question), "nodes": nodes, "facts": facts, **counts})
    return found


def _names(question: Question) -> dict[str, str]:
    return {
        "subject_type": question.subject_type,
        "action": question.action,
        "resource_type": question.resource_type,
    }


def _drawing(drawing: Drawing) -> dict[str, Any]:
    tests = [
        {
            "number": test.number,
            "fact": test.fact,
            "branches": [{"values": list(branch.values), "to": branch.to} for branch in test.branches],
        }
        for test in drawing.tests
    ]
    return {"root": drawing.root, "tests": tests, "folded": drawing.folded}


def _fact(fact: Fact) -> dict[str, Any]:
    known = {"fact": fact.name, "key": fact.key, "side": fact.side, "values": list(fact.values), "says": fact.says}
    return known | {"controlled_by": fact.controlled_by, "file": fact.file, "line": fact.line}


def _rule(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line, "says": rule.says}


def _step(step: Step) -> dict[str, Any]:
    return {"number": step.number, "value": step.value, "to": step.to}
