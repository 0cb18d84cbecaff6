"""Bodies of the OpenID AuthZEN Authorization API 1.0. Unknown fields are ignored, as the standard says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Subject(BaseModel):
    """Who asks: an account of a family, or a member of a practice's staff."""

    type: str = Field(description="`account` or `staff`", examples=["account"])
    id: str = Field(examples=["dana"])
    properties: dict[str, Any] | None = None


class Action(BaseModel):
    """What is to be done."""

    name: str = Field(examples=["view"])
    properties: dict[str, Any] | None = None


class Resource(BaseModel):
    """On what. Properties sent here win over registered ones, one by one."""

    type: str = Field(examples=["invoice"])
    id: str = Field(examples=["inv_mia_1"])
    properties: dict[str, Any] | None = Field(default=None, examples=[{"client_id": "mia"}])


class Authn(BaseModel):
    """How the subject signed in; what is absent does not count as met."""

    amr: list[str] = Field(default=[], description="RFC 8176 methods")
    password_change_due: bool | None = None


class Context(BaseModel):
    """The circumstances of a question."""

    model_config = ConfigDict(extra="allow")

    at: str | None = Field(default=None, description="Ask at another time (RFC 3339; scope `ask_at`).")
    explain: bool | None = Field(default=None, description="Add an explanation to the answer's context.")
    authn: Authn | None = None


class EvaluationRequest(BaseModel):
    """One question."""

    subject: Subject
    action: Action
    resource: Resource
    context: Context | None = None


class PartialEvaluation(BaseModel):
    """One question of a batch: what it names replaces the default whole."""

    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Context | None = None


class Options(BaseModel):
    """How a batch is evaluated."""

    model_config = ConfigDict(extra="allow")

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class EvaluationsRequest(PartialEvaluation):
    """A batch with defaults; without `evaluations` it is a single question."""

    evaluations: list[PartialEvaluation] | None = Field(default=None, max_length=1000)
    options: Options | None = None


class Decision(BaseModel):
    """The answer. A denial is an answer too, with status 200."""

    decision: bool
    context: dict[str, Any] | None = None


class Evaluations(BaseModel):
    """The answers of a batch, in order; the short-circuit semantics end with the deciding one."""

    evaluations: list[Decision]


class Metadata(BaseModel):
    """Where the endpoints of this policy decision point are."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str | None = None
    search_resource_endpoint: str | None = None
    search_action_endpoint: str | None = None


class ExplainReply(BaseModel):
    """The answer with its explanation in `context.explanation`."""

    decision: bool
    context: dict[str, Any]


class PlanResource(BaseModel):
    """The type whose items are to be listed; `client_id` limits the plan to one client."""

    type: str
    properties: dict[str, Any] | None = None


class PlanRequest(BaseModel):
    """Which items of a type may the subject act on?"""

    subject: Subject
    action: Action
    resource: PlanResource
    context: Context | None = None


class PlanReply(BaseModel):
    """All items, none, or those that meet the condition (grammar: docs/developer_guide.md)."""

    kind: Literal["always_allowed", "always_denied", "conditional"]
    condition: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = Field(default=None, description="Why always denied, as far as a family may know.")
