"""Everything that is doubtful about a bundle that loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.workbench.linting.conditions import Trial, parts
from authz_service.workbench.linting.deciding import idle_rules
from authz_service.workbench.linting.declaring import dead_actions, unread_facts, unused_helpers
from authz_service.workbench.linting.promising import doubtful_invariants
from authz_service.workbench.linting.testing import untested
from authz_service.workbench.linting.wording import wording
from authz_service.workbench.rules import rule_uses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from authz_service.workbench.cases import Case
    from authz_service.workbench.linting.findings import Finding
    from authz_service.workbench.mutation_testing import Laboratory
    from authz_service.workbench.mutations import Mutant


def lint_bundle(
    laboratory: Laboratory,
    cases: Sequence[Case] | None = None,
    shown: Callable[[Sequence[Mutant]], Iterable[Mutant]] = iter,
) -> list[Finding]:
    """Every finding, by file and line; `cases` are the cells of its suites, `shown` may report progress."""
    policy, facts, bundle = laboratory.policy, laboratory.facts, laboratory.bundle
    found = [*idle_rules(policy), *unread_facts(policy, facts), *dead_actions(policy, facts)]
    found += [*unused_helpers(laboratory.text), *wording(policy.rules, facts, bundle.polar)]
    if bundle.invariants is not None:
        found += doubtful_invariants(policy, facts, bundle.invariants)
    trial = Trial(laboratory, {use.rule.id for use in rule_uses(policy) if not use.decides})
    found += [finding for part in shown(parts(laboratory)) if (finding := trial.judge(part)) is not None]
    if cases is not None:
        found += untested(policy, cases)
    return sorted(found)
