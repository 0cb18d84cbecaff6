"""The pages on which people choose what they hear about by mail: for everyone, and for one client (rows P19, c15)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.errors import NotFound
from gateway.edge.questions import asking, profiles
from gateway.mail.address import one_line
from gateway.notices.choices import EVERYONE, EVERYTHING, Choice, choose, default_of, offered, read_choices
from gateway.notices.labels import LABEL_CHARACTERS_MAX, default_labels, gives_away, keep_label, labels_of
from gateway.notices.notify import Event
from gateway.notices.words import EVENTS, STAFF_EVENTS
from gateway.web.language import LANGUAGES, N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from models.tables.identity import Person
from models.vocabulary import Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.reader import Profile
    from gateway.notices.choices import Choices
    from models.tables.records import Client

PAGE_SIZE = 50
HOME = "/account/notices"
CHOICES: Mapping[Choice, str] = {
    Choice.AT_ONCE: N_("At once"),
    Choice.DAILY: N_("Once a day"),
    Choice.NEVER: N_("Never"),
}
# What must be open for somebody before there is anything to hear of it; the others concern everyone.
_OPENS = {
    Event.MESSAGE: ("view", "thread"),
    Event.APPOINTMENT: ("view", "appointment"),
    Event.REMINDER: ("remind", "appointment"),
    Event.DOCUMENT: ("view", "document"),
    Event.SIGN: ("sign", "document"),
    Event.FORM: ("view", "form"),
    Event.INVOICE: ("view", "invoice"),
    Event.PAYMENT: ("view", "payment"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """An entry of a select."""

    value: str
    label: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class EventField:
    """The select for an event."""

    name: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list, by the label of the mails."""

    name: str
    label: str
    href: str


async def overview(request: Request) -> Response:
    """What holds for everyone, the language of the mails, and the clients."""
    reader = request.state.reader
    kind, records = reader.type, request.app.state.records
    choices: Choices = (await _choices(request))[reader.id]
    person = (await records.people(kind, [reader.id]))[reader.id]
    known = await profiles(request)
    labels = await _labels(request, known)
    begin = (page_number(request) - 1) * PAGE_SIZE
    return await page(
        request,
        "notices/overview.html",
        address=person.email,
        stopped=choices.stopped,
        fields=[_field(event, kind, choices) for event in _events(kind)],
        spoken=[Option(key, name, key == person.language) for key, name in LANGUAGES.items()],
        clients=[
            ClientRow(one.client.name, labels[one.client.id], f"{HOME}/{one.client.id}")
            for one in known[begin : begin + PAGE_SIZE]
        ],
        pages=pages_of(request, len(known), PAGE_SIZE),
    )


async def save_overview(request: Request) -> Response:
    """Keep what holds for everyone, and the language."""
    reader, fields = request.state.reader, await request.form()
    person = (reader.type, reader.id)
    spoken = str(fields.get("language", ""))

    def work(session: Session) -> None:
        choose(session, person, EVERYONE, EVERYTHING, None if fields.get("wanted") else Choice.NEVER)
        for event, chosen in _chosen(_events(reader.type), fields):
            choose(session, person, EVERYONE, event, None if chosen is default_of(reader.type, event) else chosen)
        if spoken in LANGUAGES:
            session.get_one(Person, (reader.type.value, reader.id)).language = spoken

    await request.app.state.records.change(None, work)
    await say(request, _("Your choices were saved."))
    return see_other(HOME)


async def of_client(request: Request) -> Response:
    """The label of one client, and what holds for that client."""
    profile, client = await _client(request)
    chosen = await request.app.state.records.read(None, lambda session: labels_of(session, request.state.reader.id))
    return await _client_page(request, profile, label=chosen.get(client.id, ""))


async def save_client(request: Request) -> Response:
    """Keep them; a label that would name the client to whoever sees the mail is refused."""
    profile, client = await _client(request)
    reader, fields = request.state.reader, await request.form()
    label = one_line(str(fields.get("label", "")))
    if problem := await _label_problem(request, client, label):
        return await _client_page(request, profile, label=label, problem=problem, fields=fields)

    def work(session: Session) -> None:
        keep_label(session, reader.id, client.id, label)
        for event, chosen in _chosen(EVENTS, fields):
            choose(session, (reader.type, reader.id), client.id, event, chosen)

    await request.app.state.records.change(None, work)
    await say(request, _("Your choices were saved."))
    return see_other(HOME)


