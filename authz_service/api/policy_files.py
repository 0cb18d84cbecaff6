"""A version of the policy as it is read: its files word by word, its facts, and each rule with all that hangs on it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from authz_service.api.once import Once
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.versions import reviewed_version
from authz_service.commands.errors import NotFoundError
from authz_service.review.exercising import UnexercisedError, exercise
from authz_service.workbench.exercise import Exercise
from authz_service.workbench.numbers import share
from authz_service.workbench.questions import keys_of
from authz_service.workbench.reading import Reading
from authz_service.workbench.study import Study, readers, study

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from authz_service.api.routing import Call
    from authz_service.engine import Policy
    from authz_service.engine.facts import Fact
    from authz_service.engine.lint import Rule
    from authz_service.workbench.marking import Lines
    from authz_service.workbench.reading import BundleFile
    from authz_service.workbench.rules import RuleUse

SUITES = "policy_tests"  # the folder beside the policies
SEARCH = (Parameter("q", "Find rules, facts and lines that hold all these words."),)
_WORDS_MAX = 200
_FOUND_MAX = 100
_SUITES_SECONDS = 0.2
_VERSIONS = 6  # kept in memory
_readings = Once[Reading](_VERSIONS)
_readers = Once[dict[str, list[str]]](_VERSIONS)
_studies = Once[Study](500)
_exercises = Once[dict[str, list[Exercise]]](_VERSIONS)


def list_files(call: Call) -> Reply:
    """Every file of a version in reading order, and what a search finds in them."""
    policy, folder = reviewed_version(call)
    reading = _reading(policy, folder)
    wanted = call.query.get("q")
    if wanted is not None and len(wanted) > _WORDS_MAX:
        raise ProblemError(400, f"q has at most {_WORDS_MAX} letters", fields={"q": "too long"})
    return exact(
        {
            **read(call, policy),
            "files": [_file(file) for file in reading.files.values()],
            "facts": len({fact.base for fact in policy.facts.values()}),
            "questions": len(keys_of(policy)),
            "found": None if wanted is None else _found(reading, wanted),
        }
    )


def show_file(call: Call) -> Reply:
    """One file line by line, each word with what it is and names."""
    policy, folder = reviewed_version(call)
    reading = _reading(policy, folder)
    # A slash in a path would be one more part of it, or refused by whoever reads it decoded.
    names = {name.replace("/", "~"): name for name in reversed(reading.files)}
    name = names.get(call.path["name"])
    if name is None:
        raise NotFoundError("file of this version")
    file, order = reading.files[name], list(reading.files)
    place = order.index(name)
    return exact(
        {
            **read(call, policy),
            **{key: value for key, value in _file(file).items() if key in ("name", "sort", "says")},
            "rules": [rule_head(rule) for rule in file.rules],
            "lines": _pieces(file.lines),
            "before": order[place - 1] if place else None,
            "after": order[place + 1] if place + 1 < len(order) else None,
        }
    )


def show_rule(call: Call) -> Reply:
    """A rule: text, facts, the questions that it decides, the suites that exercise it, the invariants it meets."""
    policy, folder = reviewed_version(call)
    rule = policy.rules.get(call.path["rule_id"])
    if rule is None:
        raise NotFoundError("rule of this version")
    reading = _reading(policy, folder)
    known = _studies.result((policy.digest, rule.id), lambda: study(policy, rule.id))
    invariants = [(invariant, True) for invariant in known.resting] + [(one, False) for one in known.meeting]
    return exact(
        {
            **read(call, policy),
            **rule_head(rule),
            "passages": [
                {
                    "file": each.file,
                    "first": each.first,
                    "lines": _pieces(reading.files[each.file].lines[each.first - 1 : each.last]),
                }
                for each in reading.passages(rule.id)
            ],
            "helpers": [
                {"name": clause.predicate, "file": clause.file, "line": clause.line}
                for clause in reading.helpers_of(rule.id)
            ],
            "facts": _facts(known.facts),
            "questions": _questions(known.use),
            "redundant": _redundant(policy, known.use),
            "exercises": _exercised(call, policy, folder, rule.id),
            "invariants": [
                {"id": invariant.id, "says": invariant.says, "line": invariant.line, "rests": rests}
                for invariant, rests in invariants
            ],
        }
    )


def list_facts(call: Call) -> Reply:
    """Every fact: its values, its meaning, who controls it, where it comes from and which rules read it."""
    policy, _folder = reviewed_version(call)
    reading_rules = _readers.result(policy.digest, lambda: readers(policy))
    found = [fact | {"rules": reading_rules.get(fact["name"], [])} for fact in _facts(policy.facts.values())]
    return exact({**read(call, policy), "facts": found})


def read(call: Call, policy: Policy) -> dict[str, Any]:
    """Which version an answer is about."""
    return {"version": policy.digest, "serves": policy.digest == call.serving.digest}


def exact(content: Mapping[str, object]) -> Reply:
    """Counts of situations are exact integers, and longer than 64 bits."""
    return Reply(json.dumps(content, ensure_ascii=False).encode())


def rule_head(rule: Rule) -> dict[str, Any]:
    """A rule in a line."""
    return {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line, "says": rule.says}


def _reading(policy: Policy, folder: Path) -> Reading:
    return _readings.result(policy.digest, lambda: Reading(policy, folder))


def _file(file: BundleFile) -> dict[str, Any]:
    effects = [rule.effect for rule in file.rules]
    return {
        "name": file.name,
        "sort": file.sort,
        "says": file.says,
        "lines": len(file.lines),
        "permits": effects.count("permit"),
        "forbids": effects.count("forbid"),
    }


def _found(reading: Reading, wanted: str) -> dict[str, Any]:
    found = reading.search(wanted, _FOUND_MAX)
    return {
        "rules": [rule_head(rule) for rule in found.rules],
        "facts": [{"name": fact.base, "says": fact.says} for fact in found.facts],
        "lines": [{"file": file, "line": line, "text": text} for file, line, text in found.lines],
        "complete": found.complete,
    }


def _pieces(lines: Lines) -> list[list[dict[str, Any]]]:
    return [
        [{name: value for name, value in asdict(piece).items() if value is not None} for piece in line]
        for line in lines
    ]


def _facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """The instances of a fact with a parameter as one."""
    found: dict[str, dict[str, Any]] = {}
    for fact in facts:
        told = found.setdefault(
            fact.base,
            {
                "name": fact.base,
                "parameters": [],
                "of": list(fact.of),
                "values": list(fact.values),
                "says": fact.says,
                "controlled_by": fact.controlled_by,
                "legal": fact.legal,
                "source": [{"key": key, "value": _plain(value)} for key, value in (fact.source or {}).items()],
                "line": fact.line,
            },
        )
        if fact.parameter is not None:
            told["parameters"].append(fact.parameter)
    return list(found.values())


def _plain(value: object) -> str:
    return "null" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _questions(use: RuleUse) -> list[dict[str, Any]]:
    """The questions in which the rule decides most come first."""
    return [
        {
            **dict(zip(("subject_type", "action", "resource_type"), place.key, strict=True)),
            "space": place.space,
            "situations": place.situations,
            "decides": place.decides,
            "share": share(place.decides, place.space),
        }
        for place in sorted(use.places, key=lambda place: -place.decides)
    ]


def _redundant(policy: Policy, use: RuleUse) -> dict[str, Any] | None:
    if use.decides:
        return None
    return {"because": [rule_head(policy.rules[rule_id]) for rule_id in use.because], "behind": use.behind}


def _exercised(call: Call, policy: Policy, texts: Path, rule_id: str) -> dict[str, Any]:
    settings = call.service.settings
    suites = settings.policies.parent / SUITES
    if not suites.is_dir():
        return _exercises_of("none")
    key = (policy.digest, suites)
    try:
        found = _exercises.result_within(_SUITES_SECONDS, key, lambda: exercise(texts, settings.bundles_dir, suites))
    except UnexercisedError as error:
        return _exercises_of("failed", problem=str(error))
    return _exercises_of("running") if found is None else _exercises_of("done", found.get(rule_id, ()))


def _exercises_of(state: str, suites: Iterable[Exercise] = (), problem: str | None = None) -> dict[str, Any]:
    return {"state": state, "problem": problem, "suites": [asdict(each) for each in suites]}
