"""`make golden`: writes the golden matrices anew, to be read in review."""

from __future__ import annotations

from authz_service.engine import load_policy
from policy_tests.golden import conditions, matrix
from policy_tests.suites import HOME

policy = load_policy(HOME.parent / "policies")
matrix.FILE.write_text(matrix.render(policy), encoding="utf-8")
for file, table in conditions.TABLES.items():
    file.write_text(conditions.render(policy, *table), encoding="utf-8")
