"""Tokens, the policy in service, health and figures."""

from __future__ import annotations

from authz_service.api import oauth, operations
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire import access as access_bodies
from models.wire import authzen, tokens

ENDPOINTS = (
    Endpoint(
        "GET",
        "/.well-known/authzen-configuration",
        "Where the AuthZEN endpoints are.",
        operations.show_metadata,
        reply=authzen.Metadata,
    ),
    Endpoint("GET", "/.well-known/jwks.json", "The keys of the access tokens.", oauth.show_keys, reply=tokens.Jwks),
    Endpoint(
        "POST",
        "/oauth/token",
        "Get an access token with a signed assertion.",
        oauth.issue_token,
        body=tokens.TokenForm,
        reply=tokens.Token,
        refusals=(401,),
        form=True,
    ),
    Endpoint(
        "POST",
        "/oauth/revoke",
        "Give an access token back.",
        oauth.revoke_token,
        body=tokens.RevokeForm,
        refusals=(401,),
        form=True,
    ),
    Endpoint(
        "GET",
        "/v1/policy",
        "The policy in service.",
        operations.show_policy,
        Scope.POLICY,
        reply=access_bodies.PolicySummary,
    ),
    Endpoint("GET", "/healthz", "The process lives.", operations.show_health, reply=access_bodies.Health),
    Endpoint(
        "GET",
        "/readyz",
        "Whether the service can decide.",
        operations.show_readiness,
        reply=access_bodies.Health,
        refusals=(503,),
    ),
    Endpoint(
        "GET",
        "/metrics",
        "Figures in the Prometheus text format.",
        operations.show_metrics,
        media_type=operations.METRICS_TYPE,
    ),
)
