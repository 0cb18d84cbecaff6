"""Suites that reach no rule, and rules that no suite reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.workbench.cases import holding
from authz_service.workbench.linting.findings import Doubt, Finding, Level
from authz_service.workbench.rules import rule_uses
from authz_service.workbench.suites import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authz_service.engine.policy import Policy
    from authz_service.workbench.cases import Case


def untested(policy: Policy, cases: Sequence[Case]) -> Iterator[Finding]:
    """Doubts about suites, and about rules of which no cell depends."""
    waiting: dict[str, list[Case]] = {}
    for case in cases:
        waiting.setdefault(case.suite, []).append(case)
    for suite, own in waiting.items():
        if not any(_reaches_a_rule(policy, case) for case in own):
            message = "no rule holds in any cell of this suite, so it tests nothing: correct its facts, or take it out"
            yield Finding(suite, 0, Doubt.EMPTY_SUITE, Level.WARNING, message, in_suites=True)
    idle = set(run(policy, cases).coverage.idle)
    for use in rule_uses(policy):
        rule = use.rule
        if rule.id in idle and use.decides:
            message = f"no cell of a suite depends on the {rule.effect} {rule.id} alone: add one that it decides"
            yield Finding(rule.file, rule.line, Doubt.UNTESTED_RULE, Level.WARNING, message)


def _reaches_a_rule(policy: Policy, case: Case) -> bool:
    situations = case.ask(policy).situations
    return bool(holding(situations, "permit") or holding(situations, "forbid"))
