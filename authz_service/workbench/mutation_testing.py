"""Whether the load, the invariants and the suites of a bundle notice its mutants.

Only the rules that a mutant can reach are traced again; a mutant with the same decision diagrams as the original is
equivalent, and nothing could notice it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from authz_service.engine.build import Tracer, combine, decide, impossible_diagrams, variables_of
from authz_service.engine.bundle import INVARIANTS, read_bundle
from authz_service.engine.diagram import Diagrams
from authz_service.engine.errors import BundleError, Problem
from authz_service.engine.facts_file import read_facts
from authz_service.engine.lint import lint
from authz_service.engine.polar import Polar, PolarError
from authz_service.engine.policy import Policy
from authz_service.engine.prove import prove, read_invariants
from authz_service.engine.tokens import EFFECTS, read_polar
from authz_service.engine.trace import Paths, TooManyLeavesError
from authz_service.workbench.cases import judge
from authz_service.workbench.mutations import Mutant, mutants, mutated
from authz_service.workbench.questions import questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from authz_service.engine.build import Decision, QuestionKey
    from authz_service.engine.diagram import Diagram
    from authz_service.engine.lint import Rule, Text
    from authz_service.engine.prove import Proof
    from authz_service.workbench.cases import Case


class Fate(StrEnum):
    """What became of a mutant."""

    REFUSED = "refused"  # by the load
    DISPROVED = "disproved"  # by an invariant
    FAILED = "failed"  # by a cell of a suite
    EQUIVALENT = "equivalent"  # the same answer in every situation
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant, what became of it, and what noticed it: a problem, an invariant's id or a cell."""

    mutant: Mutant
    fate: Fate
    by: str = ""


