"""Which version of the policy a call is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.conduct import acting_of
from authz_service.api.problems import ProblemError
from authz_service.api.trail import deciding_actor
from authz_service.commands.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.api.routing import Call
    from authz_service.engine import Policy

SERVING = "serving"  # in the place of a digest


def version_of(call: Call, name: str = "version") -> tuple[Policy, Path]:
    """The policy that the path names, a digest or `serving`, and the folder of its texts. Raises NotFoundError."""
    return find_version(call, call.path[name])


def find_version(call: Call, version: str) -> tuple[Policy, Path]:
    """The same for a version that is named elsewhere."""
    found = call.service.bundles.find(call.serving.digest if version == SERVING else version)
    if found is None:
        raise NotFoundError("policy bundle")
    return found


def reviewed_version(call: Call, action: str = "view") -> tuple[Policy, Path]:
    """The same as `version_of`, where whoever acts may do this with policies.

    What serves decides about every practice, and may be read in each; other versions belong to the practice that keeps
    the policy, and are not there for others. Raises ForbiddenError; ProblemError 400 where nobody is named.
    """
    acting_of(call)
    practice_id = deciding_actor(call, action, "policy")
    policy, texts = version_of(call)
    if policy.digest != call.serving.digest and practice_id != keeper_of(call):
        raise NotFoundError("policy bundle")
    return policy, texts


def keeper_of(call: Call) -> str:
    """The practice that keeps the policy. ProblemError 409 when none is said to."""
    named = call.service.settings.policy_practice
    with call.service.store.reading() as rows:
        known = rows.practices()
    if named in known:
        return named
    if len(known) != 1:
        raise ProblemError(409, "KINGUARD_POLICY_PRACTICE must name the practice whose staff keep the policy")
    (only,) = known
    return only
