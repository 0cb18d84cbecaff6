"""Reads the authz service's answers strictly: whatever is not the exact shape is CannotDecide."""

from __future__ import annotations

import json
from typing import Any

from gateway.edge.errors import CannotDecide, Rejected, Stale

Json = dict[str, Any]
_STALE = (412, 428)
_REFUSALS = (400, 403, 404, 409, *_STALE, 422, 429)


def read_refusal(status: int, answer: bytes, *, asked: bool, patched: bool) -> CannotDecide | Rejected:
    """What an answer that is no success stands for; to a question it is no answer at all."""
    if asked or status not in _REFUSALS:
        return CannotDecide(f"the authz service answered status {status}")
    problem = read_object(answer) if answer else {}
    detail = str(problem.get("detail") or problem.get("title") or "the change was refused")
    errors = problem.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    field, message = first.get("field"), first.get("message")
    kind = Stale if patched and status in _STALE else Rejected
    problems = read_mappings(problem["problems"]) if problem.get("problems") else ()
    return kind(status, str(message or detail), field if isinstance(field, str) else None, problems)


def read_decision(answer: Json) -> bool:
    """The decision, which is true or false and nothing like them."""
    decision = answer.get("decision")
    if not isinstance(decision, bool):
        raise CannotDecide("the authz service gave no decision")
    return decision


def read_object(answer: bytes) -> Json:
    """The JSON object of a body; a name that is given twice makes it unreadable."""
    try:
        return read_mapping(json.loads(answer, object_pairs_hook=_once))
    except (ValueError, RecursionError) as error:
        raise CannotDecide("the authz service's answer cannot be read") from error


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def read_mapping(value: Any) -> Json:
    """A JSON object within an answer."""
    if not isinstance(value, dict):
        raise CannotDecide("the authz service answered in another shape")
    return value


def read_mappings(value: Any) -> list[Json]:
    """A list of JSON objects within an answer."""
    if not isinstance(value, list):
        raise CannotDecide("the authz service answered in another shape")
    return [read_mapping(entry) for entry in value]
