"""Diagrams, and a copy of the policy to try changes on."""

from __future__ import annotations

from authz_service.api import policy_diagrams, policy_playground
from authz_service.api.endpoints.paths import POLICY_VERSION
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire import policy_diagrams as bodies
from models.wire import policy_playground as playground_bodies

_DIAGRAM = f"{POLICY_VERSION}/diagrams/{{subject_type}}/{{action}}/{{resource_type}}"

ENDPOINTS = (
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/diagrams",
        "Every question of a version, with the size of its diagram and the share of situations it allows.",
        policy_diagrams.list_diagrams,
        Scope.POLICY,
        reply=bodies.Diagrams,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        _DIAGRAM,
        "The decision diagram of one question.",
        policy_diagrams.show_diagram,
        Scope.POLICY,
        reply=bodies.Diagram,
        refusals=(404, 422),
        query=policy_diagrams.PART,
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        f"{_DIAGRAM}/path",
        "One situation: its answer and why, its way through the diagram, and the nearest answered otherwise.",
        policy_diagrams.follow,
        Scope.POLICY,
        body=bodies.Situation,
        reply=bodies.Way,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        "/v1/policy/playground",
        "Check a copy of a version, compare it, prove it and ask it; what serves is never touched.",
        policy_playground.try_copy,
        Scope.POLICY,
        body=playground_bodies.Copy,
        reply=playground_bodies.Tried,
        refusals=(404, 429),
        takes_actor=True,
        seconds=policy_playground.ANSWER_SECONDS_MAX,
    ),
)
