"""The site map of forms.

Saving and sending are guarded by `view`: a form that was completed in another tab must say so, and give back what was
typed, where `complete` could only say that there is no such page. The handlers ask for `complete` themselves.
"""

from __future__ import annotations

from gateway.edge.guard import Guard, Route
from gateway.edge.limits import ANSWERS
from gateway.portal.intake.filling_in import save_step, step_page
from gateway.portal.intake.pages import form, forms
from gateway.portal.intake.reviewing import review, submit

ROUTES: tuple[Route, ...] = (
    Route("/c/{client}/forms", forms, guard=Guard("view", "form")),
    Route("/c/{client}/forms/{id}", form, guard=Guard("view", "form")),
    Route("/c/{client}/forms/{id}/steps/{step}", step_page, guard=Guard("complete", "form")),
    Route(
        "/c/{client}/forms/{id}/steps/{step}", save_step, guard=Guard("view", "form"), methods=("POST",), limit=ANSWERS
    ),
    Route("/c/{client}/forms/{id}/review", review, guard=Guard("complete", "form")),
    Route("/c/{client}/forms/{id}/submit", submit, guard=Guard("view", "form"), methods=("POST",)),
)
