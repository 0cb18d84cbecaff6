"""Bundles: staged, shadowed, put into service, rolled back."""

from __future__ import annotations

from authz_service.api import bundles
from authz_service.api.endpoints.paths import POLICY_VERSION
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire import bundles as wire

_VERSIONS = "/v1/policy/versions"

ENDPOINTS = (
    Endpoint(
        "GET",
        _VERSIONS,
        "Every bundle of rules that is kept, and which one served when.",
        bundles.list_versions,
        Scope.POLICY,
        reply=wire.Versions,
        refusals=(409,),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        _VERSIONS,
        "Keep a bundle, once it is loaded and proven; a refusal lists every reason with file and line.",
        bundles.stage,
        Scope.POLICY,
        body=wire.NewVersion,
        reply=wire.Version,
        refusals=(409,),
        status=201,
        takes_actor=True,
        seconds=bundles.STAGE_SECONDS,
    ),
    Endpoint(
        "GET",
        POLICY_VERSION,
        "A bundle that is kept, by its digest or as `serving`.",
        bundles.show_version,
        Scope.POLICY,
        reply=wire.VersionInFull,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "DELETE",
        POLICY_VERSION,
        "Withdraw a staged bundle.",
        bundles.withdraw,
        Scope.POLICY,
        reply=wire.Version,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "PUT",
        f"{POLICY_VERSION}/shadow",
        "Ask a staged bundle every live question too, searches and plans among them, and count where it says "
        "otherwise; at most one bundle shadows.",
        bundles.switch_shadow,
        Scope.POLICY,
        body=wire.ShadowSwitch,
        reply=wire.Shadow,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/shadow",
        "How often it said otherwise since it was last switched on, in all processes together.",
        bundles.show_shadow,
        Scope.POLICY,
        reply=wire.Shadow,
        refusals=(404, 409),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        f"{POLICY_VERSION}/deploy",
        "Put a bundle into service; answered when no process answers by another any more.",
        bundles.deploy,
        Scope.POLICY,
        body=wire.Deploy,
        reply=wire.Deployed,
        refusals=(404, 409, 412),
        takes_actor=True,
        seconds=bundles.DEPLOY_SECONDS,
    ),
    Endpoint(
        "POST",
        "/v1/policy/rollback",
        "Put back what served before; answered when no process answers by another any more.",
        bundles.roll_back,
        Scope.POLICY,
        body=wire.Rollback,
        reply=wire.Deployed,
        refusals=(409, 412),
        takes_actor=True,
        seconds=bundles.DEPLOY_SECONDS,
    ),
)
