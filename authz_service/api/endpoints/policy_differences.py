"""Two bundles compared, and recorded decisions replayed."""

from __future__ import annotations

from authz_service.api import policy_differences as handlers
from authz_service.api.routing import Endpoint, Parameter
from models.vocabulary import Scope
from models.wire import policy_differences as bodies

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/policy/differences",
        "What changes from one bundle to another: exactly, over every situation, and for whom now.",
        handlers.show_difference,
        Scope.POLICY,
        reply=bodies.PolicyDifference,
        refusals=(404,),
        query=(
            Parameter("old", "The bundle to begin with: its digest, or `serving`."),
            Parameter("new", "The bundle to compare it with."),
        ),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        "/v1/policy/replays",
        "Put recorded decisions to another bundle: unchanged, now allowed, now denied, or why that cannot be said.",
        handlers.replay,
        Scope.POLICY,
        body=bodies.ReplayRequest,
        reply=bodies.ReplayReply,
        refusals=(404,),
        takes_actor=True,
    ),
)
