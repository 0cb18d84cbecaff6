"""The site map for a security reviewer."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route
from gateway.review.diagrams import ROUTES as DIAGRAMS
from gateway.review.files import ROUTES as FILES
from gateway.review.frame import start
from gateway.review.matrix import ROUTES as MATRIX
from gateway.review.playground import ROUTES as PLAYGROUND
from gateway.review.proofs import ROUTES as PROOFS
from gateway.review.trail import ROUTES as TRAIL
from gateway.review.versions import ROUTES as VERSIONS

ROUTES = (
    Route("/review", start, guard=Guard("view", "policy")),
    *FILES,
    *MATRIX,
    *PROOFS,
    *DIAGRAMS,
    *VERSIONS,
    *PLAYGROUND,
    *TRAIL,
)
