"""The demo's forms: the cast's filled-in forms, on the standard templates of their practices."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from gateway.portal.intake.completing import CONSENT, fingerprint
from gateway.portal.intake.questions import write_questions
from gateway.portal.intake.sending import filled_in

if TYPE_CHECKING:
    from models.tables.intake import FormTemplate
    from models.tables.records import Client, Form, Practice


def seed_form(form: Form, template: FormTemplate, practice: Practice, client: Client, filler: str) -> None:
    """Give a form of the cast the questions of its template, and the filler's signature when it is completed."""
    form.questions = write_questions(filled_in(template, practice, client))
    form.titles, form.template_id, form.template_version = dict(template.title), template.id, template.version
    form.version = 1 if form.answers else 0
    if form.completed_on is not None:
        form.completed_by = form.filler_id
        form.signature = _signature(form, filler, datetime.combine(form.completed_on, time(18), UTC))


def _signature(form: Form, name: str, at: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "consent": CONSENT,
        "signer_id": form.filler_id,
        "signer_name": name,
        "signed_at": at.isoformat(timespec="seconds"),
        "method": "typed",
        "sha256": fingerprint(form),
    }
