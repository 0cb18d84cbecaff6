"""`POST /v1/explain` and `POST /v1/plan`: why, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.authzen import Asked, read_asked
from authz_service.api.evaluation import reach
from authz_service.api.evaluations import check_at, decision_record, evaluate_all
from authz_service.api.explanation import joined_refusal, reason_user, tell_setters
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.engine import MISSING
from authz_service.engine.plan import MissingFactsError, Plan, PlanError, PlanKind, any_of, render_plan
from authz_service.engine.refusal import refusal_of
from authz_service.facts.bindings import bindings_of
from authz_service.facts.decision import DeniedError, Situation
from authz_service.facts.request import Request
from authz_service.facts.sources import FactError
from models.vocabulary import Scope, SubjectType
from models.wire import authzen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from authz_service.api.routing import Call
    from authz_service.engine import Question
    from authz_service.facts.derive import Seat
    from authz_service.facts.rows import Access
    from authz_service.storage.surveying import Survey


def explain(call: Call) -> Reply:
    """One question with its explanation; who may read the access data (`access:read`) learns who set what decided."""
    asked = read_asked(call.document)._replace(explain=True)
    check_at(call.caller, asked)
    (outcome,) = evaluate_all(call.service, call.exchange, call.caller, (asked,), call.now)
    call.service.metrics.note_decisions(outcome.allowed, not outcome.allowed)
    call.exchange.decision = outcome.allowed
    if Scope.ACCESS_READ in call.caller.scopes and outcome.context is not None:
        with call.service.store.reading(call.caller.practices, asked.at) as rows:
            tell_setters(rows, asked, outcome.context["explanation"])
    record = decision_record(call.exchange, call.caller, call.now, [outcome.item])
    return Reply(outcome.body(), records=[record])


def plan(call: Call) -> Reply:
    """Which items of a type a subject may act on, as a condition on their raw properties."""
    asked = read_asked(call.document, id_needed=False)
    check_at(call.caller, asked)
    ((content, item),) = _plans(call, [asked])
    return Reply(content, records=[decision_record(call.exchange, call.caller, call.now, [item])])


def plans(call: Call) -> Reply:
    """Several plans for one subject, in their order, on one state of the data; what each leaves out is shared."""
    shared = {name: value for name, value in call.document.items() if name != "plans"}
    wanted = call.body(authzen.PlansRequest).plans
    asked = [read_asked({**shared, **each.model_dump(exclude_none=True)}, id_needed=False) for each in wanted]
    for each in asked:
        check_at(call.caller, each)
    if len({each.at for each in asked}) > 1:
        raise ProblemError(422, "context.at must be the same for all plans of a request", fields={"context.at": "one"})
    made = _plans(call, asked)
    record = decision_record(call.exchange, call.caller, call.now, [item for _, item in made])
    return Reply({"plans": [content for content, _ in made]}, records=[record])


def _plans(call: Call, asked: Sequence[Asked]) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
    with call.service.store.surveying(call.caller.practices, asked[0].at) as survey:
        return [_content(_Planning(call, each, survey)) for each in asked]


def _content(planning: _Planning) -> tuple[dict[str, Any], tuple[Any, ...]]:
    made = planning.plan()
    content: dict[str, Any] = {"kind": made.kind.value}
    if made.kind is PlanKind.CONDITIONAL:
        content["condition"] = made.condition
    elif made.kind is PlanKind.ALWAYS_DENIED and (refusal := planning.refusal()) is not None:
        content["refusal"] = reason_user(refusal)
    return content, planning.item(made.kind is not PlanKind.ALWAYS_DENIED)


class _Planning:
    """One plan: the or over the subject's seats towards one client, or towards every client there is."""

    def __init__(self, call: Call, asked: Asked, rows: Survey) -> None:
        self.call = call
        self.asked = asked
        self.rows = rows
        self.now: datetime = asked.at or call.now
        self.evaluator = call.serving.evaluator
        self.seats: list[Seat] = []
        # What is registered of an item must not enter: a plan is about all of them.
        self.client_id, self.practice_id, self.reached = reach(rows, call.caller, asked._replace(resource_id=None))
        question = self.evaluator.policy.question(asked.subject_type, asked.action, asked.resource_type)
        if question is None:
            raise ProblemError(422, "there is no such question: subject type, action and resource type do not fit")
        self.question: Question = question

    def plan(self) -> Plan:
        """The plan; ProblemError when a fact it depends on cannot become a condition."""
        if not self.reached:
            return Plan.of(False)
        try:
            if self.client_id is not None:
                return self._towards(self.rows, self.asked.properties)
            if self.asked.subject_type == SubjectType.ACCOUNT:
                return self._towards_each(self.rows, self.rows.clients_of(self.asked.subject_id))
            return self._of_practice()
        except (PlanError, MissingFactsError) as error:
            raise ProblemError(422, f"there is no plan: {error}") from error

    def _of_practice(self) -> Plan:
        post = self.rows.post(self.asked.subject_id)
        if post is None:
            return Plan.of(False)
        practice_id = self.practice_id or post.practice.id
        try:
            return self._towards(self.rows, {"practice_id": practice_id})
        except (PlanError, MissingFactsError):  # The answer hangs on the client, so each is asked about.
            self.seats.clear()
            whole = self.rows.whole(practice_id)
            return Plan.of(False) if whole is None else self._towards_each(whole, sorted(whole.clients))

    def _towards_each(self, access: Access, client_ids: Iterable[str]) -> Plan:
        return any_of(self._limited(access, client_ids))

    def _limited(self, access: Access, client_ids: Iterable[str]) -> Iterator[Plan]:
        for client_id in client_ids:
            client = access.client(client_id)
            if client is not None and self.call.caller.may_reach(client.practice_id):
                yield self._towards(access, {"client_id": client_id}).within({"eq": ["client_id", client_id]})

    def _towards(self, access: Access, properties: Mapping[str, Any]) -> Plan:
        asked = self.asked
        request = Request(
            asked.subject_type,
            asked.subject_id,
            asked.action,
            asked.resource_type,
            None,
            self.now,
            properties,
            asked.authn,
        )
        try:
            seats = self.evaluator.decider.seats(access, request, properties)
        except (DeniedError, FactError):
            return Plan.of(False)
        self.seats += seats
        return any_of(
            render_plan(self.question, seat.subject, bindings_of(seat.bound, asked.resource_type, self.now))
            for seat in seats
        )

    def refusal(self) -> Any:
        """What a family may be told of a plan that is always denied."""
        return joined_refusal(refusal_of(self.question, seat.subject) for seat in self.seats)

    def item(self, allowed: bool) -> tuple[Any, ...]:
        """How the trail records the plan: a decision without an item of its own."""
        unread = (MISSING,) * len(self.question.resource_slots)
        asked = self.asked
        situations = [Situation(self.question, seat.grant_id, seat.subject, unread) for seat in self.seats]
        facts = " ".join(self.evaluator.abbreviate(situation) for situation in situations[:20])
        at = None if asked.at is None else asked.at.isoformat()
        question = (asked.subject_type, asked.subject_id, asked.action, asked.resource_type, None)
        return (*question, self.client_id, self.practice_id, allowed, None, facts, None, at)
