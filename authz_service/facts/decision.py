"""One question answered: the facts of each grant derived, the policy asked, the answers joined."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.facts.derive import Derivation, Seat
from authz_service.facts.request import NO_AUTHN
from authz_service.facts.sources import FactError
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz_service.engine import Policy, Question
    from authz_service.facts.items import ItemReader, Read
    from authz_service.facts.request import Request
    from authz_service.facts.rows import Access, Relation


# The policy is the platform's own, and every practice's alike.
_EVERY_PRACTICES = frozenset({"policy"})
# There is one of each for a client (a practice), so it is known by the id of that.
KNOWN_BY = dict.fromkeys(("portal", "profile", "calendar", "owner_email", "client"), "client_id") | {
    "practice": "practice_id"
}


_ACCOUNT = SubjectType.ACCOUNT.value
_new = tuple.__new__  # Half the price of a call, on the path of every question.


class Reason(StrEnum):
    """Why a question was denied before the policy was asked."""

    NO_GRANT = "no_grant"
    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_CLIENT = "unknown_client"
    UNKNOWN_QUESTION = "unknown_question"  # no such subject type, resource type or action
    NO_CLIENT = "no_client"  # the resource's client was neither sent nor registered
    WRONG_CLIENT = "wrong_client"  # what was sent contradicts what is registered


class Situation(NamedTuple):
    """What was put to the policy. Facts that the answer cannot depend on stay MISSING."""

    question: Question
    grant_id: str | None
    subject: tuple[Any, ...]
    resource: tuple[Any, ...]


class Decision(NamedTuple):
    """The answer. `grant_id` is the grant that allowed; `situations` are those asked, of which the last allowed."""

    allowed: bool
    grant_id: str | None = None
    error: str | None = None
    missing: tuple[str, ...] = ()
    reason: Reason | None = None
    situations: tuple[Situation, ...] = ()


_NO_GRANT = Decision(allowed=False, reason=Reason.NO_GRANT)


class Asked(NamedTuple):
    """A question with what answering it takes at hand."""

    question: Question
    decides: Callable[[tuple[Any, ...], tuple[Any, ...]], bool]
    reader: ItemReader
    read: Read
    can_be_impossible: bool


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
        self._no_authn = self.derivation.key(NO_AUTHN)
        self._questions: dict[tuple[str, str, str], Asked] = {}

    @property
    def asked(self) -> tuple[tuple[str, str, str], ...]:
        """The questions that are ready: subject type, action, resource type."""
        return tuple(self._questions)

    def decide(self, access: Access, request: Request) -> Decision:
        """May the subject? Allowed when the policy allows it through one of the subject's grants."""
        return self.decide_known(access, request, registered(access, request[3], request[4]))

    def decide_known(self, access: Access, request: Request, known: Mapping[str, Any] | None) -> Decision:
        """The same; `known` is what `registered` finds of the resource."""
        subject_type, _, action, resource_type, _, _, _, _ = request
        key = (subject_type, action, resource_type)
        asked = self._questions.get(key) or self.prepared(*key)
        if asked is None:
            return self._unknown(request)
        try:
            seats = self._seats(access, request, known)
        except DeniedError as denied:
            return denied.decision
        except FactError as wrong:
            return Decision(allowed=False, error=str(wrong))
        if not seats:
            return _NO_GRANT
        return answer(asked, seats, request, known)

    def _seats(self, access: Access, request: Request, known: Mapping[str, Any] | None) -> tuple[Seat, ...]:
        """The seats for what was sent, with what is registered filling the gaps; none for an account without grant."""
        subject_type, subject_id, _, _, _, now, sent, authn = request
        client_id, practice_id = sent.get("client_id"), sent.get("practice_id")
        if known is not None:
            if known.get("client_id") != client_id:
                client_id = _agreed("client_id", known, request)
            if known.get("practice_id") != practice_id:
                practice_id = _agreed("practice_id", known, request)
        if subject_type == _ACCOUNT and client_id.__class__ is str:
            # The way of nearly every question: to the seats that were found before and are kept in the memo.
            relation = access.relation(subject_id, client_id)
            if relation is not None and (practice_id is None or practice_id == relation.practice.id):
                standing = relation.memo.get(self._no_authn if authn is NO_AUTHN else self.derivation.key(authn))
                if standing is not None and standing.since <= now < standing.until:
                    return standing.seats  # type: ignore[no-any-return]
                if relation.account is not None and not relation.grants:
                    return ()  # Strangers ask as often as friends; no error is raised for them.
        return self.seats(access, request, {"client_id": client_id, "practice_id": practice_id})

    def seats(self, access: Access, request: Request, properties: Mapping[str, Any]) -> tuple[Seat, ...]:
        """The subject's seats towards the `client_id` (staff: or `practice_id`) of these properties.

        Raises DeniedError when there is none, FactError when a row holds what is no value of its fact.
        """
        client_id, practice_id = properties.get("client_id"), properties.get("practice_id")
        if not ((type(client_id) is str or client_id is None) and (type(practice_id) is str or practice_id is None)):
            raise DeniedError(Reason.NO_CLIENT, "client_id and practice_id must be ids")
        if request.subject_type == _ACCOUNT:
            if client_id is None:
                message = "client_id is neither sent nor registered, and an account's access always concerns a client"
                raise DeniedError(Reason.NO_CLIENT, message, ("client_id",))
            relation = access.relation(request.subject_id, client_id)
            if relation is None or (practice_id is not None and practice_id != relation.practice.id):
                raise _unrelated(relation)
            if relation.account is None:
                raise DeniedError(Reason.UNKNOWN_SUBJECT)
            if not relation.grants:
                raise DeniedError(Reason.NO_GRANT)
            return self.derivation.holder_seats(relation, request.now, request.authn)
        post = access.post(request.subject_id)
        if post is None:
            raise DeniedError(Reason.UNKNOWN_SUBJECT)
        of_client = None if client_id is None else _relation_of(access, client_id, practice_id)
        if of_client is not None:
            practice_id = of_client.practice.id
        elif practice_id is None and request.resource_type in _EVERY_PRACTICES:
            practice_id = post.practice.id
        return self.derivation.member_seats(post, practice_id, of_client, request.now, request.authn)

    def prepared(self, subject_type: str, action: str, resource_type: str) -> Asked | None:
        """The question ready to be answered; None where there is no such question."""
        key = (subject_type, action, resource_type)
        question = self.policy.question(*key)
        if question is None:
            return None
        reader = self.derivation.reader(question, resource_type)
        asked = Asked(question, question.decide, reader, reader.read, question.impossible_diagram is not False)
        return self._questions.setdefault(key, asked)

    def _unknown(self, request: Request) -> Decision:
        actions = self.policy.resource_types.get(request.resource_type)
        if request.subject_type not in self.policy.subject_types:
            message = f"{request.subject_type!r} is no type of subject"
        elif actions is None:
            message = f"{request.resource_type!r} is no type of resource"
        else:
            message = f"{request.action!r} is no action on {request.resource_type}; it has {', '.join(actions)}"
        return Decision(allowed=False, error=message, reason=Reason.UNKNOWN_QUESTION)


