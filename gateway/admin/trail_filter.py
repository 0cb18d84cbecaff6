"""What of the trail the reader wants to see: read from the query of the page, and put to the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from gateway.admin.people import is_known
from gateway.admin.trail_actions import ACTIONS, TYPES
from gateway.admin.trail_words import names_of
from gateway.edge.questions import opens
from gateway.web.language import N_, _
from models.ids import is_id
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.tables.records import Client
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session
    from starlette.requests import Request

KINDS: Mapping[str, tuple[str, str]] = {
    "": (N_("Changes and events"), "change,event"),
    "change": (N_("Changes"), "change"),
    "event": (N_("Events"), "event"),
    "decision": (N_("Decisions"), "decision"),
    "all": (N_("Everything"), "decision,change,event"),
}
TEXT_MAX = 256
FOUND_MAX = 12
_FIELDS = ("kind", "person", "client", "type", "item", "action", "decision", "request", "from", "until")


@dataclass(slots=True)
class Filter:
    """The fields of the form as they were typed; `wanted` is what the service is asked, `problems` what is wrong.

    `person` and `client` are names or ids; where a name fits several, `choices` has (field, value, label) of each.
    """

    typed: dict[str, str]
    wanted: dict[str, str] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    choices: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def is_on(self) -> bool:
        """Whether anything is filtered."""
        return any(self.typed.values())

    def link(self, path: str, **more: str) -> str:
        """A link with these fields, and others in their place."""
        query = {name: value for name, value in (self.typed | more).items() if value}
        return f"{path}?{urlencode(query)}" if query else path


async def read_filter(request: Request, *, hide: bool = False) -> Filter:
    """The filter of the query, with names looked up; with `hide` only staff have names, and others their ids."""
    query = request.query_params
    typed = {name: " ".join(query.get(name, "").split())[:TEXT_MAX] for name in _FIELDS}
    found = Filter(typed)
    kind = typed["kind"] if typed["kind"] in KINDS else ""
    if typed["request"]:
        found.wanted["request_id"] = typed["request"]
        kind = kind or "all"
    if typed["decision"] in ("true", "false"):
        found.wanted["decision"] = typed["decision"]
        kind = kind if kind == "all" else "decision"
    found.wanted["kind"] = KINDS[kind][1]
    if typed["type"] in TYPES:
        found.wanted["type"] = typed["type"]
    if typed["item"]:
        found.wanted["id"] = typed["item"]
    if typed["action"] in ACTIONS:
        found.wanted["action"] = typed["action"]
    elif typed["action"]:
        found.problems.append({"field": "action", "sentence": _("Choose one of the actions that are offered.")})
    _read_days(request, found)
    await _read_person(request, found, hide=hide)
    await _read_client(request, found, hide=hide)
    return found


def _read_days(request: Request, found: Filter) -> None:
    """Days of the practice's calendar; the last one is included whole."""
    zone = ZoneInfo(request.state.reader.zone)
    for name, ask, add in (("from", "since", 0), ("until", "until", 1)):
        text = found.typed[name]
        if not text:
            continue
        try:
            day = date.fromisoformat(text) + timedelta(days=add)
            found.wanted[ask] = datetime.combine(day, time(), zone).isoformat()
        except (ValueError, OverflowError):
            found.problems.append(
                {"field": name, "sentence": _("This is not a day of the calendar. Please choose another day.")}
            )
    if {"since", "until"} <= found.wanted.keys() and found.wanted["since"] >= found.wanted["until"]:
        found.problems.append({"field": "until", "sentence": _("The last day is before the first one.")})


async def _read_person(request: Request, found: Filter, *, hide: bool) -> None:
    text = found.typed["person"]
    if not text:
        return
    kind, slash, name = text.partition("/")
    if slash and is_id(name):
        found.wanted |= {"subject": text} if kind != SubjectType.ACCOUNT.value else {"account": name}
        return
    people = await _people_called(request, text, hide=hide)
    if len(people) == 1:
        ((value, _label),) = people.items()
        kind, _slash, name = value.partition("/")
        found.wanted |= {"subject": value} if kind != SubjectType.ACCOUNT.value else {"account": name}
    elif people:
        found.choices += [("person", value, label) for value, label in people.items()]
        found.problems.append({"field": "person", "sentence": _("Several people fit. Choose one below.")})
    else:
        found.problems.append({"field": "person", "sentence": _("Nobody is called that. Try part of the name.")})


async def _read_client(request: Request, found: Filter, *, hide: bool) -> None:
    text, practice_id = found.typed["client"], request.state.reader.practice_id
    if not text:
        return
    sees = not hide and (await opens(request, [("view", "client")]))[0]

    def read(session: Session) -> dict[str, str]:
        exact = session.get(Client, text)
        if exact is not None and exact.practice_id == practice_id:
            return {exact.id: exact.name if sees else exact.id}
        if not sees:
            return {}
        chosen = select(Client).where(Client.practice_id == practice_id).order_by(col(Client.name))
        for word in text.split()[:5]:
            chosen = chosen.where(col(Client.name).icontains(word, autoescape=True))
        return {row.id: row.name for row in session.exec(chosen.limit(FOUND_MAX))}

    clients: dict[str, str] = await request.app.state.records.read(practice_id, read)
    if len(clients) == 1:
        found.wanted["client"] = next(iter(clients))
    elif clients:
        found.choices += [("client", value, label) for value, label in clients.items()]
        found.problems.append({"field": "client", "sentence": _("Several clients fit. Choose one below.")})
    else:
        found.problems.append({"field": "client", "sentence": _("No client is called that. Try part of the name.")})


async def _people_called(request: Request, text: str, *, hide: bool) -> dict[str, str]:
    """`account/dana` or `staff/jo` with the name, for everyone of the practice whose name has every word."""
    practice_id, words = request.state.reader.practice_id, text.split()[:5]
    sees = not hide and (await opens(request, [("view", "client")]))[0]

    def read_contacts(session: Session) -> dict[str, str]:
        chosen = select(Contact.account_id, Contact.name).where(
            Contact.practice_id == practice_id, col(Contact.account_id).is_not(None)
        )
        for word in words:
            chosen = chosen.where(col(Contact.name).icontains(word, autoescape=True))
        rows = session.exec(chosen.order_by(col(Contact.name)).limit(FOUND_MAX * 4))
        return {f"{SubjectType.ACCOUNT}/{account_id}": name for account_id, name in rows}

    def read_staff(session: Session) -> dict[str, str]:
        chosen = select(Person).where(Person.practice_id == practice_id, Person.subject_type == SubjectType.STAFF.value)
        for word in words:
            chosen = chosen.where(col(Person.name).icontains(word, autoescape=True))
        return {f"{SubjectType.STAFF}/{row.subject_id}": row.name for row in session.exec(chosen.limit(FOUND_MAX))}

    records = request.app.state.records
    found: dict[str, str] = await records.read(None, read_staff)
    if sees:
        found |= await records.read(practice_id, read_contacts)
    if not found and await is_known(request, text):
        known = await names_of(request, accounts=[text], hide=True if hide else None)
        if hide or known.account(text) != text:
            found = {f"{SubjectType.ACCOUNT}/{text}": known.account(text)}
    return dict(list(found.items())[:FOUND_MAX])
