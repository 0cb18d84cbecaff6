"""What the tests of the workbench share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from tests.engine.bundles import FILES, write_files

if TYPE_CHECKING:
    from authz_service.engine import Policy

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies"
AUTHZEN = ROOT / "tests" / "authzen"


@pytest.fixture(scope="session")
def ours() -> Policy:
    """Our own bundle."""
    return load_policy(POLICIES)


@pytest.fixture(scope="session")
def bundles(ours: Policy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    """Ours, the three of the interop scenarios, and one that uses every part of the format."""
    small = write_files(tmp_path_factory.mktemp("small"), FILES)
    others = {name: load_policy(AUTHZEN / name) for name in ("todo", "gateway", "records")}
    return {"ours": ours, "small": load_policy(small), **others}
