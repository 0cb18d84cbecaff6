"""One question put to the policy on behalf of a caller, and the item that records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.api.explanation import describe
from authz_service.facts.decision import Decision, Reason, registered
from authz_service.facts.request import Request
from authz_service.trail.oversight import OUT_OF_REACH
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from authz_service.api.authzen import Asked, MalformedError
    from authz_service.deploying.shadow import Shadow
    from authz_service.facts.decision import Decider
    from authz_service.facts.rows import Access
    from authz_service.sampling import Sampler
    from authz_service.tokens.verification import Caller
    from authz_service.trail.legend import Legend

# What the caller did wrong, as the status of the item's error; the other reasons are plain refusals.
_STATUS = {Reason.UNKNOWN_QUESTION: 404, Reason.NO_CLIENT: 422, Reason.WRONG_CLIENT: 409}
_OUT_OF_REACH = Decision(allowed=False, error=OUT_OF_REACH)
_new = tuple.__new__  # Half the price of a call, on the path of every question.


class Outcome(NamedTuple):
    """The answer, the context that goes with it, and the item of the trail (`records.ITEM_FIELDS`)."""

    allowed: bool
    context: dict[str, Any] | None
    item: tuple[Any, ...] | None

    def body(self) -> dict[str, Any]:
        """The answer as AuthZEN writes it."""
        allowed, context, _ = self
        return {"decision": allowed} if context is None else {"decision": allowed, "context": context}


class Evaluator:
    """A policy with what is needed to ask it and to record the answer. Replaced whole when the policy is.

    `shadow` is the bundle that is asked every live question too, if there is one.
    """

    __slots__ = ("_decide", "_sample", "abbreviate", "decider", "digest", "policy", "shadow")

    def __init__(self, decider: Decider, legend: Legend, sampler: Sampler) -> None:
        self.decider = decider
        self.policy = decider.policy
        self.digest = decider.policy.digest
        self._decide = decider.decide_known
        self.abbreviate = legend.abbreviate
        self._sample = sampler.note
        self.shadow: Shadow | None = None

    def evaluate(
        self, access: Access, caller: Caller, asked: Asked, now: datetime, request_id: bytes | None = None
    ) -> Outcome:
        """Decide one question at `asked.at`, or now. Without a `request_id` nobody asked it live."""
        subject_type, subject_id, action, resource_type, resource_id, properties, authn, at, explain = asked
        known = registered(access, resource_type, resource_id)
        client_id, practice_id, reached = _reach(access, caller, asked, known)
        if reached:
            request = _new(
                Request, (subject_type, subject_id, action, resource_type, resource_id, at or now, properties, authn)
            )
            decision = self._decide(access, request, known)
            shadow = self.shadow
            if shadow is not None and request_id is not None and at is None:
                shadow.compare(access, request, request_id.decode("latin-1"), was=decision.allowed)
        else:
            decision = _OUT_OF_REACH
        allowed, grant_id, error, _, _, situations = decision
        if error is None:
            self._sample(situations, self.digest, allowed=allowed)
        abbreviate = self.abbreviate
        if len(situations) == 1:
            facts = abbreviate(situations[0])
        else:
            facts = " ".join([abbreviate(situation) for situation in situations])
        item = (
            subject_type,
            subject_id,
            action,
            resource_type,
            resource_id,
            client_id,
            practice_id,
            allowed,
            grant_id,
            facts,
            error,
            None if at is None else at.isoformat(),
        )
        context = self._context(asked, decision, reached) if explain or error or at else None
        return _new(Outcome, (allowed, context, item))

    def _context(self, asked: Asked, decision: Decision, reached: bool) -> dict[str, Any] | None:
        context: dict[str, Any] = {}
        if asked.at is not None:
            context["what_if"] = asked.at.isoformat().replace("+00:00", "Z")
        if decision.error is not None and reached:
            status = 422 if decision.missing else _STATUS.get(decision.reason, 422) if decision.reason else 422
            context["error"] = {"status": status, "message": decision.error}
            if decision.missing:
                context["error"]["missing"] = list(decision.missing)
        if asked.explain:
            context["explanation"] = describe(self.policy, decision)
        return context or None


def malformed(error: MalformedError) -> Outcome:
    """The outcome of a batch item that is no question."""
    return Outcome(False, {"error": {"status": error.status, "message": error.detail}}, None)


def reach(access: Access, caller: Caller, asked: Asked) -> tuple[str | None, str | None, bool]:
    """The client and practice that a question is about, as far as known, and whether the caller's token covers them."""
    return _reach(access, caller, asked, registered(access, asked.resource_type, asked.resource_id))


def _reach(
    access: Access, caller: Caller, asked: Asked, known: Mapping[str, Any] | None
) -> tuple[str | None, str | None, bool]:
    properties = asked.properties
    client_id = properties.get("client_id")
    if client_id is None and known is not None:
        client_id = known.get("client_id")
    if client_id.__class__ is str:
        client = access.client(client_id)
    else:
        client_id = client = None
    practice_id = client.practice_id if client is not None else properties.get("practice_id")
    if practice_id is None and known is not None:
        practice_id = known.get("practice_id")
    if practice_id.__class__ is not str:
        practice_id = None
    if caller.every_practice:
        return client_id, practice_id, True
    concerned = {practice_id, properties.get("practice_id"), _practice_of(access, known)}
    if asked.subject_type == SubjectType.STAFF and practice_id is None:
        post = access.post(asked.subject_id)
        concerned.add(post.practice.id if post is not None else None)
    concerned.discard(None)
    return client_id, practice_id, all(type(each) is str and each in caller.practices for each in concerned)


def _practice_of(access: Access, known: Mapping[str, Any] | None) -> str | None:
    if known is None:
        return None
    client = access.client(known["client_id"]) if known.get("client_id") else None
    return client.practice_id if client is not None else known.get("practice_id")
