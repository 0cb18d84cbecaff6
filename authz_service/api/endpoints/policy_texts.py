"""The policy's texts."""

from __future__ import annotations

from authz_service.api import policy_texts
from authz_service.api.endpoints.paths import POLICY_VERSION
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire.policy_texts import Texts

ENDPOINTS = (
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/texts",
        "The texts of a version.",
        policy_texts.show_texts,
        Scope.POLICY,
        reply=Texts,
        refusals=(404,),
        takes_actor=True,
    ),
)
