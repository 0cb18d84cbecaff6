"""Why somebody may act for a client, and what proves it, in plain words."""

from __future__ import annotations

from gateway.web.language import N_

# By what a person may act for the client; the empty one is where nobody said.
AUTHORITIES = {
    "": N_("Not said"),
    "parent": N_("Parent"),
    "parent_order": N_("Parent, with a court order about custody"),
    "guardian_order": N_("Legal guardian, by court order"),
    "adoptive": N_("Adoptive parent"),
    "foster": N_("Foster parent, placed by an agency"),
    "agency": N_("Agency or caseworker with custody"),
    "caregiver": N_("Relative who cares for the child, by affidavit"),
    "attorney": N_("Agent, by power of attorney"),
    "named": N_("Named by the client"),
    "none": N_("No authority: helps only"),
}

# What shows it.
PROOFS = {
    "court_order": N_("Court order"),
    "birth_certificate": N_("Birth certificate"),
    "adoption_decree": N_("Adoption decree"),
    "placement": N_("Placement agreement of the agency"),
    "affidavit": N_("Caregiver's affidavit"),
    "power_of_attorney": N_("Power of attorney"),
    "consent": N_("Consent that the client signed"),
    "other": N_("Other paper"),
}
