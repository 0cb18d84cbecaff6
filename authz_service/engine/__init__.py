"""The policy engine: a bundle of readable rules becomes exact decision diagrams."""

from __future__ import annotations

from authz_service.engine.errors import BundleError, Problem
from authz_service.engine.facts import Fact
from authz_service.engine.policy import MISSING, Answer, Policy, PolicyHolder, Question, load_policy

__all__ = ["MISSING", "Answer", "BundleError", "Fact", "Policy", "PolicyHolder", "Problem", "Question", "load_policy"]
