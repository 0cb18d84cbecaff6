"""A loaded policy, and its loading: checked, traced, proven, compared with plain Polar, or taken from the store."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from authz_service.engine.build import Decision, Tracer, decide, impossible_diagrams, variables_of
from authz_service.engine.bundle import INVARIANTS, Bundle, read_bundle
from authz_service.engine.crosscheck import crosscheck
from authz_service.engine.declarations import doubtful_declarations
from authz_service.engine.diagram import Diagrams
from authz_service.engine.errors import BundleError, Problem, shorten, suggest
from authz_service.engine.facts import Facts, Side
from authz_service.engine.facts_file import read_facts
from authz_service.engine.lint import Text, lint
from authz_service.engine.polar import Polar, PolarError
from authz_service.engine.prove import Proof, failures, prove, read_invariants
from authz_service.engine.question import MISSING, Answer, InvalidSituationError, Known, Missing, Question
from authz_service.engine.reference import Reference
from authz_service.engine.store import read_stored, write_stored
from authz_service.engine.tokens import read_polar
from authz_service.engine.trace import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.facts import Fact
    from authz_service.engine.lint import Rule
    from authz_service.engine.prove import Invariant

__all__ = ["MISSING", "Answer", "InvalidSituationError", "Missing", "Policy", "PolicyHolder", "Question", "load_policy"]

Engine = Literal["diagram", "polar"]


class Policy:
    """One bundle, ready to answer. Immutable; any number of threads may share it."""

    def __init__(
        self,
        bundle: Bundle,
        facts: Facts,
        diagrams: Diagrams,
        rules: Mapping[str, Rule],
        decisions: Mapping[QuestionKey, Decision],
    ) -> None:
        self._bundle, self._facts, self._diagrams, self._decisions = bundle, facts, diagrams, decisions
        self.digest = bundle.digest
        self.facts: Mapping[str, Fact] = MappingProxyType(facts.facts)
        self.rules: Mapping[str, Rule] = MappingProxyType(dict(rules))
        self.subject_types = tuple(facts.subjects)
        self.resource_types = {name: tuple(declared.actions) for name, declared in facts.resources.items()}
        self._questions: dict[QuestionKey, Question] = {}

    def subject_slots(self, subject_type: str) -> tuple[Fact, ...]:
        """The facts of a subject type, in slot order."""
        return self._facts.slots(Side.SUBJECT, subject_type)

    def resource_slots(self, resource_type: str) -> tuple[Fact, ...]:
        """The facts of a resource type, in slot order."""
        return self._facts.slots(Side.RESOURCE, resource_type)

    def question(self, subject_type: str, action: str, resource_type: str) -> Question | None:
        """The question, compiled when it is first asked for; None when a type or the action is unknown."""
        key = (subject_type, action, resource_type)
        found = self._questions.get(key)
        if found is None and key in self._decisions:
            # Two threads may both compile it; the questions are equal, and the first one stays.
            fresh = Question(key, self._facts, self._diagrams, self.rules, self._decisions[key])
            found = self._questions.setdefault(key, fresh)
        return found

    def answer(  # noqa: PLR0917 - a question has these parts
        self,
        subject_type: str,
        subject_facts: Mapping[str, object],
        action: str,
        resource_type: str,
        resource_facts: Mapping[str, object],
        engine: Engine = "diagram",
    ) -> Answer:
        """Answer a question given by names (`{"kind": "self", "toggle.messages": True}`); every mistake denies.

        Both engines give the same answer and the same error; `polar` is the reference, and slow.
        """
        question = self.question(subject_type, action, resource_type)
        if question is None:
            return Answer(decision=False, error=self._unknown(subject_type, action, resource_type))
        errors: list[str] = []
        s = _slots(question.subject_slots, subject_facts, Side.SUBJECT, errors)
        r = _slots(question.resource_slots, resource_facts, Side.RESOURCE, errors)
        if errors:
            return Answer(decision=False, error="; ".join(errors))
        if engine == "diagram":
            return question.answer(s, r)
        try:
            known = question.know(s, r)
        except InvalidSituationError as error:
            return Answer(decision=False, error=str(error))
        try:
            return self._ask_polar(question, known, s, r)
        except PolarError as error:
            return Answer(decision=False, error=error.message)

    def _ask_polar(self, question: Question, known: Known, s: tuple[object, ...], r: tuple[object, ...]) -> Answer:
        key = (question.subject_type, question.action, question.resource_type)
        if not known.missing:
            subject = {fact.key: value for fact, value in zip(question.subject_slots, s, strict=True)}
            resource = {fact.key: value for fact, value in zip(question.resource_slots, r, strict=True)}
            return Answer(self._reference.allows(key, subject, resource))  # type: ignore[arg-type]
        values = {
            self._diagrams.names[level]: self._diagrams.values[level][index] for level, index in known.fixed.items()
        }
        return question.conclude(self._reference.rest(self._diagrams.scratch(), key, values), known)

    def prove(self, invariants: Iterable[Invariant] | None = None) -> list[Proof]:
        """Prove these invariants, or every one of the bundle once more, with counts."""
        if invariants is None:
            invariants = self.invariants()
        return prove(invariants, self._facts, self._diagrams.scratch(), self._decisions)

    def invariants(self, text: str | None = None, file: str = INVARIANTS) -> list[Invariant]:
        """The bundle's invariants, or those of a text in the form of `invariants.yaml`, called `file`.

        Raises:
            BundleError: the text is none.
        """
        if text is None:
            return _invariants(self._bundle, self._facts)[0]
        invariants, problems = read_invariants(text, self._facts, file)
        if problems:
            raise BundleError(problems)
        return invariants

    @cached_property
    def _reference(self) -> Reference:
        text = lint([read_polar(text, file) for file, text in self._bundle.polar.items()], self._facts)
        return Reference(Tracer(self._facts, text, Polar(self._facts, self._bundle.polar), Paths(self._facts)))

    def _unknown(self, subject_type: str, action: str, resource_type: str) -> str:
        if subject_type not in self.subject_types:
            return f"{shorten(subject_type)} is no subject type{suggest(subject_type, self.subject_types)}"
        if resource_type not in self.resource_types:
            return f"{shorten(resource_type)} is no resource type{suggest(resource_type, self.resource_types)}"
        return f"{shorten(action)} is no action of {resource_type}{suggest(action, self.resource_types[resource_type])}"


class PolicyHolder:
    """Holds the policy in service; `swap` replaces it whole or leaves it."""

    __slots__ = ("_policy",)

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @property
    def policy(self) -> Policy:
        """The policy to ask; keep the reference for as long as one request lasts."""
        return self._policy

    def swap(self, folder: Path, store: Path | None = None) -> Policy:
        """Load a bundle and put it in service.

        Raises:
            BundleError: the bundle is refused; the policy in service stays.
        """
        self._policy = policy = load_policy(folder, store)
        return policy


def load_policy(folder: Path, store: Path | None = None) -> Policy:
    """Load the bundle in `folder`; with a `store` folder, take its diagrams from there or leave them there.

    Raises:
        BundleError: the bundle is refused, with every reason.
        OSError: the store cannot be written.
    """
    return build_policy(read_bundle(folder), store)


def build_policy(bundle: Bundle, store: Path | None = None) -> Policy:
    """The policy of a bundle; otherwise as `load_policy`."""
    facts = read_facts(bundle.facts)
    if store is not None and not facts.problems:
        stored = read_stored(store, bundle.digest, facts)
        if stored is not None:
            return Policy(bundle, facts, *stored)
    policy = _build(bundle, facts)
    if store is not None:
        write_stored(store, bundle.digest, policy.rules, policy._decisions)  # noqa: SLF001 - the same module
    return policy


def _build(bundle: Bundle, facts: Facts) -> Policy:
    if facts.problems and not facts.facts:
        # Without facts every word of a rule would look wrong.
        raise BundleError(facts.problems)
    files = [read_polar(text, file) for file, text in bundle.polar.items()]
    text = lint(files, facts)
    invariants, problems = _invariants(bundle, facts)
    problems += facts.problems + text.problems
    if problems:
        raise BundleError([*problems, *doubtful_declarations(problems, files, facts)])
    tracer = Tracer(facts, text, Polar(facts, bundle.polar), Paths(facts))
    diagrams = Diagrams(variables_of(facts))
    found, problems = tracer.trace_all(diagrams)
    if problems:
        raise BundleError([*problems, *doubtful_declarations(problems, files, facts)])
    impossible = impossible_diagrams(diagrams, facts)
    decisions = {key: decide(diagrams, text.rules, own, impossible[key]) for key, own in found.items()}
    allow = next(Problem(clause.file, clause.line, "") for clause in text.clauses if clause.predicate == "allow")
    problems = _never_holding(text, diagrams, decisions)
    problems += failures(prove(invariants, facts, diagrams, decisions))
    problems += crosscheck(facts, diagrams, decisions, Reference(tracer), allow)
    if problems:
        raise BundleError(problems)
    diagrams.freeze()
    return Policy(bundle, facts, diagrams, text.rules, decisions)


def _invariants(bundle: Bundle, facts: Facts) -> tuple[list[Invariant], list[Problem]]:
    return ([], []) if bundle.invariants is None else read_invariants(bundle.invariants, facts)


def _never_holding(text: Text, diagrams: Diagrams, decisions: Mapping[QuestionKey, Decision]) -> list[Problem]:
    holding = {
        rule_id
        for decision in decisions.values()
        for rule_id, diagram in decision.rules.items()
        if diagrams.without(diagram, decision.impossible) is not False
    }
    return [
        Problem(rule.file, rule.line, f"the rule {rule.id} can never hold: no situation satisfies its condition")
        for rule in text.rules.values()
        if rule.id not in holding
    ]


def _slots(slots: tuple[Fact, ...], given: Mapping[str, object], side: Side, errors: list[str]) -> tuple[object, ...]:
    known = {fact.key: fact for fact in slots}
    errors.extend(
        f"{side}.{shorten(key)} is no fact of this type{suggest(key, known)}" for key in given if key not in known
    )
    return tuple(given.get(fact.key, MISSING) for fact in slots)
