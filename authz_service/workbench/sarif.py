"""What is wrong with a bundle as SARIF 2.1.0, which code hosts show beside the changed lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.engine.errors import Problem
    from authz_service.workbench.rules import RuleUse

_RULES = {
    "refused": "The bundle does not load.",
    "idle-rule": "A rule that decides in no situation.",
}


def as_sarif(folder: str, problems: Iterable[Problem], uses: Iterable[RuleUse]) -> str:
    """One run: each problem is an error, each idle rule a note. `folder` is put before the files of the bundle."""
    results = [
        _result("refused", "error", folder, (problem.file, problem.line, problem.message)) for problem in problems
    ]
    for use in uses:
        if not use.decides:
            because = (
                f"made redundant by {', '.join(use.because)}" if use.because else "nothing is permitted where it holds"
            )
            message = f"the {use.rule.effect} {use.rule.id} decides in no situation: {because}"
            results.append(_result("idle-rule", "note", folder, (use.rule.file, use.rule.line, message)))
    driver = {
        "name": "kinguard policy check",
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in _RULES.items()],
    }
    body = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _result(rule: str, level: str, folder: str, found: tuple[str, int, str]) -> Mapping[str, object]:
    file, line, message = found
    place: dict[str, object] = {"artifactLocation": {"uri": f"{folder.rstrip('/')}/{file}"}}
    if line:
        place["region"] = {"startLine": line}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }
