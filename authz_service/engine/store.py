"""Keeps finished diagrams in a folder, one file for each bundle and engine.

A stored file is data, never code, and is believed only when all of it fits: its content hash, the digest of the bundle,
the fingerprint of the engine that wrote it, and the structure of every diagram. Anything else means: build anew. The
folder must belong to the service alone.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authz_service.engine.build import Decision, impossible_diagrams, question_keys, variables_of
from authz_service.engine.diagram import Diagram, Diagrams, nodes
from authz_service.engine.lint import Rule
from authz_service.engine.tokens import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.facts import Facts

_FORMAT = 1


class _UnfitError(Exception):
    """The stored file cannot be what this engine wrote for this bundle."""


@cache
def fingerprint() -> str:
    """What identifies this engine: its own text and the version of Polar."""
    digest = hashlib.sha256(f"{_FORMAT}\0{importlib.metadata.version('oso')}\0".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def stored_path(folder: Path, digest: str) -> Path:
    """Where the diagrams of one bundle are kept."""
    return folder / f"{digest[:32]}-{fingerprint()[:16]}.json"


def write_stored(
    folder: Path, digest: str, rules: Mapping[str, Rule], decisions: Mapping[QuestionKey, Decision]
) -> None:
    """Store finished diagrams; the file appears whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    roots = [root for decision in decisions.values() for root in _roots(decision)]
    numbers: dict[Diagram, int] = {False: 0, True: 1}
    rows = []
    for node in nodes(*roots):
        numbers[node] = len(numbers)
        rows.append([node.level, *(numbers[child] for child in node.children)])
    body = json.dumps(
        {
            "nodes": rows,
            "rules": [asdict(rule) for rule in rules.values()],
            "questions": [
                {
                    "key": key,
                    "rules": {rule_id: numbers[diagram] for rule_id, diagram in decision.rules.items()},
                    "permit": numbers[decision.permit],
                    "forbid": numbers[decision.forbid],
                    "decision": numbers[decision.decision],
                }
                for key, decision in decisions.items()
            ],
        },
        separators=(",", ":"),
    )
    head = _head(digest, body)
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".new")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{head}\n{body}")
    Path(name).replace(stored_path(folder, digest))


def read_stored(
    folder: Path, digest: str, facts: Facts
) -> tuple[Diagrams, dict[str, Rule], dict[QuestionKey, Decision]] | None:
    """The stored diagrams of this bundle, or None when there are none to be believed."""
    try:
        text = stored_path(folder, digest).read_text(encoding="utf-8")
        head, _, body = text.partition("\n")
        if head != _head(digest, body):
            return None
        return _read(json.loads(body), facts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, _UnfitError):
        return None


def _head(digest: str, body: str) -> str:
    content = hashlib.sha256(f"{digest}\0{fingerprint()}\0{body}".encode()).hexdigest()
    return json.dumps({"format": _FORMAT, "bundle": digest, "engine": fingerprint(), "content": content})


def _roots(decision: Decision) -> Iterator[Diagram]:
    yield from decision.rules.values()
    yield from (decision.permit, decision.forbid, decision.decision)


def _read(body: Any, facts: Facts) -> tuple[Diagrams, dict[str, Rule], dict[QuestionKey, Decision]]:
    diagrams = Diagrams(variables_of(facts))
    known: list[Diagram] = [False, True]
    for level, *children in body["nodes"]:
        known.append(_node(diagrams, known, level, children))
    rules = {rule["id"]: Rule(**rule) for rule in body["rules"]}
    if any(rule.effect not in EFFECTS for rule in rules.values()):
        raise _UnfitError
    decisions = {}
    impossible = impossible_diagrams(diagrams, facts)
    for entry in body["questions"]:
        key = tuple(entry["key"])
        own = {rule_id: known[_number(number)] for rule_id, number in entry["rules"].items()}
        if not rules.keys() >= own.keys():
            raise _UnfitError
        permit, forbid, decision = (known[_number(entry[part])] for part in ("permit", "forbid", "decision"))
        if key in decisions or decision is not diagrams.without(permit, forbid):
            raise _UnfitError
        decisions[key] = Decision(own, permit, forbid, decision, impossible[key])
    if list(decisions) != question_keys(facts):
        raise _UnfitError
    diagrams.freeze()
    return diagrams, rules, decisions


def _number(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise _UnfitError
    return number


def _node(diagrams: Diagrams, known: list[Diagram], level: Any, numbers: list[Any]) -> Diagram:
    children = [known[_number(number)] for number in numbers]
    if len(children) != diagrams.sizes[_number(level)]:
        raise _UnfitError
    if any(not isinstance(child, bool) and child.level <= level for child in children):
        raise _UnfitError
    node = diagrams.node(level, children)
    if isinstance(node, bool) or node.level != level:
        raise _UnfitError
    return node
