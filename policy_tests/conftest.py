"""What the policy tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from policy_tests.suites import HOME

if TYPE_CHECKING:
    from authz_service.engine import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    """Our own bundle."""
    return load_policy(HOME.parent / "policies")