class Laboratory:
    """A bundle, traced once, in which mutants are tried.

    Raises:
        BundleError: the bundle itself is refused.
    """

    def __init__(self, folder: Path) -> None:
        self.bundle = read_bundle(folder)
        self.facts = read_facts(self.bundle.facts)
        self.files = {file: read_polar(text, file) for file, text in self.bundle.polar.items()}
        self.text = lint(list(self.files.values()), self.facts)
        if problems := [*self.facts.problems, *self.text.problems]:
            raise BundleError(problems)
        self.invariants = read_invariants(self.bundle.invariants, self.facts)[0] if self.bundle.invariants else []
        self.paths = Paths(self.facts)
        self.diagrams = Diagrams(variables_of(self.facts))
        tracer = Tracer(self.facts, self.text, Polar(self.facts, self.bundle.polar), self.paths)
        found, problems = tracer.trace_all(self.diagrams)
        if problems:
            raise BundleError(problems)
        self.impossible = impossible_diagrams(self.diagrams, self.facts)
        self.decisions: dict[QuestionKey, Decision] = {
            key: decide(self.diagrams, self.text.rules, own, self.impossible[key]) for key, own in found.items()
        }
        self.diagrams.freeze()
        self.policy = Policy(self.bundle, self.facts, self.diagrams, self.text.rules, self.decisions)

    def prove(self, text: str | None = None, file: str = INVARIANTS) -> list[Proof]:
        """Prove the bundle's own invariants, or those of a text in the form of `invariants.yaml`, called `file`.

        Raises:
            BundleError: the text is none.
        """
        if text is None:
            text = self.bundle.invariants
        invariants, problems = ([], []) if text is None else read_invariants(text, self.facts, file)
        if problems:
            raise BundleError(problems)
        return prove(invariants, self.facts, self.diagrams.scratch(), self.decisions)

    def mutants(self) -> list[Mutant]:
        """Every mutant of the bundle."""
        return mutants(self.facts, self.bundle.polar)

    def test(self, mutant: Mutant, cases: Mapping[QuestionKey, Sequence[Case]]) -> Outcome:
        """Load a mutant, prove the invariants and run the cells of the questions that it changes."""
        try:
            policy, changed = self.load(mutant)
        except BundleError as error:
            return Outcome(mutant, Fate.REFUSED, str(error.problems[0]))
        if not changed:
            return Outcome(mutant, Fate.EQUIVALENT)
        scratch = next(questions(policy)).diagrams.scratch()
        for proof in prove(self.invariants, self.facts, scratch, changed):
            if proof.counterexample is not None:
                return Outcome(mutant, Fate.DISPROVED, proof.invariant.id)
        for key in changed:
            for case in cases.get(key, ()):
                if judge(case, case.ask(policy)) is not None:
                    return Outcome(mutant, Fate.FAILED, case.place)
        return Outcome(mutant, Fate.SURVIVED)

    def load(self, mutant: Mutant) -> tuple[Policy, dict[QuestionKey, Decision]]:
        """The policy with a mutant in it, and the questions that it answers otherwise in some situation.

        Raises:
            BundleError: the load refuses it.
        """
        sources = {**self.bundle.polar, mutant.file: mutated(self.files[mutant.file], mutant)}
        text = self.read(sources)
        return self.retrace(sources, text, self.touched(mutant, text))

    def edit(self, sources: Mapping[str, str]) -> tuple[Policy, dict[QuestionKey, Decision]]:
        """The same with other texts of some files, whatever changed in them; but for `main.polar`.

        Raises:
            BundleError: the load refuses it.
        """
        text = self.read({**self.bundle.polar, **sources})
        before, after = _wordings(self.text), _wordings(text)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        touched = {
            rule_id
            for reading in (self.text, text)
            for rule_id in reading.rules
            if rule_id in changed or any(clause.calls & changed for clause in reading.reach(rule_id))
        }
        return self.retrace({**self.bundle.polar, **sources}, text, touched)

    def read(self, sources: Mapping[str, str]) -> Text:
        """The words of these files.

        Raises:
            BundleError: something is wrong with them.
        """
        known = self.bundle.polar
        files = [
            self.files[file] if known.get(file) == source else read_polar(source, file)
            for file, source in sources.items()
        ]
        text = lint(files, self.facts)
        if text.problems:
            raise BundleError(text.problems)
        return text

    def retrace(
        self, sources: Mapping[str, str], text: Text, touched: set[str]
    ) -> tuple[Policy, dict[QuestionKey, Decision]]:
        """The policy of these texts, in which only some rules hold elsewhere than before, and what it changes.

        Raises:
            BundleError: one of those rules is refused.
        """
        tracer = Tracer(self.facts, text, Polar(self.facts, sources), self.paths)
        diagrams = self.diagrams.scratch()
        own = {key: dict(decision.rules) for key, decision in self.decisions.items()}
        for rule_id in touched:
            for rules in own.values():
                rules.pop(rule_id, None)
        for rule_id in touched & text.rules.keys():
            for key, diagram in self.trace(tracer, text.rules[rule_id], diagrams):
                own[key][rule_id] = diagram
        decisions = dict(self.decisions)
        changed: dict[QuestionKey, Decision] = {}
        for key, before in self.decisions.items():
            if own[key] != before.rules:
                after = decisions[key] = decide(diagrams, text.rules, own[key], before.impossible)
                differing = diagrams.differ(before.decision, after.decision)
                if diagrams.without(differing, before.impossible) is not False:
                    changed[key] = after
        diagrams.freeze()
        return Policy(self.bundle, self.facts, diagrams, text.rules, decisions), changed

    def touched(self, mutant: Mutant, text: Text) -> set[str]:
        """The rules that can reach the mutated clause, before or after."""
        clause = self.files[mutant.file].clauses[mutant.clause]
        if clause.predicate in EFFECTS:
            return {str(clause.parameters[3].literal)}
        return {
            rule_id
            for reading in (self.text, text)
            for rule_id in reading.rules
            if any(clause.predicate in reached.calls for reached in reading.reach(rule_id))
        }

    def trace(self, tracer: Tracer, rule: Rule, diagrams: Diagrams) -> Iterator[tuple[QuestionKey, Diagram]]:
        """The diagrams of one rule in every question where it can hold."""
        held = False
        for subject in self.facts.subjects.values():
            try:
                leaves = tracer.leaves(rule, subject.name, tracer.pairs(rule, subject), {})
            except PolarError as error:
                raise BundleError([Problem(rule.file, rule.line, error.message)]) from None
            except TooManyLeavesError:
                raise BundleError([Problem(rule.file, rule.line, "too many situations to be told apart")]) from None
            if problems := list(tracer.judge(rule, leaves)):
                raise BundleError(problems)
            for (action, resource), diagram in combine(diagrams, leaves).items():
                key = (subject.name, action, resource)
                held = held or diagrams.without(diagram, self.impossible[key]) is not False
                yield key, diagram
        if not held:
            raise BundleError([Problem(rule.file, rule.line, f"the rule {rule.id} can never hold")])


def _wordings(text: Text) -> dict[str, list[tuple[str, ...]]]:
    """The clauses of each rule, by its id, and of each helper, word for word and in their order."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for clause in text.clauses:
        name = str(clause.parameters[3].literal) if clause.predicate in EFFECTS else clause.predicate
        words = tuple(f"{token.kind} {token.text}" for token in (*clause.head, *clause.body))
        found.setdefault(name, []).append(words)
    return found
