"""Random situations of a bundle, weighted so that much is allowed and every rule gets its chance to decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authz_service.engine.diagram import Node

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

    from authz_service.engine import Policy, Question
    from authz_service.engine.diagram import Diagram, Diagrams
    from authz_service.engine.facts import Fact

# What everyday questions look like; a fact not named here has any of its values.
USUAL: Mapping[str, str | bool] = {
    "status": "active",
    "window": "current",
    "blocked": False,
    "account.state": "active",
    "account.password": "settled",
    "proof": "on_file",
    "tenancy": "own",
    "state": "active",
    "second_factor": True,
    "practice.contacts": True,
    "client.active": True,
    "client.assent": "given",
    "withheld": False,
}
USUALLY = 0.93
INCOMPLETE = 0.12


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its facts by name; a fact that is absent is missing."""

    subject_type: str
    action: str
    resource_type: str
    subject: Mapping[str, Any]
    resource: Mapping[str, Any]

    def __str__(self) -> str:
        asked = f"{self.subject_type} {self.action} {self.resource_type}"
        unusual = {key: value for key, value in self.subject.items() if value != usual_value(key)}
        return f"{asked}: {unusual} {dict(self.resource)}"


def usual_value(key: str) -> str | bool | None:
    """The value a fact mostly has, if any."""
    return True if "switch." in key or "toggle." in key else USUAL.get(key)


def slots(question: Question, case: Case) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A complete situation as the question takes it: the values of the subject's and of the resource's facts."""
    return (
        tuple(case.subject[fact.key] for fact in question.subject_slots),
        tuple(case.resource[fact.key] for fact in question.resource_slots),
    )


def holding(question: Question, case: Case, effect: str) -> set[str]:
    """The ids of the permits (or forbids) that hold in a complete situation."""
    diagrams = question.diagrams
    levels = diagrams.variables.levels
    situation: dict[int, int] = {}
    for declared, facts in ((question.subject_slots, case.subject), (question.resource_slots, case.resource)):
        for fact in declared:
            situation[levels[fact.name]] = fact.values.index(facts[fact.key])
    return {
        rule_id
        for rule_id, diagram in question.rule_diagrams.items()
        if question.rules[rule_id].effect == effect and diagrams.holds(diagram, situation)
    }


def deciding_rule(question: Question, case: Case) -> str | None:
    """The one rule without which a complete situation would be answered the other way."""
    permits = holding(question, case, "permit")
    forbids = holding(question, case, "forbid")
    if len(permits) == 1 and not forbids:
        return permits.pop()
    return forbids.pop() if permits and len(forbids) == 1 else None


@dataclass(slots=True)
class Situations:
    """Draws cases for a policy: a third blindly, a third near what is allowed, a third where one rule decides."""

    policy: Policy
    rng: random.Random
    questions: list[Question] = field(default_factory=list)
    deciding: dict[str, list[tuple[Question, Diagram]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for resource_type, actions in self.policy.resource_types.items():
            for action in actions:
                for subject_type in self.policy.subject_types:
                    question = self.policy.question(subject_type, action, resource_type)
                    if question is not None:
                        self.questions.append(question)
        for question in self.questions:
            for rule_id, diagram in _where_each_decides(question):
                self.deciding.setdefault(rule_id, []).append((question, diagram))

    def __iter__(self) -> Iterator[Case]:
        rules = list(self.deciding)
        allowing = [question for question in self.questions if question.diagram is not False]
        while True:
            yield self._draw(self.rng.choice(self.questions), True)
            question = self.rng.choice(allowing)
            yield self._draw(question, question.diagram, changes=self.rng.randrange(3))
            yield self._draw(*self.rng.choice(self.deciding[self.rng.choice(rules)]))

    def _draw(self, question: Question, region: Diagram, changes: int = 0) -> Case:
        while True:
            case = self._fill(question, self._walk(question.diagrams, region), changes)
            if not question.impossible(*slots(question, case)):
                return self._thin_out(case) if self.rng.random() < INCOMPLETE else case

    def _walk(self, diagrams: Diagrams, region: Diagram) -> dict[str, Any]:
        """A random path to True."""
        chosen: dict[str, Any] = {}
        while isinstance(region, Node):
            i = self.rng.choice([i for i, child in enumerate(region.children) if child is not False])
            chosen[diagrams.variables.names[region.level]] = diagrams.variables.values[region.level][i]
            region = region.children[i]
        return chosen

    def _fill(self, question: Question, chosen: dict[str, Any], changes: int) -> Case:
        facts = (*question.subject_slots, *question.resource_slots)
        for fact in self.rng.sample(facts, min(changes, len(facts))):
            chosen[fact.name] = self.rng.choice(fact.values)
        subject, resource = (
            {fact.key: chosen[fact.name] if fact.name in chosen else self._value(fact) for fact in declared}
            for declared in (question.subject_slots, question.resource_slots)
        )
        return Case(question.subject_type, question.action, question.resource_type, subject, resource)

    def _value(self, fact: Fact) -> str | bool:
        usual = usual_value(fact.key)
        if usual in fact.values and self.rng.random() < USUALLY:
            return usual
        return self.rng.choice(fact.values)

    def _thin_out(self, case: Case) -> Case:
        """Take one to three facts away."""
        named = [("subject", key) for key in case.subject] + [("resource", key) for key in case.resource]
        gone = set(self.rng.sample(named, self.rng.randint(1, 3)))
        subject = {key: value for key, value in case.subject.items() if ("subject", key) not in gone}
        resource = {key: value for key, value in case.resource.items() if ("resource", key) not in gone}
        return Case(case.subject_type, case.action, case.resource_type, subject, resource)


def _where_each_decides(question: Question) -> Iterator[tuple[str, Diagram]]:
    """For each rule that can decide this question alone: where it does."""
    scratch = question.diagrams.scratch()
    permits, forbids = (
        {key: found for key, found in question.rule_diagrams.items() if question.rules[key].effect == effect}
        for effect in ("permit", "forbid")
    )
    permitted, forbidden = scratch.any_of(permits.values()), scratch.any_of(forbids.values())
    for rule_id, diagram in question.rule_diagrams.items():
        rivals = permits if rule_id in permits else forbids
        alone = scratch.without(diagram, scratch.any_of(found for key, found in rivals.items() if key != rule_id))
        alone = scratch.without(alone, forbidden) if rule_id in permits else scratch.both(alone, permitted)
        alone = scratch.without(alone, question.impossible_diagram)
        if alone is not False:
            yield rule_id, alone
