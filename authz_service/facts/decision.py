"""One question answered: the facts of each grant derived, the policy asked, the answers joined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from authz_service.facts.derive import Derivation, Seat
from authz_service.facts.sources import FactError, Item
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy, Question
    from authz_service.facts.derive import ItemReader
    from authz_service.facts.request import Request
    from authz_service.facts.rows import Access, Relation


# The policy is the platform's own, and every practice's alike.
_EVERY_PRACTICES = frozenset({"policy"})


class Reason(StrEnum):
    """Why a question was denied before the policy was asked."""

    NO_GRANT = "no_grant"
    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_CLIENT = "unknown_client"
    UNKNOWN_QUESTION = "unknown_question"  # no such subject type, resource type or action
    NO_CLIENT = "no_client"  # the resource's client was neither sent nor registered
    WRONG_CLIENT = "wrong_client"  # what was sent contradicts what is registered


@dataclass(frozen=True, slots=True)
class Situation:
    """What was put to the policy. Facts that the answer cannot depend on stay MISSING."""

    question: Question
    grant_id: str | None
    subject: tuple[Any, ...]
    resource: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `grant_id` is the grant that allowed; `situations` are those asked, of which the last allowed."""

    allowed: bool
    grant_id: str | None = None
    error: str | None = None
    missing: tuple[str, ...] = ()
    reason: Reason | None = None
    situations: tuple[Situation, ...] = ()


class DeniedError(Exception):
    """There is no seat to ask from."""

    def __init__(self, reason: Reason, error: str | None = None, missing: tuple[str, ...] = ()) -> None:
        super().__init__(error or reason.value)
        self.decision = Decision(allowed=False, error=error, missing=missing, reason=reason)


class Decider:
    """A policy, ready to decide on rows. Immutable: one serves every thread."""

    def __init__(self, policy: Policy, *, second_factor_for_staff: bool = False) -> None:
        self.policy = policy
        self.derivation = Derivation(policy, second_factor_for_staff=second_factor_for_staff)
        self._questions: dict[tuple[str, str, str], tuple[Question, ItemReader]] = {}
        for resource_type, actions in policy.resource_types.items():
            for action in actions:
                for subject_type in policy.subject_types:
                    question = policy.question(subject_type, action, resource_type)
                    if question is not None:
                        reader = self.derivation.reader(question, resource_type)
                        self._questions[subject_type, action, resource_type] = question, reader

    def decide(self, access: Access, request: Request) -> Decision:
        """May the subject? Allowed when the policy allows it through one of the subject's grants."""
        known = self._questions.get((request.subject_type, request.action, request.resource_type))
        if known is None:
            return self._unknown(request)
        question, reader = known
        try:
            properties = _properties(access, request)
            seats = self.seats(access, request, properties)
        except DeniedError as denied:
            return denied.decision
        except FactError as wrong:
            return Decision(allowed=False, error=str(wrong))
        item = Item(request.resource_type, request.resource_id, properties, request.now)
        situations: list[Situation] = []
        missing: tuple[str, ...] = ()
        error: str | None = None
        for seat in seats:
            subject = seat.subject
            try:
                resource, complete = reader.read(seat.bound, item)
            except FactError as wrong:
                error = f"{request.resource_type}: {wrong}"
                continue
            situations.append(Situation(question, seat.grant_id, subject, resource))
            if complete and seat.complete and not question.impossible(subject, resource):
                if question.decide(subject, resource):
                    return Decision(True, seat.grant_id, None, (), None, tuple(situations))
                continue
            answer = question.answer(subject, resource)
            if answer.decision:
                return Decision(True, seat.grant_id, None, (), None, tuple(situations))
            missing += tuple(name for name in answer.missing if name not in missing)
            error = error or answer.error
        return Decision(False, None, error, missing, None, tuple(situations))

    def seats(self, access: Access, request: Request, properties: Mapping[str, Any]) -> tuple[Seat, ...]:
        """The subject's seats towards the `client_id` (staff: or `practice_id`) of these properties.

        Raises DeniedError when there is none, FactError when a row holds what is no value of its fact.
        """
        client_id, practice_id = _id(properties, "client_id"), _id(properties, "practice_id")
        if request.subject_type == SubjectType.ACCOUNT:
            if client_id is None:
                message = "client_id is neither sent nor registered, and an account's access always concerns a client"
                raise DeniedError(Reason.NO_CLIENT, message, ("client_id",))
            relation = _relation(access, request.subject_id, client_id, practice_id)
            if relation.account is None:
                raise DeniedError(Reason.UNKNOWN_SUBJECT)
            if not relation.grants:
                raise DeniedError(Reason.NO_GRANT)
            return self.derivation.holder_seats(relation, request.now, request.authn)
        post = access.post(request.subject_id)
        if post is None:
            raise DeniedError(Reason.UNKNOWN_SUBJECT)
        of_client = None if client_id is None else _relation(access, None, client_id, practice_id)
        if of_client is not None:
            practice_id = of_client.practice.id
        elif practice_id is None and request.resource_type in _EVERY_PRACTICES:
            practice_id = post.practice.id
        return (self.derivation.member_seat(post, practice_id, of_client, request.now, request.authn),)

    def _unknown(self, request: Request) -> Decision:
        actions = self.policy.resource_types.get(request.resource_type)
        if request.subject_type not in self.policy.subject_types:
            message = f"{request.subject_type!r} is no type of subject"
        elif actions is None:
            message = f"{request.resource_type!r} is no type of resource"
        else:
            message = f"{request.action!r} is no action on {request.resource_type}; it has {', '.join(actions)}"
        return Decision(allowed=False, error=message, reason=Reason.UNKNOWN_QUESTION)


def decide(policy: Policy, access: Access, request: Request) -> Decision:
    """Decide by a policy whose preparation is kept for the next question."""
    return prepare(policy).decide(access, request)


@lru_cache(maxsize=4)
def prepare(policy: Policy) -> Decider:
    """The policy ready to decide. Raises BundleError when a fact names a source that does not exist."""
    return Decider(policy)


def _properties(access: Access, request: Request) -> Mapping[str, Any]:
    """What was sent, filled up with what is registered. Raises DeniedError when they name different clients."""
    sent = request.properties
    registered = None if request.resource_id is None else access.item(request.resource_type, request.resource_id)
    if registered is None:
        return sent
    for name in ("client_id", "practice_id"):
        if name in sent and name in registered and sent[name] != registered[name]:
            raise DeniedError(Reason.WRONG_CLIENT, f"{name} is not that of this {request.resource_type}")
    return {**registered, **sent}


def _relation(access: Access, account_id: str | None, client_id: str, practice_id: str | None) -> Relation:
    relation = access.relation(account_id, client_id)
    if relation is None:
        raise DeniedError(Reason.UNKNOWN_CLIENT)
    if practice_id is not None and practice_id != relation.practice.id:
        raise DeniedError(Reason.WRONG_CLIENT, "practice_id is not the practice of client_id")
    return relation


def _id(properties: Mapping[str, Any], name: str) -> str | None:
    value = properties.get(name)
    if value is None or type(value) is str:
        return value
    raise DeniedError(Reason.NO_CLIENT, f"{name} must be an id, not {str(value)[:80]!r}", (name,))
