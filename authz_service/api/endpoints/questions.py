"""Questions: decisions, searches, explanations, plans, what-if."""

from __future__ import annotations

from authz_service.api import forward_auth, plans, search, what_if
from authz_service.api.routing import Call, Endpoint, Reply
from models.vocabulary import Scope
from models.wire import authzen
from models.wire import what_if as what_if_bodies


def _served_above(_call: Call) -> Reply:
    raise RuntimeError("the edge answers these paths itself")


# The edge serves these two on a path of its own; here they are described.
DECISIONS = (
    Endpoint(
        "POST",
        "/access/v1/evaluation",
        "Decide one question.",
        _served_above,
        Scope.EVALUATE,
        body=authzen.EvaluationRequest,
        reply=authzen.Decision,
    ),
    Endpoint(
        "POST",
        "/access/v1/evaluations",
        "Decide a batch of questions.",
        _served_above,
        Scope.EVALUATE,
        body=authzen.EvaluationsRequest,
        reply=authzen.Evaluations,
    ),
)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/access/v1/search/subject",
        "Who may do this to that.",
        search.search_subjects,
        Scope.EVALUATE,
        body=authzen.SubjectSearch,
        reply=authzen.EntitiesFound,
    ),
    Endpoint(
        "POST",
        "/access/v1/search/resource",
        "To which items of a type somebody may do this.",
        search.search_resources,
        Scope.EVALUATE,
        body=authzen.ResourceSearch,
        reply=authzen.EntitiesFound,
    ),
    Endpoint(
        "POST",
        "/access/v1/search/action",
        "What somebody may do to that.",
        search.search_actions,
        Scope.EVALUATE,
        body=authzen.ActionSearch,
        reply=authzen.ActionsFound,
    ),
    Endpoint(
        "POST",
        "/v1/explain",
        "Decide one question and say why.",
        plans.explain,
        Scope.EVALUATE,
        body=authzen.EvaluationRequest,
        reply=authzen.ExplainReply,
    ),
    Endpoint(
        "POST",
        "/v1/plan",
        "Which items of a type a subject may act on.",
        plans.plan,
        Scope.EVALUATE,
        body=authzen.PlanRequest,
        reply=authzen.PlanReply,
    ),
    Endpoint(
        "POST",
        "/v1/plans",
        "Several plans for one subject, on one state of the data.",
        plans.plans,
        Scope.EVALUATE,
        body=authzen.PlansRequest,
        reply=authzen.PlansReply,
    ),
    Endpoint(
        "POST",
        "/v1/what-if",
        "Who would gain and who would lose what, if this were changed or on another day.",
        what_if.ask_what_if,
        Scope.ACCESS_READ,
        body=what_if_bodies.WhatIf,
        reply=what_if_bodies.WhatIfReply,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        "/v1/forward-auth",
        "Whether the request that a proxy has at hand may pass: 200 and nothing else means yes.",
        forward_auth.forward_auth,
        Scope.EVALUATE,
        refusals=(404,),
        media_type="text/plain",
        headers=forward_auth.HEADERS,
        any_query=True,
    ),
)
