"""The records' part of an import: clients, contacts, people and the mails to them, in one transaction."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from gateway.account.credentials import credential_of, has_joined
from gateway.account.invitations import invite
from gateway.notices.notify import Event, notify
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.tables.records import Client, ClientHome
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

    from gateway.account.invitations import Inviting
    from gateway.admin.importing.jobs import Shown
    from models.tables.imports import ImportJob

_SAVED = 500  # rows written at once


def write_records(
    session: Session, shown: Shown, told: Mapping[str, Any], job: ImportJob, inviting: Inviting, *, invites: bool
) -> None:
    """Everything that the file brings to the records; `told` is the service's answer, with the ids of the grants."""
    own: dict[str, Any] = {"practice_id": job.practice_id}
    wanted = {step.place for step in shown.steps if step.part == "grants" and step.outcome != "left_out"}
    for client in shown.records["clients"]:
        session.add(ClientHome(client_id=client["id"], **own))
        born = date.fromisoformat(client["born"])
        shown_as = {name: client[name] for name in ("id", "name", "preferred")}
        session.add(Client(**shown_as, **own, born=born))
    used = {contact["account_id"] for contact in shown.records["contacts"] if contact["grant"] in wanted}
    for one in shown.records["people"]:
        if one["id"] in used and session.get(Person, (SubjectType.ACCOUNT.value, one["id"])) is None:
            values = {"name": one["name"], "email": one["email"], "phone": one["phone"] or None}
            person = {"subject_type": SubjectType.ACCOUNT.value, "subject_id": one["id"], "language": one["language"]}
            session.add(Person(**person, **values))
    for number, contact in enumerate(shown.records["contacts"]):
        place = contact["grant"]
        values = {name: contact[name] for name in ("id", "client_id", "account_id", "kind", "name", "email")}
        values |= {
            "phone": contact["phone"] or None,
            "grant_id": None if place is None else told["grants"][place]["id"],
        }
        session.merge(Contact(**values, **own, added_by=inviting.by, added_at=inviting.now))
        if number % _SAVED == 0:
            session.flush()
    session.flush()
    if invites:
        _invite(session, shown, inviting)


def _invite(session: Session, shown: Shown, inviting: Inviting) -> None:
    """Mail each new person once, by link; whoever has signed in before is told that a profile was added (c3)."""
    invited: set[str] = set()
    for contact in shown.records["contacts"]:
        account_id, client_id = contact["account_id"], contact["client_id"]
        if not account_id:
            continue
        if has_joined(credential_of(session, SubjectType.ACCOUNT, account_id)):
            about = {"practice_id": inviting.practice.id, "client_id": client_id, "item": None}
            notify(session, Event.PROFILE, **about, path=f"/c/{client_id}", accounts=[account_id])
        elif account_id not in invited:
            invited.add(account_id)
            person = session.get(Person, (SubjectType.ACCOUNT.value, account_id))
            if person is not None and person.email:  # Who was let in over the API may have no address here.
                invite(session, person, inviting, None)
