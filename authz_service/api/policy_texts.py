"""The texts of a version of the policy, to be compared with another's or tried out on a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.routing import Reply
from authz_service.api.versions import reviewed_version
from authz_service.deploying.texts import read_texts

if TYPE_CHECKING:
    from authz_service.api.routing import Call


def show_texts(call: Call) -> Reply:
    """Every file whole, by its name."""
    policy, folder = reviewed_version(call)
    return Reply({"version": policy.digest, "files": read_texts(folder)})
