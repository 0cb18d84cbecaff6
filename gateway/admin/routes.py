"""The site map for a practice's staff."""

from __future__ import annotations

from gateway.admin import banners, requests
from gateway.admin.ages import ROUTES as AGES
from gateway.admin.appointments import ROUTES as APPOINTMENTS
from gateway.admin.blocking import ROUTES as BLOCKING
from gateway.admin.bulk import ROUTES as BULK
from gateway.admin.chart import ROUTES as CHART
from gateway.admin.check import ROUTES as CHECK
from gateway.admin.client_edit import ROUTES as CLIENT_EDIT
from gateway.admin.client_merge import ROUTES as CLIENT_MERGE
from gateway.admin.client_switches import ROUTES as CLIENT_SWITCHES
from gateway.admin.clients import clients
from gateway.admin.coming import DAY_ROUTES as CHANGES_OF_A_DAY
from gateway.admin.coming import ROUTES as CHANGES
from gateway.admin.comparing import ROUTES as COMPARING
from gateway.admin.contact_edit import ROUTES as CONTACT_EDIT
from gateway.admin.contacts import ROUTES as CONTACTS
from gateway.admin.disclosures import ROUTES as DISCLOSURES
from gateway.admin.emergency import ROUTES as EMERGENCY
from gateway.admin.exporting import ROUTES as EXPORTING
from gateway.admin.forms import ROUTES as FORMS
from gateway.admin.grants import grant_page, save_toggles
from gateway.admin.hand_over import ROUTES as HAND_OVERS
from gateway.admin.importing.pages import ROUTES as IMPORTING
from gateway.admin.invitations import ROUTES as INVITATIONS
from gateway.admin.kind_defaults import ROUTES as KIND_DEFAULTS
from gateway.admin.merging import ROUTES as MERGING
from gateway.admin.messages import ROUTES as MESSAGES
from gateway.admin.naming import ROUTES as NAMING
from gateway.admin.network import client_page
from gateway.admin.paper_marks import ROUTES as PAPER_MARKS
from gateway.admin.papers import ROUTES as PAPERS
from gateway.admin.past import ROUTES as PAST
from gateway.admin.payments import ROUTES as PAYMENTS
from gateway.admin.practice import ROUTES as PRACTICE
from gateway.admin.proofs import ROUTES as PROOFS
from gateway.admin.releases import ROUTES as RELEASES
from gateway.admin.sections import start
from gateway.admin.sign_ups import ROUTES as SIGN_UPS
from gateway.admin.staff import ROUTES as STAFF
from gateway.admin.staff_joining import ROUTES as STAFF_JOINING
from gateway.admin.standing import ROUTES as STANDING
from gateway.admin.taking_on import ROUTES as TAKING_ON
from gateway.admin.trail import ROUTES as TRAIL
from gateway.admin.viewing import ROUTES as VIEWING
from gateway.admin.what_if import ROUTES as WHAT_IF
from gateway.admin.who_sees import ROUTES as WHO_SEES
from gateway.admin.window import ROUTES as WINDOW
from gateway.admin.withholding import ROUTES as WITHHOLDING
from gateway.edge.guard import Guard, Route, signed_in

ROUTES = (
    Route("/admin", start, guard=signed_in),
    Route("/admin/clients", clients, guard=Guard("view", "client")),
    Route("/admin/clients/{client}", client_page, guard=Guard("view", "client")),
    Route("/admin/clients/{client}/grants/{grant}", grant_page, guard=Guard("view", "grant")),
    Route("/admin/clients/{client}/grants/{grant}", save_toggles, guard=Guard("update", "grant"), methods=("POST",)),
    *PRACTICE,
    *IMPORTING,
    *EXPORTING,
    *KIND_DEFAULTS,
    *BULK,
    *CHECK,
    *STAFF,
    *STAFF_JOINING,
    *APPOINTMENTS,
    *CLIENT_SWITCHES,
    *CONTACTS,
    *TAKING_ON,
    *STANDING,
    *PROOFS,
    *MERGING,
    *CONTACT_EDIT,
    *CLIENT_MERGE,
    *CLIENT_EDIT,
    *INVITATIONS,
    *SIGN_UPS,
    *MESSAGES,
    *PAPERS,
    *NAMING,
    *FORMS,
    *RELEASES,
    *WITHHOLDING,
    *BLOCKING,
    *COMPARING,
    *WHO_SEES,
    *PAPER_MARKS,
    *VIEWING,
    *PAYMENTS,
    *requests.ROUTES,
    *TRAIL,
    *DISCLOSURES,
    *EMERGENCY,
    *CHART,
    *CHANGES,
    *AGES,
    *WHAT_IF,
    *PAST,
    *HAND_OVERS,
    *WINDOW,
    *CHANGES_OF_A_DAY,
    *banners.ROUTES,
)
