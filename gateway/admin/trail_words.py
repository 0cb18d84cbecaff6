"""The trail in words: who, about whom, what was asked or done, to which kind of item."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.edge.questions import opens
from gateway.web.language import N_, _
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlmodel import Session
    from starlette.requests import Request

_IDS_AT_ONCE = 500
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "portal": N_("Portal"),
        "profile": N_("Profile"),
        "calendar": N_("Calendar"),
        "appointment": N_("Appointment"),
        "invoice": N_("Invoice"),
        "payment": N_("Payment"),
        "document": N_("Document"),
        "form": N_("Form"),
        "thread": N_("Conversation"),
        "owner_email": N_("E-mail to the owner"),
        "service_plan": N_("Service plan"),
        "clinical_note": N_("Clinical note"),
        "treatment_plan": N_("Treatment plan"),
        "client": N_("Client"),
        "grant": N_("Access"),
        "withhold": N_("Withheld item"),
        "block": N_("Safety block"),
        "switch": N_("Switch"),
        "invitation": N_("Invitation"),
        "subscription": N_("Subscription"),
        "practice": N_("Practice"),
        "records": N_("Records"),
        "trail": N_("Trail"),
        "policy": N_("Rules"),
        "emergency_access": N_("Emergency access"),
        "import": N_("Import"),
        "staff": N_("Staff member"),
    }
)
# What is asked of the rules, as a heading: the action, then the kind of item.
_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "open": N_("Open"),
        "view": N_("View"),
        "print": N_("Print"),
        "download": N_("Download"),
        "upload": N_("Hand in"),
        "sign": N_("Sign"),
        "pay": N_("Pay"),
        "complete": N_("Fill in"),
        "send": N_("Send"),
        "start": N_("Begin"),
        "request": N_("Ask for"),
        "cancel": N_("Cancel"),
        "reschedule": N_("Move"),
        "remind": N_("Be reminded of"),
        "subscribe": N_("Follow"),
        "create": N_("Add"),
        "update": N_("Change"),
        "end": N_("End"),
        "export": N_("Take away"),
        "run": N_("Run"),
        "stage": N_("Prepare"),
        "deploy": N_("Put into service"),
        "offer": N_("Offer"),
    }
)
# What was changed or happened; an action that has no words here is shown by its own name.
_DONE: Mapping[str, str] = MappingProxyType(
    {
        "account.merge": N_("Person merged"),
        "appointment.accept": N_("Appointment accepted"),
        "appointment.cancel": N_("Appointment cancelled"),
        "appointment.decline": N_("Appointment declined"),
        "appointment.request": N_("Appointment asked for"),
        "appointment.reschedule": N_("Appointment moved"),
        "block.create": N_("Safety block set"),
        "block.end": N_("Safety block taken away"),
        "client.create": N_("Client added"),
        "client.merge": N_("Client merged"),
        "client.update": N_("Client changed"),
        "document.added": N_("Document added"),
        "document.disclosed": N_("Document sent once by a link"),
        "document.released": N_("Document released"),
        "document.released.opened": N_("Link of a document opened"),
        "document.shared": N_("Document shared"),
        "document.signed": N_("Document signed"),
        "document.withdrawn": N_("Document withdrawn"),
        "emergency_access.end": N_("Emergency access ended"),
        "emergency_access.reads.read": N_("Reads under emergency access looked at"),
        "emergency_access.review": N_("Emergency access reviewed"),
        "emergency_access.search": N_("Client looked for, for emergency access"),
        "emergency_access.start": N_("Emergency access opened"),
        "form.completed": N_("Form completed"),
        "form.sent": N_("Form sent"),
        "form.signed": N_("Form signed"),
        "grant.accept": N_("Invitation accepted"),
        "grant.create": N_("Access given"),
        "grant.decline": N_("Invitation declined"),
        "grant.first_login": N_("First sign-in"),
        "grant.update": N_("Access changed"),
        "import.run": N_("Import"),
        "kind_defaults.update": N_("Starting access changed"),
        "password.change": N_("Password changed"),
        "password.reset": N_("Password replaced"),
        "payment.received": N_("Payment received"),
        "payment.returned": N_("Payment returned"),
        "portal.viewed_as": N_("Portal looked at as somebody else"),
        "practice.create": N_("Practice added"),
        "practice.privacy_contact": N_("Privacy contact chosen"),
        "practice.update": N_("Settings of the practice changed"),
        "practice.way_in": N_("Ways in changed"),
        "profile.update": N_("Profile changed"),
        "records.export": N_("Practice exported"),
        "search.action": N_("Searched what somebody may do"),
        "search.resource": N_("Searched what somebody may see"),
        "search.subject": N_("Searched who may see"),
        "sign_in.refused": N_("Sign-in refused"),
        "sign_in.second_factor_refused": N_("Second factor refused"),
        "sign_in.succeeded": N_("Sign-in"),
        "sign_out": N_("Sign-out"),
        "sign_out.everywhere": N_("Sign-out everywhere"),
        "staff.create": N_("Staff member added"),
        "staff.update": N_("Staff member changed"),
        "switch.update": N_("Switch changed"),
        "trail.denials.read": N_("Refusals looked at"),
        "trail.disclosures.read": N_("Disclosures looked at"),
        "trail.exported": N_("Trail exported"),
        "trail.read": N_("Trail looked at"),
        "withhold.create": N_("Item withheld"),
        "withhold.create_for_all": N_("Item withheld from all"),
        "withhold.end": N_("Item shown again"),
        "withhold.end_for_all": N_("Item shown to all again"),
    }
)
ACTIONS = (*_ACTIONS, *_DONE)


@dataclass(frozen=True, slots=True)
class Names:
    """Who is behind the ids, as far as the reader may know; otherwise the id stands for itself."""

    accounts: Mapping[str, str]
    staff: Mapping[str, str]
    clients: Mapping[str, str]

    def subject(self, text: str | None) -> str:
        """`account/dana`, `staff/jo` or `system/seed` by name; empty without one."""
        kind, _slash, name = (text or "").partition("/")
        if kind == SubjectType.ACCOUNT.value:
            return self.account(name)
        return self.staff_name(name) if kind == SubjectType.STAFF.value else text or ""

    def account(self, account_id: str | None) -> str:
        """An account by the name the practice has for it."""
        return self.accounts.get(account_id or "", account_id or "")

    def staff_name(self, staff_id: str | None) -> str:
        """A staff member by name."""
        return self.staff.get(staff_id or "", staff_id or "")

    def client(self, client_id: str | None) -> str:
        """A client by name."""
        return self.clients.get(client_id or "", client_id or "")


async def names_of(
    request: Request,
    *,
    accounts: Iterable[str] = (),
    staff: Iterable[str] = (),
    clients: Iterable[str] = (),
    hide: bool | None = None,
) -> Names:
    """Names for these ids: of people as the practice's own contact book has them.

    Who may not see clients (a reviewer) gets ids for families and clients; `hide` says so where it is known already.
    """
    records, practice_id = request.app.state.records, request.state.reader.practice_id
    wanted = {"accounts": sorted(set(accounts)), "clients": sorted(set(clients))}
    if hide is None and any(wanted.values()):
        (sees,) = await opens(request, [("view", "client")])
        hide = not sees
    if hide:
        wanted = {"accounts": [], "clients": []}

    def read(session: Session) -> tuple[dict[str, str], dict[str, str]]:
        contacts: dict[str, str] = {}
        known: dict[str, str] = {}
        for some in _parts(wanted["accounts"]):
            rows = session.exec(
                select(Contact.account_id, Contact.name)
                .where(Contact.practice_id == practice_id, col(Contact.account_id).in_(some))
                .order_by(col(Contact.added_at))
            )
            contacts |= {str(account_id): name for account_id, name in rows}
        for some in _parts(wanted["clients"]):
            chosen = select(Client.id, Client.name).where(Client.practice_id == practice_id, col(Client.id).in_(some))
            known |= {key: name for key, name in session.exec(chosen)}
        return contacts, known

    contacts, known = await records.read(practice_id, read)
    strangers = [one for one in wanted["accounts"] if one not in contacts]
    people = await records.people(SubjectType.ACCOUNT, strangers) if strangers else {}
    members = await records.people(SubjectType.STAFF, sorted({one for one in staff if one})) if staff else {}
    own = {key: person.name for key, person in members.items() if person.practice_id == practice_id}
    return Names(contacts | {key: person.name for key, person in people.items()}, own, known)


def action_words(entry: Mapping[str, object]) -> str:
    """What a record says was asked or done, as a heading."""
    action = str(entry.get("action") or "")
    if entry["type"] != "decision":
        return _(_DONE[action]) if action in _DONE else action
    resource = entry.get("resource")
    kind = str(resource["type"]) if isinstance(resource, dict) else ""
    label = _(_ACTIONS[action]) if action in _ACTIONS else action
    return f"{label} · {type_words(kind)}" if kind else label


def type_words(kind: str) -> str:
    """A kind of item."""
    return _(TYPES[kind]) if kind in TYPES else kind


def asked_words(action: str, kind: str) -> str:
    """An action of the rules on a kind of item."""
    return action_words({"type": "decision", "action": action, "resource": {"type": kind}})


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]
