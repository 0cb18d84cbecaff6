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


class SoughtEntity(BaseModel):
    """What is sought: a type. An id is ignored."""

    type: str = Field(examples=["account"])
    properties: dict[str, Any] | None = None


class Page(BaseModel):
    """A part of the results. On later pages everything but the token stays as it was."""

    token: str | None = Field(default=None, description="The `next_token` of the page before.")
    limit: int | None = Field(default=None, ge=0, description="At most this many; pages have up to 1,000.")
    properties: dict[str, Any] | None = None


class SubjectSearch(BaseModel):
    """Who may do this to that?"""

    subject: SoughtEntity
    action: Action
    resource: Resource
    context: Context | None = None
    page: Page | None = None


class ResourceSearch(BaseModel):
    """To which items of a type may the subject do this?"""

    subject: Subject
    action: Action
    resource: SoughtEntity
    context: Context | None = None
    page: Page | None = None


class ActionSearch(BaseModel):
    """What may the subject do to that?"""

    subject: Subject
    resource: Resource
    context: Context | None = None
    page: Page | None = None


class NextPage(BaseModel):
    """Where to go on; `next_token` is empty on the last page."""

    next_token: str


class FoundEntity(BaseModel):
    """A subject or resource for which the answer is yes."""

    type: str
    id: str


class FoundAction(BaseModel):
    """An action for which the answer is yes."""

    name: str


class EntitiesFound(BaseModel):
    """`page` is there when it was asked for, and whenever there is more."""

    page: NextPage | None = None
    results: list[FoundEntity]
    context: dict[str, Any] | None = None


class ActionsFound(BaseModel):
    """The same for actions."""

    page: NextPage | None = None
    results: list[FoundAction]
    context: dict[str, Any] | None = None


class Metadata(BaseModel):
    """Where the endpoints of this policy decision point are."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str


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


class PlanWanted(BaseModel):
    """What one plan of several says for itself."""

    action: Action
    resource: PlanResource


class PlansRequest(BaseModel):
    """Several plans for one subject and context."""

    subject: Subject
    plans: list[PlanWanted] = Field(min_length=1, max_length=50)
    context: Context | None = None


class PlansReply(BaseModel):
    """The plans, in the order in which they were asked for."""

    plans: list[PlanReply]
