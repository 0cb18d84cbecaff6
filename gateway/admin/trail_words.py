"""The trail in words: who, about whom, what was asked or done, to which kind of item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.admin.trail_actions import ASKED, DONE, TYPES
from gateway.edge.questions import opens
from gateway.web.language import _
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlmodel import Session
    from starlette.requests import Request

_IDS_AT_ONCE = 500


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
            known.update(session.exec(chosen).all())
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
        return _(DONE[action]) if action in DONE else action
    resource = entry.get("resource")
    kind = str(resource["type"]) if isinstance(resource, dict) else ""
    label = _(ASKED[action]) if action in ASKED else action
    return f"{label} · {type_words(kind)}" if kind else label


def type_words(kind: str) -> str:
    """A kind of item."""
    return _(TYPES[kind]) if kind in TYPES else kind


def asked_words(action: str, kind: str) -> str:
    """An action of the rules on a kind of item."""
    return action_words({"type": "decision", "action": action, "resource": {"type": kind}})


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]
