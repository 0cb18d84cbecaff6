"""`POST /v1/explain` and `POST /v1/plan`: why, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.authzen import Asked, read_asked
from authz_service.api.evaluations import check_at, decision_record, evaluate_all
from authz_service.api.explanation import joined_refusal, reason_user, tell_setters
from authz_service.api.planning import Planning
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.api.shadowing import shadow_plan
from authz_service.engine import MISSING
from authz_service.engine.plan import PlanKind
from authz_service.engine.refusal import refusal_of
from authz_service.facts.decision import Situation
from models.vocabulary import Scope
from models.wire import authzen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.api.routing import Call
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
        answering = [_Answering(call, each, survey) for each in asked]
        made = [_content(each) for each in answering]
        for each in answering:
            shadow_plan(call, each)
    return made


def _content(answering: _Answering) -> tuple[dict[str, Any], tuple[Any, ...]]:
    made = answering.plan()
    content: dict[str, Any] = {"kind": made.kind.value}
    if made.kind is PlanKind.CONDITIONAL:
        content["condition"] = made.condition
    elif made.kind is PlanKind.ALWAYS_DENIED and (refusal := answering.refusal()) is not None:
        content["refusal"] = reason_user(refusal)
    return content, answering.item(made.kind is not PlanKind.ALWAYS_DENIED)


class _Answering(Planning):
    """The plan that is answered, by the policy in service."""

    def __init__(self, call: Call, asked: Asked, rows: Survey) -> None:
        super().__init__(call.serving.decider, call.caller, asked, call.now, rows)
        self.abbreviate = call.serving.legend.abbreviate

    def refusal(self) -> Any:
        """What a family may be told of a plan that is always denied."""
        return joined_refusal(refusal_of(self.question, seat.subject) for seat in self.seats)

    def item(self, allowed: bool) -> tuple[Any, ...]:
        """How the trail records the plan: a decision without an item of its own."""
        unread = (MISSING,) * len(self.question.resource_slots)
        asked = self.asked
        situations = [Situation(self.question, seat.grant_id, seat.subject, unread) for seat in self.seats]
        facts = " ".join(self.abbreviate(situation) for situation in situations[:20])
        at = None if asked.at is None else asked.at.isoformat()
        question = (asked.subject_type, asked.subject_id, asked.action, asked.resource_type, None)
        return (*question, self.client_id, self.practice_id, allowed, None, facts, None, at)
