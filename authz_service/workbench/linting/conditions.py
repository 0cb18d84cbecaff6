"""Parts of rules that can be left out: each is left out in turn, and what it touches is traced again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.build import Tracer, combine, decide
from authz_service.engine.errors import BundleError
from authz_service.engine.lint import Text
from authz_service.engine.polar import Polar, PolarError
from authz_service.engine.tokens import EFFECTS, read_polar
from authz_service.engine.trace import TooManyLeavesError
from authz_service.workbench.linting.findings import Doubt, Finding, Level
from authz_service.workbench.mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Collection

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram
    from authz_service.engine.facts import TypeName
    from authz_service.engine.lint import Rule
    from authz_service.engine.tokens import Clause
    from authz_service.workbench.mutation_testing import Laboratory
    from authz_service.workbench.mutations import Mutant

_LEFT_OUT = ("dropped ", "left ")


def parts(laboratory: Laboratory) -> list[Mutant]:
    """Every part of a rule or helper that can be left out, but for rules as a whole."""
    found = []
    for mutant in laboratory.mutants():
        clause = laboratory.files[mutant.file].clauses[mutant.clause]
        whole = mutant.tokens is None and clause.predicate in EFFECTS
        if mutant.what.startswith(_LEFT_OUT) and not (whole and len(laboratory.text.heads[_id(clause)]) == 1):
            found.append(mutant)
    return found


class Trial:
    """Leaves parts out and looks at what that changes; `idle` are the rules that decide nothing anyway."""

    def __init__(self, laboratory: Laboratory, idle: Collection[str]) -> None:
        self.laboratory, self.idle = laboratory, frozenset(idle)
        self.scratch = laboratory.diagrams.scratch()
        self.users: dict[str, set[str]] = {}
        for rule_id in laboratory.text.rules:
            for reached in laboratory.text.reach(rule_id):
                for called in reached.calls:
                    self.users.setdefault(called, set()).add(rule_id)

    def judge(self, part: Mutant) -> Finding | None:
        """What is doubtful about a part, if anything."""
        laboratory = self.laboratory
        clause = laboratory.files[part.file].clauses[part.clause]
        touched = {_id(clause)} if clause.predicate in EFFECTS else self.users.get(clause.predicate, set())
        if not touched:
            return None
        try:
            changed = self.changed(part, clause, touched)
        except _RefusedError:
            return None
        rules = ", ".join(sorted(touched)) if len(touched) < 4 else f"any of {len(touched)} rules"
        what = part.what.partition(" ")[2]
        if part.what.startswith("left "):
            what = what.replace(" out of ", " in ", 1)
        if not changed:
            message = f"{what} adds nothing to {rules}, which would hold in the same situations without: take it out"
            return Finding(part.file, part.line, Doubt.IDLE_CONDITION, Level.WARNING, message)
        if {rule for key in changed for rule in changed[key]} <= self.idle or self.is_noticed(changed):
            return None
        message = (
            f"no answer depends on {what} in {rules}, because of what other rules decide there; "
            "leave it if it says what is meant"
        )
        return Finding(part.file, part.line, Doubt.COVERED_CONDITION, Level.NOTE, message)

    def changed(self, part: Mutant, clause: Clause, touched: Collection[str]) -> dict[QuestionKey, dict[str, Diagram]]:
        """The rules that hold elsewhere without the part, in each question."""
        laboratory, scratch = self.laboratory, self.scratch
        reach = _Reach.of(clause, laboratory)
        tracer = self._tracer(part, clause)
        found: dict[QuestionKey, dict[str, Diagram]] = {}
        for rule_id in sorted(touched):
            rule = laboratory.text.rules[rule_id]
            for subject in reach.subjects:
                pairs = frozenset(
                    (action, resource.name) for resource in reach.resources for action in resource.actions
                )
                now = self._trace(tracer, rule, subject, pairs)
                for action, resource in pairs:
                    key = (subject.name, action, resource)
                    decision = laboratory.decisions[key]
                    before, after = decision.rules.get(rule_id, False), now.get((action, resource), False)
                    if scratch.without(scratch.differ(before, after), decision.impossible) is not False:
                        found.setdefault(key, {})[rule_id] = after
        return found

    def _tracer(self, part: Mutant, clause: Clause) -> Tracer:
        laboratory = self.laboratory
        source = mutated(laboratory.files[part.file], part)
        fresh = read_polar(source, part.file).clauses
        clauses = [other for other in laboratory.text.clauses if other.file != part.file] + fresh
        heads = dict(laboratory.text.heads)
        if clause.predicate in EFFECTS:
            heads[_id(clause)] = [
                other for other in clauses if other.predicate == clause.predicate and _id(other) == _id(clause)
            ]
        text = Text(clauses, laboratory.text.rules, heads)
        try:
            polar = Polar(laboratory.facts, {**laboratory.bundle.polar, part.file: source})
        except BundleError:
            raise _RefusedError from None
        return Tracer(laboratory.facts, text, polar, laboratory.paths)

    def _trace(
        self, tracer: Tracer, rule: Rule, subject: TypeName, pairs: frozenset[tuple[str, str]]
    ) -> dict[tuple[str, str], Diagram]:
        try:
            leaves = tracer.leaves(rule, subject.name, tracer.pairs(rule, subject) & pairs, {})
        except (PolarError, TooManyLeavesError):
            raise _RefusedError from None
        if list(tracer.judge(rule, leaves)):
            raise _RefusedError
        return combine(self.scratch, leaves)

    def is_noticed(self, changed: dict[QuestionKey, dict[str, Diagram]]) -> bool:
        """Whether some answer is another with these diagrams."""
        for key, rules in changed.items():
            before = self.laboratory.decisions[key]
            own = {**before.rules, **rules}
            after = decide(self.scratch, self.laboratory.text.rules, own, before.impossible)
            differing = self.scratch.differ(before.decision, after.decision)
            if self.scratch.without(differing, before.impossible) is not False:
                return True
        return False


class _RefusedError(Exception):
    """Without the part, the bundle would not load."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """The types that a clause can speak of: those of its parameters, or all."""

    subjects: tuple[TypeName, ...]
    resources: tuple[TypeName, ...]

    @staticmethod
    def of(clause: Clause, laboratory: Laboratory) -> _Reach:
        classes = {parameter.cls for parameter in clause.parameters}
        sides = []
        for declared in (laboratory.facts.subjects, laboratory.facts.resources):
            named = tuple(each for each in declared.values() if each.cls in classes)
            sides.append(named or tuple(declared.values()))
        return _Reach(*sides)


def _id(clause: Clause) -> str:
    return str(clause.parameters[3].literal)
