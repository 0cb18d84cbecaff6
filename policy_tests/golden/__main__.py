"""`make golden`: writes the access matrix anew, to be read in review."""

from __future__ import annotations

from authz_service.engine import load_policy
from policy_tests.golden.matrix import FILE, render
from policy_tests.suites import HOME

FILE.write_text(render(load_policy(HOME.parent / "policies")), encoding="utf-8")
