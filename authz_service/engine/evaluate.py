"""Answers questions written as JSON lines, as `policy eval` reads and writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from authz_service.engine.errors import shorten
from authz_service.engine.policy import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine.policy import Engine, Policy


class LineError(Exception):
    """The line is no question; the message says why."""


def evaluate_line(policy: Policy, line: bytes, engine: Engine = "diagram") -> str:
    """One question in, one answer out: `{"decision": true}`, or `{"decision": false, "error": "..."}`.

    The question is `{"subject": {"type", "facts"}, "action": name, "resource": {"type", "facts"}}`; other members are
    passed over. Whatever is wrong with it is denied, with the same error by both engines.
    """
    try:
        subject_type, subject, action, resource_type, resource = read_question(line)
    except LineError as error:
        answer = Answer(decision=False, error=str(error))
    else:
        answer = policy.answer(subject_type, subject, action, resource_type, resource, engine)
    if answer.error is None:
        return json.dumps({"decision": answer.decision})
    return json.dumps({"decision": answer.decision, "error": answer.error}, ensure_ascii=False)


def read_question(line: bytes) -> tuple[str, Mapping[str, object], str, str, Mapping[str, object]]:
    """Subject type, its facts, action, resource type and its facts of one line.

    Raises:
        LineError: the line is no question.
    """
    try:
        question = json.loads(line.decode(), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise LineError("the line is not UTF-8") from None
    except RecursionError:
        raise LineError("the line is nested too deeply") from None
    except ValueError as error:
        raise LineError(f"the line is not JSON: {error}") from None
    if not isinstance(question, dict):
        raise LineError('the line must be an object with "subject", "action" and "resource"')
    subject_type, subject = _read_side(question, "subject")
    action = question.get("action")
    if not isinstance(action, str):
        raise LineError('"action" must be a text')
    return subject_type, subject, action, *_read_side(question, "resource")


def _read_side(question: Mapping[str, Any], side: str) -> tuple[str, Mapping[str, object]]:
    part = question.get(side)
    if not isinstance(part, dict):
        raise LineError(f'"{side}" must be an object with "type" and "facts"')
    type_name, facts = part.get("type"), part.get("facts", {})
    if not isinstance(type_name, str):
        raise LineError(f'the "type" of "{side}" must be a text')
    if not isinstance(facts, dict):
        raise LineError(f'the "facts" of "{side}" must be an object')
    return type_name, facts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise LineError(f'"{shorten(twice)}" stands twice in one object')
    return found
