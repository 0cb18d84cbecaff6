"""What is wrong with a bundle as SARIF 2.1.0, which code hosts show beside the changed lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.engine.errors import Problem
    from authz_service.workbench.rules import RuleUse

_RULES = {
    "refused": "The bundle does not load.",
    "idle-rule": "A rule that decides in no situation.",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: the id of its rule, `error`, `warning` or `note`, the file, the line (0: the whole file), a text."""

    rule: str
    level: str
    file: str
    line: int
    message: str


def as_sarif(folder: str, problems: Iterable[Problem], uses: Iterable[RuleUse]) -> str:
    """One run: each problem is an error, each idle rule a note. `folder` is put before the files of the bundle."""
    found = [Result("refused", "error", inside(folder, each.file), each.line, each.message) for each in problems]
    for use in uses:
        if not use.decides:
            because = (
                f"made redundant by {', '.join(use.because)}" if use.because else "nothing is permitted where it holds"
            )
            message = f"the {use.rule.effect} {use.rule.id} decides in no situation: {because}"
            found.append(Result("idle-rule", "note", inside(folder, use.rule.file), use.rule.line, message))
    return sarif_log("kinguard policy check", _RULES, found)


def sarif_log(tool: str, rules: Mapping[str, str], results: Iterable[Result]) -> str:
    """A log with one run of a tool; `rules` are what it can find, each with what that means."""
    driver = {
        "name": tool,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()],
    }
    body = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(result) for result in results]}],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def inside(folder: str, file: str) -> str:
    """The path of a file of a folder."""
    return f"{folder.rstrip('/')}/{file}"


def _result(result: Result) -> Mapping[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": result.file}}
    if result.line:
        place["region"] = {"startLine": result.line}
    return {
        "ruleId": result.rule,
        "level": result.level,
        "message": {"text": result.message},
        "locations": [{"physicalLocation": place}],
    }