def answer(asked: Asked, seats: tuple[Seat, ...], request: Request, known: Mapping[str, Any] | None) -> Decision:
    """The answer through these seats, on the properties that were sent, with those `known` filling the gaps."""
    question, decides, reader, read, can_be_impossible = asked
    situations: tuple[Situation, ...] = ()
    missing: tuple[str, ...] = ()
    error: str | None = None
    for grant_id, subject, bound, subject_complete in seats:
        try:
            resource, complete = read(bound, request, request.properties, known)
        except FactError as wrong:
            error = f"{request.resource_type}: {wrong}"
            continue
        situations += (_new(Situation, (question, grant_id, subject, resource)),)
        if complete and subject_complete and not (can_be_impossible and question.impossible(subject, resource)):
            if decides(subject, resource):
                return _new(Decision, (True, grant_id, None, (), None, situations))
            continue
        answer = question.answer(subject, resource)
        if answer.decision:
            return _new(Decision, (True, grant_id, None, (), None, situations))
        missing += tuple(name for name in answer.missing if name not in missing)
        error = error or (reader.explain_missing(answer.missing) if answer.missing else answer.error)
    return _new(Decision, (False, None, error, missing, None, situations))


def decide(policy: Policy, access: Access, request: Request) -> Decision:
    """Decide by a policy whose preparation is kept for the next question."""
    return prepare(policy).decide(access, request)


@lru_cache(maxsize=4)
def prepare(policy: Policy) -> Decider:
    """The policy ready to decide. Raises BundleError when a fact names a source that does not exist."""
    return Decider(policy)


def registered(access: Access, resource_type: str, resource_id: str | None) -> Mapping[str, Any] | None:
    """The raw properties that are known of a resource by its id alone, if any."""
    if resource_id is None:
        return None
    if resource_type not in KNOWN_BY:
        return access.item(resource_type, resource_id)
    owner = KNOWN_BY[resource_type]
    holder = access.client(resource_id) if owner == "client_id" else access.practice(resource_id)
    return None if holder is None else {owner: resource_id}


def _agreed(name: str, known: Mapping[str, Any], request: Request) -> Any:
    """What was sent, or else what is registered. Raises DeniedError when the two name different owners."""
    registered_one = known.get(name)
    sent = request.properties.get(name, registered_one)
    if registered_one is not None and sent != registered_one:
        raise DeniedError(Reason.WRONG_CLIENT, f"{name} is not that of this {request.resource_type}")
    return sent


def _relation_of(access: Access, client_id: str, practice_id: str | None) -> Relation:
    relation = access.relation(None, client_id)
    if relation is None or (practice_id is not None and practice_id != relation.practice.id):
        raise _unrelated(relation)
    return relation


def _unrelated(relation: Relation | None) -> DeniedError:
    if relation is None:
        return DeniedError(Reason.UNKNOWN_CLIENT)
    return DeniedError(Reason.WRONG_CLIENT, "practice_id is not the practice of client_id")
