"""Which version of the policy a call is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.commands.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.api.routing import Call
    from authz_service.engine import Policy


def version_of(call: Call, name: str = "version") -> tuple[Policy, Path]:
    """The policy that the path names, a digest or `serving`, and the folder of its texts. Raises NotFoundError."""
    found = call.service.bundles.find(call.path[name])
    if found is None:
        raise NotFoundError("policy bundle")
    return found
