"""Sending forms: with an invitation or later, to the people whom the practice chose (rows Y13, Y19, P8).

Everyone gets an own copy, which nobody else at home sees; a form for the whole family is one form.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.notices.notify import Event, notify
from gateway.portal.intake.questions import (
    SignerRule,
    Text,
    Visibility,
    fill_in_names,
    in_language,
    read_questions,
    write_questions,
)
from gateway.records.store import outbox_entry
from gateway.web.formats import day
from gateway.web.language import LANGUAGES, speaking
from models.tables.intake import FormTemplate
from models.tables.records import Client, Form, Practice
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from sqlmodel import Session

    from gateway.portal.intake.questions import Question

GUARDIANS = (Kind.GUARDIAN, Kind.CO_PARENT, Kind.CASEWORKER)  # who signs by the rule `each_guardian`
_FORMS = (Kind.SELF, Kind.EMERGENCY_CONTACT, Kind.ADULT_PROXY, *GUARDIANS)  # kinds that can have the feature at all


def forms_for_invitation(session: Session, practice_id: str) -> list[FormTemplate]:
    """The templates that the practice can send, by title."""
    chosen = select(FormTemplate).where(
        FormTemplate.practice_id == practice_id, col(FormTemplate.retired_at).is_(None), FormTemplate.version > 0
    )
    return sorted(session.exec(chosen), key=lambda template: in_language(template.title, "en"))


def recipients(grants: Iterable[Mapping[str, Any]]) -> list[str]:
    """The accounts of a client's grants that a form can be sent to; access that is still pending counts."""
    standing = (GrantStatus.ACTIVE.value, GrantStatus.PENDING.value)
    found = [one["account_id"] for one in grants if one["status"] in standing and Kind(one["kind"]) in _FORMS]
    return list(dict.fromkeys(found))


def guardians(grants: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those of the recipients who each sign what each guardian has to sign."""
    return recipients(grant for grant in grants if Kind(grant["kind"]) in GUARDIANS)


def send_forms(
    session: Session,
    client_id: str,
    template_ids: Sequence[str],
    *,
    to: Sequence[str],
    each: Sequence[str] = (),
    by: str,
    key: str,
    today: date,
    due: date | None = None,
    tell: bool = True,
) -> list[Form]:
    """Send templates to accounts, in the caller's transaction, and return the forms that are new.

    `each` are the guardians who get a copy of what each guardian signs (empty: those in `to`). `by` is a staff id.
    `key` names this sending: the same key sends the same forms only once. `tell=False` leaves the notice to the
    invitation. ValueError without a recipient. Templates that are gone are left out.
    """
    if not to:
        raise ValueError("a form needs somebody to fill it in")
    client = session.get_one(Client, client_id)
    practice = session.get_one(Practice, client.practice_id)
    sent = []
    for template in forms_for_invitation(session, practice.id):
        if template.id not in template_ids:
            continue
        for filler_id, signer_ids in _copies(template, to, each or to):
            form_id = _form_id(key, template.id, filler_id or "")
            if session.get(Form, form_id) is not None:
                continue
            form = make_form(template, practice, client, form_id)
            form.filler_id, form.signer_ids, form.sent_by, form.sent_on, form.due = (
                filler_id,
                signer_ids,
                by,
                today,
                due,
            )
            session.add_all([form, outbox_entry("form", form)])
            sent.append(form)
            if tell:
                notify(
                    session,
                    Event.FORM,
                    practice_id=practice.id,
                    client_id=client.id,
                    item=("form", form.id),
                    path=f"/c/{client.id}/forms/{form.id}",
                    accounts=to if filler_id is None else [filler_id],
                )
    return sent


def readdress(session: Session, old: str, new: str) -> None:
    """What was sent to an invited account waits for the account that took the invitation; in the practice's session."""
    waiting = select(Form).where(col(Form.state).in_(("sent", "in_progress")))
    for form in session.exec(waiting):
        if form.filler_id == old or old in form.signer_ids:
            form.filler_id = new if form.filler_id == old else form.filler_id
            form.signer_ids = [new if one == old else one for one in form.signer_ids]
            session.add(outbox_entry("form", form))


def make_form(template: FormTemplate, practice: Practice, client: Client, form_id: str) -> Form:
    """A form of the template for one client, with the names filled in; not yet kept, for nobody in particular."""
    return Form(
        id=form_id,
        practice_id=practice.id,
        client_id=client.id,
        state="sent",
        signer_rule="named" if template.signer_rule == SignerRule.FILLER else template.signer_rule,
        title=in_language(template.title, "en"),
        titles=dict(template.title),
        sent_on=template.effective_on,
        questions=write_questions(filled_in(template, practice, client)),
        template_id=template.id,
        template_version=template.version,
        visibility=template.visibility,
    )


def filled_in(template: FormTemplate, practice: Practice, client: Client | None) -> tuple[Question, ...]:
    """The template's questions as they are sent to a client's family; without a client that name stays in braces."""
    names = _names(template, practice)
    if client is not None:
        names["client"] = {"en": client.preferred}
    return fill_in_names(read_questions(template.questions), names)


def _names(template: FormTemplate, practice: Practice) -> dict[str, Text]:
    letter = practice.letterhead
    effective: Text = {}
    for code in LANGUAGES:
        with speaking(code):
            effective[code] = day(template.effective_on)
    return {
        "practice": {"en": practice.name},
        "phone": {"en": str(letter.get("phone", ""))},
        "email": {"en": str(letter.get("email", ""))},
        "address": {"en": ", ".join(str(line) for line in letter.get("address", ()))},
        "effective": effective,
    }


def _copies(template: FormTemplate, to: Sequence[str], each: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """The filler of each copy and who is named as its signer; a family's one form has no filler."""
    if template.signer_rule == SignerRule.EACH_GUARDIAN:
        return [(account, []) for account in dict.fromkeys(each)]
    named = template.signer_rule == SignerRule.FILLER
    if template.visibility == Visibility.FAMILY:
        return [(None, list(dict.fromkeys(to)) if named else [])]
    return [(account, [account] if named else []) for account in dict.fromkeys(to)]


def _form_id(key: str, template_id: str, filler_id: str) -> str:
    return "form_" + hashlib.sha256(f"{key}\n{template_id}\n{filler_id}".encode()).hexdigest()[:24]
