"""The only way from the gateway to the authz service: its questions, and every call of the modules beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.answers import Json, read_decision, read_mapping, read_mappings
from gateway.edge.authz_access import AccessCalls
from gateway.edge.authz_diagrams import DiagramCalls
from gateway.edge.authz_line import part
from gateway.edge.authz_oversight import OversightCalls
from gateway.edge.authz_people import PeopleCalls
from gateway.edge.authz_review import ReviewCalls
from gateway.edge.authz_versions import VersionCalls
from gateway.edge.errors import CannotDecide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_PLAN_KINDS = ("always_allowed", "always_denied", "conditional")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks and how they signed in: the parts that all questions of one request share."""

    subject: Mapping[str, str]
    amr: tuple[str, ...]
    password_change_due: bool = False
    at: str | None = None  # ask at this time (RFC 3339): a look, which the trail marks, and no use of the right

    @property
    def context(self) -> Json:
        """The AuthZEN context."""
        authn = {"amr": list(self.amr), "password_change_due": self.password_change_due}
        return {"authn": authn} if self.at is None else {"authn": authn, "at": self.at}


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource."""

    action: str
    type: str
    id: str
    properties: Mapping[str, Any]

    @property
    def body(self) -> Json:
        """The AuthZEN action and resource."""
        resource = {"type": self.type, "id": self.id, "properties": dict(self.properties)}
        return {"action": {"name": self.action}, "resource": resource}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subject may see of a type: a condition tree, true or false, and why not when it is false."""

    condition: Any
    refusal: Json | None


class AuthzClient(AccessCalls, PeopleCalls, OversightCalls, ReviewCalls, DiagramCalls, VersionCalls):
    """Asks and commands the service. Every method raises CannotDecide; commands also Rejected and Stale."""

    async def evaluate(
        self, asking: Asking, question: Question, *, explain: bool = False, at: datetime | None = None
    ) -> tuple[bool, Json]:
        """The decision on one question, and its context; with `at` it is tried out only, and marked so in the trail."""
        context = asking.context | ({"explain": True} if explain else {})
        if at is not None:
            context["at"] = at.isoformat()
        body = {"subject": dict(asking.subject), **question.body, "context": context}
        answer = await self.ask("POST", "/access/v1/evaluation", body)
        return read_decision(answer), read_mapping(answer.get("context", {}))

    async def evaluate_all(self, asking: Asking, questions: Sequence[Question]) -> list[bool]:
        """The decisions on several questions, in their order."""
        return [read_decision(answer) for answer in await self._ask_all(asking, questions, {})]

    async def explain_all(self, asking: Asking, questions: Sequence[Question]) -> list[tuple[bool, Json]]:
        """The decisions on several questions, each with its explanation; who set the facts is left out."""
        answers = await self._ask_all(asking, questions, {"explain": True})
        return [
            (read_decision(answer), read_mapping(read_mapping(answer.get("context")).get("explanation")))
            for answer in answers
        ]

    async def _ask_all(self, asking: Asking, questions: Sequence[Question], more: Json) -> list[Json]:
        if not questions:
            return []
        shared = {"subject": dict(asking.subject), "context": asking.context | more}
        body = {**shared, "evaluations": [question.body for question in questions]}
        answers = (await self.ask("POST", "/access/v1/evaluations", body)).get("evaluations")
        if not isinstance(answers, list) or len(answers) != len(questions):
            raise CannotDecide("the authz service answered another number of questions")
        return [read_mapping(answer) for answer in answers]

    async def plan(self, asking: Asking, action: str, resource_type: str, properties: Mapping[str, Any]) -> Plan:
        """What the subject may see of a type."""
        (plan,) = await self.plans(asking, [(action, resource_type)], properties)
        return plan

    async def plans(
        self, asking: Asking, wanted: Sequence[tuple[str, str]], properties: Mapping[str, Any]
    ) -> list[Plan]:
        """What the subject may do with items of each (action, type), in their order."""
        asked = [
            {"action": {"name": action}, "resource": {"type": kind, "properties": dict(properties)}}
            for action, kind in wanted
        ]
        body = {"subject": dict(asking.subject), "context": asking.context, "plans": asked}
        answers = read_mappings((await self.ask("POST", "/v1/plans", body)).get("plans"))
        if len(answers) != len(wanted):
            raise CannotDecide("the authz service answered another number of plans than were asked for")
        return [_read_plan(answer) for answer in answers]

    async def explain(self, asking: Asking, question: Question) -> tuple[bool, Json]:
        """The decision on one question and its explanation, with who set each deciding fact (`set`) and when."""
        body = {"subject": dict(asking.subject), **question.body, "context": asking.context}
        answer = await self.ask("POST", "/v1/explain", body)
        return read_decision(answer), read_mapping(read_mapping(answer.get("context")).get("explanation"))

    async def register(self, resources: Sequence[Json]) -> None:
        """Register the facts of items: objects of `type`, `id`, `properties`."""
        await self.ask("POST", "/v1/resources", {"resources": list(resources)})

    async def unregister(self, resource_type: str, resource_id: str) -> None:
        """Take the facts of an item back."""
        await self.ask("DELETE", f"/v1/resources/{part(resource_type)}/{part(resource_id)}")


def _read_plan(answer: Json) -> Plan:
    kind = answer.get("kind")
    if kind not in _PLAN_KINDS or (kind == "conditional") is not ("condition" in answer):
        raise CannotDecide("the authz service answered no plan")
    refusal = answer.get("refusal")
    condition = answer["condition"] if kind == "conditional" else kind == "always_allowed"
    return Plan(condition, None if refusal is None else read_mapping(refusal))
