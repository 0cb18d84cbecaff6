"""The matrices of conditions: what each kind, and each role held alone, may do and when, over every situation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.workbench.matrix import tabulate
from authz_service.workbench.matrix_report import as_text
from policy_tests.suites import HOME

if TYPE_CHECKING:
    from authz_service.engine import Policy

# File -> the subject type, the heads, and what puts questions together.
TABLES = {
    HOME / "golden" / "kinds.txt": ("account", "subject.kind", "subject.toggle"),
    HOME / "golden" / "roles.txt": ("staff", "subject.role", None),
}


def render(policy: Policy, subject_type: str, by: str, group: str | None) -> str:
    """One table, as `kinguard policy matrix` writes it."""
    return as_text(tabulate(policy, subject_type, by, group))
