"""The site map for families."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route, signed_in
from gateway.portal import profile, requests
from gateway.portal.billing.routes import ROUTES as BILLING
from gateway.portal.dashboard import dashboard
from gateway.portal.intake.routes import ROUTES as INTAKE
from gateway.portal.messages.routes import ROUTES as MESSAGES
from gateway.portal.papers.routes import ROUTES as PAPERS
from gateway.portal.picker import picker
from gateway.portal.schedule.routes import ROUTES as SCHEDULE
from gateway.portal.service_plan import service_plan

ROUTES = (
    Route("/", picker, guard=signed_in),
    Route("/c/{client}", dashboard, guard=Guard("open", "portal")),
    Route("/c/{client}/plan", service_plan, guard=Guard("view", "service_plan")),
    *profile.ROUTES,
    *BILLING,
    *SCHEDULE,
    *PAPERS,
    *INTAKE,
    *MESSAGES,
    *requests.ROUTES,
)