async def _client_page(
    request: Request, profile: Profile, *, label: str, problem: str = "", fields: FormData | None = None
) -> Response:
    reader, client_id = request.state.reader, profile.client.id
    choices: Choices = (await _choices(request))[reader.id]
    events = await _open_events(request, client_id)
    everyone = {one.client.id: one.client.preferred for one in await profiles(request)}
    return await page(
        request,
        "notices/client.html",
        status=422 if problem else 200,
        called=profile.client.name,
        href=f"{HOME}/{client_id}",
        label=label,
        label_max=LABEL_CHARACTERS_MAX,
        default_label=_("you") if Kind.SELF in profile.kinds else default_labels(everyone)[client_id],
        problem=problem,
        fields=[_field(event, reader.type, choices, client_id, fields) for event in events],
    )


async def _client(request: Request) -> tuple[Profile, Client]:
    """The client of the path, who must be among the reader's; NotFound otherwise."""
    client_id = request.path_params["client"]
    mine = next((one for one in await profiles(request) if one.client.id == client_id), None)
    found = await request.app.state.records.client(client_id) if mine else None
    if mine is None or found is None:
        raise NotFound
    return mine, found[0]


async def _label_problem(request: Request, client: Client, label: str) -> str:
    if len(label) > LABEL_CHARACTERS_MAX:
        return _("Choose a label of at most %(most)s characters.", most=LABEL_CHARACTERS_MAX)
    if label and gives_away(label, client):
        return _("Leave the family name out: others may see the mail. Initials or a nickname will do.")
    labels = await _labels(request, await profiles(request))
    if label and label.casefold() in {other.casefold() for key, other in labels.items() if key != client.id}:
        return _("Choose another label: you use this one for someone else.")
    return ""


async def _labels(request: Request, known: Iterable[Profile]) -> dict[str, str]:
    """What each client is called in the reader's mails."""
    known = list(known)
    chosen: dict[str, str] = await request.app.state.records.read(
        None, lambda session: labels_of(session, request.state.reader.id)
    )
    own = {one.client.id: _("you") for one in known if Kind.SELF in one.kinds}
    return default_labels({one.client.id: one.client.preferred for one in known}) | own | chosen


async def _choices(request: Request) -> dict[str, Choices]:
    reader = request.state.reader
    found: dict[str, Choices] = await request.app.state.records.read(
        None, lambda session: read_choices(session, reader.type, [reader.id])
    )
    return found


async def _open_events(request: Request, client_id: str) -> list[Event]:
    """The events of which the reader could ever hear, for this client."""
    authz, who = request.app.state.authz, asking(request)
    plans = await asyncio.gather(
        *(authz.plan(who, action, kind, {"client_id": client_id}) for action, kind in _OPENS.values())
    )
    closed = {event for event, plan in zip(_OPENS, plans, strict=True) if plan.condition is False}
    return [event for event in EVENTS if event not in closed]


def _events(kind: SubjectType) -> Mapping[Event, str]:
    return STAFF_EVENTS if kind is SubjectType.STAFF else EVENTS


def _chosen(events: Iterable[Event], fields: FormData) -> list[tuple[Event, Choice | None]]:
    """What the form says of each event that it has; empty is none of its own, and what was not offered is left out."""
    sent = {event: str(fields[f"choice-{event.value}"]) for event in events if f"choice-{event.value}" in fields}
    return [
        (event, Choice(value) if value else None) for event, value in sent.items() if value in ("", *offered(event))
    ]


def _field(
    event: Event,
    kind: SubjectType,
    choices: Choices,
    client_id: str = EVERYONE,
    fields: Mapping[str, Any] | None = None,
) -> EventField:
    name = f"choice-{event.value}"
    general = choices.chosen.get((EVERYONE, event.value)) or default_of(kind, event)
    own = choices.chosen.get((client_id, event.value)) if client_id else general
    selected = str(fields[name]) if fields and name in fields else own or ""
    options = [Option(one.value, _(CHOICES[one]), one.value == selected) for one in offered(event)]
    if client_id:
        options.insert(0, Option("", _("As for everyone: %(choice)s", choice=_(CHOICES[general])), not selected))
    return EventField(name, _(_events(kind)[event]), tuple(options))
