"""The policy's files, rules, matrix and proofs."""

from __future__ import annotations

from authz_service.api import policy_files, policy_tables
from authz_service.api.endpoints.paths import POLICY_VERSION
from authz_service.api.routing import Endpoint
from models.vocabulary import Scope
from models.wire import policy_files as bodies

ENDPOINTS = (
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/files",
        "The files of a version in reading order, and what a search finds in them.",
        policy_files.list_files,
        Scope.POLICY,
        reply=bodies.Files,
        refusals=(404,),
        query=policy_files.SEARCH,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/files/{{name}}",
        "One file word by word; its name has `~` for each slash.",
        policy_files.show_file,
        Scope.POLICY,
        reply=bodies.File,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/rules/{{rule_id}}",
        "One rule: text, facts, what it decides, suites and invariants.",
        policy_files.show_rule,
        Scope.POLICY,
        reply=bodies.Rule,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/facts",
        "Every fact that rules may read, and which do.",
        policy_files.list_facts,
        Scope.POLICY,
        reply=bodies.Facts,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/matrix",
        "Who may do what, under which conditions.",
        policy_tables.show_matrix,
        Scope.POLICY,
        reply=bodies.Matrix,
        refusals=(404, 422),
        query=policy_tables.MATRIX,
        takes_actor=True,
    ),
    Endpoint(
        "GET",
        f"{POLICY_VERSION}/proofs",
        "Every invariant with its proof.",
        policy_tables.list_proofs,
        Scope.POLICY,
        reply=bodies.Proofs,
        refusals=(404,),
        takes_actor=True,
    ),
    Endpoint(
        "POST",
        f"{POLICY_VERSION}/proofs",
        "Prove invariants of one's own; nothing is kept.",
        policy_tables.prove_claims,
        Scope.POLICY,
        body=bodies.Claims,
        reply=bodies.ClaimProofs,
        refusals=(404,),
        takes_actor=True,
    ),
)
