"""A version of the policy in tables: who may do what under which conditions, and what is proven of every situation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authz_service.api.once import Once
from authz_service.api.policy_files import exact, read
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.versions import reviewed_version
from authz_service.engine.errors import BundleError
from authz_service.workbench.matrix import Matrix, MatrixError, tabulate
from authz_service.workbench.matrix_report import as_csv, as_mapping
from authz_service.workbench.story import story
from authz_service.workbench.terms import phrase
from models.wire import policy_files as wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.api.routing import Call
    from authz_service.engine import Policy
    from authz_service.engine.facts import Matches
    from authz_service.engine.prove import Proof

MATRIX = (
    Parameter("subject", "The subject type; the first one unless told."),
    Parameter("by", "The fact whose values are the heads, or a flag with a parameter."),
    Parameter("group", "A fact with a parameter: what depends on one instance stands together; `-` for none."),
    Parameter("csv", "`true`: the table as CSV as well."),
)
# The heads and groups that are meant where none are named, in a bundle that has them.
_USUAL = (("subject.kind", "subject.toggle"), ("subject.role", None))
_HEADS_MAX = 24
_MATRIX_SECONDS = 1.0
_CLAIM_SECONDS = 3.0
_matrices = Once[Matrix | str](16)
_proofs = Once[list[dict[str, Any]]](6)


def show_matrix(call: Call) -> Reply:
    """Who may do what, each cell yes, no or the shortest condition."""
    policy, _folder = reviewed_version(call)
    query = call.query
    choices = [_choice(policy, name) for name in policy.subject_types]
    chosen = {choice["subject_type"]: choice for choice in choices}.get(query.get("subject", policy.subject_types[0]))
    if chosen is None:
        raise _not_one_of("subject", policy.subject_types)
    by, group = _usual(chosen)
    if "by" in query:
        by, group = query["by"], group if query["by"] == by else None
    if "group" in query:
        group = None if query["group"] == "-" else query["group"]
    if by is not None and by not in chosen["by"]:
        raise _not_one_of("by", chosen["by"])
    if group is not None and group not in chosen["group"]:
        raise _not_one_of("group", ["-", *chosen["group"]])
    subject = chosen["subject_type"]
    key = (policy.digest, subject, by, group)
    table = _matrices.result_within(_MATRIX_SECONDS, key, lambda: _table(policy, subject, by, group))
    if isinstance(table, str):
        raise ProblemError(422, table, fields={"by": table})
    return exact(
        {
            **read(call, policy),
            "choices": choices,
            "table": None if table is None else as_mapping(table) | {"group": group, "flags": by not in policy.facts},
            "csv": as_csv(table) if table is not None and query.get("csv") == "true" else None,
        }
    )


def list_proofs(call: Call) -> Reply:
    """Every invariant with its proof."""
    policy, _folder = reviewed_version(call)
    found = _proofs.result(policy.digest, lambda: [_proof(policy, proof) for proof in policy.prove()])
    return exact({**read(call, policy), "proofs": found})


def prove_claims(call: Call) -> Reply:
    """Prove invariants over a version, one after the other; nothing of them is kept."""
    policy, _folder = reviewed_version(call, "run")
    until = time.monotonic() + _CLAIM_SECONDS
    try:
        invariants = policy.invariants(call.body(wire.Claims).invariants, "invariants")
    except BundleError as error:
        problems = [{"line": each.line, "message": each.message} for each in error.problems]
        return exact({**read(call, policy), "problems": problems, "proofs": []})
    if len(invariants) > wire.CLAIMS_MAX:
        raise ProblemError(
            422, f"at most {wire.CLAIMS_MAX} invariants are proven at once", fields={"invariants": "too many"}
        )
    proofs: list[dict[str, Any]] = []
    for invariant in invariants:
        if time.monotonic() > until:
            says = f"stopped after {_CLAIM_SECONDS:.0f} seconds, before line {invariant.line}: prove fewer at once"
            raise ProblemError(422, says, fields={"invariants": says})
        proofs += [_proof(policy, proof) for proof in policy.prove([invariant])]
    return exact({**read(call, policy), "problems": [], "proofs": proofs})


def _not_one_of(name: str, choices: Sequence[str]) -> ProblemError:
    says = f"{name} must be one of {', '.join(choices)}"
    return ProblemError(422, says, fields={name: says})


def _choice(policy: Policy, subject_type: str) -> dict[str, Any]:
    slots = policy.subject_slots(subject_type)
    bases: dict[str, int] = {}
    for fact in slots:
        if fact.is_flag and fact.parameter is not None:
            bases[fact.base] = bases.get(fact.base, 0) + 1
    texts = [fact.name for fact in slots if not fact.is_flag and fact.parameter is None]
    heads = [name for name in texts if len(policy.facts[name].values) <= _HEADS_MAX]
    group = dict.fromkeys(fact.base for fact in slots if fact.parameter is not None)
    wide = [base for base, count in bases.items() if 1 < count <= _HEADS_MAX]
    return {"subject_type": subject_type, "by": [*heads, *wide], "group": list(group)}


def _usual(choice: dict[str, Any]) -> tuple[str | None, str | None]:
    for by, group in _USUAL:
        if by in choice["by"]:
            return by, group if group in choice["group"] else None
    return (choice["by"][0] if choice["by"] else None), None


def _table(policy: Policy, subject_type: str, by: str | None, group: str | None) -> Matrix | str:
    try:
        return tabulate(policy, subject_type, by, group)
    except MatrixError as error:
        return str(error)


def _proof(policy: Policy, proof: Proof) -> dict[str, Any]:
    invariant = proof.invariant
    outcome = "broken" if proof.question else "proven" if proof.situations else "empty"
    all_actions = {action for actions in policy.resource_types.values() for action in actions}
    return {
        "id": invariant.id,
        "says": invariant.says,
        "file": invariant.file,
        "line": invariant.line,
        "statement": "never" if invariant.never else "always",
        "subjects": _named(invariant.subjects, len(policy.subject_types)),
        "actions": _named(invariant.actions, len(all_actions)),
        "resources": _named(invariant.resources, len(policy.resource_types)),
        "when": _phrases(policy, invariant.when),
        "unless": _phrases(policy, invariant.unless),
        "outcome": outcome,
        "questions": proof.questions,
        "situations": proof.situations,
        "story": story(policy, proof) if proof.question else [],
        "counterexample": dict(zip(("subject_type", "action", "resource_type"), proof.question, strict=True))
        if proof.question
        else None,
    }


def _named(names: Sequence[str], count: int) -> list[str]:
    return ["any"] if len(names) == count > 1 else list(names)


def _phrases(policy: Policy, matches: Matches) -> list[str]:
    domains = {name: policy.facts[name].values for name in matches}
    return [
        phrase({name: tuple(value for value in domains[name] if value in values)}, domains)
        for name, values in matches.items()
    ]
