"""Every endpoint of the service, in one table: it is served from here and described from here."""

from __future__ import annotations

from authz_service.api import access, oauth, operations, plans, trail
from authz_service.api.routing import Call, Endpoint, Parameter, Reply
from models.vocabulary import Scope
from models.wire import access as access_bodies
from models.wire import authzen, tokens
from models.wire import trail as trail_bodies

_GRANT = "/v1/grants/{grant_id}"
_WITHHELD = f"{_GRANT}/withheld/{{type}}/{{resource_id}}"
_CLIENT = "/v1/clients/{client_id}"
_PRACTICE = "/v1/practices/{practice_id}"
_RESOURCE = "/v1/resources/{type}/{resource_id}"
_PAGE = (Parameter("after", "The `next` of the page before."), Parameter("limit", "At most this many, up to 500."))


def _show_openapi(_call: Call) -> Reply:
    return Reply(operations.openapi_endpoint(DESCRIBED))


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
        "GET",
        f"{_CLIENT}/grants",
        "Every grant on a client.",
        access.list_client_grants,
        Scope.ACCESS_READ,
        reply=access_bodies.Grants,
        refusals=(404,),
    ),
    Endpoint(
        "POST",
        f"{_CLIENT}/grants",
        "Give an account access to a client.",
        access.create_grant,
        Scope.ACCESS_WRITE,
        body=access_bodies.NewGrant,
        reply=access_bodies.Grant,
        refusals=(404, 409),
        status=201,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        "/v1/accounts/{account_id}/grants",
        "Every grant of an account.",
        access.list_account_grants,
        Scope.ACCESS_READ,
        reply=access_bodies.Grants,
    ),
    Endpoint(
        "POST",
        "/v1/accounts/{account_id}/first-login",
        "An account has signed in: its pending grants become active.",
        access.first_login,
        Scope.ACCESS_WRITE,
        reply=access_bodies.Active,
        refusals=(404,),
    ),
    Endpoint(
        "GET", _GRANT, "One grant.", access.show_grant, Scope.ACCESS_READ, reply=access_bodies.Grant, refusals=(404,)
    ),
    Endpoint(
        "PATCH",
        _GRANT,
        "Change a grant (merge patch).",
        access.update_grant,
        Scope.ACCESS_WRITE,
        body=access_bodies.GrantPatch,
        reply=access_bodies.Grant,
        refusals=(404, 409),
        needs_match=True,
        takes_actor=True,
    ),
    Endpoint(
        "PUT",
        _WITHHELD,
        "Keep an item from the grant's account.",
        access.put_withheld,
        Scope.ACCESS_WRITE,
        refusals=(404, 422),
        status=204,
        takes_actor=True,
    ),
    Endpoint(
        "DELETE",
        _WITHHELD,
        "Stop keeping an item from the grant's account.",
        access.delete_withheld,
        Scope.ACCESS_WRITE,
        refusals=(404,),
        status=204,
        takes_actor=True,
    ),
    Endpoint(
        "PUT",
        f"{_GRANT}/block",
        "Put a safety block between the grant's account and its client.",
        access.put_block,
        Scope.ACCESS_WRITE,
        body=access_bodies.Block,
        refusals=(404,),
        status=204,
        takes_actor=True,
    ),
    Endpoint(
        "DELETE",
        f"{_GRANT}/block",
        "Take the safety block away.",
        access.delete_block,
        Scope.ACCESS_WRITE,
        refusals=(404,),
        status=204,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        _PRACTICE,
        "A practice's settings and switches.",
        access.show_practice,
        Scope.ACCESS_READ,
        reply=access_bodies.Practice,
        refusals=(404,),
    ),
    Endpoint(
        "PATCH",
        _PRACTICE,
        "Change a practice's settings (merge patch).",
        access.update_practice,
        Scope.ACCESS_WRITE,
        body=access_bodies.PracticePatch,
        reply=access_bodies.Practice,
        refusals=(404, 412),
        takes_actor=True,
    ),
    Endpoint(
        "PUT",
        f"{_PRACTICE}/switches/{{feature}}",
        "Switch a feature for everyone of a practice.",
        access.set_practice_switch,
        Scope.ACCESS_WRITE,
        body=access_bodies.Switch,
        reply=access_bodies.Switches,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{_PRACTICE}/clients",
        "Ids of a practice's clients.",
        access.list_clients,
        Scope.ACCESS_READ,
        reply=access_bodies.ClientIds,
        refusals=(404,),
        query=_PAGE,
    ),
    Endpoint(
        "GET",
        _CLIENT,
        "A client's attributes and switches.",
        access.show_client,
        Scope.ACCESS_READ,
        reply=access_bodies.Client,
        refusals=(404,),
    ),
    Endpoint(
        "PUT",
        f"{_CLIENT}/switches/{{feature}}",
        "Switch a feature for everyone of a client.",
        access.set_client_switch,
        Scope.ACCESS_WRITE,
        body=access_bodies.Switch,
        reply=access_bodies.Switches,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        "/v1/resources",
        "Register the facts of several items.",
        access.post_resources,
        Scope.RESOURCES,
        body=access_bodies.NewResources,
        reply=access_bodies.Registered,
        refusals=(409,),
    ),
    Endpoint(
        "PUT",
        _RESOURCE,
        "Register the facts of one item: its raw properties.",
        access.put_resource,
        Scope.RESOURCES,
        body=access_bodies.Properties,
        refusals=(409,),
        status=204,
    ),
    Endpoint(
        "DELETE",
        _RESOURCE,
        "Take the facts of an item back.",
        access.delete_resource,
        Scope.RESOURCES,
        status=204,
    ),
    Endpoint(
        "GET",
        "/v1/trail",
        "The trail, newest first.",
        trail.read_trail,
        Scope.TRAIL,
        reply=trail_bodies.TrailPage,
        query=trail.QUERY,
    ),
    Endpoint(
        "POST",
        "/v1/trail",
        "Add events that this service does not see.",
        trail.add_events,
        Scope.TRAIL,
        body=trail_bodies.Events,
        reply=trail_bodies.Added,
        status=201,
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
    Endpoint("GET", "/openapi.json", "This description.", _show_openapi),
)
DESCRIBED = (*DECISIONS, *ENDPOINTS)
