"""One question put to the policy on behalf of a caller, and the item that records it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(slots=True)
class Outcome:
    """The answer, the context that goes with it, and the item of the trail (`records.ITEM_FIELDS`)."""

    allowed: bool
    context: dict[str, Any] | None
    item: tuple[Any, ...] | None

    def body(self) -> dict[str, Any]:
        """The answer as AuthZEN writes it."""
        if self.context is None:
            return {"decision": self.allowed}
        return {"decision": self.allowed, "context": self.context}


class Evaluator:
    """A policy with what is needed to ask it and to record the answer. Replaced whole when the policy is.

    `shadow` is the bundle that is asked every live question too, if there is one.
    """

    __slots__ = ("abbreviate", "decider", "digest", "policy", "sample", "shadow")

    def __init__(self, decider: Decider, legend: Legend, sampler: Sampler) -> None:
        self.decider = decider
        self.policy = decider.policy
        self.digest = decider.policy.digest
        self.abbreviate = legend.abbreviate
        self.sample = sampler.note
        self.shadow: Shadow | None = None

    def evaluate(
        self, access: Access, caller: Caller, asked: Asked, now: datetime, request_id: bytes | None = None
    ) -> Outcome:
        """Decide one question at `asked.at`, or now. Without a `request_id` nobody asked it live."""
        client_id, practice_id, reached = reach(access, caller, asked)
        if reached:
            request = Request(
                asked.subject_type,
                asked.subject_id,
                asked.action,
                asked.resource_type,
                asked.resource_id,
                asked.at or now,
                asked.properties,
                asked.authn,
            )
            decision = self.decider.decide(access, request)
            shadow = self.shadow
            if shadow is not None and request_id is not None and asked.at is None:
                shadow.compare(access, request, request_id.decode("latin-1"), was=decision.allowed)
        else:
            decision = _OUT_OF_REACH
        situations = decision.situations
        if decision.error is None:
            self.sample(situations, self.digest, allowed=decision.allowed)
        abbreviate = self.abbreviate
        if len(situations) == 1:
            facts = abbreviate(situations[0])
        else:
            facts = " ".join([abbreviate(situation) for situation in situations])
        item = (
            asked.subject_type,
            asked.subject_id,
            asked.action,
            asked.resource_type,
            asked.resource_id,
            client_id,
            practice_id,
            decision.allowed,
            decision.grant_id,
            facts,
            decision.error,
            None if asked.at is None else asked.at.isoformat(),
        )
        context = self._context(asked, decision, reached) if asked.explain or decision.error or asked.at else None
        return Outcome(decision.allowed, context, item)

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
    properties = asked.properties
    known = registered(access, asked.resource_type, asked.resource_id)
    client_id = properties.get("client_id")
    if client_id is None and known is not None:
        client_id = known.get("client_id")
    client = access.client(client_id) if type(client_id) is str else None
    practice_id = client.practice_id if client is not None else properties.get("practice_id")
    if practice_id is None and known is not None:
        practice_id = known.get("practice_id")
    if type(client_id) is not str:
        client_id = None
    if type(practice_id) is not str:
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
